"""The queries that run in a store: when it is to close they are ended, and no other begins."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from vedette.core.errors import Closing
from vedette.engine.query import Cancellation, QueryFailed


class Asking:
    """Knows who asks a store. Safe for threads."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._running: set[Cancellation] = set()
        self._ended_at: float | None = None

    @contextmanager
    def asked(self, cancellation: Cancellation | None) -> Iterator[Cancellation]:
        """A query runs for the length of the block, with what is given here. Raises `Closing` where the store ends it, or has ended all."""
        mine = cancellation or Cancellation()
        with self._changed:
            self._refuse()
            self._running.add(mine)
        try:
            yield mine
        except QueryFailed:
            self._refuse()
            raise
        finally:
            with self._changed:
                self._running.discard(mine)
                self._changed.notify_all()

    def end(self) -> None:
        """End all that run, and refuse all others. Returns at once."""
        with self._changed:
            if self._ended_at is None:
                self._ended_at = time.monotonic()
            running = list(self._running)
        for one in running:
            one.cancel()

    def ended_for(self, seconds: float) -> bool:
        """Whether `end` was called, at least so long ago."""
        return self._ended_at is not None and time.monotonic() - self._ended_at >= seconds

    def wait(self, seconds: float) -> bool:
        """Wait so long until none runs any more; whether that is so."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._running, seconds)

    def _refuse(self) -> None:
        if self._ended_at is not None:
            raise Closing("The log store is closing.", hint="Ask again when the server has begun anew.")
