"""The audit trail: complete, without secrets, and tampering shows."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from vedette.core.audit import Audit
from vedette.core.clock import VirtualClock
from vedette.core.database import State
from vedette.core.errors import VedetteError
from vedette.core.redaction import Secret
from vedette.core.roles import SYSTEM, Principal

ALICE = Principal("a" * 36, "user", "alice", "Alice")


@pytest.fixture
def audit(state: State, clock: VirtualClock) -> Audit:
    return Audit(state, clock)


def fill(audit: Audit, count: int = 5) -> None:
    for number in range(count):
        audit.record(ALICE, "things/create", f"thing {number}", detail={"number": number})


def test_an_entry_says_who_did_what_to_what_and_when(audit: Audit, clock: VirtualClock) -> None:
    audit.record(ALICE, "rules/update", "Rare sign-in", "w" * 36, {"enabled": [True, False]})
    (entry,) = audit.entries()
    assert (entry.sequence, entry.at, entry.actor_id, entry.actor_kind, entry.actor_name) == (
        1,
        clock.now(),
        ALICE.id,
        "user",
        "alice",
    )
    assert (entry.action, entry.target, entry.workspace_id) == ("rules/update", "Rare sign-in", "w" * 36)
    assert entry.detail == {"enabled": [True, False]}


def test_secrets_are_taken_out(audit: Audit, state: State) -> None:
    held = Secret("correct-horse-battery")
    audit.record(
        ALICE,
        "destinations/update",
        "url https://u:hunter2@example.com, key correct-horse-battery",
        detail={
            "client_secret": "hunter2",
            "nested": [{"password": "hunter2"}, held, "token=hunter2", b"hunter2"],
            "note": "it was correct-horse-battery",
            "tenant": "contoso",
        },
    )
    with state.session(read_only=True) as session:
        kept = repr(session.execute(text("SELECT * FROM audit")).all())
    assert "hunter2" not in kept
    assert "correct-horse" not in kept
    assert audit.entries()[0].detail["tenant"] == "contoso"
    assert audit.verify().intact


def test_text_that_databases_do_not_hold(audit: Audit) -> None:
    audit.record(SYSTEM, "x/y", "a\x00b\ud800c", detail={"a\x00": "\ud800\x00"})
    (entry,) = audit.entries()
    assert entry.target == "a\ufffdb\ufffdc"
    assert entry.detail == {"a\x00": "\ud800\x00"}
    assert audit.verify().intact


def test_an_entry_is_kept_with_the_change_or_not_at_all(audit: Audit, state: State) -> None:
    with pytest.raises(RuntimeError), state.session():
        audit.record(ALICE, "things/create", "x")
        raise RuntimeError
    assert audit.entries() == []
    assert audit.verify().intact


def test_entries_are_found(audit: Audit) -> None:
    fill(audit)
    audit.record(SYSTEM, "thing%/create", "other", "w" * 36)
    assert [entry.sequence for entry in audit.entries(limit=2)] == [6, 5]
    assert [entry.sequence for entry in audit.entries(limit=2, before=5)] == [4, 3]
    assert [entry.sequence for entry in audit.entries(actor_id=SYSTEM.id)] == [6]
    assert [entry.sequence for entry in audit.entries(workspace_id="w" * 36)] == [6]
    assert len(audit.entries(action="things/create")) == 5
    assert len(audit.entries(action="things/")) == 5
    assert len(audit.entries(action="thing%/")) == 1


def test_writers_at_the_same_time_make_one_chain(audit: Audit, state: State, clock: VirtualClock) -> None:
    other = State(state.engine.url)
    threads = [threading.Thread(target=fill, args=[Audit(one, clock), 10]) for one in (state, other, state)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    other.dispose()
    check = audit.verify()
    assert (check.entries, check.intact) == (30, True)


def test_a_long_trail_is_read_to_its_end(audit: Audit, state: State) -> None:
    with state.session():
        fill(audit, 1001)
    assert (audit.verify().entries, audit.verify().intact) == (1001, True)


@pytest.mark.parametrize("statement", ["UPDATE audit SET target = 'x'", "DELETE FROM audit"])
def test_the_database_refuses_to_change_entries(audit: Audit, state: State, statement: str) -> None:
    fill(audit)
    with pytest.raises((DBAPIError, VedetteError), match="only added to"), state.session() as session:
        session.execute(text(statement))
    assert audit.verify().intact


def tamper(state: State, *statements: str) -> None:
    """As somebody who may do anything to the database would."""
    with state.session() as session:
        if state.dialect == "sqlite":
            session.execute(text("DROP TRIGGER IF EXISTS audit_no_update"))
            session.execute(text("DROP TRIGGER IF EXISTS audit_no_delete"))
        else:
            session.execute(text("ALTER TABLE audit DISABLE TRIGGER USER"))
        for statement in statements:
            session.execute(text(statement))


@pytest.mark.parametrize(
    ("statements", "broken_at", "reason"),
    [
        (["UPDATE audit SET actor_name = 'bob' WHERE sequence = 3"], 3, "the entry was changed"),
        (["UPDATE audit SET target = target || ' ' WHERE sequence = 1"], 1, "the entry was changed"),
        (["UPDATE audit SET detail = '{}' WHERE sequence = 4"], 4, "the entry was changed"),
        (["UPDATE audit SET workspace_id = 'w' WHERE sequence = 5"], 5, "the entry was changed"),
        (["UPDATE audit SET hash = 'x' WHERE sequence = 5"], 5, "the entry was changed"),
        (["DELETE FROM audit WHERE sequence = 2"], 2, "the entry is missing"),
        (["DELETE FROM audit WHERE sequence = 1"], 1, "the entry is missing"),
        (
            ["DELETE FROM audit WHERE sequence = 2", "UPDATE audit SET sequence = 2 WHERE sequence = 3"],
            2,
            "the entry was changed",
        ),
        (["DELETE FROM audit WHERE sequence >= 4"], 4, "entries are missing at the end"),
        (["DELETE FROM audit"], 1, "entries are missing at the end"),
    ],
)
def test_tampering_shows(audit: Audit, state: State, statements: list[str], broken_at: int, reason: str) -> None:
    fill(audit)
    assert audit.verify().intact
    tamper(state, *statements)
    check = audit.verify()
    assert (check.broken_at, check.reason) == (broken_at, reason)


def test_a_moved_moment_shows(audit: Audit, state: State, clock: VirtualClock) -> None:
    fill(audit)
    later = clock.now() + timedelta(microseconds=1)
    value = later.replace(tzinfo=None).isoformat(sep=" ") if state.dialect == "sqlite" else later.isoformat()
    tamper(state, f"UPDATE audit SET at = '{value}' WHERE sequence = 2")
    assert audit.verify().broken_at == 2


def test_a_trail_written_anew_differs_from_the_hash_that_was_noted(audit: Audit, state: State) -> None:
    fill(audit)
    noted = (3, audit.entries(before=4)[0].hash)
    assert audit.verify(expected=noted).intact
    tamper(state, "DELETE FROM audit", "DELETE FROM audit_head")
    for number in range(5):
        audit.record(ALICE, "things/create", f"nothing {number}")
    assert audit.verify().intact
    assert audit.verify(expected=noted).broken_at == 3
    assert audit.verify(expected=(99, "0" * 64)).reason == "entries are missing at the end"
