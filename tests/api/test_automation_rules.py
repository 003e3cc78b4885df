"""Automation rules over the API: from their making to what they did with an incident that a rule's run made."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.api.conftest import AT, RULE_ID, Running, prepare, serving
from tests.respond.conftest import added, condition, modify, playbook, rule, task

BASE = "/workspaces/default/automation-rules"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server with one analytics rule that will find something."""
    folder = tmp_path_factory.mktemp("automation")
    with serving(folder / "data") as held:
        prepare(held, folder / "files", run=False)
        yield held


@pytest.mark.req("D-073", "D-074", "D-075", "D-076")
def test_from_making_a_rule_to_what_it_did(site: Running) -> None:
    with site.client() as client:
        me = client.get("/session").json()["principal"]
        vocabulary = client.get(f"{BASE}/vocabulary").json()
        assert {"IncidentTitle", "AccountName"} <= {one["name"] for one in vocabulary["properties"]}
        assert vocabulary["limits"]["actions"] == 20

        refused = client.post(BASE, json=rule(conditions=[condition("IncidentTitel", "Contains", "x")]))
        assert refused.status_code == 400
        error = refused.json()["error"]
        assert ("IncidentTitel" in error["message"], "IncidentTitle" in error["hint"]) == (True, True)
        dead = client.post(BASE, json=rule(actions=[playbook()]))
        assert dead.status_code == 400
        assert "no playbooks in Vedette" in dead.json()["error"]["message"]

        body = rule(
            "Assign", order=None, conditions=[condition("IncidentTitle", "Contains", "sign-in")],
            actions=[modify(owner={"objectId": me["id"]}, status="Active", labels=["auto"]), task("Call them", 2)],
        )  # fmt: skip
        made = client.post(BASE, json=body)
        assert made.status_code == 201, made.text
        update = client.post(BASE, json=rule("Told", when="Updated", conditions=[added("Comments")]))
        assert update.status_code == 201, update.text
        assert made.json()["order"] == 1

        run = client.post("/workspaces/default/rules/run", json={"ruleId": RULE_ID, "at": AT}).json()
        [number] = run["incidents"]
        incident = client.get(f"/workspaces/default/incidents/{number}").json()
        assert (incident["owner"]["id"], incident["status"], incident["labels"]) == (me["id"], "Active", ["auto"])
        assert incident["tasks"][0]["title"] == "Call them"
        actors = {entry["actor"]["name"] for entry in incident["history"]}
        assert actors == {"Assign"}
        client.post(f"/workspaces/default/incidents/{number}/comments", json={"message": "Looked at it."})
        assert client.get(f"/workspaces/default/incidents/{number}").json()["labels"] == ["auto", "seen"]

        first, second = client.get(BASE).json()["value"]
        assert [(one["displayName"], one["timesApplied"], one["errors"]) for one in (first, second)] == [
            ("Assign", 1, 0),
            ("Told", 1, 0),
        ]
        assert first["lastAppliedTimeUtc"]
        site.application.services(site.application.workspace("default")).settle()
        query = 'SecurityIncident | where ModifiedBy contains "Automation" | summarize Names = make_set(ModifiedBy)'
        found = client.post("/workspaces/default/query", json={"query": query}).json()
        assert set(found["rows"][0][0]) == {"Automation rule - Assign", "Automation rule - Told"}

        # once for one event: the same run makes nothing again
        client.post("/workspaces/default/rules/run", json={"ruleId": RULE_ID, "at": AT})
        assert client.get(f"{BASE}/Assign").json()["timesApplied"] == 1

        off = client.patch(f"{BASE}/{first['id']}", json={"enabled": False}).json()
        assert (off["state"], off["triggeringLogic"]["isEnabled"]) == ("disabled", False)
        changed = client.put(f"{BASE}/{first['id']}", json=body | {"displayName": "Assigned", "order": 9}).json()
        assert (changed["displayName"], changed["order"], changed["timesApplied"]) == ("Assigned", 9, 1)

        out = client.get(f"{BASE}/export").json()
        assert [one["properties"]["displayName"] for one in out["content"]["resources"]] == ["Assigned", "Told"]
        file = {"name": "rules.json", "content": httpx.Response(200, json=out["content"]).text}
        report = client.post(f"{BASE}/import", json={"files": [file]}).json()
        assert (len(report["unchanged"]), report["added"], report["problems"]) == (2, [], [])
        assert client.delete(f"{BASE}/Told").status_code == 204
        assert client.get(f"{BASE}/Told").status_code == 404


def test_readers_see_rules_and_do_not_change_them(site: Running) -> None:
    with site.client() as client:
        client.post("/users", json={"name": "rita", "displayName": "Rita", "kind": "user", "roles": []})
        client.post("/users/rita/roles", json={"role": "Responder", "workspace": "default"})
        token = client.post("/users/rita/tokens", json={"name": "t", "days": 1}).json()["token"]
    with site.client() as hers:
        hers.headers["Authorization"] = f"Bearer {token}"
        assert hers.get(BASE).status_code == 200
        for answer in (
            hers.post(BASE, json=rule()),
            hers.put(f"{BASE}/x", json=rule()),
            hers.patch(f"{BASE}/x", json={"enabled": True}),
            hers.delete(f"{BASE}/x"),
            hers.post(f"{BASE}/import", json={"files": []}),
        ):
            assert answer.status_code == 403, answer.text
