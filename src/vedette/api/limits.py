"""Limits on requests, and headers that keep a browser within the console."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, MutableMapping
from typing import Any

import anyio
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vedette.api.failures import body
from vedette.core.errors import InvalidInput, TooManyRequests, VedetteError
from vedette.core.redaction import redact

MAX_BODY = 32 * 1024 * 1024
MAX_UNKNOWN = 64 * 1024
"""Bytes of a body that are read of somebody who is not known yet."""
MAX_HELD = 256 * 1024 * 1024
"""Bytes of larger bodies that are in memory at once."""
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


class Refused(Exception):
    """A body that is not read to its end; the error is what its sender is told."""

    def __init__(self, error: VedetteError) -> None:
        super().__init__(str(error))
        self.error = error


class BodyLimit:
    """Refuses bodies beyond 32 MiB, except of the upload of log files, which has a limit of its own.

    The REST API reads bodies before it asks who sends them, so it is asked here as soon as a body is larger than a sign-in's, and there
    is a limit for all that are in memory at once.
    """

    def __init__(
        self, app: ASGIApp, uploads: str = "(?!)", prefix: str = "/", admit: Callable[[Scope], object] | None = None
    ) -> None:
        """`uploads` is a pattern of the paths whose bodies are files. Below `prefix`, `admit` raises where nobody known sends."""
        self._app = app
        self._uploads = re.compile(uploads)
        self._prefix = prefix
        self._admit = admit
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if "transfer-encoding" in headers and "content-length" in headers:
            # a proxy that goes by the other of the two sees other requests than this server does (RFC 9112, 6.1)
            await _answer(
                InvalidInput("A request has either Content-Length or Transfer-Encoding."), scope, receive, send
            )
            return
        # exactly those: other routes read their whole body into memory, before they ask who sends it
        if self._uploads.fullmatch(scope.get("path", "")):
            await self._app(scope, receive, send)
            return
        stated = headers.get("content-length", "0")
        if not stated.isdigit() or int(stated) > MAX_BODY:
            await _answer(_too_large(), scope, receive, send)
            return
        size = 0
        known = self._admit is None or not scope.get("path", "").startswith(self._prefix)
        refused: VedetteError | None = None
        answered = False

        async def counted() -> Message:
            nonlocal size, known, refused
            message = await receive()
            part = len(message.get("body", b""))
            size += part
            self._held += part
            try:
                if size > MAX_BODY:
                    raise _too_large()
                if size > MAX_UNKNOWN and not known:
                    assert self._admit is not None
                    await anyio.to_thread.run_sync(self._admit, scope)
                    known = True
                if size > MAX_UNKNOWN and self._held > MAX_HELD:
                    raise TooManyRequests("Too much is sent at the same time.", retry_after=1)
            except VedetteError as error:
                refused = error
                raise Refused(error) from error
            return message

        async def unless_refused(message: Message) -> None:
            # what the application makes of the exception is not the answer
            nonlocal answered
            if refused is None or answered:
                answered = True
                await send(message)

        try:
            await self._app(scope, counted, unless_refused)
        except Refused:
            pass
        finally:
            self._held -= size
        if refused is not None and not answered:
            await _answer(refused, scope, receive, send)


def _too_large() -> VedetteError:
    return VedetteError(f"The request has more than {MAX_BODY // 2**20} MiB.", code="VDT0413", status=413)


async def _answer(error: VedetteError, scope: Scope, receive: Receive, send: Send) -> None:
    """The answer to a request whose body was not read: the connection ends with it."""
    headers = {"Connection": "close"}
    if isinstance(error, TooManyRequests):
        headers["Retry-After"] = str(max(1, round(error.retry_after)))
    answer = JSONResponse(body(error.code, str(error), error.hint), error.status, headers)
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
