"""Connections that never finish a request are let go: otherwise a few clients could hold every one that there is."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.h11_impl import H11Protocol

HEADERS_WITHIN: Final = 20.0
"""Seconds from the first byte of a request, or from the connection, to the end of the request's headers."""
BODY_PAUSE: Final = 30.0
"""Seconds within which more of a body has to come, while it is read."""


class PatientProtocol(H11Protocol):
    """HTTP/1.1 with limits on how long the headers of a request may take, and on the pauses within its body."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_headers()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop_waiting()
            self._await_body()
        elif self._waiting is None:
            self._await_headers()

    def on_response_complete(self) -> None:
        self._stop_waiting()
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def _await_headers(self) -> None:
        self._waiting = self.loop.call_later(HEADERS_WITHIN, self._let_go)

    def _await_body(self) -> None:
        if self.cycle is not None and self.cycle.more_body and not self.cycle.response_complete:
            self._waiting = self.loop.call_later(BODY_PAUSE, self._give_body_up)

    def _give_body_up(self) -> None:
        self._waiting = None
        if self.flow is not None and self.flow.read_paused:
            self._await_body()  # it is the server that does not read
        elif self.cycle is not None and self.cycle.more_body and not self.cycle.response_complete:
            self.transport.close()

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _let_go(self) -> None:
        self._waiting = None
        if self.cycle is None or self.cycle.response_complete:
            self.transport.close()
