"""A workspace's log store: appending, columns, descriptions, and what a query cannot reach."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.plugins.state import NOON
from tests.store.conftest import WORKSPACE, WriteFile
from vedette.core.clock import SystemClock, VirtualClock
from vedette.core.datadir import DataDirectory
from vedette.core.errors import Closing, Conflict, InvalidInput, NotFound, Unavailable, VedetteError
from vedette.kql import ticks
from vedette.kql.diagnostics import KqlError
from vedette.kql.types import Type
from vedette.store import catalog
from vedette.store import stores as stores_module
from vedette.store.catalog import Field
from vedette.store.logstore import LogStore
from vedette.store.report import LoadOptions
from vedette.store.rowlines import lines_of
from vedette.store.spool import Spool
from vedette.store.stores import Stores

Ask = Callable[[str], list[list[Any]]]


# -- append


def test_append(store: LogStore, ask: Ask) -> None:
    east = timezone(timedelta(hours=2))
    added = store.append(
        "SecurityAlert",
        [
            {
                "AlertName": "a",
                "StartTime": datetime(2026, 3, 1, 12, tzinfo=east),
                "Entities": [{"Type": "host"}],
                "Mine": 1,
            },
            {"AlertName": "b", "TimeGenerated": "2026-02-01T00:00:00Z"},
        ],
    )
    assert added == 2
    assert ask(
        "SecurityAlert | sort by AlertName asc | project TimeGenerated, AlertName, StartTime, Entities, Type, TenantId"
    ) == [
        [
            "2026-03-01T12:00:00.0000000Z",
            "a",
            "2026-03-01T10:00:00.0000000Z",
            '[{"Type":"host"}]',
            "SecurityAlert",
            WORKSPACE,
        ],
        ["2026-02-01T00:00:00.0000000Z", "b", None, "", "SecurityAlert", WORKSPACE],
    ]
    assert ask("SecurityAlert | where column_ifexists('Mine', 0) == 1 | count") == [[1]]


def test_every_append_is_its_own(store: LogStore, ask: Ask) -> None:
    for _ in range(2):
        store.append("SecurityAlert", [{"AlertName": "a"}])
    assert ask("SecurityAlert | distinct _ItemId | count") == [[2]]


def test_a_table_is_listed_when_its_rows_can_be_queried(store: LogStore, ask: Ask) -> None:
    """Listed before its first rows are committed, a table would be asked in vain by who waits for it."""
    names = [f"New{number}_CL" for number in range(12)]
    early: list[str] = []
    seen: set[str] = set()
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set() and len(seen) < len(names):
            for info in store.tables():
                if info.name in names and info.name not in seen:
                    seen.add(info.name)
                    if ask(f"{info.name} | count") != [[2]] or info.rows != 2:
                        early.append(info.name)

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        for name in names:
            store.append(name, [{"n": 1}, {"n": 2, "more": {"a": 1}}])
        watcher.join(timeout=60)
    finally:
        stop.set()
        watcher.join()
    assert (early, sorted(seen)) == ([], sorted(names))


def test_append_to_an_unknown_table(store: LogStore, ask: Ask) -> None:
    store.append("Mine_CL", [{"n": 1}])
    store.append("Mine_CL", [{"n": 2, "m": "x"}])
    assert ask("Mine_CL | sort by n asc | project n, m") == [[1, ""], [2, "x"]]


def test_nothing_is_added_where_something_is_no_row(store: LogStore) -> None:
    with pytest.raises(InvalidInput, match="Row 2 for SecurityAlert is not an object"):
        store.append("SecurityAlert", [{"AlertName": "a"}, "b"])  # type: ignore[list-item]
    with pytest.raises(InvalidInput, match="is not a table name"):
        store.append("a-b", [{"AlertName": "a"}])
    assert store.append("SecurityAlert", []) == 0
    assert store.tables() == []


# -- tables and columns


def test_tables_and_descriptions(store: LogStore, write: WriteFile) -> None:
    store.load(
        [write("SecurityEvent/a.jsonl", [{"TimeGenerated": f"2021-08-0{n}T00:00:00Z", "Odd": n} for n in (1, 2, 3)])]
    )
    (info,) = store.tables()
    assert (info.name, info.rows) == ("SecurityEvent", 3)
    assert (info.first, info.last) == (datetime(2021, 8, 1, tzinfo=UTC), datetime(2021, 8, 3, tzinfo=UTC))
    assert info.bytes == 3 * len('{"TimeGenerated": "2021-08-01T00:00:00Z", "Odd": 1}')
    described = store.describe("SecurityEvent")
    assert (described.known, described.stored, described.extra) == (True, True, {"Odd": Type.LONG})
    assert info.columns == len(described.fields)
    assert not store.describe("SigninLogs").stored
    with pytest.raises(NotFound) as caught:
        store.describe("SigninLog")
    assert caught.value.hint == "Did you mean 'SigninLogs'?"


def test_the_types_of_hidden_fields_are_remembered(store: LogStore, tmp_path: Path, clock: VirtualClock) -> None:
    file = tmp_path / "t.duckdb"
    with LogStore(file, clock) as store:
        store.append("SecurityEvent", [{"a": 1, "b": "x", "c": True, "d": [1], "e": 1, "f": None}])
        store.append("SecurityEvent", [{"a": 2.5, "b": 1, "e": 2}])
        expected = {"a": Type.REAL, "b": Type.DYNAMIC, "c": Type.BOOL, "d": Type.DYNAMIC, "e": Type.LONG}
        assert store.describe("SecurityEvent").extra == expected
    with LogStore(file, clock) as store:
        assert store.describe("SecurityEvent").extra == expected


def test_a_column_is_added_and_filled(tmp_path: Path, clock: VirtualClock) -> None:
    rows = [{"Score": "5", "Other": 1}, {"Score": 7}, {"Score": "high"}, {"Score": None}, {"Note": "Score"}]
    with LogStore(tmp_path / "t.duckdb", clock) as store:
        store.append("SecurityEvent", rows)
        assert store.add_column("SecurityEvent", "Score", Type.LONG) == 2
        store.append("SecurityEvent", [{"Score": 9}])
    with LogStore(tmp_path / "t.duckdb", clock) as store:
        assert store.describe("SecurityEvent").fields[-1] == Field("Score", Type.LONG)
        assert store.query("SecurityEvent | where isnotnull(Score) | project Score | sort by Score asc").rows == [
            [5],
            [7],
            [9],
        ]
        assert store.describe("SecurityEvent").extra.keys() == {"Score", "Other", "Note"}  # "high" is still there
        held = (
            store._cursor()
            .execute('SELECT "$extra" FROM log_tables."SecurityEvent" WHERE "$extra" IS NOT NULL')
            .fetchall()
        )
        assert sorted(text for (text,) in held) == ['{"Note":"Score"}', '{"Other":1}', '{"Score":"high"}']


def test_a_column_for_which_every_value_fits_is_not_looked_for_any_more(store: LogStore, ask: Ask) -> None:
    store.append("SecurityEvent", [{"When": "2021-08-02T00:00:00Z", 'Ké"y': {"a": 1}}])
    assert store.add_column("SecurityEvent", "When", Type.DATETIME) == 1
    assert store.add_column("SecurityEvent", 'Ké"y', Type.DYNAMIC) == 1
    assert store.describe("SecurityEvent").extra == {}
    assert ask("SecurityEvent | project When, ['Ké\"y'].a") == [["2021-08-02T00:00:00.0000000Z", 1]]


def test_a_column_can_be_added_before_any_row(store: LogStore, ask: Ask) -> None:
    assert store.add_column("SecurityEvent", "Score", Type.REAL) == 0
    assert ask("SecurityEvent | project Score") == []
    store.append("SecurityEvent", [{"Score": 1}])
    assert ask("SecurityEvent | project Score") == [[1.0]]


def test_columns_that_cannot_be_added(store: LogStore) -> None:
    store.append("SecurityEvent", [{"x": 1}])
    with pytest.raises(Conflict, match="SecurityEvent has a column 'Account' already"):
        store.add_column("SecurityEvent", "Account", Type.STRING)
    with pytest.raises(NotFound, match="There is no table 'Nothing'"):
        store.add_column("Nothing", "x", Type.STRING)
    with pytest.raises(InvalidInput):
        store.add_column("SecurityEvent", "", Type.STRING)


# -- asking


def test_a_known_table_without_rows_has_its_columns(store: LogStore, ask: Ask) -> None:
    assert ask("SigninLogs | where UserPrincipalName == 'x' | count") == [[0]]
    assert store.check("SigninLogs | project UserPrincipalName").columns is not None
    assert store.check("SigninLogs | project UserPrincpalName").diagnostics[0].code == "KS142"


@pytest.mark.parametrize("table", sorted(catalog.OWN))
def test_what_searches_everything_searches_all_but_the_records_of_loading_and_intake(
    store: LogStore, ask: Ask, table: str
) -> None:
    store.append("SigninLogs", [{"Identity": "needle"}])
    store.append(table, [{"Source": "needle", "Subject": "needle"}])
    found = (
        ["SigninLogs"] if table in {"VedetteDeadLetter_CL", "VedetteIngestion_CL"} else sorted({"SigninLogs", table})
    )
    assert ask("search 'needle' | distinct $table | sort by $table asc") == [[name] for name in found]
    assert ask("union withsource=T * | distinct T | sort by T asc") == [[name] for name in found]
    assert ask("find 'needle' | distinct source_ | sort by source_ asc") == [[name] for name in found]
    assert ask(f"union {table}, SigninLogs | count") == [[2]]
    assert ask(f"search in ({table}) 'needle' | count") == [[1]]


def test_an_unknown_table_is_named_with_the_nearest(store: LogStore) -> None:
    with pytest.raises(KqlError, match="SecurityEvent"):
        store.query("SecurityEvnt | count")


def test_now_is_the_clocks(store: LogStore, clock: VirtualClock) -> None:
    clock.advance(timedelta(hours=1))
    assert store.query("print now()").rows == [["2026-03-01T13:00:00.0000000Z"]]
    assert store.query("print now()", now=NOON).rows == [["2026-03-01T12:00:00.0000000Z"]]


def test_the_workspace_is_known_by_name_and_id(store: LogStore, ask: Ask) -> None:
    store.append("SecurityEvent", [{"EventID": 1}])
    assert ask("workspace('north').SecurityEvent | count") == [[1]]
    assert ask(f"workspace('{WORKSPACE}').SecurityEvent | count") == [[1]]
    with pytest.raises(KqlError):
        store.query("workspace('south').SecurityEvent | count")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM 'x.parquet'",
        "COPY (SELECT 1) TO 'x.csv'",
        "ATTACH 'x.duckdb'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SET memory_limit = '1TB'",
        "SELECT * FROM secret_rows",
    ],
)
def test_the_engine_reaches_nothing_but_its_file(store: LogStore, sql: str) -> None:
    import pyarrow as pa

    secret_rows = pa.table({"a": [1]})  # a Python variable is no table
    assert secret_rows.num_rows == 1
    with pytest.raises(duckdb.Error):
        store._cursor().execute(sql).fetchall()


def test_queries_run_while_rows_come_in(store: LogStore, write: WriteFile) -> None:
    """Readers never wait, never fail, and see each file wholly or not at all."""
    paths = [write(f"SecurityEvent/{n}.jsonl", [{"EventID": n, "i": i} for i in range(3_000)]) for n in range(6)]
    stop = threading.Event()
    seen: set[int] = set()
    failures: list[BaseException] = []

    def ask() -> None:
        while not stop.is_set():
            try:
                seen.add(store.query("SecurityEvent | count").rows[0][0])  # type: ignore[arg-type]
                store.query("SecurityAlert | count")
            except BaseException as error:
                failures.append(error)
                return

    def append() -> None:
        try:
            for n in range(20):
                store.append("SecurityAlert", [{"AlertName": str(n), f"new{n}": n}])
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=ask), threading.Thread(target=append)]
    for thread in threads:
        thread.start()
    report = store.load(paths)
    threads[1].join()
    stop.set()
    threads[0].join()
    assert failures == []
    assert report.rows == 18_000
    assert all(count % 3_000 == 0 for count in seen)
    assert store.query("SecurityAlert | count").rows == [[20]]


def test_writers_of_one_table_take_turns(store: LogStore, write: WriteFile) -> None:
    paths = [write(f"Things_CL/{n}.jsonl", [{"n": n, f"f{n}": i} for i in range(1_000)]) for n in range(4)]
    failures: list[BaseException] = []

    def load(path: Path) -> None:
        try:
            store.load([path])
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=load, args=[path]) for path in paths for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert store.query("Things_CL | summarize count(), sum(n)").rows == [[4_000, 6_000]]
    assert {"f0", "f1", "f2", "f3"} <= {field.name for field in store.describe("Things_CL").fields}


# -- opening and closing


def test_a_file_that_is_no_store(tmp_path: Path, clock: VirtualClock) -> None:
    path = tmp_path / "logs.duckdb"
    path.write_bytes(b"nothing of the kind" * 1000)
    with pytest.raises(Unavailable, match="cannot be opened") as caught:
        LogStore(path, clock)
    assert str(path) in str(caught.value)


def test_a_store_of_a_later_layout_is_refused(tmp_path: Path, clock: VirtualClock) -> None:
    path = tmp_path / "logs.duckdb"
    LogStore(path, clock).close()
    with duckdb.connect(str(path)) as connection:
        connection.execute("UPDATE store_catalog.meta SET value = '99'")
    with pytest.raises(Unavailable, match="layout 99"):
        LogStore(path, clock)


def test_a_closed_store_says_so(store: LogStore) -> None:
    store.close()
    store.close()
    with pytest.raises(Unavailable, match="closed"):
        store.query("print 1")
    with pytest.raises(Unavailable, match="closed"):
        store.append("SecurityAlert", [{}])


def test_a_name_of_the_file_is_no_trouble(tmp_path: Path, clock: VirtualClock) -> None:
    for name in ("logs", "log tables", "main"):
        with LogStore(tmp_path / f"{name}.duckdb", clock) as store:
            store.append("SecurityEvent", [{"EventID": 1}])
            assert store.query("SecurityEvent | count").rows == [[1]]


def test_stores(tmp_path: Path, clock: VirtualClock) -> None:
    other = "0a1b2c3d-0000-4000-8000-00000000ffff"
    with Stores(DataDirectory(tmp_path), clock, name_of={WORKSPACE: "north", other: "south"}.__getitem__) as stores:
        store = stores.open(WORKSPACE)
        assert stores.open(WORKSPACE.upper()) is store
        store.append("SecurityEvent", [{"EventID": 1}])
        assert stores.open(other).tables() == []
        assert stores.open(other).host.name == "south"
    with pytest.raises(Unavailable):
        stores.open(WORKSPACE)
    assert (tmp_path / "workspaces" / WORKSPACE / "logs.duckdb").is_file()
    with Stores(DataDirectory(tmp_path), clock) as stores:
        assert stores.open(WORKSPACE).query("SecurityEvent | project TenantId").rows == [[WORKSPACE]]


def test_who_ends_waits_for_no_store_that_takes_up_what_was_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A killed server may leave a spool whose way into the tables takes minutes: the next one can be ended meanwhile."""
    clock, batches = SystemClock(), 60
    other, third = "0a1b2c3d-0000-4000-8000-00000000ffff", "0a1b2c3d-0000-4000-8000-00000000fffe"
    for workspace in (WORKSPACE, other):
        folder = DataDirectory(tmp_path).logs_file(workspace).with_name("spool")
        folder.parent.mkdir(parents=True)
        spool = Spool(folder)
        for number in range(batches):
            at = ticks.from_datetime(clock.now())
            spool.put("Left_CL", lines_of("Left_CL", [{"number": number}]), source="test", at=at)
        spool.close()
    head, take, moving = Spool.head, LogStore.take, threading.Event()

    def slow(*arguments: Any) -> Any:
        moving.set()
        time.sleep(0.5)
        return take(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(LogStore, "take", slow)
        patch.setattr(Spool, "head", lambda spool, rows, size: head(spool, 1, 1))
        patch.setattr(stores_module, "_CLOSE_SECONDS", 0.5)
        stores = Stores(DataDirectory(tmp_path), clock)
        opening = threading.Thread(target=stores.open, args=(WORKSPACE,))
        opening.start()
        assert moving.wait(60)
        assert stores.open(third).query("print 1").rows == [[1]], "other workspaces are not kept waiting"
        assert opening.is_alive()
        begun = time.monotonic()
        stores.end_queries()
        assert time.monotonic() - begun < 10
        with pytest.raises(Closing):
            stores.open(other).query("print 1")
        opening.join()
        stores.close()
        assert time.monotonic() - begun < batches * 0.5 * 0.8
    with Stores(DataDirectory(tmp_path), clock) as stores:
        for workspace in (WORKSPACE, other):
            found = stores.open(workspace).query("Left_CL | summarize count(), dcount(number)").rows
            assert found == [[batches, batches]]


def test_a_folder_that_cannot_be_made(tmp_path: Path, clock: VirtualClock) -> None:
    (tmp_path / "workspaces").write_text("a file is in the way")
    with Stores(DataDirectory(tmp_path), clock) as stores, pytest.raises(VedetteError, match="cannot be made"):
        stores.open(WORKSPACE)


def test_a_store_in_memory(clock: VirtualClock, write: WriteFile) -> None:
    with LogStore(None, clock) as store:
        assert store.load([write("SecurityEvent/a.jsonl", [{"EventID": 1}])], LoadOptions()).rows == 1
        assert store.query("SecurityEvent | count").rows == [[1]]


def test_values_that_did_not_convert_are_within_reach(store: LogStore) -> None:
    store.append("App_CL", [{"Who": "a", "Count": 1}])
    store.append("App_CL", [{"Who": "b", "Count": "many"}, {"Who": "c", "Count": {"x": 2}}, {"Who": "d"}])
    store.append("SigninLogs", [{"Identity": "e", "IsInteractive": "perhaps", "Odd": 5}])
    kept = "column_ifexists('$Extra', dynamic(null))"
    asked = store.query(f"App_CL | sort by Who asc | project Who, Count, Sent = {kept}.Count").rows
    assert asked == [["a", 1, None], ["b", None, "many"], ["c", None, {"x": 2}], ["d", None, None]]
    assert store.query(f"App_CL | where tostring({kept}.Count.x) == '2' | project Who").rows == [["c"]]
    assert store.query(f"SigninLogs | project {kept}").rows == [[{"IsInteractive": "perhaps", "Odd": 5}]]
    assert store.query("App_CL | project column_ifexists('$Extra', 'none') | take 1").rows == [["none"]]
    assert "$Extra" not in {row[0] for row in store.query("App_CL | getschema").rows}
