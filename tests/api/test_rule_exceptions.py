"""Exceptions from rules over the API: tried, made, counted, proposed."""

from __future__ import annotations

import json

import pytest

from tests.api.conftest import AT, RULE_ID, Running
from tests.detect.test_reading import ARM_PROPERTIES, resource, template

BASE = "/workspaces/default"


@pytest.mark.req("T-022")
def test_an_exception_from_trial_to_end(loaded: Running) -> None:
    with loaded.client() as client:
        conditions = [{"column": "IPAddress", "test": "inNetwork", "values": ["203.0.113.0/24"]}]
        trial = {"ruleId": RULE_ID, "conditions": conditions, "days": 3000}
        told = client.post(f"{BASE}/rule-exceptions/preview", json=trial).json()
        assert "alerts" in told, told
        assert (told["alerts"], told["hidden"], told["truePositives"]) == (1, 1, 0)
        near = {"column": "IPAdress", "values": ["x"]}
        refused = client.post(f"{BASE}/rule-exceptions/preview", json=trial | {"conditions": [near]})
        assert refused.status_code == 400
        assert "IPAddress" in refused.json()["error"]["hint"]

        assert client.get(f"{BASE}/rule-exceptions/proposals", params={"incident": 1}).json() == []
        base = client.get(f"{BASE}/incidents/1").json()["revisions"]
        change = {
            "status": "Closed", "classification": "BenignPositive", "classificationReason": "SuspiciousButExpected",
        }  # fmt: skip
        done = client.patch(f"{BASE}/incidents/1", json={"set": change, "base": {"status": base["status"]}})
        assert done.is_success, done.text
        [proposed] = client.get(f"{BASE}/rule-exceptions/proposals", params={"incident": 1}).json()
        assert {one["column"] for one in proposed["conditions"]} == {"UserPrincipalName", "IPAddress"}
        assert "of the last 30 days" in proposed["preview"]["sentence"]

        body = {
            "ruleId": RULE_ID,
            "conditions": proposed["conditions"],
            "owner": "ann",
            "reason": "travels",
            "days": 30,
        }
        made = client.post(f"{BASE}/rule-exceptions", json=body)
        assert made.status_code == 201, made.text
        run = client.post(f"{BASE}/rules/run", json={"ruleId": RULE_ID, "at": AT}).json()
        assert (run["outcome"], run["rows"]) == ("silent", 0)
        [listed] = client.get(f"{BASE}/rule-exceptions").json()["value"]
        assert (listed["state"], listed["owner"]) == ("active", "ann")
        assert client.delete(f"{BASE}/rule-exceptions/{listed['id']}").json()["state"] == "removed"
        assert client.get(f"{BASE}/rule-exceptions").json()["value"] == []


def test_rules_out_and_what_they_cost(loaded: Running) -> None:
    with loaded.client() as client:
        out = client.get(f"{BASE}/rule-export", params={"format": "arm", "rule": RULE_ID}).json()["content"]
        [written] = out["resources"]
        assert written["properties"]["queryFrequency"] == "PT1H"
        bicep = client.get(f"{BASE}/rule-export", params={"format": "bicep"}).json()["content"]
        assert f"name: '{RULE_ID}'" in bicep
        assert RULE_ID in client.get(f"{BASE}/rule-export", params={"format": "yaml"}).json()["content"]
        names = ["Zeta", "Alpha", "Mid"]
        text = template(*(resource({**ARM_PROPERTIES, "displayName": name}, name=f"w/x/{name}") for name in names))
        client.post(f"{BASE}/rules/import", json={"files": [{"name": "portal.json", "content": text}]})
        again = client.get(f"{BASE}/rule-export", params={"format": "arm"}).json()["content"]
        assert again["resources"][:3] == json.loads(text)["resources"]
        assert [one["name"].rpartition("/")[2] for one in again["resources"][3:]][:1] == [f"{RULE_ID}')]"]
        costs = {one["ruleId"]: one for one in client.get(f"{BASE}/rule-costs").json()}
        assert costs[RULE_ID]["runs"] >= 1
        assert costs[RULE_ID]["seconds"] > 0
