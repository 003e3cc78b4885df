"""An incident's page: priority, tasks, the graph, and merging that can be undone."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from tests.browser.campaign import SIGN_INS, address, rule_name, user
from tests.browser.conftest import Site

pytestmark = pytest.mark.browser


def picture(page: Page, name: str) -> None:
    """A screenshot, where somebody wants to look."""
    folder = os.environ.get("VEDETTE_SCREENSHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


@pytest.mark.req("T-030", "P-110")
def test_the_page_says_why_and_shows_what_is_connected(site: Site, page: Page) -> None:
    number = site.numbers["LY"]
    page.goto(site.path("incidents", number))
    expect(page.get_by_role("heading", name="Priority")).to_be_visible()
    expect(page.get_by_text("Its severity is Medium.")).to_be_visible()
    page.get_by_role("tab", name="Investigate").click()
    graph = page.get_by_role("group", name="Graph of")
    expect(graph).to_contain_text(user("LY"))
    expect(graph).to_contain_text(address("LY"))
    expect(graph).to_contain_text(f"#{number}")
    expect(page.get_by_role("heading", name="Similar incidents")).to_be_visible()
    picture(page, "investigate")


@pytest.mark.req("T-032")
def test_tasks_and_a_merge_that_is_undone(site: Site, page: Page) -> None:
    number, other = site.numbers["LY"], site.numbers["SO"]
    page.goto(site.path("incidents", number))
    page.get_by_role("tab", name="Work").click()
    page.get_by_label("New task").fill("Block the address")
    page.get_by_role("button", name="Add task").click()
    task = page.get_by_role("checkbox", name="Block the address")
    task.click()
    expect(task).to_be_checked()
    expect(page.get_by_text("1 of 1 done")).to_be_visible()
    expect(page.get_by_role("cell", name="Task completed: Block the address")).to_be_visible()
    page.get_by_label("Number of the incident to merge into this one").fill(f"#{other}")
    page.get_by_role("button", name="Merge into this").click()
    expect(page.get_by_role("tab", name="Alerts (2)")).to_be_visible()
    site.reached("SO", mergedInto=number)
    boxes = page.get_by_role("group", name="Alerts to move into an incident of their own").get_by_role("checkbox")
    expect(boxes).to_have_count(2)
    picture(page, "work")
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("tab", name="Alerts (1)")).to_be_visible()
    site.reached("SO", mergedInto=None, title=rule_name("SO"))


@pytest.mark.req("P-098", "P-100")
def test_an_entity_has_a_page_from_the_graph_and_from_its_name(site: Site, page: Page) -> None:
    number = site.numbers["LY"]
    page.goto(site.path("incidents", f"{number}?tab=investigate"))
    page.get_by_role("group", name="Graph of").get_by_role("link").filter(has_text=user("LY")).click()
    expect(page.get_by_role("heading", level=1, name=user("LY"))).to_be_visible()
    assert user("LY") not in page.url.partition("#")[0], "browsers send what stands before the fragment"
    known = page.get_by_role("complementary", name="What is known of it")
    expect(known).to_contain_text("contoso.example")
    expect(known.get_by_role("link", name=f"#{number}")).to_be_visible()
    explorations = page.get_by_role("region", name="Explorations")
    row = explorations.get_by_role("row").filter(has_text="Addresses that the account signed in from")
    expect(row).to_contain_text("1")
    timeline = page.get_by_role("region", name="Timeline")
    expect(timeline.get_by_role("row").filter(has_text=rule_name("LY")).first).to_be_visible()
    timeline.get_by_role("button", name="Activities").click()
    expect(timeline.get_by_role("row").filter(has_text="SigninLogs")).to_have_count(SIGN_INS)
    picture(page, "entity")
    row.get_by_role("link").click()
    expect(page.get_by_role("grid", name="Result rows")).to_contain_text(address("LY"))

    page.goto(site.path("incidents", number))
    page.get_by_role("article").get_by_role("button", name=address("LY")).first.click()
    page.get_by_role("menuitem", name="Open the IP").click()
    expect(page.get_by_role("heading", level=1, name=address("LY"))).to_be_visible()


@pytest.mark.req("T-032")
def test_a_row_is_kept_with_an_incident(site: Site, page: Page) -> None:
    number = site.numbers["SO"]
    query = 'SigninLogs | where Location == "SO" | project TimeGenerated, UserPrincipalName, IPAddress | take 1'
    page.goto(site.path(f"logs#q={quote(query)}&t=P1D&run=1"))
    grid = page.get_by_role("grid", name="Result rows")
    grid.get_by_role("button", name="Show row 1 whole").click()
    page.get_by_role("button", name="Keep as a bookmark").click()
    dialog = page.get_by_role("dialog", name="Keep this row")
    dialog.get_by_label("Name").fill("The first sign-in")
    dialog.get_by_label("Incident number").fill(f"#{number}")
    picture(page, "keep-row")
    dialog.get_by_role("button", name="Keep").click()
    expect(page.locator(".vd-status-text")).to_contain_text(f"Kept The first sign-in with #{number}")
    bookmarks = site.incident("SO")["bookmarks"]
    assert isinstance(bookmarks, list)
    (kept,) = bookmarks
    assert (kept["queryResult"]["UserPrincipalName"], kept["query"]) == (user("SO"), query)
    page.goto(site.path("incidents", number))
    page.get_by_role("tab", name="Work").click()
    expect(page.get_by_role("heading", name="Bookmarks (1)")).to_be_visible()
    expect(page.get_by_text("The first sign-in", exact=True)).to_be_visible()
