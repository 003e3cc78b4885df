"""Rules as code: tests beside a rule, lint, and what differs between two sets of rules."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from vedette.core.clock import SystemClock
from vedette.core.errors import InvalidInput
from vedette.detect.as_code.comparison import compare
from vedette.detect.as_code.lint import CODES, lint
from vedette.detect.as_code.rule_tests import RuleTestResult, junit, run_tests
from vedette.detect.as_code.rule_tests import test_cases as cases_of
from vedette.detect.attack import TACTICS
from vedette.detect.attack_matrix import TECHNIQUE_TACTICS, tactics_of
from vedette.detect.reading.files import ReadRule, read_rule_text, read_rules
from vedette.detect.reading.problems import RuleProblem
from vedette.store.logstore import LogStore

ANN = {"UserPrincipalName": "ann@contoso.example", "Location": "DE", "ResultType": "0"}
RULE: dict[str, Any] = {
    "id": "11111111-1111-4111-8111-111111111111",
    "name": "Two countries",
    "kind": "Scheduled",
    "severity": "Medium",
    "queryFrequency": "1h",
    "queryPeriod": "1h",
    "triggerOperator": "gt",
    "triggerThreshold": 0,
    "tactics": ["InitialAccess"],
    "relevantTechniques": ["T1078", "T1078.004"],
    "query": "SigninLogs\n| where ResultType == '0'\n| summarize Countries = dcount(Location) by UserPrincipalName\n| where Countries > 1\n",
    "entityMappings": [
        {"entityType": "Account", "fieldMappings": [{"identifier": "FullName", "columnName": "UserPrincipalName"}]}
    ],
}


def read(*changes: dict[str, Any]) -> tuple[list[ReadRule], list[RuleProblem]]:
    """The rule with some fields changed, one for each argument, as if read from a file."""
    return read_rule_text(
        "---\n".join(
            yaml.safe_dump({k: v for k, v in {**RULE, **one}.items() if v is not None}, sort_keys=False)
            for one in changes
        ),
        "r.yaml",
    )


@pytest.fixture(scope="module")
def checker() -> Iterator[LogStore]:
    with LogStore(None, SystemClock()) as store:
        yield store


# -- tests beside a rule


def results_of(*tests: Any, **changes: Any) -> list[RuleTestResult]:
    (rule,), problems = read({**changes, "tests": list(tests)})
    assert problems == []
    return run_tests(rule)


@pytest.mark.req("P-082", "P-084", "P-088")
def test_rows_give_an_alert_and_a_near_miss_gives_none() -> None:
    abroad = {**ANN, "Location": "KP"}
    results = results_of(
        {"name": "match", "tables": {"SigninLogs": [ANN, abroad]}, "alerts": 1},
        {"name": "near miss", "tables": {"SigninLogs": [ANN, ANN]}, "alerts": []},
        {"name": "nothing", "tables": {"SigninLogs": []}, "alerts": 0},
        {
            "name": "too long ago", "now": "2026-03-01T12:00:00Z", "alerts": [],
            "tables": {"SigninLogs": [
                {**ANN, "TimeGenerated": "2026-03-01T11:30:00Z"}, {**abroad, "TimeGenerated": "2026-03-01T10:59:59Z"},
            ]},
        },
        {
            "name": "over all rows", "alerts": 1,
            "tables": {"SigninLogs": [
                {**ANN, "TimeGenerated": "2026-03-01T11:30:00Z"}, {**abroad, "TimeGenerated": "2026-02-01T10:00:00Z"},
            ]},
        },
        {
            "name": "details", "tables": {"SigninLogs": [ANN, abroad]},
            "alerts": [{
                "severity": "Medium", "title": "Two countries", "rows": 1, "customDetails": {"How": ["2"]},
                "entities": [{"type": "Account", "FullName": "ann@contoso.example"}],
            }],
        },
        customDetails={"How": "Countries"},
    )  # fmt: skip
    assert [(result.name, result.failure, result.error) for result in results] == [
        (name, None, None) for name in ("match", "near miss", "nothing", "too long ago", "over all rows", "details")
    ]


BOTH = {"SigninLogs": [ANN, {**ANN, "Location": "KP"}]}


@pytest.mark.parametrize(
    ("test", "message"),
    [
        ({"tables": {"SigninLogs": [ANN]}, "alerts": 1}, "Expected 1 alert, got 0"),
        ({"tables": BOTH, "alerts": []}, "Expected 0 alerts, got 1"),
        ({"tables": BOTH, "alerts": [{"severity": "High"}]}, "severity of alert 1 is 'Medium', not 'High'"),
        ({"tables": BOTH, "alerts": [{"entities": []}]}, "entities of alert 1 is [{"),
        ({"tables": BOTH, "alerts": [{"customDetails": {"How": ["2"]}}]}, "customDetails of alert 1 is {}"),
        ({"tables": BOTH, "alerts": [{"titel": "x"}]}, "Did you mean 'title'"),
        ({"tables": {"SigninLogs": [{**ANN, "Locatio": "x"}]}, "alerts": []}, "Did you mean 'Location'"),
        ({"tables": {"SigninLogs": [{"TimeGenerated": "never"}]}, "alerts": []}, "'never' is not a time"),
        ({"tables": [ANN], "alerts": []}, "'tables' names tables"),
        ({"tables": {}}, "does not say which alerts it expects"),
        ({"tables": {}, "alerts": True}, "does not say which alerts it expects"),
        ({"tables": {}, "alert": []}, "Did you mean 'alerts'"),
        ({"tables": {}, "alerts": -1}, "does not say which alerts it expects"),
        ("no mapping", "Test 1 is not a mapping"),
        ({"tables": BOTH, "watchlists": ["VIP"], "alerts": 1}, "'watchlists' names watchlists"),
        ({"tables": {"SigninLogs": [{**ANN, "IsInteractive": "maybe"}]}, "alerts": []}, "takes a bool in its column"),
        ({"tables": {"SigninLogs": [{**ANN, "CreatedDateTime": "x"}]}, "alerts": []}, "takes a datetime in its column"),
        ({"tables": {"SecurityEvent": [{"EventID": "x1"}]}, "alerts": []}, "takes a int in its column 'EventID'"),
        ({"tables": BOTH, "alerts": [{"start": "2026-03-01T11:30:01Z"}]}, "start of alert 1 is"),
    ],
)
def test_a_test_that_is_not_met_or_not_one_says_so(test: Any, message: str) -> None:
    (result,) = results_of(test)
    assert not result.passed
    assert message in str(result.failure or result.error)


def test_a_rule_that_cannot_be_run_is_an_error_with_its_place() -> None:
    (result,) = results_of({"tables": {}, "alerts": []}, query="SigninLogs\n| where Nothing == 1", entityMappings=None)
    assert result.failure is None
    assert "Nothing" in str(result.error)
    assert "line 2, column 9 of the query" in str(result.error)


def test_times_are_compared_however_they_are_written() -> None:
    at = {**ANN, "TimeGenerated": "2026-03-01T11:30:00Z", "IsInteractive": "true", "AutonomousSystemNumber": ""}
    results = results_of(
        *({"name": start, "tables": {"SigninLogs": [at]}, "alerts": [{"start": start, "end": start}]}
          for start in ("2026-03-01T11:30:00Z", "2026-03-01 11:30", "2026-03-01T11:30:00.0000000Z")),
        query="SigninLogs | where IsInteractive", entityMappings=None,
    )  # fmt: skip
    assert [(one.failure, one.error) for one in results] == [(None, None)] * 3


def test_a_watchlist_is_what_the_test_says() -> None:
    """Without one, every test would be a near miss for a reason that is none of the rule's."""
    tables = {"SigninLogs": [ANN]}
    results = results_of(
        {"name": "on it", "tables": tables, "watchlists": {"vip": [{"SearchKey": "ann@contoso.example", "Weight": 3}]}, "alerts": 1},
        {"name": "light", "tables": tables, "watchlists": {"VIP": [{"SearchKey": "ann@contoso.example", "Weight": 1}]}, "alerts": []},
        {"name": "another", "tables": tables, "watchlists": {"VIP": [{"SearchKey": "bob", "Weight": 3}]}, "alerts": []},
        {"name": "none", "tables": tables, "alerts": []},
        query="let W = _GetWatchlist('VIP') | where Weight > 2 | project SearchKey;\nSigninLogs | where UserPrincipalName in (W)",
    )  # fmt: skip
    assert [one.passed for one in results] == [True, True, True, False]
    assert results[3].error == (
        "The rule reads the watchlist 'VIP', which the test does not have."
        " Give its items under 'watchlists'; [] where it is empty."
    )


