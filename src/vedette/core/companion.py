"""A process beside this one that runs a module of Vedette: work that would keep everybody else here waiting for the interpreter.

It reads what it is to do from its standard input and answers on its standard output. It ends when its input does, and so with this
process, however that ends. It is no place for secrets: the settings are not in its environment.
"""

from __future__ import annotations

import logging
import mmap
import os
import runpy
import select
import signal
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, Generic, TypeVar

import orjson

from vedette.core.priority import step_back
from vedette.core.watchdog import Watchdog

log = logging.getLogger(__name__)
_PACKAGES: Final = Path(__file__).resolve().parents[2]
_PATIENCE: Final = 5.0
"""Seconds that a process has to end after its input did."""
_PIPE: Final = 1024 * 1024
"""Bytes that a pipe may hold, where the system lets it be said: each turn of writer and reader is one of the interpreter's as well."""
_IDLE: Final = 60.0
"""Seconds without work after which a process that helps ends by itself."""
_LEAST: Final = 20.0
"""Seconds that a question may take at least: with all processors busy, what takes one second takes several."""
_BYTES_A_SECOND: Final = 512 * 1024
"""So many bytes more give it a second more: a tenth of what bodies are read at where nothing else is going on."""
_LOOK: Final = 0.2
"""Seconds between two looks, while one waits for its turn, at whether it is to wait."""
_BEGIN: Final = 60.0
"""Seconds that a process may take to begin."""
_LONGEST_PAUSE: Final = 60.0
"""Seconds between two attempts at beginning one, where they go on failing."""
_APART: Final[dict[str, Any]] = (
    {"creationflags": 0x200} if sys.platform == "win32" else {"process_group": 0}  # CREATE_NEW_PROCESS_GROUP
)
"""Ctrl-C is for the one that it works for, from its very first moment."""
T = TypeVar("T")


class Companion:
    """One such process: started when it is first asked for, and again after it has ended. Its user takes care that one at a time asks."""

    def __init__(self, module: str) -> None:
        """`module` is run as a program."""
        self._module = module
        self._guard = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._waiter: threading.Thread | None = None
        self._shut = False

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
        """Where to write to it, and to read from it. Raises OSError where there is none: the system does not give one, or it is shut."""
        with self._guard:
            if self._shut:
                raise OSError("the process is not to be there any more")
            if self._process is None or self._process.poll() is not None:
                self._put_away()
                self._process = self._started()
                # one that ends by itself is not to be left as a zombie until somebody asks for it again
                self._waiter = threading.Thread(target=self._process.wait, name=f"end of {self._module}", daemon=True)
                self._waiter.start()
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            return self._process.stdin, self._process.stdout

    def end(self) -> None:
        """End it now, whatever it does; who reads from it meets the end of the pipe. Any thread may."""
        with self._guard:
            self._kill()

    def shut(self) -> None:
        """End it, and begin no other."""
        with self._guard:
            self._shut = True
            self._kill()

    @contextmanager
    def watched(self, seconds: float, stopped: Callable[[], bool] | None = None) -> Iterator[Watch]:
        """For the length of a block: the process is killed if there is no progress for so long, or as soon as `stopped` says so.

        Who reads from it meets the end of the pipe, and is to call `end`.
        """
        watch = Watch(self._interrupt, seconds, stopped)
        with _WATCHDOG.over(watch):
            yield watch

    def _interrupt(self) -> None:
        process = self._process
        if process is not None:
            process.kill()

    def _kill(self) -> None:
        if self._process is not None:
            self._process.kill()
        self._put_away()

    def _put_away(self) -> None:
        process, self._process = self._process, None
        waiter, self._waiter = self._waiter, None
        if process is None or waiter is None:
            return
        waiter.join(_PATIENCE)
        if not waiter.is_alive():  # else somebody may read from it still
            for pipe in (process.stdin, process.stdout):
                assert pipe is not None
                with suppress(OSError, ValueError):  # of what was not sent nobody wants to know
                    pipe.close()

    def _started(self) -> subprocess.Popen[bytes]:
        if not sys.executable:
            raise OSError("there is no program to run Python with")
        from vedette.core.settings import PREFIX  # what runs there needs no settings, and no time to import them

        own = {name: value for name, value in os.environ.items() if not name.upper().startswith(PREFIX)}
        if str(_PACKAGES) not in map(sysconfig.get_path, ("purelib", "platlib")):
            # what is named here comes before Python's own modules: no place for all packages there are
            own["PYTHONPATH"] = os.pathsep.join(filter(None, [str(_PACKAGES), own.get("PYTHONPATH")]))
        # -P: what lies in the working directory is no module
        command = [sys.executable, "-P", "-c", f"from {__name__} import run; run({self._module!r})"]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=own, **_APART)  # noqa: S603
        for pipe in (process.stdin, process.stdout):
            assert pipe is not None
            _widen(pipe)
        return process


