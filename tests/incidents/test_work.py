"""Tasks, bookmarks, merging, splitting and undoing: what they do, what they refuse, and that history has all of it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.incidents.conftest import Fresh
from tests.incidents.runs import ANN, BOB, grouped, person, rule, run
from tests.plugins.state import NOON
from vedette.core.clock import VirtualClock
from vedette.core.errors import Conflict, Forbidden, InvalidInput, NotFound
from vedette.core.roles import Role
from vedette.detect.rule import MatchingMethod, Severity
from vedette.incidents.fields import PreconditionFailed
from vedette.incidents.grouping import MAX_ALERTS
from vedette.incidents.service import IncidentService
from vedette.incidents.work.tasks import MAX_TASKS
from vedette.store.logstore import LogStore

READER = person("reader", Role.READER)


def two(service: IncidentService) -> None:
    """Incident 1 of two alerts, incident 2 of one, of another rule."""
    service.ingest(run(rule(1, grouped(MatchingMethod.ANY_ALERT)), [{"User": "a@x.com"}, {"User": "b@x.com"}]))
    service.ingest(run(rule(2, severity=Severity.HIGH, tactics=("Impact",)), [{"User": "a@x.com", "Ip": "1.1.1.1"}]))


def test_a_task_from_new_to_completed(service: IncidentService, clock: VirtualClock) -> None:
    two(service)
    made = service.tasks.add(1, " Reset the password ", "of a@x.com", ANN)
    assert (made["title"], made["status"], made["createdBy"]["name"]) == ("Reset the password", "New", "Ann")
    clock.advance(60)
    done = service.tasks.change(1, made["id"], {"status": "completed"}, BOB)
    assert (done["status"], done["completedBy"], done["completedTimeUtc"]) == (
        "Completed", "Bob", "2026-03-01T12:01:00.000000Z",
    )  # fmt: skip
    assert service.tasks.change(1, made["id"], {"status": "New"}, BOB)["completedBy"] is None
    history = [entry for entry in service.get(1)["history"] if entry["field"] == "task"]
    assert [(entry["actor"]["name"], entry["old"], entry["new"]) for entry in history] == [
        ("Ann", None, None),
        ("Bob", {"status": "New"}, {"status": "Completed"}),
        ("Bob", {"status": "Completed"}, {"status": "New"}),
    ]
    service.tasks.remove(1, made["id"], ANN)
    assert service.tasks.list(1) == []


def test_what_tasks_refuse(service: IncidentService) -> None:
    two(service)
    task = service.tasks.add(1, "x", "", ANN)
    with pytest.raises(NotFound, match="Incident 2 has no task"):
        service.tasks.change(2, task["id"], {"status": "New"}, ANN)
    with pytest.raises(InvalidInput, match="'Done' is not a task's status"):
        service.tasks.change(1, task["id"], {"status": "Done"}, ANN)
    with pytest.raises(InvalidInput, match="no field 'titel'") as misspelt:
        service.tasks.change(1, task["id"], {"titel": "y"}, ANN)
    assert "title" in str(misspelt.value.hint)
    for title, description in (("", ""), ("x" * 151, ""), ("x", "y" * 3001)):
        with pytest.raises(InvalidInput):
            service.tasks.add(1, title, description, ANN)
    with pytest.raises(Forbidden):
        service.tasks.add(1, "x", "", READER)
    for _ in range(MAX_TASKS - 1):
        service.tasks.add(1, "x", "", ANN)
    with pytest.raises(Conflict, match="100 tasks"):
        service.tasks.add(1, "one too many", "", ANN)


BOOKMARK: dict[str, Any] = {
    "displayName": "A sign-in",
    "notes": "odd",
    "query": "SigninLogs | take 1",
    "queryResult": {"UserPrincipalName": "a@x.com", "IPAddress": "1.1.1.1"},
    "entities": [{"type": "Account", "FullName": "a@x.com"}, {"type": "ip", "properties": {"address": "1.1.1.1"}}],
    "eventTimeUtc": "2026-03-01T11:30:00.1234567Z",
    "labels": ["odd"],
}


def test_a_bookmark_in_and_out_of_an_incident(service: IncidentService, clock: VirtualClock) -> None:
    two(service)
    made = service.bookmarks.add(BOOKMARK, ANN)
    assert made["incidentNumber"] is None
    assert [(one["type"], one["name"]) for one in made["entities"]] == [("Account", "a@x.com"), ("IP", "1.1.1.1")]
    clock.advance(1)
    service.bookmarks.change(made["id"], {"incidentNumber": 1}, ANN)
    incident = service.get(1)
    assert [one["id"] for one in incident["bookmarks"]] == [made["id"]]
    (event,) = [item for item in incident["timeline"] if item["kind"] == "event"]
    assert (event["time"], event["title"]) == ("2026-03-01T11:30:00.1234567Z", "A sign-in")
    with pytest.raises(Conflict):
        service.bookmarks.change(made["id"], {"notes": "y"}, BOB, etag='"1"')
    service.bookmarks.change(made["id"], {"incidentNumber": None, "notes": "z"}, BOB, etag='"2"')
    assert service.get(1)["bookmarks"] == []
    service.bookmarks.remove(made["id"], BOB)
    with pytest.raises(NotFound):
        service.bookmarks.get(made["id"])
    logs = LogStore(None, clock)
    service.outbox.drain(logs)
    kept = logs.query(
        "HuntingBookmark | sort by LastUpdatedTime asc | project BookmarkName, Notes, SoftDeleted, EventTime,"
        " User = tostring(todynamic(Entities)[0].Name), Row = tostring(todynamic(QueryResultRow).IPAddress)"
    ).rows
    assert kept[0][:3] == ["A sign-in", "odd", False]
    assert {row[2] for row in kept} == {True, False}
    assert kept[0][3:] == ["2026-03-01T11:30:00.1234567Z", "a", "1.1.1.1"]
    ids = logs.query("SecurityIncident | where IncidentNumber == 1 | project Ids = tostring(BookmarkIds)").rows
    assert [json.dumps([made["id"]])] in [[row[0].replace(" ", "")] for row in ids]
    logs.close()


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"displayName": ""}, "not empty"),
        ({"entities": [{"type": "Acount", "FullName": "a"}]}, "not a type of entity"),
        ({"entities": [{"type": "Account", "Fullname2": "a"}]}, "no identifier 'Fullname2'"),
        ({"entities": [{"type": "Account"}]}, "needs an identifier"),
        ({"entities": [{"type": "IP", "Address": "1"}] * 101}, "at most 100"),
        ({"queryResult": {"x": "y" * 70_000}}, "at most 64 KB"),
        ({"queryResult": [1]}, "an object"),
        ({"eventTimeUtc": "yesterday"}, "is a time"),
        ({"incidentNumber": "1"}, "a number, or null"),
        ({"note": "x"}, "no field 'note'"),
    ],
)
def test_what_bookmarks_refuse(service: IncidentService, values: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        service.bookmarks.add({"displayName": "x", **values}, ANN)
    assert says.split("a number")[0] in str(refused.value)
    assert service.bookmarks.list() == []


def alerts_of(service: IncidentService, number: int) -> list[str]:
    return [alert["id"] for alert in service.get(number)["alerts"]]


def test_merge_and_undo(service: IncidentService, clock: VirtualClock) -> None:
    two(service)
    service.update(2, {"owner": "ann", "status": "Active"}, ANN)
    service.bookmarks.add({**BOOKMARK, "incidentNumber": 2}, ANN)
    before = service.get(1), service.get(2)
    clock.advance(1)
    (move,) = service.regrouping.merge(1, [2], BOB)
    into, source = service.get(1), service.get(2)
    assert (into["alertCount"], source["alertCount"]) == (3, 0)
    assert (into["severity"], into["tactics"]) == ("High", ["InitialAccess", "Impact"])
    assert {entity["name"] for entity in into["entities"]} == {"a@x.com", "b@x.com", "1.1.1.1"}
    assert len(into["bookmarks"]) == 1
    assert (source["status"], source["classification"], source["mergedInto"]) == ("Closed", "Undetermined", 1)
    assert source["classificationComment"] == "Merged into incident 1"
    assert len(into["ruleIds"]) == 2
    clock.advance(1)
    assert service.regrouping.undo(move["id"], ANN)["undoneBy"] == "Ann"
    after = service.get(1), service.get(2)
    for was, now in zip(before, after):
        for field in ("alerts", "severity", "status", "classification", "classificationComment", "owner", "tactics",
                      "ruleIds", "alertCount", "firstActivityTimeUtc", "bookmarks", "mergedInto", "title"):  # fmt: skip
            assert now[field] == was[field], field
        assert {(one["name"], *one["alertIds"]) for one in now["entities"]} == {
            (one["name"], *one["alertIds"]) for one in was["entities"]
        }
    kinds = [(entry["field"], entry["actor"]["name"]) for entry in after[0]["history"]]
    assert ("merge", "Bob") in kinds
    assert ("undo", "Ann") in kinds
    with pytest.raises(Conflict, match="Ann has undone this"):
        service.regrouping.undo(move["id"], ANN)


def test_alerts_of_a_merged_incidents_group_follow_it(service: IncidentService) -> None:
    two(service)
    other = rule(3, grouped(MatchingMethod.ANY_ALERT))
    service.ingest(run(other, [{"User": "c@x.com"}]))
    service.regrouping.merge(1, [3], ANN)
    report = service.ingest(run(other, [{"User": "d@x.com"}]))
    assert (report.created, report.updated) == ([], [1])


def test_an_undo_leaves_what_people_changed_since(service: IncidentService) -> None:
    two(service)
    (move,) = service.regrouping.merge(1, [2], BOB)
    service.update(1, {"severity": "Low"}, ANN)
    service.update(2, {"classificationComment": "I know better"}, ANN)
    service.regrouping.undo(move["id"], BOB)
    assert service.get(1)["severity"] == "Low"
    assert service.get(2)["status"] == "New"


LOW, MEDIUM, HIGH = Severity.LOW, Severity.MEDIUM, Severity.HIGH


@pytest.mark.parametrize(
    ("merged", "since", "undone"),
    [
        ([HIGH], None, [LOW]),
        ([HIGH, HIGH], None, [HIGH, LOW]),
        ([MEDIUM, HIGH], None, [HIGH, LOW]),
        ([HIGH, MEDIUM], None, [MEDIUM, LOW]),
        ([HIGH], MEDIUM, [MEDIUM]),
        ([MEDIUM], HIGH, [HIGH]),
    ],
    ids=str,
)
def test_severity_of_what_is_merged(
    service: IncidentService, merged: list[Severity], since: Severity | None, undone: list[Severity]
) -> None:
    """It is that of the gravest that is in an incident, after each merge and each undo."""
    group = grouped(MatchingMethod.ANY_ALERT)
    service.ingest(run(rule(1, group, severity=LOW), [{"User": "a@x.com"}]))
    numbers = range(2, 2 + len(merged))
    for number, severity in zip(numbers, merged):
        service.ingest(run(rule(number, severity=severity), [{"User": f"{number}@x.com"}]))
    moves = service.regrouping.merge(1, list(numbers), ANN)
    assert service.get(1)["severity"] == max(merged, key=lambda one: one.rank)
    if since is not None:
        later = run(rule(1, group, severity=since), [{"User": "b@x.com"}], NOON + timedelta(minutes=5))
        assert service.ingest(later).updated == [1]
        assert service.get(1)["severity"] == max(since, *merged, key=lambda one: one.rank)
    for move, left in zip(moves, undone):
        service.regrouping.undo(move["id"], BOB)
        assert service.get(1)["severity"] == left
    assert [service.get(number)["severity"] for number in numbers] == merged


@pytest.mark.parametrize("to", [3, None])
def test_an_undone_merge_leaves_a_bookmark_where_somebody_has_put_it_since(
    service: IncidentService, to: int | None
) -> None:
    two(service)
    service.ingest(run(rule(3), [{"User": "c@x.com"}]))
    kept, moved = (service.bookmarks.add({**BOOKMARK, "incidentNumber": 2}, ANN)["id"] for _ in range(2))
    (move,) = service.regrouping.merge(1, [2], ANN)
    service.bookmarks.change(moved, {"incidentNumber": to}, BOB)
    service.regrouping.undo(move["id"], ANN)
    assert [one["id"] for one in service.get(2)["bookmarks"]] == [kept]
    assert service.bookmarks.get(moved)["incidentNumber"] == to


def test_split_and_undo(service: IncidentService) -> None:
    two(service)
    alert = alerts_of(service, 1)[1]
    move = service.regrouping.split(1, [alert.upper()], ANN, title="The other one")
    new = service.get(move["to"])
    assert (new["number"], new["title"], alerts_of(service, 3)) == (3, "The other one", [alert])
    assert [entity["name"] for entity in new["entities"]] == [
        entity["name"] for entity in new["entities"] if alert in entity["alertIds"]
    ]
    assert service.get(1)["alertCount"] == 1
    service.regrouping.undo(move["id"], BOB)
    assert len(alerts_of(service, 1)) == 2
    assert (service.get(3)["status"], service.get(3)["mergedInto"], service.get(3)["alertCount"]) == ("Closed", 1, 0)


def test_what_merging_and_splitting_refuse(service: IncidentService) -> None:
    two(service)
    with pytest.raises(InvalidInput, match="into itself"):
        service.regrouping.merge(1, [1], ANN)
    with pytest.raises(NotFound):
        service.regrouping.merge(1, [7], ANN)
    with pytest.raises(Forbidden):
        service.regrouping.merge(1, [2], READER)
    with pytest.raises(InvalidInput, match="not none and not all"):
        service.regrouping.split(1, alerts_of(service, 1), ANN)
    with pytest.raises(NotFound, match="has no alert"):
        service.regrouping.split(1, alerts_of(service, 2), ANN)
    stale = service.get(1)["etag"]
    service.comment(1, "x", ANN)
    with pytest.raises(PreconditionFailed):
        service.regrouping.merge(1, [2], ANN, etag=stale)
    (first,) = service.regrouping.merge(1, [2], ANN)
    with pytest.raises(Conflict, match="merged into incident 1"):
        service.regrouping.merge(1, [2], ANN)
    service.regrouping.split(1, first["alertIds"], ANN)
    with pytest.raises(Conflict, match="since moved to incident 3"):
        service.regrouping.undo(first["id"], ANN)
    for number in range(MAX_ALERTS):
        if service.get(1)["alertCount"] + number == MAX_ALERTS:
            break
    big = rule(9, grouped(MatchingMethod.ANY_ALERT))
    service.ingest(run(big, [{"User": f"u{n}@x.com"} for n in range(MAX_ALERTS)]))
    full = service.list().value[0]["number"]
    with pytest.raises(Conflict, match="at most 150 alerts"):
        service.regrouping.merge(1, [full], ANN)


def test_an_etag_is_another_after_each_change(service: IncidentService) -> None:
    two(service)
    seen = service.get(1)["etag"]
    service.update(1, {"title": "y"}, ANN, etag=f'W/"{seen}"')
    with pytest.raises(PreconditionFailed, match="Incident 1 has changed") as refused:
        service.update(1, {"title": "z"}, BOB, etag=seen)
    assert refused.value.status == 412
    assert service.update(1, {"title": "z"}, BOB, etag="*")["title"] == "z"


STEPS = st.lists(
    st.tuples(st.sampled_from(["merge", "split", "undo", "close"]), st.integers(0, 7), st.integers(0, 7)), max_size=10
)


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(STEPS)
def test_no_alert_is_ever_lost_or_doubled(fresh: Fresh, steps: list[tuple[str, int, int]]) -> None:
    service = fresh()
    two(service)
    service.ingest(run(rule(3), [{"User": "c@x.com"}, {"User": "a@x.com", "Ip": "2.2.2.2"}]))
    every = sorted(alert for one in service.list().value for alert in alerts_of(service, one["number"]))
    moves: list[str] = []
    for step, first, second in steps:
        numbers = sorted(one["number"] for one in service.list().value)
        a, b = numbers[first % len(numbers)], numbers[second % len(numbers)]
        try:
            if step == "merge":
                moves += [move["id"] for move in service.regrouping.merge(a, [b], ANN)]
            elif step == "split":
                moves.append(service.regrouping.split(a, alerts_of(service, a)[: 1 + second % 2], ANN)["id"])
            elif step == "undo" and moves:
                service.regrouping.undo(moves[first % len(moves)], BOB)
            elif step == "close":
                service.update(a, {"status": "Closed", "classification": "TruePositive"}, ANN)
        except (Conflict, InvalidInput):
            pass
        found = []
        for one in service.list().value:
            incident = service.get(one["number"])
            ids = [alert["id"] for alert in incident["alerts"]]
            assert incident["alertCount"] == len(ids)
            assert {alert for entity in incident["entities"] for alert in entity["alertIds"]} <= set(ids)
            assert set(incident["ruleIds"]) == {alert["ruleId"] for alert in incident["alerts"]}
            found += ids
        assert sorted(found) == every
