"""Automation rules have a page: made with the form, listed in order, switched off, changed, deleted."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page, expect

from tests.browser.campaign import WS
from tests.browser.conftest import Faults, Site
from tests.respond.conftest import condition, modify, playbook, rule

pytestmark = pytest.mark.browser
BASE = f"{WS}/automation-rules"


@pytest.mark.req("D-073", "D-074", "D-075", "D-076")
def test_a_rule_from_the_form_to_the_list(site: Site, page: Page, faults: Faults) -> None:
    page.goto(site.path("automation"))
    expect(page).to_have_title("Automation · Vedette")
    page.get_by_role("button", name="Add an automation rule").click()
    page.get_by_role("menuitem", name="When an incident is created").click()
    page.get_by_role("textbox", name="Name", exact=True).fill("Phishing")
    page.get_by_role("button", name="Add a condition").click()
    first = page.get_by_role("group", name="Condition 1")
    first.get_by_label("Operator").select_option("contains")
    first.get_by_label("Values").fill("Detection\nphish")
    page.get_by_role("button", name="Add a group").click()
    group = page.get_by_role("group", name="Condition 2")
    group.get_by_label("Property").first.select_option("Severity")
    group.get_by_label("Values").first.fill("Hihg")
    group.get_by_label("Operator").first.select_option("equals")
    group.get_by_label("Property").last.select_option("Account name")
    group.get_by_label("Values").last.fill("ann")
    change = page.get_by_role("group", name="Action 1")
    change.get_by_label("Add tags").fill("phish")
    change.get_by_label("Status").select_option("Closed")
    change.get_by_label("Classification").select_option("BenignPositive")
    page.get_by_role("button", name="Add a task").click()
    page.get_by_role("group", name="Action 2").get_by_label("Task").fill("Ask them")
    faults.expect("answer 400")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("'Hihg' is not a value of this property")).to_be_visible()
    group.get_by_label("Values").first.fill("High")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Phishing")
    with site.client() as client:
        [made] = client.get(BASE).json()["value"]
        assert made["triggeringLogic"]["conditions"][0] == condition("IncidentTitle", "Contains", "Detection", "phish")
        inner = made["triggeringLogic"]["conditions"][1]["conditionProperties"]
        assert (inner["operator"], len(inner["innerConditions"])) == ("Or", 2)
        assert made["does"] == [
            "status Closed, classification BenignPositive, classification reason SuspiciousButExpected, labels phish",
            "task 'Ask them'",
        ]
        body = rule("Contain", order=2, actions=[modify(labels=["x"]), playbook(2)])
        file = {"name": "contain.json", "content": json.dumps([{"name": "contain", "properties": body}])}
        assert client.post(f"{BASE}/import", json={"files": [file]}).json()["added"] == ["contain"]

    page.goto(site.path("automation"))
    rows = page.get_by_role("row")
    expect(rows.nth(1)).to_contain_text("Phishing")
    expect(rows.nth(2)).to_contain_text("The playbook 'pb-contain' is not run")
    page.get_by_role("switch", name="Enable Phishing").click()
    expect(page.get_by_text("Disabled Phishing", exact=True)).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("switch", name="Enable Phishing")).to_be_checked()
    page.get_by_role("link", name="Contain").click()
    expect(page.get_by_role("group", name="Action 2")).to_contain_text("pb-contain")
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("link", name="Contain")).to_have_count(0)
    site.got(BASE, lambda found: [one["displayName"] for one in found["value"]] == ["Phishing"])
    with site.client() as client:
        client.delete(f"{BASE}/{made['id']}")
