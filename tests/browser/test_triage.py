"""The queue and the incident page: triage by keyboard, links that are the state, two people at one incident."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.campaign import COUNTRIES, SIGN_INS, WS, address, rule_name, user
from tests.browser.conftest import Faults, Site, eventually, fragment

pytestmark = pytest.mark.browser
Says = Callable[[str], None]
UNAWARE = """
const every = window.setInterval;
window.setInterval = (work, pause, ...more) => (pause >= 15000 ? 0 : every(work, pause, ...more));
"""
"""A page with this does not ask from time to time what others have changed."""


def row(site: Site, page: Page, country: str) -> Locator:
    """The row of a country's incident in the queue."""
    return page.locator(f"#incident-{site.numbers[country]}")


def facet(page: Page, label: str) -> int:
    """The count beside a filter."""
    text = page.locator(f"[data-facet={label}] .vd-facet-count").inner_text()
    return int(text.replace(",", ""))


def go_to(site: Site, page: Page, country: str) -> None:
    """Puts the cursor on a country's incident, by keys."""
    for _ in range(page.locator(".vd-qrow[id]").count()):
        page.keyboard.press("j")
        if row(site, page, country).get_attribute("aria-current"):
            return
    raise AssertionError(f"the cursor did not come to {country}")


def poll(page: Page) -> None:
    """Makes the page ask for changes now, as it does when it is looked at again."""
    page.evaluate("() => document.dispatchEvent(new Event('visibilitychange'))")


@pytest.mark.req("T-024")
def test_the_queue_shows_every_incident_with_counts(site: Site, page: Page) -> None:
    for country, severity in COUNTRIES.items():
        shown = row(site, page, country)
        expect(shown).to_contain_text(rule_name(country))
        expect(shown).to_contain_text("Info" if severity == "Informational" else severity)
    with site.client() as client:
        facets = client.get(f"{WS}/incidents").json()["facets"]
    assert sum(facets["status"].values()) >= len(COUNTRIES)
    for label, number in {**facets["status"], **facets["severity"]}.items():
        assert facet(page, label) == number, label
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 1280


def test_an_incident_is_triaged_by_keyboard_alone(site: Site, page: Page, status: Says) -> None:
    go_to(site, page, "KP")
    page.keyboard.press("x")
    expect(row(site, page, "KP")).to_have_attribute("aria-selected", "true")
    expect(page.get_by_role("toolbar", name="Selected incidents")).to_contain_text("1 selected")
    page.keyboard.press("Escape")
    expect(row(site, page, "KP")).to_have_attribute("aria-selected", "false")

    page.keyboard.press("p")
    preview = page.get_by_role("complementary", name=f"Incident {site.numbers['KP']}")
    expect(preview).to_contain_text(user("KP"))
    expect(preview).to_contain_text(address("KP"))
    page.keyboard.press("Escape")
    expect(preview).to_be_hidden()

    page.keyboard.press("a")
    status("Assigned")
    page.keyboard.press("s")
    expect(page.get_by_role("menuitemradio", name="Active")).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    status("to Active")
    assert site.reached("KP", status="Active")["owner"]

    page.keyboard.press("c")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Classification")
    page.keyboard.press("3")
    page.keyboard.press("Enter")
    status("as false positive")
    expect(dialog).to_have_count(0)
    site.reached("KP", status="Closed", classification="FalsePositive", classificationReason="IncorrectAlertLogic")

    page.keyboard.press("u")
    status("Undone")
    site.reached("KP", status="Active", classification=None)

    page.keyboard.press("Enter")
    page.wait_for_url(site.path("incidents", site.numbers["KP"]))


def test_filters_are_the_address(site: Site, page: Page, faults: Faults) -> None:
    queue = page.url
    page.get_by_role("button", name=re.compile("^Info")).click()
    page.wait_for_url(re.compile(r"severity=Informational"))
    expect(row(site, page, "SD")).to_be_visible()
    expect(row(site, page, "SY")).to_have_count(0)
    page.get_by_role("button", name=re.compile("^Medium")).click()
    expect(row(site, page, "SY")).to_be_visible()
    both = page.url
    page.go_back()
    expect(row(site, page, "SY")).to_have_count(0)
    page.go_back()
    page.wait_for_url(queue)
    expect(row(site, page, "IR")).to_be_visible()
    page.go_forward()
    page.go_forward()
    page.wait_for_url(both)
    expect(row(site, page, "SY")).to_be_visible()
    expect(row(site, page, "IR")).to_have_count(0)
    page.keyboard.press("/")
    page.keyboard.type(user("SD"))
    page.wait_for_url(re.compile(r"q="))
    expect(row(site, page, "SY")).to_have_count(0)
    # A colleague who is sent the link sees the same.
    with site.context(faults) as context:
        other = context.new_page()
        site.sign_in(other, site.link_of("bo"))
        other.goto(page.url)
        expect(row(site, other, "SD")).to_be_visible()
        expect(other.locator(".vd-qrow[id]")).to_have_count(1)


