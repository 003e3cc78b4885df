"""An incident is handed over to a team, as a true positive."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.incidents.runs import ANN, BOB, rule, run
from vedette.core.errors import Conflict, Forbidden, InvalidInput
from vedette.core.roles import Permission
from vedette.incidents.fields import PreconditionFailed
from vedette.incidents.journal import IncidentEvent
from vedette.incidents.listing import IncidentFilter
from vedette.incidents.service import IncidentService

TEAM = "Investigations team"


@pytest.fixture(autouse=True)
def _one_incident(service: IncidentService) -> None:
    service.ingest(run(rule(1), [{"User": "ann@x.com"}]))


@pytest.mark.req("T-033")
def test_the_team_owns_a_true_positive_and_the_history_says_so(service: IncidentService) -> None:
    told: list[IncidentEvent] = []
    service.subscribe(told.append)
    incident = service.escalate(1, TEAM, ANN, findings="Logon from a tor exit.\nPassword was guessed.", severity="High")
    assert incident["owner"] == {"id": TEAM, "name": TEAM}
    assert (incident["status"], incident["severity"]) == ("Active", "High")
    assert (incident["classification"], incident["classificationReason"]) == ("TruePositive", "SuspiciousActivity")
    assert [one["message"] for one in incident["comments"]] == ["Logon from a tor exit.\nPassword was guessed."]
    entry = next(one for one in incident["history"] if one["field"] == "escalation")
    assert (entry["title"], entry["actor"]["name"]) == (f"Escalated to {TEAM} as a true positive", "Ann")
    assert {one["field"] for one in incident["history"]} >= {"owner", "status", "classification", "severity"}
    shown = next(one for one in incident["timeline"] if one["kind"] == "escalation")
    assert "tor exit" in shown["detail"]
    # The team finds it in its queue, and whatever listens to changes (automation, deliveries) heard of one.
    assert [line["number"] for line in service.list(IncidentFilter(owners=[TEAM])).value] == [1]
    changed = [event for event in told if event.fields]
    assert [set(event.fields) for event in changed] == [
        {"owner", "status", "classification", "classificationReason", "severity"}
    ]


def test_twice_to_the_same_is_a_conflict_and_on_to_another_is_not(service: IncidentService) -> None:
    service.escalate(1, TEAM, ANN)
    with pytest.raises(Conflict, match=f"is with {TEAM} already"):
        service.escalate(1, TEAM, BOB, findings="Again")
    assert service.get(1)["comments"] == []
    moved = service.escalate(1, {"id": "forensics", "name": "Forensics"}, BOB)
    assert moved["owner"]["name"] == "Forensics"
    titles = [one["title"] for one in moved["history"] if one["field"] == "escalation"]
    assert titles == [f"Escalated to {TEAM} as a true positive", "Escalated to Forensics as a true positive"]


def test_a_closed_incident_is_opened_again(service: IncidentService) -> None:
    service.update(
        1,
        {"status": "Closed", "classification": "BenignPositive", "classificationReason": "SuspiciousButExpected"},
        ANN,
    )
    incident = service.escalate(1, TEAM, ANN)
    assert (incident["status"], incident["classification"], incident["closedTimeUtc"]) == (
        "Active",
        "TruePositive",
        None,
    )
    assert incident["classificationReason"] == "SuspiciousActivity"


REFUSED: list[Any] = [("", {}, "escalated to somebody"), (None, {}, "escalated to somebody"), (TEAM, {"severity": "Hgh"}, "not a value"),
           (TEAM, {"findings": "x" * 30_001}, "at most 30,000")]  # fmt: skip


def test_what_is_wrong_changes_nothing(service: IncidentService, subtests: pytest.Subtests) -> None:
    before = service.get(1)
    for to, more, message in REFUSED:
        with subtests.test(message=message), pytest.raises(InvalidInput, match=message):
            service.escalate(1, to, ANN, **more)
    with pytest.raises(PreconditionFailed):
        service.escalate(1, TEAM, ANN, etag='"other"')
    with pytest.raises(Forbidden):
        service.escalate(1, TEAM, replace(ANN, scope_permissions=frozenset({Permission.INCIDENTS_READ})))
    assert service.get(1) == before
    service.ingest(run(rule(2), [{"User": "bob@x.com"}]))
    service.regrouping.merge(2, [1], ANN)
    with pytest.raises(Conflict, match="was merged") as refused:
        service.escalate(1, TEAM, ANN)
    assert "incident 2" in (refused.value.hint or "")
