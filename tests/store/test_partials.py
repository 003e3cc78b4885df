"""Partial rows that are kept: the answers are those of the whole query, whatever happens to the rows and to the files."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import orjson
import pytest

from tests.store.kept_parts import HOUR, NOW, QUERIES, REFUSED, SPAN, asked, opened, row, rows
from vedette.engine.compiler import Compiled
from vedette.engine.query import Run
from vedette.kql.types import Type
from vedette.store.logstore import LogStore
from vedette.store.partials.file import Damaged, read
from vedette.store.partials.keeping import Worth
from vedette.store.retention import moves
from vedette.store.retention.purge import preview, purge
from vedette.store.terms import index as term_index

BINS = SPAN // HOUR
COUNT = "T_CL | summarize count() by User"


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LogStore]:
    """A store with rows of two days, that is only read."""
    with opened(tmp_path_factory.mktemp("filled")) as store:
        store.append("T_CL", rows(3000))
        store.append("U_CL", rows(10))
        yield store


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a store with rows of two days."""
    with opened(tmp_path) as store:
        store.append("T_CL", rows(1000))
    return tmp_path


def files(folder: Path) -> list[Path]:
    return sorted((folder / "logs.partials").glob("*"))


@pytest.mark.parametrize("text", QUERIES)
def test_the_answer_is_that_of_the_whole_query(filled: LogStore, text: str) -> None:
    filled.partials.forget("T_CL")
    first, second, third = (asked(filled, text, NOW + k * HOUR) for k in (0, 1, 1))
    if "datetime(null)" in text:
        assert second.rows == [[0, [], "NaN"]]
        return
    assert first.statistics.bins_made >= 20
    assert first.statistics.bins_kept == 0
    assert second.statistics.bins_kept >= 19
    assert second.statistics.bins_made <= 2
    assert third.statistics.bins_made == 0


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_not_provably_the_same_is_not_kept(filled: LogStore, text: str) -> None:
    result = asked(filled, text, NOW)
    kept = result.statistics.bins_made
    assert kept == 0 or text.startswith("T_CL | where Host has_any"), text


def test_windows_that_do_not_end_on_a_bin_and_steps_that_are_short(filled: LogStore) -> None:
    for minutes in (0, 7, 14, 21):
        result = asked(filled, COUNT, NOW + timedelta(minutes=minutes, seconds=13), every=timedelta(minutes=7))
        assert result.statistics.bins_kept + result.statistics.bins_made > 200
    # more steps than bins are worth: bins of several, and edges of rows
    for minutes in (0, 1, 2, 50):
        result = asked(filled, COUNT, NOW + timedelta(minutes=minutes), every=timedelta(minutes=1))
        assert 400 < result.statistics.bins_kept + result.statistics.bins_made <= 512


def test_few_bins_small_tables_and_cheap_queries_are_asked_as_ever(folder: Path) -> None:
    with opened(folder) as store:
        assert asked(store, COUNT, NOW, every=SPAN / 3).statistics.bins_made == 0
        assert asked(store, COUNT, NOW, every=timedelta(0)).statistics.bins_made == 0
    for worth in (Worth(rows=1001, bins=4, seconds=0.0), Worth(rows=0, bins=4, seconds=60.0)):
        with opened(folder, worth) as store:
            asked(store, COUNT, NOW)
            assert asked(store, COUNT, NOW + HOUR).statistics.bins_kept == 0
            assert files(folder) == []


