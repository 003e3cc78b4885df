"""Bookmarks: rows of results that somebody kept, with the query that found them, in an incident or without one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from vedette.core.database import State, storable
from vedette.core.errors import Conflict, InvalidInput, NotFound, nearest
from vedette.core.ids import IdSource, is_uuid
from vedette.core.roles import Permission, Principal
from vedette.detect.alerts.moments import wire_datetime
from vedette.detect.entities.entity import Entity, identity, strong_keys
from vedette.detect.entities.types import ENTITY_TYPES, entity_type
from vedette.detect.rule import JsonValue
from vedette.incidents.fields import FIELDS, iso, text_reader
from vedette.incidents.journal import IncidentEvent, Journal
from vedette.incidents.logrows import BOOKMARKS, hunting_bookmark
from vedette.incidents.merging import key_digest
from vedette.incidents.vocabulary import ActivityKind
from vedette.incidents.work.models import BookmarkKeyRow, BookmarkRow
from vedette.kql import ticks

MAX_ROW_BYTES: Final = 64 * 1024
MAX_ENTITIES: Final = 100
MAX_OF_INCIDENT: Final = 100
MAX_LIST: Final = 1000


def bookmark_view(row: BookmarkRow) -> dict[str, Any]:
    """A bookmark for programs and the console."""
    entities = [Entity.from_dict(entity) for entity in row.entities]
    return {
        "id": row.id,
        "displayName": row.name,
        "notes": row.notes,
        "labels": row.labels,
        "query": row.query,
        "queryResult": row.row,
        "queryStartTimeUtc": row.query_start,
        "queryEndTimeUtc": row.query_end,
        "eventTimeUtc": row.event_time,
        "entities": [{"type": one.type, "name": one.title, "properties": dict(one.identifiers)} for one in entities],
        "incidentNumber": row.number,
        "createdTimeUtc": iso(row.created_at),
        "createdBy": {"id": row.created_by_id, "name": row.created_by_name},
        "lastModifiedTimeUtc": iso(row.modified_at),
        "etag": str(row.revision),
    }


class Bookmarks:
    """The bookmarks of one workspace; each change is appended to HuntingBookmark."""

    def __init__(self, state: State, journal: Journal, new_id: IdSource) -> None:
        self._state = state
        self._journal = journal
        self._new_id = new_id

    def list(self, number: int | None = None, top: int = 100, skip: int = 0) -> list[dict[str, Any]]:
        """Bookmarks of an incident, or of the workspace, the latest event first."""
        if not 0 <= top <= MAX_LIST or skip < 0:
            raise InvalidInput(f"A page has 0 to {MAX_LIST:,} bookmarks.", target="top")
        query = select(BookmarkRow).filter_by(workspace_id=self._journal.workspace_id, deleted=False)
        if number is not None:
            query = query.filter_by(number=number)
        query = query.order_by(BookmarkRow.event_time.desc(), BookmarkRow.id).limit(top).offset(skip)
        with self._state.session(read_only=True) as session:
            return [bookmark_view(row) for row in session.scalars(query)]

    def get(self, bookmark_id: str) -> dict[str, Any]:
        """A bookmark by its id."""
        with self._state.session(read_only=True) as session:
            return bookmark_view(self._row(session, bookmark_id))

    def add(self, values: Mapping[str, JsonValue], principal: Principal) -> dict[str, Any]:
        """Keep a row; with `incidentNumber` as a part of that incident. `InvalidInput` names what is wrong with a value."""
        principal.require(self._journal.workspace_id, Permission.INCIDENTS_WRITE)
        if "displayName" not in values:
            raise InvalidInput("A bookmark needs a 'displayName'.", target="displayName")
        now = self._journal.clock.now()
        with self._state.session() as session:
            row = BookmarkRow(
                workspace_id=self._journal.workspace_id,
                id=self._new_id(),
                number=None,
                name="",
                notes="",
                labels=[],
                query="",
                row={},
                entities=[],
                event_time=wire_datetime(now),
                query_start=None,
                query_end=None,
                created_at=now,
                created_by_id=principal.id,
                created_by_name=principal.display_name,
                modified_at=now,
                modified_by_name=principal.display_name,
                deleted=False,
                revision=0,
            )
            self._set(session, row, values, principal)
            return bookmark_view(row)

    def change(
        self, bookmark_id: str, values: Mapping[str, JsonValue], principal: Principal, etag: str | None = None
    ) -> dict[str, Any]:
        """Change a bookmark's values; `incidentNumber` moves it into an incident, or, as null, out of its own."""
        principal.require(self._journal.workspace_id, Permission.INCIDENTS_WRITE)
        with self._state.session() as session:
            row = self._row(session, bookmark_id)
            if etag is not None and etag.strip('"') not in ("*", str(row.revision)):
                raise Conflict("The bookmark has changed since it was read.", hint="Read it again.", target=bookmark_id)
            self._set(session, row, values, principal)
            return bookmark_view(row)

    def remove(self, bookmark_id: str, principal: Principal) -> None:
        """Remove a bookmark."""
        principal.require(self._journal.workspace_id, Permission.INCIDENTS_WRITE)
        with self._state.session() as session:
            row = self._row(session, bookmark_id)
            row.deleted = True
            self._write(session, row, principal)
            if row.number is not None:
                self._tell(session, row.number, row, f"Bookmark removed: {row.name}", principal)

    def _set(self, session: Session, row: BookmarkRow, values: Mapping[str, JsonValue], principal: Principal) -> None:
        before = row.number
        for name, value in values.items():
            self._put(session, row, name, value)
        self._write(session, row, principal)
        if before is not None and before != row.number:
            self._tell(session, before, row, f"Bookmark taken out: {row.name}", principal)
        if row.number is not None:
            verb = "added" if before != row.number else "changed"
            self._tell(session, row.number, row, f"Bookmark {verb}: {row.name}", principal)

    def _put(self, session: Session, row: BookmarkRow, name: str, value: JsonValue) -> None:
        match name:
            case "displayName":
                row.name = storable(text_reader(name, 256, empty=False)(value))
            case "notes":
                row.notes = storable(text_reader(name, 30_000, empty=True)(value))
            case "query":
                row.query = storable(text_reader(name, 100_000, empty=True)(value))
            case "labels":
                row.labels = FIELDS["labels"].read(value)
            case "queryResult":
                row.row = _row_of(value)
            case "entities":
                row.entities = [entity.to_dict() for entity in read_entities(value)]
            case "eventTimeUtc":
                row.event_time = _moment(name, value) or wire_datetime(self._journal.clock.now())
            case "queryStartTimeUtc":
                row.query_start = _moment(name, value)
            case "queryEndTimeUtc":
                row.query_end = _moment(name, value)
            case "incidentNumber":
                row.number = self._number(session, row, value)
            case _:
                known = (
                    "displayName notes query labels queryResult entities eventTimeUtc queryStartTimeUtc queryEndTimeUtc"
                )
                near = nearest(name, [*known.split(), "incidentNumber"])
                hint = f"Did you mean '{near}'?" if near else f"It has {known.replace(' ', ', ')}, incidentNumber."
                raise InvalidInput(f"A bookmark has no field '{name}' that can be changed.", target=name, hint=hint)

    def _number(self, session: Session, row: BookmarkRow, value: JsonValue) -> int | None:
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool):
            raise InvalidInput("'incidentNumber' is an incident's number, or null.", target="incidentNumber")
        number = self._journal.row(session, value).number
        with session.no_autoflush:
            there = self._journal.bookmarks(session, number)
        if row.number != number and len(there) >= MAX_OF_INCIDENT:
            raise Conflict(f"Incident {number} has {MAX_OF_INCIDENT} bookmarks, which is the most.", target="bookmarks")
        return number

    def _write(self, session: Session, row: BookmarkRow, principal: Principal) -> None:
        row.revision += 1
        row.modified_at, row.modified_by_name = self._journal.clock.now(), principal.display_name
        session.add(row)
        session.flush()
        own = {"workspace_id": row.workspace_id, "bookmark_id": row.id}
        session.execute(delete(BookmarkKeyRow).filter_by(**own))
        entities = [] if row.deleted else [Entity.from_dict(entity) for entity in row.entities]
        digests = {key_digest(key) for one in entities for key in strong_keys(one) or (identity(one),)}
        session.add_all(BookmarkKeyRow(key=digest, **own) for digest in sorted(digests))
        self._journal.outbox.add(session, BOOKMARKS, hunting_bookmark(row, row.workspace_id))
        session.flush()

    def _tell(self, session: Session, number: int, row: BookmarkRow, title: str, principal: Principal) -> None:
        incident = self._journal.row(session, number)
        kind = ActivityKind.BOOKMARK
        self._journal.note(session, incident, kind, principal, title=title, reference=row.id)
        self._journal.finish(session, incident, principal)
        self._journal.tell(IncidentEvent(kind, incident.number, incident.id, principal=principal))

    def _row(self, session: Session, bookmark_id: str) -> BookmarkRow:
        text = bookmark_id.strip().lower()
        row = session.get(BookmarkRow, (self._journal.workspace_id, text)) if is_uuid(text) else None
        if row is None or row.deleted:
            raise NotFound(f"There is no bookmark '{bookmark_id}'.", target=bookmark_id)
        return row


