"""The write path: what was acknowledged is stored once, whatever happens."""

from __future__ import annotations

from pathlib import Path

import pytest

from vedette.core.clock import SystemClock
from vedette.store.intake import Intake
from vedette.store.logstore import LogStore


@pytest.mark.req("P-046")
def test_accepted_rows_can_be_asked_for(tmp_path: Path) -> None:
    with (
        LogStore(tmp_path / "logs.duckdb", SystemClock()) as logs,
        Intake(logs, tmp_path / "spool", SystemClock()) as intake,
    ):
        done = intake.accept("Things_CL", [{"a": 1, "b": "x\ny"}, {"a": 2}], source="test")
        assert done.count == 2
        assert intake.flush()
        assert logs.query("Things_CL | project a, b | sort by a asc").rows == [[1, "x\ny"], [2, ""]]
        stats = intake.stats()
        assert (stats.accepted, stats.stored, stats.waiting_rows) == (2, 2, 0)
