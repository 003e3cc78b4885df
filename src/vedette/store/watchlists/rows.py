"""The items of a watchlist as queries see them: the rows of `_GetWatchlist()`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import orjson

from vedette.kql import ticks
from vedette.kql.binder.workspaces import WATCHLIST_FIELDS
from vedette.kql.host import Items
from vedette.kql.types import Type
from vedette.store.models import WatchlistItemRow

SEARCH_KEY: Final = [name for name, _ in WATCHLIST_FIELDS].index("SearchKey")
"""The place of the search key in a row."""
_BASE: Final = frozenset(name for name, _ in WATCHLIST_FIELDS)


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
