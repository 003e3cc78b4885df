"""Segments of the term index that a process beside this one makes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from vedette.core.clock import VirtualClock
from vedette.store.logstore import LogStore
from vedette.store.terms import beside
from vedette.store.terms.beside import BuilderBeside
from vedette.store.terms.building import Source, Stopped, build

ROWS = 3_000


@pytest.fixture
def store(tmp_path: Path, clock: VirtualClock) -> Iterator[LogStore]:
    with LogStore(tmp_path / "logs.duckdb", clock) as made:
        made.append(
            "Given_CL",
            [
                {
                    "Number": n,
                    "Text": f"Agent{n} ÄRGER{n % 7} of 10.{n % 13}.7.9",
                    "Bag": {"a": f'x"\\{n % 50}'},
                    "Gone": None,
                }
                for n in range(ROWS)
            ],
        )
        yield made


@pytest.fixture
def builder() -> Iterator[BuilderBeside]:
    made = BuilderBeside()
    yield made
    made.close()


def _source(store: LogStore) -> Source:
    table = store.stored("Given_CL")
    assert table is not None
    with closing(store.connect()) as cursor:
        columns = store.terms._columns(cursor, table)
    return Source(table.sql, 0, ROWS, columns, ("other",))


def test_the_same_bytes_as_made_here(store: LogStore, builder: BuilderBeside, tmp_path: Path) -> None:
    source = _source(store)
    room = dict.fromkeys(source.columns, 10.0)
    for given in (room, {}):
        with closing(store.connect()) as cursor:
            size = builder.build(cursor, source, tmp_path / "beside.terms", given, lambda: False)
            build(cursor, source, tmp_path / "here.terms", given, lambda: False)
        assert (tmp_path / "beside.terms").read_bytes() == (tmp_path / "here.terms").read_bytes()
        assert size == (tmp_path / "here.terms").stat().st_size


def test_one_that_is_ended_is_begun_again(store: LogStore, builder: BuilderBeside, tmp_path: Path) -> None:
    source = _source(store)
    with closing(store.connect()) as cursor:
        builder.build(cursor, source, tmp_path / "one.terms", {}, lambda: False)
        first = builder._companion.pid
        builder.build(cursor, source, tmp_path / "two.terms", {}, lambda: False)
        assert builder._companion.pid == first  # it serves more than once
        builder.end()
        builder.build(cursor, source, tmp_path / "three.terms", {}, lambda: False)
    assert (tmp_path / "three.terms").read_bytes() == (tmp_path / "one.terms").read_bytes()


def test_who_wants_an_end_gets_it_at_any_moment(store: LogStore, builder: BuilderBeside, tmp_path: Path) -> None:
    """Between two columns, and while the process is waited for: from another thread."""
    source = _source(store)
    asked = 0

    def after_one() -> bool:
        nonlocal asked
        asked += 1
        return asked > 1

    with closing(store.connect()) as cursor:
        with pytest.raises(Stopped):
            builder.build(cursor, source, tmp_path / "no.terms", {}, after_one)
        wanted = threading.Event()

        def end_soon() -> None:
            while builder._companion.pid is None:
                time.sleep(0.001)
            wanted.set()
            builder.end()

        ending = threading.Thread(target=end_soon)
        ending.start()
        with pytest.raises(Stopped):
            builder.build(cursor, source, tmp_path / "no.terms", {}, lambda: wanted.is_set())
        ending.join()
    assert not (tmp_path / "no.terms").exists()


def test_what_fails_there_is_told_here(store: LogStore, builder: BuilderBeside, tmp_path: Path) -> None:
    source = _source(store)
    with closing(store.connect()) as cursor:
        with pytest.raises(OSError, match="no such folder"):
            builder.build(cursor, source, tmp_path / "no such folder" / "one.terms", {}, lambda: False)
        assert builder.build(cursor, source, tmp_path / "one.terms", {}, lambda: False) > 0


def test_without_a_process_it_is_made_here(
    store: LogStore, builder: BuilderBeside, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.executable", "")
    with closing(store.connect()) as cursor:
        assert builder.build(cursor, _source(store), tmp_path / "one.terms", {}, lambda: False) > 0
    assert builder._companion.pid is None


def test_the_process_knows_no_settings_and_no_stray_modules(
    store: LogStore, builder: BuilderBeside, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VEDETTE_SECRET_ONE", "hidden")
    folder = tmp_path / "stray"
    folder.mkdir()
    (folder / "duckdb.py").write_text("raise SystemExit(3)")
    monkeypatch.chdir(folder)
    with closing(store.connect()) as cursor:
        assert builder.build(cursor, _source(store), tmp_path / "one.terms", {}, lambda: False) > 0
    process = builder._companion.pid
    if os.path.isdir(f"/proc/{process}"):
        assert b"hidden" not in Path(f"/proc/{process}/environ").read_bytes()


def test_the_store_ends_it_with_itself(tmp_path: Path, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int | None] = []
    plain = beside.BuilderBeside.build

    def told(self: BuilderBeside, *arguments: object) -> int:
        size = plain(self, *arguments)  # type: ignore[arg-type]
        made.append(self._companion.pid)
        return size

    monkeypatch.setattr(beside.BuilderBeside, "build", told)
    with LogStore(tmp_path / "more.duckdb", clock) as store:
        store.terms._resting = 0.05
        store.append("Given_CL", [{"Number": n, "Text": f"agent{n}"} for n in range(ROWS)])
        table = store.stored("Given_CL")
        assert table is not None
        until = time.monotonic() + 60
        while store.terms.coverage(table, ROWS).rows < ROWS and time.monotonic() < until:
            time.sleep(0.02)
        assert store.terms.coverage(table, ROWS).rows == ROWS
        assert made[0] is not None
        os.kill(made[0], 0)  # it is there
    with pytest.raises(ProcessLookupError):
        os.kill(made[0], 0)


def test_one_that_hangs_is_ended_as_soon_as_nobody_wants_the_segment(
    store: LogStore, builder: BuilderBeside, tmp_path: Path
) -> None:
    """Who changes stored rows waits for it, and so does the end of the store."""
    source = _source(store)
    with closing(store.connect()) as cursor:
        builder.build(cursor, source, tmp_path / "one.terms", {}, lambda: False)
        hung = builder._companion.pid
        assert hung is not None
        os.kill(hung, signal.SIGSTOP)
        until = time.monotonic() + 0.5
        with pytest.raises(Stopped):
            builder.build(cursor, source, tmp_path / "two.terms", {}, lambda: time.monotonic() > until)
        assert time.monotonic() - until < 60
        assert builder.build(cursor, source, tmp_path / "two.terms", {}, lambda: False) > 0


def test_one_that_hangs_is_ended_at_last(
    store: LogStore, builder: BuilderBeside, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beside, "_PATIENCE", 0.5)
    source = _source(store)
    with closing(store.connect()) as cursor:
        builder._companion.pipes()
        hung = builder._companion.pid
        assert hung is not None
        os.kill(hung, signal.SIGSTOP)
        with pytest.raises(OSError):
            builder.build(cursor, source, tmp_path / "one.terms", {}, lambda: False)
    monkeypatch.undo()
    with closing(store.connect()) as cursor:
        assert builder.build(cursor, source, tmp_path / "one.terms", {}, lambda: False) > 0


def test_stores_share_one_process(store: LogStore, builder: BuilderBeside, tmp_path: Path) -> None:
    """A server has a store for each workspace, and a process takes a hundred megabytes."""
    source, other = _source(store), BuilderBeside()
    with closing(store.connect()) as cursor:
        builder.build(cursor, source, tmp_path / "one.terms", {}, lambda: False)
        process = builder._companion.pid
        other.build(cursor, source, tmp_path / "two.terms", {}, lambda: False)
        assert other._companion.pid == process
        other.close()
        builder.build(cursor, source, tmp_path / "three.terms", {}, lambda: False)
        with pytest.raises(Stopped):
            other.build(cursor, source, tmp_path / "four.terms", {}, lambda: False)


BUILDING = """
import os, signal, sys
from pathlib import Path
import pyarrow as pa
from vedette.core.companion import Companion
made = Companion("vedette.store.terms.beside")
sent, _ = made.pipes()
about = {"rows": 2, "first": 0, "anchors": [], "known": ["a"], "left_out": []}
import orjson
sent.write(orjson.dumps({"path": sys.argv[1], "about": about, "columns": [["a", "string", None]]}) + b"\\n")
batch = pa.record_batch([pa.array([0, 1]), pa.array(["one", "two"])], ["r", "t"])
with pa.ipc.new_stream(sent, batch.schema) as out:
    out.write_batch(batch)
sent.flush()
os.write(1, b"%d\\n" % made.pid)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is POSIX's")
def test_who_is_left_alone_writes_nothing_and_says_nothing(tmp_path: Path) -> None:
    """The folder may be another server's by the time at which the segment is ready."""
    path = tmp_path / "0-2.terms"
    process = subprocess.Popen(
        [sys.executable, "-c", BUILDING, str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2] / "src")},
    )  # fmt: skip
    told, wrong = process.communicate(timeout=120)  # it has the pipe of errors open as long as it is there
    assert int(told) > 0
    assert wrong == b""
    assert list(tmp_path.iterdir()) == []
