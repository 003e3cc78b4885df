"""A rule's page: exceptions with their preview, a test of an edit before it is saved, and what of its time was searched."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.campaign import SIGN_INS, WS, rule_id, user
from tests.browser.conftest import Faults, Site
from tests.browser.test_incident_work import picture

pytestmark = pytest.mark.browser


def test_an_exception_is_tried_made_and_removed(site: Site, page: Page, faults: Faults) -> None:
    page.goto(site.path("analytics", rule_id("BY")))
    page.get_by_role("tab", name="Exceptions").click()
    part = page.get_by_role("region", name="Exceptions")
    expect(part).to_contain_text("No exception is in force")
    part.get_by_role("button", name="Add an exception").click()
    form = part.get_by_role("form", name="New exception")
    add = form.get_by_role("button", name="Add the exception")
    expect(add).to_be_disabled()
    faults.expect("answer 400: POST .*/rule-exceptions/preview")
    form.get_by_label("Column").fill("UserPrincipalNam")
    form.get_by_label("Values").fill(user("BY"))
    expect(form).to_contain_text("Did you mean UserPrincipalName?")
    form.get_by_label("Column").fill("UserPrincipalName")
    expect(form).to_contain_text("This would have hidden 1 of 1 alerts of the last 30 days, 0 of them true positives.")
    form.get_by_label("Reason").fill("She is there for the quarter.")
    form.get_by_label("Ends after days").fill("9000")
    expect(form).to_contain_text("A number of days, at most 366.")
    form.get_by_label("Ends after days").fill("30")
    picture(page, "exception-new")
    add.click()
    row = part.get_by_role("row").filter(has_text=f"UserPrincipalName is {user('BY')}")
    expect(row).to_contain_text("She is there for the quarter.")
    expect(row).to_contain_text("Local operator")
    expect(row).to_contain_text("Nothing yet")
    expect(page.get_by_role("tab", name="Exceptions (1)")).to_be_visible()
    row.get_by_role("button", name="Remove").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Remove").click()
    expect(part).to_contain_text("No exception is in force")
    part.get_by_role("switch", name="Ended ones, too").click()
    expect(part.get_by_role("row").filter(has_text="She is there")).to_contain_text("Removed by local-operator")
    assert "tab=exceptions" in page.url


def test_an_edit_is_tested_before_it_is_saved(site: Site, page: Page, faults: Faults) -> None:
    page.goto(site.path("analytics", rule_id("BY")))
    page.get_by_role("button", name="Edit", exact=True).click()
    form = page.get_by_role("form", name="Edit the rule")
    text = form.get_by_label("The rule in YAML")
    expect(text).to_have_value(re.compile('Location == "BY"'))
    before = text.input_value()
    form.get_by_label("Days to test").select_option("1")
    test = form.get_by_role("button", name="Test", exact=True)
    faults.expect("answer 400: POST .*/rules/backtest")
    text.fill(before.replace("ResultType", "ResultTyp"))
    test.click()
    expect(form).to_contain_text("The query cannot be run. Line 2, column 9")
    text.fill(
        before.replace('Location == "BY"', 'Location in ("BY", "MM")').replace("queryPeriod: 1d", "queryPeriod: 6h")
    )
    test.click()
    expect(form.get_by_role("progressbar", name="How far the test is")).to_be_visible()
    told = form.get_by_role("group", name="What it would have found")
    expect(told).to_contain_text("It searches other times than the version in force")
    expect(told.get_by_role("figure")).to_contain_text("In force")
    expect(told.get_by_label("Difference of the query")).to_contain_text(
        '+| where ResultType == 0 and Location in ("BY", "MM")'
    )
    expect(told).to_contain_text("queryPeriod")
    picture(page, "backtest")
    example = told.get_by_role("listitem").filter(has_text=user("MM")).first
    example.locator("summary").click()
    expect(example.get_by_role("row").first).to_contain_text("TimeGenerated")
    text.press("End")
    text.press("Enter")
    expect(told).to_contain_text("test it again")
    with site.client() as client:
        assert client.get(f"{WS}/rules/{rule_id('BY')}").json()["query"].count("MM") == 0, "a test saves nothing"
        assert client.get(f"{WS}/incidents/{site.numbers['BY']}").json()["alerts"][0]["rows"] == SIGN_INS


def test_coverage_says_what_was_not_searched(site: Site, page: Page) -> None:
    page.goto(site.path("analytics", rule_id("BY")))
    page.get_by_role("tab", name="Coverage").click()
    part = page.get_by_role("region", name="Coverage")
    expect(part).to_contain_text(re.compile("was searched|Not searched"))
    part.get_by_role("button", name="Last 30 days").click()
    page.wait_for_url(re.compile("days=30"))
    expect(part.get_by_role("button", name="Last 30 days")).to_have_attribute("aria-pressed", "true")
