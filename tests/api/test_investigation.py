"""The routes of incidents' work and of the investigation, as a client meets them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.conftest import Running
from vedette.core.accounts import local_operator
from vedette.core.roles import Role

WS = "/workspaces/default"


@pytest.fixture
def client(loaded: Running, tmp_path: Path) -> Any:
    """A client of a server with one incident, and the user's further logs."""
    audit = tmp_path / "more" / "AuditLogs" / "a.jsonl"
    audit.parent.mkdir(parents=True)
    actor = {"user": {"userPrincipalName": "alex@contoso.example", "id": "00000000-0000-4000-8000-00000000000a"}}
    target = [{"userPrincipalName": "kim@contoso.example", "id": "00000000-0000-4000-8000-00000000000b"}]
    audit.write_text(json.dumps({"TimeGenerated": "2026-03-01T11:05:00Z", "OperationName": "Reset password",
                                 "InitiatedBy": actor, "TargetResources": target, "Result": "success"}) + "\n")  # fmt: skip
    office = tmp_path / "more" / "OfficeActivity" / "o.jsonl"
    office.parent.mkdir(parents=True)
    office.write_text(json.dumps({"TimeGenerated": "2026-03-01T11:10:00Z", "Operation": "New-InboxRule",
                                  "OfficeWorkload": "Exchange", "UserId": "alex@contoso.example",
                                  "ClientIP": "203.0.113.7"}) + "\n")  # fmt: skip
    with loaded.client() as held:
        for file in (audit, office):
            assert held.post(f"{WS}/local/load", json={"paths": [str(file)]}).status_code == 200
        yield held


SPAN = {"from": "2026-03-01T00:00:00Z", "to": "2026-03-02T00:00:00Z"}
ALEX = {"type": "Account", "identifier": "FullName=alex@contoso.example", **SPAN}


@pytest.mark.req("P-098", "T-030", "T-025", "T-026")
def test_the_graph_of_an_incident(client: httpx.Client) -> None:
    graph = client.get(f"{WS}/incidents/1/graph").json()
    kinds = [node["kind"] for node in graph["nodes"]]
    assert kinds == ["incident", "alert", "entity", "entity"]
    names = {node["id"]: node["name"] for node in graph["nodes"]}
    edges = {(names[edge["from"]], edge["label"], names[edge["to"]]) for edge in graph["edges"]}
    rule = "Sign-in from a country that nobody works in"
    assert (rule, "names", "alex@contoso.example") in edges
    assert (rule, "names", "203.0.113.7") in edges


@pytest.mark.req("P-100")
def test_explorations_say_how_much_they_would_bring_and_bring_it(client: httpx.Client) -> None:
    found = client.get(f"{WS}/explorations", params=ALEX).json()["value"]
    counts = {one["id"]: (one["count"], one["reason"]) for one in found}
    assert counts["account-sign-in-addresses"] == (1, None)
    assert counts["account-directory-targets"] == (1, None)
    assert counts["account-office-addresses"] == (1, None)
    assert counts["account-azure-resources"] == (0, "The workspace has no rows in AzureActivity.")
    assert counts["related-alerts"] == (1, None)
    for unit, (count, _) in counts.items():
        body = {"entity": {"type": "Account", "FullName": "alex@contoso.example"}, **SPAN}
        answer = client.post(f"{WS}/explorations/{unit}", json=body)
        if unit == "account-logon-hosts":
            assert answer.status_code == 400
            continue
        brought = answer.json()
        if unit != "related-alerts":
            assert len(brought["rows"]) == count
        else:
            assert [node["kind"] for node in brought["nodes"]] == ["entity", "alert", "incident"]
    targets = client.post(f"{WS}/explorations/account-directory-targets", json=body).json()
    assert [(node["type"], node["name"]) for node in targets["nodes"]] == [
        ("Account", "alex@contoso.example"), ("Account", "kim@contoso.example"),
    ]  # fmt: skip
    assert targets["edges"][0]["label"] == "changed"


@pytest.mark.req("T-031", "T-027", "T-029")
def test_an_entitys_page(client: httpx.Client) -> None:
    page = client.get(f"{WS}/entities", params=ALEX).json()
    assert (page["type"], page["name"], page["watchlists"]) == ("Account", "alex@contoso.example", [])
    assert [one["number"] for one in page["incidents"]] == [1]
    assert len(page["alerts"]) == 1
    assert page["firstSeenTimeUtc"] == "2026-03-01T11:00:00.0000000Z"
    items = [{"User Principal Name": "ALEX@contoso.example", "Tags": "boss"}]
    made = client.put(f"{WS}/watchlists/VIPUsers", json={"searchKey": "User Principal Name", "items": items})
    assert made.status_code in (200, 201), made.text
    assert client.get(f"{WS}/entities", params=ALEX).json()["watchlists"] == ["VIPUsers"]


