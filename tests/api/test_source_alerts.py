"""Alerts of Defender for Cloud where they come from: kept active or dismissed with the incident, and suppressed by hand."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from tests.api.conftest import serving
from tests.api.test_take_action import CREATION, PROVIDER, SETTINGS, WS
from tests.plugins.fake_tenant import SUBSCRIPTION
from tests.range.conftest import COLLECTOR, RESPONDER
from vedette.cli.main import app
from vedette.clients.azure_cloud import local_cloud
from vedette.core.clock import SystemClock
from vedette.range.faults import Fault
from vedette.range.server import RangeServer
from vedette.range.state import timestamp

RULES = f"{PROVIDER}/alertsSuppressionRules"
CLOSING = {"status": "Closed", "classification": "BenignPositive", "classificationReason": "SuspiciousButExpected"}


def vedette(*arguments: str) -> Result:
    """A command, through the server that holds the directory."""
    return CliRunner().invoke(app, list(arguments))


@dataclass(frozen=True)
class Desk:
    """A server with the incident of one alert of Defender for Cloud, and the tenant that the alert is in."""

    client: httpx.Client
    tenant: RangeServer
    number: int
    alert: str
    connector: str
    data: str

    def status(self) -> str:
        """The alert's state at its source."""
        found = self.tenant.tenant.documents.of("arm", SUBSCRIPTION).get(self.alert)
        assert found is not None
        return str(found["properties"]["status"])

    def path(self, rest: str = "") -> str:
        return f"{WS}/incidents/{self.number}{rest}"

    def change(self) -> dict[str, Any]:
        """What became of the last wish."""
        [one] = self.client.get(self.path("/source-alerts")).json()["value"]
        found: dict[str, Any] = one["change"]
        return found

    def until(self, state: str) -> dict[str, Any]:
        deadline = time.monotonic() + 60
        while (found := self.change())["state"] != state:
            assert time.monotonic() < deadline, found
            time.sleep(0.05)
        return found

    def set(self, **body: Any) -> httpx.Response:
        return self.client.patch(self.path(), json=body)

    def registered(self, who: tuple[str, str]) -> None:
        """Have the connector sign in as another app registration."""
        body = {"settings": {"client_id": who[0]}, "secrets": {"client_secret": who[1]}}
        answer = self.client.patch(f"{WS}/connectors/{self.connector}", json=body)
        assert answer.status_code == 200, answer.text


