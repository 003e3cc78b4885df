"""Settings, Integrations: Azure Security is added, polls, is tested and disabled, as its guide says."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import WIDTH, Faults, Site
from tests.plugins.fake_tenant import SUBSCRIPTION, TENANT
from tests.range.conftest import COLLECTOR

pytestmark = pytest.mark.browser
NAME = "Azure Production Tenant"
AXE = Path(__file__).parents[2] / "console" / "node_modules" / "axe-core" / "axe.min.js"


def _look(page: Page, name: str) -> None:
    """A picture for who looks (VEDETTE_SCREENSHOTS), the width, and what axe finds."""
    if folder := os.environ.get("VEDETTE_SCREENSHOTS"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= WIDTH, name
    if AXE.is_file():
        page.evaluate(AXE.read_text(encoding="utf-8"))
        found = page.evaluate("async () => (await axe.run({ exclude: ['[data-tabster-dummy]'] })).violations")
        assert [(one["id"], [node["target"] for node in one["nodes"][:3]]) for one in found] == []


@pytest.mark.req("C-023", "C-024", "C-025", "C-029", "C-031", "C-032", "C-056")
def test_azure_security_is_added_polled_tested_and_disabled(site: Site, page: Page, faults: Faults) -> None:
    page.goto(f"{site.url}/admin/settings/integrations")
    page.wait_for_url(re.compile(r"/w/default/integrations$"))
    expect(page.get_by_role("heading", name="Integrations", level=1)).to_be_visible()
    page.get_by_role("button", name="Add integration").click()
    page.get_by_role("menuitem", name="Azure Security").click()
    expect(page.get_by_role("heading", name="Add Azure Security")).to_be_visible()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Tenant ID is needed.")).to_be_visible()
    page.get_by_role("textbox", name="Name", exact=True).fill(NAME)
    page.get_by_label("Tenant ID").fill(TENANT)
    page.get_by_label("Client ID").fill(COLLECTOR[0])
    page.locator("input[type=password]").fill(COLLECTOR[1])
    page.get_by_label("Polling interval: Security alerts v2").select_option("10 minutes")
    expect(page.get_by_role("switch", name="Enabled")).to_be_checked()
    _look(page, "integration-new")
    page.get_by_role("button", name="Save").click()
    tile = page.get_by_role("article", name=NAME)
    expect(tile.get_by_text("Healthy")).to_be_visible()
    for title in ("Security alerts (v1)", "Security alerts v2", "Incidents"):
        expect(tile.get_by_role("row", name=re.compile(re.escape(title)))).to_contain_text("Delivers")
    tile.get_by_role("button", name="Test").click()
    expect(tile.get_by_role("list", name="The test passed")).to_be_visible()
    _look(page, "integrations")
    tile.get_by_role("link", name="Edit").click()
    history = page.get_by_role("table", name="History")
    expect(history.get_by_role("row")).to_have_count(4)
    expect(page.get_by_label("Polling interval: Security alerts v2")).to_have_value("600")
    assert COLLECTOR[1] not in page.content()
    _look(page, "integration-edit")
    page.get_by_role("link", name="Integrations").first.click()
    page.get_by_role("switch", name=f"Enable {NAME}").click()
    expect(tile.get_by_text("Disabled")).to_be_visible()
    # a name that is taken is told at its field
    page.get_by_role("button", name="Add integration").click()
    page.get_by_role("menuitem", name="Azure Security").click()
    for label, value in (("Tenant ID", TENANT), ("Client ID", COLLECTOR[0])):
        page.get_by_label(label).fill(value)
    page.get_by_role("textbox", name="Name", exact=True).fill(NAME.lower())
    page.locator("input[type=password]").fill("x")
    faults.expect(r"answer 409: POST .*/connectors")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text(re.compile("There is a connector instance .* already")).first).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    tile.get_by_role("link", name="Edit").click()
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").or_(page.get_by_role("alertdialog")).get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", name="Integrations", level=1)).to_be_visible()
    expect(page.get_by_text("Nothing is collected yet")).to_be_visible()


@pytest.mark.req("T-009", "T-010")
def test_defender_for_cloud_is_added_and_its_page_says_that_it_delivers(site: Site, page: Page) -> None:
    page.goto(site.path("integrations"))
    page.get_by_role("button", name="Add integration").click()
    page.get_by_role("menuitem", name="Microsoft Defender for Cloud").click()
    expect(page.get_by_text("Defender for Cloud is enabled on the subscription.")).to_be_visible()
    page.get_by_role("textbox", name="Name", exact=True).fill("Contoso posture")
    for label, value in (("Tenant ID", TENANT), ("Client ID", COLLECTOR[0]), ("Subscription ID", SUBSCRIPTION)):
        page.get_by_label(label).fill(value)
    page.locator("input[type=password]").fill(COLLECTOR[1])
    page.get_by_role("button", name="Save").click()
    tile = page.get_by_role("article", name="Contoso posture")
    expect(tile.get_by_text("Healthy")).to_be_visible()
    tile.get_by_role("link", name="Edit").click()
    about = page.get_by_role("complementary", name="About this integration")
    expect(about.get_by_text("Healthy")).to_be_visible()
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").or_(page.get_by_role("alertdialog")).get_by_role("button", name="Delete").click()
    expect(tile).to_have_count(0)


def test_the_form_asks_for_what_the_way_to_sign_in_needs(site: Site, page: Page) -> None:
    page.goto(site.path("integrations"))
    page.get_by_role("button", name="Add integration").click()
    page.get_by_role("menuitem", name="Azure Storage Account").click()
    expect(page.get_by_label("Tenant ID")).to_be_visible()
    for way, shown, hidden in (
        ("SAS token", "SAS token expires on", "Tenant ID"),
        ("Account key", "Account key", "SAS token expires on"),
    ):
        page.get_by_label("Sign in with").select_option(way)
        expect(page.get_by_label(shown).first).to_be_visible()
        expect(page.get_by_label(hidden)).to_have_count(0)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Storage account is needed.")).to_be_visible()
    expect(page.get_by_text("Account key is needed.")).to_be_visible()
    expect(page.get_by_text("Tenant ID is needed.")).to_have_count(0)
