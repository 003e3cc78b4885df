"""One thread that ends the queries whose time is over or that somebody cancelled, for all of them.

A thread for each query would cost each of them several turns of the interpreter: while other threads use it, that is longer than
most queries run.
"""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final, Protocol

import duckdb

_EVERY: Final = 0.2
"""Seconds between two looks; at the end of a query's time it is looked at in time."""
_LEAST: Final = 0.01
_RESTS_AFTER: Final = 2.0
"""Seconds without a query after which the next one wakes the thread."""


class Watched(Protocol):
    """A query that runs: when its time is over (monotonic), whether it is to end, and its connection, which is interrupted then."""

    deadline: float
    connection: duckdb.DuckDBPyConnection

    def stopped(self) -> bool: ...


class Watchdog:
    """Interrupts the engine for queries that are to end, again and again: it forgets what comes before a statement has started."""

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._guard = threading.Lock()
        self._watched: dict[int, Watched] = {}
        self._wake = threading.Event()
        self._next_look = 0.0
        self._last_query = 0.0
        self._process = 0

    @property
    def running(self) -> int:
        """How many queries run."""
        return len(self._watched)

    @contextmanager
    def over(self, query: Watched) -> Iterator[None]:
        """Watches over a query until the end of the block; after it nothing here holds its connection."""
        if self._process != os.getpid():  # a fork has no thread of its parent
            self._start()
        number = next(_NUMBERS)
        with self._guard:
            self._watched[number] = query
            self._last_query = time.monotonic()
            late = query.deadline < self._next_look or self._next_look == 0.0
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
                threading.Thread(target=self._run, name="query limits", daemon=True).start()

    def _run(self) -> None:
        while True:
            wait = self._look()
            self._wake.wait(wait)
            self._wake.clear()

    def _look(self) -> float | None:
        """Ends what is to end; the seconds until the next look, or None where nobody needs one."""
        # Within the guard throughout: were this thread to let go of a connection last, while the process ends, that would abort it.
        with self._guard:
            now = time.monotonic()
            nearest = _EVERY
            for query in self._watched.values():
                if query.stopped():
                    with suppress(duckdb.Error):
                        query.connection.interrupt()
                    nearest = _LEAST
                nearest = min(nearest, max(_LEAST, query.deadline - now))
            if not self._watched and now - self._last_query > _RESTS_AFTER:
                self._next_look = 0.0
                return None
            self._next_look = now + nearest
            return nearest


_NUMBERS: Final = itertools.count(1)
_STARTING: Final = threading.Lock()
WATCHDOG: Final = Watchdog()
"""That of this process."""
