"""The report per day and source counts each record once, however often the files of one load and of others have it."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.collect.test_files import NOW, sign_in
from vedette.collect.files.loader import FileLoader
from vedette.core.clock import VirtualClock
from vedette.kql import ticks
from vedette.store.logstore import LogStore
from vedette.store.report import LoadOptions, LoadReport, Outcome
from vedette.store.retention.moves import move_day
from vedette.store.retention.purge import preview, purge

PORTAL = "Date (UTC),Request ID,Application,Username\n"


def record(number: int) -> dict[str, Any]:
    """A sign-in; those of one number are the same record, and the number tells the day."""
    return sign_in(number, 1 + number % 3)


def written(folder: Path, name: str, numbers: list[int]) -> Path:
    """A file of these records: JSON, or the portal's CSV."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if name.endswith(".csv"):
        rows = (f"{record(one)['createdDateTime']},r{one},x,y\n" for one in numbers)
        path.write_text(PORTAL + "".join(rows))
    else:
        path.write_text(json.dumps([record(one) for one in numbers]))
    return path


def told(report: LoadReport) -> dict[str, tuple[dict[str, int], dict[str, int]]]:
    """Rows and repetitions of each day of March, by source."""
    return {
        one.source: ({day[-1]: n for day, n in one.days.items()}, {day[-1]: n for day, n in one.again.items()})
        for one in report.coverage
    }


GRAPH, CSV = "Microsoft Graph", "Entra portal, sign-ins"
# files of each load, and what the report of the last load says: rows of each day, and records that came again
CASES: dict[str, tuple[list[dict[str, list[int]]], dict[str, tuple[dict[str, int], dict[str, int]]]]] = {
    "no overlap": ([{"a.json": [0, 3], "b.json": [1]}], {GRAPH: ({"1": 2, "2": 1}, {})}),
    "two files of one load": ([{"a.json": [0, 3, 1], "b.json": [3, 1, 2]}], {GRAPH: ({"1": 2, "2": 1, "3": 1}, {"1": 1, "2": 1})}),
    "within one file": ([{"a.json": [0, 0, 0, 1]}], {GRAPH: ({"1": 1, "2": 1}, {"1": 2})}),
    "two loads": ([{"a.json": [0, 3]}, {"b.json": [3, 1]}], {GRAPH: ({"1": 1, "2": 1}, {"1": 1})}),
    "two loads, all of it there": ([{"a.json": [0, 3, 1]}, {"b.json": [3, 1]}], {GRAPH: ({"1": 1, "2": 1}, {"1": 1, "2": 1})}),
    "there before, and in two files": ([{"a.json": [0]}, {"b.json": [0, 3], "c.json": [3, 0]}], {GRAPH: ({"1": 2}, {"1": 3})}),
    "there before, and twice in a file": ([{"a.json": [0]}, {"b.json": [0, 0, 1]}], {GRAPH: ({"1": 1, "2": 1}, {"1": 2})}),
    "the same folder and one file more": ([{"a.json": [0, 3]}, {"a.json": [0, 3], "b.json": [3, 6]}], {GRAPH: ({"1": 3}, {"1": 1})}),
    "the file that is there comes last": ([{"b.json": [0, 3]}, {"a.json": [3, 6], "b.json": [0, 3]}], {GRAPH: ({"1": 3}, {"1": 1})}),
    "of two sources": ([{"a.json": [0, 1], "p.csv": [1, 2]}], {GRAPH: ({"1": 1, "2": 1}, {}), CSV: ({"2": 0, "3": 1}, {"2": 1})}),
    "of two sources, there before": ([{"z.json": [1]}, {"a.json": [1, 4], "p.csv": [1, 2]}],
                                     {GRAPH: ({"2": 2}, {"2": 1}), CSV: ({"2": 0, "3": 1}, {"2": 1})}),
}  # fmt: skip


@pytest.mark.req("P-033")
@pytest.mark.parametrize(("loads", "expected"), CASES.values(), ids=CASES)
def test_each_record_counts_once(
    tmp_path: Path,
    loads: list[dict[str, list[int]]],
    expected: dict[str, tuple[dict[str, int], dict[str, int]]],
) -> None:
    with LogStore(None, VirtualClock(NOW)) as store:
        for files in loads:
            paths = [written(tmp_path, name, numbers) for name, numbers in files.items()]
            report = FileLoader(store, VirtualClock(NOW)).load(paths)
        assert told(report) == expected
        assert LoadReport.from_dict(report.to_dict()).coverage == report.coverage


def test_a_day_that_another_source_brought_is_not_missing(tmp_path: Path) -> None:
    with LogStore(None, VirtualClock(NOW)) as store:
        paths = [written(tmp_path, "a.json", [0, 1, 2]), written(tmp_path, "p.csv", [0, 2])]
        report = FileLoader(store, VirtualClock(NOW)).load(paths)
    assert {one.source: one.missing for one in report.coverage} == {GRAPH: [], CSV: [("2026-03-02", "2026-03-02")]}


