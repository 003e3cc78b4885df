"""Recorded payloads of Azure Resource Manager and Defender for Cloud load without the loss of a field."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.plugins.fake_tenant import GROUP, SUBSCRIPTION, TENANT, WORKSPACE, Door
from tests.range.conftest import RESPONDER
from vedette.range.seed import CONTOSO

EXPORT = "12cabcb4-86e8-404f-a3d2-1dc9982f45ca"


def load(
    door: Door, parts: dict[str, Any], subscription: str = SUBSCRIPTION, workspace: dict[str, Any] | None = None
) -> str:
    group = {"name": GROUP, "workspaces": [{"name": WORKSPACE, **(workspace or {})}]}
    role = {"principal": RESPONDER[0], "role": "Owner", "scope": f"/subscriptions/{subscription}"}
    made = {"id": subscription, "tenant_id": TENANT, "resource_groups": [group], "role_assignments": [role], **parts}
    door.server.reset(seed={**CONTOSO, "subscriptions": [made]}, clock=door.clock)
    return door.token(client=RESPONDER[0], secret=RESPONDER[1])


def contract(shared: Path, name: str) -> Any:
    return json.loads((shared / "contracts" / f"{name}.json").read_text())


@pytest.mark.parametrize(
    ("name", "family", "path"),
    [
        ("arm_bookmark", "bookmarks", "bookmarks"),
        ("arm_alert_rule_scheduled", "alertRules", "alertRules"),
        ("arm_automation_rule", "automationRules", "automationRules"),
        ("arm_ti_indicator", "threatIntelligence", "threatIntelligence/main/indicators"),
    ],
)
def test_resources_of_sentinel(door: Door, shared: Path, name: str, family: str, path: str) -> None:
    recorded = contract(shared, name)
    token = load(door, {}, workspace={"resources": {family: [recorded]}})
    told = door.arm("GET", f"{path}/{recorded['name']}", token=token, version="2025-09-01").json()
    assert {**told, "id": ""} == {**recorded, "id": ""}
    assert door.arm("GET", path, token=token, version="2025-09-01").json()["value"] == [told]


def test_a_comment(door: Door, shared: Path) -> None:
    recorded = contract(shared, "arm_incident_comment")
    incident = contract(shared, "arm_incident_list")["value"][0]
    token = load(door, {}, workspace={"incidents": [incident], "comments": {incident["name"]: [recorded]}})
    told = door.arm("GET", f"incidents/{incident['name']}/comments/{recorded['name']}", token=token).json()
    assert {**told, "id": ""} == {**recorded, "id": "", "type": told["type"]}
    assert told["type"].lower() == recorded["type"].lower()


@pytest.mark.parametrize(
    ("name", "pick", "version"),
    [
        ("mdc_alert", None, "2022-01-01"),
        ("mdc_suppression_rule", None, "2019-01-01-preview"),
        ("compute_snapshot", "get_response", "2024-03-02"),
    ],
)
def test_resources_of_a_subscription(door: Door, shared: Path, name: str, pick: str | None, version: str) -> None:
    recorded = contract(shared, name)[pick] if pick else contract(shared, name)
    token = load(door, {"resources": [recorded]})
    assert door.arm("GET", recorded["id"], token=token, version=version).json() == recorded


def test_a_lock(door: Door, shared: Path) -> None:
    recorded = contract(shared, "arm_lock")
    token = load(door, {"resources": [recorded]}, recorded["id"].split("/")[2])
    assert door.arm("GET", recorded["id"], token=token, version="2020-05-01").json() == recorded


def test_exports_of_defender_for_cloud(door: Door, shared: Path) -> None:
    exported = json.loads((shared / "data" / "graph" / "defender_for_cloud_alerts.json").read_text())
    resources = [each for each in exported if str(each.get("id", each.get("Id"))).lower().startswith("/subscriptions/")]
    subscription = str(resources[0]["id"]).split("/")[2]
    resources = [each for each in resources if each.get("id", each.get("Id")).split("/")[2].lower() == subscription]
    assert len(resources) >= 3
    token = load(door, {"resources": resources}, subscription)
    for each in resources:
        identity = each.get("id", each.get("Id"))
        answer = door.arm("GET", identity, token=token, version="2020-01-01")
        assert (answer.status_code, answer.json()) == (200, each)
    path = f"/subscriptions/{subscription}/providers/Microsoft.Security/assessments"
    listed = door.arm("GET", path, token=token, version="2020-01-01").json()["value"]
    assert [each["type"] for each in listed] == ["Microsoft.Security/assessments"]


def test_indicators_are_made_and_found(door: Door, shared: Path) -> None:
    token = load(door, {})
    recorded = contract(shared, "arm_ti_indicator")
    body = {"kind": "indicator", "properties": recorded["properties"]}
    made = door.arm("POST", "threatIntelligence/main/createIndicator", body, token=token, version="2025-09-01")
    assert made.status_code == 201
    base = "threatIntelligence/main"

    def find(**conditions: Any) -> int:
        answer = door.arm("POST", f"{base}/queryIndicators", conditions, token=token, version="2025-09-01")
        return len(answer.json()["value"])

    assert find(minConfidence=80, patternTypes=["ipv4-addr"], keywords=["c2"]) == 1
    assert (find(minConfidence=81), find(sources=["other"]), find(minValidUntil="2027-01-01T00:00:00Z")) == (0, 0, 0)
    name = made.json()["name"]
    tags = {"threatIntelligenceTags": ["phish", "new"]}
    assert (
        door.arm("POST", f"{base}/indicators/{name}/appendTags", tags, token=token, version="2025-09-01").status_code
        == 200
    )
    told = door.arm("GET", f"{base}/indicators/{name}", token=token, version="2025-09-01").json()
    assert told["properties"]["threatIntelligenceTags"] == ["phish", "new"]
    metrics = door.arm("GET", f"{base}/metrics", token=token, version="2025-09-01").json()["value"][0]["properties"]
    assert metrics["patternTypeMetrics"] == [{"metricName": "ipv4-addr", "metricValue": 1}]
    assert door.arm("DELETE", f"{base}/indicators/{name}", token=token, version="2025-09-01").status_code == 200
