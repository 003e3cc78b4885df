"""What was acknowledged is there after kill -9, and what was not leaves nothing half done."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from vedette.core.audit import Audit
from vedette.core.database import State
from vedette.core.secrets import Secrets
from vedette.core.workspaces import Workspaces

WRITER = """
import sys
from pathlib import Path
from vedette.core.database import State
from vedette.core.secrets import Secrets
from vedette.core.workspaces import Workspaces

state = State(sys.argv[1])
state.upgrade()
workspaces, secrets = Workspaces(state), Secrets(state, Path(sys.argv[2]))
number = len(workspaces.list())
print("ready", flush=True)
while True:
    name = f"w{number}"
    with state.session():
        workspace = workspaces.create(name)
        secrets.put(name, f"value of {name}", workspace_id=workspace.id)
    print(name, flush=True)
    number += 1
"""


@pytest.mark.skipif(os.name != "posix", reason="kill -9 is POSIX's")
def test_kill_9_loses_nothing_that_was_acknowledged(
    state_url: str, tmp_path: Path, python_environment: dict[str, str]
) -> None:
    key_file = tmp_path / "keys" / "secrets.key"
    acknowledged: list[str] = []
    seeded = random.Random(9)
    for round_ in range(4):
        child = subprocess.Popen(
            [sys.executable, "-c", WRITER, state_url, str(key_file)],
            stdout=subprocess.PIPE,
            text=True,
            env=python_environment,
        )
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        acknowledged.append(child.stdout.readline().strip())
        time.sleep(seeded.uniform(0, 0.25))
        child.kill()
        acknowledged += [line.strip() for line in child.stdout if line.endswith("\n")]
        child.wait(30)
        child.stdout.close()

        state = State(state_url)
        assert state.upgrade() is False
        found = {workspace.name: workspace.id for workspace in Workspaces(state).list()}
        names = found.keys() - {"default"}
        assert set(acknowledged) <= names
        assert len(names - set(acknowledged)) <= round_ + 1  # at most one a round: committed, not yet told
        secrets = Secrets(state, key_file)
        for name in names:  # a workspace and its secret were one transaction
            (info,) = secrets.list(found[name])
            assert secrets.get(info.reference, workspace_id=found[name]).reveal() == f"value of {name}"
        assert Audit(state).verify().intact
        state.dispose()
    assert len(acknowledged) >= 4


HALF = """
import os, signal, sys
from vedette.core.database import State
from vedette.core.workspaces import Workspaces

state = State(sys.argv[1])
state.upgrade()
workspaces = Workspaces(state)
workspaces.create("whole")
with state.session():
    workspaces.create("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(os.name != "posix", reason="kill -9 is POSIX's")
def test_a_transaction_that_was_cut_off_never_was(state_url: str, python_environment: dict[str, str]) -> None:
    done = subprocess.run([sys.executable, "-c", HALF, state_url], env=python_environment, timeout=60)
    assert done.returncode == -9
    state = State(state_url)
    assert [workspace.name for workspace in Workspaces(state).list()] == ["default", "whole"]
    assert Workspaces(state).create("half").name == "half"  # and nobody holds a lock
    assert Audit(state).verify().intact
    state.dispose()