@pytest.mark.req("R-056", "R-017")
def test_one_users_timeline_over_three_tables(client: httpx.Client) -> None:
    found = client.get(f"{WS}/users/alex@contoso.example/timeline", params=SPAN).json()
    assert [(item["source"], item["time"][11:19]) for item in found["value"]] == [
        ("SigninLogs", "11:00:00"), ("AuditLogs", "11:05:00"), ("OfficeActivity", "11:10:00"),
    ]  # fmt: skip
    assert "Reset password" in found["value"][1]["title"]
    assert found["next"] is None
    last = client.get(f"{WS}/users/alex@contoso.example/timeline", params={**SPAN, "top": 1}).json()
    assert [item["source"] for item in last["value"]] == ["OfficeActivity"]
    earlier = {**SPAN, "top": 1, "to": last["next"]}
    assert (
        client.get(f"{WS}/users/alex@contoso.example/timeline", params=earlier).json()["value"][0]["source"]
        == "AuditLogs"
    )


@pytest.mark.req("T-031", "P-058")
def test_an_entitys_timeline_merges_what_there_is(client: httpx.Client) -> None:
    values = {"displayName": "Look here", "eventTimeUtc": "2026-03-01T11:07:00Z", "incidentNumber": 1,
              "entities": [{"type": "Account", "FullName": "alex@contoso.example"}]}  # fmt: skip
    assert client.post(f"{WS}/bookmarks", json={"set": values}).status_code == 201
    found = client.get(f"{WS}/entities/timeline", params={**ALEX, "top": 500}).json()["value"]
    assert [item["time"] for item in found] == sorted(item["time"] for item in found)
    assert {item["kind"] for item in found} >= {"alert", "activity", "bookmark"}
    only = client.get(f"{WS}/entities/timeline", params={**ALEX, "kinds": "bookmark"}).json()["value"]
    assert [item["title"] for item in only] == ["Look here"]
    whole = client.get(f"{WS}/incidents/1/timeline").json()["value"]
    assert {item["kind"] for item in whole} == {"alert", "activity", "bookmark", "action"}


def test_similar_incidents_tell_their_verdict_and_why(client: httpx.Client) -> None:
    change = {
        "set": {"status": "Closed", "classification": "TruePositive", "classificationReason": "SuspiciousActivity"}
    }
    assert client.patch(f"{WS}/incidents/1", json=change).status_code == 200
    run = {"rule": "6d2f2f0a-4c1c-4e0c-9a56-0b8f7d1f3a10", "at": "2026-03-01T13:00:00Z"}
    assert client.post(f"{WS}/local/rules/run", json=run).status_code == 200
    (found,) = client.get(f"{WS}/incidents/2/similar").json()["value"]
    assert (found["number"], found["classification"]) == (1, "TruePositive")
    assert found["reasons"][0] == "It comes from the same rule"
    assert "Account alex@contoso.example" in found["reasons"][1]
    incident = client.get(f"{WS}/incidents/2").json()
    assert incident["priority"] == round(sum(part["points"] for part in incident["priorityParts"]))


