"""The replay link of a delivered incident: what was found, beside what the same query gives now."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser.campaign import WS
from tests.browser.conftest import Site
from tests.plugins.fake_tenant import CLIENT, GROUP, SECRET, SUBSCRIPTION, TENANT, WORKSPACE
from vedette.range.server import RangeServer

RULE = """
id: 5c0f7d7a-6f1c-4f0a-9a51-1d2c3b4a5f60
name: Replayed
kind: Scheduled
severity: Low
queryFrequency: 1h
queryPeriod: 1d
triggerOperator: gt
triggerThreshold: 0
query: |
  Replayed_CL
  | project TimeGenerated, Word
version: 1.0.0
"""


@pytest.mark.req("D-053", "D-082")
def test_the_link_of_a_delivered_incident_opens_what_was_found_beside_now(
    site: Site, page: Page, range_server: RangeServer
) -> None:
    services = site.running.application.services(site.running.application.workspace("default"))

    def put(*words: str) -> None:
        at = (datetime.now(UTC) - timedelta(minutes=30)).isoformat()
        services.logs.append("Replayed_CL", [{"TimeGenerated": at, "Word": word} for word in words])

    put("first", "second")
    settings = {
        "tenant_id": TENANT, "client_id": CLIENT, "client_secret": SECRET, "subscription_id": SUBSCRIPTION,
        "resource_group_name": GROUP, "workspace_name": WORKSPACE, "cloud": "Local",
    }  # fmt: skip
    with site.client() as client:
        kind = {"kind": "sentinel", "name": "Replayed", "settings": settings}
        made = client.post(f"{WS}/destinations", json=kind)
        assert made.status_code == 201, made.text
        imported = client.post(f"{WS}/rules/import", json={"files": [{"name": "r.yaml", "content": RULE}]})
        assert imported.status_code == 200, imported.text
        rule = imported.json()["imported"][0]["id"]
        run = client.post(f"{WS}/rules/run", json={"ruleId": rule}).json()
        assert run["outcome"] == "matched", run
        link, deadline = "", time.monotonic() + 60
        while not link and time.monotonic() < deadline:
            for incident in range_server.tenant.workspace(WORKSPACE).incidents.values():
                if incident.properties["title"] == "Replayed":
                    said = incident.properties["description"].splitlines()
                    link = next(line.removeprefix("Replay: ") for line in said if line.startswith("Replay: "))
            time.sleep(0.1)
        client.delete(f"{WS}/destinations/{made.json()['id']}")
        assert urlsplit(link).path == f"/w/default/runs/{run['id']}"
        page.goto(site.url + urlsplit(link).path)  # the port of the test's server is any
        expect(page.get_by_role("status").filter(has_text="Nothing is different")).to_be_visible()
        expect(page.get_by_label("Query", exact=True)).to_contain_text("Replayed_CL")
        # one event came late, and another one was purged
        put("late")
        condition = {"where": "Word == 'second'"}
        counted = client.post(f"{WS}/tables/Replayed_CL/purge", json=condition).json()
        purged = client.post(f"{WS}/tables/Replayed_CL/purge", json={**condition, "confirm": counted["token"]}).json()
        assert (purged["rows"], purged["purged"]) == (1, True)
    page.reload()
    said = "1 row found then is not found now; 1 row found now was not found then."
    expect(page.get_by_role("status").filter(has_text=said)).to_be_visible()
    as_found, now = page.get_by_role("grid", name="As found"), page.get_by_role("grid", name="Now")
    expect(as_found.get_by_role("row").filter(has_text="second")).to_contain_text("gone")
    expect(as_found.get_by_role("row").filter(has_text="first")).not_to_contain_text("gone")
    expect(now.get_by_role("row").filter(has_text="late")).to_contain_text("new")
    expect(now.get_by_role("row").filter(has_text="second")).to_have_count(0)
    page.get_by_role("link", name="Open in Logs").click()
    page.wait_for_url("**/logs*")
