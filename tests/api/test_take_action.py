"""Defender for Cloud's alerts and recommendations, from the connector to what an incident says is to be done."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.conftest import prepare, serving
from tests.plugins.fake_tenant import SUBSCRIPTION, TENANT
from tests.range.conftest import COLLECTOR
from vedette.clients.azure_cloud import local_cloud
from vedette.core.clock import SystemClock
from vedette.range.server import RangeServer
from vedette.range.state import timestamp

WS = "/workspaces/default"
CREATION = """
id: 8a1d1c1e-2222-4333-8444-555566667778
kind: MicrosoftSecurityIncidentCreation
name: Incidents of Defender for Cloud
productFilter: Azure Security Center
"""
MACHINES = """
id: 8a1d1c1e-2222-4333-8444-555566667779
kind: Scheduled
name: Machines with alerts
severity: Medium
queryFrequency: PT1H
queryPeriod: P1D
triggerOperator: gt
triggerThreshold: 0
query: SecurityAlert | where isnotempty(ResourceId) | project TimeGenerated, ResourceId
entityMappings:
  - {entityType: AzureResource, fieldMappings: [{identifier: ResourceId, columnName: ResourceId}]}
"""
PROVIDER = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Security"
SETTINGS = {"tenant_id": TENANT, "client_id": COLLECTOR[0], "subscription_id": SUBSCRIPTION, "cloud": "Local"}


def recommendation(tenant: RangeServer, resource: str) -> None:
    """An assessment as Azure lists it, and what it is about beside it."""
    documents = tenant.tenant.documents.of("arm", SUBSCRIPTION)
    name = "44d12760-2cef-4a75-9c7a-1b7b3b1d0c11"
    identity = f"{resource}/providers/Microsoft.Security/assessments/{name}"
    properties: dict[str, Any] = {
        "resourceDetails": {"Source": "Azure", "Id": resource}, "displayName": "Management ports are closed",
        "status": {"code": "Unhealthy", "statusChangeDate": "2026-03-01T10:00:00Z"},
        "links": {"azurePortal": "www.portal.azure.com/#blade/assessment"},
    }  # fmt: skip
    documents.put(
        identity.lower(),
        {"id": identity, "name": name, "type": "Microsoft.Security/assessments", "properties": properties},
    )
    facts = {
        "displayName": "Management ports are closed", "severity": "High", "description": "Open ports invite guessing.",
        "remediationDescription": "<ol><li>Open the network security group.</li><li>Remove the rule for 22 and 3389.</li></ol>",
    }  # fmt: skip
    identity = f"{PROVIDER}/assessmentMetadata/{name}"
    documents.put(
        identity.lower(),
        {"id": identity, "name": name, "type": "Microsoft.Security/assessmentMetadata", "properties": facts},
    )


def compliance(tenant: RangeServer) -> None:
    """Two controls of a standard that rest on the recommendation: one fails, the other was fulfilled."""
    documents = tenant.tenant.documents.of("arm", SUBSCRIPTION)
    standard = f"{PROVIDER}/regulatoryComplianceStandards/PCI-DSS-4"
    documents.put(standard.lower(), {"id": standard, "name": "PCI-DSS-4", "properties": {"state": "Failed"}})
    for control, state in (("1.2.5", "Failed"), ("1.2.6", "Passed")):
        below = f"{standard}/regulatoryComplianceControls/{control}"
        documents.put(below.lower(), {"id": below, "name": control, "properties": {"state": state}})
        name = "44d12760-2cef-4a75-9c7a-1b7b3b1d0c11"
        identity = f"{below}/regulatoryComplianceAssessments/{name}"
        kind = "Microsoft.Security/regulatoryComplianceStandards/regulatoryComplianceControls/regulatoryComplianceAssessments"
        properties = {"description": "Management ports are closed", "state": state, "failedResources": 1}
        documents.put(identity.lower(), {"id": identity, "name": name, "type": kind, "properties": properties})


def controls(client: httpx.Client, number: int) -> list[list[str]]:
    """The failed controls that the Azure resources of an incident have a part in, asked as docs/incidents.md does."""
    blocks = re.findall(r"```kql\n(.*?)```", Path("docs/incidents.md").read_text(encoding="utf-8"), re.DOTALL)
    [text] = [block for block in blocks if "SecurityRegulatoryCompliance" in block]
    asked = client.post(
        f"{WS}/query", json={"query": text.replace("IncidentNumber == 7", f"IncidentNumber == {number}")}
    )
    return list(asked.raise_for_status().json()["rows"])


def until_there(client: httpx.Client, table: str) -> None:
    """Waits until a table has rows."""
    deadline = time.monotonic() + 60
    while table not in {one["name"] for one in client.get(f"{WS}/tables", params={"withRows": True}).json()["value"]}:
        assert time.monotonic() < deadline, client.get(f"{WS}/connectors").text
        time.sleep(0.05)


@pytest.mark.req("P-068", "T-002", "T-019", "T-020", "T-041")
def test_alerts_recommendations_and_analytics_come_together_on_an_incident(
    tmp_path: Path, fake_tenant: RangeServer
) -> None:
    now = timestamp(SystemClock().now())
    [alert] = [
        one for one in fake_tenant.tenant.documents.of("arm", SUBSCRIPTION)
        if "alerts" in one["type"].lower() and one["name"].startswith("2518770965529163669")
    ]  # fmt: skip
    about = alert["properties"]
    about["timeGeneratedUtc"] = about["startTimeUtc"] = about["endTimeUtc"] = now
    machine = about["resourceIdentifiers"][0]["azureResourceId"]
    recommendation(fake_tenant, machine)
    compliance(fake_tenant)
    clouds = {"Local": local_cloud(fake_tenant.url, fake_tenant.ca_path)}
    with serving(tmp_path / "data", clouds) as held, held.client() as client:
        body = {
            "kind": "defender-for-cloud",
            "name": "Posture",
            "settings": SETTINGS,
            "secrets": {"client_secret": COLLECTOR[1]},
        }
        made = client.post(f"{WS}/connectors", json=body)
        assert made.status_code == 201, made.text
        for table in ("SecurityAlert", "SecurityRecommendation", "SecurityRegulatoryCompliance"):
            until_there(client, table)
        # Analytics: a rule of one's own over the same workspace, beside the rule that makes incidents of alerts.
        prepare(held, tmp_path / "files")
        files = [{"name": "creation.yaml", "content": CREATION}]
        [imported] = client.post(f"{WS}/rules/import", json={"files": files}).json()["imported"]
        # The schedule may have been there before: an alert of another product is one alert, whoever finds it first.
        client.post(f"{WS}/rules/run", json={"ruleId": imported["id"]}).raise_for_status()
        numbers = {one["title"]: one["number"] for one in client.get(f"{WS}/incidents").json()["value"]}
        number = numbers.pop("Encoded command on a virtual machine")
        assert numbers.keys() == {"Sign-in from a country that nobody works in"}

        told = client.get(f"{WS}/incidents/{number}/take-action").json()
        [mitigation] = told["mitigate"]
        assert mitigation["steps"] == ["Ask the owner of the machine", "Isolate the machine"]
        assert mitigation["productName"] == "Microsoft Defender for Cloud"
        [open_] = told["prevent"]["value"]
        assert (open_["title"], open_["severity"]) == ("Management ports are closed", "High")
        assert open_["resource"] == {"id": machine, "name": "vm1", "type": "Microsoft.Compute/virtualMachines"}
        assert open_["steps"] == ["Open the network security group.", "Remove the rule for 22 and 3389."]
        assert open_["link"] == "https://www.portal.azure.com/#blade/assessment"
        # The incident of the rule of one's own is about no resource.
        [other] = [one["number"] for one in client.get(f"{WS}/incidents").json()["value"] if one["number"] != number]
        told = client.get(f"{WS}/incidents/{other}/take-action").json()
        assert told["prevent"]["value"] == told["mitigate"] == []
        assert "names no resource" in told["prevent"]["reason"]
        assert client.get(f"{WS}/incidents/99/take-action").status_code == 404
        # Who closes the incident has not said anything of the alert at its source.
        base = client.get(f"{WS}/incidents/{number}").json()["revisions"]
        closing = {"status": "Closed", "classification": "TruePositive", "classificationReason": "SuspiciousActivity"}
        closed = client.patch(
            f"{WS}/incidents/{number}", json={"set": closing, "base": {"status": base["status"]}}
        ).json()
        assert closed["status"] == "Closed"
        documents = fake_tenant.tenant.documents.of("arm", SUBSCRIPTION)
        at_source = documents.get(alert["id"])
        assert at_source is not None
        assert at_source["properties"]["status"] == "Active"
        # Which controls fail because of the machine that an incident is about.
        files = [{"name": "machines.yaml", "content": MACHINES}]
        [imported] = client.post(f"{WS}/rules/import", json={"files": files}).json()["imported"]
        client.post(f"{WS}/rules/run", json={"ruleId": imported["id"]}).raise_for_status()
        titles = {one["title"]: one["number"] for one in client.get(f"{WS}/incidents").json()["value"]}
        deadline = time.monotonic() + 60
        while not (rows := controls(client, titles["Machines with alerts"])):
            assert time.monotonic() < deadline  # the incident's rows are on their way into the tables
            time.sleep(0.1)
        assert rows == [[machine.lower(), "PCI-DSS-4", "1.2.5"]]