def test_two_tests_of_one_name() -> None:
    (rule,), _ = read({"tests": [{"name": "a", "tables": {}, "alerts": []}] * 2})
    with pytest.raises(InvalidInput, match="Two tests are named 'a'"):
        cases_of(rule.rule)


def test_junit() -> None:
    results = [
        RuleTestResult("R", "a.yaml", "good", 0.5),
        RuleTestResult("R", "a.yaml", "bad \x01<&>", 0.25, failure="no & yes"),
        RuleTestResult("S", "b.yaml", "worse", 0.25, error="cannot\ud800"),
    ]
    root = ElementTree.fromstring(junit(results).encode())
    assert root.attrib == {"tests": "3", "failures": "1", "errors": "1", "time": "1.000"}
    first, second = root
    assert (first.get("name"), first.get("tests"), first.get("failures"), second.get("errors")) == (
        "a.yaml",
        "2",
        "1",
        "1",
    )
    bad = first[1]
    assert (bad.get("name"), bad.get("classname"), bad[0].tag, bad[0].get("message")) == (
        "bad <&>", "R", "failure", "no & yes",
    )  # fmt: skip


def test_a_test_that_is_none_keeps_no_other_from_being_run() -> None:
    fine = {"name": "none", "tables": {"SigninLogs": [ANN]}, "alerts": []}
    late = {"name": "when", "tables": {"SigninLogs": [{**ANN, "TimeGenerated": "some day"}]}, "alerts": []}
    (rule,), _ = read({"tests": [late, fine, 7, fine]})
    results = run_tests(rule)
    assert [(one.name, one.passed) for one in results] == [
        ("when", False), ("none", True), ("test 3", False), ("none", False)
    ]  # fmt: skip
    assert [one.error for one in results if not one.passed] == [
        "Test 'when': 'some day' is not a time. Write it like 2026-03-01T12:00:00Z.",
        "Test 3 is not a mapping. A test has a name, rows and expect.",
        "Two tests are named 'none'. Give each test a name of its own.",
    ]


