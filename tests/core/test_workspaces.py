"""Workspaces: named, found, archived, deleted with what belongs to them."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest

from vedette.core.audit import Audit
from vedette.core.clock import VirtualClock
from vedette.core.database import State
from vedette.core.errors import Conflict, Forbidden, InvalidInput, NotFound
from vedette.core.ids import seeded_ids
from vedette.core.roles import EVERYWHERE, Principal, Role
from vedette.core.workspaces import Workspaces


@pytest.fixture
def workspaces(state: State, clock: VirtualClock) -> Workspaces:
    return Workspaces(state, clock)


def test_the_default_workspace_is_there_from_the_start(workspaces: Workspaces) -> None:
    default = workspaces.default()
    assert (default.name, default.retention_days, default.archived_at) == ("default", 90, None)
    assert default.created_at == datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert workspaces.list() == [default]
    assert workspaces.get("default") == workspaces.get(default.id) == workspaces.default() == default


def test_the_default_workspace_is_made_once(state: State) -> None:
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(Workspaces(state).default().id)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(found) == 4
    assert len(set(found)) == 1
    assert [entry.action for entry in Audit(state).entries()] == ["workspaces/create"]


def test_names_are_compared_without_case_and_kept_as_written(workspaces: Workspaces) -> None:
    made = workspaces.create("Prod-EU", display_name="Production, Europe", retention_days=365)
    assert workspaces.get("prod-eu") == workspaces.get("PROD-EU") == workspaces.get(made.id.upper()) == made
    assert (made.name, made.display_name, made.retention_days) == ("Prod-EU", "Production, Europe", 365)
    with pytest.raises(Conflict, match="'PROD-eu' already"):
        workspaces.create("PROD-eu")
    assert [workspace.name for workspace in workspaces.list()] == ["default", "Prod-EU"]


@pytest.mark.parametrize("name", ["a", "A1", "x" * 63, "a-b-c", "0"])
@pytest.mark.parametrize("state", ["sqlite"], indirect=True)
def test_names(workspaces: Workspaces, name: str) -> None:
    assert workspaces.create(name).name == name


@pytest.mark.parametrize(
    "name",
    ["", "x" * 64, "-a", "a-", "--help", "a b", "a_b", "a/b", "..", "ä", "a\n", "11111111-2222-3333-4444-555555555555"],
)
@pytest.mark.parametrize("state", ["sqlite"], indirect=True)
def test_what_is_not_a_name_is_refused(workspaces: Workspaces, name: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        workspaces.create(name)
    assert caught.value.hint
    assert workspaces.list() == [workspaces.default()]


@pytest.mark.parametrize("days", [0, -1, 4384])
@pytest.mark.parametrize("state", ["sqlite"], indirect=True)
def test_a_retention_that_is_not_possible_is_refused(workspaces: Workspaces, days: int) -> None:
    with pytest.raises(InvalidInput, match="retention"):
        workspaces.create("a", retention_days=days)
    with pytest.raises(InvalidInput, match="retention"):
        workspaces.update("default", retention_days=days)


@pytest.mark.parametrize("state", ["sqlite"], indirect=True)
def test_the_nearest_name_is_offered(workspaces: Workspaces) -> None:
    with pytest.raises(NotFound) as caught:
        workspaces.get("defautl")
    assert caught.value.hint == "Did you mean 'default'?"


def test_change_archive_restore_and_delete(workspaces: Workspaces, clock: VirtualClock, state: State) -> None:
    made = workspaces.create("case-17")
    assert workspaces.update("case-17", display_name="Case 17").retention_days == 90
    assert workspaces.update("case-17", retention_days=30).display_name == "Case 17"
    with pytest.raises(Conflict, match="in use"):
        workspaces.delete("case-17")
    clock.advance(60)
    assert workspaces.archive("case-17").archived_at == clock.now()
    assert [workspace.name for workspace in workspaces.list()] == ["default"]
    assert [workspace.name for workspace in workspaces.list(archived=True)] == ["case-17", "default"]
    assert workspaces.restore("case-17").archived_at is None
    workspaces.archive("case-17")
    assert workspaces.delete("case-17").id == made.id
    with pytest.raises(NotFound):
        workspaces.get(made.id)
    actions = [entry.action for entry in Audit(state).entries(workspace_id=made.id)][::-1]
    assert actions == [
        f"workspaces/{verb}" for verb in ("create", "update", "update", "archive", "restore", "archive", "delete")
    ]


def test_the_default_workspace_cannot_be_archived(workspaces: Workspaces) -> None:
    workspaces.default()
    with pytest.raises(Conflict):
        workspaces.archive("default")


def test_ids_come_from_the_source(state: State) -> None:
    assert Workspaces(state, new_id=seeded_ids(1)).default().id == seeded_ids(1)()


def test_who_may_not_may_not(workspaces: Workspaces) -> None:
    reader = Principal("r", "user", "rita", "Rita", {EVERYWHERE: frozenset({Role.READER})})
    with pytest.raises(Forbidden, match="workspaces/write"):
        workspaces.create("a", by=reader)
    for change in (workspaces.archive, workspaces.restore, workspaces.delete, workspaces.update):
        with pytest.raises(Forbidden, match="workspaces/write"):
            change("default", by=reader)
    local = Principal("a", "user", "adele", "Adele", {workspaces.default().id: frozenset({Role.ADMINISTRATOR})})
    assert workspaces.update("default", display_name="Mine", by=local).display_name == "Mine"
    with pytest.raises(Forbidden, match="for the whole installation"):
        workspaces.create("a", by=local)


def test_a_change_is_seen_at_once_by_all(state: State, clock: VirtualClock) -> None:
    """Also by another register of the same state, within the transaction that makes it, and when that is undone."""
    one, other = Workspaces(state, clock), Workspaces(state, clock)
    made = one.create("tests")
    assert other.get("tests") == other.get(made.id) == made
    for _ in range(3):
        assert one.archive("tests").archived_at is not None
        assert other.get("tests").archived_at is not None
        assert one.restore("tests").archived_at is None
        assert other.get("tests").archived_at is None
    with pytest.raises(RuntimeError), state.session():
        one.archive("tests")
        assert other.get("tests").archived_at is not None
        raise RuntimeError
    assert other.get("tests").archived_at is None
    one.archive("tests")
    one.delete("tests")
    for name in ("tests", made.id):
        with pytest.raises(NotFound):
            other.get(name)


def test_what_another_process_changes_is_seen_soon(state: State, clock: VirtualClock) -> None:
    found = Workspaces(state, clock)
    assert found.get("default").display_name == "Default"
    with state.connect_writing() as beside, beside.begin():
        beside.exec_driver_sql("UPDATE workspaces SET display_name = 'Changed'")
    clock.advance(timedelta(seconds=2))
    assert found.get("default").display_name == "Changed"