def _row_of(value: JsonValue) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise InvalidInput("'queryResult' is a row: an object of columns and values.", target="queryResult")
    size = len(orjson.dumps(value))
    if size > MAX_ROW_BYTES:
        message = f"'queryResult' has at most {MAX_ROW_BYTES // 1024} KB, not {size // 1024:,}."
        raise InvalidInput(message, target="queryResult", hint="Keep the columns that matter.")
    return dict(value)


def _moment(name: str, value: JsonValue) -> str | None:
    if value is None:
        return None
    found = ticks.parse_datetime(value) if isinstance(value, str) else None
    if found is None:
        raise InvalidInput(f"'{name}' is a time such as 2026-03-01T12:00:00Z.", target=name)
    return ticks.format_datetime(found)


def read_entities(value: JsonValue) -> list[Entity]:
    """Entities as ``{"type": …, identifier: …}``. `InvalidInput` names an unknown type or identifier."""
    if not isinstance(value, list) or not all(isinstance(one, Mapping) for one in value):
        raise InvalidInput("'entities' is a list of objects with a 'type'.", target="entities")
    if len(value) > MAX_ENTITIES:
        raise InvalidInput(f"There are at most {MAX_ENTITIES} entities.", target="entities")
    return [read_entity(one) for one in value]


