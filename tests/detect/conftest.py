"""Fixtures of the detect room's tests."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from vedette.core.clock import VirtualClock
from vedette.core.database import State
from vedette.core.workspaces import Workspaces

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def clock() -> VirtualClock:
    """A clock that stands at noon of 2026-03-01 until it is moved."""
    return VirtualClock(NOON)


@pytest.fixture
def state(state_url: str) -> Iterator[State]:
    """An upgraded state database, on SQLite and on PostgreSQL."""
    state = State(state_url)
    state.upgrade()
    yield state
    state.dispose()


@pytest.fixture
def workspace(state: State) -> str:
    """The id of the default workspace."""
    return Workspaces(state).default().id
