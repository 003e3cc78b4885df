"""Watchlists: lists of items that analysts keep and queries read with `_GetWatchlist()`.

Columns, limits and the rules for aliases are those of Microsoft Sentinel's watchlists.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from vedette.core.clock import Clock
from vedette.core.database import State
from vedette.core.errors import InvalidInput, nearest, not_found
from vedette.core.ids import IdSource, new_id
from vedette.core.roles import Principal
from vedette.kql.host import Items
from vedette.store.kept import Kept
from vedette.store.models import WatchlistItemRow, WatchlistRow
from vedette.store.watchlists import revisions
from vedette.store.watchlists.revisions import FormerItem, WatchlistRevision
from vedette.store.watchlists.rows import SEARCH_KEY, query_items

MAX_ITEM: Final = 10_240
"""Characters of one item as JSON."""
MAX_ITEMS: Final = 10_000_000
"""Items of all watchlists of a workspace."""
MAX_COLUMNS: Final = 256
_ALIAS = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _-]{1,62}[A-Za-z0-9]")
_KEPT: Final = 16
_AT_ONCE: Final = 500

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
        return Items(items.fields, [one for one in items.rows if one[SEARCH_KEY] in wanted])

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
            row.revision += 1
            _apply(row, settings)
            added = removed = kept = 0
            if taken is not None:
                names = list(row.columns["names"]) if append else []
                row.columns = {"names": _columns(names, taken)}
            _check_settings(row)
            if taken is not None:
                removed, kept, added = self._fill(session, row, taken, append, now)
            row.updated_at, row.updated_by = now, by.name
            self._audit.record(
                by, "watchlists/create" if created else "watchlists/update", row.alias, self.workspace_id,
                {"added": added, "removed": removed, "revision": row.revision},
            )  # fmt: skip
            session.flush()
            count = _count(session, row.id)
            revisions.note(session, row, count)
            return WatchlistChange(_watchlist(row, count), created, added, removed, kept)

    def put_item(self, alias: str, item: Item, by: Principal, item_id: str | None = None) -> WatchlistItem:
        """Adds an item, or changes the one with an id. Raises `NotFound` and `InvalidInput`."""
        content = _checked(item, 1)
        now = self._clock.now()
        with self._state.session() as session:
            row = self._find(session, alias)
            row.columns = {"names": _columns(list(row.columns["names"]), [content])}
            _check_settings(row)
            row.revision += 1
            if item_id is None:
                self._room(session, 1)
                last = session.scalar(
                    select(func.max(WatchlistItemRow.position)).where(WatchlistItemRow.watchlist_id == row.id)
                )
                held = WatchlistItemRow(
                    id=self._new_id(), watchlist_id=row.id, position=(last or 0) + 1, content=content, created_at=now,
                    updated_at=now, since=row.revision,
                )  # fmt: skip
                session.add(held)
            else:
                held = _item(session, row, item_id)
                revisions.retire(session, row, [held.id])
                held.content, held.updated_at, held.since = content, now, row.revision
            self._changed(session, row, by, now, "watchlists/items/write", held.id)
            return WatchlistItem(held.id, held.content, held.created_at, held.updated_at)

    def delete_item(self, alias: str, item_id: str, by: Principal) -> None:
        """Removes an item. Raises `NotFound`."""
        with self._state.session() as session:
            row = self._find(session, alias)
            held = _item(session, row, item_id)
            row.revision += 1
            revisions.retire(session, row, [held.id])
            session.delete(held)
            self._changed(session, row, by, self._clock.now(), "watchlists/items/delete", item_id)

    # -- what was

    def revisions(self, alias: str) -> Sequence[WatchlistRevision]:
        """What a watchlist was, newest first. Raises `NotFound`."""
        with self._state.session(read_only=True) as session:
            return revisions.revisions(session, self._find(session, alias))

    def revision(
        self, alias: str, revision: int, top: int = 1000, skip: int = 0
    ) -> tuple[WatchlistRevision, Sequence[FormerItem]]:
        """What a watchlist was at a revision, with some of the items that it had. Raises `NotFound`."""
        with self._state.session(read_only=True) as session:
            row = self._find(session, alias)
            found = revisions.revision_of(session, row, revision)
            return found, revisions.items_at(session, row, revision, top, skip)

    def restore(self, alias: str, revision: int, by: Principal) -> WatchlistChange:
        """Makes a watchlist what it was at a revision, which is its next revision. Raises `NotFound`."""
        with self._state.session():  # nothing changes between the reading and the writing
            with self._state.session(read_only=True) as session:
                row = self._find(session, alias)
                held = revisions.revision_of(session, row, revision)
                items = [one.content for one in revisions.items_at(session, row, revision)]
            settings = WatchlistSettings(held.search_key, held.name, held.provider, held.description, held.source)
            return self.put(alias, settings, items, by)

    def delete(self, alias: str, by: Principal) -> None:
        """Removes a watchlist with its items. Raises `NotFound`."""
        with self._state.session() as session:
            row = self._find(session, alias)
            session.execute(delete(WatchlistItemRow).where(WatchlistItemRow.watchlist_id == row.id))
            revisions.forget(session, row.id)
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
            placed = list(enumerate(items, last + 1))
        else:
            placed, gone = _different(session, row.id, items)
            kept, removed = len(items) - len(placed), len(gone)
            revisions.retire(session, row, gone if kept else None)
            every = delete(WatchlistItemRow).where(WatchlistItemRow.watchlist_id == row.id)
            for start in range(0, len(gone) if kept else 0, _AT_ONCE):
                session.execute(every.where(WatchlistItemRow.id.in_(gone[start : start + _AT_ONCE])))
            if not kept:
                session.execute(every)
        self._room(session, len(placed))
        session.add_all(
            WatchlistItemRow(
                id=self._new_id(), watchlist_id=row.id, position=place, content=dict(item), created_at=now, updated_at=now,
                since=row.revision,
            )
            for place, item in placed
        )  # fmt: skip
        return removed, kept, len(placed)

    def _room(self, session: Session, more: int) -> None:
        there = session.scalar(
            select(func.count())
            .select_from(WatchlistItemRow)
            .join(WatchlistRow, WatchlistRow.id == WatchlistItemRow.watchlist_id)
            .where(WatchlistRow.workspace_id == self.workspace_id)
        )
        if (there or 0) + more > MAX_ITEMS:
            raise InvalidInput(f"The watchlists of a workspace have at most {MAX_ITEMS:,} items in all.")

    def _changed(
        self, session: Session, row: WatchlistRow, by: Principal, now: datetime, action: str, item_id: str
    ) -> None:
        row.updated_at, row.updated_by = now, by.name
        self._audit.record(by, action, row.alias, self.workspace_id, {"item": item_id, "revision": row.revision})
        session.flush()
        revisions.note(session, row, _count(session, row.id))


def _different(
    session: Session, watchlist_id: str, items: Sequence[dict[str, Any]]
) -> tuple[list[tuple[int, dict[str, Any]]], list[str]]:
    """Which items, by their places, are not there already at the same place; and the ids of those that others take the place of."""
    found = session.execute(
        select(WatchlistItemRow.id, WatchlistItemRow.position, WatchlistItemRow.content).where(
            WatchlistItemRow.watchlist_id == watchlist_id
        )
    )
    there = {place: (item_id, json.dumps(content, sort_keys=True)) for item_id, place, content in found}
    new = []
    for place, item in enumerate(items, 1):
        held = there.get(place)
        if held is not None and held[1] == json.dumps(item, sort_keys=True):
            del there[place]
        else:
            new.append((place, item))
    return new, [item_id for item_id, _ in there.values()]


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
