"""The threat intelligence of a workspace: objects as their sources have them, and what people here say of them.

Of an object the newest version of each source counts. A change is one transaction; the rows that tell of it go to the intake after it,
under ids that the intake knows again, and only then is it noted that they are written. So a process that ends anywhere in between
leaves neither a change without rows nor rows that are there twice.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Protocol, cast

from sqlalchemy import Select, Table, and_, bindparam, func, or_, select, update
from sqlalchemy.orm import Session

from vedette.core.clock import Clock
from vedette.core.database import State
from vedette.core.errors import InvalidInput, NotFound, VedetteError
from vedette.core.ids import IdSource, derived_id, is_uuid, new_id
from vedette.core.roles import Principal
from vedette.intel.models import IntelObjectRow
from vedette.intel.rows import Kept as RowsOf
from vedette.intel.rows import rows_of
from vedette.intel.stix import INDICATOR, InvalidObject, StixObject, read_object, tlp
from vedette.store.kept import Kept

log = logging.getLogger(__name__)
OWN: Final = "Vedette"
"""The source of what people enter here."""
AGAIN: Final = timedelta(days=7)
SPREAD: Final = timedelta(days=3)
"""What is in force is written again 7 to 10 days after it was written last: rules look back 14."""
AT_ONCE: Final = 500
MOST_TAGS: Final = 100
_KEYS: Final = 500
_TICK: Final = timedelta(microseconds=1)


class Sink(Protocol):
    """The intake of the workspace."""

    def accept(
        self, table: str, rows: Sequence[Mapping[str, object]], *, source: str, record_ids: Sequence[str] | None = None
    ) -> object:
        """Keeps rows; returns when they are on disk. A row whose record id is known is not stored again."""
        ...


@dataclass(slots=True)
class Taken:
    """What came of objects that were handed over. `refused` has their place (from 0) and what is wrong with each."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: list[tuple[int, InvalidObject]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class IntelObject:
    """An object as it is shown."""

    id: str
    stix_id: str
    type: str
    source: str
    method: str
    name: str
    pattern: str | None
    active: bool
    revoked: bool
    withdrawn_by: str | None
    deleted: bool
    valid_from: datetime | None
    valid_until: datetime | None
    confidence: int | None
    tags: list[str]
    tlp: str
    created: datetime | None
    modified: datetime | None
    added_at: datetime
    changed_at: datetime
    content: dict[str, Any]


