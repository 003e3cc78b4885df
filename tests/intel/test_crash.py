"""kill -9 while indicators are taken: what is kept and what the tables say agree, and nothing is told twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.killing import killed_again_and_again
from vedette.core.clock import SystemClock
from vedette.core.database import State
from vedette.core.workspaces import Workspaces
from vedette.intel.indicators import Indicators
from vedette.store.logstore import LogStore

KILLS = 8


@pytest.mark.soak
@pytest.mark.req("P-079")
def test_killed_again_and_again(tmp_path: Path) -> None:
    killed_again_and_again("tests.intel.crashing", tmp_path, times=KILLS, seed=11, least=0.01, most=0.3)

    state, clock = State.in_file(tmp_path / "state.db"), SystemClock()
    workspace = Workspaces(state).default().id
    with LogStore(tmp_path / "logs.duckdb", clock, workspace_id=workspace, name="default") as logs:
        indicators = Indicators(state, workspace, clock, lambda: pytest.fail("nothing is due"))
        assert indicators.write_due() == 0
        kept = indicators.find(active=None, top=100)[0]
        assert len(kept) == 20
        expected = []
        for one in kept:
            addresses = sorted((one.pattern or "").split("'")[1::2])
            expected += [[one.stix_id, address, one.active] for address in dict.fromkeys(addresses)]
        newest = (
            "ThreatIntelIndicators | summarize arg_max(TimeGenerated, *) by Id, ObservableValue "
            "| extend Stix = tostring(Data.id) | where Pattern contains ObservableValue "
            "| project Stix, ObservableValue, IsActive | sort by Stix asc, ObservableValue asc"
        )
        assert logs.query(newest).rows == sorted(expected)
        # what an earlier version named is in force no more
        assert logs.query(
            "ThreatIntelIndicators | summarize arg_max(TimeGenerated, *) by Id, ObservableValue "
            "| where IsActive and not(Pattern contains ObservableValue) | count"
        ).rows == [[0]]
        twice = "ThreatIntelIndicators | summarize count() by Id, ObservableValue, Modified, IsActive | where count_ > 1 | count"
        assert logs.query(twice).rows == [[0]]
        assert logs.query(
            "ThreatIntelligenceIndicator | summarize count() by IndicatorId, TimeGenerated | where count_ > 1 | count"
        ).rows == [[0]]
    state.dispose()
