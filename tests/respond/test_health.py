"""The runs of automation rules in SentinelHealth, each once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.respond.conftest import BOSS, House, condition, modify, playbook, rule, task
from vedette.core.clock import VirtualClock
from vedette.detect.running.runner import QueryResult
from vedette.respond.automation.reading import ReadRule
from vedette.respond.automation.rule import rule_of
from vedette.store.catalog import schema
from vedette.store.logstore import LogStore

SQLITE = pytest.mark.parametrize("state", ["sqlite"], indirect=True)
pytestmark = SQLITE


@pytest.fixture
def logs(clock: VirtualClock) -> Iterator[LogStore]:
    """A log store in memory."""
    store = LogStore(None, clock)
    yield store
    store.close()


def imported(house: House, name: str, actions: Sequence[Mapping[str, Any]], **more: Any) -> None:
    """A rule as an export of Sentinel's has it, with actions that are not done here."""
    read = rule_of(rule(name, actions=actions, **more), name.lower())
    house.rules.import_([ReadRule(read, name, None)], [], BOSS)


def health(house: House, logs: LogStore) -> list[dict[str, Any]]:
    """The rows of SentinelHealth in the order of their rules."""
    house.incidents.outbox.drain(logs)
    result = logs.query(
        "SentinelHealth | where SentinelResourceType == 'Automation rule' | sort by SentinelResourceName asc"
    )
    return [dict(zip([column.name for column in result.columns], row, strict=True)) for row in result.rows]


def test_every_run_is_a_row_with_its_status(house: House, logs: LogStore) -> None:
    house.add("A whole", order=1, actions=[modify(labels=["seen"]), task("Look", 2)])
    imported(house, "B part", [modify(labels=["more"]), playbook(2)], order=2)
    imported(house, "C none", [playbook()], order=3)
    house.add("D other", order=4, conditions=[condition("IncidentTitle", "Equals", "Something else")])
    house.add("E update", order=5, when="Updated")
    incident = house.incident()
    rows = health(house, logs)
    workspace = house.incidents.workspace_id
    assert [(row["SentinelResourceName"], row["Status"], row["Reason"]) for row in rows] == [
        ("A whole", "Success", ""), ("B part", "Partial success", "NotSupported"), ("C none", "Failure", "NotSupported"),
        ("E update", "Success", ""),
    ]  # fmt: skip
    assert {row["OperationName"] for row in rows} == {"Automation rule run"}
    assert {row["WorkspaceId"] for row in rows} == {row["TenantId"] for row in rows} == {workspace}
    assert len({row["RecordId"] for row in rows}) == 4
    assert "'pb-contain' is not run" in rows[2]["Description"]
    whole, part, _, update = (row["ExtendedProperties"] for row in rows)
    assert whole == {
        "TriggeredOn": "Incident", "TriggeredWhen": "Created", "TriggeredPlaybooks": [], "IncidentNumber": str(incident["number"]),
        "IncidentName": f"/workspaces/{workspace}/providers/Microsoft.SecurityInsights/Incidents/{incident['id']}",
        "TotalActions": 2, "ActionsTriggeredSuccessfully": 2,
    }  # fmt: skip
    assert (part["TotalActions"], part["ActionsTriggeredSuccessfully"]) == (2, 1)
    assert part["Issues"][0]["Code"] == "NotSupported"
    assert update["TriggeredWhen"] == "Updated"
    assert set(rows[0]) >= {field.name for field in schema("SentinelHealth") or ()} - {"_IsBillable", "_BilledSize"}
    house.incident(2)
    assert len(health(house, logs)) == 8, "no run is told twice"


def test_an_action_that_the_incident_does_not_allow_is_told_with_its_code(house: House, logs: LogStore) -> None:
    house.add("fill", actions=[modify(labels=[f"tag {number}" for number in range(95)])])
    house.add("over", order=2, actions=[modify(1, labels=["a", "b", "c", "d", "e", "f"])])
    house.incident()
    rows = health(house, logs)
    assert [(row["Status"], row["Reason"]) for row in rows] == [("Success", ""), ("Failure", "VDT0400")]
    assert "at most 100 labels" in rows[1]["Description"]


class Cut(Exception):
    """The process ends."""


class CutOff:
    """A log store whose process is killed right after an append."""

    def __init__(self, logs: LogStore) -> None:
        self._logs = logs

    def append(self, table: str, rows: Sequence[Mapping[str, object]]) -> int:
        self._logs.append(table, rows)
        raise Cut

    def query(self, text: str, *, now: datetime, timespan: tuple[datetime, datetime]) -> QueryResult:
        return self._logs.query(text, now=now, timespan=timespan)


def test_a_row_is_there_once_when_a_process_is_killed_between_writing_and_noting_it(
    house: House, logs: LogStore
) -> None:
    house.add("Tag")
    house.incident()
    house.clock.advance(timedelta(minutes=1).total_seconds())
    house.incident(2)
    cut = 0
    while house.incidents.outbox.pending():
        try:
            house.incidents.outbox.drain(CutOff(logs))
        except Cut:
            cut += 1
    assert cut >= 3, "each table's append was cut off"
    assert len(health(house, logs)) == 2
    assert house.incidents.outbox.pending() == 0


def test_a_run_that_is_not_kept_is_not_told(house: House, logs: LogStore) -> None:
    house.add("Tag")
    with pytest.raises(Cut), house.state.session():
        house.incident()
        raise Cut
    assert health(house, logs) == []
