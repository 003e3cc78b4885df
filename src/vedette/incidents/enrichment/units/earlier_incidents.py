"""Earlier incidents of the same entities, with how they were closed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from vedette.core.roles import Permission
from vedette.incidents.enrichment.contract import Fact, Found, Subject, Workbench
from vedette.incidents.fields import iso
from vedette.incidents.investigation.found import known
from vedette.incidents.models import IncidentRow

EACH: Final = 5
"""Incidents that are told of an entity: the newest."""


class EarlierIncidents:
    """The enrichment `earlier-incidents`."""

    id: Final = "earlier-incidents"
    title: Final = "Earlier incidents"
    kinds: Final = frozenset(
        {"Account", "Host", "IP", "AzureResource", "URL", "DNS", "FileHash", "Mailbox", "CloudApplication"}
    )
    right: Final = Permission.INCIDENTS_READ
    rows: Final = 60
    bytes: Final = 32 * 1024

    def look_up(self, subject: Subject, bench: Workbench) -> Found:
        """Looks through what is known of each entity, one short transaction each."""
        facts: list[Fact] = []
        for identity, entity in subject.entities.items():
            if len(facts) >= self.rows:
                return Found(facts[: self.rows], more=True)
            with bench.state.session(read_only=True) as session:
                told = known(session, subject.workspace_id, entity)
                earlier = _others(told.incidents, subject.number)
                facts += [_fact(identity, row) for row in earlier[:EACH]]
                if len(earlier) > EACH:
                    count = f"{len(earlier) - EACH}{'+' if told.more else ''}"
                    facts.append(Fact(identity, f"{count} more earlier incidents", {"Verdicts": _verdicts(earlier)}))
        return Found(facts[: self.rows], len(facts) > self.rows)


def _others(rows: Iterable[IncidentRow], number: int) -> list[IncidentRow]:
    return [row for row in rows if row.number < number and row.merged_into is None]


def _fact(identity: str, row: IncidentRow) -> Fact:
    how = f"closed as {row.classification}" if row.classification else row.status.lower()
    properties = {
        "Number": row.number, "Title": row.title, "Severity": row.severity, "Status": row.status,
        "Verdict": row.classification, "Reason": row.classification_reason, "Comment": row.classification_comment,
        "Created": iso(row.created_at),
    }  # fmt: skip
    return Fact(
        identity, f"Incident {row.number}, {how}: {row.title}",
        {name: value for name, value in properties.items() if value not in (None, "")},
    )  # fmt: skip


def _verdicts(rows: Iterable[IncidentRow]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for row in rows:
        verdict = row.classification or row.status
        counts[verdict] = counts.get(verdict, 0) + 1
    return counts
