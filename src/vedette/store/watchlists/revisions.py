"""What a watchlist was at its revisions: its settings, and its items.

An item that a change removes or replaces is kept with the revisions between which it was there, so a change costs what it changes
and not the list's size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import delete, func, insert, literal, select, union_all
from sqlalchemy.orm import Session

from vedette.core.errors import NotFound
from vedette.store.models import FormerItemRow, WatchlistItemRow, WatchlistRevisionRow, WatchlistRow

KEPT: Final = 100
"""Revisions of a watchlist that are kept."""
MOST_FORMER: Final = 2_000_000
"""Items of earlier revisions that are kept of a watchlist; beyond them its oldest revisions go."""
_AT_ONCE: Final = 500
_ITEM: Final = ("id", "watchlist_id", "position", "content", "created_at", "updated_at", "since")


@dataclass(frozen=True, slots=True)
class WatchlistRevision:
    """A watchlist at a revision, without its items; `items` is how many it had."""

    revision: int
    at: datetime
    by: str
    name: str
    description: str
    provider: str
    source: str
    search_key: str
    columns: tuple[str, ...]
    items: int


@dataclass(frozen=True, slots=True)
class FormerItem:
    """An item as it was at a revision."""

    id: str
    content: dict[str, Any]
    created_at: datetime
    updated_at: datetime


def note(session: Session, row: WatchlistRow, items: int) -> None:
    """Keep what a watchlist is at its revision; those that are too old go."""
    content = {
        "name": row.name, "description": row.description, "provider": row.provider, "source": row.source,
        "searchKey": row.search_key, "columns": list(row.columns["names"]), "items": items,
    }  # fmt: skip
    session.add(
        WatchlistRevisionRow(
            watchlist_id=row.id, revision=row.revision, at=row.updated_at, by=row.updated_by, content=content
        )
    )
    oldest = max(row.revision - KEPT + 1, _oldest_that_fits(session, row.id))
    session.execute(
        delete(WatchlistRevisionRow).where(
            WatchlistRevisionRow.watchlist_id == row.id, WatchlistRevisionRow.revision < oldest
        )
    )
    session.execute(delete(FormerItemRow).where(FormerItemRow.watchlist_id == row.id, FormerItemRow.until <= oldest))


def _oldest_that_fits(session: Session, watchlist_id: str) -> int:
    counted = session.execute(
        select(FormerItemRow.until, func.count())
        .where(FormerItemRow.watchlist_id == watchlist_id)
        .group_by(FormerItemRow.until)
        .order_by(FormerItemRow.until.desc())
    )
    room = MOST_FORMER
    for until, count in counted:
        room -= count
        if room < 0:
            return int(until)
    return 0


def retire(session: Session, row: WatchlistRow, ids: Sequence[str] | None = None) -> None:
    """Keep items as they were before the revision that the watchlist has now; all of them, or some."""
    columns = [getattr(WatchlistItemRow, name) for name in _ITEM]
    chosen = select(*columns, literal(row.revision)).where(WatchlistItemRow.watchlist_id == row.id)
    names = [*_ITEM, "until"]
    if ids is None:
        session.execute(insert(FormerItemRow).from_select(names, chosen))
        return
    for start in range(0, len(ids), _AT_ONCE):
        some = chosen.where(WatchlistItemRow.id.in_(ids[start : start + _AT_ONCE]))
        session.execute(insert(FormerItemRow).from_select(names, some))


def forget(session: Session, watchlist_id: str) -> None:
    """Remove all that is kept of a watchlist."""
    for model in (WatchlistRevisionRow, FormerItemRow):
        session.execute(delete(model).where(model.watchlist_id == watchlist_id))


def revisions(session: Session, row: WatchlistRow) -> list[WatchlistRevision]:
    """The revisions that are kept, newest first."""
    found = session.scalars(
        select(WatchlistRevisionRow)
        .where(WatchlistRevisionRow.watchlist_id == row.id)
        .order_by(WatchlistRevisionRow.revision.desc())
    )
    return [_revision(one) for one in found]


def revision_of(session: Session, row: WatchlistRow, revision: int) -> WatchlistRevision:
    """One revision. Raises `NotFound`, and says which there are."""
    one = session.get(WatchlistRevisionRow, (row.id, revision))
    if one is None:
        oldest = session.scalar(
            select(func.min(WatchlistRevisionRow.revision)).where(WatchlistRevisionRow.watchlist_id == row.id)
        )
        raise NotFound(
            f"The watchlist {row.alias} has no revision {revision}.", target="revision",
            hint=f"Kept are the revisions {oldest} to {row.revision}.",
        )  # fmt: skip
    return _revision(one)


def items_at(
    session: Session, row: WatchlistRow, revision: int, top: int | None = None, skip: int = 0
) -> list[FormerItem]:
    """The items of a revision, in their order."""
    names = ("id", "position", "content", "created_at", "updated_at")
    now = select(*(getattr(WatchlistItemRow, name) for name in names)).where(
        WatchlistItemRow.watchlist_id == row.id, WatchlistItemRow.since <= revision
    )
    former = select(*(getattr(FormerItemRow, name) for name in names)).where(
        FormerItemRow.watchlist_id == row.id, FormerItemRow.since <= revision, FormerItemRow.until > revision
    )
    both = union_all(now, former).subquery()
    found = session.execute(select(both).order_by(both.c.position, both.c.id).limit(top).offset(skip))
    return [FormerItem(one.id, one.content, one.created_at, one.updated_at) for one in found]


def _revision(one: WatchlistRevisionRow) -> WatchlistRevision:
    held = one.content
    return WatchlistRevision(
        one.revision, one.at, one.by, held["name"], held["description"], held["provider"], held["source"], held["searchKey"],
        tuple(held["columns"]), held["items"],
    )  # fmt: skip
