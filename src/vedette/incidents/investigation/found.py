"""What the state database knows of an entity: its identifiers over all incidents, and where it was seen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from vedette.detect.entities.entity import Entity, identity, resolved, strong_keys
from vedette.incidents.merging import EntityMerger, MergedEntity, key_digest
from vedette.incidents.models import AlertRow, EntityKeyRow, IncidentEntityRow, IncidentRow
from vedette.incidents.work.models import BookmarkKeyRow, BookmarkRow

MOST_INCIDENTS: Final = 100
"""Incidents of an entity that are looked at: the newest."""


@dataclass(frozen=True, slots=True)
class Known:
    """An entity with every identifier that incidents give it, its incidents (newest first), and its alerts."""

    entity: Entity
    keys: frozenset[str]
    incidents: Sequence[IncidentRow]
    alert_ids: Sequence[str]
    more: bool
    """Whether it is in more incidents than these."""


def keys_of(entity: Entity) -> frozenset[str]:
    """The keys by which an entity is found."""
    return frozenset(strong_keys(entity) or (identity(entity),))


def known(session: Session, workspace_id: str, entity: Entity) -> Known:
    """Everything that incidents tell of an entity; two that are apart by a sure identifier stay apart."""
    merger = EntityMerger("asked")
    merger.add(entity, "asked")
    numbers = incident_numbers(session, workspace_id, keys_of(entity), MOST_INCIDENTS + 1)
    rows: dict[int, list[MergedEntity]] = {}
    query = select(IncidentEntityRow).where(
        IncidentEntityRow.workspace_id == workspace_id,
        IncidentEntityRow.number.in_(numbers[:MOST_INCIDENTS]),
        IncidentEntityRow.type == entity.type,
    )
    for row in session.scalars(query):
        merged = MergedEntity(row.id, row.type, dict(row.identifiers), set(row.keys), list(row.alert_ids))
        if merged.keys & keys_of(entity):
            rows.setdefault(row.number, []).append(merged)
            for identifiers, alert_ids in row.records or [[row.identifiers, row.alert_ids]]:
                for alert_id in alert_ids or [""]:
                    merger.add(Entity.of(row.type, identifiers), alert_id)
    mine = next(one for one in merger.entities if "asked" in one.alert_ids)
    alert_ids = [alert_id for alert_id in mine.alert_ids if alert_id not in ("asked", "")]
    wanted = [number for number, found in rows.items() if any(set(one.alert_ids) & set(alert_ids) for one in found)]
    return Known(
        Entity.of(mine.type, mine.identifiers or resolved(entity)),
        frozenset(mine.keys) | keys_of(entity),
        incidents(session, workspace_id, wanted),
        alert_ids,
        len(numbers) > MOST_INCIDENTS,
    )


def incident_numbers(session: Session, workspace_id: str, keys: Iterable[str], most: int) -> list[int]:
    """The newest incidents that have an entity of these keys."""
    digests = [key_digest(key) for key in keys]
    query = (
        select(EntityKeyRow.number)
        .where(EntityKeyRow.workspace_id == workspace_id, EntityKeyRow.key.in_(digests))
        .distinct()
        .order_by(EntityKeyRow.number.desc())
        .limit(most)
    )
    return list(session.scalars(query))


def incidents(session: Session, workspace_id: str, numbers: Iterable[int]) -> list[IncidentRow]:
    """Incidents by number, the newest first."""
    query = select(IncidentRow).where(IncidentRow.workspace_id == workspace_id, IncidentRow.number.in_(list(numbers)))
    return list(session.scalars(query.order_by(IncidentRow.number.desc())))


def alerts(session: Session, workspace_id: str, ids: Sequence[str], most: int) -> list[AlertRow]:
    """Alerts by id, the latest first."""
    query = select(AlertRow).where(AlertRow.workspace_id == workspace_id, AlertRow.id.in_(list(ids)[:5000]))
    return list(session.scalars(query.order_by(AlertRow.start.desc(), AlertRow.id).limit(most)))


def bookmarks(session: Session, workspace_id: str, keys: Iterable[str], most: int) -> list[BookmarkRow]:
    """Bookmarks about an entity, the latest event first."""
    digests = [key_digest(key) for key in keys]
    ids = select(BookmarkKeyRow.bookmark_id).where(
        BookmarkKeyRow.workspace_id == workspace_id, BookmarkKeyRow.key.in_(digests)
    )
    query = select(BookmarkRow).where(
        BookmarkRow.workspace_id == workspace_id, BookmarkRow.deleted.is_(False), BookmarkRow.id.in_(ids)
    )
    return list(session.scalars(query.order_by(BookmarkRow.event_time.desc(), BookmarkRow.id).limit(most)))


def entity_view(entity: Entity) -> dict[str, Any]:
    """An entity that is named by its identifiers."""
    return {"type": entity.type, "name": entity.title, "properties": dict(entity.identifiers)}
