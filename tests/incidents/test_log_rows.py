"""Alerts and incidents in the log tables: their columns, and an outbox that neither loses nor doubles a row."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.detect.logs import table as result_of
from tests.incidents.conftest import Fresh
from tests.incidents.runs import ANN, grouped, rule, run
from tests.plugins.state import NOON
from vedette.core.clock import VirtualClock
from vedette.core.database import State
from vedette.core.ids import seeded_ids
from vedette.detect.alerts.alert import RuleRun
from vedette.detect.rule import (
    AlertDetailsOverride,
    DynamicProperty,
    EntityMapping,
    FieldMapping,
    MatchingMethod,
    RuleKind,
)
from vedette.incidents.logrows import security_entities
from vedette.incidents.service import IncidentService
from vedette.store.catalog import schema
from vedette.store.logstore import LogStore


def rows(logs: LogStore, query: str) -> list[dict[str, Any]]:
    result = logs.query(query)
    return [dict(zip([column.name for column in result.columns], row)) for row in result.rows]


def found(**more: Any) -> RuleRun:
    of = rule(
        1,
        grouped(MatchingMethod.ANY_ALERT),
        custom_details={"Country": "C"},
        sub_techniques=("T1078.004",),
        description="About it",
        **more,
    )
    return run(of, [{"User": "ann@x.com", "Ip": "1.1.1.1", "C": "DE"}])


def test_a_row_of_securityalert(service: IncidentService, logs: LogStore, workspace: str, shared: Path) -> None:
    service.ingest(found())
    assert service.outbox.drain(logs) == 2
    (row,) = rows(logs, "SecurityAlert")
    contract = json.loads((shared / "contracts" / "la_securityalert_rows.json").read_text())["scheduled_rule_row"]
    assert set(contract) - {"SourceSystem"} <= set(row) | {"TenantId", "SourceSystem"}
    alert = service.get(1)["alerts"][0]
    expected = {
        "TimeGenerated": "2026-03-01T12:00:00.0000000Z",
        "DisplayName": "Rule 1",
        "AlertName": "Rule 1",
        "AlertSeverity": "Medium",
        "Description": "About it",
        "ProviderName": "ASI Scheduled Alerts",
        "ProductName": "Azure Sentinel",
        "ProductComponentName": "Scheduled Alerts",
        "VendorOriginalId": alert["id"],
        "SystemAlertId": alert["id"],
        "AlertType": f"{workspace}_{rule(1).id}",
        "IsIncident": False,
        "StartTime": "2026-03-01T11:59:00.0000000Z",
        "EndTime": "2026-03-01T11:59:00.0000000Z",
        "ProcessingEndTime": "2026-03-01T12:00:00.0000000Z",
        "Status": "New",
        "Tactics": "InitialAccess",
        "Techniques": '["T1078"]',
        "SubTechniques": '["T1078.004"]',
        "Type": "SecurityAlert",
    }
    assert {name: row[name] for name in expected} == expected
    extended = json.loads(row["ExtendedProperties"])
    assert extended["Query Period"] == "01:00:00"
    assert (extended["Trigger Operator"], extended["Trigger Threshold"]) == ("Greater Than", "0")
    assert extended["Query Start Time UTC"] == "2026-03-01 11:00:00Z"
    comment, query = extended["Query"].split("\n", 1)
    assert comment.startswith("// The query_now parameter")
    assert query == "set query_now = datetime(2026-03-01T12:00:00.0000000Z);\nT"
    assert extended["Event Grouping"] == "AlertPerResult"
    told = json.loads(contract["ExtendedProperties"])
    assert set(told) - {"Data Sources"} == set(extended)
    assert json.loads(extended["Analytic Rule Ids"]) == [rule(1).id]
    assert json.loads(extended["Custom Details"]) == {"Country": ["DE"]}
    assert json.loads(row["Entities"]) == [
        {"$id": "2", "Name": "ann", "UPNSuffix": "x.com", "Type": "account"},
        {"$id": "3", "Address": "1.1.1.1", "Type": "ip"},
    ]


def test_rows_of_securityincident(service: IncidentService, logs: LogStore, clock: VirtualClock, shared: Path) -> None:
    service.ingest(found())
    clock.advance(60)
    service.comment(1, "Looking", ANN)
    clock.advance(60)
    service.update(
        1, {"status": "Closed", "classification": "Undetermined", "labels": ["x"], "owner": "ann@x.com"}, ANN
    )
    assert service.outbox.drain(logs) == 4
    assert service.outbox.pending() == 0
    states = rows(logs, "SecurityIncident | sort by TimeGenerated asc")
    assert [(row["Status"], row["AdditionalData"]["commentsCount"]) for row in states] == [
        ("New", 0),
        ("New", 1),
        ("Closed", 1),
    ]
    last, incident = states[-1], service.get(1)
    contract = json.loads((shared / "contracts" / "la_securityincident_row.json").read_text())
    assert set(contract) - {"SourceSystem"} <= set(last) | {"TenantId", "SourceSystem"}
    assert set(contract["AdditionalData"]) == set(last["AdditionalData"])
    expected = {
        "IncidentName": incident["id"],
        "IncidentNumber": 1,
        "Title": "Rule 1",
        "Severity": "Medium",
        "Classification": "Undetermined",
        "Owner": {
            "objectId": "ann@x.com",
            "email": "ann@x.com",
            "assignedTo": "ann@x.com",
            "userPrincipalName": "ann@x.com",
        },
        "ProviderName": "Azure Sentinel",
        "FirstActivityTime": "2026-03-01T11:59:00.0000000Z",
        "CreatedTime": "2026-03-01T12:00:00.0000000Z",
        "LastModifiedTime": "2026-03-01T12:02:00.0000000Z",
        "ClosedTime": "2026-03-01T12:02:00.0000000Z",
        "RelatedAnalyticRuleIds": [rule(1).id],
        "AlertIds": [incident["alerts"][0]["id"]],
        "Labels": [{"labelName": "x", "labelType": "User"}],
        "Comments": [
            {"message": "Looking", "createdTimeUtc": "2026-03-01T12:01:00.0000000Z", "author": {"name": "Ann"}}
        ],
        "ModifiedBy": "User - Ann",
        "TimeGenerated": "2026-03-01T12:02:00.0000000Z",
    }
    assert {name: last[name] for name in expected} == expected
    assert rows(
        logs, "SecurityIncident | summarize arg_max(TimeGenerated, Status) by IncidentNumber | project Status"
    ) == [{"Status": "Closed"}]


def test_every_column_is_one_of_the_table(service: IncidentService, logs: LogStore) -> None:
    """Nothing lands in the hidden column but what Sentinel itself has beside the reference's columns."""
    service.ingest(found())
    service.outbox.drain(logs)
    for table in ("SecurityAlert", "SecurityIncident"):
        known = schema(table)
        assert known is not None
        assert set(logs.describe(table).extra) <= {"TenantId", "SourceSystem"}


