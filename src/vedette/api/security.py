"""Who asks, and whether they may: session cookies for the console, bearer tokens for programs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

import anyio.to_thread
from fastapi import Depends, Path, Request

from vedette.api.application import Application
from vedette.api.services import WorkspaceServices
from vedette.core.errors import Forbidden, NotFound, Unauthorized
from vedette.core.roles import EVERYWHERE, Permission, Principal
from vedette.core.workspaces import Workspace

COOKIE = "vedette_session"
REQUEST_HEADER = "X-Vedette-Request"
"""Sent by the console with every change; a page of another site cannot send it, so it cannot use the cookie."""
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def application(request: Request) -> Application:
    """The application that the server runs."""
    held = request.app.state.application
    assert isinstance(held, Application)
    return held


def source_of(request: Request) -> str:
    """The address that a request comes from."""
    return request.client.host if request.client else "unknown"


def principal(request: Request) -> Principal:
    """Who asks; found once for a request. Raises Unauthorized without a good credential."""
    known: Principal | None = getattr(request.state, "principal", None)
    if known is None:
        known = request.state.principal = _authenticated(request)
    return known


def _authenticated(request: Request) -> Principal:
    held = application(request)
    header = request.headers.get("Authorization", "")
    if header:
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthorized("The Authorization header is not 'Bearer TOKEN'.")
        return held.identity.authenticate(token.strip())
    cookie = request.cookies.get(COOKIE)
    if not cookie:
        raise Unauthorized("Nobody is signed in.", hint="Sign in, or send 'Authorization: Bearer TOKEN'.")
    if request.method not in _SAFE and not request.headers.get(REQUEST_HEADER):
        raise Forbidden(f"A change with a session cookie needs the header {REQUEST_HEADER}.")
    return held.identity.sessions.authenticate(cookie)


# What a route depends on is found once for a request, in one go to another thread: each costs two turns of the interpreter, for
# which a request waits while rows come in.


async def _caller(request: Request) -> Principal:
    known: Principal | None = getattr(request.state, "principal", None)
    return await anyio.to_thread.run_sync(principal, request) if known is None else known


async def _application(request: Request) -> Application:
    return application(request)


Caller = Annotated[Principal, Depends(_caller)]
Held = Annotated[Application, Depends(_application)]


async def services(
    request: Request, ws: Annotated[str, Path(description="The workspace, by id or name.")]
) -> WorkspaceServices:
    """The services of the workspace in the path; `Conflict` for one that is archived."""
    held = application(request)
    return held.services(held.in_use(await _workspace(request)))


async def _workspace(request: Request) -> Workspace:
    """The workspace in the path, as `visible_workspace` finds it for the caller."""
    known: Workspace | None = getattr(request.state, "workspace", None)
    if known is None:
        known = await anyio.to_thread.run_sync(_in_path, request)
        request.state.workspace = known
    return known


def _in_path(request: Request) -> Workspace:
    return visible_workspace(application(request), principal(request), request.path_params["ws"])


def visible_workspace(held: Application, caller: Principal, ws: str) -> Workspace:
    """A workspace by name or id; one that the caller has no right in does not exist for them, whether it does or not."""
    try:
        workspace = held.workspaces.get(ws)
    except NotFound:
        if caller.may_see(EVERYWHERE):
            raise
        workspace = None
    if workspace is None or not caller.may_see(workspace.id):
        raise NotFound(f"There is no workspace '{ws}'.", code="VDT0404")
    return workspace


Services = Annotated[WorkspaceServices, Depends(services)]


def requires(permission: Permission, *, archived: bool = False) -> Callable[[Request], Awaitable[Principal]]:
    """A dependency that lets a caller through who has a permission in the workspace, which may be `archived` only if that is said.

    It asks for nothing but the request: FastAPI looks at what a dependency asks for anew for each route, of which there are many.
    """

    async def check(request: Request) -> Principal:
        workspace = await _workspace(request)
        caller = await _caller(request)
        caller.require(workspace.id, permission)
        if not archived:
            application(request).in_use(workspace)
        return caller

    return check


def requires_everywhere(permission: Permission) -> Callable[[Request], Awaitable[Principal]]:
    """A dependency that lets a caller through who has a permission for the whole installation."""

    async def check(request: Request) -> Principal:
        caller = await _caller(request)
        caller.require(EVERYWHERE, permission)
        return caller

    return check
