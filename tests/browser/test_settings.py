"""Users, secrets, watchlists and tables have pages, results have charts, and a query that is left ends."""

from __future__ import annotations

import re
import time
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from tests.browser.campaign import WS
from tests.browser.conftest import Faults, Site
from vedette.engine.query import QUERIES

pytestmark = pytest.mark.browser


def test_an_account_is_made_and_signs_in_with_its_password(site: Site, page: Page, faults: Faults) -> None:
    page.goto(site.path("settings", "users"))
    expect(page).to_have_title("Users · Vedette")
    page.get_by_role("button", name="Add an account").click()
    page.get_by_role("textbox", name="Name", exact=True).fill("lea@contoso.example")
    page.get_by_label("Role").select_option("Responder")
    page.get_by_role("button", name="Make the account").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("lea@contoso.example")
    page.get_by_role("button", name="Reset the password").click()
    page.get_by_role("button", name="Reset it").click()
    password = page.locator("code.vd-break").inner_text()
    assert len(password) == 20
    with site.context(faults) as other:
        hers = other.new_page()
        hers.goto(f"{site.url}/signin")
        expect(hers).to_have_title("Sign in · Vedette")
        hers.get_by_role("textbox", name="Name").fill("lea@contoso.example")
        hers.get_by_role("textbox", name="Password").fill(password)
        hers.get_by_role("button", name="Sign in with the password").click()
        hers.wait_for_url(re.compile("/incidents"))
        expect(hers).to_have_title("Incidents · Vedette")
        page.get_by_role("switch").click()  # disabled: her session is over
        expect(page.get_by_text("Disabled lea@contoso.example", exact=True)).to_be_visible()
        faults.expect("answer 401")
        hers.get_by_role("link", name="Logs").click()
        hers.wait_for_url(re.compile("/signin"))


def test_a_watchlist_is_edited_and_its_history_told(site: Site, page: Page) -> None:
    with site.client() as client:
        body = {"searchKey": "User", "content": "User,Team\nalex,Finance\nkim,Board\n"}
        assert client.put(f"{WS}/watchlists/vips", json=body).status_code == 201
    page.goto(site.path("watchlists", "vips"))
    expect(page).to_have_title("Watchlist vips · Vedette")
    page.get_by_role("button", name="Edit kim").click()
    page.get_by_label("Team").fill("Legal")
    page.get_by_label("Team").press("Enter")
    expect(page.get_by_role("cell", name="Legal")).to_be_visible()
    page.get_by_role("button", name="Remove alex").click()
    expect(page.get_by_role("tab", name="Items (1)")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("tab", name="Items (2)")).to_be_visible()
    page.get_by_role("tab", name="History").click()
    page.get_by_role("button", name="Restore revision 1").click()
    page.get_by_role("tab", name="Items (2)").click()
    expect(page.get_by_role("cell", name="Board")).to_be_visible()


def test_a_table_tells_its_rows_and_keeps_its_retention(site: Site, page: Page) -> None:
    page.goto(site.path("tables"))
    page.get_by_role("row", name=re.compile("SigninLogs")).get_by_role("link").click()
    expect(page).to_have_title("Table SigninLogs · Vedette")
    page.get_by_label("Days at hand").fill("30")
    page.get_by_label("Days in all").fill("365")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Rows are kept 30 days, then in the lake up to 365 days.")).to_be_visible()
    page.get_by_role("button", name="As the other tables").click()
    expect(page.get_by_text("as those of every table")).to_be_visible()


def test_a_chart_is_drawn_and_told_by_keys(site: Site, page: Page) -> None:
    query = "SigninLogs | summarize Count=count() by bin(TimeGenerated, 1h), Location | render timechart with (title='Sign-ins by country')"
    page.goto(site.path(f"logs#q={quote(query)}&t=P1D&run=1"))
    chart = page.get_by_role("figure", name="Sign-ins by country")
    expect(chart.locator("path.vd-line")).not_to_have_count(0)
    series = chart.get_by_role("group", name="Series").get_by_role("button")
    lines = series.count()
    assert lines > 5
    chart.get_by_role("group", name=re.compile("arrow keys")).press("End")
    expect(chart.get_by_role("status")).to_contain_text(":00:00")
    series.first.click()
    expect(series.first).to_have_attribute("aria-pressed", "false")
    expect(chart.locator("path.vd-line")).to_have_count(lines - 1)
    page.get_by_role("button", name="Rows", exact=True).click()
    expect(page.get_by_role("grid", name="Result rows")).to_be_visible()


def test_a_query_ends_when_its_page_is_left(site: Site, page: Page) -> None:
    def at_work() -> bool:
        return QUERIES.running > 0

    def waits_for(wanted: bool) -> None:
        deadline = time.monotonic() + 60
        while at_work() != wanted:
            assert time.monotonic() < deadline, f"a query {'still runs' if not wanted else 'does not run'}"
            page.wait_for_timeout(50)

    endless = "range x from 1 to 9000000 step 1 | extend k=1 | join kind=inner (range y from 1 to 9000000 step 1 | extend k=1) on k | count"
    page.goto(site.path(f"logs#q={quote(endless)}&t=P1D&run=1"))
    expect(page.get_by_role("button", name="Cancel").first).to_be_visible()
    waits_for(True)
    page.get_by_role("link", name="Incidents").click()
    waits_for(False)
