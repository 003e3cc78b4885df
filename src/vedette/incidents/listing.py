"""The incident queue: filtered, sorted and paged in the database, without touching what a list does not show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
from sqlalchemy import ColumnElement, Select, false, func, or_, select
from sqlalchemy.orm import Session

from vedette.core.errors import InvalidInput, nearest
from vedette.detect.entities.entity import Entity, identity, strong_keys
from vedette.detect.rule import Severity
from vedette.incidents.fields import iso
from vedette.incidents.merging import key_digest
from vedette.incidents.models import (
    EntityKeyRow,
    IncidentCounterRow,
    IncidentEntityRow,
    IncidentRow,
    IncidentRuleRow,
)
from vedette.incidents.vocabulary import Status

MAX_TOP: Final = 10_000

FEW: Final = 1000
"""So many lines a database sorts quickly, whatever their order."""

_INDEXED: Final = frozenset({"number", "severity", "createdTimeUtc", "priority"})
"""Sorts that an index of the table has."""

NOBODY: Final = "none"
"""The owner of incidents that have none."""

_SORTS: Final[dict[str, Any]] = {
    "number": IncidentRow.number,
    "title": IncidentRow.title,
    "severity": IncidentRow.severity_rank,
    "status": IncidentRow.status,
    "owner": IncidentRow.owner_name,
    "classification": IncidentRow.classification,
    "createdTimeUtc": IncidentRow.created_at,
    "lastModifiedTimeUtc": IncidentRow.modified_at,
    "firstActivityTimeUtc": IncidentRow.first_activity,
    "lastActivityTimeUtc": IncidentRow.last_activity,
    "alertCount": IncidentRow.alert_count,
    "priority": IncidentRow.priority,
}


@dataclass(frozen=True, slots=True)
class IncidentFilter:
    """What a list is to hold; everything that is given must be so.

    `owners` has ids, or `NOBODY`; `words` must all occur in the search text; `entity` is a name, or an `Entity` that is
    found by its identity; `changed_since` is the `as_of` of an earlier page.
    """

    statuses: Sequence[str] = ()
    severities: Sequence[str] = ()
    owners: Sequence[str] = ()
    words: str = ""
    rule_id: str | None = None
    entity: str | Entity | None = None
    label: str | None = None
    changed_since: str | None = None
    sort: str = "-createdTimeUtc"
    top: int = 100
    skip: int = 0


@dataclass(frozen=True, slots=True)
class IncidentPage:
    """A part of the queue: summaries, how many match in all, counts over the whole workspace, and a mark of the time."""

    lines: list[str]
    """The summaries, as JSON."""
    count: int
    facets: dict[str, Any]
    as_of: str

    @property
    def value(self) -> list[dict[str, Any]]:
        """The summaries."""
        return [orjson.loads(line) for line in self.lines]

    def to_json(self) -> bytes:
        """As the API gives it, without reading what is JSON already."""
        rest = orjson.dumps({"count": self.count, "facets": self.facets, "asOf": self.as_of})
        return b'{"value":[' + ",".join(self.lines).encode() + b"]," + rest[1:]

    def to_dict(self) -> dict[str, Any]:
        """As the API gives it."""
        return {"value": self.value, "count": self.count, "facets": self.facets, "asOf": self.as_of}


def summary(row: IncidentRow) -> dict[str, Any]:
    """An incident as a line of the queue."""
    return {
        "id": row.id,
        "number": row.number,
        "title": row.title,
        "severity": row.severity,
        "priority": row.priority,
        "status": row.status,
        "owner": None if row.owner_id is None else {"id": row.owner_id, "name": row.owner_name or row.owner_id},
        "classification": row.classification,
        "classificationReason": row.classification_reason,
        "classificationComment": row.classification_comment,
        "labels": row.labels,
        "tactics": row.tactics,
        "createdTimeUtc": iso(row.created_at),
        "lastModifiedTimeUtc": iso(row.modified_at),
        "firstActivityTimeUtc": row.first_activity,
        "lastActivityTimeUtc": row.last_activity,
        "alertCount": row.alert_count,
        "alertProductNames": row.product_names,
        "entityNames": row.entity_names,
        "revisions": row.revisions,
    }


def list_incidents(session: Session, workspace_id: str, wanted: IncidentFilter) -> IncidentPage:
    """One page of the queue. `InvalidInput` for an unknown status, severity or sort, or a page that is too large."""
    if not 0 <= wanted.top <= MAX_TOP or wanted.skip < 0:
        raise InvalidInput(f"A page has 0 to {MAX_TOP:,} incidents.", target="top")
    mine = IncidentRow.workspace_id == workspace_id
    as_of = session.scalar(select(IncidentCounterRow.last_change).filter_by(workspace_id=workspace_id)) or 0
    conditions = _conditions(workspace_id, wanted)
    cube = _cube(session, mine)
    if conditions:
        count = session.scalar(select(func.count()).select_from(IncidentRow).where(mine, *conditions)) or 0
    else:
        count = sum(cell[-1] for cell in cube)
    lines = _lines(session, mine, conditions, wanted, count) if wanted.top else []
    return IncidentPage(lines, count, _facets(cube), str(as_of))


def _lines(
    session: Session,
    mine: ColumnElement[bool],
    conditions: list[ColumnElement[bool]],
    wanted: IncidentFilter,
    count: int,
) -> list[str]:
    """The summaries in their order, straight from the driver's rows: a session's own results take half as long again.

    Where no index has the order, the database sorts numbers, and lines are put into the order here: lines are a hundred
    times as long, and sorting thousands of them takes longer than reading them.
    """
    order = _order(wanted.sort)
    connection = session.connection()
    if wanted.top <= FEW or wanted.sort.lstrip("-") in _INDEXED:
        query = select(IncidentRow.summary).where(mine, *conditions).order_by(*order)
        return [line for (line,) in connection.execute(query.offset(wanted.skip).limit(wanted.top)).all()]
    ordered = select(IncidentRow.number).where(mine, *conditions).order_by(*order)
    numbers = ordered.offset(wanted.skip).limit(wanted.top)
    places = [number for (number,) in connection.execute(numbers).all()]
    whole = wanted.skip == 0 and count <= wanted.top
    found = select(IncidentRow.number, IncidentRow.summary).where(mine, *(conditions if whole else [_among(numbers)]))
    lines: dict[int, str] = {row[0]: row[1] for row in connection.execute(found).all()}
    return [lines[number] for number in places]


def _cube(session: Session, mine: ColumnElement[bool]) -> list[tuple[str, str, str | None, str | None, int]]:
    columns = (IncidentRow.status, IncidentRow.severity, IncidentRow.owner_id)
    query = select(*columns, func.max(IncidentRow.owner_name), func.count()).where(mine).group_by(*columns)
    return [(status, severity, owner, name, n) for status, severity, owner, name, n in session.execute(query)]


def _facets(cube: list[tuple[str, str, str | None, str | None, int]]) -> dict[str, Any]:
    """Counts over the whole workspace, whatever the filter: they are always to be seen."""
    statuses = dict.fromkeys((status.value for status in Status), 0)
    severities = dict.fromkeys((severity.value for severity in Severity), 0)
    owners: dict[str | None, dict[str, Any]] = {}
    for status, severity, owner_id, owner_name, count in cube:
        statuses[status] += count
        severities[severity] += count
        owner = owners.setdefault(owner_id, {"id": owner_id, "name": owner_name, "count": 0})
        owner["count"] += count
    ordered = sorted(owners.values(), key=lambda owner: (owner["id"] is None, -owner["count"], owner["name"] or ""))
    return {"status": statuses, "severity": severities, "owner": ordered}


def _conditions(workspace_id: str, wanted: IncidentFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.statuses:
        conditions.append(IncidentRow.status.in_(_known("status", wanted.statuses, [each.value for each in Status])))
    if wanted.severities:
        known = _known("severity", wanted.severities, [each.value for each in Severity])
        conditions.append(IncidentRow.severity.in_(known))
    if wanted.owners:
        ids = [owner for owner in wanted.owners if owner != NOBODY]
        owned = IncidentRow.owner_id.in_(ids) if ids else false()
        conditions.append(or_(owned, IncidentRow.owner_id.is_(None)) if NOBODY in wanted.owners else owned)
    for word in wanted.words.casefold().split():
        conditions.append(IncidentRow.search_text.contains(word, autoescape=True))
    if wanted.label:
        label = f"\n#{wanted.label.casefold()}\n"
        conditions.append(IncidentRow.search_text.contains(label, autoescape=True))
    if wanted.rule_id:
        conditions.append(
            _among(select(IncidentRuleRow.number).filter_by(workspace_id=workspace_id, rule_id=wanted.rule_id))
        )
    if wanted.entity:
        conditions.append(_with_entity(workspace_id, wanted.entity))
    if wanted.changed_since is not None:
        if not wanted.changed_since.isdigit():
            raise InvalidInput("'changedSince' is the 'asOf' of an earlier answer.", target="changedSince")
        conditions.append(IncidentRow.change > int(wanted.changed_since))
    return conditions


def _known(name: str, given: Sequence[str], known: list[str]) -> list[str]:
    folded = {word.casefold(): word for word in known}
    found = []
    for word in given:
        if word.casefold() not in folded:
            near = nearest(word, known)
            hint = f"Did you mean '{near}'?" if near else f"Known are {', '.join(known)}."
            raise InvalidInput(f"'{word}' is not a {name}.", target=name, hint=hint)
        found.append(folded[word.casefold()])
    return found


def _among(numbers: Select[Any]) -> ColumnElement[bool]:
    return IncidentRow.number.in_(numbers)


def _with_entity(workspace_id: str, entity: str | Entity) -> ColumnElement[bool]:
    if isinstance(entity, str):
        named = select(IncidentEntityRow.number).filter_by(workspace_id=workspace_id, folded_name=entity.casefold())
        return _among(named)
    digests = [key_digest(key) for key in strong_keys(entity) or (identity(entity),)]
    keyed = select(EntityKeyRow.number).where(EntityKeyRow.workspace_id == workspace_id, EntityKeyRow.key.in_(digests))
    return _among(keyed)


def _order(sort: str) -> list[ColumnElement[Any]]:
    name = sort.lstrip("-")
    column = _SORTS.get(name)
    if column is None:
        near = nearest(name, _SORTS)
        hint = f"Did you mean '{near}'?" if near else f"Known are {', '.join(_SORTS)}."
        raise InvalidInput(f"Incidents are not sorted by '{name}'.", target="sort", hint=hint)
    if sort.startswith("-"):
        return [column.desc(), IncidentRow.number.desc()]
    return [column.asc(), IncidentRow.number.asc()]
