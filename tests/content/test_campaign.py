"""The shipped campaign: what the generator writes, in the shape of the real tables, and seen by the rules where it should be."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tools.demo_campaign.attack import MORNING
from tools.demo_campaign.background import END
from tools.demo_campaign.campaign import attack, background, campaign, text, write
from vedette.content import demo
from vedette.core.clock import VirtualClock
from vedette.detect.alerts.alert import Alert
from vedette.detect.rule import AnalyticsRule
from vedette.detect.running.runner import RuleRunner
from vedette.store import catalog
from vedette.store.logstore import LogStore
from vedette.store.report import LoadOptions

AT = END + timedelta(minutes=3)
RULES = {read.rule.name: read.rule for read in demo.shipped().rules}


def alerts_over(tables: dict[str, list[dict[str, Any]]], folder: Path) -> dict[str, tuple[Alert, ...]]:
    """The alerts of every rule over tables that are loaded into a store of their own."""
    list(write(tables, folder))
    with LogStore(None, VirtualClock(AT)) as store:
        assert not store.load([folder], LoadOptions()).failed
        return {name: run(store, rule) for name, rule in RULES.items()}


def run(store: LogStore, rule: AnalyticsRule) -> tuple[Alert, ...]:
    result = RuleRunner(store, VirtualClock(AT)).run(rule, AT, demo.shipped().period)
    assert result.error is None, (rule.name, result.error)
    return result.alerts


def test_files_are_what_the_generator_writes() -> None:
    files = {file.parent.name: file for file in demo.CAMPAIGN.glob("*/*.jsonl.gz")}
    made = campaign()
    assert set(files) == set(made)
    for table, file in files.items():
        assert gzip.decompress(file.read_bytes()).decode() == text(made[table]), (
            f"{table}: python -m tools.demo_campaign"
        )
    assert sum(file.stat().st_size for file in files.values()) < 400_000


def test_rows_have_the_columns_and_types_of_the_real_tables() -> None:
    with LogStore(None, VirtualClock(AT)) as store:
        report = store.load(list(demo.shipped().files), LoadOptions())
        assert report.rows == sum(len(rows) for rows in campaign().values())
        for file in report.files:
            assert catalog.is_known(file.table)
            assert (file.extra, dict(file.drifted), file.bad, file.stamped) == ((), {}, 0, 0), file.table
        assert {table.name for table in store.tables()} >= {
            "SigninLogs", "AADNonInteractiveUserSignInLogs", "OfficeActivity", "AuditLogs", "AzureActivity",
            "SecurityEvent", "DeviceProcessEvents",
        }  # fmt: skip


def test_nested_values_are_nested_where_the_real_tables_have_them_so() -> None:
    tables = campaign()
    signin, renewal = tables["SigninLogs"][0], tables["AADNonInteractiveUserSignInLogs"][0]
    assert isinstance(signin["DeviceDetail"], dict)
    assert json.loads(renewal["DeviceDetail"])["browser"]
    assert all(isinstance(row["TargetResources"], list) for row in tables["AuditLogs"])
    assert all(json.loads(row["Authorization"]) == row["Authorization_d"] for row in tables["AzureActivity"])


def test_addresses_and_names_are_those_reserved_for_documentation() -> None:
    everything = "".join(text(rows) for rows in campaign().values())
    for row in campaign()["SigninLogs"]:
        assert row["IPAddress"].startswith(("192.0.2.", "198.51.100.", "203.0.113."))
        assert row["UserPrincipalName"].endswith(".example")
    assert "onmicrosoft.com" not in everything


def test_what_the_rules_see_is_the_attack_alone(tmp_path: Path) -> None:
    """Every rule fires; nothing of the background raises an alert or comes into one; what the intrusion left is enough."""
    quiet = alerts_over(background(), tmp_path / "background")
    assert {name: alerts for name, alerts in quiet.items() if alerts} == {}
    alone = alerts_over(attack(), tmp_path / "attack")
    whole = alerts_over(campaign(), tmp_path / "campaign")
    for name in RULES:
        assert whole[name], name
        assert all(alert.entities and alert.notes == () for alert in whole[name]), name
        seen = [[(a.title, a.severity, a.start, a.end, a.entities) for a in found[name]] for found in (alone, whole)]
        assert seen[0] == seen[1], name


def test_attack_has_ended_before_the_rules_own_first_window() -> None:
    """The scheduler's first window is one frequency long and ends at the import: it has to find nothing again."""
    longest = max(rule.frequency for rule in RULES.values())
    last = max(row["TimeGenerated"] for rows in attack().values() for row in rows)
    assert datetime.fromisoformat(last[:26]).replace(tzinfo=UTC) < END + demo.shipped().margin - longest - timedelta(
        minutes=5
    )


@pytest.mark.req("R-036")
def test_hunt_for_device_code_phishing_finds_the_victim() -> None:
    with LogStore(None, VirtualClock(AT)) as store:
        store.load(list(demo.shipped().files), LoadOptions())
        result = store.query(
            "SigninLogs | where AuthenticationProtocol == 'deviceCode' | where TimeGenerated > ago(30d) "
            "| summarize SignIns=count(), UniqueIPs=dcount(IPAddress) by UserPrincipalName | where SignIns > 0 "
            "| order by UniqueIPs desc"
        )
        found = {row[0]: row[1] for row in result.rows}
        assert found["daniel.reyes@alderfinch.example"] == 1
        assert found["amelie.brandt@alderfinch.example"] == 3  # a meeting room: near misses are there


@pytest.mark.req("R-009")
def test_first_pull_of_the_victim_has_the_start_of_the_incident() -> None:
    with LogStore(None, VirtualClock(AT)) as store:
        store.load(list(demo.shipped().files), LoadOptions())
        result = store.query(
            "SigninLogs | where UserPrincipalName == 'daniel.reyes@alderfinch.example' | where TimeGenerated > ago(14d) "
            "| project TimeGenerated, IPAddress, Location, AppDisplayName, ResultType, ConditionalAccessStatus, "
            "DeviceDetail, RiskLevelDuringSignIn"
        )
        assert [(column.name, str(column.type)) for column in result.columns] == [
            ("TimeGenerated", "datetime"), ("IPAddress", "string"), ("Location", "string"), ("AppDisplayName", "string"),
            ("ResultType", "string"), ("ConditionalAccessStatus", "string"), ("DeviceDetail", "dynamic"),
            ("RiskLevelDuringSignIn", "string"),
        ]  # fmt: skip
        risky = [row for row in result.rows if row[7] == "high" and row[4] == "0"]
        assert [str(row[0])[:19] for row in risky] == [MORNING.isoformat()[:19]]
        assert len(result.rows) > len(risky)
