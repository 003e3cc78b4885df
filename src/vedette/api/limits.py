"""Limits on requests, and headers that keep a browser within the console."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, MutableMapping
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vedette.api.failures import body
from vedette.core.redaction import redact

MAX_BODY = 32 * 1024 * 1024
_CSP = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
    "object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
)
_HEADERS = {
    "Content-Security-Policy": _CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
}


class TooLarge(Exception):
    """A body that goes on beyond the limit."""


class BodyLimit:
    """Refuses bodies beyond 32 MiB, except of the upload of log files, which has a limit of its own."""

    def __init__(self, app: ASGIApp, uploads: str = "(?!)") -> None:
        """`uploads` is a pattern of the paths whose bodies are files."""
        self._app = app
        self._uploads = re.compile(uploads)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # exactly those: other routes read their whole body into memory, before they ask who sends it
        if scope["type"] != "http" or self._uploads.fullmatch(scope.get("path", "")):
            await self._app(scope, receive, send)
            return
        stated = Headers(scope=scope).get("content-length", "0")
        if not stated.isdigit() or int(stated) > MAX_BODY:
            await self._refuse(scope, receive, send)
            return
        size = 0
        over = answered = False

        async def counted() -> Message:
            nonlocal size, over
            message = await receive()
            size += len(message.get("body", b""))
            if size > MAX_BODY:
                over = True
                raise TooLarge
            return message

        async def unless_over(message: Message) -> None:
            # what the application makes of the exception is not the answer
            nonlocal answered
            if not over or answered:
                answered = True
                await send(message)

        try:
            await self._app(scope, counted, unless_over)
        except TooLarge:
            over = True
        if over and not answered:
            await self._refuse(scope, receive, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = JSONResponse(body("VDT0413", f"The request has more than {MAX_BODY // 2**20} MiB."), 413)
        await answer(scope, receive, send)


class HostNames:
    """Refuses requests for a host that this server is not known as.

    A page of another site can make its own name resolve to a loopback or internal address and then talk to this
    server as its own origin (DNS rebinding). It cannot change the Host header, which carries that name. Addresses
    are let through: only names can be rebound.
    """

    def __init__(self, app: ASGIApp, names: Iterable[str] = ()) -> None:
        self._app = app
        self._names = frozenset(name.strip().rstrip(".").lower() for name in names if name.strip())

    def knows(self, host: str) -> bool:
        """Whether a Host header names this server: an address, `localhost`, or one of the names."""
        host = host.strip().lower()
        name = host[1:].partition("]")[0] if host.startswith("[") else host.rpartition(":")[0] or host
        name = name.rstrip(".")
        if name == "localhost" or name.endswith(".localhost") or name in self._names:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            hosts = Headers(scope=scope).getlist("host")
            if len(hosts) != 1 or not self.knows(hosts[0]):
                shown = redact(hosts[0][:200]) if hosts else ""
                answer = JSONResponse(
                    body(
                        "VDT0421",
                        f"This server is not known as '{shown}'.",
                        "Set VEDETTE_PUBLIC_URL to its address, or add the name to VEDETTE_ALLOWED_HOSTS.",
                    ),
                    421,
                )
                await answer(scope, receive, send)
                return
        await self._app(scope, receive, send)


class SecurityHeaders:
    """Adds the headers to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                if scope.get("path", "").startswith("/api/"):
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, with_headers)