# -- lint


def codes(checker: LogStore, *changes: dict[str, Any]) -> list[str]:
    rules, problems = read(*changes)
    findings = lint(rules, problems, checker)
    assert all(finding.code in CODES for finding in findings)
    return [finding.code for finding in findings]


def mapped(kind: str, **columns: str) -> dict[str, Any]:
    fields = [{"identifier": name, "columnName": column} for name, column in columns.items()]
    return {"entityMappings": [{"entityType": kind, "fieldMappings": fields}]}


def grouped(**grouping: Any) -> dict[str, Any]:
    return {"incidentConfiguration": {"createIncident": True, "groupingConfiguration": {"enabled": True, **grouping}}}


@pytest.mark.req("P-082", "P-088")
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, []),
        ({"name": None}, ["RC001"]),
        ({"queryPeriod": "30m"}, ["RC201"]),
        ({"queryFrequency": "1m"}, ["RC202"]),
        ({"query": "SigninLogs | where Nothing == 1"}, ["RC101"]),
        ({"query": "Nowhere_CL"}, ["RC101"]),
        ({"relevantTechniques": ["T1486"]}, ["RC302"]),
        ({"relevantTechniques": ["T1078.004", "T9999"]}, ["RC303"]),
        ({"relevantTechniques": ["T0855"]}, []),
        ({"tactics": None, "relevantTechniques": None}, ["RC304"]),
        ({"tactics": ["Initial Acces"], "relevantTechniques": None}, ["RC301", "RC002"]),
        ({"entityMappings": None}, ["RC402"]),
        ({"customDetails": {"Where": "Location"}}, ["RC501"]),
        ({"customDetails": {"How": "Countries"}}, []),
        ({"alertDetailsOverride": {"alertDisplayNameFormat": "{{UserPrincipalName}} in {{Countrie}}"}}, ["RC501"]),
        ({"alertDetailsOverride": {"alertSeverityColumnName": "Grave"}}, ["RC501"]),
        ({"tests": [{"tables": 1}]}, ["RC701"]),
        (
            {
                "entityMappings": [
                    {"entityType": "Account", "fieldMappings": [{"identifier": "FullName", "columnName": "Upn"}]}
                ]
            },
            ["RC403"],
        ),
        (mapped("Account", FullName="UserPrincipalName", Name="UserPrincipalName", UPNSuffix="UserPrincipalName"), []),
        (mapped("Account", **dict.fromkeys(["FullName", "Name", "Sid", "PUID"], "UserPrincipalName")), ["RC203"]),
        (mapped("Host", DnsDomain="UserPrincipalName"), ["RC404"]),
        (mapped("FileHash", Value="UserPrincipalName"), ["RC404"]),
        ({"entityMappings": mapped("IP", Address="UserPrincipalName")["entityMappings"] * 11}, ["RC203"]),
        ({"alertDetailsOverride": {"alertDisplayNameFormat": "{{Countries}}" * 4}}, ["RC203"]),
        ({"alertDetailsOverride": {"alertDescriptionFormat": "x" * 5_001}}, ["RC203"]),
        ({"customDetails": {"How many": "Countries", "A" * 21: "Countries"}}, ["RC203", "RC203"]),
        ({"suppressionEnabled": True, "suppressionDuration": "2d"}, ["RC203"]),
        ({"suppressionEnabled": False, "suppressionDuration": "2d"}, []),
        (grouped(lookbackDuration="P8D"), ["RC203"]),
        (grouped(matchingMethod="Selected", groupByEntities=["Account", "Host"]), ["RC405"]),
        (grouped(matchingMethod="AllEntities", groupByEntities=["Host"]), []),
        (grouped(matchingMethods="Selected", lookbackDuration="1d"), ["RC001"]),
        (grouped(byDevice=True), ["RC002"]),
        # only the data tells the columns of this one
        ({"query": "SigninLogs | evaluate bag_unpack(DeviceDetail)"}, []),
        ({"query": "SigninLogs | evaluate bag_unpack(DeviceDetail); // whatever it has"}, []),
        ({"query": "SigninLogs | evaluate bag_unpack(DeviceDetail) | render table"}, []),
    ],
)
def test_findings(checker: LogStore, change: dict[str, Any], expected: list[str]) -> None:
    assert codes(checker, change) == expected


