"""The fake tenant's time: a clock that can be wrong, for everything or for one service."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Final

from vedette.core.clock import Clock

EVERYTHING: Final = "*"
MAX_SKEW: Final = 10 * 365 * 86_400.0
"""Seconds; ten years either way are enough for any secret to expire."""


class SkewedClock:
    """A clock ahead of another one (negative: behind it) by a number of seconds that may change at any time."""

    def __init__(self, clock: Clock) -> None:
        self.underlying = clock
        self.skews: dict[str, float] = {}
        """Seconds by service (`entra`, `graph`, `arm`, …), and by `*` for all of them; they add up."""

    def now(self) -> datetime:
        """The moment it is, as far as the whole tenant is concerned."""
        return self.at(EVERYTHING)

    def at(self, service: str) -> datetime:
        """The moment it is, as far as one service is concerned."""
        skew = self.skews.get(EVERYTHING, 0.0)
        if service != EVERYTHING:
            skew += self.skews.get(service, 0.0)
        return self.underlying.now() + timedelta(seconds=skew)

    def monotonic(self) -> float:
        """Seconds since an arbitrary start."""
        return self.underlying.monotonic()

    def sleep(self, seconds: float) -> None:
        """Return when that many seconds have passed."""
        self.underlying.sleep(seconds)

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Return when the event is set or the seconds have passed."""
        return self.underlying.wait(event, seconds)
