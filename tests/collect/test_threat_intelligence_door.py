"""The upload API for threat intelligence, in its three forms."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.collect.conftest import Doors
from tests.intel.conftest import indicator
from tests.plugins.state import NOON
from vedette.collect.http.threat_intelligence import MOST_REQUESTS, ThreatIntelligence
from vedette.core.accounts import local_operator
from vedette.core.clock import VirtualClock
from vedette.core.errors import TooManyRequests
from vedette.core.roles import Permission, Role

NEW = "/workspaces/{ws}/threat-intelligence-stix-objects:upload?api-version=2024-02-01-preview"
LEGACY = "/workspaces/{ws}/threatintelligenceindicators:upload?api-version=2022-07-01"
OLDER = "/{ws}/threatintelligence:upload-indicators?api-version=2022-07-01"
LISTS = {NEW: "stixobjects", LEGACY: "indicators", OLDER: "value"}


def sent(doors: Doors, form: str, source: str, objects: list[Any]) -> Any:
    body = {"sourcesystem": source, LISTS[form]: objects}
    answer = doors.post(form.replace("{ws}", doors.workspace_id), json.dumps(body), Content_Type="application/json")
    assert answer.status_code == 200, answer.text
    return answer.json() if answer.content else None


@pytest.mark.req("P-032", "P-075", "P-076", "P-079")
@pytest.mark.parametrize("form", [NEW, LEGACY, OLDER])
def test_indicators_are_uploaded(doors: Doors, form: str) -> None:
    source = f"TIP {LISTS[form]}"
    given = [indicator(number, name=LISTS[form]) for number in range(1, 4)]
    assert sent(doors, form, source, given) is None
    assert sent(doors, form, source, given) is None
    asked = f"ThreatIntelIndicators | where SourceSystem == '{source}' | project ObservableValue, LastUpdateMethod | sort by ObservableValue asc"
    assert doors.rows(asked) == [[f"203.0.113.{number}", "UploadAPI"] for number in range(1, 4)]


@pytest.mark.req("P-079")
def test_the_recorded_request(doors: Doors, shared: Path) -> None:
    request = json.loads((shared / "contracts" / "sentinel_ti_upload.json").read_text())["request"]
    assert sent(doors, NEW, request["sourcesystem"], request["stixobjects"]) is None
    found = doors.rows(
        "ThreatIntelIndicators | where SourceSystem == 'Contoso CTI' | project ObservableValue, Confidence, Tags"
    )
    assert found == [["203.0.113.45", 80, '["phish"]']]


def test_what_is_not_taken_is_told_with_its_place(doors: Doors, shared: Path) -> None:
    expected = json.loads((shared / "contracts" / "sentinel_ti_upload.json").read_text())["response_partial"]["body"]
    given = [indicator(number) for number in range(1, 7)]
    del given[3]["id"]
    assert sent(doors, NEW, "Partly", given) == expected
    odd = [
        {**indicator(1), "type": "malware"}, 7, indicator(2, pattern="[x"), indicator(3), indicator(4, pattern_type=None),
        {"type": "identity", "id": "identity--8516d567-0daa-4614-8745-e3591e1b48cf", "name": "x"},
    ]  # fmt: skip
    errors = sent(doors, NEW, "Partly, odd", odd)["errors"]
    assert [one["recordIndex"] for one in errors] == [0, 1, 2, 4, 5]
    assert (
        "It is none of attack-pattern, identity, indicator, relationship, threat-actor."
        in errors[0]["errorMessages"][0]
    )
    assert len(errors[-1]["errorMessages"]) == 2
    assert doors.rows("ThreatIntelIndicators | where SourceSystem == 'Partly, odd' | count") == [[1]]
    identity = {"type": "identity", "id": "identity--8516d567-0daa-4614-8745-e3591e1b48cf", "name": "x"}
    times = {"created": "2026-01-01T00:00:00Z", "modified": "2026-01-01T00:00:00Z"}
    assert sent(doors, LEGACY, "Partly", [identity | times])["errors"][0]["recordIndex"] == 0
    assert sent(doors, NEW, "Partly", [identity | times]) is None


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{", "not valid JSON"), (b"[]", "not a JSON object"), (b'{"stixobjects": [1]}', "sourcesystem"),
        (b'{"sourcesystem": "Microsoft Sentinel", "stixobjects": [1]}', "may not be"),
        (b'{"sourcesystem": "vedette", "stixobjects": [1]}', "is for what people enter here"),
        (b'{"sourcesystem": "x", "stixobjects": []}', "no list 'stixobjects'"),
        (b'{"sourcesystem": "x", "value": [1]}', "no list 'stixobjects'"),
        (json.dumps({"sourcesystem": "x", "stixobjects": [1] * 101}).encode(), "There are 101 objects, and 100 are allowed"),
        (json.dumps({"sourcesystem": "x" * 201, "stixobjects": [1]}).encode(), "1 to 200 characters"),
    ],
)  # fmt: skip
def test_a_request_that_is_refused_whole(doors: Doors, body: bytes, message: str) -> None:
    answer = doors.post(NEW.replace("{ws}", "default"), body)
    assert (answer.status_code, answer.json()["statusCode"]) == (400, 400)
    assert message in answer.json()["message"]


def test_who_may_upload(doors: Doors) -> None:
    path = NEW.replace("{ws}", "default")
    assert doors.post(path, b"{}", Authorization="").status_code == 401
    assert doors.post(path, b"{}", Authorization="Bearer nonsense").status_code == 401
    assert doors.post(NEW.replace("{ws}", "elsewhere"), b"{}").status_code == 404
    operator = local_operator(Path("."))
    identity = doors.running.application.identity
    identity.create_account("user", "rules-reader", by=operator)
    identity.grant("rules-reader", Role.CONTRIBUTOR, doors.workspace_id, by=operator)
    token = identity.create_token("rules-reader", "t", by=operator, permissions=[Permission.RULES_READ]).text.reveal()
    assert doors.post(path, b"{}", Authorization=f"Bearer {token}").status_code == 403


def test_so_many_requests_a_minute() -> None:
    clock, rate = VirtualClock(NOON), ThreatIntelligence()._rate
    for _ in range(MOST_REQUESTS):
        rate.count("a", clock)
        clock.advance(0.3)
    with pytest.raises(TooManyRequests, match=r"Rate limit is exceeded\. Try again in 30 seconds\."):
        rate.count("a", clock)
    rate.count("b", clock)
    clock.advance(30)
    rate.count("a", clock)
