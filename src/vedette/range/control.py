"""The control page of a fake tenant that runs in a process of its own: faults in, requests seen out.

Not part of any Microsoft interface. Every request carries the control token as a bearer token.
"""

from __future__ import annotations

import hmac
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from vedette.core.errors import InvalidInput, Unauthorized, VedetteError
from vedette.range.faults import fault_from
from vedette.range.state import FakeTenant

PREFIX: Final = "/_range/"


def routes(tenant: FakeTenant, token: str) -> list[Route]:
    """GET, POST and DELETE `/_range/faults`; GET `/_range/requests`."""

    async def faults(request: Request) -> Response:
        try:
            _check(request, token)
            if request.method == "POST":
                return JSONResponse(tenant.faults.add(fault_from(await _document(request))).to_dict(), status_code=201)
        except VedetteError as error:
            return JSONResponse({"error": error.to_dict()}, status_code=error.status)
        if request.method == "DELETE":
            tenant.faults.clear()
            return Response(status_code=204)
        return JSONResponse({"value": [fault.to_dict() for fault in tenant.faults.list()]})

    async def requests(request: Request) -> Response:
        try:
            _check(request, token)
        except VedetteError as error:
            return JSONResponse({"error": error.to_dict()}, status_code=error.status)
        seen = [
            {
                "at": entry.at.isoformat(),
                "method": entry.method,
                "path": entry.path,
                "query": entry.query,
                "status": entry.status,
            }
            for entry in list(tenant.requests)
        ]
        return JSONResponse({"value": seen})

    return [
        Route(f"{PREFIX}faults", faults, methods=["GET", "POST", "DELETE"]),
        Route(f"{PREFIX}requests", requests, methods=["GET"]),
    ]


def _check(request: Request, token: str) -> None:
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not hmac.compare_digest(given.encode(), token.encode()):
        raise Unauthorized("The control token is missing or wrong.", hint="Send it as 'Authorization: Bearer …'.")


async def _document(request: Request) -> dict[str, object]:
    try:
        document = await request.json()
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise InvalidInput("A fault is a JSON object.")
    return document
