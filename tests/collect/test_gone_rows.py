"""What was purged, or is past its retention, is not brought back by files that are loaded again, and no report counts it as there."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.collect.test_coverage import written
from tests.collect.test_files import NOW, sign_in
from vedette.collect.files.loader import FileLoader
from vedette.core.clock import VirtualClock
from vedette.kql import ticks
from vedette.store.logstore import LogStore
from vedette.store.report import LoadOptions, LoadReport
from vedette.store.retention.moves import delete_before, drop_days, move_day
from vedette.store.retention.purge import preview, purge

FIRST = ticks.from_datetime(datetime(2026, 3, 1, tzinfo=UTC)) // ticks.DAY


class Store:
    """A log store and its loader."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = VirtualClock(NOW)
        self.logs = LogStore(folder / "logs.duckdb", self.clock)

    def load(self, *paths: Path, again: bool = False) -> LoadReport:
        self.clock.advance(timedelta(seconds=1))
        return FileLoader(self.logs, self.clock).load(list(paths), LoadOptions(again=again))

    def purge(self, where: str, table: str = "SigninLogs") -> int:
        return purge(self.logs, table, where, preview(self.logs, table, where).token)

    def ids(self, table: str = "SigninLogs") -> list[str]:
        return [row[0] for row in self.logs.query(f"{table} | project Id | sort by Id asc").rows]


def told(report: LoadReport) -> tuple[dict[str, int], dict[str, dict[str, int]]]:
    """Of each day of March the rows, and what is gone of it, by the reason."""
    rows: Counter[str] = Counter()
    gone: dict[str, dict[str, int]] = {}
    for one in report.coverage:
        rows.update({day[-1]: n for day, n in one.days.items()})
        for reason, days in one.gone.items():
            for day, n in days.items():
                some = gone.setdefault(reason, {})
                some[day[-1]] = some.get(day[-1], 0) + n
    assert LoadReport.from_dict(report.to_dict()).coverage == report.coverage
    return dict(rows), gone