def test_a_finding_has_its_place_and_what_to_do(checker: LogStore) -> None:
    rules, problems = read({"query": "SigninLogs\n| where Locatio == 1"}, {"id": RULE["id"], "name": "Other"})
    first, second = lint(rules, problems, checker)
    assert (first.code, first.file, first.line, first.query_line, first.query_column) == ("RC101", "r.yaml", 1, 2, 9)
    assert first.message.endswith("did you mean 'Location'?")
    assert (second.code, second.rule) == ("RC601", "Other")
    assert "'Two countries'" in second.message
    assert first.to_dict()["severity"] == "Error"


def test_a_column_that_is_missing_is_found_where_the_file_names_it(checker: LogStore) -> None:
    mapping = [{"entityType": "IP", "fieldMappings": [{"identifier": "Address", "columnName": "IPAdress"}]}]
    arm = {
        "type": "Microsoft.SecurityInsights/alertRules", "kind": "NRT", "name": "r",
        "properties": {
            "displayName": "R", "severity": "Low", "enabled": True, "tactics": ["InitialAccess"], "query": "SigninLogs | take 5",
            "entityMappings": mapping, "alertDetailsOverride": {"alertDescriptionFormat": "by {{Usr}} from {{IPAddress}}"},
        },
    }  # fmt: skip
    text = json.dumps({"resources": [arm]}, indent=1)
    rules, problems = read_rule_text(text, "r.json")
    lines = [line.strip().partition(":")[0] for line in text.splitlines()]
    assert [(one.code, lines[(one.line or 0) - 1]) for one in lint(rules, problems, checker)] == [
        ("RC403", '"columnName"'), ("RC501", '"alertDescriptionFormat"'),
    ]  # fmt: skip


