"""The rows of one statement as a stream of Arrow batches, planned once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa


def batches_of(
    connection: duckdb.DuckDBPyConnection, sql: str, values: Mapping[str, object] | None, rows: int
) -> pa.RecordBatchReader:
    """Run a SELECT and read its rows, about `rows` a batch, as the engine makes them.

    `connection.sql()` describes a statement before it runs it: it is cut into tokens once, parsed three times and bound twice,
    which for the statement of a detection takes longer than to run it. `execute()` plans once, but holds all rows. A relation
    reads its rows by `_submit`; that is what is asked here, and where a release has it no more, the relation itself.

    Raises what the engine raises, an error while rows are read as `OSError`, and UnicodeEncodeError for what is no text.
    """
    submit: Any = getattr(connection, "_submit", None)
    if submit is None:
        reader: pa.RecordBatchReader = connection.sql(sql, params=values).to_arrow_reader(rows)
        return reader
    sql.encode()  # raises UnicodeEncodeError for half a surrogate pair, of which the engine tells less
    reader = submit(sql, dict(values) if values else None, "stream", rows).arrow_reader()
    return reader
