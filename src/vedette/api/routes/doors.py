"""The HTTP front doors of `collect/http`, as routes: the sender is admitted by its headers before its body is read."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

import anyio
from fastapi import FastAPI, Request, Response
from starlette.routing import Match, Route
from starlette.types import Scope

from vedette.api.application import Application
from vedette.api.limits import Refused
from vedette.api.security import source_of
from vedette.collect.http.beside import BodyReader
from vedette.collect.http.bodies import too_large, unpacked
from vedette.collect.http.door import Answer, Door, DoorRequest, for_senders
from vedette.collect.http.gate import Grant
from vedette.collect.http.registry import doors
from vedette.core.errors import TooManyRequests, VedetteError

log = logging.getLogger(__name__)
MAX_WAITING: Final = 64
"""Requests that are at the doors at once; more are told to come again."""
MAX_THREADS: Final = 8
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
MAX_HELD: Final = 256 * 1024**2
"""Bytes of bodies in memory at once."""
MAX_PASSED_OVER: Final = 32 * 1024**2
"""Bytes of a body that is too large which are taken before its sender is told."""


def _asked(request: Request) -> DoorRequest:
    return DoorRequest(
        request.method, request.url.path, request.path_params, request.query_params,
        {name.lower(): value for name, value in request.headers.items()}, source_of(request),
    )  # fmt: skip


class _Authorized(Route):
    """A route for those who send an Authorization header: at `/`, browsers find the console."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope["type"] == "http" and not any(name == b"authorization" for name, _ in scope["headers"]):
            return Match.NONE, {}
        return super().matches(scope)


def install_doors(app: FastAPI, application: Application, reader: BodyReader) -> None:
    """Adds the routes of every door; before the console's, which takes every address that is left. `reader` reads what is sent."""
    crowd = _Crowd(reader)
    ways = [(door, methods, path) for door in doors() for methods, path in door.routes]
    own = [way for way in ways if "{rest:" not in way[2]]
    routes = [
        # browsers find the console at `/`
        (_Authorized if path == "/" else Route)(
            path, _endpoint(door, application, crowd), methods=list(methods), include_in_schema=False
        )
        for door, methods, path in own
    ]
    routes += [
        Route(path, _wrong_method(door, methods), methods=sorted(_METHODS.difference(methods)), include_in_schema=False)
        for door, methods, path in own
        if path != "/"
    ]
    # what is left of a door's addresses comes last
    routes += [
        _Authorized(path, _endpoint(door, application, crowd), methods=list(methods), include_in_schema=False)
        for door, methods, path in ways
        if "{rest:" in path
    ]
    app.router.routes.extend(routes)


class _Crowd:
    """Who is at the doors, and what they have in memory."""

    def __init__(self, reader: BodyReader) -> None:
        self.reader = reader
        self.threads = anyio.CapacityLimiter(MAX_THREADS)
        self.requests = 0
        self.held = 0


def _endpoint(door: Door, application: Application, crowd: _Crowd) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        asked = _asked(request)
        crowd.requests += 1
        body = bytearray()
        try:
            if crowd.requests > MAX_WAITING:
                raise TooManyRequests("Too many requests come at the same time.", retry_after=1)
            admitted = await anyio.to_thread.run_sync(door.admit, asked, application.gate, limiter=crowd.threads)
            answer = admitted
            if isinstance(admitted, Grant):
                await _read(request, body, door.limit, crowd)
                answer = await anyio.to_thread.run_sync(
                    _taken, door, asked, admitted, bytes(body), crowd.reader, limiter=crowd.threads
                )
        except VedetteError as error:
            return _response(door.failed(asked, for_senders(error)), error)
        except Refused:
            raise  # `BodyLimit`, which counts what is in memory, tells the sender
        except Exception as error:
            log.error("%s %s failed", request.method, request.url.path, exc_info=error)
            unknown = VedetteError("Vedette failed where it should not; the server's log has the details.", status=500)
            return _response(door.failed(asked, unknown))
        finally:
            crowd.requests -= 1
            crowd.held -= len(body)
        assert isinstance(answer, Answer)
        return _response(answer)

    return endpoint


def _wrong_method(door: Door, allowed: tuple[str, ...]) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        asked = _asked(request)
        error = VedetteError(
            f"This address takes {' and '.join(allowed)}, not {request.method}.", code="VDT0405", status=405
        )
        response = _response(door.failed(asked, error))
        response.headers["Allow"] = ", ".join(allowed)
        return response

    return endpoint


def _taken(door: Door, asked: DoorRequest, grant: Grant, body: bytes, reader: BodyReader) -> Answer:
    body = unpacked(body, asked.headers.get("content-encoding", ""), door.limit_unpacked)
    return door.take(asked, grant, reader.read(door, asked, body, door.facts(asked, grant)))


async def _read(request: Request, body: bytearray, limit: int, crowd: _Crowd) -> None:
    """Read the request's body into `body`."""
    stated = request.headers.get("content-length", "")
    parts = request.stream()
    if stated.isdigit() and int(stated) > limit:
        if request.headers.get("expect", "").lower() != "100-continue":  # who asks before sending is answered at once
            await _pass_over(parts)
        raise too_large(limit, int(stated))
    async for part in parts:
        body += part
        crowd.held += len(part)
        if len(body) > limit:
            await _pass_over(parts)
            raise too_large(limit)
        if crowd.held > MAX_HELD:
            raise TooManyRequests("Too much is sent at the same time.", retry_after=1)


async def _pass_over(parts: AsyncIterator[bytes]) -> None:
    """Takes the rest of a body that is refused, and keeps nothing of it: a sender whose connection ends while it sends sees no answer,
    takes it for a broken line, and sends the same again for ever."""
    size = 0
    async for part in parts:
        size += len(part)
        if size > MAX_PASSED_OVER:
            return


def _response(answer: Answer, error: VedetteError | None = None) -> Response:
    headers = dict(answer.headers)
    if isinstance(error, TooManyRequests):
        headers["Retry-After"] = str(max(1, round(error.retry_after)))
    elif error is not None and error.status == 503:
        headers["Retry-After"] = "5"
    # 204 and HEAD have no body, and no type of one
    media_type = answer.media_type if answer.body or answer.media_type != "application/json" else None
    return Response(answer.body, answer.status, headers, media_type)
