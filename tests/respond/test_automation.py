"""Automation rules applied: in order, in the transaction of the event, each once, with the rule as the actor."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.incidents.runs import ANN, grouped, run
from tests.incidents.runs import rule as analytics_rule
from tests.respond.conftest import BOSS, PROGRAM, House, added, changed, condition, modify, playbook, rule, task
from vedette.core.errors import InvalidInput
from vedette.detect.rule import MatchingMethod, Severity
from vedette.respond.automation.rule import rule_of

SQLITE = pytest.mark.parametrize("state", ["sqlite"], indirect=True)


@pytest.mark.req("D-073", "D-074", "D-075", "D-076")
def test_a_new_incident_is_assigned_tagged_and_given_a_task(house: House) -> None:
    stored = house.add(
        "Triage",
        conditions=[condition("IncidentTitle", "Contains", "rule")],
        actions=[
            task("Call the user", 3, "Before anything else."),
            modify(1, status="Active", owner={"userPrincipalName": "ann", "objectId": "8f0e"}, severity="High"),
            modify(2, labels=["phish", "auto"]),
        ],
    )
    incident = house.incident()
    assert (incident["status"], incident["severity"], incident["labels"]) == ("Active", "High", ["phish", "auto"])
    assert incident["owner"] == {"id": "id-ann", "name": "Ann"}
    assert [one["title"] for one in incident["tasks"]] == ["Call the user"]
    by_rule = [entry for entry in incident["history"] if entry["actor"] == {"id": stored.rule.id, "name": "Triage"}]
    assert {entry["field"] for entry in by_rule} == {"status", "owner", "severity", "labels", "task", "action"}
    (applied,) = [entry for entry in incident["timeline"] if entry["kind"] == "action"]
    assert applied["title"] == "Automation rule applied: Triage"
    assert applied["detail"] == "severity High, status Active, owner ann; labels phish, auto; task 'Call the user'"
    assert incident["modifiedBy"] == "Automation rule - Triage"
    assert house.counts(stored) == (1, 0)
    assert house.rules.get("Triage").applied_at == house.clock.now()


@SQLITE
def test_nothing_happens_where_a_condition_fails_or_a_rule_is_not_in_force(house: House) -> None:
    noon = house.clock.now()
    rules = [
        house.add("no", conditions=[condition("IncidentTitle", "Contains", "Detection")]),
        house.add("off", enabled=False),
        house.add("over", expires=(noon - timedelta(seconds=1)).isoformat()),
        house.add("update", when="Updated", conditions=[condition("IncidentUpdatedBySource", "Equals", "User")]),
        house.add("yes", expires=(noon + timedelta(seconds=1)).isoformat()),
    ]
    assert house.incident()["labels"] == ["seen"]
    assert [house.counts(one) for one in rules] == [(0, 0), (0, 0), (0, 0), (0, 0), (1, 0)]
    assert [one.state(noon) for one in house.rules.list()] == ["enabled", "disabled", "expired", "enabled", "enabled"]
    house.clock.advance(2)
    house.incident(2)
    assert house.counts(rules[-1]) == (1, 0), "it has ended"
    house.rules.set_enabled("off", True, BOSS)
    house.incident(3)
    assert house.counts(rules[1]) == (1, 0)


@SQLITE
def test_later_rules_see_what_earlier_ones_did(house: House) -> None:
    house.add("last", order=30, conditions=[condition("IncidentLabel", "Equals", "b")], actions=[modify(labels=["c"])])
    house.add("first", order=10, actions=[modify(labels=["a"]), modify(2, severity="Low")])
    house.add(
        "second", order=20,
        conditions=[condition("IncidentSeverity", "Equals", "Low"), condition("IncidentLabel", "Contains", "a")],
        actions=[modify(labels=["b"])],
    )  # fmt: skip
    skipped = house.add("too late", order=21, conditions=[condition("IncidentSeverity", "Equals", "High")])
    assert house.incident(severity=Severity.HIGH)["labels"] == ["a", "b", "c"]
    assert house.counts(skipped) == (0, 0)


@SQLITE
def test_each_event_triggers_a_rule_once_and_a_repeated_run_not_at_all(house: House) -> None:
    stored = house.add()
    found = run(analytics_rule(1), [{"User": "ann@contoso.com", "Ip": "192.0.2.7"}], at=house.clock.now())
    for _ in range(3):
        house.incidents.ingest(found)
    assert house.counts(stored) == (1, 0)


@SQLITE
def test_no_change_of_a_rule_triggers_a_rule(house: House) -> None:
    """Two rules that would set each other off for ever, and one that is triggered by what it does itself."""
    low = house.add("low", when="Updated", order=1, actions=[modify(severity="Low")])
    high = house.add("high", when="Updated", order=2, actions=[modify(severity="High"), task("again", 2)])
    created = house.add("created", actions=[modify(status="Active", labels=["x"])])
    number = house.incident()["number"]
    assert [house.counts(one) for one in (created, low, high)] == [(1, 0), (1, 0), (1, 0)]
    house.incidents.update(number, {"status": "New"}, ANN)
    assert [house.counts(one) for one in (created, low, high)] == [(1, 0), (2, 0), (2, 0)]
    incident = house.incidents.get(number)
    assert incident["severity"] == "High"
    assert len(incident["tasks"]) == 2


def test_what_rules_for_new_incidents_change_triggers_those_for_updates(house: House) -> None:
    """All of their changes are one event, made by automation rules."""
    by_rules = house.add(
        "by rules", when="Updated", order=1,
        conditions=[condition("IncidentUpdatedBySource", "Equals", "AutomationRule"), changed("IncidentStatus")],
    )  # fmt: skip
    by_people = house.add(
        "by people", when="Updated", order=2, conditions=[condition("IncidentUpdatedBySource", "Equals", "User")]
    )
    tasks_only = house.add("tasks", order=1, actions=[task("look")])
    house.incident()
    assert [house.counts(one) for one in (tasks_only, by_rules, by_people)] == [(1, 0), (0, 0), (0, 0)]
    house.add("status", order=2, actions=[modify(status="Active")])
    house.add("labels", order=3, actions=[modify(labels=["x"])])
    house.incident(2)
    assert [house.counts(one) for one in (tasks_only, by_rules, by_people)] == [(2, 0), (1, 0), (0, 0)]


UPDATES: list[tuple[str, list[dict[str, Any]], bool]] = [
    ("anything", [], True),
    ("status changed", [changed("IncidentStatus")], True),
    ("status changed to", [changed("IncidentStatus", "ChangedTo", "Equals", "active")], True),
    ("status changed from", [changed("IncidentStatus", "ChangedFrom", "Equals", "New")], True),
    ("status changed from another", [changed("IncidentStatus", "ChangedFrom", "NotEquals", "New")], False),
    ("severity changed", [changed("IncidentSeverity")], False),
    ("owner changed", [changed("IncidentOwner")], True),
    ("owner changed to", [changed("IncidentOwner", "ChangedTo", "Equals", "ann")], True),
    ("owner was nobody", [changed("IncidentOwner", "ChangedFrom", "NotEquals", "ann")], True),
    ("labels added", [added("Labels")], True),
    ("alerts added", [added("Alerts")], False),
    ("comments added", [added("Comments")], False),
    ("by a user", [condition("IncidentUpdatedBySource", "Equals", "User")], True),
    ("by no application", [condition("IncidentUpdatedBySource", "NotEquals", "Application", "Playbook")], True),
    ("owner is", [condition("IncidentOwner", "Equals", "Ann")], True),
]


@SQLITE
def test_updates_and_what_they_changed(house: House) -> None:
    stored = [house.add(name, when="Updated", conditions=given, actions=[task(name)]) for name, given, _ in UPDATES]
    number = house.incident()["number"]
    house.incidents.update(
        number, {"status": "Active", "owner": {"id": "id-ann", "name": "Ann"}, "labels": ["vip"]}, ANN
    )
    held = {name: house.counts(one)[0] == 1 for (name, _, _), one in zip(UPDATES, stored, strict=True)}
    assert held == {name: expected for name, _, expected in UPDATES}


@SQLITE
def test_which_changes_are_updates(house: House) -> None:
    stored = house.add(when="Updated", actions=[modify(labels=["touched"])])
    comments = house.add("comments", when="Updated", conditions=[added("Comments")], actions=[task("Answer")])
    number = house.incident()["number"]

    def applied() -> int:
        return house.counts(stored)[0]

    house.incidents.update(number, {"title": "Another", "description": "and other words"}, ANN)
    house.incidents.tasks.add(number, "Look", "", ANN)
    assert applied() == 0
    house.incidents.update(number, {"status": "New"}, ANN)
    assert applied() == 0, "nothing changed"
    house.incidents.comment(number, "Seen it.", ANN)
    assert (applied(), house.counts(comments)) == (1, (1, 0))
    house.incidents.update(number, {"labels": []}, ANN)
    assert applied() == 1, "a label less is no label more"
    house.incidents.update(number, {"severity": "Low"}, PROGRAM)
    assert applied() == 2


@SQLITE
def test_alerts_that_join_an_incident_are_an_update_by_alert_grouping(house: House) -> None:
    new = house.add("new")
    joined = house.add(
        "joined", when="Updated",
        conditions=[added("Alerts"), condition("IncidentUpdatedBySource", "Equals", "AlertGrouping")],
        actions=[task("Look again")],
    )  # fmt: skip
    tactics = house.add("tactics", when="Updated", conditions=[added("Tactics")], actions=[modify(labels=["more"])])
    together = grouped(MatchingMethod.ANY_ALERT)
    first = house.incident(1, [{"User": "ann@contoso.com"}, {"User": "bob@contoso.com"}], grouping=together)
    assert first["alertCount"] == 2
    assert [house.counts(one)[0] for one in (new, joined, tactics)] == [1, 0, 0]
    house.clock.advance(60)
    again = house.incident(1, [{"User": "eve@contoso.com"}], grouping=together, tactics=("Impact",))
    assert again["number"] == first["number"]
    assert [house.counts(one)[0] for one in (new, joined, tactics)] == [1, 1, 1]


@SQLITE
def test_a_split_makes_an_incident_and_a_merge_updates_one(house: House) -> None:
    together = grouped(MatchingMethod.ANY_ALERT)
    first = house.incident(1, [{"User": "ann@contoso.com"}, {"User": "bob@contoso.com"}], grouping=together)
    new = house.add("new", actions=[modify(labels=["new"])])
    alerts = house.add("alerts", when="Updated", conditions=[added("Alerts")], actions=[modify(labels=["more"])])
    move = house.incidents.regrouping.split(first["number"], [first["alerts"][0]["id"]], ANN)
    assert house.incidents.get(move["to"])["labels"] == ["new"]
    assert [house.counts(one)[0] for one in (new, alerts)] == [1, 0]
    house.incidents.regrouping.merge(first["number"], [move["to"]], ANN)
    assert house.incidents.get(first["number"])["labels"] == ["more"]
    assert house.incidents.get(move["to"])["status"] == "Closed"
    assert [house.counts(one)[0] for one in (new, alerts)] == [1, 1]


@SQLITE
def test_closing_with_a_classification_and_unassigning(house: House) -> None:
    house.add(
        "Pentest",
        actions=[
            modify(
                status="Closed",
                classification="BenignPositive",
                classificationReason="SuspiciousButExpected",
                classificationComment="The test of March",
            )
        ],
    )
    house.add("owned", order=2, actions=[modify(owner={"assignedTo": "Somebody else"})])
    house.add("nobody", order=3, actions=[modify(owner={"objectId": None, "assignedTo": None})])
    incident = house.incident()
    assert (incident["status"], incident["classification"]) == ("Closed", "BenignPositive")
    assert incident["classificationComment"] == "The test of March"
    assert incident["closedTimeUtc"] is not None
    assert incident["owner"] is None
    assert [entry["new"] for entry in incident["history"] if entry["field"] == "owner"] == [
        {"id": "Somebody else", "name": "Somebody else"},
        None,
    ]


@SQLITE
def test_an_action_that_fails_is_told_and_stops_no_other(house: House) -> None:
    many = [f"label-{number}" for number in range(95)]
    house.add("fill", actions=[modify(labels=many)])
    stored = house.add("over", order=2, actions=[modify(1, labels=["a", "b", "c", "d", "e", "f"]), task("Still", 2)])
    incident = house.incident()
    assert len(incident["labels"]) == 95
    assert [one["title"] for one in incident["tasks"]] == ["Still"]
    assert house.counts(stored) == (1, 1)
    error = house.rules.get("over").error
    assert error is not None
    assert "at most 100 labels" in error
    assert error in incident["timeline"][-1]["detail"]


@SQLITE
def test_a_fault_undoes_the_event_and_what_rules_did(house: House) -> None:
    """All of it is one transaction: an event that is not kept has triggered nothing."""
    stored = house.add()
    with pytest.raises(RuntimeError), house.state.session():
        house.incident()
        raise RuntimeError
    assert house.counts(stored) == (0, 0)
    assert house.incidents.list().count == 0
    assert house.incidents.outbox.pending() == 0


@SQLITE
def test_playbooks_are_refused_where_a_rule_is_made(house: House) -> None:
    with pytest.raises(InvalidInput, match="'pb-contain' is not run: there are no playbooks") as refused:
        house.rules.create(rule(actions=[modify(labels=["x"]), playbook(2)]), BOSS)
    assert "imported" in (refused.value.hint or "")
    with pytest.raises(InvalidInput, match="triggered by alerts"):
        house.rules.create(rule(on="Alerts"), BOSS)
    assert house.rules.list() == []


REFUSED: list[tuple[dict[str, Any], str]] = [
    (rule("x" * 501), "at most 500 characters"),
    (rule(" "), "has no 'displayName'"),
    (rule(order=0), "'order' is 1 or more"),
    (rule(order=1001), "from 1 to 1,000"),
    (rule(actions=[]), "an action at least"),
    (rule(actions=[task("x", number) for number in range(21)]), "at most 20 actions"),
    (rule(actions=[modify()]), "changes nothing"),
    (rule(actions=[modify(status="Closed")]), "closed with a classification"),
    (rule(actions=[modify(status="Shut")]), "'Shut' is not a value of 'status'"),
    (
        rule(actions=[modify(status="Closed", classification="TruePositive", classificationReason="InaccurateData")]),
        "does not go with",
    ),
    (rule(actions=[task("x" * 151)]), "at most 150 characters"),
    (rule(actions=[{"order": 1, "actionType": "Shout", "actionConfiguration": {}}]), "no kind of action 'Shout'"),
    (rule(when="Deleted"), "'Deleted' is not a value of 'triggersWhen'"),
    (rule(expires="tomorrow"), "'tomorrow' is not a time"),
    ({"displayName": "x", "order": 1, "actions": [task("x")]}, "has no 'triggeringLogic'"),
]


@pytest.mark.parametrize(("given", "message"), REFUSED, ids=[message for _, message in REFUSED])
def test_a_rule_that_is_wrong_is_refused_by_name(given: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        rule_of(given, "id")
    assert message in str(refused.value)
