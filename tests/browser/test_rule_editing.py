"""Analytics rules in the console: broken ones and why, edited, written new, exported and deleted."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.campaign import WS
from tests.browser.conftest import Faults, Site
from tests.browser.test_incident_work import picture

pytestmark = pytest.mark.browser
RULE = """\
id: 4f7c2d1e-2b3a-4c5d-8e6f-7a8b9c0d1e2f
name: Edited in the console
kind: Scheduled
severity: Low
queryFrequency: 1h
queryPeriod: 1d
triggerOperator: gt
triggerThreshold: 0
query: |
  SigninLogs
  | where ResultTyp != "0"
version: 1.0.0
"""
FAULT = "Line 2, column 9: The name 'ResultTyp' does not refer to any known column"


def test_a_broken_rule_is_found_repaired_exported_and_deleted(
    site: Site, page: Page, faults: Faults, tmp_path: Path
) -> None:
    page.goto(site.path("analytics"))
    page.get_by_role("button", name="Import rules").click()
    dialog = page.get_by_role("dialog")
    with page.expect_file_chooser() as chooser:
        dialog.get_by_role("button", name="Choose files").click()
    chooser.value.set_files({"name": "r.yaml", "mimeType": "application/yaml", "buffer": RULE.encode()})
    expect(dialog.get_by_role("region", name="Broken rules")).to_contain_text(FAULT)
    picture(page, "import-broken")
    dialog.get_by_role("button", name="Done").click()

    page.get_by_role("button", name=re.compile(r"^Broken")).click()
    row = page.get_by_role("row").filter(has_text="Edited in the console")
    expect(row).to_contain_text("Broken")
    picture(page, "broken-rules")
    row.get_by_role("link").click()
    expect(page.get_by_text("The query cannot be run")).to_be_visible()
    expect(page.locator(".vd-error")).to_contain_text(FAULT)

    page.get_by_role("button", name="Edit", exact=True).click()
    text = page.get_by_label("The rule in YAML")
    expect(text).to_have_value(re.compile(r'\| where ResultTyp != "0"'))
    before = text.input_value()
    text.fill(before.replace("severity: Low", "severity: Lwo"))
    faults.expect("answer 400: PUT ")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("form", name="Edit the rule")).to_contain_text("'Lwo' is not a value of 'severity'")
    picture(page, "edit-refused")
    text.fill(before.replace("ResultTyp ", "ResultType "))
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".vd-status-text")).to_contain_text("Saved Edited in the console, revision 2")
    expect(page.get_by_text("The query cannot be run")).to_have_count(0)
    expect(page.get_by_label("Query", exact=True)).to_contain_text("ResultType")

    page.get_by_role("button", name="Export").click()
    with page.expect_download() as download:
        page.get_by_role("menuitem", name="YAML").click()
    assert download.value.suggested_filename == "Edited-in-the-console.yaml"
    target = tmp_path / "rule.yaml"
    download.value.save_as(target)
    assert target.read_text(encoding="utf-8").replace("ResultType ", "ResultTyp ") == before

    page.get_by_role("button", name="Delete").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Delete").click()
    page.wait_for_url(site.path("analytics"))
    expect(page.get_by_role("row").filter(has_text="Edited in the console")).to_have_count(0)


def test_a_rule_is_written_in_the_console(site: Site, page: Page) -> None:
    page.goto(site.path("analytics"))
    page.get_by_role("button", name="New rule").click()
    text = page.get_by_label("The rule in YAML")
    mine = text.input_value().replace("name: My rule", "name: Written here")
    text.fill(mine.replace("kind: Scheduled", "kind: Schedulde"))
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("form", name="New rule")).to_contain_text("'Schedulde'")
    text.fill(mine)
    picture(page, "new-rule")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("heading", level=1, name="Written here")).to_be_visible()
    with site.client() as client:
        rules = {one["name"]: one["id"] for one in client.get(f"{WS}/rules").json()["value"]}
        assert client.delete(f"{WS}/rules/{rules['Written here']}").status_code == 204
