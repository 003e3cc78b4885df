"""Changes by people: every field, conflicts by field, closing, comments, history."""

from __future__ import annotations

from typing import Any

import pytest

from tests.incidents.runs import ANN, BOB, rule, run
from vedette.core.clock import VirtualClock
from vedette.core.database import State
from vedette.core.errors import InvalidInput, NotFound
from vedette.incidents.fields import FieldConflict
from vedette.incidents.service import IncidentService


@pytest.fixture(autouse=True)
def _one_incident(service: IncidentService) -> None:
    service.ingest(run(rule(1), [{"User": "ann@x.com"}]))


FIELD_VALUES: list[Any] = [
    ("title", "  Other  ", "Other"),
    ("description", "What we know", "What we know"),
    ("severity", "high", "High"),
    ("status", "ACTIVE", "Active"),
    ("owner", {"id": "id-bob", "name": "Bob"}, {"id": "id-bob", "name": "Bob"}),
    ("owner", "cid@x.com", {"id": "cid@x.com", "name": "cid@x.com"}),
    ("labels", ["b", "a", "b", " "], ["b", "a"]),
    ("classification", "truepositive", "TruePositive"),
    ("classificationComment", "because", "because"),
]


def test_each_field(service: IncidentService, subtests: pytest.Subtests) -> None:
    for field, value, kept in FIELD_VALUES:
        with subtests.test(field=field, value=value):
            before = service.get(1)
            incident = service.update(1, {field: value}, ANN)
            assert incident[field] == kept
            assert incident == service.get(1)
            changed = before["revisions"][field] + 1
            assert incident["revisions"] == before["revisions"] | {field: changed}
            entry = {
                "time": "2026-03-01T12:00:00.0000000Z",
                "actor": {"id": "id-ann", "name": "Ann"},
                "field": field,
                "revision": changed,
                "old": before[field],
                "new": kept,
            }
            assert incident["history"] == [*before["history"], entry]
            assert incident["modifiedBy"] == "User - Ann"


REFUSED: list[Any] = [
    ({"stauts": "Active"}, "An incident has no field 'stauts' that can be changed.", "Did you mean 'status'?"),
    ({"alertCount": 3}, "An incident has no field 'alertCount' that can be changed.", None),
    ({"status": "Actve"}, "'Actve' is not a value of 'status'.", "Did you mean 'Active'?"),
    ({"severity": None}, "'None' is not a value of 'severity'.", "Known are High, Medium, Low, Informational."),
    ({"title": " "}, "'title' is not empty.", None),
    ({"title": "x" * 257}, "'title' has at most 256 characters, not 257.", None),
    ({"title": 3}, "'title' is a text.", None),
    ({"labels": "x"}, "'labels' is a list of texts.", None),
    (
        {"labels": [str(n) for n in range(101)]},
        "An incident has at most 100 labels of at most 256 characters.",
        None,
    ),
    ({"owner": {"name": "x"}}, "'owner' is a person with an 'id', or null.", None),
    ({"owner": "x" * 257}, "'owner' has at most 256 characters.", None),
    (
        {"status": "Closed"},
        "An incident is closed with a classification.",
        "Give one of TruePositive, BenignPositive, FalsePositive, Undetermined.",
    ),
    (
        {"classification": "FalsePositive", "classificationReason": "SuspiciousActivity"},
        "The reason 'SuspiciousActivity' does not go with the classification 'FalsePositive'.",
        "Reasons that do: IncorrectAlertLogic, InaccurateData.",
    ),
    (
        {"classificationReason": "InaccurateData"},
        "The reason 'InaccurateData' does not go with the classification 'none'.",
        "Reasons that do: none.",
    ),
]


def test_what_is_refused_changes_nothing(service: IncidentService, subtests: pytest.Subtests) -> None:
    before = service.get(1), service.outbox.pending()
    for changes, message, hint in REFUSED:
        with subtests.test(**changes):
            with pytest.raises(InvalidInput) as caught:
                service.update(1, {"description": "changed", **changes}, ANN)
            assert caught.value.message == message
            if hint is not None:
                assert caught.value.hint == hint
            assert (service.get(1), service.outbox.pending()) == before


def test_closing_and_reopening(service: IncidentService, clock: VirtualClock) -> None:
    clock.advance(60)
    closed = service.update(
        1,
        {
            "status": "Closed",
            "classification": "FalsePositive",
            "classificationReason": "InaccurateData",
            "classificationComment": "stale feed",
        },
        ANN,
    )
    assert (closed["status"], closed["closedTimeUtc"]) == ("Closed", "2026-03-01T12:01:00.000000Z")
    changed = service.update(1, {"classification": "Undetermined"}, ANN)
    assert (changed["classification"], changed["classificationReason"]) == ("Undetermined", None)
    reopened = service.update(1, {"status": "Active"}, BOB)
    assert (
        reopened["classification"],
        reopened["classificationReason"],
        reopened["classificationComment"],
        reopened["closedTimeUtc"],
    ) == (None,) * 4
    assert [entry["field"] for entry in reopened["history"] if entry["actor"]["name"] == "Bob"] == [
        "status",
        "classification",
        "classificationComment",
    ]


