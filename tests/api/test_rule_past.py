"""Which of a rule's time was searched, and what a text of it would have found, over the REST API."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.api.conftest import RULE, RULE_ID, Running, serving
from vedette.api.services import WorkspaceServices
from vedette.core.errors import InvalidInput
from vedette.detect.models import RunRow

WS = "/workspaces/default"
BACKTEST = f"{WS}/rules/backtest"
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One server for all: nothing of a backtest is kept."""
    with serving(tmp_path_factory.mktemp("past") / "data") as held:
        yield held


@pytest.fixture(scope="module")
def client(running: Running) -> Iterator[httpx.Client]:
    """A client of a server that has the rule, switched off, and sign-ins of two countries on each of the last three days."""
    noon = datetime.now(UTC).replace(minute=20, second=0, microsecond=0) - 2 * HOUR
    rows = [
        {"TimeGenerated": (noon - timedelta(days=day)).isoformat(), "UserPrincipalName": f"{place}@contoso.example",
         "IPAddress": "203.0.113.7", "Location": place, "ResultType": "0"}
        for day in range(3)
        for place in (["KP", "IR"] if day else ["KP"])
    ]  # fmt: skip
    text = RULE.replace("queryPeriod: 1d", "queryPeriod: 1h")
    with running.client() as client:
        body = "".join(json.dumps(row) + "\n" for row in rows).encode()
        loaded = client.post(f"{WS}/load", params={"name": "x.jsonl", "table": "SigninLogs"}, content=body)
        assert loaded.status_code == 200, loaded.text
        files = {"files": [{"name": "country.yaml", "content": text}]}
        assert client.post(f"{WS}/rules/import", json=files).status_code == 200
        assert client.patch(f"{WS}/rules/{RULE_ID}", json={"enabled": False}).status_code == 200
        yield client


def _text(client: httpx.Client) -> str:
    exported = client.get(f"{WS}/rule-export", params={"format": "yaml", "rule": RULE_ID}).json()
    return str(exported["content"])


def test_a_text_is_tried_beside_the_version_in_force(client: httpx.Client) -> None:
    wider = (
        _text(client).replace('Location == "KP"', 'Location in ("KP", "IR")').replace("severity: High", "severity: Low")
    )
    runs = client.get(f"{WS}/rules/{RULE_ID}/runs").json()
    told = client.post(BACKTEST, json={"content": wider, "ruleId": RULE_ID, "days": 3})
    assert told.status_code == 200, told.text
    body = told.json()
    assert (body["result"]["alerts"], body["inForce"]["alerts"]) == (3, 3)
    assert (body["result"]["rows"], body["inForce"]["rows"]) == (5, 3)
    assert sum(body["result"]["days"].values()) == 3
    assert body["difference"] | {"moreExamples": [], "lessExamples": []} == {
        "more": 0, "less": 0, "same": 1, "otherRows": 2, "comparable": True, "moreExamples": [], "lessExamples": [],
    }  # fmt: skip
    assert body["fields"] == [{"field": "severity", "old": "High", "new": "Low"}]
    assert any(line.startswith("+") and '"IR"' in line for line in body["query"])
    assert body["result"]["examples"][0]["entities"][0]["type"] == "Account"
    assert client.get(f"{WS}/incidents").json()["count"] == 0, "nothing of it is kept"
    assert client.get(f"{WS}/rules/{RULE_ID}/runs").json() == runs


def test_a_new_text_has_nothing_to_be_compared_with(client: httpx.Client) -> None:
    new = _text(client).replace(RULE_ID, "9d2f2f0a-4c1c-4e0c-9a56-0b8f7d1f3a10")
    body = client.post(BACKTEST, json={"content": new, "days": 3}).json()
    assert (body["result"]["alerts"], body["inForce"], body["difference"], body["fields"]) == (3, None, None, [])


@pytest.mark.parametrize(
    ("old", "new", "days", "said"),
    [
        ("ResultType == 0", "ResultTyp == 0", 3, "Line 2, column 9: The name 'ResultTyp'"),
        ("severity: High", "severity: Hgh", 3, "'Hgh' is not a value of 'severity'"),
        ("queryFrequency: 1h", "queryFrequency: 5m", 90, "25,920 times in 90 days"),
        (RULE_ID, "9d2f2f0a-4c1c-4e0c-9a56-0b8f7d1f3a10", 3, "The text is of the rule 9d2f2f0a"),
    ],
)
def test_what_cannot_be_tried_is_said_before(client: httpx.Client, old: str, new: str, days: int, said: str) -> None:
    held = _text(client)
    assert old in held
    answer = client.post(BACKTEST, json={"content": held.replace(old, new), "ruleId": RULE_ID, "days": days})
    assert answer.status_code == 400
    assert said in answer.json()["error"]["message"]


