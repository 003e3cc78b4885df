"""Migrations: in line, and in agreement with what the rooms' models say."""

from __future__ import annotations

import importlib
import subprocess
import sys
import time
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

import vedette
from vedette.core.database import Base, State
from vedette.core.migrations import FOLDER, revisions


def import_every_rooms_models() -> None:
    package = Path(vedette.__file__).parent
    for path in sorted(package.rglob("models.py")):
        importlib.import_module(".".join(["vedette", *path.relative_to(package).with_suffix("").parts]))


def test_revisions_are_in_line_and_named_after_their_files() -> None:
    scripts = ScriptDirectory(str(FOLDER))
    oldest_first = [script.revision for script in scripts.walk_revisions()][::-1]
    assert oldest_first == revisions()
    assert revisions()[0] == "0001_core"
    assert {Path(script.path).stem == script.revision for script in scripts.walk_revisions()} == {True}
    assert all(len(revision) <= 32 for revision in revisions())  # the width of Alembic's own column


def test_the_migrated_database_is_what_the_models_say(state: State) -> None:
    import_every_rooms_models()
    with state.connect_writing() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, Base.metadata) == []


def test_an_upgraded_state_opens_without_alembic(tmp_path: Path, python_environment: dict[str, str]) -> None:
    path = tmp_path / "state.db"
    State.in_file(path).upgrade()
    program = (
        "import sys, time\nfrom pathlib import Path\nfrom vedette.core.database import State\n"
        f"state = State.in_file(Path({str(path)!r}))\nstart = time.perf_counter()\nassert state.upgrade() is False\n"
        "print(time.perf_counter() - start, 'alembic' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, env=python_environment
    )
    assert done.returncode == 0, done.stderr
    _seconds, alembic = done.stdout.split()
    assert alembic == "False"


@pytest.mark.bench
def test_opening_again_in_one_process_is_a_small_query(state: State) -> None:
    start = time.perf_counter()
    assert state.upgrade() is False
    assert time.perf_counter() - start < 0.1