def read_entity(value: Mapping[str, JsonValue]) -> Entity:
    """One entity; identifiers may also be under `properties`."""
    given = {**value.get("properties", {}), **{k: v for k, v in value.items() if k not in ("properties", "name")}}
    name = given.pop("type", None)
    known = entity_type(name) if isinstance(name, str) else None
    if known is None:
        near = nearest(str(name), [one.name for one in ENTITY_TYPES])
        hint = f"Did you mean '{near}'?" if near else f"Types are {', '.join(one.name for one in ENTITY_TYPES)}."
        raise InvalidInput(f"'{name}' is not a type of entity.", target="type", hint=hint)
    identifiers: dict[str, str] = {}
    for key, text in given.items():
        identifier = known.identifier(key)
        if identifier is None:
            near = nearest(key, known.identifiers)
            hint = f"Did you mean '{near}'?" if near else f"It has {', '.join(known.identifiers)}."
            raise InvalidInput(f"An entity of type {known.name} has no identifier '{key}'.", target=key, hint=hint)
        if not isinstance(text, str) or not text.strip() or len(text) > 8192:
            raise InvalidInput(f"'{key}' is a text of 1 to 8,192 characters.", target=key)
        identifiers[identifier] = storable(text.strip())
    if not identifiers:
        raise InvalidInput(f"An entity of type {known.name} needs an identifier.", target="entities")
    return Entity.of(known.name, identifiers)
