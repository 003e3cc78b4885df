"""Statements to DuckDB: run to their end, and their errors told in one sentence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import duckdb

from vedette.core.errors import Unavailable, VedetteError


def run(connection: duckdb.DuckDBPyConnection, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
    """Run a statement to its end and give its rows: a result that is not fetched blocks the connection's next statement."""
    return connection.execute(sql, list(values)).fetchall() if values else connection.execute(sql).fetchall()


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
    return Unavailable(f"The log store could not be written: {reason}.", code="VDT0612")
