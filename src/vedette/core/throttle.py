"""How often a source may do something before it has to wait: requests, failed attempts."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from vedette.core.clock import Clock
from vedette.core.errors import TooManyRequests

_MAX_SOURCES: Final = 10_000


class RateLimit:
    """Counts what sources (addresses, names) do in memory; at `limit` within `window` seconds a source has to wait.

    `refused` makes the error of the source and the seconds that it has to wait.
    """

    def __init__(self, *, limit: int, window: float, refused: Callable[[str, int], TooManyRequests]) -> None:
        self._limit = limit
        self._window = window
        self._refused = refused
        self._seen: OrderedDict[str, deque[float]] = OrderedDict()
        self._lock = threading.Lock()

    def count(self, source: str, clock: Clock) -> float:
        """One more time; when that was, by the monotonic clock. Raises the error for one too many."""
        now = clock.monotonic()
        with self._lock:
            seen = self._seen.setdefault(source, deque())
            self._seen.move_to_end(source)
            while seen and seen[0] <= now - self._window:
                seen.popleft()
            if len(seen) >= self._limit:
                left = round(seen[0] + self._window - now, 3)  # whole seconds are not whole as differences of moments
                raise self._refused(source, max(1, math.ceil(left)))
            seen.append(now)
            while len(self._seen) > _MAX_SOURCES:
                self._seen.popitem(last=False)
        return now

    def take_back(self, source: str, moment: float) -> None:
        """What was counted at a moment does not count after all."""
        with self._lock:
            seen = self._seen.get(source)
            if seen is not None and moment in seen:
                seen.remove(moment)
                if not seen:
                    del self._seen[source]


class FailureLimit:
    """Counts failures per source; at `limit` within `window` seconds a source has to wait. `told` says in the error what a source is."""

    def __init__(self, clock: Clock, *, limit: int = 10, window: float = 300.0, told: str = "from") -> None:
        self._clock = clock
        self._told = told
        self._failures = RateLimit(limit=limit, window=window, refused=self._refused)

    @contextmanager
    def attempt(self, source: str) -> Iterator[None]:
        """Around one attempt: an exception makes it a failure. `TooManyRequests` if the source has to wait.

        The attempt counts as failed until it has succeeded, so that attempts at the same time cannot pass the limit.
        """
        moment = self._failures.count(source, self._clock)
        yield
        self._failures.take_back(source, moment)

    def _refused(self, source: str, wait: int) -> TooManyRequests:
        return TooManyRequests(
            f"Too many failed sign-ins {self._told} {source}.", retry_after=wait, hint=f"Try again in {wait} seconds."
        )
