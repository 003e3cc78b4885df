"""Rows that a statement needs and that the connection does not hold: given by the host, by another store, or by another host.

They are put into the connection that runs the statement, and go with it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

from vedette.core.deferred import deferred
from vedette.kql.bound import Column
from vedette.kql.host import ExternalSource
from vedette.kql.node import fact
from vedette.kql.types import Type

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa
else:
    pa = deferred("pyarrow")


def _arrow(kind: Type) -> pa.DataType:
    """What values of a type come as; those that have no type here come as text."""
    kinds = {
        Type.BOOL: pa.bool_, Type.INT: pa.int32, Type.LONG: pa.int64, Type.REAL: pa.float64,
        Type.DATETIME: pa.int64, Type.TIMESPAN: pa.int64,
    }  # fmt: skip
    return kinds.get(kind, pa.string)()


class RowSource(ABC):
    """A store that another store's queries may read: `TableSchema.owner`."""

    @abstractmethod
    def rows(self, sql: str, parameters: dict[str, object]) -> AbstractContextManager[pa.RecordBatchReader]:
        """The rows of a SELECT there, batch by batch."""


@fact
class Surroundings:
    """What rows are fetched with."""

    used: frozenset[str]
    """The SQL names of the columns that the statement reads."""
    values: dict[str, object]
    """The values of the statement's parameters."""
    external: ExternalSource | None


class Given(Protocol):
    """Rows to put into a connection before a statement runs."""

    def install(self, connection: duckdb.DuckDBPyConnection, around: Surroundings) -> None:
        """Makes the rows known to the connection under their name."""


@fact
class KnownRows:
    """Rows that the host gave when the query was bound."""

    name: str
    columns: tuple[tuple[str, Column], ...]
    rows: Sequence[tuple[object, ...]]

    def install(self, connection: duckdb.DuckDBPyConnection, around: Surroundings) -> None:
        """Makes the rows known to the connection."""
        arrays = {
            name: pa.array([row[place] for row in self.rows], _arrow(column.type))
            for place, (name, column) in enumerate(self.columns)
            if name in around.used
        }
        _register(connection, self.name, arrays, len(self.rows))


@fact
class ExternalRows:
    """Rows that another host holds; every value is text."""

    name: str
    columns: tuple[tuple[str, Column], ...]
    uris: tuple[str, ...]
    properties: dict[str, object]

    def install(self, connection: duckdb.DuckDBPyConnection, around: Surroundings) -> None:
        """Fetches the rows. Raises `VedetteError` where they may not or cannot be read."""
        assert around.external is not None
        declared = [(column.name, column.type) for _, column in self.columns]
        rows = around.external.rows(self.uris, self.properties, declared)
        arrays = {
            name: pa.array([row[place] for row in rows], pa.string()) for place, (name, _) in enumerate(self.columns)
        }
        _register(connection, self.name, arrays, len(rows))


@fact
class ForeignRows:
    """Rows of another store: those columns that the statement reads, within its time range."""

    name: str
    columns: tuple[tuple[str, str], ...]
    """The SQL name of each column here, and the SQL of it there."""
    source: str
    where: str
    parameters: frozenset[str]
    owner: RowSource

    def install(self, connection: duckdb.DuckDBPyConnection, around: Surroundings) -> None:
        """Copies the rows into a temporary table, which may go to disk."""
        items = [f"{sql} AS {name}" for name, sql in self.columns if name in around.used] or ["1 AS one"]
        text = f"SELECT {', '.join(items)} FROM {self.source}{self.where}"
        bound = {name: around.values[name] for name in self.parameters}
        with self.owner.rows(text, bound) as reader:
            connection.register(f"{self.name}_in", reader)
            try:
                connection.execute(f"CREATE OR REPLACE TEMP TABLE {self.name} AS SELECT * FROM {self.name}_in")
            finally:
                connection.unregister(f"{self.name}_in")


def _register(connection: duckdb.DuckDBPyConnection, name: str, arrays: dict[str, pa.Array], count: int) -> None:
    if not arrays:
        arrays = {"one": pa.array([1] * count, pa.int32())}
    connection.register(name, pa.table(arrays))