def test_a_query_that_is_not_worth_it_is_tried_again_after_some_runs(folder: Path) -> None:
    # seconds are told by a first run as it is; a query that takes less than a microsecond there is none
    with opened(folder, Worth(rows=0, bins=4, seconds=1e-6, saved=0.0, runs=3)) as store:
        used = [asked(store, COUNT, NOW).statistics for _ in range(12)]
        # as it is, bins made, kept twice for nothing; three runs as ever, and all of it again
        assert [one.bins_made for one in used] == [0, BINS, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        assert [bool(one.bins_kept) for one in used] == [
            False,
            False,
            True,
            True,
            *[False] * 4,
            True,
            True,
            False,
            False,
        ]
        # nothing there to keep: after a run it is asked as ever
        text = "T_CL | where Number > 3"
        for _ in range(2):
            assert store.partials.asked(text, HOUR, (NOW - SPAN, NOW)) is not None
            asked(store, text, NOW)
        assert store.partials.asked(text, HOUR, (NOW - SPAN, NOW)) is None


def test_an_end_of_one_tick_takes_no_bin_away(folder: Path) -> None:
    text = "T_CL | where TimeGenerated > ago(40h) and TimeGenerated <= now(-2h) | summarize count(), max(TimeGenerated)"
    with opened(folder) as store:
        assert asked(store, text, NOW).statistics.bins_made == 38
        store.append("T_CL", [row(NOW + HOUR - 40 * HOUR, 1), row(NOW + HOUR - 2 * HOUR, 2)])
        # a row at either end: the first is not in the window, the last is
        assert asked(store, text, NOW + HOUR).statistics.bins_kept == 36
        assert asked(store, text, NOW + 2 * HOUR).rows[0][0] > 0


def test_groups_that_are_as_many_as_rows_are_not_kept(folder: Path) -> None:
    with opened(folder, Worth(rows=0, bins=4, seconds=0.0, part=0.5)) as store:
        store.append("T_CL", rows(30_000, 5000))
        text = "T_CL | summarize count() by strcat(Number, Host, User, Text, TimeGenerated)"
        asked(store, text, NOW)
        assert files(folder) == []
        assert asked(store, text, NOW + HOUR).statistics.bins_made == 0


def test_late_rows_are_in_the_answer(folder: Path) -> None:
    with opened(folder) as store:
        asked(store, COUNT, NOW)
        store.append("T_CL", [row(NOW - 20 * HOUR, 3), row(NOW - 5 * HOUR, 4), row(NOW - 5 * HOUR, 5)])
        result = asked(store, COUNT, NOW)
        assert (result.statistics.bins_kept, result.statistics.bins_made) == (BINS - 2, 2)
        store.append("T_CL", [row(NOW - 3 * SPAN, 3), row(NOW + SPAN, 3)])
        assert asked(store, COUNT, NOW).statistics.bins_kept == BINS
        # many stretches at once
        store.append("T_CL", [row(NOW - 2 * k * HOUR - HOUR / 2, k) for k in range(20)])
        assert asked(store, COUNT, NOW).statistics.bins_made == 20


def test_a_window_that_is_read_again_takes_no_newer_bin_away(folder: Path) -> None:
    with opened(folder) as store:
        for k in range(4):
            asked(store, COUNT, NOW + k * HOUR)
        assert asked(store, COUNT, NOW + HOUR).statistics.bins_made == 2
        assert asked(store, COUNT, NOW + 4 * HOUR).statistics.bins_made == 1


def test_what_was_kept_is_there_after_a_restart(folder: Path) -> None:
    with opened(folder) as store:
        for text in QUERIES[:9]:
            asked(store, text, NOW)
    with opened(folder) as store:
        for text in QUERIES[:9]:
            result = asked(store, text, NOW + HOUR)
            assert (result.statistics.bins_made, result.statistics.bins_kept > 30) == (1, True), text


def test_deleted_rows_are_in_no_answer(folder: Path) -> None:
    with opened(folder) as store:
        asked(store, COUNT, NOW)
        assert moves.delete_before(store, "T_CL", 0) == 0
        assert files(folder)
        where = "User == 'ann' and Number < 50"
        purge(store, "T_CL", where, preview(store, "T_CL", where).token)
        assert files(folder) == []
        asked(store, COUNT, NOW)
        # rows that go without a word: the rows that are there tell it
        with store.cursor() as cursor:
            cursor.execute('DELETE FROM log_tables."T_CL" WHERE "User" = \'bob\' AND "Number" < 30')
        assert asked(store, COUNT, NOW).statistics.bins_kept == 0
        store.checkpoint()
        asked(store, COUNT, NOW)


def test_other_rows_under_the_same_ids(folder: Path) -> None:
    with opened(folder) as store:
        asked(store, COUNT, NOW)
        with store.cursor() as cursor:
            before = cursor.execute('SELECT min(rowid), max(rowid), count(*) FROM log_tables."T_CL"').fetchall()
            cursor.execute('DELETE FROM log_tables."T_CL"')
        store.checkpoint()
        store.append("T_CL", rows(1000, 1))
        with store.cursor() as cursor:
            assert cursor.execute('SELECT min(rowid), max(rowid), count(*) FROM log_tables."T_CL"').fetchall() == before
        assert asked(store, COUNT, NOW).statistics.bins_kept == 0


def test_rows_that_move_into_the_lake_are_counted_once(folder: Path) -> None:
    with opened(folder) as store:
        asked(store, COUNT, NOW)
        days = moves.old_days(store, "T_CL", 10**6)
        assert moves.move_day(store, "T_CL", days[0], 5.0)
        assert asked(store, COUNT, NOW).statistics.bins_kept == 0
        # what lies behind the moved day is kept as ever
        at = NOW + SPAN
        store.append("T_CL", rows(500, 9, at, SPAN / 2))
        asked(store, COUNT, at, span=SPAN / 2)
        assert asked(store, COUNT, at + HOUR, span=SPAN / 2).statistics.bins_kept == BINS // 2 - 1


def test_files_of_the_lake_that_go(folder: Path) -> None:
    with opened(folder) as store:
        (day, *_) = moves.old_days(store, "T_CL", 10**6)
        assert moves.move_day(store, "T_CL", day, 5.0)
        for _ in range(2):
            assert asked(store, COUNT, NOW).statistics.bins_made == 0
        assert moves.drop_days(store, "T_CL", day + 1, 5.0)
        assert asked(store, COUNT, NOW).statistics.bins_kept == 0


def test_a_column_that_is_added_by_hand(folder: Path) -> None:
    with opened(folder) as store:
        store.append("SigninLogs", [{"TimeGenerated": NOW - k * HOUR, "Odd": str(k % 3)} for k in range(40)])
        text = "SigninLogs | summarize count() by tostring(column_ifexists('Odd', 'none'))"
        before = asked(store, text, NOW).rows
        assert store.add_column("SigninLogs", "Odd", Type.LONG) == 40
        assert sorted(asked(store, text, NOW).rows) == sorted(before)


def test_files_that_are_damaged_or_of_another_store_are_thrown_away(folder: Path, tmp_path: Path) -> None:
    with opened(folder) as store:
        asked(store, COUNT, NOW)
        (path,) = files(folder)
        whole = path.read_bytes()
        assert len(read(path).bins) == BINS
    for broken in (b"", whole[:-1], whole[:40], b"X" + whole[1:], whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:]):
        path.write_bytes(broken)
        with pytest.raises(Damaged):
            read(path)
        with opened(folder) as store:
            assert asked(store, COUNT, NOW).statistics.bins_kept == 0
            assert asked(store, COUNT, NOW).statistics.bins_kept == BINS
    path.write_bytes(whole)
    with opened(folder) as store:
        assert asked(store, COUNT, NOW).statistics.bins_kept == BINS
    # an older copy of the store comes back, while the files beside it are newer
    shutil.copy(folder / "logs.duckdb", folder / "older")
    with opened(folder) as store:
        store.append("T_CL", rows(10, 77))
        assert asked(store, COUNT, NOW + 6 * HOUR).statistics.bins_kept > 30
    shutil.move(folder / "older", folder / "logs.duckdb")
    with opened(folder) as store:
        store.append("T_CL", rows(10, 78))
        assert asked(store, COUNT, NOW).statistics.bins_kept == 0