def test_properties_that_the_result_sets(service: IncidentService, logs: LogStore) -> None:
    properties = (
        *(DynamicProperty(name, "V") for name in ("AlertLink", "ProductName", "ConfidenceScore")),
        DynamicProperty("ConfidenceLevel", "L"),
    )
    of = rule(1, kind=RuleKind.NRT, alert_details_override=AlertDetailsOverride(dynamic_properties=properties))
    service.ingest(run(of, [{"V": "0.5", "L": "low"}]))
    service.ingest(run(rule(2, kind=RuleKind.NRT), [{"V": "0.5"}]))
    service.outbox.drain(logs)
    first, second = rows(logs, "SecurityAlert | sort by AlertName asc")
    assert (first["AlertLink"], first["ProductName"], first["ConfidenceScore"], first["ConfidenceLevel"]) == (
        "0.5",
        "0.5",
        0.5,
        "Low",
    )
    assert (second["ProviderName"], second["ProductComponentName"], second["ConfidenceScore"]) == (
        "ASI NRT Alerts",
        "NRT Alerts",
        None,
    )


def test_entities_take_part_in_further_rules(service: IncidentService, logs: LogStore) -> None:
    """A rule over SecurityAlert maps the entities of the alerts it finds."""
    from vedette.detect.running.runner import RuleRunner

    service.ingest(found())
    service.outbox.drain(logs)
    of = rule(
        2,
        query="SecurityAlert | where AlertSeverity == 'Medium'",
        entity_mappings=(),
        sentinel_entities_columns=("Entities",),
    )
    (alert,) = RuleRunner(logs, VirtualClock(NOON)).run(of, NOON + timedelta(minutes=1)).alerts
    assert [entity.to_dict() for entity in alert.entities] == [
        {"type": "Account", "Name": "ann", "UPNSuffix": "x.com"},
        {"type": "IP", "Address": "1.1.1.1"},
    ]


def test_entities_that_are_not_taken_apart() -> None:
    of = rule(
        1,
        entity_mappings=(
            EntityMapping("CloudApplication", (FieldMapping("Name", "A"),)),
            EntityMapping("MailMessage", (FieldMapping("Recipient", "B"),)),
        ),
    )
    (alert,) = run(of, [{"A": "Office", "B": "x@y"}]).alerts
    assert security_entities(alert.entities) == [
        {"$id": "2", "Name": "Office", "Type": "cloud-application"},
        {"$id": "3", "Recipient": "x@y", "Type": "mailMessage"},
    ]


