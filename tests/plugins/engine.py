"""A query engine over a workspace without tables, for queries that make their own rows."""

from __future__ import annotations

from datetime import UTC, datetime

import duckdb
import pytest

from vedette.engine.query import QueryEngine
from vedette.kql.host import TableSchema

NOW = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
"""The time of queries that nothing else gives one."""


class NoTables:
    """A workspace without tables."""

    name = "default"

    def table(self, name: str) -> TableSchema | None:
        """None."""
        return None

    def table_names(self) -> list[str]:
        """No name."""
        return []

    def function(self, name: str) -> None:
        """None."""
        return None

    def workspace(self, name: str) -> None:
        """None."""
        return None


@pytest.fixture(scope="module")
def engine() -> QueryEngine:
    """An engine of the module's own."""
    return QueryEngine(duckdb.connect(":memory:"), NoTables())
