"""Accounts, roles and API tokens."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from vedette.core.accounts import LOCAL_OPERATOR_ID, LOCAL_OPERATOR_NAME, Account, local_operator
from vedette.core.audit import Audit
from vedette.core.clock import VirtualClock
from vedette.core.database import State
from vedette.core.errors import Conflict, Forbidden, InvalidInput, NotFound, Unauthorized
from vedette.core.identity import Identity
from vedette.core.roles import EVERYWHERE, SYSTEM, Permission, Principal, Role
from vedette.core.workspaces import Workspaces

DAY = 86_400


@pytest.fixture
def identity(state: State, clock: VirtualClock) -> Identity:
    return Identity(state, clock)


@pytest.fixture
def workspace(state: State, clock: VirtualClock) -> str:
    return Workspaces(state, clock).default().id


@pytest.fixture
def alice(identity: Identity, workspace: str) -> Account:
    identity.create_account("user", "alice@example.com", by=SYSTEM, display_name="Alice")
    return identity.grant("alice@example.com", Role.RESPONDER, workspace, by=SYSTEM)


def principal_of(identity: Identity, name: str) -> Principal:
    """As a session would have it."""
    token = identity.create_token(name, "test", by=SYSTEM).text.reveal()
    return replace(identity.authenticate(token), credential="session:test")


def actions(state: State) -> list[str]:
    return [entry.action for entry in Audit(state).entries()][::-1]


# ---- accounts


def test_an_account_is_found_by_name_without_case_and_by_id(identity: Identity, alice: Account) -> None:
    assert (alice.name, alice.display_name, alice.kind, alice.disabled) == (
        "alice@example.com",
        "Alice",
        "user",
        False,
    )
    assert identity.account("ALICE@example.com", by=SYSTEM) == identity.account(alice.id, by=SYSTEM) == alice
    with pytest.raises(Conflict, match="already"):
        identity.create_account("client", "Alice@Example.com", by=SYSTEM)


@pytest.mark.parametrize("name", ["", "a b", "a\n", "x" * 257, "\x00", " a"])
@pytest.mark.parametrize("state", ["sqlite"], indirect=True)
def test_what_is_not_a_name_is_refused(identity: Identity, name: str) -> None:
    with pytest.raises(InvalidInput):
        identity.create_account("user", name, by=SYSTEM)


@pytest.mark.parametrize("state", ["sqlite"], indirect=True)
def test_the_local_operators_name_is_taken(identity: Identity) -> None:
    with pytest.raises(Conflict):
        identity.create_account("user", LOCAL_OPERATOR_NAME.upper(), by=SYSTEM)


def test_an_unknown_account_is_not_found_with_the_nearest(identity: Identity, alice: Account) -> None:
    with pytest.raises(NotFound) as caught:
        identity.account("alise@example.com", by=SYSTEM)
    assert caught.value.hint == f"Did you mean '{alice.name}'?"


def test_only_administrators_change_accounts(identity: Identity, alice: Account, workspace: str) -> None:
    by = principal_of(identity, alice.name)
    for attempt in (
        lambda: identity.create_account("user", "bob", by=by),
        lambda: identity.accounts(by=by),
        lambda: identity.set_disabled(alice.name, True, by=by),
        lambda: identity.delete_account(alice.name, by=by),
        lambda: identity.grant(alice.name, Role.ADMINISTRATOR, workspace, by=by),
        lambda: identity.grant(alice.name, Role.ADMINISTRATOR, by=by),
        lambda: identity.revoke(alice.name, Role.RESPONDER, workspace, by=by),
        lambda: identity.account("nobody", by=by),
        lambda: identity.create_token("nobody", "x", by=by),
        lambda: identity.create_sign_in(alice.name, by=by),
    ):
        with pytest.raises(Forbidden, match="identity/"):
            attempt()
    assert identity.account(alice.id, by=by).name == alice.name  # one's own


def test_an_administrator_of_a_workspace_grants_roles_there_only(
    identity: Identity, alice: Account, workspace: str
) -> None:
    identity.grant(alice.name, Role.ADMINISTRATOR, workspace, by=SYSTEM)
    identity.create_account("user", "bob", by=SYSTEM)
    by = principal_of(identity, alice.name)
    assert [grant.role for grant in identity.grant("bob", Role.READER, workspace, by=by).grants] == [Role.READER]
    with pytest.raises(Forbidden, match="for the whole installation"):
        identity.grant("bob", Role.READER, by=by)


def test_nobody_shuts_themselves_out(identity: Identity, alice: Account) -> None:
    identity.grant(alice.name, Role.ADMINISTRATOR, by=SYSTEM)
    by = principal_of(identity, alice.name)
    with pytest.raises(Conflict):
        identity.set_disabled(alice.name, True, by=by)
    with pytest.raises(Conflict):
        identity.delete_account(alice.id, by=by)


def test_a_deleted_account_is_gone_with_its_tokens(identity: Identity, alice: Account, state: State) -> None:
    token = identity.create_token(alice.name, "x", by=SYSTEM).text.reveal()
    identity.delete_account(alice.name, by=SYSTEM)
    with pytest.raises(Unauthorized):
        identity.authenticate(token)
    assert identity.accounts(by=SYSTEM) == []
    with state.session(read_only=True) as session:
        for table in ("tokens", "role_assignments"):
            assert session.execute(text(f"SELECT count(*) FROM {table}")).scalar() == 0
    assert actions(state)[-1] == "users/delete"


# ---- roles


def test_grants(identity: Identity, alice: Account, workspace: str, state: State) -> None:
    twice = identity.grant(alice.name, Role.RESPONDER, workspace, by=SYSTEM)
    assert twice.grants == alice.grants
    everywhere = identity.grant(alice.name, Role.READER, by=SYSTEM)
    identity.grant(alice.name, Role.READER, by=SYSTEM)
    assert {(grant.role, grant.workspace_id) for grant in everywhere.grants} == {
        (Role.RESPONDER, workspace),
        (Role.READER, None),
    }
    left = identity.revoke(alice.name, Role.RESPONDER, workspace, by=SYSTEM)
    assert [(grant.role, grant.workspace_id) for grant in left.grants] == [(Role.READER, None)]
    with pytest.raises(NotFound, match="does not have the role Responder"):
        identity.revoke(alice.name, Role.RESPONDER, workspace, by=SYSTEM)
    with pytest.raises(NotFound, match="no workspace"):
        identity.grant(alice.name, Role.READER, "11111111-2222-3333-4444-555555555555", by=SYSTEM)
    assert [action for action in actions(state) if action.startswith("roles/")] == [
        "roles/grant",
        "roles/grant",
        "roles/revoke",
    ]


def test_roles_end_with_their_workspace(identity: Identity, alice: Account, state: State) -> None:
    workspaces = Workspaces(state)
    case = workspaces.create("case")
    identity.grant(alice.name, Role.CONTRIBUTOR, case.id, by=SYSTEM)
    workspaces.archive("case")
    workspaces.delete("case")
    assert [grant.role for grant in identity.account(alice.name, by=SYSTEM).grants] == [Role.RESPONDER]


# ---- tokens


def test_a_token_says_who_and_what(identity: Identity, alice: Account, workspace: str) -> None:
    new = identity.create_token(alice.name, "CI", by=SYSTEM)
    principal = identity.authenticate(new.text.reveal())
    assert (principal.id, principal.kind, principal.name) == (alice.id, "user", alice.name)
    assert principal.credential == f"token:{new.info.id}"
    principal.require(workspace, Permission.INCIDENTS_WRITE)
    with pytest.raises(Forbidden):
        principal.require(workspace, Permission.RULES_WRITE)


def test_a_token_is_never_shown_again(identity: Identity, alice: Account, state: State) -> None:
    new = identity.create_token(alice.name, "CI", by=SYSTEM)
    secret = new.text.reveal()
    assert secret.startswith("vdt_")
    assert secret not in f"{new!r} {new.text} {new.info} {identity.tokens(alice.name, by=SYSTEM)!r}"
    with state.session(read_only=True) as session:
        kept = [session.execute(text(f"SELECT * FROM {table}")).all() for table in ("tokens", "audit")]
    assert secret.rsplit("_", 1)[1] not in repr(kept)


def test_roles_are_those_of_the_moment(identity: Identity, alice: Account, workspace: str) -> None:
    token = identity.create_token(alice.name, "CI", by=SYSTEM).text.reveal()
    identity.revoke(alice.name, Role.RESPONDER, workspace, by=SYSTEM)
    assert identity.authenticate(token).permissions(workspace) == frozenset()


def test_a_scope_limits_a_token(identity: Identity, alice: Account, workspace: str, state: State) -> None:
    other = Workspaces(state).create("other").id
    identity.grant(alice.name, Role.ADMINISTRATOR, by=SYSTEM)
    token = identity.create_token(
        alice.name, "read", by=SYSTEM, permissions=[Permission.QUERY], workspaces=[workspace]
    ).text.reveal()
    principal = identity.authenticate(token)
    assert principal.permissions(workspace) == {Permission.QUERY}
    assert principal.permissions(other) == principal.permissions(EVERYWHERE) == frozenset()
    with pytest.raises(NotFound, match="no workspace"):
        identity.create_token(alice.name, "x", by=SYSTEM, workspaces=["11111111-2222-3333-4444-555555555555"])


def test_a_limited_token_cannot_make_itself_unlimited(identity: Identity, alice: Account) -> None:
    limited = identity.create_token(alice.name, "x", by=SYSTEM, permissions=[Permission.QUERY], days=1).text.reveal()
    by = identity.authenticate(limited)
    with pytest.raises(Forbidden, match="identity/write"):
        identity.create_token(alice.name, "more", by=by, days=None)
    with pytest.raises(Forbidden, match="identity/write"):
        identity.set_password(alice.name, "a new long password", by=by)


def test_users_make_and_revoke_their_own_tokens(identity: Identity, alice: Account) -> None:
    by = principal_of(identity, alice.name)
    new = identity.create_token(alice.name, "mine", by=by)
    assert {info.name for info in identity.tokens(alice.name, by=by)} == {"test", "mine"}
    identity.revoke_token(new.info.id, by=by)
    with pytest.raises(Unauthorized, match="'mine' was revoked"):
        identity.authenticate(new.text.reveal())
    identity.create_account("client", "robot", by=SYSTEM)
    foreign = identity.create_token("robot", "x", by=SYSTEM)
    with pytest.raises(NotFound):
        identity.revoke_token(foreign.info.id, by=by)
    assert identity.authenticate(foreign.text.reveal()).kind == "client"


def test_a_token_expires(identity: Identity, alice: Account, clock: VirtualClock) -> None:
    token = identity.create_token(alice.name, "short", by=SYSTEM, days=2).text.reveal()
    forever = identity.create_token(alice.name, "forever", by=SYSTEM, days=None).text.reveal()
    clock.advance(2 * DAY - 1)
    identity.authenticate(token)
    clock.advance(1)
    with pytest.raises(Unauthorized, match="'short' has expired"):
        identity.authenticate(token)
    clock.advance(10_000 * DAY)
    assert identity.authenticate(forever).id == alice.id


@pytest.mark.parametrize("days", [0, -1, 731, float("nan"), float("inf")])
@pytest.mark.parametrize("state", ["sqlite"], indirect=True)
def test_a_life_that_is_not_possible_is_refused(identity: Identity, alice: Account, days: float) -> None:
    with pytest.raises(InvalidInput, match="days"):
        identity.create_token(alice.name, "x", by=SYSTEM, days=days)


def test_a_disabled_account_is_shut_out_until_it_is_let_in(identity: Identity, alice: Account) -> None:
    token = identity.create_token(alice.name, "x", by=SYSTEM).text.reveal()
    assert identity.set_disabled(alice.name, True, by=SYSTEM).disabled
    with pytest.raises(Unauthorized, match="disabled"):
        identity.authenticate(token)
    identity.set_disabled(alice.name, False, by=SYSTEM)
    identity.authenticate(token)


def test_the_last_use_is_noted_once_a_minute(identity: Identity, alice: Account, clock: VirtualClock) -> None:
    token = identity.create_token(alice.name, "x", by=SYSTEM).text.reveal()

    def last() -> object:
        return identity.tokens(alice.name, by=SYSTEM)[0].last_used_at

    assert last() is None
    identity.authenticate(token)
    first = clock.now()
    clock.advance(59)
    identity.authenticate(token)
    assert last() == first
    clock.advance(1)
    identity.authenticate(token)
    assert last() == clock.now()


@pytest.mark.parametrize(
    "change",
    [
        lambda token: "",
        lambda token: "x" * 100_000,
        lambda token: token[:-1],
        lambda token: token + "0",
        lambda token: token[:-1] + ("0" if token[-1] != "0" else "1"),
        lambda token: token.upper(),
        lambda token: token.replace("vdt_", "vdc_"),
        lambda token: token.replace("vdt_", "vds_"),
        lambda token: "vdt_" + "0" * 16 + token[20:],
        lambda token: token + "\n",
        lambda token: "Bearer " + token,
    ],
)
@pytest.mark.parametrize("state", ["sqlite"], indirect=True)
def test_any_other_text_is_no_token(identity: Identity, alice: Account, change: object) -> None:
    token = identity.create_token(alice.name, "x", by=SYSTEM).text.reveal()
    with pytest.raises(Unauthorized) as caught:
        identity.authenticate(change(token))  # type: ignore[operator]
    assert str(caught.value) == "The token is not valid."


# ---- the local operator


def test_the_local_operator_may_do_everything() -> None:
    operator = local_operator()
    assert (operator.id, operator.kind) == (LOCAL_OPERATOR_ID, "local")
    for permission in Permission:
        operator.require(EVERYWHERE, permission)


@pytest.mark.skipif(os.name != "posix", reason="files have owners on POSIX")
def test_the_local_operator_owns_the_data_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert local_operator(tmp_path).kind == "local"
    assert local_operator(tmp_path / "not there yet").kind == "local"
    monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid + 4711)
    with pytest.raises(Forbidden, match="belongs to another user"):
        local_operator(tmp_path)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert local_operator(tmp_path).kind == "local"


def test_a_process_token_is_the_local_operators_in_this_process(identity: Identity, state: State) -> None:
    token = identity.issue_process_token().reveal()
    assert identity.authenticate(token) == local_operator()
    with pytest.raises(Unauthorized):
        identity.authenticate(token[:-1] + ("0" if token[-1] != "0" else "1"))
    with pytest.raises(Unauthorized):
        Identity(state).authenticate(token)


def test_the_local_operator_makes_tokens_of_its_own(identity: Identity) -> None:
    token = identity.create_token(LOCAL_OPERATOR_NAME, "script", by=local_operator()).text.reveal()
    principal = identity.authenticate(token)
    assert principal.allows(EVERYWHERE, Permission.IDENTITY_WRITE)
    assert identity.accounts(by=SYSTEM) == []


def test_nobody_changes_the_local_operator(identity: Identity, alice: Account) -> None:
    identity.create_sign_in(by=local_operator())
    identity.grant(alice.name, Role.ADMINISTRATOR, by=SYSTEM)
    by = principal_of(identity, alice.name)
    for attempt in (
        lambda: identity.set_disabled(LOCAL_OPERATOR_NAME, True, by=by),
        lambda: identity.delete_account(LOCAL_OPERATOR_ID, by=by),
        lambda: identity.create_token(LOCAL_OPERATOR_NAME, "x", by=by),
        lambda: identity.grant(LOCAL_OPERATOR_NAME, Role.READER, by=by),
        lambda: identity.create_sign_in(LOCAL_OPERATOR_NAME, by=by),
        lambda: identity.account(LOCAL_OPERATOR_NAME, by=by),
    ):
        with pytest.raises(NotFound):
            attempt()
    with pytest.raises(Forbidden):
        identity.create_sign_in(by=by)
