"""Secrets: encrypted at rest, bound to their place, never shown."""

from __future__ import annotations

import base64
import os
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from tests.plugins.secrecy import marked
from vedette.core.accounts import local_operator
from vedette.core.audit import Audit
from vedette.core.clock import VirtualClock
from vedette.core.database import State
from vedette.core.errors import Conflict, Forbidden, InvalidInput, NotFound, Unavailable
from vedette.core.redaction import Secret
from vedette.core.roles import EVERYWHERE, Principal, Role
from vedette.core.secrets import Secrets
from vedette.core.workspaces import Workspaces

VALUE = marked("client secret")
posix = pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX's")


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    return tmp_path / "keys" / "secrets.key"


@pytest.fixture
def secrets(state: State, key_file: Path, clock: VirtualClock) -> Secrets:
    return Secrets(state, key_file, clock)


@pytest.fixture
def workspace(state: State, clock: VirtualClock) -> str:
    return Workspaces(state, clock).default().id


def everything(state: State) -> str:
    """Every value of every table, as it is kept."""
    kept = ""
    with state.session(read_only=True) as session:
        for table in ("secrets", "audit"):
            for row in session.execute(text(f"SELECT * FROM {table}")):
                kept += repr([bytes(v) if isinstance(v, bytes | memoryview) else v for v in row])
    return kept


def test_put_and_get(secrets: Secrets) -> None:
    reference = secrets.put("sentinel client secret", VALUE)
    assert reference.startswith("secretref:")
    found = secrets.get(reference)
    assert isinstance(found, Secret)
    assert found.reveal() == VALUE


@given(value=st.text(min_size=1, max_size=200, alphabet=st.characters(exclude_categories=["Cs"])))
@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_any_text_comes_back_as_it_was(secrets: Secrets, value: str) -> None:
    reference = secrets.put("x", value)
    assert secrets.get(reference).reveal() == value
    secrets.delete(reference)


def test_nothing_but_the_system_gets_a_value(secrets: Secrets, state: State, workspace: str, tmp_path: Path) -> None:
    reference = secrets.put("one", VALUE, workspace_id=workspace, by=local_operator())
    secrets.replace(reference, VALUE + "2", by=local_operator())
    for by in (local_operator(), Principal("a", "user", "a", "A", {EVERYWHERE: frozenset({Role.ADMINISTRATOR})})):
        with pytest.raises(Forbidden, match="not shown again"):
            secrets.get(reference, workspace_id=workspace, by=by)
    (info,) = secrets.list(workspace, by=local_operator())
    assert (info.reference, info.name) == (reference, "one")
    assert VALUE not in repr(info)
    assert VALUE not in repr(secrets.get(reference, workspace_id=workspace))
    assert VALUE not in everything(state)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert all(VALUE.encode() not in path.read_bytes() for path in files)


def test_equal_secrets_look_different(secrets: Secrets, state: State) -> None:
    for name in ("a", "b"):
        secrets.put(name, VALUE)
    with state.session(read_only=True) as session:
        rows = session.execute(text("SELECT nonce, ciphertext FROM secrets")).all()
    assert bytes(rows[0][0]) != bytes(rows[1][0])
    assert bytes(rows[0][1]) != bytes(rows[1][1])


def test_replace_keeps_the_reference_and_tracks_the_age(secrets: Secrets, clock: VirtualClock, workspace: str) -> None:
    made = clock.now()
    reference = secrets.put("x", VALUE, workspace_id=workspace)
    changed = clock.advance(86_400)
    secrets.replace(reference, "new value", expires_at=clock.now())
    assert secrets.get(reference, workspace_id=workspace).reveal() == "new value"
    (info,) = secrets.list(workspace)
    assert (info.created_at, info.changed_at, info.expires_at) == (made, changed, changed)


def test_names_are_taken_once_a_place(secrets: Secrets, workspace: str) -> None:
    secrets.put("x", VALUE)
    secrets.put("x", VALUE, workspace_id=workspace)
    for where in (None, workspace):
        with pytest.raises(Conflict, match="'x' already"):
            secrets.put("x", "other", workspace_id=where)


def test_deleted_is_gone(secrets: Secrets) -> None:
    reference = secrets.put("x", VALUE)
    secrets.delete(reference)
    for attempt in (secrets.get, secrets.delete):
        with pytest.raises(NotFound):
            attempt(reference)
    assert secrets.list() == []


