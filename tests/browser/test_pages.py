"""Every page at 1,280 pixels: nothing is cut off, every control has a name, the focus is seen."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.campaign import rule_id, user
from tests.browser.conftest import WIDTH, Site

pytestmark = pytest.mark.browser
AXE = Path(__file__).parents[2] / "console" / "node_modules" / "axe-core" / "axe.min.js"


def test_every_page_fits_and_is_accessible(site: Site, page: Page) -> None:
    if not AXE.is_file():
        pytest.skip("axe-core is not installed (npm ci in console/)")
    number = site.numbers["MM"]
    found = []
    for name in (
        "incidents", f"incidents?preview={number}", f"incidents/{number}", f"incidents/{number}?tab=comments",
        f"incidents/{number}?tab=investigate", f"entity#type=Account&id=FullName={user('MM')}", "logs#q=SigninLogs&t=P1D&run=1", "hunting", "hunting?tab=queries", "threat-intelligence",
        "analytics", f"analytics/{rule_id('MM')}", f"analytics/{rule_id('MM')}?tab=coverage",
        f"analytics/{rule_id('MM')}?tab=exceptions", "destinations",
        "destinations/new?kind=sentinel", "automation", "automation/new?kind=Updated", "deliveries", "integrations",
        "watchlists", "tables", "tables/SigninLogs", "settings/secrets", "settings/users", "settings/users/me", "settings/workspaces",
        "logs#q=SigninLogs%20%7C%20summarize%20count()%20by%20Location%20%7C%20render%20columnchart&t=P1D&run=1",
    ):  # fmt: skip
        page.goto("about:blank")
        page.goto(site.path(name))
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        page.wait_for_load_state("networkidle")
        title = page.title()
        assert title.endswith(" · Vedette"), name
        assert page.evaluate("() => document.documentElement.scrollWidth") <= WIDTH, name
        page.evaluate(AXE.read_text(encoding="utf-8"))
        # Fluent's focus traps hold hidden elements that hand the focus on at once.
        violations = page.evaluate("async () => (await axe.run({ exclude: ['[data-tabster-dummy]'] })).violations")
        found += [f"{name}: {one['id']}: {[node['target'] for node in one['nodes'][:3]]}" for one in violations]
    assert found == [], "\n".join(found)


def test_the_focus_is_seen(site: Site, page: Page) -> None:
    seen = set()
    for _ in range(12):
        page.keyboard.press("Tab")
        name, drawn = page.evaluate(
            """() => {
              const one = document.activeElement;
              const around = [one, one.parentElement, ...["::before", "::after"]].map((part) =>
                typeof part === "string" ? getComputedStyle(one, part) : getComputedStyle(part));
              return [one.textContent || one.getAttribute("aria-label") || one.tagName,
                around.some((style) => (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0)
                  || style.boxShadow !== "none" || parseFloat(style.borderBottomWidth) >= 2)];
            }"""
        )
        assert drawn, name
        seen.add(name)
    assert len(seen) > 8
