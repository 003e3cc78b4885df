"""The write path: what was acknowledged is stored once, whatever happens."""

from __future__ import annotations

import errno
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vedette.core.clock import SystemClock, VirtualClock
from vedette.core.companion import Helper
from vedette.core.errors import InvalidInput, TooManyRequests, Unavailable
from vedette.core.ids import seeded_ids
from vedette.store import taking
from vedette.store.intake import Intake, IntakeLimits
from vedette.store.logstore import LogStore
from vedette.store.rowlines import row_lines
from vedette.store.spool import Spool, SpoolLimits
from vedette.store.statements import run

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def logs(tmp_path: Path) -> Iterator[LogStore]:
    with LogStore(tmp_path / "logs.duckdb", SystemClock()) as logs:
        yield logs


@pytest.fixture
def held_up(logs: LogStore, monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Nothing gets into the tables until the event is set."""
    let_through = threading.Event()
    take = logs.take

    def waiting(*arguments: object) -> object:
        if not let_through.is_set():
            raise Unavailable("The log store could not be written: disk full.")
        return take(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(logs, "take", waiting)
    return let_through


@pytest.mark.req("P-046")
def test_accepted_rows_can_be_asked_for(tmp_path: Path, logs: LogStore) -> None:
    with Intake(logs, tmp_path / "spool", SystemClock()) as intake:
        done = intake.accept("Things_CL", [{"a": 1, "b": "x\ny"}, {"a": 2}], source="test")
        assert done.count == 2
        assert intake.flush()
        assert logs.query("Things_CL | project a, b | sort by a asc").rows == [[1, "x\ny"], [2, ""]]
        stats = intake.stats()
        assert (stats.accepted, stats.stored, stats.waiting_rows) == (2, 2, 0)


def test_a_row_without_a_time_has_the_time_at_which_it_was_accepted(
    tmp_path: Path, logs: LogStore, held_up: threading.Event
) -> None:
    with Intake(logs, tmp_path / "spool", SystemClock()) as intake:
        intake.accept("Things_CL", [{"a": 1}], source="test")
        time.sleep(1.1)
        held_up.set()
        assert intake.flush()
        assert logs.query("Things_CL | project ingestion_time() - TimeGenerated > 1s").rows == [[True]]


NAMES = [
    "a", "A", "é", "e\u0301", "İ", "ß", "SS", "", "x y", "x.y", '"', "'", "`", "\\", "[0]", "t\x00n", "💥", "\ud800", "a~2", "_a", "$row", "$load",
    "$extra", "rowid", "ROWID", "day", "filename", "Type", "TenantId", "Computer", "TimeGenerated", "timegenerated", "_BilledSize", "x" * 300,
]  # fmt: skip
PLAIN = st.sampled_from(
    [None, True, -1, 2**31, 2**63, 2**70, 1.5, -0.0, "", "text", "12345", "\ud800", "2026-03-01T10:00:00Z"]
)
VALUES = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3), max_leaves=6
)  # fmt: skip
ROWS = st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=8)
BATCHES = st.lists(st.lists(ROWS, min_size=1, max_size=8), min_size=1, max_size=4)


@settings(max_examples=25, deadline=None)
@given(BATCHES)
def test_whatever_objects_are_accepted_are_in_their_table(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[dict[str, object]]]
) -> None:
    folder = tmp_path_factory.mktemp("any")
    with LogStore(None, SystemClock()) as logs, Intake(logs, folder / "spool", SystemClock()) as intake:
        for table in ("Any_CL", "SigninLogs"):
            for batch in batches:
                intake.accept(table, batch, source="t")
                assert intake.flush()
            assert len(logs.query(table).rows) == sum(map(len, batches)), "none is in the dead-letter table instead"


def _shorter(value: object) -> object:
    if isinstance(value, dict):
        return {name: _shorter(one) for name, one in value.items()}
    if isinstance(value, list):
        return list(map(_shorter, value))
    return 7 if value == 2**70 else value


@settings(max_examples=25, deadline=None)
@given(
    BATCHES,
    st.lists(st.sampled_from(["", "1", "2", "3"]), min_size=8, max_size=8),
    st.booleans(),
)
def test_many_rows_at_once_are_stored_as_few_are(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[dict[str, object]]], ids: list[str], told: bool
) -> None:
    """Of a table that ships and of one of the sender's own, with ids of records and without: rows, columns, and what was counted.

    Whole numbers of more than 64 bits are not looked at: read one by one they are doubles, and in the engine's hands they stay.
    """
    batches = [[{name: _shorter(value) for name, value in row.items()} for row in batch] for batch in batches]
    clock = VirtualClock(datetime(2026, 3, 1, tzinfo=UTC))
    found: list[object] = []
    for many in (1, 2**40):
        folder = tmp_path_factory.mktemp("many")
        with (
            pytest.MonkeyPatch.context() as patch,
            LogStore(None, clock, new_id=seeded_ids(1)) as logs,
            Intake(logs, folder / "spool", clock, IntakeLimits(linger=0)) as intake,
        ):
            patch.setattr(taking, "MANY", many)
            patch.setattr(Helper, "ask", lambda *_: None)  # what it gives is tested elsewhere
            for table in ("Any_CL", "SigninLogs"):
                for batch in batches:
                    intake.accept(table, batch, source="t", record_ids=ids[: len(batch)] if told else None)
                    assert intake.flush()
                result = logs.query(f"{table} | extend Arrived = ingestion_time()")
                about = logs.describe(table)
                found.append(
                    (sorted(map(repr, result.rows)), [(one.name, one.type) for one in about.fields], dict(about.extra))
                )
            with logs.cursor() as cursor:
                told_of = run(cursor, "SELECT table_name, rows, bytes, stamped, drifted FROM store_catalog.loads")
                # in which order fields are counted is nobody's concern
                found.append(
                    sorted(
                        ((*of_load, drifted and sorted(json.loads(drifted).items())) for *of_load, drifted in told_of),
                        key=repr,
                    )
                )
            found.append((intake.stats().stored, intake.stats().repeated, intake.stats().unreadable))
    half = len(found) // 2
    assert found[:half] == found[half:]


def test_what_is_no_row_is_refused_and_nothing_is_kept(tmp_path: Path, logs: LogStore) -> None:
    with Intake(logs, tmp_path / "spool", SystemClock()) as intake:
        for bad in (7, [1], "text", None):
            with pytest.raises(InvalidInput, match="Row 2 for Things_CL is not an object"):
                intake.accept("Things_CL", [{"a": 1}, bad], source="test")  # type: ignore[list-item]
        with pytest.raises(InvalidInput, match="not a table name"):
            intake.accept("Things;--", [{"a": 1}], source="test")
        assert intake.accept("Things_CL", [], source="test").count == 0
        assert intake.stats().accepted == 0


def test_an_id_is_new_once_wherever_its_record_is(
    tmp_path: Path, logs: LogStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Intake(logs, tmp_path / "spool", SystemClock()) as intake:
        assert intake.claim("Ids_CL", ["1", "2", "1", "", ""]) == [True, True, False, True, True]
        assert intake.claim("Ids_CL", ["1", "3"]) == [False, True]
        assert intake.claim("Other_CL", ["1"]) == [True]
        intake.unclaim("Ids_CL", ["2", "3"])
        intake.accept("Ids_CL", [{"a": 1}], source="t", record_ids=["1"])
        assert intake.flush()
        assert intake._claims._claimed["Ids_CL"] == set()
        assert intake.claim("Ids_CL", ["1", "2"]) == [False, True]

        def shut() -> None:
            raise Unavailable("The log store is closed.")

        monkeypatch.setattr(logs, "cursor", shut)
        assert intake.claim("Ids_CL", ["1", "2"]) == [True, False], "rows are taken, and the table decides"


def test_an_id_that_an_earlier_process_left_waiting_is_not_new(
    tmp_path: Path, logs: LogStore, held_up: threading.Event
) -> None:
    with Intake(logs, tmp_path / "spool", SystemClock()) as intake:
        intake.accept("Ids_CL", [{"a": 1}, {"a": 2}], source="t", record_ids=["1", ""])
        intake.accept("Ids_CL", [{"a": 3}], source="t")
        intake.close(0.1)
    with Intake(logs, tmp_path / "spool", SystemClock()) as intake:
        assert intake.claim("Ids_CL", ["1", "2", ""]) == [False, True, True]
        intake.unclaim("Ids_CL", ["2"])
        held_up.set()
        assert intake.flush()
        assert intake._claims._claimed["Ids_CL"] == set(), "what is in the table is not held in memory"
        assert intake.claim("Ids_CL", ["1", "2"]) == [False, True]
    assert logs.query("Ids_CL | count").rows == [[3]]


def test_a_record_that_comes_again_is_stored_once(tmp_path: Path, logs: LogStore) -> None:
    with Intake(logs, tmp_path / "spool", SystemClock()) as intake:
        for _ in range(2):
            intake.accept(
                "Ids_CL", [{"a": 1}, {"a": 2}, {"a": 1}, {"a": 3}], source="t", record_ids=["1", "2", "1", ""]
            )
            intake.flush()
        intake.accept("Other_CL", [{"a": 1}], source="t", record_ids=["1"])
    found = logs.query("union Ids_CL, Other_CL | summarize count() by Type, a | sort by Type asc, a asc").rows
    assert found == [["Ids_CL", 1, 1], ["Ids_CL", 2, 1], ["Ids_CL", 3, 2], ["Other_CL", 1, 1]]


@pytest.mark.parametrize("many", [1, 2**40])
def test_rows_that_are_not_stored_again_are_not_counted_as_stamped(
    tmp_path: Path, logs: LogStore, monkeypatch: pytest.MonkeyPatch, many: int
) -> None:
    monkeypatch.setattr(taking, "MANY", many)
    rows: list[dict[str, object]] = [{"n": 1}, {"n": 2}, {"n": 3, "TimeGenerated": "2026-03-01T10:00:00Z"}]
    with Intake(logs, tmp_path / "spool", VirtualClock(datetime(2026, 3, 1, tzinfo=UTC))) as intake:
        for ids in (["a", "b", "c"], ["a", "d", "e"]):
            intake.accept("Stamped_CL", rows, source="t", record_ids=ids)
            assert intake.flush()
    with logs.cursor() as cursor:
        told = "SELECT sum(rows), sum(stamped) FROM store_catalog.loads WHERE table_name = 'Stamped_CL'"
        assert run(cursor, told) == [(5, 3)]


def test_senders_share_the_fsync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    count = 0
    fsync = os.fsync

    def counted(file: int) -> None:
        nonlocal count
        count += 1
        time.sleep(0.05)
        fsync(file)

    spool = Spool(tmp_path / "spool")
    monkeypatch.setattr(os, "fsync", counted)
    with ThreadPoolExecutor(20) as senders:
        list(senders.map(lambda number: spool.put("T_CL", row_lines([b"{}"]), source="s", at=number), range(200)))
    assert count < 60
    assert [entry.number for entry in spool.head(1000, 10**9)] == list(range(1, 201))
    spool.close()


def test_too_much_waiting_is_refused_until_there_is_room(
    tmp_path: Path, logs: LogStore, held_up: threading.Event
) -> None:
    limits = IntakeLimits(SpoolLimits(disk_bytes=10_000))
    with Intake(logs, tmp_path / "spool", SystemClock(), limits) as intake:
        with pytest.raises(TooManyRequests) as refused:
            for _ in range(100):
                intake.accept("Full_CL", [{"text": "x" * 1000}], source="test")
        assert refused.value.retry_after > 0
        taken = intake.stats().accepted
        assert 0 < taken < 10
        assert sum(path.stat().st_size for path in (tmp_path / "spool").iterdir()) <= 10_000
        assert intake.stats().refused == 1
        assert not intake.flush(1)
        assert "disk full" in (intake.stats().trouble or "")
        assert intake.stats().oldest_seconds > 0
        held_up.set()
        assert intake.flush()
        assert intake.stats().trouble is None
        intake.accept("Full_CL", [{"text": "again"}], source="test")
        assert intake.flush()
        assert logs.query("Full_CL | count").rows == [[taken + 1]]


@pytest.mark.parametrize("fails", ["write", "fsync"])
def test_nothing_is_acknowledged_that_the_disk_did_not_take(
    tmp_path: Path, logs: LogStore, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    with Intake(logs, tmp_path / "spool", SystemClock()) as intake:
        intake.accept("Disk_CL", [{"n": 1}], source="test")
        real = getattr(os, fails)
        failing = threading.get_ident()

        def full(*arguments: object) -> object:
            if threading.get_ident() == failing:
                if fails == "write":
                    real(arguments[0], bytes(arguments[1])[:10])  # type: ignore[call-overload]
                raise OSError(errno.ENOSPC, "No space left on device")
            return real(*arguments)

        with monkeypatch.context() as patched:
            patched.setattr(os, fails, full)
            with pytest.raises(Unavailable, match="no space left on device"):
                intake.accept("Disk_CL", [{"n": 2}], source="test")
        intake.accept("Disk_CL", [{"n": 3}], source="test")
        assert intake.flush()
        assert logs.query("Disk_CL | sort by n asc | project n").rows == [[1], [3]]
    spool = Spool(tmp_path / "spool")
    assert (spool.waiting_rows, spool.damaged) == (0, 0)
    spool.close()


def test_a_batch_that_its_table_does_not_take_is_kept_whole(
    tmp_path: Path, logs: LogStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = logs.take

    def picky(table: str, batches: list[object], rejected: str | None = None) -> object:
        if rejected is None and any(b'"poison"' in line for batch in batches for line in batch.lines.split()):  # type: ignore[attr-defined]
            raise Unavailable("The log store could not be written: Conversion.") from duckdb.ConversionException("no")
        return take(table, batches, rejected)  # type: ignore[arg-type]

    monkeypatch.setattr(logs, "take", picky)
    with Intake(logs, tmp_path / "spool", SystemClock(), IntakeLimits(linger=0.5)) as intake:
        for word in ("good", "poison", "fine"):
            intake.accept("Picky_CL", [{"word": word}], source="here")
        assert intake.flush()
        assert logs.query("Picky_CL | project word | sort by word asc").rows == [["fine"], ["good"]]
        kept = logs.query("VedetteDeadLetter_CL | project TableName, Source, Reason, Raw").rows
        assert kept == [
            [
                "Picky_CL", "here", "The batch could not be stored: The log store could not be written: Conversion.",
                '{"word":"poison"}',
            ]
        ]  # fmt: skip
        assert intake.stats().unreadable == 1


def test_a_broken_end_is_cut_off_and_the_rest_is_kept(tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    spool = Spool(folder)
    for number in range(5):
        spool.put("T_CL", row_lines([b'{"n":%d}' % number]), source="s", at=number)
    spool.close()
    (file,) = folder.iterdir()
    whole = file.read_bytes()
    for cut in range(1, 60):
        file.write_bytes(whole[:-cut])
        again = Spool(folder)
        entries = again.head(100, 10**6)
        lost = 1 if cut <= entries[0].length else 2
        assert [entry.number for entry in entries] == list(range(1, 6 - lost))
        assert [spooled.lines.split() for spooled in again.read(entries)] == [
            [b'{"n":%d}' % n] for n in range(5 - lost)
        ]
        assert again.put("T_CL", row_lines([b"{}"]), source="s", at=9) == 2
        again.close()
        for other in folder.iterdir():
            if other != file:
                other.unlink()


def test_damage_in_the_middle_costs_one_batch(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    for number in range(5):
        spool.put("T_CL", row_lines([b'{"n":%d}' % number]), source="s", at=number)
    third = spool.head(100, 10**6)[2]
    spool.close()
    (file,) = (tmp_path / "spool").iterdir()
    content = bytearray(file.read_bytes())
    content[third.offset + 20] ^= 0xFF
    file.write_bytes(content)
    again = Spool(tmp_path / "spool")
    assert [entry.number for entry in again.head(100, 10**6)] == [1, 2, 4, 5]
    assert again.damaged == 1
    again.close()


def test_what_is_left_is_stored_by_the_next_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with LogStore(tmp_path / "logs.duckdb", SystemClock()) as logs:
        monkeypatch.setattr(logs, "take", lambda *_: (_ for _ in ()).throw(Unavailable("no")))
        with Intake(logs, tmp_path / "spool", SystemClock()) as intake:
            intake.accept("Left_CL", [{"n": 1}], source="test")
    with LogStore(tmp_path / "logs.duckdb", SystemClock()) as logs:
        with Intake(logs, tmp_path / "spool", SystemClock()):
            pass
        assert logs.query("Left_CL | project n").rows == [[1]]
        assert not list((tmp_path / "spool").iterdir())


def _killed_rounds(folder: Path, rounds: int) -> None:
    source = random.Random(rounds)
    folder.mkdir()
    acknowledged: dict[tuple[str, str], int] = {}
    for number in range(rounds):
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.store.taking_in", str(folder), str(number)], cwd=ROOT, stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        )  # fmt: skip
        assert process.stdout is not None
        first = process.stdout.readline()  # it has begun
        while number == 0 and not all(name in first for name in (b"CrashColumns_CL", b"SigninLogs")):
            more = process.stdout.readline()  # until rows of every way are acknowledged
            assert more, "it ended by itself"
            first += more
        time.sleep(source.random() * 1.2)
        process.send_signal(signal.SIGKILL)
        told = first + process.stdout.read()
        process.wait()
        for line in told.decode().splitlines(keepends=True):
            if line.endswith("\n"):
                table, batch, rows = line.split()
                acknowledged[table, batch] = int(rows)
    assert acknowledged
    assert {"CrashColumns_CL", "SigninLogs"} <= {table for table, _ in acknowledged}
    started = time.monotonic()
    with (
        LogStore(folder / "logs.duckdb", SystemClock()) as logs,
        Intake(logs, folder / "spool", SystemClock()) as intake,
    ):
        assert time.monotonic() - started < 60
        assert intake.flush(600), "what a hundred processes accepted and had no time to move: about nine million rows"
        found: Counter[tuple[str, str]] = Counter()
        for table in {table for table, _ in acknowledged}:
            names = "batch = CorrelationId, n = DurationMs" if table == "SigninLogs" else "batch, n"
            for batch, count, kinds in logs.query(
                f"{table} | project {names} | summarize Times = count() by batch, n | summarize sum(Times), count() by batch"
            ).rows:
                assert count == kinds, "a row is there twice"
                found[table, batch] = count
    assert {batch: found[batch] for batch in acknowledged} == acknowledged
    together: dict[str, set[tuple[str, int]]] = defaultdict(set)
    for (table, batch), count in found.items():
        if table.startswith("CrashTogether"):
            together[batch].add((table, count))
    assert together
    assert all(len(has) == 3 and len({count for _, count in has}) == 1 for has in together.values()), (
        "acknowledged or not"
    )


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is POSIX's")
def test_every_acknowledged_row_is_there_once_after_kills(tmp_path: Path) -> None:
    _killed_rounds(tmp_path / "data", 4)


@pytest.mark.soak
@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is POSIX's")
def test_every_acknowledged_row_is_there_once_after_a_hundred_kills(tmp_path: Path) -> None:
    _killed_rounds(tmp_path / "data", int(os.environ.get("SOAK_KILLS", "100")))


def test_the_rows_of_an_hour_are_one_load_and_each_has_an_id(tmp_path: Path, logs: LogStore) -> None:
    with Intake(logs, tmp_path / "spool", SystemClock()) as intake:
        for number in range(5):
            intake.accept("Loads_CL", [{"n": number}, {"n": str(number) + "x"}], source=f"door {number % 2}")
            assert intake.flush()
    assert logs.query("Loads_CL | summarize dcount(_ItemId), count()").rows == [[10, 10]]
    cursor = logs._cursor()
    loads = cursor.execute("SELECT source, rows FROM store_catalog.loads WHERE table_name = 'Loads_CL'").fetchall()
    cursor.close()
    assert sum(rows for _, rows in loads) == 10
    assert len(loads) <= 2  # the hour may end meanwhile
    assert set(", ".join(source for source, _ in loads).split(", ")) == {"door 0", "door 1"}
