"""A process that takes versions of indicators and may be killed at any moment: ``crashing.py FOLDER FIRST``."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.intel.conftest import indicator
from vedette.core.clock import SystemClock
from vedette.core.database import State
from vedette.core.workspaces import Workspaces
from vedette.intel.indicators import Indicators
from vedette.store.intake import Intake
from vedette.store.logstore import LogStore

STEPS = 60
EACH = 7


def main(folder: Path) -> None:
    """Takes what every step has, from the first step on: what is there already is taken for what it is."""
    state = State.in_file(folder / "state.db")
    state.upgrade()
    clock = SystemClock()
    workspace = Workspaces(state).default().id
    logs = LogStore(folder / "logs.duckdb", clock, workspace_id=workspace, name="default")
    with logs, Intake(logs, folder / "spool", clock) as intake:
        indicators = Indicators(state, workspace, clock, lambda: intake)
        indicators.write()
        print("ready", flush=True)
        for step in range(STEPS):
            of_step = [
                indicator(
                    1 + (step + number * 3) % 20, modified=f"2026-02-02T00:{step:02d}:00Z", revoked=step % 9 == 0,
                    pattern=f"[ipv4-addr:value IN ('192.0.2.{step}', '192.0.2.{step // 2}')]",
                )
                for number in range(EACH)
            ]  # fmt: skip
            indicators.take(of_step, "S", "TAXII")
        assert intake.flush()
    state.dispose()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
