"""The REST API as its callers meet it: a real server on a loopback port."""

from __future__ import annotations

import socket
from contextlib import closing

import httpx
import pytest
from openapi_spec_validator import validate

from tests.api.conftest import AT, RULE_ID, Running
from vedette.api.server import listen

WS = "/workspaces/default"


def test_health_needs_no_sign_in(running: Running) -> None:
    assert httpx.get(f"{running.server.url}/api/v1/health", timeout=60).json()["status"] == "ok"


@pytest.mark.parametrize(
    "path", ["/session", "/workspaces", f"{WS}/incidents", f"{WS}/rules", f"{WS}/tables", f"{WS}/destinations"]
)
def test_everything_else_needs_one(running: Running, path: str) -> None:
    answer = httpx.get(f"{running.server.url}/api/v1{path}", timeout=60)
    assert answer.status_code == 401
    assert answer.json()["error"]["code"].startswith("VDT")


def test_a_sign_in_works_once_and_makes_a_session(running: Running) -> None:
    link = running.application.sign_in_link(running.server.url)
    token = link.split("token=")[1]
    with httpx.Client(base_url=f"{running.server.url}/api/v1", timeout=60) as browser:
        opened = browser.post("/session", json={"token": token})
        assert opened.status_code == 200, opened.text
        cookie = opened.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert browser.get("/session").json()["principal"]["name"]
        # a change without the console's header could come from a page of another site
        refused = browser.patch(f"{WS}/rules/x", json={"enabled": False})
        assert refused.status_code == 403
        assert browser.delete("/session", headers={"X-Vedette-Request": "console"}).status_code == 204
        assert browser.get("/session").status_code == 401
    again = httpx.post(f"{running.server.url}/api/v1/session", json={"token": token}, timeout=60)
    assert again.status_code == 401


def test_answers_are_compressed_on_their_way_out_of_the_machine(running: Running) -> None:
    with running.client() as client:
        wanted = {"Accept-Encoding": "gzip"}
        here = client.get("/openapi.json", headers=wanted)
        through_a_proxy = client.get("/openapi.json", headers=wanted | {"X-Forwarded-For": "192.0.2.1"})
    assert "content-encoding" not in here.headers
    assert through_a_proxy.headers["content-encoding"] == "gzip"
    assert here.json() == through_a_proxy.json()


def test_answers_do_not_wait_for_the_acknowledgement_of_their_headers() -> None:
    with closing(listen("127.0.0.1", 0)) as listener:
        assert (
            listener.proto == socket.IPPROTO_TCP
        )  # what asyncio asks of a socket before it turns Nagle's algorithm off


def test_the_api_describes_itself(running: Running) -> None:
    document = httpx.get(f"{running.server.url}/api/v1/openapi.json", timeout=60).json()
    validate(document)
    assert "/api/v1/workspaces/{ws}/incidents/{incident}" in document["paths"]
    envelope = {"$ref": "#/components/schemas/ErrorEnvelope"}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            responses = operation["responses"]
            assert "422" not in responses, (method, path)
            if operation.get("parameters") or "requestBody" in operation:
                assert responses["400"]["content"]["application/json"]["schema"] == envelope, (method, path)
            assert ("403" in responses) == (path != "/api/v1/health"), (method, path)


@pytest.mark.req("P-085")
def test_an_incident_from_log_row_to_closure(loaded: Running) -> None:
    with loaded.client() as client:
        page = client.get(f"{WS}/incidents").json()
        assert page["count"] == 1
        assert page["facets"]["severity"]["High"] == 1
        number = page["value"][0]["number"]
        incident = client.get(f"{WS}/incidents/{number}").json()
        assert {entity["name"] for entity in incident["entities"]} == {"alex@contoso.example", "203.0.113.7"}
        assert incident["alerts"][0]["rows"] == 1
        assert incident["story"]
        base = incident["revisions"]
        changed = client.patch(
            f"{WS}/incidents/{number}",
            json={"set": {"status": "Closed", "classification": "TruePositive", "classificationReason": "SuspiciousActivity"},
                  "base": {"status": base["status"]}},
        )  # fmt: skip
        assert changed.status_code == 200, changed.text
        assert changed.json()["status"] == "Closed"
        stale = client.patch(
            f"{WS}/incidents/{number}", json={"set": {"status": "Active"}, "base": {"status": base["status"]}}
        )
        assert stale.status_code == 409
        assert stale.json()["error"]["code"] == "FieldConflict"
        assert stale.json()["error"]["details"]["conflicts"][0]["current"] == "Closed"
        other = client.patch(f"{WS}/incidents/{number}", json={"set": {"labels": ["seen"]}, "base": base})
        assert other.status_code == 200
        said = client.post(f"{WS}/incidents/{number}/comments", json={"message": "Blocked the sign-in."})
        assert said.status_code == 201
        whole = client.get(f"{WS}/incidents/{number}").json()
        assert whole["comments"][0]["message"] == "Blocked the sign-in."
        assert {"alert", "created", "change", "comment"} <= {item["kind"] for item in whole["timeline"]}
        counted = client.post(
            f"{WS}/query", json={"query": "SecurityIncident | summarize dcount(IncidentNumber)"}
        ).json()
        assert counted["rows"] == [[1]]


def test_a_run_is_known_by_its_window(loaded: Running) -> None:
    with loaded.client() as client:
        again = client.post(f"{WS}/local/rules/run", json={"rule": RULE_ID, "at": AT})
        assert len(again.json()["alerts"]) == 1
        assert client.get(f"{WS}/incidents").json()["count"] == 1


def test_queries_have_types_and_a_range(loaded: Running) -> None:
    with loaded.client() as client:
        text = "SigninLogs | project TimeGenerated, Os = tostring(DeviceDetail.operatingSystem) | top 1 by TimeGenerated asc"
        answer = client.post(f"{WS}/query", json={"query": text}).json()
        assert answer["columns"] == [{"name": "TimeGenerated", "type": "datetime"}, {"name": "Os", "type": "string"}]
        assert answer["rows"] == [["2026-03-01T00:15:00.1234567Z", "Windows"]]
        within = {"query": "SigninLogs | count", "timespan": "2026-03-01T10:00:00Z/2026-03-01T12:00:00Z"}
        assert client.post(f"{WS}/query", json=within).json()["rows"] == [[1]]
        drawn = {"query": "SigninLogs | summarize count() by AppDisplayName | render piechart with (title = 'Apps')"}
        chart = client.post(f"{WS}/query", json=drawn).json()["visualization"]
        assert chart == {"visualization": "piechart", "title": "Apps"}
        wrong = client.post(f"{WS}/query", json={"query": "SigninLogs | where UserPrincpalName == ''"})
        assert wrong.status_code == 400
        found = wrong.json()["error"]["details"]["diagnostics"][0]
        assert (found["code"], found["start"], found["length"], found["fix"]) == ("KS142", 19, 16, "UserPrincipalName")
        assert client.post(f"{WS}/query", json={"query": "print 1", "timespan": "yesterday"}).status_code == 400


def test_a_file_can_be_sent(running: Running) -> None:
    with running.client() as client:
        body = b'{"TimeGenerated": "2026-03-01T00:00:00Z", "Computer": "a"}\nnot json\n'
        report = client.post(f"{WS}/load", params={"name": "x.jsonl", "table": "Syslog"}, content=body).json()
        assert (report["rows"], report["bad"]) == (1, 1)
        again = client.post(f"{WS}/load", params={"name": "y.jsonl", "table": "Syslog"}, content=body).json()
        assert again["rows"] == 0
        tables = client.get(f"{WS}/tables", params={"withRows": "true"}).json()
        assert {"Syslog", "VedetteDeadLetter_CL"} <= {table["name"] for table in tables["value"]}


def test_rights_are_held(loaded: Running) -> None:
    from vedette.core.accounts import local_operator
    from vedette.core.roles import Role

    identity, operator = loaded.application.identity, local_operator()
    identity.create_account("client", "watcher", by=operator)
    workspace = loaded.application.workspace("default")
    with httpx.Client(base_url=f"{loaded.server.url}/api/v1", timeout=60) as client:
        made = identity.create_token("watcher", "test", by=operator)
        client.headers["Authorization"] = (
            f"Bearer {made[1].reveal() if isinstance(made, tuple) else made.text.reveal()}"
        )
        assert client.get(f"{WS}/incidents").status_code == 404
        identity.grant("watcher", Role.READER, workspace.id, by=operator)
        assert client.get(f"{WS}/incidents").status_code == 200
        refused = client.patch(f"{WS}/incidents/1", json={"set": {"status": "Active"}})
        assert refused.status_code == 403
        assert "incidents/write" in refused.json()["error"]["message"] or "Responder" in refused.json()["error"]["hint"]
        assert client.post(f"{WS}/local/load", json={"paths": ["/etc/passwd"]}).status_code == 403


def test_the_tables_and_functions_are_listed(loaded: Running) -> None:
    with loaded.client() as client:
        tables = client.get(f"{WS}/tables").json()
        assert tables["count"] > 500
        signins = next(table for table in tables["value"] if table["name"] == "SigninLogs")
        assert signins["rows"] == 10
        names = {function["name"] for function in client.get(f"{WS}/functions").json()["value"]}
        assert {"strcat", "count", "bag_unpack", "prev"} <= names


def test_a_body_that_is_no_json_is_told_as_such(running: Running) -> None:
    answer = running.client().post(
        "/workspaces/default/query", content=b'{"query": ', headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["message"].startswith("The request is not valid: body: not valid JSON at character 10 (")
    wrong = running.client().post("/workspaces/default/query", json={"query": 5}).json()["error"]
    assert list(wrong["details"]["fields"]) == ["query"]
