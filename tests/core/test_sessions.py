"""Signing in, and the sessions that come of it."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import text

from vedette.core.accounts import LOCAL_OPERATOR_ID, local_operator
from vedette.core.audit import Audit
from vedette.core.clock import VirtualClock
from vedette.core.database import State
from vedette.core.errors import Conflict, Forbidden, InvalidInput, TooManyRequests, Unauthorized, VedetteError
from vedette.core.identity import Identity
from vedette.core.passwords import hash_password, verify_password
from vedette.core.roles import EVERYWHERE, SYSTEM, Permission, Role
from vedette.core.sessions import OF_A_NAME, SessionLimits

HERE = "127.0.0.1"
LIMITS = SessionLimits(sign_in=300, idle=3600, lifetime=10_000)


@pytest.fixture
def identity(state: State, clock: VirtualClock) -> Identity:
    return Identity(state, clock, limits=LIMITS)


@pytest.fixture
def alice(identity: Identity) -> str:
    identity.create_account("user", "alice", by=SYSTEM)
    identity.grant("alice", Role.READER, by=SYSTEM)
    return "alice"


def signed_in(identity: Identity, name: str | None = None) -> str:
    token = identity.create_sign_in(name, by=local_operator()).reveal()
    return identity.sessions.sign_in(token, HERE).cookie.reveal()


def test_a_sign_in_opens_a_session(identity: Identity, alice: str, clock: VirtualClock) -> None:
    token = identity.create_sign_in(alice, by=SYSTEM)
    assert token.reveal().startswith("vds_")
    new = identity.sessions.sign_in(token.reveal(), HERE)
    assert (new.expires_at - clock.now()).total_seconds() == LIMITS.lifetime
    principal = identity.sessions.authenticate(new.cookie.reveal())
    assert principal == new.principal
    assert (principal.name, principal.kind) == ("alice", "user")
    assert principal.allows(EVERYWHERE, Permission.QUERY)
    assert not principal.allows(EVERYWHERE, Permission.IDENTITY_READ)


def test_the_local_operator_signs_in(identity: Identity) -> None:
    principal = identity.sessions.authenticate(signed_in(identity))
    assert (principal.id, principal.kind) == (LOCAL_OPERATOR_ID, "local")
    assert principal.allows(EVERYWHERE, Permission.SETTINGS_WRITE)
    assert signed_in(identity)  # and again


def test_a_sign_in_works_once(identity: Identity, alice: str) -> None:
    token = identity.create_sign_in(alice, by=SYSTEM).reveal()
    identity.sessions.sign_in(token, HERE)
    with pytest.raises(Unauthorized, match="not accepted"):
        identity.sessions.sign_in(token, HERE)


def test_of_many_who_try_at_once_one_gets_in(state: State, clock: VirtualClock, alice: str) -> None:
    identities = [Identity(State(state.engine.url), clock) for _ in range(4)]  # as four processes would be
    token = identities[0].create_sign_in(alice, by=SYSTEM).reveal()
    results: list[str] = []
    start = threading.Barrier(len(identities))

    def try_it(identity: Identity) -> None:
        start.wait(30)
        try:
            identity.sessions.sign_in(token, HERE)
            results.append("in")
        except Unauthorized:
            results.append("out")

    threads = [threading.Thread(target=try_it, args=[identity]) for identity in identities]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(results) == ["in", "out", "out", "out"]
    assert len(identities[0].sessions.of(identities[0].account(alice, by=SYSTEM).id)) == 1
    for identity in identities:
        identity._state.dispose()


def test_a_sign_in_does_not_last(identity: Identity, alice: str, clock: VirtualClock) -> None:
    token = identity.create_sign_in(alice, by=SYSTEM).reveal()
    clock.advance(LIMITS.sign_in)
    with pytest.raises(Unauthorized):
        identity.sessions.sign_in(token, HERE)


def test_only_the_local_operator_signs_others_or_itself_in(identity: Identity, alice: str) -> None:
    by = identity.sessions.authenticate(signed_in(identity, alice))
    for name in (None, alice):
        with pytest.raises(Forbidden):
            identity.create_sign_in(name, by=by)


def test_api_clients_and_disabled_users_do_not_sign_in(identity: Identity, alice: str) -> None:
    identity.create_account("client", "robot", by=SYSTEM)
    with pytest.raises(Conflict, match="API clients do not sign in"):
        identity.create_sign_in("robot", by=SYSTEM)
    token = identity.create_sign_in(alice, by=SYSTEM).reveal()
    identity.set_disabled(alice, True, by=SYSTEM)
    with pytest.raises(Unauthorized):
        identity.sessions.sign_in(token, HERE)
    with pytest.raises(Conflict, match="disabled"):
        identity.create_sign_in(alice, by=SYSTEM)


@pytest.mark.parametrize("wrong", ["", "x", "vds_0000000000000000_" + "0" * 64, "vdt_0000000000000000_" + "0" * 64])
@pytest.mark.parametrize("state", ["sqlite"], indirect=True)
def test_what_is_no_sign_in_is_refused_alike(identity: Identity, wrong: str) -> None:
    with pytest.raises(Unauthorized) as caught:
        identity.sessions.sign_in(wrong, HERE)
    assert str(caught.value) == "The sign-in was not accepted."


@pytest.mark.parametrize("state", ["sqlite"], indirect=True)
def test_one_kind_of_token_is_not_taken_for_another(identity: Identity, alice: str) -> None:
    cookie = signed_in(identity, alice)
    api = identity.create_token(alice, "x", by=SYSTEM).text.reveal()
    with pytest.raises(Unauthorized):
        identity.authenticate(cookie)
    with pytest.raises(Unauthorized):
        identity.sessions.authenticate(api)
    with pytest.raises(Unauthorized):
        identity.sessions.authenticate(cookie.replace("vdc_", "vds_"))
    with pytest.raises(Unauthorized):
        identity.sessions.sign_in(cookie, HERE)


# ---- the life of a session


def test_a_session_ends_when_nobody_uses_it(identity: Identity, alice: str, clock: VirtualClock) -> None:
    cookie = signed_in(identity, alice)
    for _ in range(2):
        clock.advance(LIMITS.idle - 1)
        identity.sessions.authenticate(cookie)
    clock.advance(LIMITS.idle)
    with pytest.raises(Unauthorized, match="has ended"):
        identity.sessions.authenticate(cookie)


def test_a_session_ends_in_any_case(identity: Identity, alice: str, clock: VirtualClock) -> None:
    cookie = signed_in(identity, alice)
    for _ in range(9):
        clock.advance(1000)
        identity.sessions.authenticate(cookie)
    clock.advance(999)
    identity.sessions.authenticate(cookie)
    clock.advance(1)
    with pytest.raises(Unauthorized):
        identity.sessions.authenticate(cookie)


def test_signing_out(identity: Identity, alice: str) -> None:
    cookie, other = signed_in(identity, alice), signed_in(identity, alice)
    forged = cookie[:-1] + ("0" if cookie[-1] != "0" else "1")
    identity.sessions.sign_out(forged)
    identity.sessions.sign_out("nonsense")
    identity.sessions.authenticate(cookie)
    identity.sessions.sign_out(cookie)
    identity.sessions.sign_out(cookie)
    with pytest.raises(Unauthorized):
        identity.sessions.authenticate(cookie)
    identity.sessions.authenticate(other)


def test_a_disabled_user_is_out_at_once_and_stays_out(identity: Identity, alice: str) -> None:
    cookie = signed_in(identity, alice)
    identity.set_disabled(alice, True, by=SYSTEM)
    identity.set_disabled(alice, False, by=SYSTEM)
    with pytest.raises(Unauthorized):
        identity.sessions.authenticate(cookie)


def test_roles_are_those_of_the_moment(identity: Identity, alice: str) -> None:
    cookie = signed_in(identity, alice)
    identity.revoke(alice, Role.READER, by=SYSTEM)
    assert identity.sessions.authenticate(cookie).permissions(EVERYWHERE) == frozenset()


def test_sessions_are_listed_until_they_end(identity: Identity, alice: str, clock: VirtualClock) -> None:
    account = identity.account(alice, by=SYSTEM).id
    cookie = signed_in(identity, alice)
    (info,) = identity.sessions.of(account)
    assert (info.source, info.created_at) == (HERE, clock.now())
    identity.sessions.sign_out(cookie)
    assert identity.sessions.of(account) == []


def test_what_ended_long_ago_is_cleared_away(identity: Identity, alice: str, clock: VirtualClock, state: State) -> None:
    signed_in(identity, alice)
    clock.advance(60 * 86_400)
    signed_in(identity, alice)
    with state.session(read_only=True) as session:
        assert session.execute(text("SELECT count(*) FROM sessions")).scalar() == 1
        assert session.execute(text("SELECT count(*) FROM sign_ins")).scalar() == 1


def test_nothing_secret_is_kept(identity: Identity, alice: str, state: State) -> None:
    token = identity.create_sign_in(alice, by=SYSTEM).reveal()
    new = identity.sessions.sign_in(token, HERE)
    kept = ""
    with state.session(read_only=True) as session:
        for table in ("sign_ins", "sessions", "audit"):
            kept += repr(session.execute(text(f"SELECT * FROM {table}")).all())
    for secret in (token, new.cookie.reveal()):
        assert secret.rsplit("_", 1)[1] not in kept
    assert new.csrf.reveal() not in kept
    assert new.cookie.reveal() not in repr(new)


# ---- cross-site requests


@pytest.mark.parametrize("state", ["sqlite"], indirect=True)
def test_csrf(identity: Identity, alice: str) -> None:
    token = identity.create_sign_in(alice, by=SYSTEM).reveal()
    new = identity.sessions.sign_in(token, HERE)
    cookie, csrf = new.cookie.reveal(), new.csrf.reveal()
    identity.sessions.check_csrf(cookie, csrf)
    assert identity.sessions.csrf(cookie).reveal() == csrf  # a reloaded page gets the same
    assert csrf not in cookie
    other = signed_in(identity, alice)
    for wrong in (None, "", csrf[:-1], "ä", identity.sessions.csrf(other).reveal()):
        with pytest.raises(Forbidden, match="CSRF"):
            identity.sessions.check_csrf(cookie, wrong)


# ---- passwords

PASSWORD = "correct horse battery staple"


def test_a_user_signs_in_with_a_password(identity: Identity, alice: str, state: State) -> None:
    identity.set_password(alice, PASSWORD, by=SYSTEM)
    new = identity.sessions.sign_in_with_password("ALICE", PASSWORD, HERE)
    assert identity.sessions.authenticate(new.cookie.reveal()).name == "alice"
    with state.session(read_only=True) as session:
        kept = session.execute(text("SELECT password_hash FROM accounts WHERE name = 'alice'")).scalar_one()
    assert kept.startswith("$argon2id$")


@pytest.mark.parametrize(("name", "password"), [("alice", "wrong"), ("bob", PASSWORD), ("alice", ""), ("nopass", "")])
@pytest.mark.parametrize("state", ["sqlite"], indirect=True)
def test_whatever_is_wrong_the_answer_is_the_same(identity: Identity, alice: str, name: str, password: str) -> None:
    identity.create_account("user", "nopass", by=SYSTEM)
    identity.set_password(alice, PASSWORD, by=SYSTEM)
    with pytest.raises(Unauthorized) as caught:
        identity.sessions.sign_in_with_password(name, password, HERE)
    assert str(caught.value) == "The sign-in was not accepted."


def test_a_changed_password_ends_sessions_and_unused_sign_ins(identity: Identity, alice: str) -> None:
    identity.set_password(alice, PASSWORD, by=SYSTEM)
    cookie = signed_in(identity, alice)
    offered = identity.create_sign_in(alice, by=SYSTEM).reveal()
    by = identity.sessions.authenticate(cookie)
    identity.set_password(alice, PASSWORD + "!", by=by)
    with pytest.raises(Unauthorized):
        identity.sessions.authenticate(cookie)
    with pytest.raises(Unauthorized):
        identity.sessions.sign_in(offered, HERE)
    with pytest.raises(Unauthorized):
        identity.sessions.sign_in_with_password(alice, PASSWORD, HERE)
    identity.sessions.sign_in_with_password(alice, PASSWORD + "!", HERE)
    identity.set_password(alice, None, by=SYSTEM)
    with pytest.raises(Unauthorized):
        identity.sessions.sign_in_with_password(alice, PASSWORD + "!", HERE)


@pytest.mark.parametrize("password", ["", "x" * 11, "x" * 1025])
@pytest.mark.parametrize("state", ["sqlite"], indirect=True)
def test_a_password_has_a_length(identity: Identity, alice: str, password: str) -> None:
    with pytest.raises(InvalidInput):
        identity.set_password(alice, password, by=SYSTEM)


@pytest.mark.parametrize("state", ["sqlite"], indirect=True)
def test_clients_have_no_passwords(identity: Identity) -> None:
    identity.create_account("client", "robot", by=SYSTEM)
    with pytest.raises(Conflict):
        identity.set_password("robot", PASSWORD, by=SYSTEM)


def test_verifying_passwords() -> None:
    kept = hash_password(PASSWORD)
    assert verify_password(kept, PASSWORD)
    assert not verify_password(kept, PASSWORD + " ")
    assert not verify_password(kept, "x" * 2000)
    assert not verify_password(None, PASSWORD)
    assert not verify_password(None, "the password of nobody")
    assert not verify_password("not a hash", PASSWORD)


# ---- too many attempts


def failures(identity: Identity, source: str, count: int) -> list[type[VedetteError]]:
    found: list[type[VedetteError]] = []
    for _ in range(count):
        with pytest.raises(VedetteError) as caught:
            identity.sessions.sign_in("vds_wrong", source)
        found.append(type(caught.value))
    return found


@pytest.mark.parametrize("state", ["sqlite"], indirect=True)
def test_a_source_has_to_wait_after_ten_failures(identity: Identity, alice: str, clock: VirtualClock) -> None:
    good = identity.create_sign_in(alice, by=SYSTEM).reveal()
    assert failures(identity, "10.0.0.1", 12) == [Unauthorized] * 10 + [TooManyRequests] * 2
    with pytest.raises(TooManyRequests, match=r"from 10\.0\.0\.1") as caught:
        identity.sessions.sign_in(good, "10.0.0.1")
    assert caught.value.retry_after == 300
    clock.advance(299)
    with pytest.raises(TooManyRequests) as caught:
        identity.sessions.sign_in_with_password(alice, PASSWORD, "10.0.0.1")
    assert caught.value.retry_after == 1
    clock.advance(0.5)
    identity.sessions.sign_in(good, "10.0.0.2")  # nobody else has to wait


@pytest.mark.parametrize("state", ["sqlite"], indirect=True)
def test_a_source_may_try_again_later(identity: Identity, alice: str, clock: VirtualClock) -> None:
    failures(identity, HERE, 10)
    clock.advance(300)
    signed_in(identity, alice)


@pytest.mark.parametrize("state", ["sqlite"], indirect=True)
def test_a_name_that_many_sources_tried_has_to_wait(
    identity: Identity, alice: str, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity.set_password(alice, PASSWORD, by=SYSTEM)
    with monkeypatch.context() as quick:
        quick.setattr("vedette.core.sessions.verify_password", lambda kept, password: False)
        for number in range(OF_A_NAME):
            with pytest.raises(Unauthorized):
                identity.sessions.sign_in_with_password(alice.upper(), "guess", f"10.0.{number}.1")
    with pytest.raises(TooManyRequests, match=rf"as {alice.casefold()}\.") as caught:
        identity.sessions.sign_in_with_password(alice, PASSWORD, "10.1.0.1")
    assert caught.value.retry_after == 3600
    with pytest.raises(Unauthorized):
        identity.sessions.sign_in_with_password("bob", "guess", "10.1.0.2")  # no other name has to
    signed_in(identity, alice)  # nor has who comes with a one-time sign-in
    clock.advance(3600)
    identity.sessions.sign_in_with_password(alice, PASSWORD, "10.1.0.3")


@pytest.mark.parametrize("state", ["sqlite"], indirect=True)
def test_success_does_not_count(identity: Identity, alice: str) -> None:
    for _ in range(15):
        signed_in(identity, alice)


@pytest.mark.parametrize("state", ["sqlite"], indirect=True)
def test_refusals_are_in_the_audit_trail(identity: Identity, state: State) -> None:
    failures(identity, "10.9.8.7", 11)
    refused = Audit(state).entries(action="sign-ins/refuse")
    assert len(refused) == 10
    assert refused[0].detail == {"source": "10.9.8.7"}
