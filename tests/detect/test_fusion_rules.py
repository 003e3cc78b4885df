"""Rules of kind Fusion: their settings, in and out, and what of the logs is a signal."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.detect.conftest import NOON
from tests.detect.test_arm_writer import read_back
from vedette.core.clock import VirtualClock
from vedette.detect.alerts.alert import Outcome
from vedette.detect.alerts.moments import wire_datetime
from vedette.detect.export.arm import properties_of, to_bicep
from vedette.detect.export.layout import to_layout
from vedette.detect.export.yaml_text import to_yaml
from vedette.detect.reading.files import read_rule_text
from vedette.detect.reading.problems import RuleProblem
from vedette.detect.rule import AnalyticsRule, Severity
from vedette.detect.running.runner import RuleRunner
from vedette.store.logstore import LogStore

SOURCES: list[dict[str, Any]] = [
    {"enabled": True, "sourceName": "Anomalies", "sourceSubTypes": []},
    {
        "enabled": True, "sourceName": "Alert providers", "sourceSubTypes": [
            {"enabled": True, "sourceSubTypeName": "Azure Active Directory Identity Protection", "severityFilters": {"filters": [
                {"enabled": True, "severity": "High"}, {"enabled": False, "severity": "Low"}]}},
            {"enabled": False, "sourceSubTypeName": "Azure Defender", "severityFilters": {"filters": []}},
            {"enabled": False, "sourceSubTypeName": "Azure Sentinel scheduled analytics rules"},
        ],
    },
]  # fmt: skip


def read(properties: dict[str, Any], rule_id: str = "BuiltInFusion") -> tuple[list[AnalyticsRule], list[RuleProblem]]:
    resource = {
        "id": f"[concat(parameters('workspace'),'/alertRules/{rule_id}')]",
        "name": f"[concat(parameters('workspace'),'/Microsoft.SecurityInsights/{rule_id}')]",
        "type": "Microsoft.OperationalInsights/workspaces/providers/alertRules", "kind": "Fusion",
        "apiVersion": "2023-12-01-preview", "properties": properties,
    }  # fmt: skip
    rules, problems = read_rule_text(json.dumps({"resources": [resource]}), "export.json")
    return [one.rule for one in rules], problems


def yaml(text: str = "") -> tuple[list[AnalyticsRule], list[RuleProblem]]:
    rules, problems = read_rule_text(f"kind: Fusion\n{text}", "rule.yaml")
    return [one.rule for one in rules], problems


def test_a_resource_of_sentinel_has_no_name_and_is_read_all_the_same() -> None:
    [rule], problems = read({"alertRuleTemplateName": "f71aba3d-28fb-450b-b192-4e76a83015c8", "enabled": True})
    assert problems == []
    assert (rule.name, rule.severity) == ("Advanced Multistage Attack Detection", Severity.HIGH)
    assert (rule.frequency, rule.period) == (timedelta(minutes=15), timedelta(days=14))
    assert rule.scheduled
    assert rule.not_runnable is None


def test_out_and_in_again() -> None:
    properties = {
        "alertRuleTemplateName": "f71aba3d-28fb-450b-b192-4e76a83015c8",
        "enabled": False,
        "sourceSettings": SOURCES,
    }
    [rule], _ = read(properties)
    assert properties_of(rule) == (properties, [])
    assert read_back(rule) == rule
    assert "sourceSubTypeName: 'Azure Defender'" in to_bicep([rule])[0]
    [again], problems = read_rule_text(to_yaml([rule]), "rule.yaml")
    assert (again.rule, problems) == (rule, [])
    layout = to_layout(rule)
    assert {"query", "queryFrequency", "queryPeriod", "customDetails", "sentinelEntitiesMappings"}.isdisjoint(layout)


def test_what_sentinel_does_not_have_is_kept_and_said() -> None:
    [rule], problems = yaml("name: F\nqueryPeriod: 7d\nqueryFrequency: 1h\nfusionSettings: {minimumStages: 3}\n")
    assert problems == []
    assert (rule.period, rule.frequency) == (timedelta(days=7), timedelta(hours=1))
    assert read_rule_text(to_yaml([rule]), "rule.yaml")[0][0].rule == rule
    properties, notes = properties_of(rule)
    assert set(properties) == {"alertRuleTemplateName", "enabled"}
    assert notes == [
        "'F': Microsoft Sentinel's Fusion has no queryFrequency, queryPeriod, fusionSettings; it correlates as it does."
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sourceSettings: all", "'sourceSettings' is a list of sources."),
        ("sourceSettings: [Anomalies]", "a source has 'sourceName' and 'enabled'."),
        (
            "sourceSettings: [{sourceName: Rumours, enabled: true}]",
            "'Rumours' is not a source of Fusion: there are Anomalies, Alert providers, Raw logs from other sources.",
        ),
        (
            "sourceSettings: [{sourceName: Alert providers, sourceSubTypes: [{sourceSubTypeName: X, severityFilters: {filters: "
            "[{severity: Huge, enabled: false}]}}]}]",
            "'Huge' is not a severity: there are High, Medium, Low, Informational.",
        ),
        ("fusionSettings: {minimumStages: 1}", "'minimumStages' is a whole number from 2 to 8."),
        ("fusionSettings: {stages: 3}", "'fusionSettings' is a mapping with 'minimumStages'."),
        ("queryFrequency: 2d\nqueryPeriod: 1d", "the rule looks back 1d every 2d"),
    ],
)  # fmt: skip
def test_settings_that_are_none_are_refused(text: str, message: str) -> None:
    rules, problems = yaml(text)
    assert rules == []
    assert message in problems[0].message
    assert problems[0].line is not None


def test_settings_that_do_nothing_here_are_said() -> None:
    raw = "sourceSettings: [{sourceName: Raw logs from other sources, sourceSubTypes: [{sourceSubTypeName: Palo Alto Networks}]}]"
    [rule], problems = yaml(f"{raw}\nscenarioExclusionPatterns: [{{exclusionPattern: x}}]\n")
    assert rule.not_runnable is None
    assert [problem.severity.value for problem in problems] == ["Warning", "Warning"]
    assert "raw logs are no signals here" in problems[0].message
    assert "rules exceptions" in problems[1].message


def test_a_rule_that_takes_nothing_does_not_run() -> None:
    [rule], _ = yaml(
        "sourceSettings: [{sourceName: Anomalies, enabled: false}, {sourceName: Alert providers, enabled: false}]"
    )
    assert rule.not_runnable == "its 'sourceSettings' leave no source of signals"
    assert not rule.scheduled


def test_what_is_a_signal() -> None:
    """By source, provider and severity; an alert counts as it was last told, and one of Fusion, or that restates another, not at all."""
    ours = {"ProductName": "Azure Sentinel", "ProviderName": "ASI Scheduled Alerts", "AlertType": "w_rule"}
    idp, mdc = {"ProductName": "Microsoft Entra ID Protection"}, {"ProductName": "Azure Security Center"}
    alerts = {
        "ours": ours, "nrt": ours | {"ProviderName": "ASI NRT Alerts"}, "idp-high": idp | {"AlertSeverity": "High"},
        "idp-low": idp | {"AlertSeverity": "Low"}, "defender": mdc, "other": {"ProductName": "Contoso EDR"},
        "fusion": {"ProductName": "Azure Sentinel", "ProviderName": "ASI Fusion", "ProductComponentName": "Fusion"},
        "restated": mdc | {"ProviderName": "ASI Microsoft Security"},
    }  # fmt: skip
    at = wire_datetime(NOON - timedelta(hours=1))
    clock = VirtualClock(NOON)
    with LogStore(None, clock) as logs:
        for id_, more in alerts.items():
            logs.append("SecurityAlert", [{"TimeGenerated": at, "SystemAlertId": id_, "DisplayName": id_, **more}] * 2)
        logs.append("Anomalies", [
            {"TimeGenerated": at, "Id": status, "RuleName": status, "RuleStatus": status} for status in ("Production", "Flighting")
        ])  # fmt: skip
        logs.append("BehaviorAnalytics", [
            {"TimeGenerated": at, "SourceRecordId": f"ueba-{priority}", "InvestigationPriority": priority} for priority in (0, 4, 5, 9)
        ])  # fmt: skip

        def signals(rule: AnalyticsRule) -> set[str]:
            found = logs.query(rule.query, now=NOON, timespan=(NOON - rule.period, NOON))
            place = [column.name for column in found.columns].index("SignalId")
            ids = [str(row[place]) for row in found.rows]
            assert len(ids) == len(set(ids))
            return set(ids)

        [everything], _ = yaml()
        every = {"ours", "nrt", "idp-high", "idp-low", "defender", "other", "Production", "ueba-5", "ueba-9"}
        assert signals(everything) == every
        [some], _ = read({"enabled": True, "sourceSettings": SOURCES})
        assert signals(some) == every - {"ours", "idp-low", "defender"}
        [alone], _ = yaml("sourceSettings: [{sourceName: Anomalies, enabled: false}]")
        assert signals(alone) == every - {"Production", "ueba-5", "ueba-9"}
        run = RuleRunner(logs, clock, shapes=logs).run(everything, NOON)
        assert (run.error, run.outcome, run.alerts) == (None, Outcome.NOT_MATCHED, ())


@pytest.mark.bench
def test_ten_thousand_alerts_in_the_look_back(record_property: Callable[[str, object], None]) -> None:
    """What a run takes of the processor: with 10,000 alerts of 60 detections, all about something of their own, and nothing new."""
    source = random.Random(1)
    tactics = (
        "InitialAccess",
        "Persistence",
        "CredentialAccess",
        "LateralMovement",
        "Collection",
        "Exfiltration",
        "Impact",
    )
    rows = []
    for number in range(10_000):
        at, detection = NOON - timedelta(seconds=source.uniform(3600, 13 * 86400)), source.randrange(60)
        entities = [
            {"Type": "account", "Name": f"user{source.randrange(6000)}", "UPNSuffix": "x.com"},
            {"Type": "host", "HostName": f"pc{source.randrange(8000)}", "DnsDomain": "x.com"},
            {"Type": "ip", "Address": f"10.{source.randrange(3)}.{source.randrange(256)}.{source.randrange(256)}"},
        ]
        rows.append({
            "TimeGenerated": wire_datetime(at), "SystemAlertId": f"a{number}", "DisplayName": f"Detection {detection}",
            "Tactics": tactics[detection % 7], "ProductName": "Azure Sentinel", "AlertType": f"w_{detection}",
            "Entities": json.dumps(entities),
        })  # fmt: skip
    [rule], _ = yaml()
    clock = VirtualClock(NOON)
    with LogStore(None, clock) as logs:
        logs.append("SecurityAlert", rows)
        runner = RuleRunner(logs, clock, shapes=logs)
        for name, since in (("whole", None), ("idle", NOON - timedelta(minutes=15))):
            took = []
            for _ in range(3):
                began = time.process_time()
                found = runner.run(rule, NOON, since=since)
                took.append(time.process_time() - began)
            record_property(name, f"{sorted(took)[1]:.2f} s of a processor, {len(found.alerts)} campaigns")
            assert sorted(took)[1] < 30