@pytest.mark.req("T-014", "T-015", "T-016", "T-017", "T-018", "T-026", "T-032")
def test_an_incident_tells_what_has_happened(site: Site, page: Page) -> None:
    number = site.numbers["IR"]
    page.goto(site.path("incidents", number))
    expect(page.locator(".vd-story")).to_contain_text(user("IR"))
    expect(page.get_by_role("heading", level=1)).to_have_text(rule_name("IR"))
    side = page.get_by_role("complementary", name="Details")
    for text in ("Somebody signed in from IR", user("IR"), address("IR"), "First activity", "T1078"):
        expect(side).to_contain_text(text)
    expect(page.get_by_role("button", name="Severity: High")).to_be_visible()
    alert = page.get_by_role("article", name=f"Alert: {rule_name('IR')}")
    expect(alert).to_contain_text(f"{SIGN_INS} rows")
    rows = alert.get_by_role("grid").get_by_role("row")
    expect(rows).to_have_count(SIGN_INS + 1)
    expect(alert.get_by_role("grid")).to_contain_text(user("IR"))

    page.keyboard.press("3")
    page.get_by_label("Add a comment").fill("The user is on a journey; <b>asked</b> by phone.")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("listitem").filter(has_text="<b>asked</b> by phone.")).to_be_visible()
    comments: Any = eventually(lambda: site.incident("IR")["comments"], bool)
    assert [comment["message"] for comment in comments] == ["The user is on a journey; <b>asked</b> by phone."]

    page.keyboard.press("Escape")
    page.get_by_role("tab", name=re.compile("^Timeline")).click()
    for kind in ("alert", "created", "comment"):
        expect(page.locator(f".vd-timeline-{kind}").first).to_be_visible()
    page.locator(".vd-timeline-alert .vd-link").first.click()
    expect(page.locator(".vd-card-focused")).to_contain_text(rule_name("IR"))


def test_the_query_of_an_alert_opens_in_logs_with_its_range(site: Site, page: Page) -> None:
    page.goto(site.path("incidents", site.numbers["IR"]))
    page.get_by_role("link", name="Open query in Logs").first.click()
    page.wait_for_url(re.compile(r"/logs#"))
    alerts = site.incident("IR")["alerts"]
    assert isinstance(alerts, list)
    carried = fragment(page)
    assert 'Location == "IR"' in carried
    assert f"t={alerts[0]['start']}/{alerts[0]['end']}" in carried
    grid = page.get_by_role("grid", name="Result rows")
    expect(grid.get_by_role("row")).to_have_count(SIGN_INS + 1)
    expect(grid).to_contain_text(user("IR"))
    page.go_back()
    expect(page.locator(".vd-story")).to_be_visible()


def test_edits_of_different_fields_do_not_meet(site: Site, page: Page, faults: Faults, status: Says) -> None:
    with site.context(faults) as context:
        colleague = context.new_page()
        site.sign_in(colleague, site.link_of("bo"))
        for one in (page, colleague):
            one.goto(site.path("incidents", site.numbers["CU"]))
            expect(one.get_by_role("heading", level=1)).to_have_text(rule_name("CU"))
        colleague.get_by_role("button", name="Severity: Medium").click()
        colleague.get_by_role("menuitemradio", name="Low").click()
        expect(colleague.locator(".vd-status-text")).to_contain_text("to Low")
        page.keyboard.press("a")
        status("Assigned")
        expect(page.get_by_role("button", name="Severity: Low")).to_be_visible()
        expect(page.locator(".vd-conflicts")).to_have_count(0)
        eventually(lambda: site.reached("CU", severity="Low")["owner"], bool)


def test_edits_of_the_same_field_show_both_values(site: Site, page: Page, faults: Faults, status: Says) -> None:
    faults.expect(r"answer 409: PATCH ")
    with site.context(faults) as context:
        colleague = context.new_page()
        site.sign_in(colleague, site.link_of("bo"))
        page.add_init_script(UNAWARE)
        for one in (page, colleague):
            one.goto(site.path("incidents", site.numbers["BY"]))
            expect(one.get_by_role("heading", level=1)).to_have_text(rule_name("BY"))
        colleague.get_by_role("button", name="Severity: Low").click()
        colleague.get_by_role("menuitemradio", name="Medium").click()
        expect(colleague.locator(".vd-status-text")).to_contain_text("to Medium")
        site.reached("BY", severity="Medium")
        page.get_by_role("button", name="Severity: Low").click()
        page.get_by_role("menuitemradio", name="High").click()
        conflict = page.locator(".vd-conflicts")
        for text in ("severity", "Medium", "High", "Bo"):
            expect(conflict).to_contain_text(text)
        site.reached("BY", severity="Medium")
        conflict.get_by_role("button", name="Set mine").click()
        status("to High")
        expect(conflict).to_have_count(0)
        site.reached("BY", severity="High")


def test_an_incident_that_is_not_there_says_so(site: Site, page: Page, faults: Faults) -> None:
    faults.expect(r"answer 404: GET .*/incidents/4711$")
    page.goto(site.path("incidents", 4711))
    expect(page.get_by_text("There is no incident '4711'")).to_be_visible()
    expect(page.get_by_role("link", name="All incidents")).to_be_visible()