@pytest.mark.req("P-033")
def test_a_purge_is_not_undone_by_the_file_or_by_another_with_its_records(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with store.logs:
        first = written(tmp_path, "a.json", [0, 1, 2, 3])
        store.load(first)
        assert store.purge("Id in ('r0', 'r1')") == 2
        same, overlapping = store.load(first), store.load(written(tmp_path, "b.json", [0, 3, 4]))
        assert store.ids() == ["r2", "r3", "r4"]
        assert told(same) == ({"1": 1, "2": 0, "3": 1}, {"purged": {"1": 1, "2": 1}})
        assert told(overlapping) == ({"1": 1, "2": 1}, {"purged": {"1": 1}})
        assert same.notes == [
            "2 rows that files brought earlier were purged since; the files do not bring them back. "
            "--again loads all that a file has."
        ]
        assert overlapping.notes[0].startswith("1 row that files brought earlier was purged since")
        assert told(store.load(first, tmp_path / "b.json")) == ({"1": 1, "2": 1, "3": 1}, {"purged": {"1": 1, "2": 1}})


def test_what_is_loaded_again_on_demand_is_there(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with store.logs:
        first = written(tmp_path, "a.json", [0, 1])
        store.load(first)
        store.purge("true")
        report = store.load(first, again=True)
        assert told(report) == ({"1": 1, "2": 1}, {})
        assert told(store.load(written(tmp_path, "b.json", [0, 1, 4]))) == ({"1": 1, "2": 2}, {})
        store.purge("Id == 'r0'")
        assert told(store.load(written(tmp_path, "c.json", [0, 1, 7]))) == ({"1": 0, "2": 2}, {"purged": {"1": 1}})


@pytest.mark.parametrize("in_lake", [False, True])
def test_what_is_past_its_retention_is_told_apart_from_a_purge(tmp_path: Path, in_lake: bool) -> None:
    rows = tmp_path / "My_CL" / "day.jsonl"
    rows.parent.mkdir()
    rows.write_text("".join(json.dumps({"TimeGenerated": f"2026-03-0{day}", "N": day}) + "\n" for day in (1, 2, 2, 3)))
    store = Store(tmp_path)
    with store.logs:
        files = [written(tmp_path, "a.json", [0, 1, 2, 3]), rows]
        store.load(*files)
        store.purge("Id == 'r2'")
        for table in ("SigninLogs", "My_CL"):
            if in_lake:
                assert move_day(store.logs, table, FIRST, 30.0)
                assert drop_days(store.logs, table, FIRST + 1, 30.0)
            else:
                assert delete_before(store.logs, table, (FIRST + 1) * ticks.DAY)
        report = store.load(*files)
        assert told(report) == ({"1": 0, "2": 3, "3": 1}, {"purged": {"3": 1}, "past_retention": {"1": 3}})
        assert [note.split(";")[0] for note in report.notes] == [
            "1 row that files brought earlier was purged since",
            "3 rows that files brought earlier were deleted since, being past the retention of their table",
        ]
        overlapping = store.load(written(tmp_path, "b.json", [0, 1, 2, 4]))
        assert told(overlapping) == ({"1": 0, "2": 2, "3": 0}, {"purged": {"3": 1}, "past_retention": {"1": 1}})
        assert store.ids() == ["r1", "r4"]


def test_a_purge_of_rows_in_the_lake(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with store.logs:
        store.load(written(tmp_path, "a.json", [0, 1, 3]))
        assert move_day(store.logs, "SigninLogs", FIRST, 30.0) == 2
        assert store.purge("Id in ('r0', 'r1')") == 2
        assert told(store.load(written(tmp_path, "b.json", [0, 1, 3, 6]))) == (
            {"1": 2, "2": 0},
            {"purged": {"1": 1, "2": 1}},
        )


def test_records_of_one_line_are_told_apart(tmp_path: Path) -> None:
    """Pages of an answer, each on one line: of their records each has an id of its own, and a purge takes those that it takes."""
    pages = [{"value": [sign_in(page * 10 + number) for number in range(5)]} for page in range(3)]
    path = tmp_path / "pages.jsonl"
    path.write_text("".join(json.dumps(page) + "\n" for page in pages))
    store = Store(tmp_path)
    with store.logs:
        store.load(path)
        assert store.logs.query("SigninLogs | summarize count(), dcount(_ItemId)").rows == [[15, 15]]
        store.purge("Id in ('r3', 'r10')")
        numbers = [one for one in range(25) if one % 10 < 5]
        other = tmp_path / "other.json"
        other.write_text(json.dumps([sign_in(number) for number in numbers]))
        assert told(store.load(other)) == ({"1": 13}, {"purged": {"1": 2}})


@pytest.mark.parametrize("layout", [3, 4])
def test_a_store_of_an_earlier_version(tmp_path: Path, layout: int) -> None:
    """It noted neither as which row a record was stored nor why one is gone. Nothing is counted that is not there."""
    store = Store(tmp_path)
    with store.logs:
        first = written(tmp_path, "a.json", [0, 1, 3, 6])
        store.load(first)
        store.purge("Id in ('r1', 'r3')")
        cursor = store.logs._cursor()
        for sql in (
            *(f'ALTER TABLE store_catalog.file_records DROP COLUMN "{name}"' for name in ("load", "row")[layout - 3 :]),
            "DROP TABLE store_catalog.gone",
            f"UPDATE store_catalog.meta SET value = '{layout}' WHERE name = 'layout'",
        ):
            cursor.execute(sql).fetchall()
        cursor.close()
    store = Store(tmp_path)
    with store.logs:
        present = store.load(first)
        assert told(present) == ({"1": 2}, {})
        assert present.notes[0].startswith("2 rows that files brought earlier were removed since")
        report = store.load(written(tmp_path, "b.json", [0, 1, 3, 6, 4]))
        assert told(report) == (
            {"1": 2, "2": 1},
            {"removed": {"1": 1, "2": 1}} if layout == 4 else {},
        )
        assert layout == 3 or "removed since (purged, or past their retention)" in report.notes[0]


RECORDS = st.sets(st.integers(0, 8), min_size=1, max_size=6)
STEPS = st.lists(
    st.tuples(st.just("load"), RECORDS) | st.tuples(st.just("again"), RECORDS) | st.tuples(st.just("purge"), RECORDS)
    | st.tuples(st.just("day"), st.sampled_from([{0}, {1}, {2}])) | st.tuples(st.just("lake"), st.sampled_from([{0}, {1}, {2}])),
    min_size=3, max_size=9,
)  # fmt: skip


@settings(max_examples=15, deadline=None)
@given(STEPS)
def test_a_report_counts_just_what_is_there(steps: list[tuple[str, set[int]]]) -> None:
    """Whatever was loaded, loaded again, purged, moved and deleted: of the different records of a file each is told once, as there
    or as gone."""
    ever: set[int] = set()
    there: Counter[int] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        with store.logs:
            for place, (kind, numbers) in enumerate(steps):
                if kind in ("load", "again"):
                    unique = 20 + place  # no two files have the same content
                    path = written(Path(folder), f"{place}.json", [*sorted(numbers), unique])
                    report = store.load(path, again=kind == "again")
                    for number in {*numbers, unique}:
                        if kind == "again" or number not in ever:
                            there[number] += 1
                    ever |= {*numbers, unique}
                    rows, gone = told(report)
                    expected = Counter(str(1 + number % 3) for number in {*numbers, unique} if there[number])
                    missing = Counter(str(1 + number % 3) for number in numbers if not there[number])
                    assert {day: n for day, n in rows.items() if n} == dict(expected)
                    assert sum((Counter(days) for days in gone.values()), Counter()) == missing
                    assert "removed" not in gone
                elif kind == "purge" and ever:
                    store.purge(f"Id in ({', '.join(repr(f'r{number}') for number in numbers)})")
                    there -= Counter({number: there[number] for number in numbers})
                elif kind == "lake" and ever:
                    move_day(store.logs, "SigninLogs", FIRST + min(numbers), 30.0)
                elif kind == "day" and ever:
                    (day,) = numbers
                    drop_days(store.logs, "SigninLogs", FIRST + day + 1, 30.0)
                    delete_before(store.logs, "SigninLogs", (FIRST + day + 1) * ticks.DAY)
                    there -= Counter({number: count for number, count in there.items() if number % 3 <= day})
            if ever:
                found: dict[str, Any] = dict(store.logs.query("SigninLogs | summarize count() by Id").rows)
                assert found == {f"r{number}": count for number, count in there.items() if count}
