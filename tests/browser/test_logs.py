"""Logs, analytics and destinations in the console."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.campaign import BY_HAND, COUNTRIES, NEVER, SIGN_INS, WS, rule_id, rule_name, user
from tests.browser.conftest import Faults, Site, fragment
from tests.plugins.fake_tenant import CLIENT, GROUP, SECRET, SUBSCRIPTION, TENANT, WORKSPACE

pytestmark = pytest.mark.browser
Says = Callable[[str], None]


def write(page: Page, query: str) -> None:
    """Replaces what stands in the editor, by keys."""
    page.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(query)


def test_a_wrong_column_is_shown_at_its_place_with_the_fix(site: Site, page: Page, faults: Faults) -> None:
    page.goto(site.path("logs"))
    write(page, 'SigninLogs | where UserPrincpalName startswith "alex"')
    problems = page.get_by_role("list", name="Problems in the query")
    expect(problems).to_contain_text("Line 1, column 20")
    expect(problems).to_contain_text("UserPrincpalName")
    expect(page.locator(".cm-lintRange-error")).to_have_text("UserPrincpalName")
    problems.get_by_role("button", name="Write UserPrincipalName").click()
    expect(problems).to_have_count(0)
    page.keyboard.press("Shift+Enter")
    # those out of sight are not drawn
    expect(page.get_by_role("grid")).to_have_attribute("aria-rowcount", str(SIGN_INS * (len(COUNTRIES) + 1) + 1))
    assert 'UserPrincipalName startswith "alex"' in fragment(page)


def test_a_query_runs_from_its_link_and_its_values_act(site: Site, page: Page) -> None:
    page.goto(site.path("logs") + "#q=SigninLogs%20%7C%20project%20Location%2C%20UserPrincipalName&t=P1D&run=1")
    grid = page.get_by_role("grid")
    expect(grid).to_contain_text(user("KP"))
    grid.get_by_text(user("KP")).first.click(button="right")
    page.get_by_role("menuitem", name="Filter in").click()
    page.wait_for_url(re.compile(r"where"))
    assert f'where UserPrincipalName == "{user("KP")}"' in fragment(page)
    expect(grid.get_by_role("row")).to_have_count(SIGN_INS + 1)


def test_a_refused_query_says_why(site: Site, page: Page, faults: Faults) -> None:
    faults.expect(r"answer 400: POST .*/query$")
    page.goto(site.path("logs"))
    write(page, "SigninLogs | summarise count()")
    page.keyboard.press("Shift+Enter")
    problems = page.get_by_role("list", name="Problems in the query")
    expect(problems).to_contain_text("Line 1, column 14")
    expect(problems).to_contain_text("did you mean summarize?")
    expect(page.get_by_role("region", name="Results")).to_contain_text("Failed after")


def test_a_rule_is_switched(site: Site, page: Page, status: Says) -> None:
    def enabled(wanted: bool) -> None:
        site.got(f"{WS}/rules/{rule_id(NEVER)}", lambda found: found["enabled"] is wanted)

    page.goto(site.path("analytics"))
    expect(page.get_by_text(f"of {len(COUNTRIES) + 2} rules")).to_be_visible()
    switch = page.get_by_role("switch", name=f"Enable {rule_name(NEVER)}")
    expect(switch).not_to_be_checked()
    switch.press(" ")
    status(f"Enabled {rule_name(NEVER)}")
    enabled(True)
    page.keyboard.press("u")
    status("Undone")
    enabled(False)
    expect(switch).not_to_be_checked()
    page.get_by_role("row").filter(has_text=rule_name(NEVER)).get_by_role("button", name="Run now").click()
    status("found nothing")


@pytest.mark.req("D-001", "D-028", "D-058")
def test_a_destination_is_made_and_a_run_by_hand_reaches_it(
    site: Site, page: Page, faults: Faults, status: Says
) -> None:
    page.goto(site.path("destinations"))
    page.get_by_role("button", name=re.compile("^Add ")).click()
    page.get_by_role("menuitem", name="Microsoft Sentinel").click()
    page.wait_for_url(re.compile(r"/destinations/new"))

    def fill(label: str, value: str) -> None:
        page.get_by_label(label, exact=False).first.fill(value)

    fill("Name", "Production Sentinel")
    for label, value in {
        "Tenant ID": "not-a-uuid", "Client ID": CLIENT, "Client secret": SECRET, "Subscription ID": SUBSCRIPTION,
        "Resource group": GROUP, "Workspace name": WORKSPACE,
    }.items():  # fmt: skip
        fill(label, value)
    page.get_by_label("Cloud").select_option("Local")
    page.get_by_role("button", name="Save").click()
    wrong = page.get_by_label("Tenant ID").first
    expect(wrong).to_have_attribute("aria-invalid", "true")
    described = wrong.get_attribute("aria-describedby") or ""
    said = " ".join(page.locator(f"[id='{one}']").inner_text() for one in described.split())
    assert re.search("GUID|expected form", said), said
    expect(page.locator("[aria-invalid='true']")).to_have_count(1)
    with site.client() as client:
        assert client.get(f"{WS}/destinations").json()["count"] == 0
    fill("Tenant ID", TENANT)
    bodies: list[str] = []
    page.on("response", lambda answer: bodies.append(answer.text()) if "/destinations" in answer.url else None)
    page.get_by_role("button", name="Save").click()
    page.wait_for_url(re.compile(r"/destinations/(?!new)"))
    # The ids of tenant and client are kept as secrets too.
    expect(page.get_by_role("button", name="Replace")).to_have_count(3)
    assert SECRET not in page.content()
    page.reload()
    expect(page.get_by_role("button", name="Replace")).to_have_count(3)
    assert SECRET not in page.content()
    assert not any(SECRET in body for body in bodies)
    assert SECRET not in str(page.evaluate("() => JSON.stringify({ ...localStorage, ...sessionStorage })"))
    page.get_by_role("button", name="Test").click()
    expect(page.get_by_role("list", name="The test passed")).to_be_visible()

    page.goto(site.path("analytics", rule_id(BY_HAND)))
    page.get_by_role("button", name="Run now").click()
    status(f"matched {SIGN_INS} rows: incident #")
    expect(page.get_by_role("cell", name="by hand").first).to_be_visible()
    page.get_by_role("table").get_by_role("link", name=re.compile(r"^#\d+$")).first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(rule_name(BY_HAND))

    page.goto(site.path("deliveries"))
    expect(page.get_by_role("row").filter(has_text="Production Sentinel").filter(has_text="Delivered")).to_be_visible()
