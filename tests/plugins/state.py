"""What most rooms' tests start from: a clock, an upgraded state database, and its default workspace."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.plugins.postgres import PostgresServer
from vedette.core.clock import VirtualClock
from vedette.core.database import State
from vedette.core.workspaces import Workspaces

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def clock() -> VirtualClock:
    """A clock that stands at noon of 2026-03-01 until it is moved."""
    return VirtualClock(NOON)


@pytest.fixture(scope="session")
def upgraded_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with every table, to be copied."""
    path = tmp_path_factory.mktemp("state") / "upgraded.db"
    state = State.in_file(path)
    state.upgrade()
    state.dispose()
    return path


@pytest.fixture(scope="session")
def upgraded_database(postgres_server: PostgresServer) -> str:
    """The name of a PostgreSQL database with every table, to be used as a template."""
    name = f"upgraded_{secrets.token_hex(6)}"
    postgres_server.execute(f'create database "{name}"')
    state = State(postgres_server.url(name))
    state.upgrade()
    state.dispose()
    return name


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def state(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[State]:
    """An upgraded state database, on SQLite and on PostgreSQL.

    `@pytest.mark.parametrize("state", ["sqlite"], indirect=True)` is for tests that no database can make a difference to.
    """
    if request.param == "sqlite":
        path = tmp_path / "state.db"
        shutil.copyfile(request.getfixturevalue("upgraded_file"), path)
        state = State.in_file(path)
        yield state
        state.dispose()
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    template, name = request.getfixturevalue("upgraded_database"), f"test_{secrets.token_hex(6)}"
    server.execute(f'create database "{name}" template "{template}"')
    state = State(server.url(name))
    yield state
    state.dispose()
    server.execute(f'drop database if exists "{name}" with (force)')


@pytest.fixture
def workspace(state: State) -> str:
    """The id of the default workspace."""
    return Workspaces(state).default().id
