"""Rules whose query the product writes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.detect.conftest import NOON
from tests.detect.test_arm_writer import read_back
from vedette.core.clock import VirtualClock
from vedette.detect.alerts.alert import Outcome, RuleRun
from vedette.detect.alerts.moments import wire_datetime
from vedette.detect.export.layout import to_layout
from vedette.detect.reading.files import read_rule_text
from vedette.detect.rule import AnalyticsRule, Severity
from vedette.detect.running.runner import RuleRunner
from vedette.store.logstore import LogStore


def read(text: str) -> AnalyticsRule:
    [one], _ = read_rule_text(text, "rule.yaml")
    return one.rule


def ran(rule: AnalyticsRule, tables: dict[str, list[dict[str, Any]]]) -> RuleRun:
    clock = VirtualClock(NOON)
    with LogStore(None, clock) as logs:
        for table, rows in tables.items():
            logs.append(table, [{"TimeGenerated": wire_datetime(NOON - timedelta(minutes=2)), **row} for row in rows])
        return RuleRunner(logs, clock, shapes=logs).run(rule, NOON)


ALERT = {
    "ProductName": "Azure Security Center", "ProviderName": "Detection-WarmPath", "AlertSeverity": "High",
    "DisplayName": "Suspicious process", "Description": "It's odd", "SystemAlertId": "a",
    "Entities": '[{"Type": "host", "HostName": "db1"}]', "Tactics": "Execution",
}  # fmt: skip


@pytest.mark.parametrize(
    ("filters", "change", "found"),
    [
        ("", {}, True),
        ("", {"ProductName": "Microsoft Defender for Cloud"}, True),
        ("", {"ProductName": "Office 365 Advanced Threat Protection"}, False),
        ("", {"ProviderName": "ASI Scheduled Alerts"}, False),
        ("severitiesFilter: [High, Medium]", {}, True),
        ("severitiesFilter: [Low]", {}, False),
        ('displayNamesFilter: ["process", "it\'s"]', {}, True),
        ("displayNamesFilter: [nothing]", {}, False),
        ("displayNamesExcludeFilter: [suspicious]", {}, False),
    ],
)
def test_incidents_of_microsofts_alerts(filters: str, change: dict[str, Any], found: bool) -> None:
    rule = read(f"kind: MicrosoftSecurityIncidentCreation\nname: M\nproductFilter: Azure Security Center\n{filters}\n")
    assert rule.scheduled
    run = ran(rule, {"SecurityAlert": [ALERT | change, ALERT | change]})
    assert run.error is None
    assert (run.outcome is Outcome.MATCHED) is found
    if found:
        [alert] = run.alerts
        assert (alert.title, alert.severity, alert.tactics) == ("Suspicious process", Severity.HIGH, ("Execution",))
        assert alert.entities[0].to_dict()["HostName"] == "db1"
    layout = to_layout(rule)
    assert "query" not in layout
    assert layout["productFilter"] == "Azure Security Center"
    assert read_back(rule) == rule


def test_threat_intelligence() -> None:
    rule = read("kind: ThreatIntelligence\nname: TI\nseverity: Medium\ntactics: [CommandAndControl]\n")
    indicator = {
        "Id": "i1",
        "IsActive": True,
        "ObservableKey": "ipv4-addr:value",
        "ObservableValue": "203.0.113.9",
        "Confidence": 80,
    }
    older = {
        "IndicatorId": "i2",
        "Active": True,
        "DomainName": "Evil.example",
        "ConfidenceScore": 50,
        "ThreatType": "C2",
    }
    off = {"Id": "i3", "IsActive": False, "ObservableKey": "ipv4-addr:value", "ObservableValue": "203.0.113.10"}
    run = ran(
        rule,
        {
            "ThreatIntelIndicators": [indicator, off],
            "ThreatIntelligenceIndicator": [older],
            "CommonSecurityLog": [{"DestinationIP": "203.0.113.9"}, {"DestinationIP": "203.0.113.10"}],
            "DnsEvents": [{"Name": "evil.example", "ClientIP": "10.0.0.1"}],
            "SigninLogs": [{"IPAddress": "198.51.100.1"}],
        },
    )
    assert run.error is None
    assert {alert.title for alert in run.alerts} == {
        "Threat intelligence: 203.0.113.9 in CommonSecurityLog", "Threat intelligence: evil.example in DnsEvents",
    }  # fmt: skip
    assert {entity.type for alert in run.alerts for entity in alert.entities} == {"IP", "DNS"}


@pytest.mark.req("P-075", "P-078")
@pytest.mark.parametrize(
    ("indicator", "seen", "found"),
    [
        ("203.0.113.9", "203.0.113.9:51820", "203.0.113.9"),
        ("2001:db8::9", "[2001:DB8::9]:443", "2001:db8::9"),
        ("2001:db8::9", "2001:db8::9", "2001:db8::9"),
        ("203.0.113.0/28", "203.0.113.9", "203.0.113.9"),
        ("203.0.113.0/28", "203.0.113.9:443", "203.0.113.9"),
        ("203.0.113.0/28", "203.0.113.16", None),
        ("2001:db8:7::/48", "2001:db8:7:1::5", "2001:db8:7:1::5"),
        ("2001:db8:7::/48", "2001:db8:8::5", None),
        ("203.0.113.9", "<null>", None),
    ],
)
def test_threat_intelligence_about_addresses(indicator: str, seen: str, found: str | None) -> None:
    rule = read("kind: ThreatIntelligence\nname: TI\nseverity: Medium\n")
    network = {"IndicatorId": "i0", "Active": True, "NetworkIP": "203.0.0.0/8", "ConfidenceScore": 10}
    known = {
        "Id": "i1",
        "IsActive": True,
        "ObservableKey": "ipv4-addr:value",
        "ObservableValue": indicator,
        "Confidence": 80,
    }
    rows = {"ThreatIntelIndicators": [known], "OfficeActivity": [{"ClientIP": seen}]}
    run = ran(rule, rows)
    assert run.error is None
    assert [alert.title for alert in run.alerts] == (
        [f"Threat intelligence: {found} in OfficeActivity"] if found else []
    )
    assert [entity.to_dict()["Address"] for alert in run.alerts for entity in alert.entities] == (
        [found] if found else []
    )
    # of several indicators that an address meets, the surest counts
    both = ran(rule, rows | {"ThreatIntelligenceIndicator": [network]})
    wanted = "i1" if found else "i0" if seen.startswith("203.") else None
    assert [alert.custom_details["IndicatorId"] for alert in both.alerts] == ([(wanted,)] if wanted else [])
