"""Time as an argument: the system's clock, and a virtual one for replays and tests."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Where time comes from. All moments are aware datetimes in UTC; durations are seconds."""

    def now(self) -> datetime:
        """The moment it is, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds since an arbitrary start; never goes back."""
        ...

    def sleep(self, seconds: float) -> None:
        """Return when that many seconds have passed."""
        ...

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Return when the event is set or the seconds have passed; True if the event is set."""
        ...


class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        if seconds > 0:
            time.sleep(seconds)

    def wait(self, event: threading.Event, seconds: float) -> bool:
        return event.wait(max(0.0, seconds))


class VirtualClock:
    """A clock that moves only when told, with microsecond steps; safe to use from several threads.

    With `blocking=False` a sleeper moves the clock itself and returns at once: a replay of a month takes no time. With
    `blocking=True` a sleeper waits until another thread has advanced the clock far enough; `wait_for_sleepers` tells
    that thread when everybody sleeps.
    """

    def __init__(self, start: datetime, *, blocking: bool = False) -> None:
        if start.tzinfo is None:
            raise ValueError("a clock starts at an aware datetime")
        self._start = start.astimezone(UTC)
        self._elapsed = 0  # microseconds: floats would drift
        self._blocking = blocking
        self._sleepers = 0
        self._changed = threading.Condition()

    def now(self) -> datetime:
        with self._changed:
            return self._start + timedelta(microseconds=self._elapsed)

    def monotonic(self) -> float:
        with self._changed:
            return self._elapsed / 1_000_000

    def advance(self, step: timedelta | float) -> datetime:
        """Move on by a timedelta or by seconds, wake who is due, and return the new moment."""
        micros = _microseconds(step)
        if micros < 0:
            raise ValueError("a clock does not go back")
        with self._changed:
            self._elapsed += micros
            self._changed.notify_all()
            return self._start + timedelta(microseconds=self._elapsed)

    def advance_to(self, moment: datetime) -> datetime:
        """Move on to a moment. A moment that has passed is an error (ValueError)."""
        if moment.tzinfo is None:
            raise ValueError("a clock advances to an aware datetime")
        with self._changed:
            return self.advance(moment.astimezone(UTC) - (self._start + timedelta(microseconds=self._elapsed)))

    def sleep(self, seconds: float) -> None:
        self.wait(threading.Event(), seconds)

    def wait(self, event: threading.Event, seconds: float) -> bool:
        with self._changed:
            if event.is_set():
                return True
            due = self._elapsed + max(0, _microseconds(seconds))
            if not self._blocking:
                self._elapsed = due
                self._changed.notify_all()
                return event.is_set()
            self._sleepers += 1
            self._changed.notify_all()
            try:
                # The event does not tell this condition, so it is looked at again every few (real) milliseconds.
                while self._elapsed < due and not event.is_set():
                    self._changed.wait(0.02)
            finally:
                self._sleepers -= 1
                self._changed.notify_all()
            return event.is_set()

    def wait_for_sleepers(self, count: int = 1, timeout: float = 60.0) -> bool:
        """Wait (in real seconds) until at least `count` threads sleep on this clock; False if it did not happen."""
        with self._changed:
            return self._changed.wait_for(lambda: self._sleepers >= count, timeout)


def _microseconds(step: timedelta | float) -> int:
    delta = step if isinstance(step, timedelta) else timedelta(seconds=step)
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds
