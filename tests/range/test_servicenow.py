"""ServiceNow's Table API: with its own client, and what that client does not show."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.plugins.fake_tenant import ABSENT, Door
from vedette.range.faults import Fault
from vedette.range.seed import CONTOSO
from vedette.range.server import RangeServer

USER = ("vedette", "range-password-1")


def ask(door: Door, method: str, path: str, body: Any = None, auth: Any = USER, **query: str) -> httpx.Response:
    parameters = {f"sysparm_{name}": value for name, value in query.items()}
    return door.http.request(method, f"/api/now/table/{path}", params=parameters, json=body, auth=auth)


def make(door: Door, **fields: str) -> dict[str, Any]:
    answer = ask(door, "POST", "incident", {"short_description": "x", **fields}, exclude_reference_link="true")
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()["result"]
    return made


def test_the_clients_own_way(fake_tenant: RangeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    pysnc = pytest.importorskip("pysnc", reason="ServiceNow's client is not installed")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(fake_tenant.ca_path))
    client = pysnc.ServiceNowClient(fake_tenant.url, USER)
    record = client.GlideRecord("incident")
    record.initialize()
    record.short_description = "Phishing"
    record.correlation_id = "sentinel:1"
    record.impact = "1"
    sys_id = record.insert()
    assert (record.number, record.priority) == ("INC0010001", "3")
    found = client.GlideRecord("incident")
    found.add_query("correlation_id", "sentinel:1")
    found.query()
    assert len(found) == 1
    assert found.next()
    found.state = "2"
    found.work_notes = "looking"
    found.update()
    again = client.GlideRecord("incident")
    assert again.get(sys_id)
    assert (again.state, again.get_display_value("state")) == ("2", "In Progress")
    assert "looking" in again.get_display_value("work_notes")
    again.state = "6"
    with pytest.raises(pysnc.exceptions.RoleException):
        again.update()
    for number in range(120):
        record.initialize()
        record.short_description = f"n{number}"
        record.insert()
    many = client.GlideRecord("incident", batch_size=50)
    many.add_query("short_description", "STARTSWITH", "n")
    many.query()
    assert len({each.number for each in many}) == 120
    with pytest.raises(pysnc.exceptions.AuthenticationException):
        pysnc.ServiceNowClient(fake_tenant.url, ("vedette", "wrong")).GlideRecord("incident").get(sys_id)


def test_an_incident_lives(door: Door) -> None:
    made = make(door, impact="1", urgency="1", correlation_id="sentinel:7", unknown_field="x")
    assert (made["number"], made["state"], made["priority"], made["active"]) == ("INC0010001", "1", "1", "true")
    assert made["opened_at"] == made["sys_created_on"] == "2026-03-04 10:15:30"
    assert "unknown_field" not in made
    path = f"incident/{made['sys_id']}"
    refused = ask(door, "PATCH", path, {"state": "6"})
    assert (refused.status_code, refused.json()["error"]["message"]) == (403, "Operation Failed")
    assert "Resolution notes" in refused.json()["error"]["detail"]
    door.clock.advance(60)
    done = ask(door, "PATCH", path, {"state": "6", "close_code": "Solution provided", "close_notes": "done"}).json()[
        "result"
    ]
    assert (done["state"], done["resolved_at"], done["sys_mod_count"]) == ("6", "2026-03-04 10:16:30", "1")
    again = ask(door, "PUT", path, {"state": "2"}).json()["result"]
    assert (again["reopen_count"], again["resolved_at"], again["active"]) == ("1", "", "true")
    assert make(door)["number"] == "INC0010002"
    assert ask(door, "DELETE", path).status_code == 403
    door.server.tenant.documents.of("servicenow", "users").put(
        "vedette", {"name": "vedette", "password": USER[1], "roles": ["admin"]}
    )
    assert [ask(door, "DELETE", path).status_code for _ in range(2)] == [204, 404]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("priority=1", {"a"}),
        ("priority<=3^short_descriptionLIKEphish", {"a"}),
        ("priority=1^ORpriority=5", {"a", "b", "c"}),
        ("short_description=other^NQpriority=1", {"a", "c"}),
        ("short_descriptionINmail,other", {"b", "c"}),
        ("short_description!=other^active=true", {"a", "b"}),
        ("assigned_toISEMPTY", {"a", "b", "c"}),
        ("correlation_idISNOTEMPTY", {"a", "b", "c"}),
        ("sys_created_on>2026-03-04 10:15:30", set()),
        ("nothing=1", {"a", "b", "c"}),
        ("nothing=1^priority=1", {"a"}),
    ],
)
def test_an_encoded_query(door: Door, text: str, expected: set[str]) -> None:
    make(door, short_description="Phishing", impact="1", urgency="1", correlation_id="a")
    make(door, short_description="mail", correlation_id="b")
    make(door, short_description="other", correlation_id="c")
    found = ask(door, "GET", "incident", query=text, fields="correlation_id").json()["result"]
    assert {each["correlation_id"] for each in found} == expected


def test_pages_and_order(door: Door) -> None:
    for number in range(7):
        make(door, short_description=f"n{number}")
    first = ask(door, "GET", "incident", limit="3", query="ORDERBYDESCnumber", fields="number")
    assert [each["number"] for each in first.json()["result"]] == ["INC0010007", "INC0010006", "INC0010005"]
    assert first.headers["x-total-count"] == "7"
    found, link = first.json()["result"], first.links["next"]["url"]
    while link:
        answer = door.http.get(link, auth=USER)
        found += answer.json()["result"]
        link = answer.links.get("next", {}).get("url", "")
    assert len({each["number"] for each in found}) == len(found) == 7
    quiet = ask(door, "GET", "incident", suppress_pagination_header="true", no_count="true")
    assert "link" not in quiet.headers
    assert "x-total-count" not in quiet.headers


def test_how_references_are_shown(door: Door) -> None:
    users = door.server.tenant.documents.of("servicenow", "table", "sys_user")
    users.put("u" * 32, {"sys_id": "u" * 32, "name": "Dana Cruz"})
    path = f"incident/{make(door, assigned_to='u' * 32)['sys_id']}"
    link = f"{door.server.url}/api/now/table/sys_user/{'u' * 32}"

    def shown(**query: str) -> Any:
        return ask(door, "GET", path, fields="assigned_to", **query).json()["result"]["assigned_to"]

    assert shown() == {"link": link, "value": "u" * 32}
    assert shown(exclude_reference_link="true") == "u" * 32
    assert shown(display_value="true") == {"link": link, "display_value": "Dana Cruz"}
    assert shown(display_value="all") == {"display_value": "Dana Cruz", "value": "u" * 32, "link": link}


@pytest.mark.parametrize(
    ("method", "path", "body", "auth", "status", "recorded"),
    [
        ("GET", f"incident/{ABSENT.replace('-', '')}", None, USER, 404, "error_404"),
        ("GET", "incident", None, None, 401, "error_401"),
        ("GET", "incident", None, ("vedette", "x"), 401, "error_401"),
        ("GET", "incidentx", None, USER, 400, "error_400_table"),
    ],
)
def test_refusals_are_worded_as_recorded(
    door: Door, shared: Path, method: str, path: str, body: Any, auth: Any, status: int, recorded: str
) -> None:
    answer = ask(door, method, path, body, auth)
    documents = json.loads((shared / "contracts" / "servicenow_incident.json").read_text())
    assert (answer.status_code, answer.json()) == (status, documents[recorded])


def test_oauth(door: Door) -> None:
    form = {
        "grant_type": "password",
        "client_id": "range-client",
        "client_secret": "range-secret-4",
        "username": USER[0],
    }
    answer = door.http.post("/oauth_token.do", data={**form, "password": USER[1]}).json()
    assert set(answer) == {"access_token", "refresh_token", "scope", "token_type", "expires_in"}

    def works(token: str) -> bool:
        return door.http.get("/api/now/table/incident", headers={"Authorization": f"Bearer {token}"}).status_code == 200

    assert works(answer["access_token"])
    assert not works(answer["refresh_token"])
    assert door.http.post("/oauth_token.do", data={**form, "password": "x"}).status_code == 401
    assert door.http.post("/oauth_token.do", data={**form, "client_secret": "x"}).status_code == 401
    door.clock.advance(timedelta(minutes=30))
    assert not works(answer["access_token"])
    fresh = {**form, "grant_type": "refresh_token", "refresh_token": answer["refresh_token"]}
    assert works(door.http.post("/oauth_token.do", data=fresh).json()["access_token"])
    alone = {**form, "grant_type": "client_credentials"}
    assert works(door.http.post("/oauth_token.do", data=alone).json()["access_token"])


def test_who_has_no_role_sees_no_incidents(door: Door) -> None:
    made = make(door)
    door.server.tenant.documents.of("servicenow", "users").put("guest", {"name": "guest", "password": "g", "roles": []})
    guest = ("guest", "g")
    assert ask(door, "GET", "incident", auth=guest).json()["result"] == []
    assert ask(door, "GET", f"incident/{made['sys_id']}", auth=guest).status_code == 404
    assert ask(door, "POST", "incident", {}, auth=guest).status_code == 403


def test_a_recorded_incident_loads(door: Door, shared: Path) -> None:
    recorded = json.loads((shared / "contracts" / "servicenow_incident.json").read_text())
    incident = recorded["response_201"]["result"]
    servicenow = {**CONTOSO["servicenow"], "tables": {"incident": [incident]}}
    door.server.reset(seed={**CONTOSO, "servicenow": servicenow}, clock=door.clock)
    told = ask(door, "GET", f"incident/{incident['sys_id']}").json()["result"]
    for name, value in incident.items():
        assert (told[name]["value"] if isinstance(value, dict) else told[name]) == (
            value["value"] if isinstance(value, dict) else value
        )
    again = ask(door, "PATCH", f"incident/{incident['sys_id']}", recorded["patch_resolve"])
    assert again.json()["result"]["state"] == "6"
    assert ask(door, "POST", "incident", recorded["post_request"]).json()["result"]["number"] == "INC0010113"


def test_faults_are_worded_as_the_instance_does(door: Door) -> None:
    door.server.tenant.faults.add(Fault(429, service="servicenow", retry_after=5))
    answer = ask(door, "GET", "incident")
    assert (answer.status_code, answer.headers["retry-after"], answer.json()["status"]) == (429, "5", "failure")


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"a=1", "application/x-www-form-urlencoded", 415),
    ],
)
def test_bodies_that_are_none(door: Door, content: bytes, kind: str, status: int) -> None:
    answer = door.http.post("/api/now/table/incident", content=content, headers={"Content-Type": kind}, auth=USER)
    assert answer.status_code == status