class Watch:
    """Work that somebody else does, which is to be ended where there is no progress for some time or nobody wants it any more."""

    def __init__(self, interrupt: Callable[[], None], seconds: float, stopped: Callable[[], bool] | None) -> None:
        self.interrupt = interrupt
        self.deadline = time.monotonic() + seconds
        self._seconds = seconds
        self._stopped = stopped

    def progress(self) -> None:
        """The work goes on."""
        self.deadline = time.monotonic() + self._seconds

    def stopped(self) -> bool:
        """Whether it is to end."""
        return time.monotonic() >= self.deadline or (self._stopped is not None and self._stopped())


_WATCHDOG: Final = Watchdog("limits of other processes")


def _widen(pipe: IO[bytes]) -> None:
    if sys.platform == "linux":
        import fcntl

        try:
            fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, _PIPE)
        except OSError:  # a system may allow less to who is not its administrator
            log.debug("pipes stay as they are")


_own: list[IO[bytes]] = []
"""In the process itself: where its questions come from, and where its answers go."""


def run(module: str) -> None:
    """The process itself: runs a module as a program.

    Nothing but its answers gets to where they are read: what a library prints, even while it is imported, is for people, and goes where
    errors go.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it learns of an end by its input's
    _own[:] = [os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")]
    with open(os.devnull, "r+b") as nothing:
        os.dup2(nothing.fileno(), 0)
        try:
            os.dup2(2, 1)
        except OSError:  # there is nowhere for errors to go
            os.dup2(nothing.fileno(), 1)
    runpy.run_module(module, run_name="__main__")


@contextmanager
def at_work(nice: int) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """For the module that `run` runs: where its questions come from, and where its answers go, until nobody is there to read them."""
    step_back(nice)
    asked, answers = _own
    with asked, suppress(BrokenPipeError), answers:
        yield asked, answers


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

    It is begun with the first question, which it does not answer: nobody waits for a process to begin. One that does not answer is ended.
    """

    def __init__(self, module: str, what: str, patience: float = _LEAST) -> None:
        """`what` is what the module does, for the log; `patience`: seconds that any question may take, and long ones take more."""
        self._companion = Companion(module)
        self._what = what
        self._patience = patience
        self._turn = threading.Lock()
        self._guard = threading.Lock()
        self._ready = False
        self._starting: threading.Thread | None = None
        self._ended = False
        self._failures = 0
        self._not_before = 0.0

    @property
    def pid(self) -> int | None:
        """The process, while there is one."""
        return self._companion.pid

    def ask(
        self,
        head: dict[str, Any],
        parts: Sequence[Part],
        understood: Callable[[Answer], T],
        unwanted: Callable[[], bool] = lambda: False,
    ) -> T | None:
        """What `understood` makes of the answer; None where there is no process, or it has failed: then it is the caller's to do.

        So it is as soon as `unwanted` says that nobody is to wait for the answer any more; the process is ended if it was at it.
        """
        if not (self._ready and self._companion.alive):
            with self._guard:
                self._ready = False
            self.start()
            return None
        if unwanted():
            return None
        try:
            begin = _begin(head, parts)
        except TypeError:
            return None  # what is no JSON stays here
        size = sum(memoryview(part).nbytes for part in parts)
        try:
            if not self._turned(unwanted):
                return None
            try:
                if not self._ready:  # it has failed who had the turn before
                    return None
                answer = self._asked(begin, parts, self._patience + size / _BYTES_A_SECOND, unwanted)
            finally:
                self._turn.release()
            told = understood(answer) if answer.head else None
        except Exception as error:
            # it hangs, has ended by itself, was ended, or is of another version; a later question finds a new one
            self._failed(error, meant=unwanted())
            return None
        self._failures = 0
        return told

    def start(self, seconds: float | None = None) -> bool:
        """Begin the process, if there is none, and wait for it so long (None: not at all); whether it is there.

        Where it fails again and again it is not begun every time.
        """
        with self._guard:
            due = time.monotonic() >= self._not_before
            if not self._ready and not self._ended and self._starting is None and due:
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
        self._companion.shut()
        if starting is not None:
            starting.join()

    def _start(self) -> None:
        try:
            with self._turn:
                self._asked(_begin({}, []), [], _BEGIN)
            with self._guard:
                self._ready = not self._ended
        except Exception as error:
            self._failed(error)
        finally:
            with self._guard:
                self._starting = None

    def _turned(self, unwanted: Callable[[], bool]) -> bool:
        """Waits for the turn; whether it came before the answer was unwanted."""
        while not self._turn.acquire(timeout=_LOOK):
            if unwanted():
                return False
        return True

    def _failed(self, error: Exception, *, meant: bool = False) -> None:
        """Ends the process after an error; `meant`: it was ended on purpose, which is no failure of it."""
        with self._guard:
            self._ready = False
            self._failures += not meant
            if self._failures > 1 and not meant:
                self._not_before = time.monotonic() + min(_LONGEST_PAUSE, 2.0**self._failures)
            told = self._failures == 1 and not meant and not self._ended
        self._companion.end()
        if told:
            log.warning("the process for %s has failed, what it does is done in this one: %s", self._what, error)

    def _asked(
        self, begin: bytes, parts: Sequence[Part], seconds: float, unwanted: Callable[[], bool] | None = None
    ) -> Answer:
        sent, answered = self._companion.pipes()
        with self._companion.watched(seconds, unwanted):
            _write(sent, begin, parts)
            found = _read(answered)
        if found is None:
            raise OSError("the process has ended")
        return Answer(*found)


