"""What the fake tenant consists of: services that share one port, each with its paths and its way of refusing."""

from __future__ import annotations

from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response


class Service(Protocol):
    """One of Microsoft's (or ServiceNow's) services."""

    name: str
    """How faults, skews and the record of requests call it."""

    def owns(self, path: str) -> bool:
        """Whether a normalized path belongs to the service."""
        ...

    def refusal(self, status: int, code: str | None, message: str | None) -> Response:
        """The answer of a fault, in the service's own form."""
        ...

    async def handle(self, request: Request) -> Response:
        """The answer to a request."""
        ...
