"""The fake tenant as one ASGI application: faults, then Entra, Azure Resource Manager and the control page."""

from __future__ import annotations

import asyncio
import json
import logging

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vedette.range import control, entra
from vedette.range.arm.errors import ArmError
from vedette.range.arm.gateway import Gateway
from vedette.range.arm.path import normalize
from vedette.range.faults import Fault
from vedette.range.state import FakeTenant, RecordedRequest
from vedette.range.tokens import TokenIssuer

_log = logging.getLogger(__name__)
_METHODS = ["GET", "PUT", "POST", "PATCH", "DELETE", "HEAD"]

_ARM_CODES = {
    400: ("BadRequest", "The request is not valid."),
    401: ("ExpiredAuthenticationToken", "The access token has expired."),
    403: ("AuthorizationFailed", "The client does not have authorization to perform the action."),
    404: ("NotFound", "The resource was not found."),
    409: ("Conflict", "Newer version of the resource exists. Data was not saved"),
    412: ("PreconditionFailed", "The condition specified using HTTP conditional header(s) is not met."),
    429: ("TooManyRequests", "The request is being throttled."),
    500: ("InternalServerError", "Encountered internal server error."),
    502: ("BadGateway", "The gateway did not receive a response."),
    503: ("ServiceUnavailable", "The service is temporarily unavailable. Please try again later."),
    504: ("GatewayTimeout", "The gateway did not receive a response within the specified time period."),
}


def create_app(tenant: FakeTenant, issuer: TokenIssuer, control_token: str | None = None) -> ASGIApp:
    """The application over a state. With a control token, `/_range/…` takes faults from other processes."""
    gateway = Gateway(tenant, issuer)

    async def other(request: Request) -> Response:
        if request.scope["path"].lower().startswith("/subscriptions/"):
            return await gateway.handle(request)
        return JSONResponse({"error": {"code": "NotFound", "message": "Nothing is served here."}}, status_code=404)

    routes = [
        *(control.routes(tenant, control_token) if control_token else []),
        *entra.routes(tenant, issuer),
        Route("/{path:path}", other, methods=_METHODS),
    ]
    return FaultLayer(Starlette(routes=routes), tenant)


class FaultLayer:
    """Normalizes paths, keeps the record of requests, and lets faults happen."""

    def __init__(self, inner: ASGIApp, tenant: FakeTenant) -> None:
        self._inner = inner
        self._tenant = tenant

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        path = normalize(scope.get("raw_path", scope["path"].encode()).decode("latin-1"))
        scope = {**scope, "path": path, "raw_path": path.encode()}
        if path.startswith(control.PREFIX):
            await self._inner(scope, receive, send)
            return

        async def watch(message: Message) -> None:
            # Before it is sent: who has an answer finds the request in the record.
            if message["type"] == "http.response.start":
                self._record(scope, message["status"])
            await send(message)

        await self._with_faults(scope, receive, watch)

    def _record(self, scope: Scope, status: int) -> None:
        query = scope["query_string"].decode("latin-1")
        self._tenant.requests.append(
            RecordedRequest(self._tenant.clock.now(), scope["method"], scope["path"], query, status)
        )

    async def _with_faults(self, scope: Scope, receive: Receive, send: Send) -> None:
        fault = self._tenant.faults.pick(scope["method"], scope["path"])
        if fault is None:
            await self._inner(scope, receive, send)
            return
        if fault.after:
            await self._inner(scope, receive, _nowhere)
        if fault.delay:
            await asyncio.sleep(fault.delay)
        if fault.broken:
            await _cut(send)
        elif fault.status is not None:
            await _refusal(self._tenant, scope, fault)(scope, receive, send)
        else:
            await self._inner(scope, receive, send)


async def _nowhere(message: Message) -> None:
    """Where answers go that the client never sees."""


async def _cut(send: Send) -> None:
    """Promise more than is sent; the server then closes the connection."""
    headers = [(b"content-type", b"application/json"), (b"content-length", b"4096")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b'{"value": [', "more_body": False})


def _refusal(tenant: FakeTenant, scope: Scope, fault: Fault) -> Response:
    assert fault.status is not None
    headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    if "/oauth2/" in scope["path"] or ".well-known" in scope["path"]:
        message = fault.message or "The service is temporarily unavailable. Please retry later."
        response = entra.error_response(
            tenant, entra.EntraError(fault.status, fault.code or "temporarily_unavailable", 90033, message)
        )
        response.headers.update(headers)
        return response
    code, message = _ARM_CODES.get(fault.status, ("Failed", "The request failed."))
    error = ArmError(fault.status, fault.code or code, fault.message or message, headers)
    return Response(
        json.dumps(error.body()), status_code=error.status, headers=error.headers, media_type="application/json"
    )
