"""Users and API clients: accounts, their roles by workspace, their tokens and their sessions."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field

from vedette.api.application import Application
from vedette.api.security import Caller, Held, requires_everywhere
from vedette.api.wire import Page, Utc, Wire
from vedette.core.accounts import Account, TokenInfo
from vedette.core.errors import InvalidInput
from vedette.core.identity import MAX_SIGN_IN, MAX_TOKEN_DAYS
from vedette.core.passwords import MAX_LENGTH
from vedette.core.roles import EVERYWHERE, ROLE_PERMISSIONS, Permission, Principal, Role
from vedette.core.sessions import SessionInfo

router = APIRouter(tags=["users"])
ME = "me"
"""Stands for the caller's own account in a path."""
_LINK_MINUTES = int(MAX_SIGN_IN.total_seconds() // 60)


class RoleBody(Wire):
    """A role and what it allows."""

    name: Role
    permissions: list[Permission]


class Granted(Wire):
    """A role in a workspace (by name or id), or, without one, in every workspace and for the installation itself."""

    role: Role
    workspace: Annotated[str | None, Field(max_length=64)] = None


class UserBody(Wire):
    """An account. `kind` is `user`, who signs in, or `client`, which has tokens alone."""

    id: str
    kind: str
    name: str
    display_name: str
    created_time_utc: Utc
    enabled: bool
    has_password: bool
    roles: list[Granted]


class UserPost(Wire):
    """An account to make, with its first roles."""

    name: Annotated[str, Field(max_length=256)]
    display_name: Annotated[str | None, Field(max_length=256)] = None
    kind: Literal["user", "client"] = "user"
    roles: Annotated[list[Granted], Field(max_length=100, default_factory=list)]


class UserPatch(Wire):
    """What is to change; what is not given stays."""

    display_name: Annotated[str | None, Field(max_length=256)] = None
    enabled: bool | None = None


class LinkPost(Wire):
    """How long the link is good; without it, as long as `vedette sign-in` prints one for."""

    minutes: Annotated[int | None, Field(ge=1, le=_LINK_MINUTES)] = None


class LinkBody(Wire):
    """A link that signs in once. It is shown this once."""

    link: str
    expires_time_utc: Utc


class PasswordPost(Wire):
    """The new password; without one, it is generated and shown in the answer."""

    password: Annotated[str | None, Field(max_length=MAX_LENGTH)] = None


class PasswordBody(Wire):
    """The generated password, or null where one was given. It is shown this once."""

    password: str | None


class TokenPost(Wire):
    """A token to make. What it allows is what the account's roles allow, limited to these permissions and workspaces."""

    name: Annotated[str, Field(max_length=256)]
    permissions: Annotated[list[Permission] | None, Field(min_length=1)] = None
    workspaces: Annotated[list[str] | None, Field(min_length=1, max_length=1000)] = None
    days: Annotated[float | None, Field(gt=0, le=MAX_TOKEN_DAYS)] = 90
    """How long it is good; null: until it is revoked."""


class TokenBody(Wire):
    """What is known of a token. Null permissions or workspaces are no limit beyond the roles of its account."""

    id: str
    name: str
    permissions: list[Permission] | None
    workspaces: list[str] | None
    created_time_utc: Utc
    expires_time_utc: Utc | None
    revoked_time_utc: Utc | None
    last_used_time_utc: Utc | None
    expired: bool


class NewTokenBody(TokenBody):
    """A new token: `token` is its text, which is shown this once."""

    token: str


class SessionRowBody(Wire):
    """A session of the console; `current` is the one that asks."""

    id: str
    created_time_utc: Utc
    last_seen_time_utc: Utc
    expires_time_utc: Utc
    source: str
    current: bool


def _who(user: str, caller: Principal) -> str:
    return caller.id if user == ME else user


def _user_body(one: Account, held: Application) -> UserBody:
    names = {workspace.id: workspace.name for workspace in held.workspaces.list(archived=True)}
    return UserBody(
        id=one.id, kind=one.kind, name=one.name, display_name=one.display_name, created_time_utc=one.created_at,
        enabled=not one.disabled, has_password=one.has_password,
        roles=[
            Granted(role=grant.role, workspace=names.get(grant.workspace_id or "", grant.workspace_id))
            for grant in one.grants
        ],
    )  # fmt: skip


def _token_body(one: TokenInfo, held: Application) -> TokenBody:
    names = {workspace.id: workspace.name for workspace in held.workspaces.list(archived=True)}
    return TokenBody(
        id=one.id, name=one.name, permissions=None if one.permissions is None else list(one.permissions),
        workspaces=None if one.workspaces is None else [names.get(each, each) for each in one.workspaces],
        created_time_utc=one.created_at, expires_time_utc=one.expires_at, revoked_time_utc=one.revoked_at,
        last_used_time_utc=one.last_used_at, expired=one.expires_at is not None and held.clock.now() >= one.expires_at,
    )  # fmt: skip


def _place(workspace: str | None, held: Application) -> str | None:
    """The id of a workspace that a body names; None is everywhere."""
    return None if workspace is None or workspace == EVERYWHERE else held.workspaces.get(workspace).id


@router.get("/roles")
def roles(caller: Caller) -> Page[RoleBody]:
    """Every role with what it allows, the least first."""
    found = [RoleBody(name=role, permissions=sorted(allowed)) for role, allowed in ROLE_PERMISSIONS.items()]
    return Page(value=found, count=len(found))


@router.get("/users")
def users(held: Held, caller: Caller) -> Page[UserBody]:
    """Every user and API client, by name."""
    found = [_user_body(one, held) for one in held.identity.accounts(by=caller)]
    return Page(value=found, count=len(found))


@router.post("/users", status_code=201, dependencies=[Depends(requires_everywhere(Permission.IDENTITY_WRITE))])
def create(held: Held, caller: Caller, body: UserPost) -> UserBody:
    """Makes an account. It has no password and no token yet: make a sign-in link, a password or a token for it."""
    places = [(granted.role, _place(granted.workspace, held)) for granted in body.roles]
    with held.state.session():
        made = held.identity.create_account(body.kind, body.name, by=caller, display_name=body.display_name)
        for role, place in places:
            made = held.identity.grant(made.id, role, place, by=caller)
    return _user_body(made, held)


@router.get("/users/{user}")
def get(held: Held, caller: Caller, user: str) -> UserBody:
    """An account, by name or id; everybody may see their own, as `me`."""
    return _user_body(held.identity.account(_who(user, caller), by=caller), held)


@router.patch("/users/{user}")
def change(held: Held, caller: Caller, user: str, body: UserPatch) -> UserBody:
    """Disables an account, which ends its sessions and stops its tokens at once; lets it in again; or changes its name to show."""
    who = _who(user, caller)
    with held.state.session():
        found = held.identity.account(who, by=caller)
        if body.display_name is not None:
            found = held.identity.rename(who, body.display_name, by=caller)
        if body.enabled is not None:
            found = held.identity.set_disabled(who, not body.enabled, by=caller)
    return _user_body(found, held)


@router.delete("/users/{user}", status_code=204)
def delete(held: Held, caller: Caller, user: str) -> None:
    """Deletes an account with its roles, tokens and sessions; the audit trail keeps its name."""
    held.identity.delete_account(_who(user, caller), by=caller)


@router.post("/users/{user}/roles")
def grant(held: Held, caller: Caller, user: str, body: Granted) -> UserBody:
    """Gives an account a role. An administrator of a workspace may do so there; one of the installation everywhere."""
    place = _visible_place(body.workspace, held, caller)
    return _user_body(held.identity.grant(_who(user, caller), body.role, place, by=caller), held)


@router.delete("/users/{user}/roles/{role}")
def revoke(
    held: Held, caller: Caller, user: str, role: Role, workspace: Annotated[str | None, Query(max_length=64)] = None
) -> UserBody:
    """Takes a role away again, in a workspace or (none named) everywhere."""
    place = _visible_place(workspace, held, caller)
    return _user_body(held.identity.revoke(_who(user, caller), role, place, by=caller), held)


def _visible_place(workspace: str | None, held: Application, caller: Principal) -> str | None:
    """The place of a grant; who may do nothing about it learns nothing about which workspaces there are."""
    if workspace is None or workspace == EVERYWHERE:
        caller.require(EVERYWHERE, Permission.IDENTITY_WRITE)
        return None
    known = [one for one in held.workspaces.list(archived=True) if workspace.lower() in (one.id, one.name.lower())]
    if not known or not caller.may_see(known[0].id):
        caller.require(EVERYWHERE, Permission.IDENTITY_WRITE)
        return held.workspaces.get(workspace).id
    caller.require(known[0].id, Permission.IDENTITY_WRITE)
    return known[0].id


@router.post("/users/{user}/sign-in")
def sign_in_link(
    request: Request, response: Response, held: Held, caller: Caller, user: str, body: LinkPost
) -> LinkBody:
    """A one-time sign-in link for a user: the first sign-in, or one without the password."""
    seconds = held.settings.session_limits().sign_in if body.minutes is None else body.minutes * 60
    lifetime = timedelta(seconds=seconds)
    made = held.identity.create_sign_in(_who(user, caller), by=caller, lifetime=lifetime)
    response.headers["Cache-Control"] = "no-store"
    served = held.settings.public_url is None and held.directory.server() is not None
    address = str(request.base_url) if served else held.public_url
    return LinkBody(
        link=f"{address.rstrip('/')}/signin?token={made.reveal()}", expires_time_utc=held.clock.now() + lifetime
    )


@router.post("/users/{user}/password")
def set_password(response: Response, held: Held, caller: Caller, user: str, body: PasswordPost) -> PasswordBody:
    """Gives a user a new password, given or generated, and ends their sessions. Everybody may change their own, in a session."""
    response.headers["Cache-Control"] = "no-store"
    who = _who(user, caller)
    if body.password is None:
        return PasswordBody(password=held.identity.reset_password(who, by=caller).reveal())
    held.identity.set_password(who, body.password, by=caller)
    return PasswordBody(password=None)


@router.delete("/users/{user}/password", status_code=204)
def remove_password(held: Held, caller: Caller, user: str) -> None:
    """Takes a user's password away: links are then the only way in."""
    held.identity.set_password(_who(user, caller), None, by=caller)


@router.get("/users/{user}/tokens")
def tokens(held: Held, caller: Caller, user: str) -> Page[TokenBody]:
    """The API tokens of an account, revoked and expired ones included, newest first."""
    found = [_token_body(one, held) for one in held.identity.tokens(_who(user, caller), by=caller)]
    return Page(value=found, count=len(found))


@router.post("/users/{user}/tokens", status_code=201)
def create_token(response: Response, held: Held, caller: Caller, user: str, body: TokenPost) -> NewTokenBody:
    """Makes an API token; everybody may make their own, in a session. Its text is in this answer and nowhere else."""
    who = _who(user, caller)
    if caller.id != who:
        caller.require(EVERYWHERE, Permission.IDENTITY_WRITE)
    places = None
    if body.workspaces is not None:
        places = [_own_place(one, held, caller) for one in body.workspaces]
    made = held.identity.create_token(
        who, body.name, by=caller, permissions=body.permissions, workspaces=places, days=body.days
    )
    response.headers["Cache-Control"] = "no-store"
    return NewTokenBody(token=made.text.reveal(), **_token_body(made.info, held).model_dump())


def _own_place(workspace: str, held: Application, caller: Principal) -> str:
    known = [one for one in held.workspaces.list() if workspace.lower() in (one.id, one.name.lower())]
    if not known or not caller.may_see(known[0].id):
        raise InvalidInput(f"There is no workspace '{workspace[:64]}' for the token.", target="workspaces")
    return known[0].id


@router.delete("/users/{user}/tokens/{token}")
def revoke_token(held: Held, caller: Caller, user: str, token: str) -> TokenBody:
    """Ends a token at once. Everybody may revoke their own."""
    return _token_body(held.identity.revoke_token(token, by=caller, owner=_who(user, caller)), held)


@router.get("/users/{user}/sessions")
def sessions(held: Held, caller: Caller, user: str) -> Page[SessionRowBody]:
    """The sessions of an account that have not ended, newest first."""
    found = [_session_body(one, caller) for one in held.identity.sessions_of(_who(user, caller), by=caller)]
    return Page(value=found, count=len(found))


@router.delete("/users/{user}/sessions", status_code=204)
def end_sessions(held: Held, caller: Caller, user: str) -> None:
    """Ends every session of an account at once, and sign-in links that were not used."""
    held.identity.end_session(_who(user, caller), by=caller)


@router.delete("/users/{user}/sessions/{session}", status_code=204)
def end_session(held: Held, caller: Caller, user: str, session: str) -> None:
    """Ends one session at once."""
    held.identity.end_session(_who(user, caller), session, by=caller)


def _session_body(one: SessionInfo, caller: Principal) -> SessionRowBody:
    return SessionRowBody(
        id=one.id, created_time_utc=one.created_at, last_seen_time_utc=one.last_seen_at,
        expires_time_utc=one.expires_at, source=one.source, current=caller.credential == f"session:{one.id}",
    )  # fmt: skip
