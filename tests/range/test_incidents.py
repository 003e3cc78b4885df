"""Incidents and comments as Microsoft Sentinel keeps them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.plugins.fake_tenant import Door

BODY: dict[str, Any] = {"properties": {"title": "Test Incident", "severity": "Low", "status": "New"}}
ID = "73e01a99-5cd7-4139-a149-9f2736ff2ab5"


def body(etag: str | None = None, **properties: Any) -> dict[str, Any]:
    document: dict[str, Any] = {"properties": {**BODY["properties"], **properties}}
    if etag is not None:
        document["etag"] = etag
    return document


def test_an_incident_is_made_by_a_put(door: Door, shared: Path) -> None:
    contract = json.loads((shared / "contracts" / "arm_incident_put_create.json").read_text())
    door.server.tenant.workspace("law-sec-prod").next_incident_number = 3177
    answer = door.arm("PUT", f"incidents/{ID}", contract["request"])
    assert answer.status_code == contract["response_status"]
    expected, found = contract["response"], answer.json()
    assert set(found) == set(expected)
    assert {name: found[name] for name in ("id", "name", "type")} == {
        name: expected[name] for name in ("id", "name", "type")
    }
    assert set(found["properties"]) == set(expected["properties"])
    given_by_the_server = {
        "lastModifiedTimeUtc", "createdTimeUtc", "additionalData", "relatedAnalyticRuleIds", "incidentNumber",
    }  # fmt: skip
    for name in set(expected["properties"]) - given_by_the_server:
        assert found["properties"][name] == expected["properties"][name], name
    assert set(found["properties"]["additionalData"]) == set(expected["properties"]["additionalData"])
    assert found["properties"]["incidentNumber"] == 3177
    assert found["properties"]["createdTimeUtc"] == "2026-03-04T10:15:30Z"


@pytest.mark.req("D-019")
def test_an_id_that_is_no_guid_is_accepted(door: Door) -> None:
    answer = door.arm("PUT", "incidents/test-incident-001", BODY)
    assert answer.status_code == 201
    found = answer.json()
    assert found["name"] == "test-incident-001"
    assert found["properties"]["title"] == "Test Incident"
    assert found["properties"]["severity"] == "Low"
    assert found["properties"]["status"] == "New"
    assert door.arm("GET", "incidents/test-incident-001").json() == found


def test_numbers_are_sequential_in_a_workspace(door: Door) -> None:
    numbers = [door.arm("PUT", f"incidents/{name}", BODY).json()["properties"]["incidentNumber"] for name in "abc"]
    assert numbers == [1, 2, 3]
    door.arm("DELETE", "incidents/c")
    assert door.arm("PUT", "incidents/d", BODY).json()["properties"]["incidentNumber"] == 4


def test_closing_as_recorded(door: Door, shared: Path) -> None:
    created = json.loads((shared / "contracts" / "arm_incident_put_create.json").read_text())
    closing = json.loads((shared / "contracts" / "arm_incident_put_close.json").read_text())
    etag = door.arm("PUT", f"incidents/{ID}", created["request"]).json()["etag"]
    answer = door.arm("PUT", f"incidents/{ID}", {**closing["request"], "etag": etag})
    assert answer.status_code == closing["response_status"]
    found = answer.json()["properties"]
    for name in ("status", "classification", "classificationReason", "classificationComment", "labels"):
        assert found[name] == closing["response"]["properties"][name]
    assert set(found["owner"]) == set(closing["response"]["properties"]["owner"])
    assert found["owner"]["userPrincipalName"] == "megan@contoso.example"


@pytest.mark.parametrize("etag", [None, '"00000000-0000-0d00-0000-000000000000"'])
def test_an_update_needs_the_current_etag(door: Door, shared: Path, etag: str | None) -> None:
    first = door.arm("PUT", f"incidents/{ID}", BODY).json()
    answer = door.arm("PUT", f"incidents/{ID}", body(etag, title="Second"))
    contract = json.loads((shared / "contracts" / "arm_errors.json").read_text())["409_etag"]
    assert (answer.status_code, answer.json()) == (409, contract["body"])
    assert door.arm("GET", f"incidents/{ID}").json() == first
    updated = door.arm("PUT", f"incidents/{ID}", body(first["etag"], title="Second"))
    assert updated.status_code == 200
    assert updated.json()["etag"] != first["etag"]
    assert updated.json()["properties"]["incidentNumber"] == first["properties"]["incidentNumber"]


def test_the_same_put_again_is_a_conflict(door: Door) -> None:
    assert door.arm("PUT", f"incidents/{ID}", BODY).status_code == 201
    assert door.arm("PUT", f"incidents/{ID}", BODY).status_code == 409


def test_an_etag_for_an_incident_that_is_not_there_is_a_conflict(door: Door) -> None:
    assert door.arm("PUT", f"incidents/{ID}", body('"x"')).status_code == 409
    assert door.arm("GET", f"incidents/{ID}").status_code == 404


def test_if_match(door: Door) -> None:
    assert door.arm("PUT", f"incidents/{ID}", BODY, headers={"If-Match": "*"}).status_code == 412
    etag = door.arm("PUT", f"incidents/{ID}", BODY).json()["etag"]
    stale = door.arm("PUT", f"incidents/{ID}", body(etag, title="x"), headers={"If-Match": '"stale"'})
    assert (stale.status_code, stale.json()["error"]["code"]) == (412, "PreconditionFailed")
    assert door.arm("PUT", f"incidents/{ID}", body(title="x"), headers={"If-Match": etag}).status_code == 200


def test_a_put_replaces(door: Door) -> None:
    first = door.arm(
        "PUT", "incidents/a", body(description="long", labels=[{"labelName": "l"}], owner={"email": "a@b.c"})
    ).json()
    assert first["properties"]["labels"] == [{"labelName": "l", "labelType": "User"}]
    second = door.arm("PUT", "incidents/a", body(first["etag"])).json()["properties"]
    assert "description" not in second
    assert second["labels"] == []
    assert second["owner"]["email"] is None


def test_reopening_clears_the_verdict(door: Door) -> None:
    verdict = {"status": "Closed", "classification": "FalsePositive", "classificationReason": "InaccurateData"}
    closed = door.arm("PUT", "incidents/a", body(**verdict)).json()
    opened = door.arm("PUT", "incidents/a", body(closed["etag"], **{**verdict, "status": "Active"})).json()
    assert "classification" not in opened["properties"]
    assert "classificationReason" not in opened["properties"]


def test_provider_name_is_writable_in_one_api_version_only(door: Door) -> None:
    named = door.arm("PUT", "incidents/a", body(providerName="Vedette", providerIncidentId="77")).json()["properties"]
    assert (named["providerName"], named["providerIncidentId"]) == ("Vedette", "77")
    later = door.arm("PUT", "incidents/b", body(providerName="Vedette"), version="2024-09-01").json()["properties"]
    assert (later["providerName"], later["providerIncidentId"]) == ("Azure Sentinel", "2")


@pytest.mark.parametrize(
    "properties",
    [
        {"title": None},
        {"title": ""},
        {"severity": None},
        {"severity": "CRITICAL"},
        {"status": "Open"},
        {"status": "Closed"},
        {"status": "Closed", "classification": "TruePositive", "classificationReason": "InaccurateData"},
        {"firstActivityTimeUtc": "yesterday"},
        {"firstActivityTimeUtc": "2026-03-04T08:58:02"},
        {"lastActivityTimeUtc": "2026-13-04T08:58:02Z"},
        {"labels": ["plain"]},
        {"labels": {"labelName": "x"}},
        {"owner": "me"},
        {"title": 7},
        {"description": "x" * 5001},
        {"description": "\U0001f600" * 2501},
    ],
)
def test_what_is_not_valid_is_refused_and_changes_nothing(door: Door, properties: dict[str, Any]) -> None:
    answer = door.arm("PUT", "incidents/a", body(**properties))
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "BadRequest")
    assert door.server.tenant.workspace("law-sec-prod").incidents == {}


@pytest.mark.parametrize("document", [[], None, {"title": "x"}, {"properties": "x"}, "text"])
def test_a_body_of_another_shape(door: Door, document: Any) -> None:
    assert door.arm("PUT", "incidents/a", document).status_code == 400


def test_times_keep_their_seventh_digit_and_become_utc(door: Door) -> None:
    times = {"firstActivityTimeUtc": "2026-03-04T09:05:41.6195833Z", "lastActivityTimeUtc": "2026-03-04T11:05:41+02:00"}
    found = door.arm("PUT", "incidents/a", body(**times)).json()["properties"]
    assert found["firstActivityTimeUtc"] == "2026-03-04T09:05:41.6195833Z"
    assert found["lastActivityTimeUtc"] == "2026-03-04T09:05:41Z"


def test_deleting(door: Door) -> None:
    door.arm("PUT", "incidents/a", BODY)
    assert door.arm("DELETE", "incidents/A").status_code == 200
    gone = door.arm("DELETE", "incidents/a")
    assert (gone.status_code, gone.content) == (204, b"")


def test_comments(door: Door, shared: Path) -> None:
    contract = json.loads((shared / "contracts" / "arm_incident_comment.json").read_text())
    door.arm("PUT", "incidents/a", BODY)
    message = {"properties": {"message": "SOAR: account disabled, sessions revoked"}}
    made = door.arm("PUT", "incidents/a/comments/4bb36b7b", message)
    assert made.status_code == 201
    comment = made.json()
    assert set(comment) == set(contract)
    assert set(comment["properties"]) == set(contract["properties"])
    assert comment["properties"]["message"] == contract["properties"]["message"]
    assert comment["properties"]["author"]["name"] == "Vedette Security Detections"
    assert door.arm("GET", "incidents/a/comments").json()["value"] == [comment]
    assert door.arm("GET", "incidents/a").json()["properties"]["additionalData"]["commentsCount"] == 1
    assert door.arm("PUT", "incidents/a/comments/4bb36b7b", message).status_code == 409
    changed = {"etag": comment["etag"], "properties": {"message": "more"}}
    assert door.arm("PUT", "incidents/a/comments/4bb36b7b", changed).json()["properties"]["message"] == "more"
    door.server.tenant.subscriptions[0].role_assignments[0].role = "Microsoft Sentinel Contributor"
    assert door.arm("DELETE", "incidents/a/comments/4bb36b7b").status_code == 200
    assert door.arm("DELETE", "incidents/a/comments/4bb36b7b").status_code == 204
    assert door.arm("GET", "incidents/a/comments/4bb36b7b").status_code == 404


def test_comments_have_limits(door: Door) -> None:
    door.arm("PUT", "incidents/a", BODY)
    assert door.arm("PUT", "incidents/a/comments/x", {"properties": {"message": "x" * 30_001}}).status_code == 400
    assert door.arm("PUT", "incidents/a/comments/x", {"properties": {}}).status_code == 400
    token = door.token()
    for number in range(100):
        door.arm("PUT", f"incidents/a/comments/{number}", {"properties": {"message": "m"}}, token=token)
    assert door.arm("PUT", "incidents/a/comments/x", {"properties": {"message": "m"}}).status_code == 400


def test_comments_of_an_incident_that_is_not_there(door: Door) -> None:
    assert door.arm("GET", "incidents/a/comments").status_code == 404
