"""Graph's security alerts and incidents: what is listed, filtered, paged, changed, refused."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.plugins.fake_tenant import TENANT, Door
from tests.range.conftest import Graph
from vedette.core.clock import SystemClock
from vedette.range.faults import Fault
from vedette.range.seed import CONTOSO, plant
from vedette.range.state import FakeTenant

PREFER = {"Prefer": "include-unknown-enum-members"}


def many(door: Door, count: int) -> None:
    alerts = door.server.tenant.documents.of("graph", TENANT, "security/alerts_v2")
    for number in range(count):
        moment = f"2026-02-{1 + number % 28:02d}T00:00:{number % 60:02d}Z"
        alerts.put(
            f"m{number:05d}",
            {
                "id": f"m{number:05d}",
                "createdDateTime": moment,
                "severity": "low",
                "status": "new",
                "serviceSource": "x",
            },
        )


def pages(graph: Graph, path: str, **query: str) -> list[list[dict[str, Any]]]:
    found, answer = [], graph.get(path, **query)
    while True:
        found.append(answer["value"])
        if "@odata.nextLink" not in answer:
            return found
        answer = graph.get(answer["@odata.nextLink"])


def test_pages_hold_everything_once(door: Door, collector: Graph) -> None:
    many(door, 250)
    found = pages(collector, "security/alerts_v2", top="50")
    assert [len(page) for page in found] == [50] * 5 + [2]
    assert len({alert["id"] for page in found for alert in page}) == 252
    times = [alert["createdDateTime"] for page in found for alert in page]
    assert times == sorted(times, reverse=True)


def test_alerts_that_come_and_go_between_pages_hide_and_repeat_nothing(door: Door, collector: Graph) -> None:
    many(door, 100)
    alerts = door.server.tenant.documents.of("graph", TENANT, "security/alerts_v2")
    first = collector.get("security/alerts_v2", top="40", orderby="createdDateTime asc")
    alerts.delete(first["value"][3]["id"])
    alerts.put("early", {"id": "early", "createdDateTime": "2020-01-01T00:00:00Z"})
    rest = pages(collector, first["@odata.nextLink"])
    seen = [alert["id"] for alert in first["value"]] + [alert["id"] for page in rest for alert in page]
    assert len(seen) == len(set(seen)) == 102


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("severity eq 'high'", ["da0001_1"]),
        ("createdDateTime ge 2026-03-04T09:05:00Z", ["ad0002"]),
        ("createdDateTime ge 2026-03-04T09:00:00Z and status eq 'new'", ["ad0002", "da0001_1"]),
        ("serviceSource eq 'azureAdIdentityProtection' or severity eq 'high'", ["ad0002", "da0001_1"]),
        ("severity in ('low', 'informational')", []),
    ],
)
def test_a_filter(collector: Graph, text: str, ids: list[str]) -> None:
    answer = collector.get("security/alerts_v2", filter=text, count="true")
    assert [alert["id"] for alert in answer["value"]] == ids
    assert answer["@odata.count"] == len(ids)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"filter": "foo eq 'x'"}, "Could not find a property named 'foo' on type 'microsoft.graph.security.alert'"),
        ({"filter": "title eq 'x'"}, "'title' cannot be used"),
        ({"filter": "severity eq"}, "Invalid filter clause"),
        ({"top": "x"}, r"Invalid value 'x' for \$top"),
        ({"top": "2001"}, "at most 2000"),
        ({"expand": "incident"}, r"'\$expand' is not supported"),
        ({"skiptoken": "zzz"}, "skiptoken"),
        ({"orderby": "foo"}, "foo"),
        ({"select": "foo"}, "foo"),
    ],
)
def test_an_option_that_is_not_right_is_named(collector: Graph, query: dict[str, str], words: str) -> None:
    import re

    answer = collector.ask("GET", "security/alerts_v2", **query)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["code"] == "BadRequest"
    assert re.search(words, error["message"])
    assert set(error["innerError"]) == {"date", "request-id", "client-request-id"}


def test_top_and_skip_and_select(collector: Graph) -> None:
    answer = collector.get("security/alerts_v2", top="1", skip="1", select="id,title")
    assert [set(alert) for alert in answer["value"]] == [{"@odata.type", "id", "title"}]
    assert answer["value"][0]["id"] == "da0001_1"
    assert "@odata.nextLink" not in answer


def test_no_rows_and_rows_as_preferred(collector: Graph) -> None:
    answer = collector.get("security/alerts_v2", top="0", count="true")
    assert (answer["value"], answer["@odata.count"], "@odata.nextLink" in answer) == ([], 2, False)
    preferred = collector.ask("GET", "security/alerts_v2", headers={"Prefer": "odata.maxpagesize=1"}).json()
    assert len(preferred["value"]) == 1
    assert "@odata.nextLink" in preferred


@pytest.mark.parametrize("path", ["/v1.0/security/alerts_v2/da0001_1", "/api/now/table/incident"])
def test_a_body_that_is_nested_without_end(door: Door, graph: Graph, path: str) -> None:
    token = door.token(client=graph.who[0], secret=graph.who[1], resource="https://graph.microsoft.com")
    auth = {"Authorization": f"Bearer {token}"} if "v1.0" in path else {}
    basic = None if auth else ("vedette", "range-password-1")
    method = "PATCH" if auth else "POST"
    headers = {"Content-Type": "application/json", **auth}
    answer = door.http.request(method, path, content=b"[" * 200_000, headers=headers, auth=basic)
    assert answer.status_code in (400, 500)
    assert answer.json()["error"]["message"]
    assert graph.ask("GET", "security/alerts_v2").status_code == 200


def test_a_patch_changes_what_may_be_changed(graph: Graph) -> None:
    body = {"status": "resolved", "classification": "truePositive", "determination": "phishing", "assignedTo": "soc@x"}
    answer = graph.ask("PATCH", "security/alerts_v2/da0001_1", body)
    assert answer.status_code == 200
    alert = graph.get("security/alerts_v2/da0001_1")
    assert {name: alert[name] for name in body} == body
    assert alert["resolvedDateTime"] == alert["lastUpdateDateTime"] == "2026-03-04T10:15:30Z"
    assert len(alert["evidence"]) == 4
    assert graph.ask("PATCH", "security/alerts_v2/da0001_1", {"status": "new"}).json()["resolvedDateTime"] is None


@pytest.mark.parametrize("body", [{"title": "x"}, {"status": "closed"}, {"determination": "x"}, None, []])
def test_a_patch_that_is_not_right_changes_nothing(graph: Graph, body: Any) -> None:
    before = graph.get("security/alerts_v2/da0001_1")
    assert graph.ask("PATCH", "security/alerts_v2/da0001_1", body).status_code == 400
    assert graph.get("security/alerts_v2/da0001_1") == before


@pytest.mark.parametrize("path", ["security/alerts_v2/da0001_1", "security/incidents/501"])
def test_comments(graph: Graph, path: str) -> None:
    answer = graph.ask("POST", f"{path}/comments", {"comment": "seen"})
    assert (answer.status_code, len(answer.json()["value"])) == (200, 1)
    graph.ask("POST", f"{path}/comments", {"comment": "again"})
    told = graph.get(path)["comments"]
    assert [comment["comment"] for comment in told] == ["seen", "again"]
    assert told[0]["createdByDisplayName"] == "API-App:Vedette Response"
    assert graph.ask("POST", f"{path}/comments", {"comment": ""}).status_code == 400


def test_incidents_bring_their_alerts_when_asked(collector: Graph, graph: Graph) -> None:
    plain = collector.get("security/incidents")["value"][0]
    assert "alerts" not in plain
    expanded = collector.get("security/incidents", expand="alerts")["value"][0]
    assert {alert["id"] for alert in expanded["alerts"]} == {"da0001_1", "ad0002"}
    assert expanded == {**plain, "alerts": expanded["alerts"]}
    assert len(collector.get("security/incidents/501/alerts")["value"]) == 2
    answer = graph.ask("PATCH", "security/incidents/501", {"status": "resolved", "customTags": ["vip"]})
    assert (answer.json()["status"], answer.json()["customTags"]) == ("resolved", ["vip"])
    assert graph.ask("PATCH", "security/incidents/501", {"status": "closed"}).status_code == 400


def test_an_enum_member_that_a_client_may_not_know(door: Door, collector: Graph) -> None:
    alerts = door.server.tenant.documents.of("graph", TENANT, "security/alerts_v2")
    alerts.put("s", {"id": "s", "serviceSource": "microsoftSentinel", "detectionSource": "scheduledAlerts"})
    told = collector.get("security/alerts_v2/s")
    assert (told["serviceSource"], told["detectionSource"]) == ("unknownFutureValue", "unknownFutureValue")
    told = collector.ask("GET", "security/alerts_v2/s", headers=PREFER).json()
    assert (told["serviceSource"], told["detectionSource"]) == ("microsoftSentinel", "scheduledAlerts")


def test_the_older_alerts(graph: Graph) -> None:
    name = graph.get("security/alerts", filter="vendorInformation/provider eq 'ASC'")["value"][0]["id"]
    assert graph.get("security/alerts", filter="vendorInformation/provider eq 'MCAS'")["value"] == []
    vendor = {"vendorInformation": {"provider": "ASC", "vendor": "Microsoft"}}
    assert graph.ask("PATCH", f"security/alerts/{name}", {"status": "resolved"}).status_code == 400
    assert graph.ask("PATCH", f"security/alerts/{name}", {"status": "resolved", **vendor}).status_code == 204
    body = {"feedback": "truePositive", **vendor}
    answer = graph.ask("PATCH", f"security/alerts/{name}", body, headers={"Prefer": "return=representation"})
    assert (answer.status_code, answer.json()["status"], answer.json()["feedback"]) == (200, "resolved", "truePositive")
    assert graph.ask("GET", "security/alerts", skip="501").status_code == 400
    assert graph.ask("GET", "security/alerts", skip="500").status_code == 200


@pytest.mark.parametrize(
    ("path", "permission"),
    [
        ("security/alerts", "SecurityEvents.Read.All"),
        ("security/alerts_v2", "SecurityAlert.Read.All,SecurityAlert.ReadWrite.All,SecurityIncident.Read.All"),
        ("security/incidents", "SecurityIncident.Read.All"),
    ],
)
def test_without_a_permission(door: Door, collector: Graph, path: str, permission: str) -> None:
    app = door.server.tenant.directories[0].applications[1]
    assert collector.ask("GET", path).status_code == 200
    app.app_roles = ["Mail.Read"]
    answer = collector.ask("GET", path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "Forbidden")
    message = answer.json()["error"]["message"]
    assert message.startswith(f"Missing application roles. API required roles: {permission}")
    assert message.endswith("application roles: Mail.Read.")


def test_reading_does_not_let_write(collector: Graph) -> None:
    assert collector.ask("PATCH", "security/alerts_v2/da0001_1", {"status": "resolved"}).status_code == 403


def test_a_fault_takes_one_permission_away(door: Door, collector: Graph) -> None:
    fault = door.server.tenant.faults.add(Fault(permission="SecurityEvents.Read.All", times=None))
    assert collector.ask("GET", "security/alerts").status_code == 403
    assert collector.ask("GET", "security/alerts_v2").status_code == 200
    assert fault.hits >= 1
    door.server.tenant.faults.clear()
    assert collector.ask("GET", "security/alerts").status_code == 200


def test_tokens_that_do_not_open(door: Door, collector: Graph) -> None:
    def ask(authorization: str | None) -> Any:
        headers = {"Authorization": authorization} if authorization else {}
        answer = door.http.get("/v1.0/security/alerts_v2", headers=headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "InvalidAuthenticationToken")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
        return answer.json()["error"]["message"]

    assert ask(None) == "Access token is empty."
    assert "well formed" in ask("Bearer x")
    assert "audience" in ask(f"Bearer {door.token()}")
    token = door.token(client=collector.who[0], secret=collector.who[1], resource="https://graph.microsoft.com")
    door.clock.advance(timedelta(hours=2))
    assert ask(f"Bearer {token}") == "Lifetime validation failed, the token is expired."


def test_a_clock_that_is_wrong_for_one_service(door: Door, collector: Graph) -> None:
    door.server.tenant.clock.skews["graph"] = 7200
    answer = collector.ask("GET", "security/alerts_v2")
    assert (answer.status_code, answer.headers["date"]) == (401, "Wed, 04 Mar 2026 12:15:30 GMT")
    door.server.tenant.clock.skews["graph"] = -7200
    assert "not yet valid" in collector.ask("GET", "security/alerts_v2").json()["error"]["message"]
    door.server.tenant.clock.skews["graph"] = -200
    assert collector.ask("GET", "security/alerts_v2").status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "security/nothing", 400),
        ("DELETE", "security/alerts_v2/da0001_1", 405),
        ("GET", "security/alerts_v2/nothing", 404),
        ("GET", "security/incidents/nothing", 404),
        ("GET", "security/alerts/nothing", 404),
    ],
)
def test_what_is_not_there(graph: Graph, method: str, path: str, status: int) -> None:
    answer = graph.ask(method, path)
    assert answer.status_code == status
    assert set(answer.json()["error"]) == {"code", "message", "innerError"}


def test_a_rate_limit_when_one_is_set(door: Door, collector: Graph) -> None:
    door.server.tenant.graph_limits["security"] = 3
    statuses = [collector.ask("GET", "security/alerts_v2").status_code for _ in range(4)]
    assert statuses == [200, 200, 200, 429]
    assert collector.ask("GET", "security/incidents").headers["retry-after"] == "30"
    door.clock.advance(timedelta(seconds=30))
    assert collector.ask("GET", "security/incidents").status_code == 200


def test_the_fault_of_one_page(door: Door, collector: Graph) -> None:
    many(door, 100)
    fault = Fault(429, service="graph", query="*$skiptoken*", skip=1, retry_after=10)
    door.server.tenant.faults.add(fault)
    first = collector.get("security/alerts_v2", top="20")
    second = collector.get(first["@odata.nextLink"])
    answer = collector.ask("GET", second["@odata.nextLink"])
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "10")
    assert answer.json()["error"]["code"] == "TooManyRequests"
    assert collector.ask("GET", second["@odata.nextLink"]).status_code == 200


@pytest.mark.parametrize(("kind", "start"), [("truncated", '{"value"'), ("html", "<!DOCTYPE"), ("empty", "")])
def test_a_body_that_is_none(door: Door, collector: Graph, kind: str, start: str) -> None:
    door.server.tenant.faults.add(Fault(service="graph", garbage=kind))
    answer = collector.ask("GET", "security/alerts_v2")
    assert answer.status_code == 200
    assert answer.text[: len(start)] == start
    with pytest.raises(ValueError):
        answer.json()


RECORDED = [
    ("graph/graph_incidents_api_shape.json", "security/incidents", {"expand": "alerts"}),
    ("graph/graph_alerts_v2.json", "security/alerts_v2", {}),
    ("graph/graph_alerts_v2_from_incidents.json", "security/alerts_v2", {}),
    ("../contracts/graph_alerts_v2_list.json", "security/alerts_v2", {}),
    ("../contracts/graph_incidents_list_expand_alerts.json", "security/incidents", {"expand": "alerts"}),
    ("../contracts/graph_alerts_legacy_v1.json", "security/alerts", {}),
]


@pytest.mark.parametrize(("name", "path", "query"), RECORDED, ids=[each[0] for each in RECORDED])
def test_recorded_payloads_load_without_loss(
    door: Door, graph: Graph, shared: Path, name: str, path: str, query: dict[str, str]
) -> None:
    recorded = json.loads((shared / "data" / name).read_text())
    bare: dict[str, Any] = {**CONTOSO, "directories": [{**CONTOSO["directories"][0], "graph": {path: recorded}}]}
    door.server.reset(seed=bare, clock=door.clock)
    parts = [recorded] if isinstance(recorded, dict) else recorded
    values = [value for part in parts for value in part.get("value", [part])]
    expected = {value["id"]: value for value in values}
    told = graph.ask("GET", path, headers=PREFER, **query).json()["value"]
    assert {value["id"]: value for value in told} == expected
    inside = {alert["id"]: alert for value in reversed(values) for alert in reversed(value.get("alerts", []))}
    for alert in inside.values():
        assert graph.ask("GET", f"security/alerts_v2/{alert['id']}", headers=PREFER).json().items() >= alert.items()


def test_a_seed_without_ids_is_refused() -> None:
    document = {**CONTOSO, "directories": [{**CONTOSO["directories"][0], "graph": {"security/alerts": [{}]}}]}
    with pytest.raises(Exception, match="security/alerts"):
        plant(FakeTenant(SystemClock()), document)
