"""The entities of an incident in the database: kept with their keys, by which incidents are found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from vedette.core.database import storable
from vedette.detect.entities.clusters import Record
from vedette.incidents.enrichment.models import entities_are
from vedette.incidents.merging import EntityMerger, MergedEntity, key_digest
from vedette.incidents.models import AlertRow, EntityKeyRow, IncidentEntityRow, IncidentRow
from vedette.incidents.records import entities_of

_NAMES_SHOWN: Final = 10


def entity_from_row(row: IncidentEntityRow) -> MergedEntity:
    """The entity that a row keeps."""
    records = [Record(row.type, dict(identifiers), list(alert_ids)) for identifiers, alert_ids in row.records]
    return MergedEntity(row.id, row.type, dict(row.identifiers), set(row.keys), list(row.alert_ids), records)


def merge_entities(
    session: Session, incident: IncidentRow, added: Iterable[AlertRow] = (), only: Sequence[str] | None = None
) -> None:
    """Bring an incident's entities up to date: those of `added` alerts come in; with `only`, those that no alert of these
    ids has go."""
    own = {"workspace_id": incident.workspace_id, "number": incident.number}
    there = select(IncidentEntityRow).filter_by(**own).order_by(IncidentEntityRow.position)
    rows = {row.id: row for row in session.scalars(there)}
    merger = EntityMerger(incident.id, [entity_from_row(row) for row in rows.values()])
    if only is not None:
        merger.keep_only(only)
    for alert in added:
        for entity in entities_of(alert):
            merger.add(entity, alert.id)
    for position, merged in enumerate(merger.entities):
        _keep(session, incident, rows.pop(merged.id, None), merged, position)
    for gone in rows.values():
        session.delete(gone)
    _keep_keys(session, incident, {key_digest(key) for merged in merger.entities for key in merged.keys})
    names = [storable(merged.entity.title) for merged in merger.entities]
    incident.entity_names = list(dict.fromkeys(names))[:_NAMES_SHOWN]
    entities_are(session, incident.workspace_id, incident.number, merger.entities)


def _keep(
    session: Session, incident: IncidentRow, row: IncidentEntityRow | None, merged: MergedEntity, position: int
) -> None:
    name = storable(merged.entity.title)
    values = {
        "type": merged.type,
        "name": name,
        "folded_name": name.casefold(),
        "identifiers": merged.identifiers,
        "keys": sorted(merged.keys),
        "position": position,
        "alert_ids": merged.alert_ids,
        "records": [record.to_list() for record in merged.records],
    }
    if row is None:
        session.add(
            IncidentEntityRow(workspace_id=incident.workspace_id, number=incident.number, id=merged.id, **values)
        )
        return
    for column, value in values.items():
        setattr(row, column, value)


def _keep_keys(session: Session, incident: IncidentRow, wanted: set[str]) -> None:
    own = {"workspace_id": incident.workspace_id, "number": incident.number}
    present = set(session.scalars(select(EntityKeyRow.key).filter_by(**own)))
    for digest in sorted(wanted - present):
        session.add(EntityKeyRow(key=digest, **own))
    gone = sorted(present - wanted)
    if gone:
        session.execute(delete(EntityKeyRow).filter_by(**own).where(EntityKeyRow.key.in_(gone)))
