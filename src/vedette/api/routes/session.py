"""Signing in and out, and who works in a workspace."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Request, Response
from pydantic import Field

from vedette import __version__
from vedette.api.security import COOKIE, Caller, Held, Services, source_of
from vedette.api.wire import Page, Utc, Wire
from vedette.core.errors import InvalidInput
from vedette.core.passwords import MAX_LENGTH
from vedette.core.roles import Principal

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
    """A one-time sign-in, or a name and a password."""

    token: Annotated[str | None, Field(max_length=256)] = None
    name: Annotated[str | None, Field(max_length=256)] = None
    password: Annotated[str | None, Field(max_length=MAX_LENGTH)] = None


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
    """Exchanges a one-time sign-in, or a user's name and password, for a session cookie."""
    sessions = held.identity.sessions
    if body.token is not None and body.name is None and body.password is None:
        opened = sessions.sign_in(body.token, source_of(request))
    elif body.token is None and body.name is not None and body.password is not None:
        opened = sessions.sign_in_with_password(body.name, body.password, source_of(request))
    else:
        raise InvalidInput("Give a token, or a name and a password.")
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


@router.get("/workspaces/{ws}/users")
def users(held: Held, services: Services) -> Page[Person]:
    """Who an incident of the workspace may be assigned to."""
    people = [Person(id=who.id, name=who.display_name or who.name) for who in held.assignable(services.workspace.id)]
    return Page(value=people, count=len(people))