@pytest.fixture(scope="module")
def desk(range_server: RangeServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    range_server.reset()
    now = timestamp(SystemClock().now() - timedelta(minutes=1))
    documents = range_server.tenant.documents.of("arm", SUBSCRIPTION)
    [alert] = [one for one in documents if one["name"].startswith("2518770965529163669")]
    alert["properties"] |= {"timeGeneratedUtc": now, "startTimeUtc": now, "endTimeUtc": now}
    clouds = {"Local": local_cloud(range_server.url, range_server.ca_path)}
    folder: Path = tmp_path_factory.mktemp("source")
    with serving(folder / "data", clouds) as held, held.client() as client:
        body = {
            "kind": "defender-for-cloud", "name": "Posture", "settings": {**SETTINGS, "client_id": RESPONDER[0]},
            "secrets": {"client_secret": RESPONDER[1]},
        }  # fmt: skip
        made = client.post(f"{WS}/connectors", json=body)
        assert made.status_code == 201, made.text
        deadline = time.monotonic() + 60
        while not client.post(f"{WS}/query", json={"query": "SecurityAlert | take 1"}).json()["rows"]:
            assert time.monotonic() < deadline, client.get(f"{WS}/connectors").text
            time.sleep(0.05)
        files = [{"name": "creation.yaml", "content": CREATION}]
        [rule] = client.post(f"{WS}/rules/import", json={"files": files}).json()["imported"]
        client.post(f"{WS}/rules/run", json={"ruleId": rule["id"]})
        [number] = [one["number"] for one in client.get(f"{WS}/incidents").json()["value"]]
        yield Desk(client, range_server, number, alert["id"], made.json()["id"], str(held.data))


@pytest.fixture(autouse=True)
def anew(desk: Desk) -> Iterator[None]:
    """Each test begins with an open incident of an active alert, and no rules."""
    yield
    desk.tenant.tenant.faults.clear()
    for one in desk.client.get(f"{WS}/automation-rules").json()["value"]:
        desk.client.delete(f"{WS}/automation-rules/{one['id']}")
    desk.registered(RESPONDER)
    assert desk.set(set={"status": "New"}).status_code == 200
    assert desk.client.post(desk.path("/source-alerts"), json={"action": "Activate"}).status_code == 200
    assert desk.status() == "Active"


@pytest.mark.req("T-041", "T-043")
def test_an_incident_is_closed_here_alone_or_at_both_ends(desk: Desk) -> None:
    [one] = desk.client.get(desk.path("/source-alerts")).json()["value"]
    assert (one["product"], one["subscriptionId"], one["connector"]) == (
        "Microsoft Defender for Cloud", SUBSCRIPTION, "Posture",
    )  # fmt: skip
    assert desk.set(set=CLOSING).json()["status"] == "Closed"
    assert desk.status() == "Active"
    assert desk.set(set={"status": "Active"}).status_code == 200
    closed = desk.set(set=CLOSING, sourceAlerts="dismiss")
    assert (closed.status_code, closed.json()["status"]) == (200, "Closed")
    assert desk.until("done")["status"] == "Dismissed"
    assert desk.status() == "Dismissed"
    entries = [one["title"] for one in desk.client.get(desk.path()).json()["timeline"] if one["kind"] == "action"]
    assert entries[-1] == "Dismissed in Microsoft Defender for Cloud: Encoded command on a virtual machine"
    assert any(one["action"] == "source-alerts/Dismiss" for one in desk.client.get(f"{WS}/audit").json()["value"])


def test_the_dismissed_alert_comes_back_and_opens_nothing(desk: Desk) -> None:
    assert desk.set(set=CLOSING, sourceAlerts="Dismiss").status_code == 200
    desk.until("done")
    desk.registered(RESPONDER)  # polls anew
    deadline = time.monotonic() + 60
    query = {"query": "SecurityAlert | where Status == 'Dismissed'"}
    while not desk.client.post(f"{WS}/query", json=query).json()["rows"]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    [rule] = [one["id"] for one in desk.client.get(f"{WS}/rules").json()["value"]]
    desk.client.post(f"{WS}/rules/run", json={"ruleId": rule})
    [incident] = desk.client.get(f"{WS}/incidents").json()["value"]
    assert (incident["number"], incident["status"], incident["alertCount"]) == (desk.number, "Closed", 1)


@pytest.mark.req("T-043")
def test_by_command(desk: Desk) -> None:
    number = str(desk.number)
    done = vedette("incidents", "close", number, "--as", "FalsePositive", "--reason", "InaccurateData", "--source-alerts", "Dismiss",
                   "--data", desk.data)  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "is closed as FalsePositive" in done.stdout
    desk.until("done")
    shown = vedette("incidents", "source-alerts", number, "--data", desk.data, "--format", "json")
    assert json.loads(shown.stdout)["value"][0]["change"]["status"] == "Dismissed"
    assert vedette("incidents", "source-alerts", number, "--do", "activate", "--data", desk.data).exit_code == 0
    assert desk.status() == "Active"
    made = vedette(
        "incidents",
        "suppress",
        number,
        "--until",
        "2099-01-01",
        "--entity",
        "entities.host.hostName=vm1",
        "--data",
        desk.data,
    )
    assert made.exit_code == 0, made.output
    [rule] = json.loads(vedette("incidents", "suppressions", "--data", desk.data, "--format", "json").stdout)["value"]
    assert rule["entities"] == [{"field": "entities.host.hostName", "in": ["vm1"]}]
    gone = vedette("incidents", "unsuppress", rule["name"], "--subscription", SUBSCRIPTION, "--data", desk.data)
    assert gone.exit_code == 0, gone.output


@pytest.mark.req("T-043")
def test_a_wrong_wish_closes_nothing(desk: Desk) -> None:
    refused = desk.set(set=CLOSING, sourceAlerts="Delete")
    assert refused.status_code == 404
    assert desk.client.get(desk.path()).json()["status"] == "New"


@pytest.mark.req("T-043")
def test_an_automation_rule_closes_at_both_ends(desk: Desk) -> None:
    closing = {
        "propertyName": "IncidentStatus",
        "changeType": "ChangedTo",
        "operator": "Equals",
        "propertyValues": ["Closed"],
    }
    rule = {
        "displayName": "Close at both ends",
        "triggeringLogic": {
            "isEnabled": True, "triggersOn": "Incidents", "triggersWhen": "Updated",
            "conditions": [{"conditionType": "PropertyChanged", "conditionProperties": closing}],
        },
        "actions": [{"order": 1, "actionType": "ChangeSourceAlerts", "actionConfiguration": {"action": "Dismiss"}}],
    }  # fmt: skip
    made = desk.client.post(f"{WS}/automation-rules", json=rule)
    assert made.status_code == 201, made.text
    assert desk.set(set=CLOSING).status_code == 200
    assert desk.until("done")["by"]["name"] == "Close at both ends"
    assert desk.status() == "Dismissed"
    exported = desk.client.get(f"{WS}/automation-rules/export").json()
    assert any("no action 'ChangeSourceAlerts'" in note for note in exported["notes"])
    rule["actions"][0]["actionConfiguration"]["action"] = "Explode"  # type: ignore[index]
    assert desk.client.post(f"{WS}/automation-rules", json=rule).status_code == 400


def test_the_source_is_waited_for(desk: Desk) -> None:
    desk.tenant.tenant.faults.add(Fault(503, path="*/dismiss", times=1))
    assert desk.set(set=CLOSING, sourceAlerts="Dismiss").status_code == 200
    deadline = time.monotonic() + 60
    while not desk.change()["attempts"]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    waiting = desk.change()
    if waiting["state"] == "waiting":
        assert waiting["message"].startswith("Azure cannot be reached")
    # a later wish takes its place
    assert desk.client.post(desk.path("/source-alerts"), json={"action": "Resolve"}).status_code == 200
    assert desk.until("done")["action"] == "Resolve"
    assert desk.status() == "Resolved"


def test_what_the_source_refuses_is_told_with_what_helps(desk: Desk) -> None:
    desk.registered(COLLECTOR)
    answer = desk.client.post(desk.path("/source-alerts"), json={"action": "Dismiss"})
    [one] = answer.json()["value"]
    assert one["change"]["state"] == "failed"
    assert "Microsoft.Security/locations/alerts/dismiss/action" in one["change"]["message"]
    assert "Security Admin" in one["change"]["hint"]
    refused = desk.client.post(desk.path("/source-alerts/suppress"), json={})
    assert (refused.status_code, refused.json()["error"]["code"]) == (502, "VDT6103")
    assert desk.status() == "Active"
    assert desk.client.patch(f"{WS}/connectors/{desk.connector}", json={"enabled": False}).status_code == 200
    [one] = desk.client.post(desk.path("/source-alerts"), json={"action": "Dismiss"}).json()["value"]
    assert "No connector Microsoft Defender for Cloud that is enabled" in one["change"]["message"]
    assert desk.client.patch(f"{WS}/connectors/{desk.connector}", json={"enabled": True}).status_code == 200


@pytest.mark.req("T-044")
def test_new_alerts_are_suppressed_by_hand(desk: Desk) -> None:
    documents = desk.tenant.tenant.documents.of("arm", SUBSCRIPTION)
    body = {"reason": "noise", "comment": "the scanner", "expiresOn": "2099-01-01T00:00:00Z",
            "entities": {"entities.ip.address": ["203.0.113.45"]}}  # fmt: skip
    made = desk.client.post(desk.path("/source-alerts/suppress"), json=body)
    assert made.status_code == 201, made.text
    rule = documents.get(f"{RULES}/{made.json()['name']}")
    assert rule is not None
    assert {name: rule["properties"][name] for name in ("alertType", "reason", "state", "comment", "suppressionAlertsScope")} == {
        "alertType": "VM_SuspiciousActivity", "reason": "Noise", "state": "Enabled", "comment": "the scanner",
        "suppressionAlertsScope": {"allOf": [{"field": "entities.ip.address", "in": ["203.0.113.45"]}]},
    }  # fmt: skip
    shown = vedette("incidents", "suppressions", "--data", desk.data)
    assert made.json()["name"] in shown.stdout
    again = desk.client.post(desk.path("/source-alerts/suppress"), json={**body, "comment": "the scanner, again"})
    [listed] = desk.client.get(f"{WS}/source-suppressions").json()["value"]
    assert (listed["name"], listed["comment"]) == (again.json()["name"], "the scanner, again")
    assert desk.client.delete(f"{WS}/source-suppressions/{SUBSCRIPTION}/{listed['name']}").status_code == 204
    assert documents.get(f"{RULES}/{listed['name']}") is None


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"reason": "because"}, 400),
        ({"expiresOn": "2001-01-01T00:00:00Z"}, 400),
        ({"entities": {"nonsense": ["x"]}}, 400),
        ({"entities": {"entities.ip.address": []}}, 400),
        ({"sourceId": "another"}, 404),
    ],
)
def test_a_suppression_that_is_not_right(desk: Desk, body: dict[str, Any], status: int) -> None:
    assert desk.client.post(desk.path("/source-alerts/suppress"), json=body).status_code == status
