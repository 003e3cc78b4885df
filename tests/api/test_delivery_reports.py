"""What the REST API tells of deliveries: on the incident's timeline, when something is wrong, and never a secret."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.conftest import AT, RULE_ID, Running, prepare, serving
from tests.deliver.conftest import VALUES
from tests.plugins.fake_tenant import CLIENT, SECRET, TENANT, WORKSPACE
from vedette.api.application import Application
from vedette.clients.azure_cloud import clouds_with
from vedette.core.settings import load_settings
from vedette.range.server import RangeServer

WS = "/workspaces/default"
SECRETS = ("tenant_id", "client_id", "client_secret")


def cloud(server: RangeServer) -> dict[str, str]:
    return {"authority": server.url, "resource_manager": server.url, "ca_file": str(server.ca_path)}


@pytest.fixture
def delivering(fake_tenant: RangeServer, tmp_path: Path) -> Iterator[Running]:
    """A server that knows the fake tenant as an Azure cloud, with the campaign's logs and its rule."""
    with serving(tmp_path / "data", clouds_with({"Range": cloud(fake_tenant)})) as running:
        prepare(running, tmp_path / "files", run=False)
        yield running


def test_further_clouds_are_a_setting(fake_tenant: RangeServer, tmp_path: Path) -> None:
    settings = load_settings(data_dir=tmp_path / "data", azure_clouds={"Range": cloud(fake_tenant)})
    with Application(settings) as application:
        clouds = [
            field.choices for kind in application.destinations.kinds() for field in kind.fields if field.name == "cloud"
        ]
        assert clouds
        assert set(clouds) == {("AzurePublic", "AzureUSGovernment", "AzureChina", "Range")}


def destination(client: httpx.Client, **change: object) -> dict[str, Any]:
    values = {**VALUES, "cloud": "Range", **change}
    answer = client.post(
        f"{WS}/destinations",
        json={
            "kind": "sentinel",
            "name": "Production",
            "settings": {name: value for name, value in values.items() if name not in SECRETS},
            "secrets": {name: value for name, value in values.items() if name in SECRETS},
        },
    )
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def run_rule(client: httpx.Client) -> None:
    answer = client.post(f"{WS}/local/rules/run", json={"rule": RULE_ID, "at": AT})
    assert answer.status_code == 200, answer.text


def eventually(read: Callable[[], Any], wanted: Callable[[Any], bool]) -> Any:
    deadline = time.monotonic() + 60
    while True:
        found = read()
        if wanted(found):
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.05)


@pytest.mark.req("D-001", "D-056", "D-060")
def test_a_rule_that_is_run_by_hand_arrives_once_and_the_timeline_says_so(
    delivering: Running, fake_tenant: RangeServer
) -> None:
    with delivering.client() as client:
        made = destination(client)
        tested = client.post(f"{WS}/destinations/{made['id']}/test").json()
        assert tested["ok"], tested
        run_rule(client)
        page = eventually(
            lambda: client.get(f"{WS}/deliveries").json(), lambda page: page["facets"]["state"]["delivered"] == 1
        )
        run_rule(client)
        (delivery,) = page["value"]
        (incident,) = fake_tenant.tenant.workspace(WORKSPACE).incidents.values()
        assert delivery["remoteId"].endswith(f"/Incidents/{incident.name}")
        assert incident.properties["title"] == "Sign-in from a country that nobody works in"
        assert "Run type: MANUAL" in incident.properties["description"]
        assert f"Detection ID: {RULE_ID}" in incident.properties["description"]
        assert f"Replay: {delivering.application.public_url}/" in incident.properties["description"]
        shown = client.get(f"{WS}/incidents/{delivery['incidentNumber']}").json()
        (entry,) = [item for item in shown["timeline"] if item["kind"] == "delivery"]
        assert entry["title"] == "Delivered to Production"
        assert client.get(f"{WS}/deliveries").json()["count"] == 1
        (view,) = client.get(f"{WS}/destinations").json()["value"]
        assert view["health"]["state"] == "healthy"
    assert len(fake_tenant.tenant.workspace(WORKSPACE).incidents) == 1


@pytest.mark.req("D-061", "D-027")
def test_what_is_wrong_is_told_over_the_api(delivering: Running) -> None:
    with delivering.client() as client:
        refused = client.post(
            f"{WS}/destinations",
            json={"kind": "sentinel", "name": "x", "settings": {}, "secrets": {"tenant_id": "not-a-uuid"}},
        )
        assert refused.status_code == 400
        assert "tenant_id must be a UUID" in refused.text
        made = destination(client, client_secret="wrong")
        tested = client.post(f"{WS}/destinations/{made['id']}/test").json()
        assert not tested["ok"]
        assert tested["steps"][-1]["message"].startswith("Authentication failed")
        assert "client_secret" in tested["steps"][-1]["hint"]
        run_rule(client)
        page = eventually(lambda: client.get(f"{WS}/deliveries").json(), lambda page: page["value"][0]["error"])
        assert page["value"][0]["error"]["message"].startswith("Authentication failed")
        repaired = client.patch(f"{WS}/destinations/{made['id']}", json={"secrets": {"client_secret": SECRET}})
        assert repaired.status_code == 200
        eventually(
            lambda: client.get(f"{WS}/deliveries").json(), lambda page: page["facets"]["state"]["delivered"] == 1
        )


@pytest.mark.req("D-028")
def test_no_answer_and_no_log_line_has_a_secret(delivering: Running, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    answers = []
    with delivering.client() as client:
        made = destination(client)
        answers.append(json.dumps(made))
        run_rule(client)
        eventually(
            lambda: client.get(f"{WS}/deliveries").json(), lambda page: page["facets"]["state"]["delivered"] == 1
        )
        for path in ("destinations", "deliveries", "destination-kinds", "incidents"):
            answers.append(client.get(f"{WS}/{path}").text)
        answers.append(client.post(f"{WS}/destinations/{made['id']}/test").text)
        answers.append(client.patch(f"{WS}/destinations/{made['id']}", json={"name": "Other"}).text)
        number = client.get(f"{WS}/incidents").json()["value"][0]["number"]
        answers.append(client.get(f"{WS}/incidents/{number}").text)
    for secret in (SECRET, TENANT, CLIENT):
        assert all(secret not in answer for answer in answers)
    assert SECRET not in caplog.text
