"""Keeps to a documented limit: so many requests in so many seconds."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping

from vedette.clients.graph import GraphPage
from vedette.collect.connectors.polling import Collections
from vedette.core.clock import Clock


class Paced:
    """A client that makes at most `count` requests within `seconds`, waiting where it would make more. Safe for threads."""

    def __init__(self, client: Collections, clock: Clock, count: int, seconds: float) -> None:
        self._client, self._clock, self._seconds = client, clock, seconds
        self._made: deque[float] = deque(maxlen=count)
        self._guard = threading.Lock()

    def authenticate(self) -> None:
        """Gets a token, which does not count."""
        self._client.authenticate()

    def first_page(self, path: str, query: Mapping[str, str]) -> GraphPage:
        """The first page of a collection."""
        self._wait()
        return self._client.first_page(path, query)

    def next_page(self, link: str) -> GraphPage:
        """The page at a link."""
        self._wait()
        return self._client.next_page(link)

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def _wait(self) -> None:
        with self._guard:
            now = self._clock.monotonic()
            due = now
            if len(self._made) == self._made.maxlen:
                due = max(now, self._made[0] + self._seconds)
            self._made.append(due)
        if due > now:
            self._clock.sleep(due - now)
