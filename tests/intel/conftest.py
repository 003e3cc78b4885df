"""A workspace with its state, its log tables and its threat intelligence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from vedette.core.clock import SystemClock, VirtualClock
from vedette.core.database import State
from vedette.intel.indicators import Indicators
from vedette.store.intake import Intake
from vedette.store.logstore import LogStore

ID = "indicator--8516d567-0daa-4614-8745-e3591e1b48cf"


def indicator(number: int = 0, **changed: Any) -> dict[str, Any]:
    """An indicator of an address; one for each number."""
    made = {
        "type": "indicator", "spec_version": "2.1", "id": f"indicator--8516d567-0daa-4614-8745-{number:012x}" if number else ID,
        "created": "2026-02-01T09:00:00.000Z", "modified": "2026-02-01T09:00:00.000Z", "name": f"C2 address {number}",
        "pattern": f"[ipv4-addr:value = '203.0.113.{number % 256}']", "pattern_type": "stix", "valid_from": "2026-02-01T09:00:00Z",
    }  # fmt: skip
    return {name: value for name, value in (made | changed).items() if value is not None}


@dataclass
class Held:
    """The workspace."""

    indicators: Indicators
    logs: LogStore
    intake: Intake
    clock: VirtualClock
    state: State

    def rows(self, query: str) -> list[list[Any]]:
        """The rows of a query once all that was accepted is in its table."""
        assert self.intake.flush()
        return self.logs.query(query).rows


@pytest.fixture
def held(state: State, workspace: str, clock: VirtualClock, tmp_path: Path) -> Iterator[Held]:
    folder = tmp_path / "workspace"
    folder.mkdir()
    with (
        LogStore(folder / "logs.duckdb", clock, workspace_id=workspace, name="default") as logs,
        Intake(logs, folder / "spool", SystemClock()) as intake,
    ):
        yield Held(Indicators(state, workspace, clock, lambda: intake), logs, intake, clock, state)
