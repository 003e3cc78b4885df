"""Statements to DuckDB: run to their end, and their errors told in one sentence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import duckdb
import pyarrow as pa

from vedette.core.errors import Unavailable, VedetteError


def run(connection: duckdb.DuckDBPyConnection, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
    """Run a statement to its end and give its rows: a result that is not fetched blocks the connection's next statement."""
    return connection.execute(sql, list(values)).fetchall() if values else connection.execute(sql).fetchall()


class _Lent:
    """An Arrow table as the engine asks for it; it is let go of when it was read.

    Within a transaction the engine keeps every object that was registered until the end, and so all that it holds.
    """

    def __init__(self, table: pa.Table) -> None:
        self._table: pa.Table | None = table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        if self._table is None:
            raise RuntimeError("the rows have been given back")
        return self._table.__arrow_c_stream__(requested_schema)

    def release(self) -> None:
        self._table = None


@contextmanager
def _known_as(connection: duckdb.DuckDBPyConnection, name: str, rows: object) -> Iterator[None]:
    connection.register(name, rows)
    try:
        yield
        connection.unregister(name)
    except BaseException:
        # in a transaction that has failed it cannot be taken back; what failed is what to tell
        with suppress(duckdb.Error):
            connection.unregister(name)
        raise


@contextmanager
def lent(connection: duckdb.DuckDBPyConnection, name: str, table: pa.Table) -> Iterator[None]:
    """An Arrow table that statements of this connection may read under a name, within the block."""
    rows = _Lent(table)
    try:
        with _known_as(connection, name, rows):
            yield
    finally:
        rows.release()


@contextmanager
def streamed(
    connection: duckdb.DuckDBPyConnection, name: str, schema: pa.Schema, batches: Iterable[pa.RecordBatch]
) -> Iterator[None]:
    """Rows that one statement of this connection may read once under a name, within the block, as they are made."""
    with _known_as(connection, name, pa.RecordBatchReader.from_batches(schema, batches)):
        yield


@contextmanager
def engine_errors() -> Iterator[None]:
    """Tells what the engine refused in one sentence."""
    try:
        yield
    except duckdb.OutOfMemoryException as error:
        raise Unavailable(
            "There is not enough memory or disk space to store the rows.",
            code="VDT0611",
            hint="Free disk space, or allow the store more memory.",
        ) from error
    except duckdb.InterruptException:
        raise
    except duckdb.Error as error:
        raise not_written(error) from error


def not_written(error: duckdb.Error) -> VedetteError:
    """What to say when the engine cannot write."""
    reason = str(error).split("\n", 1)[0].rstrip(".")
    full = "No space left" in str(error)
    return Unavailable(
        "There is no space left on the disk of the log store."
        if full
        else f"The log store could not be written: {reason}.",
        code="VDT0611" if full else "VDT0612",
        hint="Free disk space, and try again." if full else None,
    )
