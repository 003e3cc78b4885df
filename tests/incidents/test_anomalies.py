"""What anomaly rules find: rows of Anomalies, and neither alerts nor incidents."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from tests.detect.test_reading import resource, template
from tests.incidents.runs import run
from tests.plugins.state import NOON
from vedette.core.clock import VirtualClock
from vedette.core.database import State
from vedette.detect.export.layout import to_layout
from vedette.detect.reading.files import read_rule_text
from vedette.detect.rule import AnalyticsRule, RuleKind
from vedette.detect.storage import rule_from_layout
from vedette.incidents.service import IncidentService
from vedette.store.logstore import LogStore

FIELDS: dict[str, Any] = {
    "id": "anomaly-1", "name": "Odd", "kind": "Anomaly", "version": "1.2.0", "tactics": ["Impact"], "query": "T",
    "entityMappings": [
        {"entityType": "Account", "fieldMappings": [{"identifier": "FullName", "columnName": "Who"}]},
        {"entityType": "IP", "fieldMappings": [{"identifier": "Address", "columnName": "Ip"}]},
    ],
    "customDetails": {"Actual": "Actual"},
}  # fmt: skip


def anomaly_rule(**more: Any) -> AnalyticsRule:
    [read], problems = read_rule_text(yaml.safe_dump(FIELDS | more), "rule.yaml")
    assert problems == []
    return read.rule


@pytest.mark.req("P-090")
def test_results_are_rows_of_anomalies(state: State, workspace: str, clock: VirtualClock) -> None:
    incidents = IncidentService(state, workspace, clock, name_of=lambda _: None, url_of=str)
    rows = [
        {"Who": "ann@contoso.com", "Ip": "203.0.113.9", "Score": 4.5, "Actual": 12, "AnomalyReasons": ["more than ever"]},
        {"Who": "bob", "Ip": None, "Score": "Infinity", "Actual": 11, "UserName": "bob", "DestinationDevice": "db1"},
    ]  # fmt: skip
    found = run(anomaly_rule(settingsStatus="Flighting"), rows)
    for _ in range(2):  # a further run over the window doubles nothing
        incidents.ingest(found)
    assert incidents.list().count == 0
    with LogStore(None, clock) as logs:
        incidents.outbox.drain(logs)
        result = logs.query(
            "Anomalies | where RuleStatus == 'Flighting' | order by Score desc nulls last | project RuleId, RuleName, RuleConfigVersion,"
            " Score, UserPrincipalName, UserName, SourceIpAddress, DestinationDevice, Tactics, AnomalyReasons,"
            " Actual = tostring(ExtendedProperties['Custom Details'].Actual[0]), Kind = tostring(Entities[0].Type)",
            now=clock.now(), timespan=(NOON - (NOON - NOON.replace(year=2025)), NOON.replace(year=2027)),
        )  # fmt: skip
        alerts = logs.query(
            "SecurityAlert | count", now=NOON, timespan=(NOON.replace(year=2025), NOON.replace(year=2027))
        )
    first, second = result.rows
    same = ["anomaly-1", "Odd", "1.2.0"]
    assert list(first) == [
        *same, 4.5, "ann@contoso.com", "", "203.0.113.9", "", "Impact", ["more than ever"], "12", "account",
    ]  # fmt: skip
    assert list(second)[:8] == [*same, None, "", "bob", "", "db1"]
    assert list(alerts.rows[0]) == [0]


@pytest.mark.req("P-090")
def test_anomaly_rules_are_scheduled_and_read_back() -> None:
    rule = anomaly_rule()
    assert (rule.scheduled, rule.not_runnable, rule.frequency.days, rule.period.days) == (True, None, 1, 14)
    assert rule_from_layout(to_layout(rule), rule.id) == rule
    _, [problem] = read_rule_text(yaml.safe_dump(FIELDS | {"settingsStatus": "Trial"}), "rule.yaml")
    assert "Flighting" in str(problem)


def test_settings_of_microsofts_own_anomaly_rules_are_known_and_have_no_query() -> None:
    properties = {"displayName": "Theirs", "enabled": True, "frequency": "PT1H", "settingsStatus": "Production"}
    kind = "Microsoft.OperationalInsights/workspaces/providers/securityMLAnalyticsSettings"
    [read], problems = read_rule_text(template(resource(properties, type=kind, kind="Anomaly")), "export.json")
    assert problems == []
    assert (read.rule.kind, read.rule.scheduled) == (RuleKind.ANOMALY, False)
    assert "have no query" in str(read.rule.not_runnable)
    assert json.loads(json.dumps(read.source.original))["type"] == kind
