"""Signing in and out, and which workspaces the caller may see."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Request, Response

from vedette import __version__
from vedette.api.security import COOKIE, Caller, Held, Services, source_of
from vedette.api.wire import Page, Utc, Wire
from vedette.core.roles import EVERYWHERE, Principal

router = APIRouter(tags=["session"])


class PrincipalBody(Wire):
    """Somebody."""

    id: str
    kind: str
    name: str
    email: str | None = None


class SessionBody(Wire):
    """A session, and the version of the product."""

    principal: PrincipalBody
    expires_time_utc: Utc
    version: str


class SignIn(Wire):
    """A one-time sign-in."""

    token: str


class WorkspaceBody(Wire):
    """A workspace, with the caller's roles in it."""

    id: str
    name: str
    roles: list[str]


class Person(Wire):
    """Somebody that an incident may be assigned to."""

    id: str
    name: str
    email: str | None = None


def described(principal: Principal) -> PrincipalBody:
    """A principal as the API shows it."""
    kind = "client" if principal.kind == "client" else "user"
    return PrincipalBody(id=principal.id, kind=kind, name=principal.display_name or principal.name)


@router.post("/session")
def sign_in(request: Request, response: Response, held: Held, body: Annotated[SignIn, Body()]) -> SessionBody:
    """Exchanges a one-time sign-in for a session cookie."""
    opened = held.identity.sessions.sign_in(body.token, source_of(request))
    response.set_cookie(
        COOKIE, opened.cookie.reveal(), httponly=True, samesite="strict", secure=request.url.scheme == "https", path="/",
        expires=opened.expires_at,
    )  # fmt: skip
    return SessionBody(principal=described(opened.principal), expires_time_utc=opened.expires_at, version=__version__)


@router.get("/session")
def session(caller: Caller, held: Held) -> SessionBody:
    """Who is signed in."""
    expires = held.clock.now() + held.session_lifetime
    return SessionBody(principal=described(caller), expires_time_utc=expires, version=__version__)


@router.delete("/session", status_code=204)
def sign_out(request: Request, response: Response, held: Held) -> None:
    """Ends the session of the cookie, if there is one."""
    cookie = request.cookies.get(COOKIE)
    if cookie:
        held.identity.sessions.sign_out(cookie)
    response.delete_cookie(COOKIE, path="/")


@router.get("/workspaces")
def workspaces(caller: Caller, held: Held) -> Page[WorkspaceBody]:
    """The workspaces in which the caller may do anything, the default first."""
    found = [
        WorkspaceBody(
            id=workspace.id,
            name=workspace.name,
            roles=sorted(
                role.value
                for place in (EVERYWHERE, workspace.id)
                for role in caller.roles_by_workspace.get(place, frozenset())
            ),
        )
        for workspace in held.workspaces.list()
        if caller.may_see(workspace.id)
    ]
    found.sort(key=lambda item: (item.name != "default", item.name))
    return Page(value=found, count=len(found))


@router.get("/workspaces/{ws}/users")
def users(held: Held, services: Services) -> Page[Person]:
    """Who an incident of the workspace may be assigned to."""
    people = [Person(id=who.id, name=who.display_name or who.name) for who in held.assignable(services.workspace.id)]
    return Page(value=people, count=len(people))