class Killed(BaseException):
    """The process ends here."""


class Fragile:
    """A log store whose process is killed before or after an append, as told."""

    def __init__(self, logs: LogStore, deaths: list[str]) -> None:
        self._logs = logs
        self._deaths = deaths

    def append(self, table: str, rows: Iterable[Mapping[str, object]]) -> int:
        """Append, and die when it is time."""
        death = self._deaths.pop(0) if self._deaths else ""
        if death == "before":
            raise Killed
        count = self._logs.append(table, rows)
        if death == "after":
            raise Killed
        return count

    def query(self, text: str, **options: Any) -> Any:
        """Ask."""
        return self._logs.query(text, **options)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.lists(st.sampled_from(["before", "after", ""]), max_size=6), st.integers(1, 4))
def test_rows_are_appended_once_whenever_the_process_dies(fresh: Fresh, deaths: list[str], runs: int) -> None:
    service = fresh()
    logs = LogStore(None, VirtualClock(NOON))
    for number in range(runs):
        service.ingest(
            run(
                rule(1, grouped(), name='A "quoted" \\ name'),
                [{"User": "ann@x.com"}, {"User": "bob@x.com"}],
                NOON + number * timedelta(hours=9),
            )
        )
        try:
            service.outbox.drain(Fragile(logs, deaths))
        except Killed:
            pass
    while True:
        try:
            service.outbox.drain(Fragile(logs, deaths))
            break
        except Killed:
            pass
    alerts = rows(logs, "SecurityAlert | summarize n = count() by SystemAlertId")
    assert [row["n"] for row in alerts] == [1] * (2 * runs)
    incidents = rows(logs, "SecurityIncident | summarize n = count() by IncidentName")
    assert {row["IncidentName"]: row["n"] for row in incidents} == {line["id"]: 1 for line in service.list().value}
    logs.close()


@pytest.mark.req("T-024")
def test_two_threads_that_append_neither_double_nor_lose_a_row(
    state: State, workspace: str, clock: VirtualClock
) -> None:
    """One is in the middle of its append when the other comes, and a new row is added right after the first batch."""
    first = IncidentService(state, workspace, clock, new_id=seeded_ids(1))
    second = IncidentService(state, workspace, clock, new_id=seeded_ids(2))
    first.ingest(run(rule(1), [{"User": "ann@x.com"}]))
    inside, go_on = threading.Event(), threading.Event()
    tables: list[tuple[str, str]] = []

    class Slow:
        """Logs whose first append takes long."""

        def append(self, name: str, rows: Any) -> int:
            taken = list(rows)
            if not inside.is_set():
                inside.set()
                assert go_on.wait(60)
            tables.extend((name, str(row.get("SystemAlertId") or row["IncidentName"])) for row in taken)
            return len(taken)

        def query(self, text: str, *, now: datetime, timespan: tuple[datetime, datetime]) -> Any:
            return result_of([{"n": 1}] if any(identity in text for _, identity in tables) else [])

    slow = Slow()
    threads = [threading.Thread(target=one.outbox.drain, args=(slow,)) for one in (first, second)]
    threads[0].start()
    assert inside.wait(60)
    threads[1].start()
    time.sleep(0.2)  # the second has had time to see the rows that the first appends
    go_on.set()
    for thread in threads:
        thread.join(60)
    second.ingest(run(rule(2), [{"User": "bob@x.com"}]))
    second.outbox.drain(slow)
    assert len(tables) == 4
    assert len(set(tables)) == 4
    assert first.outbox.pending() == 0


def test_a_turn_ends_although_others_go_on_adding(state: State, workspace: str, clock: VirtualClock) -> None:
    """Whoever waits for a turn waits for the rows that were there, which alone keep their order, and for no others."""
    service = IncidentService(state, workspace, clock, new_id=seeded_ids(1))
    service.ingest(run(rule(1), [{"User": "ann@x.com"}]))
    tables: list[str] = []

    class Busy:
        """Logs while whose appends something new comes each time."""

        def append(self, name: str, rows: Any) -> int:
            taken = list(rows)
            tables.extend([name] * len(taken))
            service.ingest(run(rule(len(tables) + 1), [{"User": f"u{len(tables)}@x.com"}]))
            return len(taken)

        def query(self, text: str, *, now: datetime, timespan: tuple[datetime, datetime]) -> Any:
            raise AssertionError("nothing is in doubt")

    assert service.outbox.drain(Busy()) == 2
    assert tables == ["SecurityAlert", "SecurityIncident"]
    assert service.outbox.pending() == 4
