"""What a store tells of the text of a query without running it, remembered: rules ask the same at every run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Generic, TypeVar

from vedette.kql.binder import bind
from vedette.kql.bound import BoundQuery
from vedette.kql.catalog import Catalog
from vedette.kql.diagnostics import KqlError
from vedette.store.host import WorkspaceHost
from vedette.store.tables import Tables

T = TypeVar("T")
_MAX_REMEMBERED: Final = 10_000
"""Queries of which something is remembered."""


class Told(Generic[T]):
    """One thing that bound trees tell."""

    def __init__(self, tables: Tables, host: WorkspaceHost, of: Callable[[BoundQuery], T]) -> None:
        self._tables = tables
        self._host = host
        self._of = of
        self._known: dict[tuple[str, int], T] = {}

    def told(self, text: str, catalog: Catalog) -> T | None:
        """What the bound tree of a query tells; None if it cannot be bound."""
        key = text, len(self._tables.names())  # a wildcard reads a new table, too
        known = self._known.get(key)
        if known is not None and not any(name in text for name in self._host.function_names()):
            return known  # while a saved function may be another one by now
        try:
            found = self._of(bind(text, catalog, self._host))
        except (KqlError, RecursionError):
            return None  # perhaps the next column makes it right
        if len(self._known) > _MAX_REMEMBERED:
            self._known.clear()
        self._known[key] = found
        return found