def test_a_watchlist_is_missed_in_a_workspace_alone(checker: LogStore) -> None:
    rules, problems = read(
        {"query": "SigninLogs | where UserPrincipalName in ((_GetWatchlist('Nobody') | project Who))"}
    )
    assert [one.code for one in lint(rules, problems, checker)] == ["RC102"]
    assert [one.code for one in lint(rules, problems, checker, workspace=True)] == ["RC101"]


def test_entities_that_sentinel_does_not_have(checker: LogStore) -> None:
    mapping = {"entityType": "Account", "fieldMappings": [{"identifier": "Mail", "columnName": "UserPrincipalName"}]}
    assert codes(checker, {"entityMappings": [mapping]}) == ["RC401"]
    assert codes(checker, {"entityMappings": [{**mapping, "entityType": "Acount"}]}) == ["RC401"]


def test_the_matrix_of_techniques() -> None:
    assert tactics_of("T1078.004") == ("InitialAccess", "Persistence", "PrivilegeEscalation", "DefenseEvasion")
    assert tactics_of("T9999") is None
    assert {tactic for tactics in TECHNIQUE_TACTICS.values() for tactic in tactics} <= set(TACTICS)


@pytest.mark.req("P-088")
def test_the_rules_that_ship_have_no_errors_and_pass_their_tests(checker: LogStore) -> None:
    folder = Path(__file__).parents[2] / "src" / "vedette" / "content" / "demo"
    rules, problems = read_rules([folder])
    assert len(rules) >= 12
    errors = [one for one in lint(rules, problems, checker) if one.severity.value == "Error"]
    assert [str(one) for one in errors] == []
    results = [result for one in rules for result in run_tests(one)]
    assert len(results) >= 24
    assert [str(result) for result in results if not result.passed] == []


# -- differences


def test_what_differs() -> None:
    old, _ = read({}, {"id": "22222222-2222-4222-8222-222222222222", "name": "Gone"})
    new, _ = read(
        {"severity": "High", "query": RULE["query"].replace("> 1", "> 2")},
        {"id": "33333333-3333-4333-8333-333333333333", "name": "New"},
    )
    found = compare(old, new)
    assert [rule["name"] for rule in found["added"]] == ["New"]
    assert [rule["name"] for rule in found["removed"]] == ["Gone"]
    (changed,) = found["changed"]
    assert [(one["field"], one["old"], one["new"]) for one in changed["fields"] if one["field"] != "query"] == [
        ("severity", "Medium", "High")
    ]
    assert [line for line in changed["query"] if line[0] in "+-"][2:] == [
        "-| where Countries > 1",
        "+| where Countries > 2",
    ]
    assert compare(old, old)["unchanged"] == 2
    renamed, _ = read({"id": "44444444-4444-4444-8444-444444444444"})
    assert compare(old[:1], renamed)["changed"][0]["fields"][0]["field"] == "id"
