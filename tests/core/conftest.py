"""Fixtures of the core room's tests."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from vedette.core.clock import VirtualClock
from vedette.core.database import State


@pytest.fixture
def clock() -> VirtualClock:
    """A clock that stands at noon of 2026-03-01 until it is moved."""
    return VirtualClock(datetime(2026, 3, 1, 12, tzinfo=UTC))


@pytest.fixture
def state(state_url: str) -> Iterator[State]:
    """An upgraded state database, on SQLite and on PostgreSQL."""
    state = State(state_url)
    state.upgrade()
    yield state
    state.dispose()


@pytest.fixture
def python_environment() -> dict[str, str]:
    """The environment of a child process that shall find the same packages as this one."""
    return os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