def test_an_older_copy_whose_last_row_is_the_same(tmp_path: Path) -> None:
    files_ = {}
    for name, first in (("a", 0), ("b", 300), ("other", 600)):
        path = files_[name] = tmp_path / "T_CL" / f"{name}.jsonl"
        path.parent.mkdir(exist_ok=True)
        lines = (orjson.dumps({**one, "TimeGenerated": one["TimeGenerated"].isoformat()}) for one in rows(200, first))
        path.write_bytes(b"\n".join(lines))
    with opened(tmp_path) as store:
        store.append("U_CL", rows(5))
        asked(store, "U_CL | summarize count()", NOW)
    shutil.copy(tmp_path / "logs.duckdb", tmp_path / "older")
    with opened(tmp_path) as store:
        for name in ("a", "b"):
            assert not store.load([files_[name]]).failed
        asked(store, COUNT, NOW)
        assert asked(store, COUNT, NOW).statistics.bins_kept == BINS
    shutil.move(tmp_path / "older", tmp_path / "logs.duckdb")
    with opened(tmp_path) as store:
        for name in ("other", "b"):
            assert not store.load([files_[name]]).failed
        assert asked(store, COUNT, NOW).statistics.bins_kept == 0


def test_what_was_not_used_for_longest_goes_first(folder: Path) -> None:
    with opened(folder) as store:
        asked(store, COUNT, NOW)
        size = files(folder)[0].stat().st_size
    with opened(folder, partial_bytes=5 * size) as store:
        texts = [f"T_CL | where Number != {k + 1000} | summarize count() by User" for k in range(8)]
        for text in texts:
            asked(store, text, NOW)
            assert store.partials.bytes() <= 5 * size
        assert asked(store, texts[-1], NOW).statistics.bins_kept == BINS
        assert asked(store, texts[0], NOW).statistics.bins_kept == 0
    with opened(folder, partial_bytes=2 * size) as store:  # each would take half of all
        asked(store, COUNT + " | extend X = 1", NOW)
        asked(store, "T_CL | where Number != 77 | summarize count() by User", NOW)
        assert asked(store, "T_CL | where Number != 77 | summarize count() by User", NOW).statistics.bins_kept == 0


