"""What the preview of an exception says, held against what the exception does."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

import pytest

from tests.detect.logs import ScriptedLogs, table
from tests.incidents.runs import rule
from tests.plugins.state import NOON
from vedette.core.clock import VirtualClock
from vedette.core.database import State
from vedette.detect.alerts.alert import RunType
from vedette.detect.rule import EventGrouping, Operator, Threshold
from vedette.detect.running.runner import RuleRunner
from vedette.detect.tuning.conditions import Condition
from vedette.detect.tuning.conditions import Test as How
from vedette.incidents.service import IncidentService
from vedette.incidents.tuning import Tuning

BOB = (Condition("User", How.EQUALS, ("bob@x.com",)),)


class Hides:
    """An exception for Bob."""

    id, owner = "bob", "ann"

    def hides(self, row: Any) -> bool:
        return all(one.holds(row) for one in BOB)


@pytest.mark.parametrize("grouping", EventGrouping)
@pytest.mark.parametrize("threshold", [0, 2, 3])
def test_a_preview_counts_the_alerts_that_are_not_raised(
    service: IncidentService, state: State, workspace: str, grouping: EventGrouping, threshold: int
) -> None:
    one = rule(1, event_grouping=grouping, trigger=Threshold(Operator.GT, threshold))
    tuning = Tuning(state, workspace, VirtualClock(NOON + timedelta(days=1)))
    raised = left = 0
    for hour, (bobs, others) in enumerate(itertools.product(range(4), range(4))):
        at = NOON + timedelta(hours=hour)
        users = ["bob@x.com"] * bobs + [f"{number}@x.com" for number in range(others)]
        rows = [{"TimeGenerated": f"2026-03-01T11:00:00.{n:07}Z", "User": user} for n, user in enumerate(users)]
        logs = ScriptedLogs(lambda *_, rows=rows: table(rows, {"TimeGenerated": "datetime"}))
        found = RuleRunner(logs, VirtualClock(at)).run(one, at, run_type=RunType.SCHEDULED)
        service.ingest(found)
        quiet = RuleRunner(logs, VirtualClock(at), exceptions=lambda *_: [Hides()])
        kept = quiet.run(one, at, run_type=RunType.SCHEDULED).alerts
        raised += len(found.alerts)
        # of alerts over several results, one that stands for fewer of them is the same
        left += len({alert.id for alert in found.alerts} & {alert.id for alert in kept})
    told = tuning.preview(one.id, BOB, days=3)
    assert told["alerts"] == raised
    assert told["hidden"] == raised - left