def test_another_workspaces_secret_does_not_exist(secrets: Secrets, state: State, workspace: str) -> None:
    other = Workspaces(state).create("other").id
    reference, shared = secrets.put("x", VALUE, workspace_id=workspace), secrets.put("y", "shared value")
    for where in (other, None):
        with pytest.raises(NotFound):
            secrets.get(reference, workspace_id=where)
    assert secrets.get(shared, workspace_id=other).reveal() == "shared value"
    assert secrets.list(other) == []
    contributor = Principal("c", "user", "c", "C", {other: frozenset({Role.CONTRIBUTOR})})
    with pytest.raises(NotFound):
        secrets.replace(reference, "z", by=contributor)
    with pytest.raises(NotFound):
        secrets.delete(reference, by=contributor)
    with pytest.raises(Forbidden, match="secrets/write"):
        secrets.put("z", VALUE, by=contributor)
    with pytest.raises(Forbidden, match="secrets/read"):
        secrets.list(workspace, by=contributor)
    secrets.put("z", VALUE, workspace_id=other, by=contributor)


def test_secrets_go_with_their_workspace(secrets: Secrets, state: State) -> None:
    workspaces = Workspaces(state)
    case = workspaces.create("case").id
    reference = secrets.put("x", VALUE, workspace_id=case)
    workspaces.archive("case")
    workspaces.delete("case")
    with pytest.raises(NotFound):
        secrets.get(reference, workspace_id=case)


@pytest.mark.parametrize("value", ["", "x" * 65_537, "ä" * 32_769, "\ud800"])
@pytest.mark.parametrize("state", ["sqlite"], indirect=True)
def test_a_value_that_is_no_secret_is_refused(secrets: Secrets, value: str) -> None:
    with pytest.raises(InvalidInput):
        secrets.put("x", value)
    assert secrets.list() == []


@pytest.mark.parametrize("reference", ["", VALUE, "secretref:", f"secretref:{VALUE}", "secretref:" + "1" * 36])
@pytest.mark.parametrize("state", ["sqlite"], indirect=True)
def test_what_is_no_reference_is_not_found_and_not_repeated(secrets: Secrets, reference: str) -> None:
    with pytest.raises(NotFound) as caught:
        secrets.get(reference)
    assert VALUE not in str(caught.value)


def test_every_access_is_in_the_audit_trail(secrets: Secrets, state: State, workspace: str) -> None:
    reference = secrets.put("x", VALUE, workspace_id=workspace, by=local_operator())
    secrets.get(reference, workspace_id=workspace)
    secrets.replace(reference, "other", by=local_operator())
    secrets.delete(reference, by=local_operator())
    entries = Audit(state).entries(workspace_id=workspace, action="secrets/")[::-1]
    assert [(entry.action, entry.actor_kind, entry.target) for entry in entries] == [
        ("secrets/create", "local", "x"),
        ("secrets/read", "system", "x"),
        ("secrets/replace", "local", "x"),
        ("secrets/delete", "local", "x"),
    ]
    assert entries[0].detail == {"reference": reference}


# ---- the key


@posix
@pytest.mark.parametrize("state", ["sqlite"], indirect=True)
def test_the_key_file_is_its_owners_alone(secrets: Secrets, key_file: Path) -> None:
    assert not key_file.exists()
    secrets.put("x", VALUE)
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(key_file.parent.stat().st_mode) == 0o700


@posix
@pytest.mark.parametrize("state", ["sqlite"], indirect=True)
def test_a_key_file_that_others_can_read_is_refused(secrets: Secrets, key_file: Path) -> None:
    secrets.put("x", VALUE)
    key_file.chmod(0o640)
    with pytest.raises(Unavailable, match="can be read by other users") as caught:
        secrets.put("y", VALUE)
    assert caught.value.hint == f"chmod 600 {key_file}"


@pytest.mark.parametrize("state", ["sqlite"], indirect=True)
def test_a_lost_key_is_not_replaced_in_silence(secrets: Secrets, key_file: Path) -> None:
    reference = secrets.put("x", VALUE)
    kept = key_file.read_bytes()
    key_file.unlink()
    for attempt in (lambda: secrets.get(reference), lambda: secrets.put("y", VALUE)):
        with pytest.raises(Unavailable, match="is missing"):
            attempt()
    assert not key_file.exists()
    key_file.write_bytes(kept)
    key_file.chmod(0o600)
    assert secrets.get(reference).reveal() == VALUE


