"""Queries over many tables, and queries that give several."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from datetime import UTC, datetime

import duckdb
import pytest

from vedette.engine.query import Cancellation, Limits, QueryEngine, QueryFailed, QueryOptions
from vedette.kql.host import Field, TableSchema
from vedette.kql.types import Type

NOW = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)


class Workspace:
    """Two tables with rows among two thousand without."""

    name = "default"

    def __init__(self) -> None:
        self.tables = {f"Known{n}": _table(f"Known{n}", None, *(f"C{n}_{m}" for m in range(30))) for n in range(2000)}
        self.tables["Doors"] = _table("Doors", "doors", "Name", "State")
        self.tables["Windows"] = _table("Windows", "windows", "Name", "Floor")

    def table(self, name: str) -> TableSchema | None:
        return self.tables.get(name)

    def table_names(self) -> Iterable[str]:
        return sorted(self.tables)

    def function(self, name: str) -> None:
        return None

    def workspace(self, name: str) -> None:
        return None


def _table(name: str, source: str | None, *columns: str) -> TableSchema:
    return TableSchema(name, tuple(Field(column, Type.STRING, column) for column in columns), source)


@pytest.fixture(scope="module")
def engine() -> QueryEngine:
    connection = duckdb.connect(":memory:")
    connection.execute("CREATE TABLE doors AS SELECT 'front' AS Name, 'open' AS State")
    connection.execute("CREATE TABLE windows AS SELECT 'kitchen' AS Name, 'second' AS Floor")
    return QueryEngine(connection, Workspace())


def run(engine: QueryEngine, text: str, **options: object) -> list[list[object]]:
    return engine.run(text, QueryOptions(now=NOW, **options)).rows  # type: ignore[arg-type]


def test_every_table_means_those_with_rows(engine: QueryEngine) -> None:
    started = time.process_time()
    result = engine.run('search "open"', QueryOptions(now=NOW))
    assert [column.name for column in result.columns] == ["$table", "Name", "State", "Floor"]
    assert result.rows == [["Doors", "front", "open", ""]]
    assert run(engine, "union * | count") == [[2]]
    assert run(engine, 'find "kitchen"') == [["Windows", "kitchen", {"Floor": "second"}]]
    assert time.process_time() - started < 5


def test_columns_of_tables_without_rows_are_known(engine: QueryEngine) -> None:
    assert run(engine, 'union * | where C7_3 == "x" or State == "open" | project Name, C7_3') == [["front", ""]]
    assert run(engine, 'search C7_3 == "x" or State == "open" | project Name') == [["front"]]
    assert run(engine, 'find C7_3 == "x"') == []
    assert [d.code for d in engine.check("union * | where C7_99 == 1").diagnostics] == ["KS142"]


def test_a_pattern_of_few_tables_shows_all_their_columns(engine: QueryEngine) -> None:
    result = engine.run("union withsource = T Known1, Win* | where Name == 'kitchen'", QueryOptions(now=NOW))
    assert len(result.columns) == 1 + 30 + 2
    assert result.rows[0][0] == "Windows"


def test_fork_gives_every_table(engine: QueryEngine) -> None:
    result = engine.run("Doors | fork state = (project State) (count)", QueryOptions(now=NOW))
    assert (result.name, result.rows) == ("state", [["open"]])
    assert [(table.name, table.rows) for table in result.more] == [(None, [[1]])]


def test_facet_gives_a_table_for_each_column(engine: QueryEngine) -> None:
    result = engine.run("Doors | facet by Name, State with (project State)", QueryOptions(now=NOW))
    assert result.rows == [["open"]]
    assert [(table.name, table.rows) for table in result.more] == [("Name", [["front", 1]]), ("State", [["open", 1]])]


def test_restrict_hides_tables(engine: QueryEngine) -> None:
    assert run(engine, "restrict access to (Doors); union * | count") == [[1]]
    assert run(engine, "restrict access to (database().D*); union * | count") == [[1]]
    assert engine.check("restrict access to (Doors); Windows | count").diagnostics[0].code == "KS204"


def test_a_query_parameter_is_given_by_the_caller(engine: QueryEngine) -> None:
    text = "declare query_parameters(state: string = 'shut'); Doors | where State == state | count"
    assert run(engine, text) == [[0]]
    assert run(engine, text, parameters={"state": "open"}) == [[1]]


def test_options_narrow_the_limits(engine: QueryEngine) -> None:
    with pytest.raises(QueryFailed, match="stopped"):
        run(engine, "set servertimeout = 300ms; range x from 1 to 1000000000000 step 1 | summarize max(x)")
    lifted = run(engine, "set notruncation; range x from 1 to 9 step 1", limits=Limits(rows=3))
    assert len(lifted) == 9
    cut = engine.run("set truncationmaxrecords = 2; range x from 1 to 9 step 1", QueryOptions(now=NOW))
    assert len(cut.rows) == 2
    assert cut.partial


def test_scan_can_be_cancelled(engine: QueryEngine) -> None:
    cancellation = Cancellation()
    threading.Timer(0.5, cancellation.cancel).start()
    started = time.monotonic()
    with pytest.raises(QueryFailed, match="cancelled"):
        run(
            engine,
            "range x from 1 to 50000000 step 1 | scan declare (n: long) with (step a: true => n = a.n + x;) | count",
            cancellation=cancellation,
        )
    assert time.monotonic() - started < 60


def test_scan_takes_time_in_proportion(engine: QueryEngine) -> None:
    text = "range x from 1 to {} step 1 | scan declare (n: long = 0) with (step a: true => n = a.n + x;) | summarize max(n)"
    started = time.process_time()
    assert run(engine, text.format(20_000)) == [[200_010_000]]
    few = time.process_time() - started
    started = time.process_time()
    assert run(engine, text.format(200_000)) == [[20_000_100_000]]
    assert time.process_time() - started < 40 * few + 1
