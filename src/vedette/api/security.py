"""Who asks, and whether they may: session cookies for the console, bearer tokens for programs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Path, Request

from vedette.api.application import Application
from vedette.api.services import WorkspaceServices
from vedette.core.errors import Forbidden, NotFound, Unauthorized
from vedette.core.roles import Permission, Principal

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


Caller = Annotated[Principal, Depends(principal)]
Held = Annotated[Application, Depends(application)]


def services(
    request: Request, ws: Annotated[str, Path(description="The workspace, by id or name.")]
) -> WorkspaceServices:
    """The services of the workspace in the path; one that the caller has no right in does not exist for them."""
    caller, held = principal(request), application(request)
    workspace = held.workspace(ws)
    if not caller.may_see(workspace.id):
        raise NotFound(f"There is no workspace '{ws}'.", code="VDT0404")
    return held.services(workspace)


Services = Annotated[WorkspaceServices, Depends(services)]


def requires(permission: Permission) -> Callable[[Request], Principal]:
    """A dependency that lets a caller through who has a permission in the workspace.

    It asks for nothing but the request: FastAPI looks at what a dependency asks for anew for each route, of which there are many.
    """

    def check(request: Request) -> Principal:
        caller = principal(request)
        caller.require(services(request, request.path_params["ws"]).workspace.id, permission)
        return caller

    return check
