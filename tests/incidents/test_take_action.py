"""What to do about an incident: the steps of its alerts, and the recommendations on what it names."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.incidents.runs import ANN, rule, run
from tests.plugins.state import NOON
from vedette.core.clock import VirtualClock
from vedette.core.database import State
from vedette.core.roles import Permission, Principal
from vedette.detect.alerts.moments import wire_datetime
from vedette.detect.rule import AlertDetailsOverride, DynamicProperty, EntityMapping, FieldMapping
from vedette.incidents.investigation.service import Investigation
from vedette.incidents.investigation.take_action import MOST_RECOMMENDATIONS, lines, resource_view
from vedette.incidents.service import IncidentService
from vedette.store.logstore import LogStore

GROUP = "/subscriptions/3F0D3C52-6d1a-4a7e-8f53-9d6c1c2b7e10/resourceGroups/rg-app/providers"
VM = f"{GROUP}/Microsoft.Compute/virtualMachines/vm1"
SERVER = f"{GROUP}/Microsoft.Sql/servers/s1"
DATABASE = f"{SERVER}/databases/d1"
MAPPINGS = (
    EntityMapping("Host", (FieldMapping("HostName", "Host"), FieldMapping("AzureID", "HostId"))),
    EntityMapping("AzureResource", (FieldMapping("ResourceId", "Resource"),)),
)
TOLD = AlertDetailsOverride(
    dynamic_properties=(DynamicProperty("RemediationSteps", "Steps"), DynamicProperty("AlertLink", "Link"))
)
pytestmark = pytest.mark.parametrize("state", ["sqlite"], indirect=True)


@pytest.fixture
def investigation(state: State, workspace: str, clock: VirtualClock, logs: LogStore) -> Investigation:
    """The investigation over it."""
    return Investigation(state, workspace, clock, logs)


def incident(service: IncidentService, *rows: dict[str, Any]) -> int:
    """An incident of one alert with these rows."""
    of = rule(1, entity_mappings=MAPPINGS, alert_details_override=TOLD)
    return service.ingest(run(of, list(rows))).incidents[0]


def recommended(
    logs: LogStore, resource: str, name: str, state: str = "Unhealthy", hours: int = 1, **more: Any
) -> None:
    """A row of SecurityRecommendation, some hours old."""
    at = wire_datetime(NOON - timedelta(hours=hours))
    row = {
        "TimeGenerated": at, "AssessedResourceId": resource, "RecommendationState": state, "RecommendationName": name,
        "RecommendationId": f"{resource}/providers/Microsoft.Security/assessments/{name}", "RecommendationDisplayName": f"Do {name}",
        "RecommendationSeverity": "Medium",
    }  # fmt: skip
    logs.append("SecurityRecommendation", [row | more])


def prevent(investigation: Investigation, number: int, caller: Principal = ANN) -> dict[str, Any]:
    found: dict[str, Any] = investigation.take_action(number, caller)["prevent"]
    return found


@pytest.mark.req("T-019")
def test_the_steps_of_alerts_are_told_once_each(service: IncidentService, investigation: Investigation) -> None:
    steps = json.dumps(["1. Ask the owner", "2. Isolate the machine"])
    link = "https://portal.azure.com/#alert"
    of = rule(1, entity_mappings=MAPPINGS, alert_details_override=TOLD)
    rows = [
        {"Host": "vm1", "Steps": steps, "Link": link}, {"Host": "vm2", "Steps": steps},
        {"Host": "vm3", "Steps": "Reset the password.<br><b>Revoke</b> the sessions &amp; tokens."}, {"Host": "vm4", "Steps": ""},
    ]  # fmt: skip
    numbers = service.ingest(run(of, rows)).incidents
    service.regrouping.merge(numbers[0], numbers[1:], ANN)
    told = investigation.take_action(numbers[0], ANN)
    assert [one["steps"] for one in told["mitigate"]] == [
        ["Ask the owner", "Isolate the machine"], ["Reset the password.", "Revoke the sessions & tokens."],
    ]  # fmt: skip
    first = told["mitigate"][0]
    assert len(first["alertIds"]) == 2
    assert told["alerts"] == 4


@pytest.mark.req("T-020")
def test_open_recommendations_on_what_is_affected(
    service: IncidentService, investigation: Investigation, logs: LogStore
) -> None:
    number = incident(service, {"Host": "vm1", "HostId": VM, "Resource": DATABASE})
    recommended(logs, VM.upper(), "a", RecommendationSeverity="High", RemediationDescription="<ol><li>Open it.</li><li>Turn it on.</li></ol>",
                Description="Adaptive <i>controls</i>.", RecommendationLink="portal.azure.com/#blade/a")  # fmt: skip
    recommended(logs, VM, "b", "Unhealthy", hours=5)
    recommended(logs, VM, "b", "Healthy", hours=2)
    recommended(logs, f"{VM}/extensions/agent", "c")
    recommended(logs, SERVER, "d", RecommendationSeverity="Low", RecommendationLink="javascript:alert(1)")
    recommended(logs, f"{VM}2", "other")
    recommended(logs, GROUP.partition("/resourceGroups")[0], "subscription")
    found = prevent(investigation, number)
    assert found["reason"] is None
    assert [(one["title"], one["severity"], one["concerns"], one["resource"]["name"]) for one in found["value"]] == [
        ("Do a", "High", "Resource", "VM1"), ("Do c", "Medium", "Inside", "agent"), ("Do d", "Low", "Around", "s1"),
    ]  # fmt: skip
    first, _, third = found["value"]
    assert first["steps"] == ["Open it.", "Turn it on."]
    assert first["description"] == "Adaptive controls."
    assert (first["link"], third["link"]) == ("https://portal.azure.com/#blade/a", None)
    assert {one["id"] for one in found["resources"]} == {VM, DATABASE}


def test_a_host_without_an_id_is_found_by_its_name(
    service: IncidentService, investigation: Investigation, logs: LogStore
) -> None:
    number = incident(service, {"Host": "VM1"})
    recommended(logs, VM, "a")
    recommended(logs, f"{GROUP}/Microsoft.HybridCompute/machines/vm1", "b")
    recommended(logs, f"{GROUP}/Microsoft.Storage/storageAccounts/vm1", "no machine")
    found = prevent(investigation, number)
    assert [(one["title"], one["concerns"]) for one in found["value"]] == [("Do a", "SameName"), ("Do b", "SameName")]
    assert found["hosts"] == ["vm1"]


def test_the_rows_of_an_alert_name_resources_too(
    service: IncidentService, investigation: Investigation, logs: LogStore
) -> None:
    subscription = GROUP.partition("/resourceGroups")[0]
    one = incident(service, {"Host": "h", "_ResourceId": VM})
    whole = incident(service, {"Host": "h", "_ResourceId": subscription})
    recommended(logs, VM, "a")
    recommended(logs, subscription, "b")
    assert [found["title"] for found in prevent(investigation, one)["value"]] == ["Do a"]
    assert [found["title"] for found in prevent(investigation, whole)["value"]] == ["Do b"], "not all that is in it"


def test_why_there_are_none(service: IncidentService, investigation: Investigation, logs: LogStore) -> None:
    nothing = service.ingest(run(rule(2), [{"User": "ann@x.com"}])).incidents[0]
    number = incident(service, {"Host": "vm1", "HostId": VM})
    assert "names no resource" in prevent(investigation, nothing)["reason"]
    assert "no rows in SecurityRecommendation" in prevent(investigation, number)["reason"]
    recommended(logs, VM, "a", "Healthy")
    assert "No recommendation is open" in prevent(investigation, number)["reason"]
    reader = replace(ANN, scope_permissions=frozenset({Permission.INCIDENTS_READ}))
    assert "right to run queries" in prevent(investigation, number, reader)["reason"]


def test_there_are_more_than_are_listed(service: IncidentService, investigation: Investigation, logs: LogStore) -> None:
    number = incident(service, {"Host": "vm1", "HostId": VM})
    for name in range(MOST_RECOMMENDATIONS + 1):
        recommended(logs, VM, f"r{name}")
    found = prevent(investigation, number)
    assert (len(found["value"]), found["more"]) == (MOST_RECOMMENDATIONS, True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, []), ("", []), ("One thing.", ["One thing."]), ("a\r\nb\n\n", ["a", "b"]), ('["a", null, "- b"]', ["a", "b"]),
        ("[not json", ["[not json"]), ("1. Do < 5 things", ["Do < 5 things"]), ("10.0.0.4 is blocked", ["10.0.0.4 is blocked"]),
        ("<script>alert(1)</script>x", ["alert(1)x"]),
    ],
)  # fmt: skip
def test_steps_out_of_a_text(text: object, expected: list[str], state: State) -> None:
    assert lines(text) == expected


def test_the_name_and_type_of_a_resource(state: State) -> None:
    assert resource_view(DATABASE) == {"id": DATABASE, "name": "d1", "type": "Microsoft.Sql/servers/databases"}
    assert resource_view("/subscriptions/x") == {"id": "/subscriptions/x", "name": "x", "type": "subscriptions"}
