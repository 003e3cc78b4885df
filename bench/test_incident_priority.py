"""How many of the true incidents are in the first tenth of a queue of 1,000, by priority."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.incidents.queue import fill, top_tenth
from vedette.core.clock import VirtualClock
from vedette.core.database import State
from vedette.core.workspaces import Workspaces
from vedette.incidents.service import IncidentService

pytestmark = pytest.mark.bench
Record = Callable[[str, float, float, str], None]


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("rules", [60, 150])
def test_true_incidents_come_first(shared: Path, tmp_path: Path, record: Record, seed: int, rules: int) -> None:
    state = State.in_file(tmp_path / "state.db")
    state.upgrade()
    clock = VirtualClock(datetime(2026, 3, 1, 12, tzinfo=UTC))
    service = IncidentService(state, Workspaces(state).default().id, clock)
    true = fill(service, clock, shared, seed=seed, rules=rules)
    found, of, places = top_tenth(service, true)
    print(f"seed {seed}, {rules} noisy rules: {found} of {of} in the first tenth; places {sorted(places.values())}")
    record(f"true incidents not in the first tenth, seed {seed}, {rules} rules", 100 * (of - found) / of, 25.0, "%")
    state.dispose()
