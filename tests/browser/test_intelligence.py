"""Threat intelligence: an indicator is added, found, tagged, revoked, reinstated and deleted."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.campaign import WS
from tests.browser.conftest import Faults, Site
from tests.browser.test_incident_work import picture

pytestmark = pytest.mark.browser


@pytest.mark.req("P-075", "P-077")
def test_an_indicator_from_adding_to_deletion(site: Site, page: Page, faults: Faults) -> None:
    page.goto(site.path("threat-intelligence"))
    page.get_by_role("button", name="Add an indicator").click()
    form = page.get_by_role("form", name="New indicator")
    add = form.get_by_role("button", name="Add the indicator")
    expect(add).to_be_disabled()
    form.get_by_label("Value").fill("203.0.113.450")
    form.get_by_label("Confidence").fill("800")
    expect(form).to_contain_text("A whole number from 0 to 100.")
    form.get_by_label("Confidence").fill("80")
    form.get_by_label("Name").fill("C2 of the browser tests")
    form.get_by_label("Tags").fill("wave 7, c2")
    form.get_by_label("Traffic light protocol").select_option("amber")
    faults.expect("answer 400: POST .*/indicators$")
    add.click()
    expect(form).to_contain_text("'203.0.113.450' is not an address or a network.")
    picture(page, "indicator-refused")
    form.get_by_label("Value").fill("203.0.113.45")
    add.click()
    pane = page.get_by_role("complementary", name="Indicator C2 of the browser tests")
    expect(pane).to_contain_text("203.0.113.45")
    expect(pane).to_contain_text("Amber")
    expect(pane.get_by_role("button", name="Remove the tag wave 7")).to_be_visible()
    page.wait_for_url(re.compile("indicator="))

    pane.get_by_label("New tag").fill("mine")
    pane.get_by_role("button", name="Add tag").click()
    expect(pane.get_by_role("button", name="Remove the tag mine")).to_be_visible()
    pane.get_by_role("button", name="Revoke").click()
    expect(pane).to_contain_text("Revoked by local-operator")
    row = page.get_by_role("row").filter(has_text="C2 of the browser tests")
    expect(row).to_have_count(0)
    page.get_by_role("button", name="Not in force").click()
    expect(row).to_contain_text("Revoked by local-operator")
    page.locator("h1").click()
    page.keyboard.press("u")
    expect(pane).to_contain_text("In force")
    pane.get_by_role("button", name="Revoke").click()
    expect(row).to_contain_text("Revoked by local-operator")
    pane.get_by_role("button", name="Reinstate").click()
    expect(row).to_have_count(0)
    picture(page, "indicator-open")

    page.get_by_role("button", name="All", exact=True).click()
    page.get_by_label("Type").select_option("url:value")
    expect(page.get_by_text("No indicator matches")).to_be_visible()
    page.get_by_label("Type").select_option("ipv4-addr:value")
    page.get_by_label("Find indicators").fill("browser 203.0.113.45")
    page.get_by_label("Source", exact=True).select_option("Vedette")
    expect(row).to_have_count(1)
    pane.get_by_role("button", name="Remove the tag mine").click()
    expect(pane.get_by_role("button", name="Remove the tag mine")).to_have_count(0)
    pane.get_by_role("link", name="Its rows in Logs").click()
    expect(page.get_by_role("grid", name="Result rows")).to_contain_text("203.0.113.45")
    page.go_back()
    pane.get_by_role("button", name="Delete").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Delete").click()
    expect(row).to_have_count(0)
    expect(pane).to_have_count(0)
    site.got(f"{WS}/indicators", lambda found: found["count"] == 0, state="all")


def test_who_may_not_change_them_has_no_buttons(site: Site, stranger: Page) -> None:
    with site.client() as client:
        made = client.post(f"{WS}/indicators", json={"type": "domain", "value": "phish.example"}).json()
    site.sign_in(stranger, site.link_of("bruna"))
    stranger.goto(site.path("threat-intelligence") + f"?indicator={made['id']}")
    pane = stranger.get_by_role("complementary", name="Indicator phish.example")
    expect(pane).to_contain_text("In force")
    for name in ("Revoke", "Delete", "Add tag", "Add an indicator"):
        expect(stranger.get_by_role("button", name=name)).to_have_count(0)
    with site.client() as client:
        assert client.delete(f"{WS}/indicators/{made['id']}").status_code == 204
