"""A disk that is full, or takes nothing: what was acknowledged is kept, the state is told, and it goes on by itself."""

from __future__ import annotations

import errno
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from vedette.core.clock import SystemClock
from vedette.core.errors import Unavailable, VedetteError
from vedette.store.intake import Intake, IntakeLimits
from vedette.store.logstore import LogStore
from vedette.store.opening import open_file
from vedette.store.spool import SpoolLimits

MEGABYTE = 1024**2


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own of 240 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = sys.platform == "linux" and os.geteuid() == 0
    if mounted:
        command = ["mount", "-t", "tmpfs", "-o", "size=240m", "tmpfs", str(folder)]
        mounted = subprocess.run(command, capture_output=True).returncode == 0
    if not mounted:
        pytest.skip("only root of Linux can make a small disk; failing writes are tested with injected errors")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


class Sender:
    """Sends numbered rows and knows which were acknowledged."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self._source = random.Random(1)
        self.acknowledged = 0

    def send(self, size: int = 3000) -> VedetteError | None:
        rows = [  # of which no packing makes less
            {"n": self.acknowledged + place, "text": self._source.randbytes(size // 2).hex()} for place in range(50)
        ]
        try:
            self._intake.accept("Disk_CL", rows, source="test")
        except VedetteError as error:
            return error
        self.acknowledged += 50
        return None


def until(condition: Callable[[], bool], seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def free(folder: Path) -> int:
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


LIMITS = IntakeLimits(SpoolLimits(free_bytes=0, segment_bytes=MEGABYTE), linger=0.01, move_rows=2000)


@pytest.mark.parametrize("at", ["log", "checkpoint"])
def test_a_full_disk(small_disk: Path, at: str) -> None:
    """`log`: there is no room for the store's log. `checkpoint`: there is none when it writes its tables, and the engine gives up."""
    ballast = small_disk / "ballast"
    log = small_disk / "logs.duckdb.wal"
    with (
        LogStore(small_disk / "logs.duckdb", SystemClock()) as logs,
        Intake(logs, small_disk / "spool", SystemClock(), LIMITS) as intake,
    ):
        sender = Sender(intake)
        sender.send()
        assert intake.flush()
        if at == "checkpoint":
            while not log.exists() or log.stat().st_size < 52 * MEGABYTE:
                assert sender.send() is None
                intake.flush()
        ballast.write_bytes(bytes(max(0, free(small_disk) - 16 * MEGABYTE)))
        refused: VedetteError | None = None
        end = time.monotonic() + 60
        while refused is None:
            refused = sender.send()
            assert time.monotonic() < end
        assert isinstance(refused, Unavailable)
        assert "no space left on device" in str(refused)
        until(lambda: intake.stats().state == "trouble")
        sender.send()  # refused, too, unless what was moved to the tables has left room in the spool
        # what is in the tables can be asked for meanwhile (but for the moments in which the file is opened again)
        until(lambda: _asked(logs) is not None)
        ballast.unlink()
        until(lambda: intake.stats().state == "ok" and not intake.stats().waiting_rows)
        assert sender.send() is None
        assert intake.flush()
        assert _asked(logs) == [sender.acknowledged, sender.acknowledged]
    with LogStore(small_disk / "logs.duckdb", SystemClock()) as logs:
        assert _asked(logs) == [sender.acknowledged, sender.acknowledged]


def _asked(logs: LogStore) -> list[object] | None:
    try:
        rows: list[list[object]] = logs.query(
            "Disk_CL | summarize by n | count | extend all = toscalar(Disk_CL | count)"
        ).rows
    except VedetteError:
        return None
    return rows[0]


def test_a_disk_that_became_read_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        LogStore(tmp_path / "logs.duckdb", SystemClock()) as logs,
        Intake(logs, tmp_path / "spool", SystemClock()) as intake,
    ):
        sender = Sender(intake)
        assert sender.send() is None
        with monkeypatch.context() as patched:

            def read_only(*arguments: object, **more: object) -> object:
                raise OSError(errno.EROFS, "Read-only file system")

            patched.setattr(os, "write", read_only)
            patched.setattr(Path, "open", read_only)
            refused = sender.send()
            assert isinstance(refused, Unavailable)
            assert "read-only file system" in str(refused)
            assert intake.stats().state == "trouble"
            assert "read-only" in (intake.stats().trouble or "")
        assert intake.stats().state == "ok"  # without anybody's doing
        assert sender.send() is None
        assert intake.flush()
        assert _asked(logs) == [100, 100]


def test_a_store_on_a_read_only_disk_says_so(small_disk: Path) -> None:
    with LogStore(small_disk / "logs.duckdb", SystemClock()):
        pass
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(Unavailable, match=r"cannot be opened: .*[Rr]ead-only"):
        LogStore(small_disk / "logs.duckdb", SystemClock())
    subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
    with LogStore(small_disk / "logs.duckdb", SystemClock()) as logs:
        assert logs.append("Disk_CL", [{"n": 1}]) == 1