class Shared(Generic[T]):
    """One thing for all who use it in this process: made for the first of them, and ended with the last."""

    def __init__(self, make: Callable[[], T], end: Callable[[T], None]) -> None:
        self._make = make
        self._end = end
        self._guard = threading.Lock()
        self._users = 0
        self._thing: T | None = None

    def join(self) -> T:
        """It is used once more."""
        with self._guard:
            self._users += 1
            if self._thing is None:
                self._thing = self._make()
            return self._thing

    def leave(self) -> None:
        """One does not use it any more."""
        with self._guard:
            self._users -= 1
            thing = self._thing
            if self._users or thing is None:
                return
            self._thing = None
        self._end(thing)


def help_with(work: Work, nice: int) -> None:
    """What the module of a helper does when it is run: some work again and again, until nobody asks for a while."""
    with at_work(nice) as (asked, answers):
        while _comes(asked) and (found := _read(asked)) is not None:
            head, parts = found
            try:
                answer, made = work(head, parts) if head else ({}, [])  # no head: whether there is an answer
                begin = _begin(answer, made)
            except Exception:
                begin, made = _begin({}, []), []  # who asked does it, and finds what is wrong
            _write(answers, begin, made)
            # What a question held is let go of when the next one is there: with nothing held, its memory goes back to the system
            # and is taken anew, page by page, which costs as much as the work.


def _comes(asked: IO[bytes]) -> bool:
    if sys.platform == "win32":
        return True  # pipes cannot be waited for there
    return bool(select.select([asked], [], [], _IDLE)[0])


def gone(asked: IO[bytes]) -> bool:
    """For the process itself, while it has been asked and is to answer: whether nobody waits for the answer any more."""
    return sys.platform != "win32" and bool(select.select([asked], [], [], 0)[0])


def _begin(head: dict[str, Any], parts: Sequence[Part]) -> bytes:
    """What is written before the parts. Raises TypeError for a head that is no JSON."""
    return orjson.dumps([head, [memoryview(part).nbytes for part in parts]]) + b"\n"


def _write(pipe: IO[bytes], begin: bytes, parts: Sequence[Part]) -> None:
    pipe.write(begin)
    for part in parts:
        pipe.write(part)
    pipe.flush()


def _read(pipe: IO[bytes]) -> tuple[dict[str, Any], list[Part]] | None:
    """What was written; None at the end of the pipe."""
    line = pipe.readline()
    if not line.endswith(b"\n"):
        return None
    head, sizes = orjson.loads(line)
    if not isinstance(head, dict):
        raise ValueError("what was said is no answer")
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
