"""From a log row to an incident in a Microsoft Sentinel workspace: the fake tenant's, over TLS."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.api.conftest import AT, RULE_ID, prepare, serving
from tests.plugins.fake_tenant import CLIENT, GROUP, SECRET, SUBSCRIPTION, TENANT, WORKSPACE
from vedette.clients.azure_cloud import local_cloud
from vedette.core.ids import derived_id
from vedette.range.server import RangeServer

WS = "/workspaces/default"
SETTINGS = {
    "tenant_id": TENANT, "client_id": CLIENT, "subscription_id": SUBSCRIPTION, "resource_group_name": GROUP,
    "workspace_name": WORKSPACE, "cloud": "Local",
}  # fmt: skip


@pytest.mark.req("D-001", "D-017", "D-055", "D-056", "D-058")
def test_a_run_by_hand_reaches_the_sentinel_workspace_once(tmp_path: Path, fake_tenant: RangeServer) -> None:
    clouds = {"Local": local_cloud(fake_tenant.url, fake_tenant.ca_path)}
    with serving(tmp_path / "data", clouds) as running, running.client() as client:
        kinds = client.get(f"{WS}/destination-kinds").json()["value"]
        fields = {field["name"] for field in kinds[0]["fields"]}
        settings = {name: value for name, value in SETTINGS.items() if name in fields}
        made = client.post(
            f"{WS}/destinations",
            json={
                "kind": kinds[0]["kind"],
                "name": "Production",
                "settings": settings,
                "secrets": {"client_secret": SECRET},
            },
        )
        assert made.status_code == 201, made.text
        assert SECRET not in made.text
        assert SECRET not in client.get(f"{WS}/destinations").text
        report = client.post(f"{WS}/destinations/{made.json()['id']}/test").json()
        assert report["ok"], report
        prepare(running, tmp_path / "files", run=False)
        run = client.post(f"{WS}/rules/run", json={"ruleId": RULE_ID, "at": AT}).json()
        assert run["outcome"] == "matched"
        delivery = _delivered(client)
        assert delivery["incidentNumber"] == run["incidents"][0]
        # the same run again: the incident is there already, and stays the only one
        client.post(f"{WS}/rules/run", json={"ruleId": RULE_ID, "at": AT})
        time.sleep(0.5)
        assert client.get(f"{WS}/deliveries").json()["count"] == 1
        expected = derived_id(RULE_ID, run["id"])
        assert expected in str(delivery["remoteId"])
        there = fake_tenant.tenant.workspace(WORKSPACE).incidents
        assert list(there) == [expected]


def _delivered(client: object) -> dict[str, object]:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        page = client.get(f"{WS}/deliveries").json()  # type: ignore[attr-defined]
        if page["value"] and page["value"][0]["state"] == "delivered":
            found: dict[str, object] = page["value"][0]
            return found
        time.sleep(0.1)
    raise AssertionError(page)