@pytest.mark.parametrize("state", ["sqlite"], indirect=True)
def test_the_wrong_key_is_named(secrets: Secrets, key_file: Path) -> None:
    reference = secrets.put("x", VALUE)
    key_file.write_text(base64.b64encode(bytes(32)).decode())
    with pytest.raises(Unavailable, match=r"encrypted with the key [0-9a-f]{16}, which is not there"):
        secrets.get(reference)


@pytest.mark.parametrize("content", ["", "# only a comment", "not base64!", base64.b64encode(bytes(16)).decode(), "ä"])
@pytest.mark.parametrize("state", ["sqlite"], indirect=True)
def test_a_key_file_that_makes_no_sense(secrets: Secrets, key_file: Path, content: str) -> None:
    key_file.parent.mkdir()
    key_file.touch(mode=0o600)
    key_file.write_text(content, encoding="utf-8")
    with pytest.raises(InvalidInput, match="does not hold keys"):
        secrets.put("x", VALUE)


@pytest.mark.parametrize("state", ["sqlite"], indirect=True)
def test_a_key_from_the_settings(state: State, key_file: Path) -> None:
    first, second = (base64.b64encode(os.urandom(32)).decode() for _ in range(2))
    reference = Secrets(state, key_file, key=first).put("x", VALUE)
    assert not key_file.exists()
    both = Secrets(state, key_file, key=f"{first},{second}")
    assert both.get(reference).reveal() == VALUE
    assert both.rotate_key() == 1
    assert Secrets(state, key_file, key=second).get(reference).reveal() == VALUE
    with pytest.raises(Unavailable, match="which is not there"):
        Secrets(state, key_file, key=first).get(reference)
    with pytest.raises(InvalidInput) as caught:
        Secrets(state, key_file, key="hunter2")
    assert "hunter2" not in f"{caught.value} {caught.value.hint}"


def test_rotation_encrypts_everything_anew(secrets: Secrets, state: State, key_file: Path, workspace: str) -> None:
    references = [secrets.put(f"s{n}", f"{VALUE}{n}") for n in range(3)]

    def key_ids() -> set[str]:
        with state.session(read_only=True) as session:
            return set(session.execute(text("SELECT key_id FROM secrets")).scalars())

    (before,) = key_ids()
    assert secrets.rotate_key() == 3
    (after,) = key_ids()
    assert after != before
    assert [secrets.get(reference).reveal() for reference in references] == [f"{VALUE}{n}" for n in range(3)]
    last = key_file.read_text().splitlines()[-1]
    key_file.write_text(last)  # the old key is not needed any more
    assert secrets.get(references[0]).reveal() == f"{VALUE}0"


def test_a_rotation_that_is_cut_off_loses_nothing(
    secrets: Secrets, key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    references = [secrets.put(f"s{n}", VALUE) for n in range(3)]
    calls = []

    def encrypt_two(*arguments: object) -> None:
        calls.append(arguments)
        if len(calls) == 3:
            raise KeyboardInterrupt
        original(*arguments)  # type: ignore[arg-type]

    original = secrets._encrypt
    monkeypatch.setattr(secrets, "_encrypt", encrypt_two)
    with pytest.raises(KeyboardInterrupt):
        secrets.rotate_key()
    monkeypatch.undo()
    assert [secrets.get(reference).reveal() for reference in references] == [VALUE] * 3


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE secrets SET name = 'z' WHERE name = 'a'",
        "UPDATE secrets SET ciphertext = (SELECT ciphertext FROM secrets WHERE name = 'b'), "
        "nonce = (SELECT nonce FROM secrets WHERE name = 'b') WHERE name = 'a'",
        "UPDATE secrets SET workspace_id = (SELECT id FROM workspaces) WHERE name = 'a'",
    ],
)
def test_a_value_that_was_moved_or_changed_cannot_be_read(
    secrets: Secrets, state: State, workspace: str, change: str
) -> None:
    reference = secrets.put("a", VALUE)
    secrets.put("b", VALUE)
    with state.session() as session:
        session.execute(text(change))
    with pytest.raises(Unavailable, match="was changed in the database") as caught:
        secrets.get(reference, workspace_id=workspace)
    assert VALUE not in str(caught.value)
