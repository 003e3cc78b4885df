"""What security products conclude, in rows of real products: the rules that ship make alerts of it that say what it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from vedette.content.templates import template
from vedette.core.clock import VirtualClock
from vedette.detect.alerts.alert import Alert
from vedette.detect.running.runner import RuleRunner
from vedette.store.logstore import LogStore
from vedette.store.report import LoadOptions

AT = datetime(2023, 1, 1, tzinfo=UTC)
"""After every row; those without a time of their own are put an hour before."""
EVER = timedelta(days=3650)
CEF = "CommonSecurityLog/sentinel_sample_data.jsonl.gz"


def alerts(shared: Path, name: str, *files: str) -> list[Alert]:
    """What a rule that ships finds in files of real rows."""
    with LogStore(None, VirtualClock(AT)) as store:
        paths = [shared / "data" / "tables" / file for file in files]
        assert not store.load(paths, LoadOptions(stamp=AT - timedelta(hours=1))).failed
        run = RuleRunner(store, VirtualClock(AT)).run(template(name).read.rule, AT, EVER)
    assert run.error is None, run.error
    return list(run.alerts)


def named(found: list[Alert], text: str) -> list[Alert]:
    """The alerts whose title has a text."""
    return [alert for alert in found if text in alert.title]


def entities(alert: Alert) -> set[str]:
    """What an alert's entities are called."""
    return {entity.title for entity in alert.entities}


@pytest.mark.req("P-051")
def test_communication_with_known_bad_hosts(shared: Path) -> None:
    found = alerts(shared, "Detection of another vendor's product", CEF)
    beacons = named(found, "C2: Beacons to Live Posh C2 Servers")
    assert beacons
    assert all({"192.168.122.142", "178.62.72.123", "advertyzing.co.uk"} <= entities(alert) for alert in beacons)
    assert {alert.properties["ProductName"] for alert in beacons} == {"Arista Networks Awake Security"}
    [known] = named(found, "Threat Intelligence Match")
    assert {"192.168.192.194", "mutton-raglans.rs"} <= entities(known)
    # Events of the same products that conclude nothing are none.
    assert not named(found, "heartbeat")
    assert not named(found, "Connection Closed")


@pytest.mark.req("P-056")
def test_data_exfiltration_events(shared: Path) -> None:
    found = alerts(shared, "Detection of another vendor's product", CEF)
    events = [alert for alert in found if alert.tactics == ("Exfiltration",)]
    assert {alert.title.partition(": ")[2] for alert in events} == {
        "Smash and Grab", "Hidden HTTPS Tunnel", "Hidden DNS Tunnel", "Threat Intelligence Match",
    }  # fmt: skip
    [tunnel] = named(events, "Hidden HTTPS Tunnel")
    assert {"10.100.199.10", "172.217.23.129"} <= entities(tunnel)
    assert tunnel.severity.value == "High"
    assert tunnel.custom_details["Category"] == ("EXFILTRATION",)


@pytest.mark.req("P-052")
def test_traffic_that_was_blocked_and_why(shared: Path) -> None:
    found = alerts(shared, "Traffic that a product blocked as a threat", CEF)
    [callback] = named(found, "CnC Callback")
    assert callback.title == "Trend Micro Apex Central blocked 10.201.86.187: CnC Callback"
    assert entities(callback) == {"10.201.86.187", "10.201.86.195", "ApexOneClient01"}
    assert callback.custom_details["Why"] == ("CnC Callback",)
    assert callback.custom_details["Action"] == ("Block",)
    [site] = named(found, "Productivity Loss")
    assert site.sample[0]["Sites"] == ["HTTP://168.63.129.16/HealthService"]


@pytest.mark.req("P-053")
def test_suspicious_logons(shared: Path) -> None:
    files = ("SigninLogs/training_disabled_accounts.jsonl.gz", "SigninLogs/training_adele.jsonl.gz")
    [alert] = alerts(shared, "Sign-in from an address that tried disabled accounts", *files)
    assert {"adelev@m365x816222.onmicrosoft.com", "175.45.176.99"} <= entities(alert)
    assert alerts(shared, "Sign-in from an address that tried disabled accounts", files[1]) == []


@pytest.mark.req("P-054")
def test_password_sprays_that_were_detected(shared: Path) -> None:
    found = alerts(
        shared, "Risk detection of Microsoft Entra ID Protection", "AADUserRiskEvents/elastic_fixtures.jsonl.gz"
    )
    assert len(found) == 2
    [spray] = named(found, "Password spray: ")
    assert spray.severity.value == "High"
    assert spray.tactics == ("CredentialAccess",)
    assert entities(spray) == {"joel.miller@mauriziobrancaoutlook.onmicrosoft.com", "67.43.156.42"}
