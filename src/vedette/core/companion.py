"""A process beside this one that runs a module of Vedette: work that would keep everybody else here waiting for the interpreter.

It reads what it is to do from its standard input and answers on its standard output. It ends when its input does, and so with this
process, however that ends. It is no place for secrets: the settings are not in its environment.
"""

from __future__ import annotations

import logging
import mmap
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

import orjson

from vedette.core.priority import step_back

log = logging.getLogger(__name__)
_PACKAGES: Final = Path(__file__).resolve().parents[2]
_PATIENCE: Final = 5.0
"""Seconds that a process has to end after its input did."""
_PIPE: Final = 1024 * 1024
"""Bytes that a pipe may hold, where the system lets it be said: each turn of writer and reader is one of the interpreter's as well."""
_IDLE: Final = 60.0
"""Seconds without work after which a process that helps ends by itself."""


class Companion:
    """One such process: started when it is first asked for, and again after it has ended. Its user takes care that one at a time asks."""

    def __init__(self, module: str) -> None:
        """`module` is run as a program."""
        self._module = module
        self._guard = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The process, while there is one."""
        process = self._process
        return None if process is None else process.pid

    @property
    def alive(self) -> bool:
        """Whether there is one that has not ended."""
        process = self._process
        return process is not None and process.poll() is None

    def pipes(self) -> tuple[IO[bytes], IO[bytes]]:
        """Where to write to it, and to read from it. Raises OSError where the system does not give a process."""
        with self._guard:
            if self._process is None or self._process.poll() is not None:
                self._put_away()
                self._process = self._started()
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            return self._process.stdin, self._process.stdout

    def end(self) -> None:
        """End it now, whatever it does; who reads from it meets the end of the pipe. Any thread may."""
        with self._guard:
            if self._process is not None:
                self._process.kill()
            self._put_away()

    def _put_away(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.wait(_PATIENCE)

    def _started(self) -> subprocess.Popen[bytes]:
        if not sys.executable:
            raise OSError("there is no program to run Python with")
        from vedette.core.settings import PREFIX  # what runs there needs no settings, and no time to import them

        own = {name: value for name, value in os.environ.items() if not name.upper().startswith(PREFIX)}
        own["PYTHONPATH"] = os.pathsep.join(filter(None, [str(_PACKAGES), own.get("PYTHONPATH")]))
        # -P: what lies in the working directory is no module
        command = [sys.executable, "-P", "-m", self._module]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=own)  # noqa: S603
        for pipe in (process.stdin, process.stdout):
            assert pipe is not None
            _widen(pipe)
        return process


def _widen(pipe: IO[bytes]) -> None:
    if sys.platform == "linux":
        import fcntl

        try:
            fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, _PIPE)
        except OSError:  # a system may allow less to who is not its administrator
            log.debug("pipes stay as they are")


def left_alone() -> None:
    """For the process itself, when it begins: Ctrl-C is for the one that it works for, whose end it learns of by its input's."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


Part = bytes | bytearray | memoryview | mmap.mmap
Work = Callable[[dict[str, Any], Sequence[Part]], tuple[dict[str, Any], Sequence[Part]]]
"""What a helper does: of a head, as JSON has it, and some bytes, a head and some bytes."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a helper answers."""

    head: dict[str, Any]
    parts: Sequence[Part]


class Helper:
    """A companion that answers one question after the other. Safe for threads: they take turns.

    It is begun with the first question, which it does not answer: nobody waits for a process to begin.
    """

    def __init__(self, module: str, what: str) -> None:
        """`what` is what the module does, for the log."""
        self._companion = Companion(module)
        self._what = what
        self._turn = threading.Lock()
        self._guard = threading.Lock()
        self._ready = False
        self._starting: threading.Thread | None = None
        self._ended = False

    @property
    def pid(self) -> int | None:
        """The process, while there is one."""
        return self._companion.pid

    def ask(self, head: dict[str, Any], parts: Sequence[Part]) -> Answer | None:
        """The answer; None where there is no process, or it has failed: then it is the caller's to do."""
        if not (self._ready and self._companion.alive):
            with self._guard:
                self._ready = False
            self.start()
            return None
        try:
            with self._turn:
                answer = self._asked(head, parts)
            return answer if answer.head else None
        except (OSError, ValueError, TypeError):
            # it has ended by itself, was ended, or what is asked is no JSON; the next question finds a new one
            with self._guard:
                self._ready = False
            self._companion.end()
            return None

    def start(self, seconds: float | None = None) -> bool:
        """Begin the process, if there is none, and wait for it so long (None: not at all); whether it is there."""
        with self._guard:
            if not self._ready and not self._ended and self._starting is None:
                self._starting = threading.Thread(target=self._start, name=f"helper for {self._what}", daemon=True)
                self._starting.start()
            starting = self._starting
        if starting is not None and seconds is not None:
            starting.join(seconds)
        return self._ready

    def end(self) -> None:
        """End the process, for good."""
        with self._guard:
            self._ended, self._ready = True, False
            starting = self._starting
        self._companion.end()
        if starting is not None:
            starting.join()
            self._companion.end()

    def _start(self) -> None:
        try:
            with self._turn:
                self._asked({}, [])
            with self._guard:
                self._ready = not self._ended
        except (OSError, ValueError) as error:
            if not self._ended:
                log.warning("there is no process for %s, it is done in this one: %s", self._what, error)
            self._companion.end()
        finally:
            with self._guard:
                self._starting = None

    def _asked(self, head: dict[str, Any], parts: Sequence[Part]) -> Answer:
        sent, answered = self._companion.pipes()
        _write(sent, head, parts)
        found = _read(answered)
        if found is None:
            raise OSError("the process has ended")
        return Answer(*found)


def help_with(work: Work, nice: int) -> None:
    """What the module of a helper does when it is run: some work again and again, until nobody asks for a while."""
    left_alone()
    step_back(nice)
    asked, answers = sys.stdin.buffer, sys.stdout.buffer
    with suppress(BrokenPipeError):
        while _comes(asked) and (found := _read(asked)) is not None:
            head, parts = found
            try:
                answer = work(head, parts) if head else ({}, [])  # no head: whether there is an answer
            except Exception:
                answer = {}, []  # who asked does it, and finds what is wrong
            _write(answers, *answer)


def _comes(asked: IO[bytes]) -> bool:
    if sys.platform == "win32":
        return True  # pipes cannot be waited for there
    return bool(select.select([asked], [], [], _IDLE)[0])


def _write(pipe: IO[bytes], head: dict[str, Any], parts: Sequence[Part]) -> None:
    sizes = [memoryview(part).nbytes for part in parts]
    pipe.write(orjson.dumps([head, sizes]) + b"\n")
    for part in parts:
        pipe.write(part)
    pipe.flush()


def _read(pipe: IO[bytes]) -> tuple[dict[str, Any], list[Part]] | None:
    """What was written; None at the end of the pipe."""
    line = pipe.readline()
    if not line.endswith(b"\n"):
        return None
    head, sizes = orjson.loads(line)
    parts: list[Part] = []
    for size in sizes:
        # fresh pages of the system are empty, and need not be made so with the interpreter held
        part: Part = bytearray(size) if size < _PIPE else mmap.mmap(-1, size)
        parts.append(part)
        rest = memoryview(part)
        while rest:
            count = pipe.readinto(rest)  # type: ignore[attr-defined]
            if not count:
                return None
            rest = rest[count:]
    return head, parts
