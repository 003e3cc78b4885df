"""Watchlists that a test beside a rule gives, as its queries see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from vedette.core.ids import derived_id
from vedette.detect.rule import JsonValue
from vedette.kql.host import Items
from vedette.store.content import WorkspaceContent
from vedette.store.models import WatchlistItemRow
from vedette.store.watchlists.rows import query_items

_KEY: Final = "SearchKey"
"""The field of an item that `_GetWatchlist()` shows under this name, and looks keys up in."""


class GivenWatchlists(WorkspaceContent):
    """What a workspace has besides tables, where that is some watchlists: `given` has their items, by alias."""

    def __init__(self, given: Mapping[str, Sequence[Mapping[str, JsonValue]]], at: datetime) -> None:
        super().__init__()
        self._given = {alias.casefold(): items for alias, items in given.items()}
        self._aliases = tuple(given)
        self._at = at

    def watchlist(self, alias: str, keys: Sequence[str] | None) -> Items | None:
        """A watchlist's items, or None where it is not given."""
        given = self._given.get(alias.casefold())
        if given is None:
            return None
        rows = [
            WatchlistItemRow(
                id=derived_id("item", alias, str(number)), content=dict(item), created_at=self._at, updated_at=self._at
            )
            for number, item in enumerate(given, 1)
            if keys is None or item.get(_KEY) in keys
        ]
        names = list(dict.fromkeys(name for item in given for name in item))
        return query_items(alias, _KEY, names, rows)

    def watchlist_aliases(self) -> Sequence[str]:
        """The alias of each."""
        return self._aliases