class Indicators(Kept):
    """The objects of one workspace. Safe for threads; one object of this class for a workspace in a process."""

    def __init__(
        self, state: State, workspace_id: str, clock: Clock, sink: Callable[[], Sink], new_id: IdSource = new_id
    ) -> None:
        super().__init__(state, workspace_id, clock, new_id)
        self._sink = sink
        self._writing = threading.Lock()

    # -- what comes in

    def take(
        self, given: Iterable[object], source: str, method: str, *, need_modified: bool = False, dated: bool = True
    ) -> Taken:
        """Keeps objects of a source, all of those that can be kept in one transaction, and writes what changed.

        `dated`: objects say when they were modified, and of two the later is the newer. Otherwise what differs is newer.
        Raises `InvalidInput` for a source without a name, or with one that cannot be.
        """
        source = source.strip()
        if source.casefold() == OWN.casefold():
            raise InvalidInput(f"The source '{OWN}' is for what people enter here.", code="VDT0903", target="source")
        if not source or len(source) > 200:
            raise InvalidInput(
                "The source of indicators has a name of 1 to 200 characters.", code="VDT0903", target="source"
            )
        done = Taken()
        read: list[StixObject] = []
        for place, one in enumerate(given):
            try:
                read.append(read_object(one, need_modified=need_modified))
            except InvalidObject as error:
                done.refused.append((place, error))
        with self._state.session() as session:
            known = self._known(session, [self._key(source, one.id) for one in read])
            moment = self._moment(session)
            changed: list[str] = []
            for one in read:
                moment += _TICK
                if self._take_one(session, known, one, source, method, moment, done, dated):
                    changed.append(self._key(source, one.id))
        self.write(changed)
        return done

    def _take_one(
        self, session: Session, known: dict[str, IntelObjectRow], one: StixObject, source: str, method: str, moment: datetime,
        done: Taken, dated: bool,
    ) -> bool:  # fmt: skip
        key = self._key(source, one.id)
        row = known.get(key)
        if row is None:
            row = known[key] = self._new(session, one, source, moment)
            done.added += 1
        elif not _is_newer(one, row, dated):
            done.unchanged += 1
            return False
        else:
            done.changed += 1
        self._apply(row, one, method, moment)
        return True

    def _new(self, session: Session, one: StixObject, source: str, moment: datetime) -> IntelObjectRow:
        row = IntelObjectRow(
            id=self._key(source, one.id), workspace_id=self.workspace_id, source=source, stix_id=one.id, stix_type=one.type,
            tags=[], withdrawn_by=None, added_at=moment, revision=0, writes=0, written_at=None, written=None,
        )  # fmt: skip
        session.add(row)
        return row

    def _apply(self, row: IntelObjectRow, one: StixObject, method: str, moment: datetime) -> None:
        row.method, row.name, row.pattern, row.content = method, one.name, one.pattern, one.content
        row.created, row.modified = one.created, one.version
        row.valid_from, row.valid_until, row.confidence = one.valid_from, one.valid_until, one.confidence
        row.revoked, row.deleted = one.revoked, False
        self._changed(row, moment)

    def _changed(self, row: IntelObjectRow, moment: datetime) -> None:
        row.changed_at, row.due_at = moment, self._clock.now()
        row.revision += 1
        row.writes = 0

    def _known(self, session: Session, keys: Sequence[str]) -> dict[str, IntelObjectRow]:
        found: dict[str, IntelObjectRow] = {}
        for start in range(0, len(keys), _KEYS):
            query = select(IntelObjectRow).where(IntelObjectRow.id.in_(keys[start : start + _KEYS]))
            found |= {row.id: row for row in session.scalars(query)}
        return found

    def _moment(self, session: Session) -> datetime:
        """Now, or behind the last change where that is later: moments of changes are in the order of the changes."""
        query = select(func.max(IntelObjectRow.changed_at)).where(IntelObjectRow.workspace_id == self.workspace_id)
        last = session.scalar(query)
        now = self._clock.now()
        return now if last is None else max(now, last)

    def _key(self, source: str, stix_id: str) -> str:
        return derived_id(self.workspace_id, "intel", source, stix_id)

    # -- what people say of it

    def put(self, content: Mapping[str, Any], by: Principal, *, write: bool = True) -> IntelObject:
        """Keeps an indicator that somebody enters; one that was withdrawn or deleted is in force again. Raises `InvalidObject`.

        `write`: its rows are written at once; without, the caller does so after the transaction that this is a part of.
        """
        one = read_object(content)
        with self._state.session() as session:
            moment = self._moment(session) + _TICK
            held = self._known(session, [self._key(OWN, one.id)]).get(self._key(OWN, one.id))
            row = held or self._new(session, one, OWN, moment)
            row.withdrawn_by = None
            self._apply(row, one, "Manual", moment)
            self._record(by, "create" if held is None else "update", row, {"pattern": row.pattern})
            session.flush()
            found = self._shown(row)
        if write:
            self.write([row.id])
        return found

    def withdraw(self, ref: str, by: Principal) -> IntelObject:
        """Takes an indicator out of force for good: later versions of its source do not bring it back."""
        return self._change(ref, by, "revoke", lambda row: setattr(row, "withdrawn_by", by.name))

    def reinstate(self, ref: str, by: Principal) -> IntelObject:
        """Undoes `withdraw`."""
        return self._change(ref, by, "reinstate", lambda row: setattr(row, "withdrawn_by", None))

    def delete(self, ref: str, by: Principal) -> None:
        """Deletes an object: the tables say so. A later version of its source brings it back."""
        self._change(ref, by, "delete", lambda row: setattr(row, "deleted", True))

    def tag(self, ref: str, by: Principal, add: Sequence[str] = (), remove: Sequence[str] = ()) -> IntelObject:
        """Adds and removes tags; labels of the source stay as they are. Raises `InvalidInput`."""
        named = [one.strip() for one in add]
        if any(not one or len(one) > 100 for one in named):
            raise InvalidInput("A tag has 1 to 100 characters.", code="VDT0903", target="tags")

        def change(row: IntelObjectRow) -> None:
            gone = {one.strip() for one in remove}
            tags = [one for one in dict.fromkeys([*row.tags, *named]) if one not in gone]
            if len(tags) > MOST_TAGS:
                raise InvalidInput(f"An indicator has at most {MOST_TAGS} tags.", code="VDT0903", target="tags")
            row.tags = tags

        return self._change(ref, by, "tag", change, {"add": named, "remove": list(remove)})

    def _change(
        self, ref: str, by: Principal, what: str, change: Callable[[IntelObjectRow], None],
        detail: Mapping[str, object] | None = None,
    ) -> IntelObject:  # fmt: skip
        with self._state.session() as session:
            row = self._find(session, ref)
            change(row)
            self._changed(row, self._moment(session) + _TICK)
            self._record(by, what, row, {"pattern": row.pattern, **(detail or {})})
            session.flush()
            found = self._shown(row)
        self.write([row.id])
        return found

    def _record(self, by: Principal, what: str, row: IntelObjectRow, detail: Mapping[str, object]) -> None:
        self._audit.record(by, f"indicators/{what}", f"{row.source}: {row.stix_id}", self.workspace_id, detail)

    # -- reading

    def get(self, ref: str) -> IntelObject:
        """An object by its id, its id of STIX, or its id in the tables. Raises `NotFound`, or `InvalidInput` if several have it."""
        with self._state.session(read_only=True) as session:
            return self._shown(self._find(session, ref))

    def find(
        self, *, words: str = "", source: str | None = None, kind: str | None = INDICATOR, active: bool | None = True,
        top: int = 100, skip: int = 0,
    ) -> tuple[list[IntelObject], int]:  # fmt: skip
        """Objects, the one that changed last first, and how many there are in all.

        `words` have to be in the name or the pattern; `active`: in force, not in force, or both (None); deleted ones are not shown.
        """
        query = self._of_workspace().where(IntelObjectRow.deleted.is_(False))
        if kind is not None:
            query = query.where(IntelObjectRow.stix_type == kind)
        if source is not None:
            query = query.where(IntelObjectRow.source == source)
        for word in words.lower().split():
            pattern = f"%{word.translate(_LIKE)}%"
            query = query.where(
                or_(
                    func.lower(IntelObjectRow.name).like(pattern, escape="\\"),
                    func.lower(func.coalesce(IntelObjectRow.pattern, "")).like(pattern, escape="\\"),
                )
            )
        if active is not None:
            in_force = self._in_force()
            query = query.where(in_force if active else ~in_force)
        with self._state.session(read_only=True) as session:
            count = session.scalar(select(func.count()).select_from(query.subquery())) or 0
            rows = session.scalars(query.order_by(IntelObjectRow.changed_at.desc()).limit(top).offset(skip))
            return [self._shown(row) for row in rows], count

    def changed(
        self,
        after: datetime | None,
        top: int,
        *,
        ended: bool,
        only: Callable[[Select[Any]], Select[Any]] = lambda query: query,
    ) -> list[IntelObject]:
        """Objects in the order in which they changed, after a moment: those in force, and with `ended` those that are so no more.

        What will be in force counts, since it does not change when it begins; what only ran out of its time is in neither, since
        its end was known before.
        """
        shown = self._in_force(begun=False)
        if ended:
            gone = or_(IntelObjectRow.revoked, IntelObjectRow.withdrawn_by.is_not(None), IntelObjectRow.deleted)
            shown = or_(shown, gone)
        query = only(self._of_workspace().where(shown))
        if after is not None:
            query = query.where(IntelObjectRow.changed_at > after)
        with self._state.session(read_only=True) as session:
            return [self._shown(row) for row in session.scalars(query.order_by(IntelObjectRow.changed_at).limit(top))]

    def counts(self) -> dict[str, int]:
        """How many indicators of each source are in force."""
        query = self._of_workspace().where(IntelObjectRow.stix_type == INDICATOR, self._in_force()).subquery()
        with self._state.session(read_only=True) as session:
            return {
                name: int(count)
                for name, count in session.execute(select(query.c.source, func.count()).group_by(query.c.source))
            }

    def _of_workspace(self) -> Select[IntelObjectRow]:
        return select(IntelObjectRow).where(IntelObjectRow.workspace_id == self.workspace_id)

    def _in_force(self, *, begun: bool = True) -> Any:
        now = self._clock.now()
        asked = [
            IntelObjectRow.revoked.is_(False), IntelObjectRow.withdrawn_by.is_(None), IntelObjectRow.deleted.is_(False),
            or_(IntelObjectRow.valid_until.is_(None), IntelObjectRow.valid_until > now),
        ]  # fmt: skip
        if begun:
            asked.append(or_(IntelObjectRow.valid_from.is_(None), IntelObjectRow.valid_from <= now))
        return and_(*asked)

    def _find(self, session: Session, ref: str) -> IntelObjectRow:
        query = self._of_workspace().where(IntelObjectRow.deleted.is_(False))
        if is_uuid(ref):
            found = list(session.scalars(query.where(IntelObjectRow.id == ref.lower())))
        else:
            origin, _, rest = ref.partition("--")
            named = is_uuid(origin)  # as the tables have it: the source before the id of STIX
            found = list(session.scalars(query.where(IntelObjectRow.stix_id == (rest if named else ref))))
            if named:
                found = [row for row in found if _rows_of(row).row_id == ref]
        if not found:
            raise NotFound(f"There is no indicator '{ref[:200]}'.", code="VDT0404", target=ref[:200])
        if len(found) > 1:
            sources = ", ".join(sorted(row.source for row in found))
            raise InvalidInput(
                f"Several sources have '{ref}': {sources}.", code="VDT0904", target=ref,
                hint="Name one by its id: " + ", ".join(f"{row.id} ({row.source})" for row in found) + ".",
            )  # fmt: skip
        return found[0]

    def _shown(self, row: IntelObjectRow) -> IntelObject:
        return IntelObject(
            row.id, row.stix_id, row.stix_type, row.source, row.method, row.name, row.pattern,
            _rows_of(row).active(self._clock.now()), row.revoked, row.withdrawn_by, row.deleted, row.valid_from, row.valid_until,
            row.confidence, list(row.tags), tlp(row.content), row.created, row.modified, row.added_at, row.changed_at,
            dict(row.content),
        )  # fmt: skip

    # -- into the tables

    def write(self, keys: Sequence[str] | None = None) -> None:
        """Writes what is due now, of these objects or of all, as far as the intake takes it; the rest is written later (`keep`)."""
        try:
            if keys is None:
                while self.write_due() == AT_ONCE:
                    pass
            else:
                # who changes something waits for that alone, not for what else may be due
                for start in range(0, len(keys), AT_ONCE):
                    self.write_due(only=keys[start : start + AT_ONCE])
        except VedetteError as error:
            log.warning("rows of threat intelligence are written later: %s", error)

    def write_due(self, most: int = AT_ONCE, *, only: Sequence[str] | None = None) -> int:
        """Writes the rows of at most so many objects that are due; of how many. Raises what the intake raises."""
        with self._writing:
            now = self._clock.now()
            query = self._of_workspace().where(IntelObjectRow.due_at <= now).order_by(IntelObjectRow.due_at).limit(most)
            if only is not None:
                query = query.where(IntelObjectRow.id.in_(only))
            with self._state.session(read_only=True) as session:
                due = list(session.scalars(query))
            tables: dict[str, tuple[list[dict[str, Any]], list[str]]] = {}
            for row in due:
                kept = _rows_of(row)
                state = f"{row.id}:{row.revision}:{row.writes}:{int(kept.active(now))}"
                for number, (table, one) in enumerate(rows_of(kept, now)):
                    rows, ids = tables.setdefault(table, ([], []))
                    rows.append(one)
                    ids.append(f"{state}:{number}")
            for table, (rows, ids) in tables.items():
                self._sink().accept(table, rows, source="threat intelligence", record_ids=ids)
            if due:
                with self._state.session() as session:
                    _note_written(session, due, now)
            return len(due)

    def keep(self, stop: threading.Event) -> None:
        """Writes what becomes due, until the event is set: what expires, what is to be said again, what the intake did not take."""
        failures = 0
        looked: datetime | None = None
        while not stop.is_set():
            pause = _EVERY
            try:
                now = self._clock.now()
                if looked is None or not looked <= now < looked + _HOUR:
                    self._settle(now)
                    looked = now
                if self.write_due() == AT_ONCE:
                    pause = _PACE
                failures = 0
            except VedetteError as error:
                failures += 1
                pause = min(_EVERY * 2**failures, 300.0)
                log.warning("rows of threat intelligence cannot be written: %s", error)
            self._clock.wait(stop, pause)

    def _settle(self, now: datetime) -> None:
        """After the clock was set back: what was written at a time that is yet to come is written now."""
        later = self._of_workspace().where(IntelObjectRow.written_at > now, IntelObjectRow.due_at > now)
        with self._state.session() as session:
            for row in session.scalars(later):
                row.due_at, row.written_at = now, None


