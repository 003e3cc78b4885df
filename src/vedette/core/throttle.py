"""Failed attempts: how many a source may make before it has to wait."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from vedette.core.clock import Clock
from vedette.core.errors import TooManyRequests

_MAX_SOURCES: Final = 10_000


class FailureLimit:
    """Counts failures per source (an address, a name) in memory; at `limit` within `window` seconds a source has to wait.

    `told` says in the error what a source is.
    """

    def __init__(self, clock: Clock, *, limit: int = 10, window: float = 300.0, told: str = "from") -> None:
        self._clock = clock
        self._limit = limit
        self._window = window
        self._told = told
        self._failures: OrderedDict[str, deque[float]] = OrderedDict()
        self._lock = threading.Lock()

    @contextmanager
    def attempt(self, source: str) -> Iterator[None]:
        """Around one attempt: an exception makes it a failure. `TooManyRequests` if the source has to wait.

        The attempt counts as failed until it has succeeded, so that attempts at the same time cannot pass the limit.
        """
        moment = self._begin(source)
        yield
        self._succeeded(source, moment)

    def _begin(self, source: str) -> float:
        now = self._clock.monotonic()
        with self._lock:
            failures = self._failures.setdefault(source, deque())
            self._failures.move_to_end(source)
            while failures and failures[0] <= now - self._window:
                failures.popleft()
            if len(failures) >= self._limit:
                wait = math.ceil(failures[0] + self._window - now)
                raise TooManyRequests(
                    f"Too many failed sign-ins {self._told} {source}.",
                    retry_after=wait,
                    hint=f"Try again in {wait} seconds.",
                )
            failures.append(now)
            while len(self._failures) > _MAX_SOURCES:
                self._failures.popitem(last=False)
        return now

    def _succeeded(self, source: str, moment: float) -> None:
        with self._lock:
            failures = self._failures.get(source)
            if failures is not None and moment in failures:
                failures.remove(moment)
                if not failures:
                    del self._failures[source]