def test_loading_again_counts_what_is_stored_again(tmp_path: Path) -> None:
    path = written(tmp_path, "a.json", [0, 1, 1])
    with LogStore(None, VirtualClock(NOW)) as store:
        FileLoader(store, VirtualClock(NOW)).load([path])
        report = FileLoader(store, VirtualClock(NOW)).load([path], LoadOptions(again=True))
        assert store.query("SigninLogs | count").rows == [[5]]
    assert told(report) == {GRAPH: ({"1": 1, "2": 2}, {})}


@pytest.mark.req("P-033")
def test_rows_of_files_that_are_known_and_gone_are_told(tmp_path: Path) -> None:
    """Files of records and of a table's rows, of which some are removed, and some lie in the lake."""
    rows = tmp_path / "My_CL" / "day.jsonl"
    rows.parent.mkdir()
    rows.write_text("".join(json.dumps({"TimeGenerated": f"2026-03-0{day}", "N": day}) + "\n" for day in (1, 2, 3, 4)))
    files = [written(tmp_path, "a.json", [0, 1, 2, 3]), rows]
    with LogStore(tmp_path / "logs.duckdb", VirtualClock(NOW)) as store:
        loader = FileLoader(store, VirtualClock(NOW))
        loader.load(files)
        assert move_day(store, "My_CL", ticks.from_datetime(datetime(2026, 3, 2, tzinfo=UTC)) // ticks.DAY, 30.0) == 1
        assert loader.load(files).notes == []
        for table, where in (("SigninLogs", "Id == 'r1'"), ("My_CL", "N in (1, 2)")):
            found = preview(store, table, where)
            assert purge(store, table, where, found.token) == found.rows > 0
        report = loader.load(files)
        assert [file.outcome for file in report.files] == [Outcome.PRESENT] * 2
        (note,) = report.notes
        assert note.startswith("3 rows that files brought earlier were purged since")
        assert {one.table: one.rows for one in report.coverage} == {"SigninLogs": 3, "My_CL": 2}


def test_a_store_of_an_earlier_version(tmp_path: Path) -> None:
    """It does not know which load brought a record; the records count once all the same."""
    path = tmp_path / "logs.duckdb"
    with LogStore(path, VirtualClock(NOW)) as store:
        FileLoader(store, VirtualClock(NOW)).load([written(tmp_path, "a.json", [0, 1])])
        for sql in (
            "ALTER TABLE store_catalog.file_records DROP COLUMN load",
            "UPDATE store_catalog.meta SET value = '3' WHERE name = 'layout'",
        ):
            store._cursor().execute(sql).fetchall()
    with LogStore(path, VirtualClock(NOW)) as store:
        report = FileLoader(store, VirtualClock(NOW)).load([written(tmp_path, "b.json", [0, 1, 2])])
    assert (report.rows, told(report)) == (1, {GRAPH: ({"1": 1, "2": 1, "3": 1}, {"1": 1, "2": 1})})


FILES = st.lists(st.lists(st.integers(0, 8), min_size=1, max_size=6), min_size=1, max_size=3)


@given(loads=st.lists(FILES, min_size=1, max_size=3))
@settings(max_examples=10, deadline=None)
def test_rows_are_the_different_records(loads: list[list[list[int]]]) -> None:
    """Of any files in any loads: a day has the different records that its load's files brought or have, and every other
    occurrence came again."""
    brought: dict[int, tuple[int, ...]] = {}
    seen: set[tuple[int, ...]] = set()
    with tempfile.TemporaryDirectory() as folder, LogStore(None, VirtualClock(NOW)) as store:
        for load, files in enumerate(loads):
            paths = [written(Path(folder), f"{load}-{number}.json", one) for number, one in enumerate(files)]
            report = FileLoader(store, VirtualClock(NOW)).load(paths)
            present: set[tuple[int, ...]] = set()
            rows: set[int] = set()
            again: Counter[int] = Counter()
            before = set(seen)
            for one in map(tuple, files):
                if one in seen:
                    present.update([one] if one in before else [])
                    continue
                seen.add(one)
                for place, number in enumerate(one):
                    rows.add(number)
                    if number in brought or number in one[:place]:
                        again[number] += 1
                brought.update((number, one) for number in one if number not in brought)
            rows |= {number for number, by in brought.items() if by in present}
            expected = Counter(str(1 + number % 3) for number in rows)
            repeated = Counter(str(1 + number % 3) for number in again.elements())
            found = told(report).get(GRAPH, ({}, {}))
            assert found == (dict(expected), dict(repeated))
            assert sum(file.rows + file.repeated for file in report.files if file.outcome is Outcome.LOADED) == sum(
                len(one) for one, file in zip(files, report.files) if file.outcome is Outcome.LOADED
            )
        assert store.query("SigninLogs | count").rows == [[len(brought)]]