def test_a_load_that_fills_the_disk_says_so(small_disk: Path, tmp_path: Path) -> None:
    source = random.Random(2)
    file = tmp_path / "Disk_CL" / "rows.jsonl"
    file.parent.mkdir()
    with file.open("w", encoding="utf-8") as lines:
        lines.writelines(f'{{"n": {n}, "text": "{source.randbytes(1_000).hex()}"}}\n' for n in range(50_000))
    filler = small_disk / "filler"
    with LogStore(small_disk / "logs.duckdb", SystemClock()) as logs:
        filler.write_bytes(bytes(free(small_disk) - 20 * MEGABYTE))
        failed = logs.load([file]).failed
        assert [one.error and one.error.code for one in failed] == ["VDT0611"]
        assert str(failed[0].error) == "There is no space left on the disk of the log store."
    filler.unlink()
    with LogStore(small_disk / "logs.duckdb", SystemClock()) as logs:
        assert logs.load([file]).rows == 50_000


def test_an_index_that_the_disk_has_no_room_for_leaves_the_load(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "Disk_CL" / "rows.jsonl"
    file.parent.mkdir()
    file.write_text('{"n": 1, "text": "a word"}\n', encoding="utf-8")

    def given_up(*_: object, **__: object) -> None:
        raise duckdb.FatalException('database has been invalidated: Could not write file "x": No space left on device')

    with LogStore(tmp_path / "logs.duckdb", SystemClock()) as logs:
        monkeypatch.setattr(logs.terms, "catch_up", given_up)
        report = logs.load([file])
        logs.index_loaded(report)
        assert report.rows == 1
        assert report.notes[-1].endswith("There is no space left on the disk of the log store.")


class GivenUp:
    """A connection that the engine has given up, and that other threads use when it is to be closed for the first time."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self.asked_to_close = 0

    def cursor(self) -> duckdb.DuckDBPyConnection:
        raise duckdb.FatalException("database has been invalidated")

    def close(self) -> None:
        self.asked_to_close += 1
        if self.asked_to_close < 3:
            raise duckdb.ResourceInUseException("connection is busy with another call; it refuses instead of waiting")
        self._connection.close()


def test_a_store_that_is_in_use_is_opened_anew(tmp_path: Path) -> None:
    """The engine refuses to close a connection while another thread takes a cursor of it."""
    with (
        LogStore(tmp_path / "logs.duckdb", SystemClock()) as logs,
        Intake(logs, tmp_path / "s", SystemClock()) as intake,
    ):
        intake.accept("Disk_CL", [{"n": 1}], source="test")
        assert intake.flush()
        assert logs._connection is not None
        given_up = GivenUp(logs._connection)
        logs._connection = given_up  # type: ignore[assignment]
        intake.accept("Disk_CL", [{"n": 2}], source="test")
        until(lambda: intake.stats().waiting_rows == 0)
        assert given_up.asked_to_close == 3
        assert logs.query("Disk_CL | summarize sum(n)").rows == [[3]]


def test_a_store_in_use_is_closed(tmp_path: Path) -> None:
    logs = LogStore(tmp_path / "logs.duckdb", SystemClock())
    assert logs._connection is not None
    in_use = GivenUp(logs._connection)
    logs._connection = in_use  # type: ignore[assignment]
    logs.close()
    assert in_use.asked_to_close == 3


def test_a_store_that_could_not_be_opened_anew_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What works for it ends with it, although there is no connection to close."""
    logs = LogStore(tmp_path / "logs.duckdb", SystemClock())
    logs.append("Disk_CL", [{"n": 1, "text": "a word"}])
    until(lambda: logs.terms._thread is not None)
    assert logs._connection is not None
    logs._connection = GivenUp(logs._connection)  # type: ignore[assignment]

    def refused(*_: object) -> None:
        raise Unavailable("There is no room.")

    monkeypatch.setattr("vedette.store.logstore.open_file", refused)
    with pytest.raises(Unavailable, match="no room"):
        logs.recover()
    logs.close()
    logs.close()
    assert logs.terms._thread is not None
    assert not logs.terms._thread.is_alive()
    assert logs._many._ended


def test_a_file_that_others_have_given_up_is_not_there_yet(tmp_path: Path) -> None:
    """Who still has a cursor of it keeps the engine's old instance of the file, whose configuration is locked."""
    logs = LogStore(tmp_path / "logs.duckdb", SystemClock())
    with logs.cursor(), pytest.raises(Unavailable, match="cannot be opened"):
        open_file(tmp_path / "logs.duckdb", None)
    logs.close()
    open_file(tmp_path / "logs.duckdb", None).close()


@pytest.mark.parametrize("fault", [duckdb.InterruptException("x"), RuntimeError("x")], ids=["the engine's", "any"])
def test_whatever_goes_wrong_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Exception) -> None:
    """Without its thread a write path would take rows in, and store none of them until the next start."""
    faults = iter([fault])
    recover = LogStore.recover

    def failing(logs: LogStore) -> bool:
        for one in faults:
            raise one
        return recover(logs)

    taken = iter([fault])
    take = LogStore.take

    def taking(*arguments: Any) -> Any:
        for one in taken:
            raise Unavailable("The log store could not be written.") from one
        return take(*arguments)

    monkeypatch.setattr(LogStore, "recover", failing)
    monkeypatch.setattr(LogStore, "take", taking)
    with (
        LogStore(tmp_path / "logs.duckdb", SystemClock()) as logs,
        Intake(logs, tmp_path / "s", SystemClock()) as intake,
    ):
        intake.accept("Disk_CL", [{"n": 1}], source="test")
        until(lambda: intake.stats().waiting_rows == 0)
        assert intake._thread.is_alive()
        assert logs.query("Disk_CL | count").rows == [[1]]
