"""Which answers are compressed: those that leave the machine."""

from __future__ import annotations

import ipaddress
from typing import Final

from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

_LEVEL: Final = 1
"""9 takes many times as long for a tenth less."""
_SMALL: Final = 1024
_PROXIES: Final = frozenset({b"forwarded", b"x-forwarded-for", b"via"})
"""Headers of requests that a proxy passed on."""


class Compression:
    """Compresses answers, unless the client is a program on this machine: packing and unpacking takes it longer than the way.

    A proxy on this machine passes answers on to others, and gets them compressed.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._plain = app
        self._packed = GZipMiddleware(app, minimum_size=_SMALL, compresslevel=_LEVEL)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (self._plain if _stays_here(scope) else self._packed)(scope, receive, send)


def _stays_here(scope: Scope) -> bool:
    client = scope.get("client")
    if scope["type"] != "http" or client is None:
        return False
    try:
        address = ipaddress.ip_address(client[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None) or address
    return bool(mapped.is_loopback) and not any(name in _PROXIES for name, _ in scope["headers"])
