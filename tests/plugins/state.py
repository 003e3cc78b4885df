"""What most rooms' tests start from: a clock, an upgraded state database, and its default workspace."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.plugins.postgres import PostgresServer
from vedette.core.clock import VirtualClock
from vedette.core.database import State
from vedette.core.migrations import upgrade
from vedette.core.workspaces import Workspaces

TESTS = Path(__file__).resolve().parents[1]
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
    upgrade(state)
    state.dispose()
    return path


@pytest.fixture(autouse=True)
def new_files_are_copies(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A SQLite file that is new gets its tables as a copy of one that the migrations made: they take longer than most tests.

    Processes that a test starts, and the tests of the room that has the migrations, run them.
    """
    if "core" in request.path.relative_to(TESTS).parts:
        return

    def copied(state: State) -> bool:
        path = Path(state.engine.url.database or "") if state.dialect == "sqlite" else None
        if path is None or path.exists() or not path.parent.is_dir():
            return upgrade(state)
        whole = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        shutil.copy(request.getfixturevalue("upgraded_file"), whole)
        with contextlib.suppress(FileExistsError):  # another thread's copy was first
            os.link(whole, path)
        whole.unlink()
        return True

    monkeypatch.setattr(State, "upgrade", copied)


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
