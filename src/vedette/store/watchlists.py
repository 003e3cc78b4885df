"""Watchlists: lists of items that analysts keep and queries read with `_GetWatchlist()`.

Columns, limits and the rules for aliases are those of Microsoft Sentinel's watchlists.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import orjson
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from vedette.core.clock import Clock
from vedette.core.database import State
from vedette.core.errors import InvalidInput, nearest, not_found
from vedette.core.ids import IdSource, new_id
from vedette.core.roles import Principal
from vedette.kql import ticks
from vedette.kql.binder.workspaces import WATCHLIST_FIELDS
from vedette.kql.host import Items
from vedette.kql.types import Type
from vedette.store.kept import Kept
from vedette.store.models import WatchlistItemRow, WatchlistRow

MAX_UPLOAD: Final = int(3.8 * 1024 * 1024)
"""Bytes of a file that comes in a request."""
MAX_FILE: Final = 500 * 1024 * 1024
"""Bytes of a file that is read from the server's disk."""
MAX_ITEM: Final = 10_240
"""Characters of one item as JSON."""
MAX_ITEMS: Final = 10_000_000
"""Items of all watchlists of a workspace."""
MAX_COLUMNS: Final = 256
_ALIAS = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _-]{1,62}[A-Za-z0-9]")
_BASE = frozenset(name for name, _ in WATCHLIST_FIELDS)
_KEPT: Final = 16

Item = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Watchlist:
    """A watchlist without its items."""

    id: str
    alias: str
    name: str
    description: str
    provider: str
    source: str
    search_key: str
    columns: tuple[str, ...]
    items: int
    revision: int
    created_at: datetime
    created_by: str
    updated_at: datetime
    updated_by: str


@dataclass(frozen=True, slots=True)
class WatchlistItem:
    """An item of a watchlist: a value for each of its columns."""

    id: str
    content: dict[str, Any]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class WatchlistSettings:
    """What a watchlist is, besides its items; None keeps what it was, or takes the default of a new one."""

    search_key: str | None = None
    name: str | None = None
    provider: str | None = None
    description: str | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class WatchlistChange:
    """What a change did: how many items were added, removed, and left since they were there already."""

    watchlist: Watchlist
    created: bool
    added: int
    removed: int
    kept: int


