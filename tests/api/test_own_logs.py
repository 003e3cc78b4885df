"""What the server writes about itself, in the tables that Sentinel's queries read."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.api.conftest import RULE_ID, Running, campaign
from tests.detect.rules import as_read, rule
from tests.store.kept_parts import ALWAYS
from vedette.api.application import Application
from vedette.api.connector_health import ConnectorHealth
from vedette.api.own_logs import OwnLogs
from vedette.api.services import WorkspaceServices
from vedette.collect.connectors.models import ConnectorPollRow, ConnectorRow
from vedette.core.clock import SystemClock, VirtualClock
from vedette.core.settings import load_settings
from vedette.detect.reading.files import read_rules
from vedette.detect.running.runner import RuleRunner
from vedette.detect.running.scheduler import ScheduleOptions, Scheduler


@pytest.fixture
def services(tmp_path: Path) -> Iterator[WorkspaceServices]:
    with Application(load_settings(data_dir=tmp_path / "data")) as application:
        yield application.services(application.workspaces.default())


def own_logs(services: WorkspaceServices) -> OwnLogs:
    return OwnLogs(
        services.workspace.id, services.logs, services.intake, services.rules, services.ledger, SystemClock()
    )


def asked(services: WorkspaceServices, query: str) -> list[list[object]]:
    assert services.intake.flush()
    return services.logs.query(query).rows


def test_heartbeat_is_written_every_minute(services: WorkspaceServices) -> None:
    own = own_logs(services)
    own.tick()
    own.tick()
    query = "Heartbeat | where TimeGenerated > ago(5m) | summarize Rows = count(), Newest = max(TimeGenerated) by Computer, Category, OSType"
    ((computer, category, system, count, last),) = asked(services, query)
    assert computer
    assert category == "Direct Agent"
    assert system
    assert count == 2
    assert last


def test_what_went_wrong_is_an_operation(services: WorkspaceServices, monkeypatch: pytest.MonkeyPatch) -> None:
    own, intake = own_logs(services), services.intake
    intake.count_dropped(7, "syslog udp 192.0.2.1")
    own.tick()
    with monkeypatch.context() as patched:
        patched.setattr(intake, "stats", lambda stats=intake.stats: _troubled(stats()))
        own.tick()
    own.tick()
    rows = asked(services, "Operation | sort by TimeGenerated asc | project OperationStatus, OperationKey, Detail")
    assert rows == [
        ["Warning", "rows-dropped", "7 rows were lost: their sender cannot wait, and there was no room for them."],
        ["Failed", "store-unavailable", "The disk is full."],
        ["Succeeded", "store-unavailable", "Rows are stored again."],
    ]


def _troubled(stats: object) -> object:
    return replace(stats, trouble="The disk is full.")  # type: ignore[type-var]


def test_usage_of_every_hour_is_there_once(services: WorkspaceServices) -> None:
    now = SystemClock().now()
    services.intake.accept(
        "Things_CL", [{"TimeGenerated": now - timedelta(hours=1), "text": "x" * 1000}] * 20, source="t"
    )
    assert services.intake.flush()
    cursor = services.logs._cursor()
    cursor.execute('UPDATE log_tables."Things_CL" SET "$ingested" = "$ingested" - 36000000000')
    cursor.close()
    for _ in range(2):  # a restart must not write them again
        own_logs(services).tick()
    ((name, quantity, unit, billable, hours),) = asked(
        services,
        "Usage | where DataType == 'Things_CL' | project DataType, Quantity, QuantityUnit, IsBillable, EndTime - StartTime",
    )
    assert (name, unit, billable, hours) == ("Things_CL", "MBytes", True, "01:00:00")
    assert 0.02 < quantity < 0.03  # type: ignore[operator]


def test_runs_and_changes_of_rules_are_there_once(services: WorkspaceServices, tmp_path: Path) -> None:
    logs, rules = campaign(tmp_path / "campaign")
    services.logs.load([logs])
    read, problems = read_rules([rules])
    services.rules.import_(read, problems, replace_existing=True, by="pat")
    at = SystemClock().now().replace(microsecond=0)
    services.run_rule(RULE_ID, at, None)
    for _ in range(2):
        own_logs(services).tick()
    query = (
        "SentinelHealth | where SentinelResourceType == 'Analytics Rule' | project OperationName, Status, SentinelResourceName, "
        "SentinelResourceKind, tolong(ExtendedProperties.AlertsGeneratedAmount)"
    )
    name = "Sign-in from a country that nobody works in"
    assert asked(services, query) == [["Scheduled analytics rule run", "Success", name, "Scheduled", 0]]
    query = "SentinelHealth | evaluate bag_unpack(ExtendedProperties) | project QueryFrequency, QueryPeriod, TriggerOperator, TriggerThreshold, RuleId"
    assert asked(services, query) == [["01:00:00", "1.00:00:00", "GreaterThan", 0, RULE_ID]]
    query = "_SentinelAudit() | where SentinelResourceType == 'Analytic Rule' | project OperationName, Status, SentinelResourceName, isnotempty(ExtendedProperties.CallerName)"
    assert asked(services, query) == [["Microsoft.SecurityInsights/alertRules/Write", "Success", name, True]]


def test_a_run_tells_of_the_bins_whose_partial_results_were_kept(services: WorkspaceServices) -> None:
    services.logs.partials.worth = ALWAYS
    now = SystemClock().now().replace(minute=0, second=0, microsecond=0)
    rows = [{"TimeGenerated": now - timedelta(hours=back), "User": f"user{back % 3}"} for back in range(1, 72)]
    services.logs.append("Long_CL", rows)
    long = rule(
        1,
        query="Long_CL | summarize count() by User",
        query_frequency=timedelta(hours=1),
        query_period=timedelta(days=2),
    )
    services.rules.import_(as_read(long))
    clock = VirtualClock(now)
    scheduler = Scheduler(
        services.application.state, services.rules, RuleRunner(services.logs, clock), services.ledger, clock, lambda run: None,
        ScheduleOptions(ingestion_delay=timedelta(0)),
    )  # fmt: skip
    for _ in range(4):
        scheduler.tick()
        clock.advance(timedelta(hours=1))
    own_logs(services).tick()
    query = (
        "SentinelHealth | where SentinelResourceName == 'Rule 1' | sort by TimeGenerated asc "
        "| project tolong(ExtendedProperties.KeptBins), tolong(ExtendedProperties.MadeBins)"
    )
    told = asked(services, query)
    assert told == [[0, 48], [47, 1], [47, 1]]


def test_the_flow_of_rows_by_source_in_a_table(services: WorkspaceServices) -> None:
    own = own_logs(services)
    late = SystemClock().now() - timedelta(minutes=10)
    services.intake.accept(
        "Things_CL", [{"TimeGenerated": late, "a": n} for n in range(10)], source="json pat 192.0.2.1"
    )
    assert services.intake.flush()
    own.flow()
    services.intake.accept("Things_CL", [{"a": 1}], source="json kim 192.0.2.2")
    services.intake.count_dropped(3, "syslog udp 192.0.2.3")
    assert services.intake.flush()
    own.flow()
    rows = asked(
        services,
        "VedetteIngestion_CL | where State == 'ok' | summarize sum(Received), sum(Stored), sum(Dropped), max(LagP50) by Source | sort by Source asc",
    )
    found = {row[0]: row[1:] for row in rows}
    assert found.keys() == {"*", "json pat 192.0.2.1", "json kim 192.0.2.2", "syslog udp 192.0.2.3"}
    assert found["*"][:3] == [11, 11, 3]
    assert found["syslog udp 192.0.2.3"][:3] == [0, 0, 3]
    assert found["json pat 192.0.2.1"][:3] == [10, 10, 0]
    assert found["json pat 192.0.2.1"][3] == pytest.approx(600, rel=0.1)
    assert found["json kim 192.0.2.2"][3] < 60  # type: ignore[operator]


def test_health_of_the_intake_in_the_api(running: Running) -> None:
    with running.client() as client:
        sent = client.post(f"{running.server.url}/ingest/Health_CL", json=[{"a": 1}, {"a": 2}])
        assert sent.is_success, sent.text
        end = time.monotonic() + 60
        while True:
            health = client.get("/workspaces/default/ingestion/health").raise_for_status().json()
            (source,) = [one for one in health["sources"] if one["source"].startswith("json ")]
            if source["stored"] == 2:
                break
            assert time.monotonic() < end
            time.sleep(0.05)
        assert health["state"] == "ok"
        assert health["queue"]["rows"] == 0
        assert (source["received"], source["dropped"], source["unreadable"]) == (2, 0, 0)
        assert 0 <= source["lagSeconds"]["p50"] <= source["lagSeconds"]["p95"] < 30


def test_how_connectors_fetch_is_told_once(services: WorkspaceServices) -> None:
    """Each change and the first fetch of each hour; what failed in an hour when it has ended; after a restart nothing twice."""
    state, clock = (
        services.application.state,
        VirtualClock(SystemClock().now().replace(minute=50, second=0, microsecond=0)),
    )
    began = clock.now() - timedelta(hours=2)  # ten minutes before an hour begins
    with state.session() as session:
        session.add(
            ConnectorRow(
                id="c-1", workspace_id=services.workspace.id, kind="entra-id", name="Contoso", folded_name="contoso", enabled=True,
                settings={}, secrets={}, intervals={}, revision=1, created_at=began, updated_at=began,
            )
        )  # fmt: skip

    def polled(minutes: int, endpoint: str, outcome: str = "ok") -> None:
        at = began + timedelta(minutes=minutes)
        message = None if outcome == "ok" else f"{endpoint} says no"
        with state.session() as session:
            session.add(
                ConnectorPollRow(connector_id="c-1", endpoint=endpoint, started_at=at, ended_at=at, outcome=outcome, fetched=1,
                                 pages=1, unknown={}, message=message)
            )  # fmt: skip

    polled(-60 * 26, "audits", "forbidden")  # before the day that is looked at: how the connector stood
    polled(1, "signins")
    polled(2, "audits")
    polled(11, "signins")
    polled(20, "audits", "forbidden")
    polled(25, "audits", "forbidden")
    polled(30, "signins")
    for round_ in range(3):
        own = OwnLogs(
            services.workspace.id, services.logs, services.intake, services.rules, services.ledger, clock,
            ConnectorHealth(state, services.workspace.id, clock),
        )  # fmt: skip
        own.connector_health()
        if round_ == 1:
            polled(71, "audits")
            own.connector_health()
    query = (
        "SentinelHealth | where SentinelResourceType == 'Data connector' and SentinelResourceName == 'Contoso' | sort by TimeGenerated asc "
        f"| project (TimeGenerated - datetime({began:%Y-%m-%dT%H:%M:%S}Z)) / 1m, OperationName, Status, Reason"
    )
    change = "Data fetch status change"
    assert asked(services, query) == [
        [1.0, change, "Failure", "audits says no"],
        [2.0, change, "Success", ""],
        [11.0, change, "Success", ""],
        [20.0, change, "Failure", "audits says no"],
        [70.0, "Data fetch failure summary", "Failure", "audits says no"],
        [71.0, change, "Success", ""],
    ]
    query = "SentinelHealth | where OperationName has 'summary' | project toint(ExtendedProperties.FailureSummary[0].Failures)"
    assert asked(services, query) == [[2]]