_HOUR: Final = timedelta(hours=1)
_EVERY: Final = 5.0
_PACE: Final = 0.5
"""Seconds between two looks at what is due; while there is more than a look takes, so that other rows get through."""
_LIKE: Final = str.maketrans({"%": "\\%", "_": "\\_", "\\": "\\\\"})


def _is_newer(one: StixObject, row: IntelObjectRow, dated: bool) -> bool:
    """Whether an object is another than the kept one: the same version is the same object (STIX 2.1, 3.6)."""
    if one.version is None or row.modified is None:
        return one.content != row.content
    if dated:
        return one.version > row.modified
    return _undated(one.content) != _undated(row.content)


def _undated(content: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in content.items() if name not in ("created", "modified")}


def _note_written(session: Session, rows: Sequence[IntelObjectRow], now: datetime) -> None:
    """Notes what the rows said that were written, and when the next are due; of what changed meanwhile they still are."""
    table = cast("Table", IntelObjectRow.__table__)
    told = {"written": bindparam("told"), "written_at": now}
    same = update(table).where(table.c.id == bindparam("at"), table.c.revision == bindparam("seen"))
    same = same.values(**told, writes=table.c.writes + 1, due_at=bindparam("due"))
    changed = update(table).where(table.c.id == bindparam("at"), table.c.revision != bindparam("seen")).values(**told)
    values = [{"at": row.id, "seen": row.revision, "told": _written(row)} for row in rows]
    session.connection().execute(same, [{**one, "due": _next(row, now)} for one, row in zip(values, rows)])
    session.connection().execute(changed, values)


def _written(row: IntelObjectRow) -> dict[str, Any]:
    return {name: row.content[name] for name in ("pattern", "pattern_type") if name in row.content}


def _next(row: IntelObjectRow, now: datetime) -> datetime | None:
    """When the rows of an object are to be written next."""
    if not _rows_of(row).active(now):
        early = row.valid_from is not None and row.valid_from > now
        return row.valid_from if early and not (row.revoked or row.withdrawn_by or row.deleted) else None
    again = now + AGAIN + SPREAD * (int(row.id[:8], 16) / 2**32)
    return again if row.valid_until is None else min(again, row.valid_until)


def _rows_of(row: IntelObjectRow) -> RowsOf:
    former = row.written if row.written is not None and row.written != _written(row) else None
    return RowsOf(
        row.workspace_id, row.source, row.method, row.stix_id, row.stix_type, row.content, tuple(row.tags), row.created, row.modified,
        row.revoked or row.withdrawn_by is not None, row.deleted, row.valid_from, row.valid_until, row.confidence, former,
    )  # fmt: skip
