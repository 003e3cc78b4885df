"""Incidents like one: which, why, and what they turned out to be."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from vedette.incidents.fields import iso
from vedette.incidents.merging import key_digest
from vedette.incidents.models import EntityKeyRow, IncidentEntityRow, IncidentRow, IncidentRuleRow

MOST: Final = 10
_CANDIDATES: Final = 500
_COMMON: Final = 50
"""An entity in more incidents than this says little about any of them."""


def similar(session: Session, incident: IncidentRow, most: int = MOST) -> list[dict[str, Any]]:
    """The incidents most like it, the most alike first; each with the reasons and how it was closed."""
    names: dict[str, str] = {}
    mine = select(IncidentEntityRow).filter_by(workspace_id=incident.workspace_id, number=incident.number).limit(200)
    for entity in session.scalars(mine):
        names |= {key_digest(key): f"{entity.type} {entity.name}" for key in entity.keys}
    shared = _shared(session, incident, names)
    rules = select(IncidentRuleRow.number).where(
        IncidentRuleRow.workspace_id == incident.workspace_id,
        IncidentRuleRow.rule_id.in_(incident.rule_ids),
        IncidentRuleRow.number != incident.number,
    )
    same_rule = set(session.scalars(rules.order_by(IncidentRuleRow.number.desc()).limit(_CANDIDATES)))
    numbers = sorted({*shared, *same_rule}, reverse=True)[: 2 * _CANDIDATES]
    columns = (
        IncidentRow.number, IncidentRow.id, IncidentRow.title, IncidentRow.severity, IncidentRow.status,
        IncidentRow.classification, IncidentRow.classification_reason, IncidentRow.classification_comment,
        IncidentRow.tactics, IncidentRow.techniques, IncidentRow.created_at, IncidentRow.merged_into,
    )  # fmt: skip
    query = select(*columns).where(IncidentRow.workspace_id == incident.workspace_id, IncidentRow.number.in_(numbers))
    found = []
    for row in session.execute(query):
        if row.merged_into is not None:
            continue
        score, reasons = _weigh(incident, row, row.number in same_rule, shared.get(row.number, set()))
        found.append((score, row, reasons))
    found.sort(key=lambda one: (-one[0], one[1].classification is None, -one[1].number))
    return [_view(score, row, reasons) for score, row, reasons in found[:most]]


def _shared(session: Session, incident: IncidentRow, names: dict[str, str]) -> dict[int, set[str]]:
    query = (
        select(EntityKeyRow.number, EntityKeyRow.key)
        .where(
            EntityKeyRow.workspace_id == incident.workspace_id,
            EntityKeyRow.key.in_(list(names)[:1000]),
            EntityKeyRow.number != incident.number,
        )
        .order_by(EntityKeyRow.number.desc())
        .limit(20 * _CANDIDATES)
    )
    pairs = [(number, names[key]) for number, key in session.execute(query)]
    times = Counter(name for _, name in set(pairs))
    shared: dict[int, set[str]] = {}
    for number, name in pairs:
        if times[name] <= _COMMON:
            shared.setdefault(number, set()).add(name)
    return shared


def _weigh(incident: IncidentRow, row: Any, same_rule: bool, shared: set[str]) -> tuple[float, list[str]]:
    score, reasons = 0.0, []
    if same_rule:
        score += 40.0
        reasons.append("It comes from the same rule")
    if shared:
        score += min(45.0, 20.0 + 10.0 * (len(shared) - 1) + 5.0)
        listed = ", ".join(sorted(shared)[:3])
        reasons.append(f"It names {listed}" + (f" and {len(shared) - 3} more" if len(shared) > 3 else ""))
    for kind, ours, theirs in (
        ("techniques", incident.techniques, row.techniques),
        ("tactics", incident.tactics, row.tactics),
    ):
        both = [one for one in ours if one in theirs]
        if both:
            score += 10.0 * len(both) / len({*ours, *theirs})
            reasons.append(f"It has the {kind} {', '.join(both[:3])}")
            break
    if row.title == incident.title and not same_rule:
        score += 5.0
        reasons.append("It has the same title")
    return min(100.0, score), reasons


def _view(score: float, row: Any, reasons: list[str]) -> dict[str, Any]:
    return {
        "number": row.number,
        "id": row.id,
        "title": row.title,
        "severity": row.severity,
        "status": row.status,
        "classification": row.classification,
        "classificationReason": row.classification_reason,
        "classificationComment": row.classification_comment,
        "createdTimeUtc": iso(row.created_at),
        "similarity": round(score),
        "reasons": reasons,
    }
