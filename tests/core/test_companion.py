"""Processes beside this one: whatever becomes of them, or of the one that they work for."""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from vedette.core import companion
from vedette.core.companion import Answer, Companion, Helper, Shared

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")

ECHO = """
import os, sys, time
print("loaded")
from vedette.core.companion import help_with
def work(head, parts):
    print("at work")
    os.write(1, b"a library speaks")
    time.sleep(head.get("seconds", 0))
    if head.get("die"):
        os._exit(3)
    if head.get("listed"):
        head["files"] = sorted(os.readlink(f"/proc/self/fd/{n}") for n in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{n}"))
    return head, [bytes(part)[::-1] for part in parts]
if __name__ == "__main__":
    help_with(work, 1)
"""
NONSENSE = "import os, sys\nsys.stdin.buffer.readline()\nos.write(1, {!r})\nsys.stdin.buffer.readline()\n"
Modules = Callable[[str], str]


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Modules:
    """Writes a module that a process can run."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    numbers = iter(range(100))

    def written(text: str) -> str:
        name = f"given_{next(numbers)}"
        (tmp_path / f"{name}.py").write_text(text)
        return name

    return written


@pytest.fixture
def helper(module: Modules) -> Iterator[Helper]:
    made = Helper(module(ECHO), "tests")
    yield made
    made.end()


def _told(answer: Answer) -> tuple[dict[str, Any], list[bytes]]:
    return answer.head, [bytes(part) for part in answer.parts]


def _is_gone(process: int | None) -> bool:
    """Whether a process is not even there as a zombie, as soon as the system comes to it."""
    assert process is not None
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.01)
    return False


def _asking(helper: Helper, found: list[object], part: bytes) -> list[threading.Thread]:
    """Threads that ask the same, and note what they are told."""
    askers = [threading.Thread(target=lambda: found.append(helper.ask({"n": 1}, [part], _told))) for _ in range(4)]
    for asker in askers:
        asker.start()
    return askers


def test_answers_are_what_was_asked_whatever_is_printed(helper: Helper) -> None:
    """Also parts that are empty, and of the sizes from which on they are kept in other ways."""
    assert helper.start(30)
    edge = companion._PIPE
    for parts in ([], [b""], [b"", b"one", b""], [b"ab" * (edge // 2 + n) for n in (-1, 0, 1)], [b"x"] * 3_000):
        sent = {"a": "\u2028é\x00\n", "b": [None, 2**63, -0.0]}
        assert helper.ask(sent, parts, _told) == (sent, [part[::-1] for part in parts])
    assert helper.ask({"no JSON": {1, 2}}, [], _told) is None
    process = helper.pid
    assert helper.ask({"long": "x" * 5_000_000}, [], _told) is not None
    assert helper.pid == process, "what is no JSON is no fault of the process"


def test_one_that_hangs_is_ended_and_nobody_waits_for_ever(helper: Helper) -> None:
    """Stopped, it neither reads nor ends: who has the turn gives it up, and so do those behind."""
    assert helper.start(30)
    helper._patience = 1.0
    process = helper.pid
    assert process is not None
    os.kill(process, signal.SIGSTOP)
    found: list[object] = []
    begun = time.monotonic()
    askers = _asking(helper, found, b"x" * 3_000_000)
    for asker in askers:
        asker.join(30)
    assert found == [None] * 4
    assert 1 < time.monotonic() - begun < 25  # each after the other would be 27 s at the least
    assert _is_gone(process)
    helper._patience = companion._LEAST
    assert helper.start(30)
    assert helper.ask({"n": 1}, [b"ab"], _told) == ({"n": 1}, [b"ba"])


def test_long_work_has_longer(helper: Helper) -> None:
    assert helper.start(30)
    helper._patience = 1.0
    process = helper.pid
    assert helper.ask({"seconds": 1.5}, [b"x" * 20 * companion._BYTES_A_SECOND], _told) is not None
    assert helper.ask({"seconds": 60}, [b"x"], _told) is None
    assert helper.start(30)
    assert helper.pid != process


def test_after_the_end_there_is_no_other(helper: Helper) -> None:
    """Not even for those who waited for their turn."""
    assert helper.start(30)
    process = helper.pid
    assert process is not None
    os.kill(process, signal.SIGSTOP)
    found: list[object] = []
    askers = _asking(helper, found, b"")
    time.sleep(0.2)
    helper.end()
    for asker in askers:
        asker.join(30)
    assert found == [None] * 4
    assert helper.pid is None
    assert _is_gone(process)
    assert not helper.start(1)
    with pytest.raises(OSError, match="not to be there"):
        helper._companion.pipes()


@pytest.mark.parametrize("after", [0.0, 0.001, 0.02, 0.1])
def test_an_end_while_it_begins_waits_for_nothing(module: Modules, after: float) -> None:
    helper = Helper(module("import time\ntime.sleep(60)\n"), "tests")
    helper.start()
    time.sleep(after)
    process = helper.pid
    begun = time.monotonic()
    helper.end()
    assert time.monotonic() - begun < 30
    assert helper.pid is None
    assert process is None or _is_gone(process)


def test_one_that_ends_by_itself_is_no_zombie(helper: Helper) -> None:
    assert helper.start(30)
    process = helper.pid
    assert process is not None
    os.kill(process, signal.SIGKILL)
    assert _is_gone(process)
    assert helper.ask({"n": 1}, [], _told) is None
    assert helper.start(30)


@pytest.mark.parametrize(
    "text", [b"5\n", b"[1, 2]\n", b"{}\n", b"\xff\n", b'[{"a": 1}, [99]]\nabc', b"[[], []]\n", b""]
)
def test_what_says_nothing_sensible_is_told_once_and_not_begun_again_and_again(
    module: Modules, text: bytes, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[None] = []
    started = Companion._started

    def counted(self: Companion) -> Any:
        begun.append(None)
        return started(self)

    monkeypatch.setattr(Companion, "_started", counted)
    helper = Helper(module(NONSENSE.format(text)), "tests", patience=1.0)
    monkeypatch.setattr(companion, "_BEGIN", 1.0)
    with caplog.at_level(logging.WARNING):
        for _ in range(200):
            assert not helper.start(10)
            assert helper.ask({"n": 1}, [b"x"], _told) is None
    helper.end()
    assert len(begun) == 2
    assert len([one for one in caplog.records if one.name == companion.__name__]) == 1


def test_an_answer_that_is_not_understood_is_no_answer(helper: Helper) -> None:
    """Another version of the program may lie on the disk by now."""
    assert helper.start(30)
    assert helper.ask({"n": 1}, [], lambda answer: answer.head["not there"]) is None
    assert helper.start(30)
    assert helper.ask({"n": 1}, [], _told) == ({"n": 1}, [])


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_files_of_this_process_are_not_the_other_s_and_none_is_left_open(helper: Helper, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)), (tmp_path / "lock").open("wb"):
        assert helper.start(30)
        answer = helper.ask({"listed": True}, [], _told)
    assert answer is not None
    files = answer[0]["files"]
    assert not [file for file in files if "socket" in file or "lock" in file], files
    before = len(os.listdir("/proc/self/fd"))
    other = Companion("no_such_module_at_all")
    for _ in range(20):
        other.pipes()
        other.end()
    assert len(os.listdir("/proc/self/fd")) <= before
    assert not [thread for thread in threading.enumerate() if thread.name == "end of no_such_module_at_all"]


@pytest.mark.parametrize("installed", [True, False])
def test_installed_packages_do_not_come_before_python_s_own_modules(
    module: Modules, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, installed: bool
) -> None:
    """Some have the names of such modules, for older versions of Python."""
    packages = tmp_path / "packages"
    packages.mkdir()
    (packages / "dataclasses.py").write_text("raise SystemExit(3)")
    (packages / "vedette").symlink_to(ROOT / "src" / "vedette")
    monkeypatch.setenv(
        "PYTHONPATH", os.pathsep.join([str(tmp_path), str(ROOT / "src")] if installed else [str(tmp_path)])
    )
    monkeypatch.setattr(companion, "_PACKAGES", packages if installed else ROOT / "src")
    if installed:
        monkeypatch.setattr("sysconfig.get_path", lambda name: str(packages))
    helper = Helper(module(ECHO), "tests")
    assert helper.start(30)
    helper.end()


BESIDE = """
import signal, sys, time
from vedette.core.companion import Companion
signal.signal(signal.SIGINT, signal.default_int_handler)  # what a shell starts in the background does not hear it otherwise
made = Companion(sys.argv[1])
made.pipes()
try:
    print(made.pid, flush=True)
    time.sleep(60)