def test_a_backtest_ends_when_nobody_waits_for_it(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[str] = []
    whole = WorkspaceServices.backtest

    def told(*arguments: Any) -> Any:
        try:
            done = whole(*arguments)
        except InvalidInput as error:
            ended.append(str(error))
            raise
        ended.append("to its end")
        return done

    monkeypatch.setattr(WorkspaceServices, "backtest", told)
    with pytest.raises(httpx.ReadTimeout):
        client.post(BACKTEST, json={"content": _text(client), "ruleId": RULE_ID, "days": 90}, timeout=1)
    deadline = time.monotonic() + 60
    while not ended and time.monotonic() < deadline:
        time.sleep(0.05)
    assert ended == ["The backtest was given up."]


def test_how_far_it_is_is_told_to_those_who_read_lines(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    body = {"content": _text(client).replace('"KP"', '"IR"'), "ruleId": RULE_ID, "days": 5}
    client.timeout = httpx.Timeout(240)  # 240 runs, on a machine that may have other work
    whole = client.post(BACKTEST, json=body).json()
    with client.stream("POST", BACKTEST, json=body, headers={"Accept": "application/x-ndjson"}) as answer:
        assert answer.headers["content-type"].startswith("application/x-ndjson")
        *told, last = [json.loads(line) for line in answer.iter_lines()]
    assert told
    assert [one["done"] for one in told] == sorted(one["done"] for one in told)
    assert {one["all"] for one in told} <= {0, 2 * 5 * 24}, "both versions run each hour"
    assert told[-1]["done"] > 0
    result = last["result"]
    assert (result["result"]["days"], result["difference"]["more"]) == (
        whole["result"]["days"],
        whole["difference"]["more"],
    )

    def fails(*_: Any) -> Any:
        raise InvalidInput("No room for it.", hint="Make room.")

    monkeypatch.setattr(WorkspaceServices, "backtest", fails)
    lines = client.post(BACKTEST, json=body, headers={"Accept": "application/x-ndjson"}).text.splitlines()
    assert json.loads(lines[-1])["error"] | {"code": ""} == {
        "code": "",
        "message": "No room for it.",
        "hint": "Make room.",
    }


def test_a_reader_of_lines_who_goes_away_ends_it(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[str] = []
    whole = WorkspaceServices.backtest

    def told(*arguments: Any) -> Any:
        try:
            return whole(*arguments)
        except InvalidInput as error:
            ended.append(str(error))
            raise

    monkeypatch.setattr(WorkspaceServices, "backtest", told)
    body = {"content": _text(client), "ruleId": RULE_ID, "days": 90}
    with client.stream("POST", BACKTEST, json=body, headers={"Accept": "application/x-ndjson"}) as answer:
        assert json.loads(next(answer.iter_lines()))["all"] in (0, 2 * 90 * 24)
    deadline = time.monotonic() + 60
    while not ended and time.monotonic() < deadline:
        time.sleep(0.05)
    assert ended == ["The backtest was given up."]


def test_coverage_is_told_in_stretches(running: Running, client: httpx.Client) -> None:
    begin = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - 10 * HOUR
    outcomes = ["NOT_MATCHED", "MATCHED", "GAP", "GAP", "DISABLED", "NOT_MATCHED"]
    workspace = running.application.workspace("default").id
    with running.application.state.session() as session:
        for place, outcome in enumerate(outcomes):
            start = begin + place * HOUR
            session.add(
                RunRow(
                    workspace_id=workspace, rule_id=RULE_ID, run_id=None, run_type="SCHEDULED", window_from=start,
                    window_to=start + HOUR, outcome=outcome, settled=True, attempt=1, rows=0,
                    alerts=2 if outcome == "MATCHED" else 0, duration=0.0, recorded_at=start,
                    reason={"GAP": "It failed.", "DISABLED": "It was off."}.get(outcome),
                )
            )  # fmt: skip
    told = client.get(f"{WS}/rules/{RULE_ID}/coverage", params={"days": 30}).json()
    shown = [(one["outcome"], one["windows"], one["alerts"], one["reason"]) for one in told["value"]]
    seeded = [one for one in shown if one[0] != "disabled" or one[3] == "It was off."]
    assert seeded[:4] == [
        ("searched", 2, 2, None), ("gap", 2, 0, "It failed."), ("disabled", 1, 0, "It was off."), ("searched", 1, 0, None),
    ]  # fmt: skip
    runs = client.get(f"{WS}/rules/{RULE_ID}/runs").json()["value"]
    off = [one for one in runs if one["note"] == "It was off."]
    assert [(one["outcome"], one["error"]) for one in off] == [("skipped", None)], "a rule that was off has not failed"
    last = client.get(f"{WS}/rules/{RULE_ID}/coverage", params={"days": 5.5 / 24}).json()
    assert last["value"][0]["start"] >= last["from"], "a stretch begins where the time begins that was asked for"
