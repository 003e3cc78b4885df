"""The control page of a fake tenant that runs in a process of its own: faults, time, permissions, seeds, what was asked.

Not part of any Microsoft interface. Every request carries the control token as a bearer token.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from vedette.core.errors import InvalidInput, Unauthorized, VedetteError, not_found
from vedette.range.faults import SERVICES, fault_from
from vedette.range.seed import plant
from vedette.range.skew import MAX_SKEW
from vedette.range.state import Application, FakeTenant

PREFIX: Final = "/_range/"
StartOver = Callable[[Mapping[str, Any] | None], None]
_Handler = Callable[[FakeTenant, Request], Awaitable[Response]]


class Control:
    """The control page; `start_over` forgets everything and plants a seed."""

    def __init__(self, token: str, start_over: StartOver) -> None:
        self._token = token
        self._start_over = start_over

    def routes(self, tenant: FakeTenant) -> list[Route]:
        """The routes of `/_range/…` over a tenant."""

        def route(name: str, handler: _Handler, methods: list[str]) -> Route:
            async def guarded(request: Request) -> Response:
                try:
                    self._check(request)
                    return await handler(tenant, request)
                except VedetteError as error:
                    return JSONResponse({"error": error.to_dict()}, status_code=error.status)

            return Route(PREFIX + name, guarded, methods=methods)

        async def reset(tenant: FakeTenant, request: Request) -> Response:
            self._start_over(await _document(request, "seed") if await request.body() else None)
            return Response(status_code=204)

        return [
            route("faults", _faults, ["GET", "POST", "DELETE"]),
            route("faults/{id}", _fault, ["DELETE"]),
            route("requests", _requests, ["GET", "DELETE"]),
            route("clock", _clock, ["GET", "POST"]),
            route("permissions", _permissions, ["POST"]),
            route("settings", _settings, ["GET", "POST"]),
            route("seed", _seed, ["POST"]),
            route("reset", reset, ["POST"]),
        ]

    def _check(self, request: Request) -> None:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(given.encode(), self._token.encode()):
            raise Unauthorized("The control token is missing or wrong.", hint="Send it as 'Authorization: Bearer …'.")


async def _faults(tenant: FakeTenant, request: Request) -> Response:
    if request.method == "POST":
        fault = tenant.faults.add(fault_from(await _document(request, "fault")))
        return JSONResponse(fault.to_dict(), status_code=201)
    if request.method == "DELETE":
        tenant.faults.clear()
        return Response(status_code=204)
    return JSONResponse({"value": [fault.to_dict() for fault in tenant.faults.list()]})


async def _fault(tenant: FakeTenant, request: Request) -> Response:
    name = request.path_params["id"]
    if not tenant.faults.remove(name):
        raise not_found("fault", name, [fault.id for fault in tenant.faults.list()])
    return Response(status_code=204)


async def _requests(tenant: FakeTenant, request: Request) -> Response:
    if request.method == "DELETE":
        tenant.requests.clear()
        return Response(status_code=204)
    seen = [
        {
            "at": entry.at.isoformat(),
            "service": entry.service,
            "method": entry.method,
            "path": entry.path,
            "query": entry.query,
            "status": entry.status,
        }
        for entry in list(tenant.requests)
    ]
    return JSONResponse({"value": seen})


async def _clock(tenant: FakeTenant, request: Request) -> Response:
    """`{"skew": seconds, "service"?}` sets how far a clock is ahead; `{"advance": seconds}` moves all of them on."""
    if request.method == "POST":
        document = await _document(request, "change of the clock")
        _only(document, {"skew", "advance", "service"})
        service = str(document.get("service", "*"))
        if service not in SERVICES:
            raise InvalidInput(f"There is no service '{service}'; there are {', '.join(SERVICES)}.", target="service")
        skew = _seconds(document, "skew", tenant.clock.skews.get(service, 0.0))
        tenant.clock.skews[service] = skew + _seconds(document, "advance", 0.0)
    return JSONResponse({"now": tenant.clock.now().isoformat(), "skews": tenant.clock.skews})


async def _permissions(tenant: FakeTenant, request: Request) -> Response:
    """`{"application": client id, "grant": [...], "revoke": [...]}`: admin consent given and taken back."""
    document = await _document(request, "change of permissions")
    _only(document, {"application", "grant", "revoke"})
    app = _application(tenant, str(document.get("application", "")))
    with tenant.lock:
        revoked = {str(name).lower() for name in _list(document, "revoke")}
        app.app_roles = [name for name in app.app_roles if name.lower() not in revoked]
        known = {name.lower() for name in app.app_roles}
        app.app_roles += [str(name) for name in _list(document, "grant") if str(name).lower() not in known]
        tenant.save()
    return JSONResponse({"application": app.client_id, "app_roles": app.app_roles})


async def _settings(tenant: FakeTenant, request: Request) -> Response:
    """`token_lifetime` and `operation_seconds` in seconds, `graph_limits` (requests a minute by part of Graph)."""
    if request.method == "POST":
        document = await _document(request, "setting")
        _only(document, {"token_lifetime", "operation_seconds", "graph_limits"})
        lifetime = int(_seconds(document, "token_lifetime", tenant.token_lifetime, least=1))
        operation = _seconds(document, "operation_seconds", tenant.operation_seconds, least=0)
        limits = document.get("graph_limits", tenant.graph_limits)
        if not isinstance(limits, dict) or not all(type(value) is int and value >= 0 for value in limits.values()):
            raise InvalidInput("graph_limits is an object of requests a minute.", target="graph_limits")
        with tenant.lock:
            tenant.token_lifetime, tenant.operation_seconds, tenant.graph_limits = lifetime, operation, limits
            tenant.save()
    return JSONResponse(
        {
            "token_lifetime": tenant.token_lifetime,
            "operation_seconds": tenant.operation_seconds,
            "graph_limits": tenant.graph_limits,
        }
    )


async def _seed(tenant: FakeTenant, request: Request) -> Response:
    plant(tenant, await _document(request, "seed"))
    tenant.save()
    return Response(status_code=204)


def _application(tenant: FakeTenant, client_id: str) -> Application:
    known = [app for directory in tenant.directories for app in directory.applications]
    for app in known:
        if app.client_id.lower() == client_id.lower():
            return app
    raise not_found("application", client_id, [app.client_id for app in known])


def _only(document: Mapping[str, Any], names: set[str]) -> None:
    for name in document:
        if name not in names:
            raise InvalidInput(f"There is no field '{name}'; there are {', '.join(sorted(names))}.", target=name)


def _seconds(document: Mapping[str, Any], name: str, default: float, least: float = -MAX_SKEW) -> float:
    value = document.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= MAX_SKEW:
        raise InvalidInput(f"'{name}' is a number of seconds from {least:g} to {MAX_SKEW:g}.", target=name)
    return float(value)


def _list(document: Mapping[str, Any], name: str) -> list[Any]:
    value = document.get(name, [])
    if not isinstance(value, list):
        raise InvalidInput(f"'{name}' is a list.", target=name)
    return value


async def _document(request: Request, what: str) -> dict[str, Any]:
    try:
        document = await request.json()
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise InvalidInput(f"A {what} is a JSON object.")
    return document
