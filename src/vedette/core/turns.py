"""A lock that is given in the order in which it was asked for."""

from __future__ import annotations

import threading
from collections import deque


class Turns:
    """Whoever asks first has it first. Python's own lock goes to whoever comes when it is free: a thread that gives it back and
    asks again at once keeps it from all others, for a minute where the machine is busy."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._held = False
        self._waiting: deque[threading.Event] = deque()

    def acquire(self, timeout: float | None = None) -> bool:
        """Wait for the turn, for so many seconds at the most or for as long as it takes; whether it came."""
        with self._guard:
            if not self._held:
                self._held = True
                return True
            mine = threading.Event()
            self._waiting.append(mine)
        try:
            if mine.wait(timeout):
                return True
        except BaseException:  # Ctrl-C: a turn that nobody takes would be the last one
            if not self._leave(mine):
                self.release()
            raise
        return not self._leave(mine)

    def release(self) -> None:
        """Give the lock to who has waited longest."""
        with self._guard:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._held = False

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()

    def _leave(self, mine: threading.Event) -> bool:
        """Stop waiting; False where the turn has come in the meantime."""
        with self._guard:
            if mine.is_set():
                return False
            self._waiting.remove(mine)
            return True
