"""Fixtures of the incidents room's tests."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pytest

from tests.plugins.state import NOON
from vedette.core.clock import VirtualClock
from vedette.core.database import State
from vedette.core.ids import seeded_ids
from vedette.core.workspaces import Workspaces
from vedette.incidents.service import IncidentService
from vedette.store.logstore import LogStore

Fresh = Callable[[], IncidentService]
"""Makes the incidents of a workspace that nobody has used."""


@pytest.fixture
def service(state: State, workspace: str, clock: VirtualClock) -> IncidentService:
    """The incidents of the default workspace."""
    return IncidentService(state, workspace, clock, new_id=seeded_ids(1))


@pytest.fixture
def logs(clock: VirtualClock) -> Iterator[LogStore]:
    """A log store in memory."""
    store = LogStore(None, clock)
    yield store
    store.close()


@pytest.fixture(scope="session")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fresh]:
    """Workspaces of their own in one SQLite state: for tests that need many."""
    state = State.in_file(tmp_path_factory.mktemp("fresh") / "state.db")
    state.upgrade()
    names = itertools.count()

    def make() -> IncidentService:
        number = next(names)
        workspace = Workspaces(state).create(f"fresh-{number}")
        return IncidentService(state, workspace.id, VirtualClock(NOON), new_id=seeded_ids(number))

    yield make
    state.dispose()
