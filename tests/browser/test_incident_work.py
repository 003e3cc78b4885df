"""An incident's page: priority, tasks, the graph, and merging that can be undone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.campaign import address, rule_name, user
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
    graph = page.get_by_role("img", name="Graph of")
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
    assert site.incident("SO")["mergedInto"] == number
    boxes = page.get_by_role("group", name="Alerts to move into an incident of their own").get_by_role("checkbox")
    expect(boxes).to_have_count(2)
    picture(page, "work")
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("tab", name="Alerts (1)")).to_be_visible()
    assert site.incident("SO")["mergedInto"] is None
    assert site.incident("SO")["title"] == rule_name("SO")