def test_nothing_is_kept_without_room_or_a_file(folder: Path) -> None:
    with opened(folder) as store:
        asked(store, COUNT, NOW)
        assert files(folder)
    with opened(folder, partial_bytes=0) as store:
        assert asked(store, COUNT, NOW).statistics.bins_made == 0
    assert not (folder / "logs.partials").exists()
    with LogStore(None, store._clock) as memory:
        memory.partials.worth = Worth(rows=0, bins=4, seconds=0.0)
        memory.append("T_CL", rows(50))
        assert asked(memory, COUNT, NOW).statistics.bins_made == 0


def test_a_query_that_began_before_rows_were_purged_keeps_nothing(folder: Path) -> None:
    with opened(folder) as store:
        assert store.partials.files is not None
        generation = store.partials.files.generation("T_CL")
        asked(store, COUNT, NOW)
        (path,) = files(folder)
        kept = read(path)
        store.partials.forget("T_CL")
        assert files(folder) == []
        store.partials.files.save(path.stem, kept, generation)
        assert files(folder) == []
        store.partials.files.save(path.stem, kept, generation + 1)
        assert files(folder) == [path]


def test_a_row_that_comes_after_the_statement_was_made_is_in_the_kept_rows(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The term index knew then that no row could have the text."""
    text = "T_CL | where Text has 'unheard' | summarize count() by User"
    monkeypatch.setattr(term_index, "_WORTH", 1)
    with opened(folder) as store:
        store.terms.catch_up()
        assert "term-index" in store.explain(text, now=NOW, timespan=(NOW - SPAN, NOW))[-1].rewrites
        begin = Run._one_state
        late = [row(NOW - 5 * HOUR, 1, Text="an unheard word")]

        @contextmanager
        def delayed(run: Run, compiled: Compiled) -> Iterator[None]:
            if late:
                store.append("T_CL", [late.pop()])
            with begin(run, compiled):
                yield

        monkeypatch.setattr(Run, "_one_state", delayed)
        store.query(text, now=NOW, timespan=(NOW - SPAN, NOW), every=HOUR)
        assert not late
        result = asked(store, text, NOW)
        assert (result.rows, result.statistics.bins_made) == ([["bob", 1]], 0)
