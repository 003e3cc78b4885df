"""Hunting: a row is kept, found again, and put into an incident; queries and functions are saved, loaded, called and deleted."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.campaign import WS, user
from tests.browser.conftest import Faults, Site
from tests.browser.test_incident_work import picture

pytestmark = pytest.mark.browser


def _open_logs(site: Site, page: Page, query: str) -> None:
    page.goto("about:blank")
    page.goto(site.path(f"logs#q={query.replace(' ', '%20').replace('|', '%7C')}&t=P1D&run=1"))


def test_a_row_is_kept_found_and_put_into_an_incident(site: Site, page: Page) -> None:
    _open_logs(site, page, 'SigninLogs | where Location == "MM" | take 1')
    page.get_by_role("grid", name="Result rows").get_by_role("button", name="Show row 1 whole").click()
    page.get_by_role("button", name="Keep as a bookmark").click()
    dialog = page.get_by_role("dialog", name="Keep this row")
    dialog.get_by_label("Name").fill("Odd sign-in from Myanmar")
    expect(dialog.get_by_role("checkbox", name=f"Account: {user('MM')}")).to_be_checked()
    dialog.get_by_role("checkbox", name=re.compile("^IP: ")).uncheck()
    dialog.get_by_role("button", name="Keep").click()
    expect(page.locator(".vd-status-text")).to_contain_text("Kept Odd sign-in from Myanmar")

    page.goto(site.path("hunting"))
    row = page.get_by_role("row").filter(has_text="Odd sign-in from Myanmar")
    expect(row.get_by_role("link", name=user("MM"))).to_be_visible()
    page.get_by_label("Find bookmarks").fill("nothing like it")
    expect(page.get_by_text("No bookmark matches")).to_be_visible()
    page.get_by_role("button", name="Reset filters").click()
    page.get_by_label("Find bookmarks").fill("myanmar")
    number = site.numbers["SD"]
    row.get_by_role("button", name="Add to an incident: Odd sign-in from Myanmar").click()
    page.get_by_role("dialog").get_by_label("Incident number").fill(f"#{number}")
    page.get_by_role("dialog").get_by_role("button", name="Add").click()
    expect(row.get_by_role("link", name=f"#{number}")).to_be_visible()
    page.get_by_role("button", name=re.compile("^In none")).click()
    expect(page.get_by_text("No bookmark matches")).to_be_visible()
    page.get_by_role("button", name=re.compile("^All")).click()

    page.locator("h1").click()
    page.keyboard.press("j")
    pane = page.get_by_role("complementary", name="Bookmark Odd sign-in from Myanmar")
    expect(pane.get_by_label("Query", exact=True)).to_contain_text('Location == "MM"')
    expect(pane).to_contain_text("203.0.113.")
    pane.get_by_role("button", name="Edit").click()
    pane.get_by_label("Notes").fill("Asked her: she does not know of it.")
    pane.get_by_label("Tags").fill("travel, ask again")
    pane.get_by_role("button", name="Save").click()
    expect(pane).to_contain_text("Asked her: she does not know of it.")
    expect(row).to_contain_text("travel, ask again")
    picture(page, "hunting-bookmark")
    pane.get_by_role("button", name=f"Take out of #{number}").click()
    expect(row.get_by_role("link", name=f"#{number}")).to_have_count(0)
    page.locator("h1").click()
    page.keyboard.press("u")
    expect(row.get_by_role("link", name=f"#{number}")).to_be_visible()
    (kept,) = site.got(f"{WS}/bookmarks", lambda found: found["value"], incident=number)["value"]
    assert [one["type"] for one in kept["entities"]] == ["Account"]
    pane.get_by_role("button", name="Delete").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Delete").click()
    expect(row).to_have_count(0)
    expect(page).not_to_have_url(re.compile("bookmark="))


def test_a_query_is_saved_found_run_and_deleted(site: Site, page: Page) -> None:
    _open_logs(site, page, 'SigninLogs | where Location == "KP"')
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("menuitem", name="Save as query").click()
    dialog = page.get_by_role("dialog", name="Save as query")
    expect(dialog.get_by_role("button", name="Save")).to_be_disabled()
    dialog.get_by_label("Query name").fill("Sign-ins from KP")
    expect(dialog).to_contain_text("Query_Sign_ins_from_KP()")
    dialog.get_by_role("button", name="Save").click()
    expect(page.locator(".vd-status-text")).to_contain_text("Saved Sign-ins from KP")

    page.goto(site.path("hunting") + "?tab=queries")
    row = page.get_by_role("row").filter(has_text="Sign-ins from KP")
    page.get_by_role("button", name="Run all queries").click()
    expect(row).to_contain_text(re.compile(r"Sign-ins from KP\s*[1-9]"))
    picture(page, "hunting-queries")
    row.get_by_role("button", name="View results of Sign-ins from KP").click()
    page.wait_for_url(re.compile("/logs"))
    expect(page.locator(".cm-content")).to_contain_text('Location == "KP"')

    page.goto("about:blank")
    page.goto(site.path("logs#q=print%201&t=P1D"))
    page.get_by_role("tab", name="Queries").click()
    side = page.get_by_role("complementary", name="Saved queries")
    side.get_by_role("button", name="Sign-ins from KP", exact=True).click()
    expect(page.locator(".cm-content")).to_contain_text('Location == "KP"')
    side.get_by_role("button", name="What to do with Sign-ins from KP").click()
    page.get_by_role("menuitem", name="Delete").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Delete").click()
    expect(side).to_contain_text("No query is saved yet.")


def test_a_function_is_saved_with_parameters_and_called(site: Site, page: Page, faults: Faults) -> None:
    _open_logs(site, page, "SigninLogs | where Location == place | take least")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("menuitem", name="Save as function").click()
    dialog = page.get_by_role("dialog", name="Save as function")
    dialog.get_by_label("Function name").fill("2places")
    expect(dialog).to_contain_text("Letters, digits and underscores, no digit first.")
    dialog.get_by_label("Function name").fill("SigninsFrom")
    for _ in range(2):
        dialog.get_by_role("button", name="Add a parameter").click()
    second = dialog.get_by_role("group", name="Parameter 2")
    dialog.get_by_role("group", name="Parameter 1").get_by_label("Name").fill("place")
    second.get_by_label("Name").fill("least")
    second.get_by_label("Type").fill("lng")
    second.get_by_label("Default value").fill("2")
    faults.expect("answer 400: (PUT .*/saved-functions|POST .*/(query|check))")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_contain_text("It was not saved")
    second.get_by_label("Type").fill("long")
    picture(page, "save-function")
    dialog.get_by_role("button", name="Save").click()
    expect(page.locator(".vd-status-text")).to_contain_text("Saved SigninsFrom")
    page.get_by_role("tab", name="Functions").click()
    side = page.get_by_role("complementary", name="Saved functions")
    expect(side).to_contain_text("place: string, least: long = 2")
    editor = page.locator(".cm-content")
    editor.click()
    page.keyboard.press("ControlOrMeta+a")
    side.get_by_role("button", name="SigninsFrom (place: string, least: long = 2)").click()
    expect(editor).to_have_text('SigninsFrom("")')
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    page.keyboard.type("KP")
    page.keyboard.press("Shift+Enter")
    expect(page.get_by_text("2 rows")).to_be_visible()
    side.get_by_role("button", name="What to do with SigninsFrom").click()
    page.get_by_role("menuitem", name="Edit its name and details").click()
    edit = page.get_by_role("dialog", name="Save as function")
    expect(edit.get_by_label("Default value").nth(1)).to_have_value("2")
    expect(edit).to_contain_text("as revision 2")
    edit.get_by_label("Category").fill("Sign-ins")
    edit.get_by_role("button", name="Save").click()
    expect(side.get_by_role("heading", name="Sign-ins")).to_be_visible()
    picture(page, "logs-functions")
    side.get_by_role("button", name="What to do with SigninsFrom").click()
    page.get_by_role("menuitem", name="Delete").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Delete").click()
    expect(side).to_contain_text("No function is saved yet.")