except KeyboardInterrupt:
    time.sleep(0.3)
"""


@pytest.mark.parametrize("after", [0.02, 0.08, 0.2])
def test_ctrl_c_is_not_for_it(after: float) -> None:
    """The terminal sends it to the whole group of processes, at any moment: also while modules are imported."""
    process = subprocess.Popen(
        [sys.executable, "-c", BESIDE, "vedette.store.many"], start_new_session=True, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
    )  # fmt: skip
    assert process.stdout is not None
    beside = int(process.stdout.readline())
    time.sleep(after)
    os.killpg(process.pid, signal.SIGINT)
    _, told = process.communicate(timeout=120)
    assert told == b""
    assert _is_gone(beside)


def test_what_makes_no_progress_or_is_not_wanted_is_killed(module: Modules) -> None:
    silent = Companion(module("import time\ntime.sleep(60)\n"))
    silent.pipes()
    process = silent.pid
    with silent.watched(60) as watch:
        first = watch.deadline
        time.sleep(0.01)
        watch.progress()
        assert first < watch.deadline <= time.monotonic() + 60
        assert silent.alive
        watch.deadline = time.monotonic()
        assert _is_gone(process)
    silent.pipes()
    process = silent.pid
    with silent.watched(60) as watch:
        pass
    watch.deadline = time.monotonic()
    time.sleep(0.5)
    assert silent.alive, "nobody watches any more"
    with silent.watched(60, lambda: True):
        assert _is_gone(process)
    silent.shut()


def test_what_is_shared_ends_with_its_last_user() -> None:
    ended: list[object] = []
    shared: Shared[object] = Shared(object, ended.append)
    first, second = shared.join(), shared.join()
    assert first is second
    shared.leave()
    assert ended == []
    shared.leave()
    assert ended == [first]
    assert shared.join() is not first
