"""Retention: rows go to the lake and away, and queries find the same rows meanwhile; purging removes them everywhere."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.plugins.state import NOON
from vedette.core.clock import VirtualClock
from vedette.core.database import State
from vedette.core.errors import Conflict, InvalidInput
from vedette.core.roles import SYSTEM
from vedette.core.workspaces import Workspaces
from vedette.kql.diagnostics import KqlError
from vedette.kql.types import Type
from vedette.store.logstore import LogStore
from vedette.store.retention.lake import READERS, Readers, TableTiers
from vedette.store.retention.moves import move_day, old_days
from vedette.store.retention.periods import Retention
from vedette.store.retention.purge import preview, purge

QUERIES = (
    "SigninLogs | count",
    "SigninLogs | summarize arg_max(TimeGenerated, *) by UserPrincipalName | project UserPrincipalName, ResultType, "
    "OS = tostring(DeviceDetail.os) | sort by UserPrincipalName asc",
    "SigninLogs | summarize arg_min(TimeGenerated, *) by UserPrincipalName | project UserPrincipalName, ResultType, "
    "OS = tostring(DeviceDetail.os) | sort by UserPrincipalName asc",
    "My_CL | where TimeGenerated < ago(10d) | extend Half = bin(Odd, 100) | summarize arg_max(TimeGenerated, DeviceDetail, Odd) by Half "
    "| sort by Half asc",
    "SigninLogs | where TimeGenerated between (datetime(2026-02-01) .. 3d) | summarize count(), max(TimeGenerated), "
    "sum(toint(column_ifexists('Odd', 0)))",
    "SigninLogs | where ResultType == '250' | project _ItemId, Type, TenantId, ingestion_time(), _BilledSize, AppDisplayName",
    "SigninLogs | where TimeGenerated > ago(20d) and UserPrincipalName has 'u3' | summarize count() by bin(TimeGenerated, 7d) "
    "| sort by TimeGenerated asc",
    'search "u3" | summarize count()',
    "union SigninLogs, My_CL | summarize count() by Type | sort by Type asc",
    "My_CL | sort by TimeGenerated asc | take 3 | project Odd, TimeGenerated",
    "SigninLogs | where UserPrincipalName in ((My_CL | where Odd < 3 | project UserPrincipalName)) | count",
    "SigninLogs | sort by TimeGenerated asc | extend n = row_number() | where TimeGenerated > datetime(2026-02-20) | summarize min(n)",
)


def rows(count: int = 400) -> list[dict[str, Any]]:
    """One row every six hours, back from noon of 2026-03-01."""
    return [
        {
            "TimeGenerated": (NOON - timedelta(hours=6 * place)).isoformat(), "UserPrincipalName": f"u{place % 5}",
            "ResultType": str(place), "DeviceDetail": {"os": "W" if place % 2 else "M"}, "Odd": place,
        }
        for place in range(count)
    ]  # fmt: skip


class _World:
    def __init__(self, folder: Path, clock: VirtualClock) -> None:
        self.folder = folder
        self.clock = clock
        self.state = State.in_file(folder / "state.db")
        self.state.upgrade()
        self.workspace = Workspaces(self.state, clock).default().id
        self.retention = Retention(self.state, self.workspace, clock)
        self.logs = self.open()

    def open(self) -> LogStore:
        (self.folder / "store").mkdir(exist_ok=True)
        return LogStore(self.folder / "store" / "logs.duckdb", self.clock, workspace_id=self.workspace)

    def again(self) -> None:
        self.logs.close()
        self.logs = self.open()

    def ask(self, text: str) -> list[list[Any]]:
        return self.logs.query(text).rows

    def files(self) -> list[Path]:
        return sorted((self.folder / "store" / "lake").rglob("*.parquet"))

    def stored(self, table: str) -> int:
        with self.logs.cursor() as cursor:
            return int(cursor.execute(f'SELECT count(*) FROM log_tables."{table}"').fetchall()[0][0])


@pytest.fixture
def world(tmp_path: Path, clock: VirtualClock) -> Iterator[_World]:
    made = _World(tmp_path, clock)
    made.logs.append("SigninLogs", rows())
    made.logs.append("My_CL", rows())
    yield made
    made.logs.close()
    made.state.dispose()


def test_queries_do_not_notice_that_rows_moved(world: _World) -> None:
    before = [world.ask(text) for text in QUERIES]
    world.retention.set("*", 30, None, SYSTEM)
    done = world.retention.enforce(world.logs)
    assert [(one.table, one.moved_rows, one.moved_days, one.error) for one in done.tables][:2] == [
        ("My_CL", 277, 70, None), ("SigninLogs", 277, 70, None),
    ]  # fmt: skip
    assert world.stored("SigninLogs") == 123
    assert [world.ask(text) for text in QUERIES] == before
    world.again()
    assert [world.ask(text) for text in QUERIES] == before
    assert [(info.name, info.rows) for info in world.logs.tables()] == [("My_CL", 400), ("SigninLogs", 400)]


def test_the_lake_is_partitioned_by_table_and_day(world: _World) -> None:
    world.retention.set("My_CL", 98, None, SYSTEM)
    world.retention.enforce(world.logs)
    names = [path.relative_to(world.folder / "store" / "lake").as_posix() for path in world.files()]
    assert names == ["My_CL/day=2025-11-21/00000001.parquet", "My_CL/day=2025-11-22/00000002.parquet"]


def test_rows_that_come_late_join_their_day(world: _World) -> None:
    world.retention.set("My_CL", 30, None, SYSTEM)
    world.retention.enforce(world.logs)
    world.logs.append("My_CL", [{"TimeGenerated": "2025-12-24T00:00:00Z", "Odd": -1}])
    assert world.ask("My_CL | where Odd == -1 | count") == [[1]]
    assert [one.moved_rows for one in world.retention.enforce(world.logs).tables] == [1]
    assert world.ask("My_CL | summarize count(), min(Odd)") == [[401, -1]]


def test_total_retention_removes_rows_and_files(world: _World) -> None:
    world.retention.set("SigninLogs", 30, None, SYSTEM)
    world.retention.enforce(world.logs)
    world.retention.set("SigninLogs", 30, 60, SYSTEM)
    done = {one.table: one for one in world.retention.enforce(world.logs).tables}
    assert done["SigninLogs"].deleted_rows == 157
    assert world.ask("SigninLogs | summarize count(), min(TimeGenerated)") == [[243, "2025-12-31T00:00:00.0000000Z"]]
    assert min(path.parent.name for path in world.files()) == "day=2025-12-31"
    world.retention.set("My_CL", None, 10, SYSTEM)
    world.retention.enforce(world.logs)
    assert world.ask("My_CL | summarize min(TimeGenerated)") == [["2026-02-19T00:00:00.0000000Z"]]
    assert not [path for path in world.files() if "My_CL" in path.parts]


@pytest.mark.parametrize(("interactive", "total"), [(30, None), (None, 60), (30, 60), (10, 90)])
def test_what_a_setting_would_do_is_what_it_does(world: _World, interactive: int | None, total: int | None) -> None:
    """Also where some of the rows are in the lake already; a table with a setting of its own has no part in that for all others."""
    world.retention.set("My_CL", 95, None, SYSTEM)
    world.retention.enforce(world.logs)
    for table in ("*", "My_CL"):
        told = {
            one.table: (one.moved_rows, one.deleted_rows)
            for one in world.retention.effect(world.logs, table, interactive, total)
        }
        sizes = {one.table: one.deleted_bytes for one in world.retention.effect(world.logs, table, interactive, total)}
        billed = world.logs.query(f"{'SigninLogs' if table == '*' else table} | summarize sum(_BilledSize)").rows[0][0]
        world.retention.set(table, interactive, total, SYSTEM)
        run = world.retention.enforce(world.logs)
        assert told == {
            one.table: (one.moved_rows, one.deleted_rows)
            for one in run.tables
            if (one.moved_rows or one.deleted_rows) and (one.table == "My_CL") == (table == "My_CL")
        }
        left = world.logs.query(f"{'SigninLogs' if table == '*' else table} | summarize sum(_BilledSize)").rows[0][0]
        assert sum(sizes.values()) == billed - (left or 0)
        assert told


def test_nothing_goes_without_a_setting(world: _World) -> None:
    assert world.retention.enforce(world.logs).tables == []
    assert world.files() == []


def test_settings_are_checked_and_inherited(world: _World) -> None:
    for interactive, total in ((30, 10), (0, None), (None, 100_000)):
        with pytest.raises(InvalidInput):
            world.retention.set("SigninLogs", interactive, total, SYSTEM)
    world.retention.set("*", 90, 365, SYSTEM)
    assert world.retention.of("SigninLogs").inherited
    world.retention.set("SigninLogs", 7, 30, SYSTEM)
    assert (world.retention.of("SigninLogs").interactive_days, world.retention.of("My_CL").total_days) == (7, 365)
    world.retention.reset("SigninLogs", SYSTEM)
    assert world.retention.of("SigninLogs").interactive_days == 90


def test_only_files_of_the_time_asked_for_are_read(world: _World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.retention.set("SigninLogs", 30, None, SYSTEM)
    world.retention.enforce(world.logs)
    asked: list[int] = []
    relation = TableTiers.relation

    def counting(self: TableTiers, first: int | None, last: int | None) -> str:
        text = relation(self, first, last)
        asked.append(text.count(".parquet"))
        return text

    monkeypatch.setattr(TableTiers, "relation", counting)

    def files(text: str, timespan: tuple[datetime, datetime] | None = None) -> int:
        asked.clear()
        world.logs.query(text, timespan=timespan)
        return asked[-1]

    assert files("SigninLogs | count") == 70
    assert files("SigninLogs | where TimeGenerated > ago(7d) | count") == 0
    assert files("SigninLogs | extend a = 1 | where TimeGenerated >= datetime(2026-01-20) | where a == 1 | count") == 10
    assert files("SigninLogs | where TimeGenerated between (datetime(2026-01-01) .. 2d) | count") == 3
    # a bound is taken as one that is met: the day that begins there has a row at just that time
    assert files("SigninLogs | where datetime(2025-12-01) > TimeGenerated and ResultType != '' | count") == 11
    assert files("SigninLogs | where TimeGenerated > ago(7d) or ResultType == '3' | count") == 70
    assert files("SigninLogs | count", (NOON - timedelta(days=32), NOON)) == 2
    # a window function needs the rows before
    assert (
        files(
            "SigninLogs | sort by TimeGenerated asc | extend n = row_number() | where TimeGenerated > ago(7d) | count"
        )
        == 70
    )


def test_a_column_that_was_added_later_is_found_in_old_rows(world: _World) -> None:
    extra = [
        {"TimeGenerated": (NOON - timedelta(days=day)).isoformat(), "Fresh": f"v{day}", "Num": day} for day in (1, 40)
    ]
    world.logs.append("SigninLogs", extra)
    world.retention.set("SigninLogs", 30, None, SYSTEM)
    world.retention.enforce(world.logs)
    world.logs.add_column("SigninLogs", "Fresh", Type.STRING)
    world.logs.add_column("SigninLogs", "Num", Type.LONG)
    assert world.ask("SigninLogs | where Fresh != '' | project Fresh, Num | sort by Num asc") == [
        ["v1", 1],
        ["v40", 40],
    ]


def test_what_came_in_is_counted_wherever_it_lies_by_now(world: _World) -> None:
    """Old evidence is in the lake before the hour in which it came has ended."""
    since, until = world.clock.now() - timedelta(hours=1), world.clock.now() + timedelta(hours=1)
    before = world.logs.ingested(since, until)
    assert [(one.table, one.rows) for one in before] == [("My_CL", 400), ("SigninLogs", 400)]
    world.retention.set("*", 30, None, SYSTEM)
    world.retention.enforce(world.logs)
    assert world.stored("My_CL") == 123
    found = world.logs.ingested(since, until)
    assert [(one.table, one.rows, one.bytes, one.loads) for one in found] == [
        (one.table, one.rows, one.bytes, one.loads) for one in before
    ]
    assert [one.latency for one in found] == pytest.approx([one.latency for one in before])
    assert world.logs.ingested(until, until + timedelta(hours=1)) == []
    stored = world.logs.stored("My_CL")
    assert stored is not None
    assert str(world.files()[0]) in world.logs.lake.rows_of(stored, 3_600.0)
    os.utime(world.files()[0], (0, 0))
    assert str(world.files()[0]) not in world.logs.lake.rows_of(stored, 3_600.0)


def test_rows_that_came_late_are_told_wherever_they_lie_by_now(world: _World) -> None:
    """A rule that looks at late rows after they were moved learns of them all the same."""
    first = world.logs.position()
    late = [{"TimeGenerated": f"2026-01-0{day}T00:00:0{day}Z", "Odd": -day} for day in (1, 1, 2)]
    world.logs.append("My_CL", late)
    told = world.logs.arrived(first, world.logs.position(), NOON)
    assert [one.rows for one in told] == [2, 1]
    world.retention.set("*", 30, None, SYSTEM)
    world.retention.enforce(world.logs)
    assert world.logs.arrived(first, world.logs.position(), NOON) == told


def test_every_moment_shows_each_row_once(world: _World) -> None:
    """Queries that run while days are moved count the same rows as before."""
    counts: set[int] = set()
    stop = threading.Event()

    def count() -> None:
        while not stop.is_set():
            counts.add(world.ask("My_CL | count")[0][0])

    readers = [threading.Thread(target=count) for _ in range(2)]
    for reader in readers:
        reader.start()
    try:
        for day in old_days(world.logs, "My_CL", 10**9)[:12]:
            assert move_day(world.logs, "My_CL", day, 30.0) is not None
    finally:
        stop.set()
        for reader in readers:
            reader.join()
    assert counts == {400}


def test_a_day_that_is_still_read_waits(world: _World) -> None:
    day = old_days(world.logs, "My_CL", 10**9)[0]
    with READERS.reading():
        assert move_day(world.logs, "My_CL", day, 0.01) is None
    assert world.ask("My_CL | count") == [[400]]
    assert world.stored("My_CL") == 400
    assert move_day(world.logs, "My_CL", day, 5.0) == 1
    assert world.ask("My_CL | count") == [[400]]


def test_a_file_that_does_not_count_is_removed_at_the_start(world: _World) -> None:
    world.retention.set("My_CL", 95, None, SYSTEM)
    world.retention.enforce(world.logs)
    left = world.files()[0].with_name("00000099.parquet")
    left.write_bytes(world.files()[0].read_bytes())
    world.again()
    assert not left.exists()
    assert world.ask("My_CL | count") == [[400]]


def test_readers_wait_only_for_those_before() -> None:
    readers = Readers()
    assert readers.wait(0.0)
    with readers.reading():
        assert not readers.wait(0.01)
    assert readers.wait(0.0)


def test_purging_removes_rows_from_table_and_lake_once_confirmed(world: _World) -> None:
    world.retention.set("*", 30, None, SYSTEM)
    world.retention.enforce(world.logs)
    found = preview(world.logs, "SigninLogs", "UserPrincipalName == 'u2'")
    assert found.rows == 80
    with pytest.raises(Conflict):
        purge(world.logs, "SigninLogs", found.where, "another token")
    world.logs.append("SigninLogs", [{"UserPrincipalName": "u2"}])
    with pytest.raises(Conflict, match="81 rows"):
        purge(world.logs, "SigninLogs", found.where, found.token)
    found = preview(world.logs, "SigninLogs", found.where)
    assert purge(world.logs, "SigninLogs", found.where, found.token) == 81
    assert world.ask("SigninLogs | summarize count(), countif(UserPrincipalName == 'u2'), dcount(_ItemId)") == [
        [320, 0, 320]
    ]
    assert world.ask("My_CL | count") == [[400]]
    world.again()
    assert world.ask("SigninLogs | count") == [[320]]
    content = b"".join(path.read_bytes() for path in world.files() if "SigninLogs" in path.parts)
    assert content.count(b"PAR1") == 2 * len([path for path in world.files() if "SigninLogs" in path.parts])


def test_columns_may_be_called_as_the_engine_calls_what_it_adds(world: _World) -> None:
    """A number of each row, and what the folders of Parquet files are called: a field of that name hid them, or was hidden by them."""
    names = ("rowid", "ROWID", "_rowid", "RowId", "day", "Day", "filename", "file_row_number", "file_index", "$rowid")
    kept = [
        {"TimeGenerated": row["TimeGenerated"], "k": f"k{place}"} | {name: f"{name} {place}" for name in names}
        for place, row in enumerate(rows(200))
    ]
    expected = [[row[name] for name in ("k", *names)] for row in sorted(kept, key=lambda one: one["k"])]
    columns = ", ".join(f"['{name}']" for name in names)
    text = f"Named_CL | project k, {columns} | sort by k asc"
    found = "Named_CL | where ['rowid'] has '77' and ['day'] == 'day 77' | project k"
    world.logs.append("Named_CL", kept)
    assert (world.ask(text), world.ask(found)) == (expected, [["k77"]])
    world.retention.set("*", 30, None, SYSTEM)
    world.retention.enforce(world.logs)
    assert world.stored("Named_CL") == 123
    assert (world.ask(text), world.ask(found)) == (expected, [["k77"]])
    asked = preview(world.logs, "Named_CL", "['day'] in ('day 7', 'day 150')")
    assert purge(world.logs, "Named_CL", asked.where, asked.token) == 2
    left = [row for row in expected if row[0] not in ("k7", "k150")]
    assert world.ask(text) == left
    world.again()
    assert world.ask(text) == left


def test_other_rows_than_those_that_were_confirmed_stay_whatever_their_number(world: _World) -> None:
    asked = preview(world.logs, "My_CL", "Odd < 10 and TimeGenerated > ago(30d)")
    assert asked.rows == 10
    one = preview(world.logs, "My_CL", "Odd == 3")
    assert purge(world.logs, "My_CL", one.where, one.token) == 1
    world.logs.append("My_CL", [{"TimeGenerated": NOON.isoformat(), "Odd": 3}])
    with pytest.raises(Conflict, match="10 rows"):
        purge(world.logs, "My_CL", asked.where, asked.token)
    chance = preview(world.logs, "My_CL", "rand() < 0.5")
    with pytest.raises(Conflict):
        purge(world.logs, "My_CL", chance.where, chance.token)
    assert world.ask("My_CL | count") == [[400]]
    asked = preview(world.logs, "My_CL", "Odd < 10 or Odd > 390")
    world.retention.set("*", 5, None, SYSTEM)
    world.retention.enforce(world.logs)
    world.again()
    assert purge(world.logs, "My_CL", asked.where, asked.token) == 19  # the same rows, which lie elsewhere by now
    assert world.ask("My_CL | summarize count(), min(Odd), max(Odd)") == [[381, 10, 390]]


@pytest.mark.parametrize(
    "where", ["Odd == 1 | take 5", "Odd ==", "1 == 1; SigninLogs", "Nope == 1", "1 == 1 | project Odd"]
)
def test_what_is_purged_is_a_condition_alone(world: _World, where: str) -> None:
    with pytest.raises(KqlError):
        preview(world.logs, "My_CL", where)
    assert world.ask("My_CL | count") == [[400]]


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(seed=st.integers(0, 10**6))
def test_whatever_moves_or_goes_the_rows_are_those_of_a_list(tmp_path_factory: Any, seed: int) -> None:
    """Rows, moves, purges and restarts in any order against a plain list of numbers."""
    chance = random.Random(seed)
    world = _World(tmp_path_factory.mktemp("model"), VirtualClock(NOON))
    held: dict[int, datetime] = {}
    try:
        for step in range(8):
            match chance.choice(("append", "append", "move", "purge", "again")):
                case "append":
                    fresh = {
                        1000 * step + one: NOON - timedelta(days=chance.randrange(6), hours=chance.randrange(24))
                        for one in range(9)
                    }
                    held |= fresh
                    world.logs.append("My_CL", [{"TimeGenerated": at.isoformat(), "n": n} for n, at in fresh.items()])
                case "move":
                    world.retention.set("My_CL", chance.randrange(1, 5), None, SYSTEM)
                    world.retention.enforce(world.logs)
                case "purge" if held:
                    doomed = {n for n in held if n % 7 == step % 7}
                    if doomed:
                        found = preview(world.logs, "My_CL", f"n % 7 == {step % 7}")
                        assert purge(world.logs, "My_CL", found.where, found.token) == len(doomed)
                        held = {n: at for n, at in held.items() if n not in doomed}
                case "again":
                    world.again()
            if held or world.logs.stored("My_CL") is not None:
                assert world.ask("My_CL | project n | sort by n asc") == [[n] for n in sorted(held)]
    finally:
        world.logs.close()
        world.state.dispose()