class Watchlists(Kept):
    """The watchlists of one workspace."""

    def __init__(self, state: State, workspace_id: str, clock: Clock, new_id: IdSource = new_id) -> None:
        super().__init__(state, workspace_id, clock, new_id)
        self._items: dict[str, tuple[int, Items]] = {}

    # -- reading

    def list(self) -> list[Watchlist]:
        """Every watchlist, by alias."""
        with self._state.session(read_only=True) as session:
            counted = session.execute(
                select(WatchlistItemRow.watchlist_id, func.count())
                .join(WatchlistRow, WatchlistRow.id == WatchlistItemRow.watchlist_id)
                .where(WatchlistRow.workspace_id == self.workspace_id)
                .group_by(WatchlistItemRow.watchlist_id)
            )
            counts = {row[0]: int(row[1]) for row in counted}
            rows = session.scalars(
                select(WatchlistRow)
                .where(WatchlistRow.workspace_id == self.workspace_id)
                .order_by(WatchlistRow.folded_alias)
            )
            return [_watchlist(row, counts.get(row.id, 0)) for row in rows]

    def aliases(self) -> Sequence[str]:
        """The alias of every watchlist, sorted."""
        with self._state.session(read_only=True) as session:
            return list(
                session.scalars(
                    select(WatchlistRow.alias)
                    .where(WatchlistRow.workspace_id == self.workspace_id)
                    .order_by(WatchlistRow.folded_alias)
                )
            )

    def get(self, alias: str) -> Watchlist:
        """A watchlist by its alias, upper or lower case. Raises `NotFound`."""
        with self._state.session(read_only=True) as session:
            row = self._find(session, alias)
            return _watchlist(row, _count(session, row.id))

    def items(self, alias: str, top: int = 1000, skip: int = 0) -> Sequence[WatchlistItem]:
        """Some items of a watchlist, in their order."""
        with self._state.session(read_only=True) as session:
            row = self._find(session, alias)
            found = session.scalars(
                select(WatchlistItemRow)
                .where(WatchlistItemRow.watchlist_id == row.id)
                .order_by(WatchlistItemRow.position)
                .limit(top)
                .offset(skip)
            )
            return [WatchlistItem(one.id, one.content, one.created_at, one.updated_at) for one in found]

    def for_query(self, alias: str, keys: Sequence[str] | None = None) -> Items | None:
        """The items as queries see them, or None without such a watchlist; what did not change is read once."""
        with self._state.session(read_only=True) as session:
            row = _by_alias(session, self.workspace_id, alias)
            if row is None:
                return None
            known = self._items.get(row.id)
            if known is None or known[0] != row.revision:
                found = session.scalars(
                    select(WatchlistItemRow)
                    .where(WatchlistItemRow.watchlist_id == row.id)
                    .order_by(WatchlistItemRow.position)
                )
                known = (row.revision, query_items(row.alias, row.search_key, row.columns["names"], list(found)))
                while len(self._items) >= _KEPT:
                    self._items.pop(next(iter(self._items)), None)
                self._items[row.id] = known
        items = known[1]
        if keys is None:
            return items
        wanted = set(keys)
        return Items(items.fields, [one for one in items.rows if one[_SEARCH_KEY] in wanted])

    # -- changing

    def put(
        self, alias: str, settings: WatchlistSettings, items: Iterable[Item] | None, by: Principal,
        *, append: bool = False,
    ) -> WatchlistChange:  # fmt: skip
        """Makes a watchlist or changes one.

        `items` take the place of those that are there, or with `append` are added to them, save for those that are there
        already. Raises `InvalidInput` for what is beyond the limits, and then nothing is changed.
        """
        taken = None if items is None else [_checked(item, number) for number, item in enumerate(items, 1)]
        now = self._clock.now()
        with self._state.session() as session:
            row = _by_alias(session, self.workspace_id, alias)
            created = row is None
            if row is None:
                row = self._new(session, alias, settings, now, by)
            _apply(row, settings)
            added = removed = kept = 0
            if taken is not None:
                names = list(row.columns["names"]) if append else []
                row.columns = {"names": _columns(names, taken)}
            _check_settings(row)
            if taken is not None:
                removed, kept, added = self._fill(session, row, taken, append, now)
            row.revision += 1
            row.updated_at, row.updated_by = now, by.name
            self._audit.record(
                by, "watchlists/create" if created else "watchlists/update", row.alias, self.workspace_id,
                {"added": added, "removed": removed, "revision": row.revision},
            )  # fmt: skip
            session.flush()
            return WatchlistChange(_watchlist(row, _count(session, row.id)), created, added, removed, kept)

    def put_item(self, alias: str, item: Item, by: Principal, item_id: str | None = None) -> WatchlistItem:
        """Adds an item, or changes the one with an id. Raises `NotFound` and `InvalidInput`."""
        content = _checked(item, 1)
        now = self._clock.now()
        with self._state.session() as session:
            row = self._find(session, alias)
            row.columns = {"names": _columns(list(row.columns["names"]), [content])}
            _check_settings(row)
            if item_id is None:
                self._room(session, 1)
                last = session.scalar(
                    select(func.max(WatchlistItemRow.position)).where(WatchlistItemRow.watchlist_id == row.id)
                )
                held = WatchlistItemRow(
                    id=self._new_id(), watchlist_id=row.id, position=(last or 0) + 1, content=content, created_at=now,
                    updated_at=now,
                )  # fmt: skip
                session.add(held)
            else:
                held = _item(session, row, item_id)
                held.content, held.updated_at = content, now
            self._changed(row, by, now, "watchlists/items/write", held.id)
            session.flush()
            return WatchlistItem(held.id, held.content, held.created_at, held.updated_at)

    def delete_item(self, alias: str, item_id: str, by: Principal) -> None:
        """Removes an item. Raises `NotFound`."""
        with self._state.session() as session:
            row = self._find(session, alias)
            session.delete(_item(session, row, item_id))
            self._changed(row, by, self._clock.now(), "watchlists/items/delete", item_id)

    def delete(self, alias: str, by: Principal) -> None:
        """Removes a watchlist with its items. Raises `NotFound`."""
        with self._state.session() as session:
            row = self._find(session, alias)
            session.execute(delete(WatchlistItemRow).where(WatchlistItemRow.watchlist_id == row.id))
            self._audit.record(by, "watchlists/delete", row.alias, self.workspace_id)
            session.delete(row)

    # -- parts

    def _find(self, session: Session, alias: str) -> WatchlistRow:
        row = _by_alias(session, self.workspace_id, alias)
        if row is None:
            raise not_found("watchlist", alias, self.aliases())
        return row

    def _new(
        self, session: Session, alias: str, settings: WatchlistSettings, now: datetime, by: Principal
    ) -> WatchlistRow:
        if not _ALIAS.fullmatch(alias):
            raise InvalidInput(
                f"'{alias[:80]}' cannot be the alias of a watchlist.", target="alias",
                hint="Use 3 to 64 letters, digits, spaces, hyphens and underscores, a letter or digit first and last.",
            )  # fmt: skip
        if not settings.search_key:
            raise InvalidInput(
                "A new watchlist needs a search key.", hint="Name the column that queries look items up by.",
                target="searchKey",
            )  # fmt: skip
        row = WatchlistRow(
            id=self._new_id(), workspace_id=self.workspace_id, alias=alias, folded_alias=alias.casefold(), name=alias,
            description="", provider=by.name, source="Local file", search_key="", columns={"names": []}, revision=0,
            created_at=now, created_by=by.name, updated_at=now, updated_by=by.name,
        )  # fmt: skip
        session.add(row)
        session.flush()
        return row

    def _fill(
        self, session: Session, row: WatchlistRow, items: Sequence[dict[str, Any]], append: bool, now: datetime
    ) -> tuple[int, int, int]:
        removed = kept = last = 0
        if append:
            there = {
                json.dumps(content, sort_keys=True)
                for content in session.scalars(
                    select(WatchlistItemRow.content).where(WatchlistItemRow.watchlist_id == row.id)
                )
            }
            fresh = [item for item in items if json.dumps(item, sort_keys=True) not in there]
            kept = len(items) - len(fresh)
            items = fresh
            last = (
                session.scalar(
                    select(func.max(WatchlistItemRow.position)).where(WatchlistItemRow.watchlist_id == row.id)
                )
                or 0
            )
        else:
            removed = _count(session, row.id)
            session.execute(delete(WatchlistItemRow).where(WatchlistItemRow.watchlist_id == row.id))
        self._room(session, len(items))
        session.add_all(
            WatchlistItemRow(
                id=self._new_id(), watchlist_id=row.id, position=last + place, content=dict(item), created_at=now,
                updated_at=now,
            )
            for place, item in enumerate(items, 1)
        )  # fmt: skip
        return removed, kept, len(items)

    def _room(self, session: Session, more: int) -> None:
        there = session.scalar(
            select(func.count())
            .select_from(WatchlistItemRow)
            .join(WatchlistRow, WatchlistRow.id == WatchlistItemRow.watchlist_id)
            .where(WatchlistRow.workspace_id == self.workspace_id)
        )
        if (there or 0) + more > MAX_ITEMS:
            raise InvalidInput(f"The watchlists of a workspace have at most {MAX_ITEMS:,} items in all.")

    def _changed(self, row: WatchlistRow, by: Principal, now: datetime, action: str, item_id: str) -> None:
        row.revision += 1
        row.updated_at, row.updated_by = now, by.name
        self._audit.record(by, action, row.alias, self.workspace_id, {"item": item_id, "revision": row.revision})


