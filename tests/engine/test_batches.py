"""Reading a statement's rows: planned once, a batch at a time, and the same where the engine offers nothing but a relation."""

from __future__ import annotations

import duckdb
import pytest

from vedette.engine.batches import batches_of

SQL = "SELECT i, 'text ' || i AS t FROM range(100000) AS r(i) WHERE i % 2 = $odd"


class _Plain:
    """A connection of a release without what `batches_of` asks for."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.sql = connection.sql


def test_rows_are_those_of_a_relation() -> None:
    with duckdb.connect() as connection:
        rows = batches_of(connection, SQL, {"odd": 1}, 2048).read_all()
        assert rows.num_rows == 50_000
        assert rows.equals(batches_of(_Plain(connection), SQL, {"odd": 1}, 2048).read_all())  # type: ignore[arg-type]
        assert batches_of(connection, "SELECT 1 AS one", None, 2048).read_all().to_pylist() == [{"one": 1}]


def test_a_reader_that_is_closed_stops_the_engine_and_leaves_the_connection_free() -> None:
    with duckdb.connect() as connection:
        reader = batches_of(connection, "SELECT i FROM range(1000000000000) AS r(i)", None, 2048)
        assert reader.read_next_batch().num_rows
        reader.close()
        assert connection.execute("SELECT 7").fetchall() == [(7,)]


def test_an_error_while_rows_are_made_comes_from_the_reader() -> None:
    with duckdb.connect() as connection:
        late = "SELECT CASE WHEN i = 5000000 THEN error('no ' || i) ELSE i END FROM range(5000001) AS r(i)"
        reader = batches_of(connection, late, None, 2048)
        with pytest.raises(OSError, match="no 5000000"):
            reader.read_all()
        with pytest.raises(duckdb.CatalogException, match="nowhere"):
            batches_of(connection, "SELECT * FROM nowhere", None, 2048)
