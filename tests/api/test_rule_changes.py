"""Analytics rules edited, switched and deleted over the REST API, with their entries in the audit trail."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx
import pytest

from tests.api.conftest import RULE, RULE_ID, Running

WS = "/workspaces/default"
RULE_URL = f"{WS}/rules/{RULE_ID}"


@pytest.fixture
def client(running: Running) -> Iterator[httpx.Client]:
    """A client of a server that has the rule."""
    with running.client() as client:
        files = {"files": [{"name": "country.yaml", "content": RULE}]}
        assert client.post(f"{WS}/rules/import", json=files).status_code == 200
        yield client


def _audit(client: httpx.Client) -> list[tuple[str, str]]:
    entries = client.get(f"{WS}/audit", params={"action": "rules/"}).json()["value"]
    return [(one["action"], one["target"]) for one in reversed(entries)]


def test_what_is_done_to_a_rule_is_in_the_audit_trail(client: httpx.Client) -> None:
    for enabled in (False, False, True):
        assert client.patch(RULE_URL, json={"enabled": enabled}).json()["enabled"] is enabled
    assert client.put(RULE_URL, json={"content": RULE}).json()["revision"] == 1
    edited = client.put(RULE_URL, json={"content": RULE.replace('"KP"', '"AQ"')}).json()
    assert (edited["id"], edited["revision"], edited["broken"]) == (RULE_ID, 2, None)
    assert '"AQ"' in client.get(RULE_URL).json()["query"]
    assert client.delete(RULE_URL).status_code == 204
    assert client.get(RULE_URL).status_code == 404
    assert client.delete(RULE_URL).status_code == 404
    acts = ("rules/add", "rules/disable", "rules/enable", "rules/update", "rules/delete")
    assert _audit(client) == [(act, RULE_ID) for act in acts]
    asked = '_SentinelAudit | where Description == "Analytics rule deleted" | project SentinelResourceName, ExtendedProperties.CallerName'
    deadline = time.monotonic() + 60
    while not (rows := client.post(f"{WS}/query", json={"query": asked}).json()["rows"]):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert rows == [["Sign-in from a country that nobody works in", "local-operator"]]
    again = client.post(f"{WS}/rules/import", json={"files": [{"name": "country.yaml", "content": RULE}]})
    assert again.json()["added"] == [RULE_ID], "a rule that was deleted can come back"


def test_an_edit_that_breaks_the_query_is_kept_and_told(client: httpx.Client) -> None:
    edited = client.put(RULE_URL, json={"content": RULE.replace("ResultType == 0", "ResultTyp == 0")}).json()
    broken = edited["broken"]
    assert (broken["code"], broken["line"], broken["column"]) == ("KS142", 2, 9)
    assert broken["missing"] == [{"kind": "column", "name": "ResultTyp"}]
    listed = client.get(f"{WS}/broken-rules").json()
    assert listed == {"value": [broken], "count": 1}
    assert client.put(RULE_URL, json={"content": RULE}).json()["broken"] is None
    assert client.get(f"{WS}/broken-rules").json()["count"] == 0


WAITING = (
    ("watchlist", "Crew", "SigninLogs | where UserPrincipalName in ((_GetWatchlist('Crew') | project Member))"),
    (
        "watchlist",
        "Crew",
        "let w = 'Crew'; SigninLogs | where UserPrincipalName !in (_GetWatchlist(w) | project SearchKey)",
    ),
    ("function", "Parsed", "Parsed() | where x == 1"),
    ("external table", "Far", "external_table('Far') | take 1"),
)
"""What a rule misses, its name, and the query."""


@pytest.mark.req("P-082")
def test_rules_say_what_they_wait_for_until_it_is_there(client: httpx.Client) -> None:
    files = [
        {"name": f"{number}.yaml", "content": f"name: R{number}\nkind: NRT\nquery: |\n  {query}\n"}
        for number, (_, _, query) in enumerate(WAITING)
    ]
    client.put(f"{WS}/watchlists/Crews", json={"searchKey": "Member", "items": [{"Member": "ann"}]}).raise_for_status()
    report = client.post(f"{WS}/rules/import", json={"files": files}).json()
    assert [problem for problem in report["problems"] if problem["severity"] == "Error"] == []
    told = {one["file"]: one for one in report["broken"]}
    assert [told[f"{n}.yaml"]["missing"] for n in range(len(WAITING))] == [
        [{"kind": kind, "name": name}] for kind, name, _ in WAITING
    ]
    assert told["0.yaml"]["code"] == "VDT1010"
    assert "did you mean 'Crews'?" in told["0.yaml"]["message"]
    put = client.put(f"{WS}/watchlists/Crew", json={"searchKey": "Member", "items": [{"Member": "ann"}]})
    put.raise_for_status()
    client.put(f"{WS}/saved-functions/Parsed", json={"body": "print x=1"}).raise_for_status()
    listed = client.get(f"{WS}/broken-rules").json()["value"]
    assert [one["file"] for one in listed] == ["3.yaml"]


@pytest.mark.req("P-082")
def test_columns_that_the_result_lacks_are_warned_of_with_their_lines(client: httpx.Client) -> None:
    text = RULE.replace("columnName: IPAddress", "columnName: IPAdress") + "customDetails:\n  Where: Locaton\n"
    answer = client.put(RULE_URL, json={"content": text}).json()
    lines = text.splitlines()
    expected = [
        (lines.index("        columnName: IPAdress") + 1, "RC403", "Did you mean 'IPAddress'?"),
        (lines.index("  Where: Locaton") + 1, "RC501", "Did you mean 'Location'?"),
    ]
    assert [(one["line"], one["code"], one["hint"]) for one in answer["problems"]] == expected
    assert answer["broken"] is None
    files = {"files": [{"name": "country.yaml", "content": text}]}
    report = client.post(f"{WS}/rules/import", json=files).json()
    assert [(one["line"], one["code"], one["hint"]) for one in report["problems"]] == expected
    assert {one["severity"] for one in report["problems"]} == {"Warning"}
    assert [one["outcome"] for one in report["imported"]] == ["unchanged"], "the rule is kept all the same"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param("", "empty", id="empty"),
        pytest.param(RULE.replace("severity: High", "severity: Hihg"), "Line 5: 'Hihg'", id="severity"),
        pytest.param(RULE + "---" + RULE.replace("6d2f2f0a", "7d2f2f0a"), "has 2 rules", id="two"),
        pytest.param(RULE.replace("6d2f2f0a", "7d2f2f0a"), "this one is 6d2f2f0a", id="another"),
        pytest.param("name: [", "not valid YAML", id="not YAML"),
    ],
)
def test_a_text_that_is_not_this_rule_is_refused(client: httpx.Client, content: str, said: str) -> None:
    before = client.get(RULE_URL).json()["query"]
    answer = client.put(RULE_URL, json={"content": content})
    assert answer.status_code == 400
    assert said in answer.json()["error"]["message"]
    assert client.get(RULE_URL).json()["query"] == before
    assert _audit(client) == [("rules/add", RULE_ID)]


def test_the_text_of_a_rule_comes_out_as_people_write_it(client: httpx.Client) -> None:
    text = client.get(f"{WS}/rule-export", params={"format": "yaml", "rule": RULE_ID}).json()["content"]
    assert "queryFrequency: 1h\nqueryPeriod: 1d\n" in text
    assert 'query: |\n  SigninLogs\n  | where ResultType == 0 and Location == "KP"\n' in text
    assert client.put(RULE_URL, json={"content": text}).json()["revision"] == 1, "nothing of it is lost"