@pytest.mark.req("D-082")
def test_tasks_merging_and_the_etag(client: httpx.Client) -> None:
    run = {"rule": "6d2f2f0a-4c1c-4e0c-9a56-0b8f7d1f3a10", "at": "2026-03-01T13:00:00Z"}
    assert client.post(f"{WS}/local/rules/run", json=run).status_code == 200
    task = client.post(f"{WS}/incidents/1/tasks", json={"title": "Block the address"}).json()
    done = client.patch(f"{WS}/incidents/1/tasks/{task['id']}", json={"set": {"status": "Completed"}}).json()
    assert done["status"] == "Completed"
    read = client.get(f"{WS}/incidents/1")
    stale = {"If-Match": read.headers["etag"]}
    assert client.patch(f"{WS}/incidents/1", json={"set": {"severity": "Low"}}, headers=stale).status_code == 200
    refused = client.post(f"{WS}/incidents/1/merge", json={"sources": [2]}, headers=stale)
    assert (refused.status_code, refused.json()["error"]["code"]) == (412, "PreconditionFailed")
    (move,) = client.post(f"{WS}/incidents/1/merge", json={"sources": [2]}).json()["value"]
    assert client.get(f"{WS}/incidents/2").json()["mergedInto"] == 1
    assert client.post(f"{WS}/incident-moves/{move['id']}/undo").status_code == 200
    assert client.get(f"{WS}/incidents/2").json()["mergedInto"] is None
    assert client.delete(f"{WS}/incidents/1/tasks/{task['id']}").status_code == 204


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("explorations?type=Acount&identifier=FullName=a", "is not a type of entity"),
        ("explorations?type=Account&identifier=FullNam=a", "no identifier 'FullNam'"),
        ("entities?type=Account&identifier=FullName", "not NAME=VALUE"),
        ("entities/timeline?type=Account&identifier=FullName=a&kinds=alerts", "not a kind"),
        (
            "entities?type=Account&identifier=FullName=a&from=2026-03-02T00:00:00Z&to=2026-03-01T00:00:00Z",
            "ends before",
        ),
        (
            "entities?type=Account&identifier=FullName=a&from=2020-03-02T00:00:00Z&to=2026-03-01T00:00:00Z",
            "at most 400",
        ),
        (
            "entities/timeline?type=IP&identifier=Address=1.1.1.1&to=0001-01-01T00:00:00%2B14:00",
            "'to' is a time between the years 1 and 9999",
        ),
        (
            "explorations?type=IP&identifier=Address=1.1.1.1&from=9999-12-31T23:00:00-14:00",
            "'from' is a time between the years 1 and 9999",
        ),
        ("incidents/99/graph", "There is no incident '99'"),
        ("incidents/99/similar", "There is no incident '99'"),
    ],
)
def test_what_is_refused_is_named(loaded: Running, path: str, says: str) -> None:
    with loaded.client() as client:
        answer = client.get(f"{WS}/{path}")
        assert answer.status_code in (400, 404)
        assert says in answer.json()["error"]["message"]
        unknown = client.post(
            f"{WS}/explorations/account-sign-in-adresses", json={"entity": {"type": "IP", "Address": "1"}}
        )
        assert (unknown.status_code, "account-sign-in-addresses" in unknown.json()["error"].get("hint", "")) == (
            404,
            True,
        )


ROUTES = [
    ("GET", "incidents/1/graph", None), ("GET", "incidents/1/similar", None), ("GET", "incidents/1/timeline", None),
    ("GET", "entities?type=IP&identifier=Address=1.1.1.1", None),
    ("GET", "entities/timeline?type=IP&identifier=Address=1.1.1.1", None), ("GET", "users/a@b.c/timeline", None),
    ("GET", "explorations?type=IP&identifier=Address=1.1.1.1", None), ("GET", "bookmarks", None),
    ("GET", "incidents/1/tasks", None), ("GET", "incidents/1/moves", None),
    ("POST", "explorations/ip-sign-in-accounts", {"entity": {"type": "IP", "Address": "1.1.1.1"}}),
    ("POST", "incidents/1/tasks", {"title": "x"}), ("POST", "incidents/1/merge", {"sources": [2]}),
    ("POST", "incidents/1/split", {"alertIds": ["x"]}), ("POST", "bookmarks", {"set": {"displayName": "x"}}),
    ("POST", "incident-moves/00000000-0000-4000-8000-000000000000/undo", None),
]  # fmt: skip


def test_every_route_asks_for_a_right(loaded: Running) -> None:
    identity, owner = loaded.application.identity, local_operator(loaded.application.directory.path)
    workspace = loaded.application.workspace("default").id

    def statuses(role: Role | None) -> list[int]:
        headers = {}
        if role is not None:
            account = identity.create_account("client", role.value.lower(), by=owner)
            identity.grant(account.id, role, workspace, by=owner)
            headers["Authorization"] = f"Bearer {identity.create_token(account.id, 'test', by=owner).text.reveal()}"
        base = f"{loaded.server.url}/api/v1{WS}"
        with httpx.Client(headers=headers, timeout=60) as client:
            return [client.request(method, f"{base}/{path}", json=body).status_code for method, path, body in ROUTES]

    assert set(statuses(None)) == {401}
    assert set(statuses(Role.PLAYBOOK_OPERATOR)) == {403}
    read = statuses(Role.READER)
    assert set(read[:11]) == {200}
    assert set(read[11:]) == {403}
