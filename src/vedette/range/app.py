"""The fake tenant as one ASGI application: faults, then the control page and the services by their paths."""

from __future__ import annotations

import asyncio
import logging
from email.utils import format_datetime
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vedette.range import control
from vedette.range.arm.gateway import Gateway
from vedette.range.arm.path import normalize
from vedette.range.blobs import BlobService
from vedette.range.entra import Entra
from vedette.range.faults import Fault
from vedette.range.graph.gateway import GraphGateway
from vedette.range.logs.ingestion import LogIngestion
from vedette.range.logs.query import LogQuery
from vedette.range.office365 import ActivityFeed
from vedette.range.servicenow.gateway import ServiceNow
from vedette.range.services import Service
from vedette.range.state import FakeTenant, RecordedRequest
from vedette.range.tokens import TokenIssuer

_log = logging.getLogger(__name__)


def create_app(tenant: FakeTenant, issuer: TokenIssuer, control_page: control.Control | None = None) -> ASGIApp:
    """The application over a state. With a control page, `/_range/…` takes faults and more from other processes."""
    services: list[Service] = [
        GraphGateway(tenant, issuer),
        Gateway(tenant, issuer),
        LogQuery(tenant, issuer),
        LogIngestion(tenant, issuer),
        ServiceNow(tenant),
        ActivityFeed(tenant, issuer),
        BlobService(tenant, issuer),
        # Entra's paths start with a tenant's name and would fit many others.
        Entra(tenant, issuer),
    ]
    page = Starlette(routes=control_page.routes(tenant)) if control_page else None
    return FaultLayer(services, tenant, page)


class FaultLayer:
    """Normalizes paths, finds the service, keeps the record of requests, and lets faults happen."""

    def __init__(self, services: list[Service], tenant: FakeTenant, control_page: ASGIApp | None) -> None:
        self._services = services
        self._tenant = tenant
        self._control_page = control_page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        path = normalize(scope.get("raw_path", scope["path"].encode()).decode("latin-1"))
        scope = {**scope, "path": path, "raw_path": path.encode()}
        if path.startswith(control.PREFIX):
            await (self._control_page or _nothing())(scope, receive, send)
            return
        service = next((each for each in self._services if each.owns(path)), None)
        date = format_datetime(self._tenant.clock.at(service.name if service else "*"), usegmt=True).encode()

        async def watch(message: Message) -> None:
            # Before it is sent: who has an answer finds the request in the record.
            if message["type"] == "http.response.start":
                self._record(scope, service, message["status"])
                message = {**message, "headers": [*message.get("headers", []), (b"date", date)]}
            await send(message)

        await self._with_faults(service, scope, receive, watch)

    def _record(self, scope: Scope, service: Service | None, status: int) -> None:
        query = scope["query_string"].decode("latin-1")
        self._tenant.requests.append(
            RecordedRequest(
                self._tenant.clock.now(),
                scope["method"],
                scope["path"],
                query,
                status,
                service.name if service else "",
            )
        )

    async def _answer(self, service: Service | None, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            response = await service.handle(Request(scope, receive)) if service else _nothing()
        except (ClientDisconnect, asyncio.CancelledError):
            raise
        except Exception:
            assert service is not None
            _log.exception("%s %s failed", scope["method"], scope["path"])
            response = service.refusal(500, None, None)
        if scope["method"] == "HEAD":
            response.body = b""
        await response(scope, receive, send)

    async def _with_faults(self, service: Service | None, scope: Scope, receive: Receive, send: Send) -> None:
        query = unquote(scope["query_string"].decode("latin-1"))
        name = service.name if service else ""
        fault = self._tenant.faults.pick(scope["method"], scope["path"], query, name)
        if fault is None:
            await self._answer(service, scope, receive, send)
            return
        if fault.after:
            await self._answer(service, scope, receive, _nowhere)
        if fault.delay:
            await asyncio.sleep(fault.delay)
        if fault.broken:
            await _cut(send)
        elif fault.garbage is not None:
            await _garbage(fault.garbage)(scope, receive, send)
        elif fault.status is not None:
            await _refusal(service, fault)(scope, receive, send)
        else:
            await self._answer(service, scope, receive, send)


async def _nowhere(message: Message) -> None:
    """Where answers go that the client never sees."""


def _nothing() -> Response:
    return JSONResponse({"error": {"code": "NotFound", "message": "Nothing is served here."}}, status_code=404)


async def _cut(send: Send) -> None:
    """Promise more than is sent; the server then closes the connection."""
    headers = [(b"content-type", b"application/json"), (b"content-length", b"4096")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b'{"value": [', "more_body": False})


def _garbage(kind: str) -> Response:
    if kind == "html":
        page = "<!DOCTYPE html><html><head><title>Bad gateway</title></head><body>Please try again.</body></html>"
        return Response(page, media_type="text/html")
    return Response('{"value": [{"id": "' if kind == "truncated" else "", media_type="application/json")


def _refusal(service: Service | None, fault: Fault) -> Response:
    assert fault.status is not None
    if service is not None:
        response = service.refusal(fault.status, fault.code, fault.message)
    else:
        error = {"code": fault.code or "Failed", "message": fault.message or "The request failed."}
        response = JSONResponse({"error": error}, status_code=fault.status)
    if fault.retry_after is not None:
        response.headers["Retry-After"] = str(fault.retry_after)
    return response
