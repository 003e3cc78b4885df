"""One thread that ends work whose time is over or that nobody wants any more, for all that is watched.

A thread for each query, or each question to another process, would cost each of them several turns of the interpreter: while other
threads use it, that is longer than most of them run.
"""

from __future__ import annotations

import itertools
import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Protocol

log = logging.getLogger(__name__)
_EVERY: Final = 0.2
"""Seconds between two looks; at the end of its time work is looked at in time."""
_LEAST: Final = 0.01
_RESTS_AFTER: Final = 2.0
"""Seconds without work after which the next one wakes the thread."""


class Watched(Protocol):
    """Work that goes on: when its time is over (monotonic), whether it is to end now, and how it is told so. All three are of no length."""

    deadline: float

    def stopped(self) -> bool: ...

    def interrupt(self) -> None: ...


class Watchdog:
    """Interrupts what is to end, again and again: the engine forgets what comes before a statement has started."""

    def __init__(self, name: str) -> None:
        """`name` is the thread's."""
        self._name = name
        self._begin()

    def _begin(self) -> None:
        self._guard = threading.Lock()
        self._watched: dict[int, Watched] = {}
        self._wake = threading.Event()
        self._next_look = 0.0
        self._last_begun = 0.0
        self._process = 0

    @property
    def running(self) -> int:
        """How much work is watched."""
        return len(self._watched)

    @contextmanager
    def over(self, work: Watched) -> Iterator[None]:
        """Watches over work until the end of the block; after it nothing here holds it."""
        if self._process != os.getpid():  # a fork has no thread of its parent
            self._start()
        number = next(_NUMBERS)
        with self._guard:
            self._watched[number] = work
            self._last_begun = time.monotonic()
            late = work.deadline < self._next_look or self._next_look == 0.0
        if late:
            self._wake.set()
        try:
            yield
        finally:
            with self._guard:
                self._watched.pop(number, None)

    def _start(self) -> None:
        with _STARTING:
            if self._process != os.getpid():
                self._begin()
                self._process = os.getpid()
                threading.Thread(target=self._run, name=self._name, daemon=True).start()

    def _run(self) -> None:
        while True:
            wait = self._look()
            self._wake.wait(wait)
            self._wake.clear()

    def _look(self) -> float | None:
        """Ends what is to end; the seconds until the next look, or None where nobody needs one."""
        # Within the guard throughout, and by a function that has ended before the guard is let go of: were this thread to let go of a
        # connection last, while the process ends, that would abort it.
        with self._guard:
            now = time.monotonic()
            nearest = self._interrupt(now)
            if not self._watched and now - self._last_begun > _RESTS_AFTER:
                self._next_look = 0.0
                return None
            self._next_look = now + nearest
            return nearest

    def _interrupt(self, now: float) -> float:
        """Tells what is to end that it is; the seconds until somebody has to look again."""
        nearest = _EVERY
        for work in self._watched.values():
            try:
                if work.stopped():
                    nearest = _LEAST
                    work.interrupt()
            except Exception as error:  # whatever is wrong with one, the others are to be ended in time
                log.debug("what is watched cannot be ended: %s", error)
            nearest = min(nearest, max(_LEAST, work.deadline - now))
        return nearest


_NUMBERS: Final = itertools.count(1)
_STARTING: Final = threading.Lock()
