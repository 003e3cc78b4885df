"""What an incident's page says is to be done, and how it is handed over to a team."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.campaign import BY_HAND, RULE, WS, user
from tests.browser.conftest import Faults, Site
from tests.browser.test_incident_work import picture
from tests.plugins.fake_tenant import SUBSCRIPTION
from vedette.core.ids import derived_id

pytestmark = pytest.mark.browser
MACHINE = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-app/providers/Microsoft.Compute/virtualMachines/db1"
TITLE = "Suspicious PowerShell on db1"
CREATION = """
id: 8a1d1c1e-2222-4333-8444-555566667779
kind: MicrosoftSecurityIncidentCreation
name: Incidents of Defender for Cloud
productFilter: Azure Security Center
"""


@pytest.fixture(scope="module")
def number(site: Site, tmp_path_factory: pytest.TempPathFactory) -> int:
    """An incident of an alert of Defender for Cloud about a machine with two open recommendations."""
    now = datetime.now(UTC)
    at = (now - timedelta(minutes=2)).isoformat().replace("+00:00", "Z")
    alert = {
        "TimeGenerated": at, "StartTime": at, "EndTime": at, "ProductName": "Azure Security Center",
        "ProviderName": "Azure Security Center", "DisplayName": TITLE, "Description": "An encoded command.",
        "AlertSeverity": "Medium", "SystemAlertId": "browser-take-action", "Tactics": "Execution",
        "AlertLink": "https://portal.azure.com/#blade/alert", "ResourceId": MACHINE,
        "RemediationSteps": json.dumps(["1. Ask the owner of the machine.", "2. Isolate the machine with a network security group."]),
        "Entities": json.dumps([{"$id": "1", "Type": "host", "HostName": "db1", "AzureID": MACHINE}]),
    }  # fmt: skip
    advice = {
        "TimeGenerated": at, "AssessedResourceId": MACHINE, "RecommendationState": "Unhealthy", "RecommendationName": "a",
        "RecommendationId": f"{MACHINE}/providers/Microsoft.Security/assessments/a", "RecommendationSeverity": "High",
        "RecommendationDisplayName": "Management ports of virtual machines should be closed",
        "Description": "Open ports invite guessing of passwords.", "RecommendationLink": "portal.azure.com/#blade/a",
        "RemediationDescription": "<ol><li>Open the network security group.</li><li>Remove the rule for 22 and 3389.</li></ol>",
    }  # fmt: skip
    other = advice | {
        "RecommendationId": f"{MACHINE}/providers/Microsoft.Security/assessments/b", "RecommendationName": "b",
        "RecommendationSeverity": "Low", "RecommendationDisplayName": "Machines should have a vulnerability assessment solution",
        "RemediationDescription": "", "Description": "",
    }  # fmt: skip
    folder = tmp_path_factory.mktemp("action")
    paths = []
    for table, rows in (("SecurityAlert", [alert]), ("SecurityRecommendation", [advice, other])):
        path: Path = folder / table / "rows.jsonl"
        path.parent.mkdir()
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        paths.append(str(path))
    with site.client() as client:
        assert client.post(f"{WS}/local/load", json={"paths": paths}).is_success
        files = [{"name": "creation.yaml", "content": CREATION}]
        [imported] = client.post(f"{WS}/rules/import", json={"files": files}).json()["imported"]
        client.patch(f"{WS}/rules/{imported['id']}", json={"enabled": False})
        run = client.post(f"{WS}/rules/run", json={"ruleId": imported["id"]}).json()
    found: int = run["incidents"][0]
    return found


@pytest.mark.req("T-002", "T-008", "T-019", "T-020")
def test_take_action_says_how_to_mitigate_and_what_prevents_the_next(site: Site, page: Page, number: int) -> None:
    # From the queue, which shows what needs attention, to what is to be done.
    page.goto(site.path("incidents"))
    page.get_by_role("grid", name="Incidents").get_by_role("link", name=TITLE).click()
    page.wait_for_url(site.path("incidents", number))
    alert = page.get_by_role("article", name="Alert: Incidents of Defender for Cloud")
    alert.get_by_role("button", name="What to do").click()
    expect(page.get_by_role("tab", name="Take action")).to_have_attribute("aria-selected", "true")
    mitigate = page.get_by_role("article", name=f"Mitigate: {TITLE}")
    expect(mitigate.get_by_role("listitem")).to_have_text(
        ["Ask the owner of the machine.", "Isolate the machine with a network security group."]
    )
    expect(mitigate.get_by_role("link", name="Open in Azure Security Center")).to_have_attribute(
        "href", "https://portal.azure.com/#blade/alert"
    )
    expect(page.get_by_role("heading", name="Prevent future attacks (2)")).to_be_visible()
    source = page.get_by_role("article", name=f"At the source: {TITLE}")
    expect(source).to_contain_text("No connector reaches the subscription")
    page.get_by_role("button", name="Dismiss", exact=True).click()
    expect(page.get_by_role("button", name="Dismiss", exact=True)).to_be_enabled()
    first = page.get_by_role("article", name="Recommendation: Management ports of virtual machines should be closed")
    expect(first).to_contain_text("High")
    expect(first).to_contain_text("db1")
    expect(first.get_by_role("listitem")).to_have_text(
        ["Open the network security group.", "Remove the rule for 22 and 3389."]
    )
    expect(first.get_by_role("link", name="Open in Azure")).to_have_attribute(
        "href", "https://portal.azure.com/#blade/a"
    )
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 1280
    picture(page, "take-action")
    page.get_by_role("link", name="Open query in Logs").click()
    expect(page.get_by_role("grid", name="Result rows").get_by_role("row")).to_have_count(3)
    page.go_back()
    mitigate.get_by_role("button", name="Show the alert").click()
    expect(page.locator(".vd-card-focused")).to_contain_text("Incidents of Defender for Cloud")


@pytest.mark.req("T-033")
def test_an_incident_is_escalated_to_a_team_as_a_true_positive(
    site: Site, page: Page, faults: Faults, number: int
) -> None:
    page.goto(site.path("incidents", number))
    expect(page.get_by_role("heading", level=1)).to_have_text(TITLE)
    page.keyboard.press("e")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Escalate as true positive")).to_be_disabled()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Escalate…").click()
    dialog.get_by_label("Team or person").fill("Investigations team")
    dialog.get_by_label("Findings").fill("The command loads a second stage; the password was guessed.")
    dialog.get_by_role("combobox", name="Severity").click()
    page.get_by_role("option", name="High").click()
    picture(page, "escalate")
    dialog.get_by_role("button", name="Escalate as true positive").click()
    expect(page.locator(".vd-status-text")).to_contain_text(f"Escalated #{number} to Investigations team")
    expect(dialog).to_have_count(0)
    expect(page.get_by_role("button", name="Owner: Investigations team")).to_be_visible()
    expect(page.get_by_role("button", name="Severity: High")).to_be_visible()
    expect(page.get_by_role("complementary", name="Details")).to_contain_text("True positive – suspicious activity")
    page.get_by_role("tab", name="Comments (1)").click()
    expect(page.get_by_text("The command loads a second stage")).to_be_visible()
    page.get_by_role("tab", name="Work").click()
    expect(page.get_by_role("cell", name="Escalated to Investigations team as a true positive")).to_be_visible()
    picture(page, "escalated")
    page.get_by_role("tab", name="Timeline").click()
    expect(page.locator(".vd-timeline-escalation")).to_contain_text("the password was guessed")
    # The team is offered for the next one, and what is so already is told.
    page.get_by_role("button", name="Escalate…").click()
    dialog.get_by_label("Team or person").fill("Investigations team")
    faults.expect(r"answer 409: POST .*/escalate")
    dialog.get_by_role("button", name="Escalate as true positive").click()
    expect(dialog).to_contain_text("is with Investigations team already")


@pytest.mark.req("T-022")
def test_similar_alerts_are_suppressed(site: Site, page: Page) -> None:
    name, identity = "Sign-in that is expected", derived_id("browser-tests", "suppressed")
    text = RULE.format(id=identity, name=name, country=BY_HAND, severity="Low")
    with site.client() as client:
        client.post(f"{WS}/rules/import", json={"files": [{"name": "expected.yaml", "content": text}]})
        client.patch(f"{WS}/rules/{identity}", json={"enabled": False})
        [number] = client.post(f"{WS}/rules/run", json={"ruleId": identity}).json()["incidents"]
    page.goto(f"{site.path('incidents', number)}?tab=action")
    expect(page.get_by_text("Close the incident as a false or benign positive")).to_be_visible()
    page.keyboard.press("c")
    page.keyboard.press("2")
    page.keyboard.press("Enter")
    suppress = page.get_by_role("article", name=f"Suppress: {name}")
    expect(suppress).to_contain_text(f"UserPrincipalName is {user(BY_HAND)}")
    expect(suppress).to_contain_text(
        "This would have hidden 1 of 1 alerts of the last 30 days, 0 of them true positives."
    )
    suppress.get_by_label("Reason").fill("The office there has opened.")
    picture(page, "suppress")
    suppress.get_by_role("button", name="Suppress for").click()
    expect(suppress.get_by_role("status")).to_contain_text("Hidden for")
    [made] = site.got(f"{WS}/rule-exceptions", lambda found: found["value"], rule=identity)["value"]
    assert made["reason"] == "The office there has opened."
