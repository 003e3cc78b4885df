"""Threat intelligence on its whole way: an indicator comes in, a rule finds it in the logs, and an incident has it as an entity."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.conftest import Running, serving
from tests.intel.conftest import indicator
from tests.intel.taxii_server import COLLECTION, PASSWORD, USER, TaxiiServer, taxii_server
from vedette.core.accounts import local_operator

WS = "/workspaces/default"
RULE = "kind: ThreatIntelligence\nid: 11111111-2222-4333-8444-555555555555\nname: Indicators in logs\nseverity: Medium\ntactics: [CommandAndControl]\n"
UPLOADED, EXPIRED, POLLED, DOMAIN = "198.51.100.45", "198.51.100.46", "198.51.100.47", "c2.evil.example"


def text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


class Site:
    """A running server, an analyst's client, and a sender's token."""

    def __init__(self, running: Running, client: httpx.Client) -> None:
        self.running, self.client = running, client
        self.services = running.application.services(running.application.workspace("default"))
        self.token = self.services.new_ingest_token("tests", 1, local_operator(running.data))["token"]

    def send(self, path: str, document: object) -> None:
        """Gives a document to one of the doors."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        answer = httpx.post(self.running.server.url + path, content=json.dumps(document), headers=headers, timeout=60)
        assert answer.is_success, answer.text
        assert not answer.content or "errors" not in answer.json(), answer.text

    def rows(self, query: str) -> list[list[Any]]:
        assert self.services.intake.flush()
        answer = self.client.post(f"{WS}/query", json={"query": query})
        assert answer.is_success, answer.text
        return list(answer.json()["rows"])

    def run(self) -> list[dict[str, Any]]:
        """The alerts of the rule, run as of now."""
        assert self.services.intake.flush()
        answer = self.client.post(
            f"{WS}/local/rules/run",
            json={"rule": RULE.split("id: ")[1].split()[0], "at": datetime.now(UTC).isoformat()},
        )
        assert answer.is_success, answer.text
        return list(answer.json()["alerts"])


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with serving(tmp_path / "data", outbound_allow="127.0.0.0/8") as running, running.client() as client:
        yield Site(running, client)


@pytest.fixture
def feed() -> Iterator[TaxiiServer]:
    with taxii_server() as server:
        yield server


@pytest.mark.req("P-029", "P-032", "P-075", "P-076", "P-078", "P-079", "P-080")
def test_from_an_indicator_to_an_incident(site: Site, feed: TaxiiServer) -> None:
    now = datetime.now(UTC)
    times = {
        "created": text(now - timedelta(days=9)),
        "modified": text(now - timedelta(days=9)),
        "valid_from": text(now - timedelta(days=9)),
    }
    expired = text(now - timedelta(days=1))
    site.send(
        "/workspaces/default/threat-intelligence-stix-objects:upload?api-version=2024-02-01-preview",
        {"sourcesystem": "TIP", "stixobjects": [
            indicator(1, pattern=f"[ipv4-addr:value = '{UPLOADED}' OR domain-name:value = '{DOMAIN}']", confidence=90, **times),
            indicator(2, pattern=f"[ipv4-addr:value = '{EXPIRED}']", valid_until=expired, **times),
        ]},
    )  # fmt: skip
    feed.put(text(now), indicator(3, pattern=f"[ipv4-addr:value = '{POLLED}']", **times))
    made = site.client.post(f"{WS}/connectors", json={"kind": "taxii", "name": "CERT", "settings": {
        "address": f"{feed.url}/taxii2/", "collection": COLLECTION, "source": "CERT", "user_name": USER,
    }, "secrets": {"password": PASSWORD}})  # fmt: skip
    assert made.is_success, made.text
    deadline = time.monotonic() + 60
    while not site.rows(f"ThreatIntelIndicators | where ObservableValue == '{POLLED}' and IsActive"):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    recently = text(now - timedelta(minutes=9))
    site.send("/ingest/CommonSecurityLog", [
        {"TimeGenerated": recently, "DeviceVendor": "Contoso", "SourceIP": "10.0.0.8", "DestinationIP": address}
        for address in (UPLOADED, EXPIRED, POLLED, "198.51.100.48")
    ])  # fmt: skip
    site.send("/ingest/DnsEvents", [{"TimeGenerated": recently, "Name": DOMAIN.upper(), "ClientIP": "10.0.0.8"}])
    imported = site.client.post(f"{WS}/rules/import", json={"files": [{"name": "ti.yaml", "content": RULE}]}).json()
    assert not imported.get("problems"), imported
    alerts = site.run()
    seen = {
        value for alert in alerts for entity in alert["entities"] for name, value in entity.items() if name != "type"
    }
    assert seen == {UPLOADED, POLLED, DOMAIN}  # and not what has expired, nor what nobody has named
    assert {entity["type"] for alert in alerts for entity in alert["entities"]} == {"IP", "DNS"}
    incidents = site.client.get(f"{WS}/incidents").json()["value"]
    assert {name for one in incidents for name in one["entityNames"]} == seen
    # what has expired is kept, and a hunter finds where it was seen
    hunted = site.rows(
        "ThreatIntelIndicators | summarize arg_max(TimeGenerated, *) by Id, ObservableValue | where not(IsActive) "
        "| join kind=inner CommonSecurityLog on $left.ObservableValue == $right.DestinationIP | project DestinationIP, SourceIP, SourceSystem"
    )
    assert hunted == [[EXPIRED, "10.0.0.8", "TIP"]]


@pytest.mark.req("P-078", "P-080")
def test_what_an_analyst_adds_and_takes_back(site: Site) -> None:
    site.client.post(f"{WS}/rules/import", json={"files": [{"name": "ti.yaml", "content": RULE}]})
    made = site.client.post(f"{WS}/indicators", json={"type": "url", "value": "https://evil.example/x"}).json()
    row = {
        "TimeGenerated": text(datetime.now(UTC) - timedelta(minutes=3)),
        "RequestURL": "https://evil.example/X",
        "DeviceVendor": "C",
    }
    site.send("/ingest/CommonSecurityLog", [row])
    [alert] = site.run()
    assert alert["entities"] == [{"type": "URL", "Url": "https://evil.example/x"}]
    assert site.client.post(f"{WS}/indicators/{made['id']}/revoke").is_success
    assert site.run() == []
