"""Rules that ship are added in the console, and what they find stands in the queue beside the other incidents."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.campaign import WS
from tests.browser.conftest import Site
from tests.browser.test_incident_work import picture

pytestmark = pytest.mark.browser
NAME = "Detection of another vendor's product"


@pytest.mark.req("P-059", "D-087")
def test_a_template_is_added_and_what_it_finds_is_in_the_queue(site: Site, page: Page, tmp_path: Path) -> None:
    at = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
    row = {
        "TimeGenerated": at, "DeviceVendor": "Vectra Networks", "DeviceProduct": "X Series", "LogSeverity": "8",
        "Activity": "Threat Intelligence Match", "SourceHostName": "pc-194", "SourceIP": "192.0.2.194",
        "DestinationIP": "203.0.113.118", "DestinationHostName": "mutton-raglans.example",
    }  # fmt: skip
    path = tmp_path / "CommonSecurityLog" / "cef.jsonl"
    path.parent.mkdir()
    path.write_text(json.dumps(row), encoding="utf-8")
    with site.client() as client:
        assert client.post(f"{WS}/local/load", json={"paths": [str(path)]}).is_success
    page.goto(site.path("analytics"))
    expect(page.get_by_role("table", name="Analytics rules")).to_be_visible()
    page.get_by_role("button", name="Rule templates").click()
    templates = page.get_by_role("list", name="Rule templates")
    watched = templates.get_by_role("listitem").filter(has_text="Unusual sign-ins of an application")
    expect(watched).to_contain_text("no rows yet in AADServicePrincipalSignInLogs")
    expect(templates.get_by_role("listitem").filter(has_text=NAME)).not_to_contain_text("no rows yet")
    page.get_by_role("button", name=f"Add {NAME}").click()
    expect(templates.get_by_role("listitem").filter(has_text=NAME).get_by_role("link", name="In use")).to_be_visible()
    picture(page, "templates")
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 1280
    page.get_by_role("button", name="Done").click()
    rule = page.get_by_role("row").filter(has_text=NAME)
    rule.get_by_role("button", name="Run now").click()
    expect(page.locator(".vd-status-text")).to_contain_text(f"{NAME} matched 1 row")
    page.get_by_role("switch", name=f"Enable {NAME}").click()
    expect(page.locator(".vd-status-text")).to_contain_text(f"Disabled {NAME}")
    page.goto(site.path("incidents"))
    queue = page.get_by_role("grid", name="Incidents")
    mine = queue.get_by_role("row").filter(has_text="Vectra Networks X Series: Threat Intelligence Match")
    expect(mine).to_be_visible()
    expect(mine).to_contain_text("High")
    expect(queue.get_by_role("row").filter(has_text="Sign-in from SD")).to_be_visible()
    mine.get_by_role("link").first.click()
    expect(page.get_by_role("complementary", name="Details")).to_contain_text("mutton-raglans.example")