# -- files


def read_items(content: bytes, name: str) -> Sequence[dict[str, Any]]:
    """The items of a file: CSV or TSV with a line of headings, a JSON array of objects, or JSON lines.

    Raises `InvalidInput` with the line where something is wrong.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidInput(f"{name} is not text in UTF-8.", file=name) from None
    stripped = text.lstrip()
    if name.lower().endswith((".json", ".jsonl", ".ndjson")) or stripped[:1] in ("[", "{"):
        return _from_json(stripped, name)
    return _from_csv(text, name, "\t" if name.lower().endswith(".tsv") else ",")


def read_file(path: Path) -> Sequence[dict[str, Any]]:
    """The items of a file on this machine."""
    try:
        if path.stat().st_size > MAX_FILE:
            raise InvalidInput(f"{path} has more than {MAX_FILE:,} bytes.", file=str(path))
        content = path.read_bytes()
    except OSError as error:
        reason = "there is no such file" if isinstance(error, FileNotFoundError) else (error.strerror or str(error))
        raise InvalidInput(f"{path} cannot be read: {reason.lower()}.", file=str(path)) from None
    return read_items(content, str(path))


def import_file(
    watchlists: Watchlists, alias: str, path: Path, settings: WatchlistSettings, by: Principal, *, append: bool = False
) -> WatchlistChange:
    """Makes or changes a watchlist from a file on this machine."""
    items = read_file(path)
    return watchlists.put(alias, replace(settings, source=settings.source or path.name), items, by, append=append)


def _from_json(text: str, name: str) -> list[dict[str, Any]]:
    if text.startswith("["):
        try:
            value = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            raise InvalidInput(f"{name} is not JSON: {error}.", file=name, line=error.lineno) from None
        values = list(enumerate(value, 1))
    else:
        values = []
        for line, one in enumerate(text.splitlines(), 1):
            if one.strip():
                try:
                    values.append((line, orjson.loads(one)))
                except orjson.JSONDecodeError as error:
                    raise InvalidInput(f"{name} is not JSON lines: {error}.", file=name, line=line) from None
    for place, one in values:
        if not isinstance(one, dict):
            raise InvalidInput(f"Item {place} of {name} is not an object.", file=name)
    return [one for _, one in values]


def _from_csv(text: str, name: str, delimiter: str) -> list[dict[str, Any]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    items: list[dict[str, Any]] = []
    try:
        header = next(reader, None)
        if not header:
            raise InvalidInput(f"{name} has no line of headings.", file=name)
        header = [heading.strip() for heading in header]
        if len(set(header)) != len(header):
            raise InvalidInput(f"{name} has two columns of the same name.", file=name, line=1)
        for cells in reader:
            if not any(cells):
                continue
            if len(cells) != len(header):
                raise InvalidInput(
                    f"Line {reader.line_num} of {name} has {len(cells)} values, and there are {len(header)} columns.",
                    file=name, line=reader.line_num,
                )  # fmt: skip
            items.append(dict(zip(header, cells, strict=True)))
    except csv.Error as error:
        raise InvalidInput(f"{name} is not CSV: {error}.", file=name, line=reader.line_num) from None
    return items


# -- items as queries see them

_SEARCH_KEY = [name for name, _ in WATCHLIST_FIELDS].index("SearchKey")


def query_items(alias: str, search_key: str, names: Sequence[str], rows: Sequence[WatchlistItemRow]) -> Items:
    """The rows of `_GetWatchlist()`; an item's column that is named like one of every watchlist's is in WatchlistItem alone."""
    own = [name for name in names if name not in _BASE]
    kinds = [_kind(row.content.get(name) for row in rows) for name in own]
    found = []
    for row in rows:
        content = row.content
        found.append(
            (
                row.id,
                ticks.from_datetime(row.updated_at),
                _text(content.get(search_key)),
                ticks.from_datetime(row.created_at),
                "watchlist-item",
                orjson.dumps(content).decode(),
                alias,
                *(_value(content.get(name), kind) for name, kind in zip(own, kinds, strict=True)),
            )
        )
    return Items((*WATCHLIST_FIELDS, *zip(own, kinds, strict=True)), found)


def _kind(values: Iterable[object]) -> Type:
    """The type that values share, as `bag_unpack` finds it."""
    kinds = {_type_of(value) for value in values if value is not None}
    if kinds == {Type.LONG, Type.REAL}:
        return Type.REAL
    return kinds.pop() if len(kinds) == 1 else Type.DYNAMIC if kinds else Type.STRING


def _type_of(value: object) -> Type:
    if isinstance(value, bool):
        return Type.BOOL
    if isinstance(value, int):
        return Type.LONG if -(2**63) <= value < 2**63 else Type.REAL
    if isinstance(value, float):
        return Type.REAL
    return Type.STRING if isinstance(value, str) else Type.DYNAMIC


def _value(value: object, kind: Type) -> object:
    if kind is Type.STRING:
        return _text(value)
    if value is None:
        return None
    if kind is Type.DYNAMIC:
        return orjson.dumps(value).decode()
    return float(value) if kind is Type.REAL else value  # type: ignore[arg-type]


def _text(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


# -- checks


def _checked(item: Item, number: int) -> dict[str, Any]:
    for name in item:
        if not isinstance(name, str) or not name.strip() or len(name) > 256:
            raise InvalidInput(f"Item {number} has a column without a name, or with one of more than 256 characters.")
    try:
        size = len(json.dumps(item, ensure_ascii=False))
    except (TypeError, ValueError):
        raise InvalidInput(f"Item {number} is not plain JSON.") from None
    if size > MAX_ITEM:
        raise InvalidInput(f"Item {number} has {size:,} characters, and {MAX_ITEM:,} are allowed.")
    return dict(item)


def _columns(names: list[str], items: Iterable[Item]) -> list[str]:
    seen = dict.fromkeys(names)
    for item in items:
        seen.update(dict.fromkeys(item))
    if len(seen) > MAX_COLUMNS:
        raise InvalidInput(f"The items have {len(seen)} columns, and {MAX_COLUMNS} are allowed.")
    return list(seen)


def _apply(row: WatchlistRow, settings: WatchlistSettings) -> None:
    for name in ("search_key", "name", "provider", "description", "source"):
        given = getattr(settings, name)
        if given is not None:
            setattr(row, name, given)


def _check_settings(row: WatchlistRow) -> None:
    if not 1 <= len(row.name) <= 256 or not 1 <= len(row.provider) <= 256 or len(row.description) > 5000:
        raise InvalidInput("A watchlist's name and provider have 1 to 256 characters, its description at most 5,000.")
    names = row.columns["names"]
    if names and row.search_key not in names:
        close = nearest(row.search_key, names)
        raise InvalidInput(
            f"The items have no column '{row.search_key}', which is the search key.", target="searchKey",
            hint=f"Did you mean '{close}'?" if close else f"The columns are {', '.join(names[:20])}.",
        )  # fmt: skip


def _by_alias(session: Session, workspace_id: str, alias: str) -> WatchlistRow | None:
    return session.scalars(
        select(WatchlistRow).where(
            WatchlistRow.workspace_id == workspace_id, WatchlistRow.folded_alias == alias.casefold()
        )
    ).one_or_none()


def _item(session: Session, row: WatchlistRow, item_id: str) -> WatchlistItemRow:
    found = session.get(WatchlistItemRow, item_id)
    if found is None or found.watchlist_id != row.id:
        raise not_found("watchlist item", item_id, ())
    return found


def _count(session: Session, watchlist_id: str) -> int:
    return (
        session.scalar(
            select(func.count()).select_from(WatchlistItemRow).where(WatchlistItemRow.watchlist_id == watchlist_id)
        )
        or 0
    )


def _watchlist(row: WatchlistRow, items: int) -> Watchlist:
    return Watchlist(
        row.id, row.alias, row.name, row.description, row.provider, row.source, row.search_key,
        tuple(row.columns["names"]), items, row.revision, row.created_at, row.created_by, row.updated_at, row.updated_by,
    )  # fmt: skip