def test_different_fields_never_conflict(service: IncidentService) -> None:
    base = service.get(1)["revisions"]
    service.update(1, {"status": "Active"}, ANN, {"status": base["status"]})
    service.update(1, {"severity": "High", "owner": "bob"}, BOB, {"severity": base["severity"], "owner": base["owner"]})
    incident = service.get(1)
    assert (incident["status"], incident["severity"], incident["owner"]["id"]) == ("Active", "High", "bob")


def test_the_same_field_shows_both_values_and_who(service: IncidentService, clock: VirtualClock) -> None:
    base = service.get(1)["revisions"]
    clock.advance(12)
    service.update(1, {"severity": "High", "owner": {"id": "id-bob", "name": "Bob"}}, BOB, base)
    with pytest.raises(FieldConflict) as caught:
        service.update(1, {"severity": "Low", "owner": None, "title": "Mine"}, ANN, base)
    error = caught.value
    assert error.status == 409
    assert (
        str(error)
        == "Bob set the severity to High at 2026-03-01T12:00:12Z; you set it to Low. The same goes for owner."
    )
    body = error.to_dict()
    assert body["code"] == "FieldConflict"
    assert body["details"] == {
        "conflicts": [
            {
                "field": "severity",
                "current": "High",
                "wanted": "Low",
                "revision": 2,
                "changedBy": {"id": "id-bob", "name": "Bob"},
                "changedTimeUtc": "2026-03-01T12:00:12.000000Z",
            },
            {
                "field": "owner",
                "current": {"id": "id-bob", "name": "Bob"},
                "wanted": None,
                "revision": 2,
                "changedBy": {"id": "id-bob", "name": "Bob"},
                "changedTimeUtc": "2026-03-01T12:00:12.000000Z",
            },
        ]
    }
    assert service.get(1)["title"] == "Rule 1"


def test_wanting_the_same_is_no_conflict(service: IncidentService) -> None:
    base = service.get(1)["revisions"]
    service.update(1, {"severity": "High"}, BOB, base)
    before = service.get(1)
    assert service.update(1, {"severity": "High"}, ANN, base) == before
    assert service.update(1, {}, ANN) == before
    assert service.update(1, {"severity": "Low"}, ANN)["severity"] == "Low"


def test_a_base_of_an_unknown_field_is_refused(service: IncidentService) -> None:
    with pytest.raises(InvalidInput, match="no field 'sverity'"):
        service.update(1, {"severity": "High"}, ANN, {"sverity": 1})


def test_the_server_knows_peoples_names(state: State, workspace: str, clock: VirtualClock) -> None:
    service = IncidentService(state, workspace, clock, name_of={"id-bob": "Bob Lund"}.get)
    assert service.update(1, {"owner": {"id": "id-bob"}}, ANN)["owner"] == {"id": "id-bob", "name": "Bob Lund"}
    assert service.update(1, {"owner": {"id": "id-eve"}}, ANN)["owner"] == {"id": "id-eve", "name": "id-eve"}


def test_comments(service: IncidentService, clock: VirtualClock) -> None:
    clock.advance(5)
    made = service.comment(1, "  The user is travelling.\n", ANN)
    assert made == {
        "id": made["id"],
        "message": "The user is travelling.",
        "author": {"id": "id-ann", "name": "Ann"},
        "createdTimeUtc": "2026-03-01T12:00:05.000000Z",
    }
    assert service.get(1)["comments"] == [made]
    for text, message in (("", "A comment is not empty."), ("x" * 30_001, "A comment has at most 30,000 characters.")):
        with pytest.raises(InvalidInput) as caught:
            service.comment(1, text, ANN)
        assert caught.value.message == message
    service.comment(1, "x" * 30_000, BOB)
    assert len(service.get(1)["comments"]) == 2


def test_what_is_not_there(service: IncidentService) -> None:
    for reference in (2, "2", "nothing", "00000000-0000-4000-8000-000000000000", "", "-1", "9" * 30):
        for call in (service.get, service.summary):
            with pytest.raises(NotFound, match="There is no incident"):
                call(reference)
        with pytest.raises(NotFound):
            service.update(reference, {"status": "Active"}, ANN)
    with pytest.raises(NotFound):
        service.alert("nothing")
