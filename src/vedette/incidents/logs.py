"""What incidents ask of a workspace's log store."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from vedette.detect.running.runner import QueryResult
from vedette.engine.query import Limits
from vedette.store.overview import TableInfo


class Logs(Protocol):
    """A workspace's log store, for questions with limits of their own."""

    def query(
        self, text: str, *, now: datetime | None = None, timespan: tuple[datetime, datetime] | None = None,
        limits: Limits | None = None,
    ) -> QueryResult:  # fmt: skip
        """The result of a KQL query."""
        ...

    def tables(self) -> list[TableInfo]:
        """The tables with rows."""
        ...
