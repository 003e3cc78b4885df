"""Sigma rules in: what they find in rows of our tables, and what cannot be a query here."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from vedette.core.clock import SystemClock
from vedette.core.database import State
from vedette.detect.alerts.alert import Outcome, RunType
from vedette.detect.alerts.limits import AlertLimits
from vedette.detect.alerts.moments import from_wire
from vedette.detect.export.layout import to_layout
from vedette.detect.library import RuleLibrary
from vedette.detect.reading.files import read_rule_text, read_rule_texts, read_rules
from vedette.detect.reading.problems import ProblemSeverity
from vedette.detect.rule import AnalyticsRule, RuleKind, Severity
from vedette.detect.running.runner import RuleRunner
from vedette.detect.storage import rule_from_layout
from vedette.store.logstore import LogStore

FOLDER = Path(__file__).parent / "sigma"
CASES: list[dict[str, Any]] = yaml.safe_load((FOLDER / "cases.yaml").read_text(encoding="utf-8"))
UNMAPPED: list[dict[str, Any]] = yaml.safe_load((FOLDER / "unmapped.yaml").read_text(encoding="utf-8"))
START = datetime(2024, 3, 1, tzinfo=UTC)


def start(case: dict[str, Any]) -> datetime:
    return START + timedelta(days=CASES.index(case))


def moments(case: dict[str, Any]) -> list[datetime]:
    return [start(case) + timedelta(seconds=row.get("at", at)) for at, row in enumerate(case["rows"])]


@pytest.fixture(scope="module")
def logs() -> Iterator[LogStore]:
    """The rows of all cases, each case on a day of its own."""
    tables: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for case in CASES:
        for row, moment in zip(case["rows"], moments(case)):
            kept = {name: value for name, value in row.items() if name not in ("table", "at")}
            tables[row["table"]].append({**kept, "TimeGenerated": moment.isoformat()})
    with LogStore(None, SystemClock()) as store:
        for table, rows in tables.items():
            store.append(table, rows)
        yield store


def found(rule: AnalyticsRule, case: dict[str, Any], logs: LogStore) -> list[int]:
    """The numbers of the rows that the rule finds, run for each of its windows within half an hour."""
    runner = RuleRunner(logs, SystemClock(), AlertLimits(sample_rows=1000))
    numbers: list[int] = []
    times = moments(case)
    at = start(case) + rule.frequency
    while at <= start(case) + timedelta(minutes=30):
        run = runner.run(rule, at, run_type=RunType.SCHEDULED)
        assert run.outcome is not Outcome.ERROR, run.error
        for alert in run.alerts:
            numbers += [times.index(from_wire(str(row["TimeGenerated"]))) for row in alert.sample]
        at += rule.frequency
    assert [number for number, times_found in Counter(numbers).items() if times_found > 1] == [], "found by two windows"
    return sorted(numbers)


@pytest.mark.req("P-082", "P-088", "P-089")
@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_rules_find_their_rows(case: dict[str, Any], logs: LogStore) -> None:
    read, problems = read_rule_text(case["sigma"], "rules.yml")
    rules = {one.rule.name: one.rule for one in read}
    assert {one.rule.unmapped for one in read} == {None}
    assert [one for one in problems if one.severity is ProblemSeverity.ERROR] == []
    for message in case.get("said", []):
        assert any(message in problem.message for problem in problems), [str(problem) for problem in problems]
    if "said" not in case:
        assert problems == []
    assert [name for name, rule in rules.items() if not rule.enabled] == case.get("switched_off", [])
    assert {name: found(rules[name], case, logs) for name in case["found"]} == case["found"]


def test_a_filter_narrows_what_a_rule_counts() -> None:
    source = "logsource: {product: windows, service: security}"
    counting = "detection: {sel: {EventID: 4625}, timeframe: 5m, condition: sel | count() > 3}"
    kept_out = "filter: {rules: [failed], selection: {Computer: LAB}, condition: not selection}"
    text = f"title: A\nname: failed\n{source}\n{counting}\n---\ntitle: Not the lab\n{source}\n{kept_out}\n"
    [read], problems = read_rule_text(text, "a.yml")
    assert problems == []
    assert "LAB" in read.rule.query
    assert "prev(TimeGenerated, 3)" in read.rule.query  # the third before it is one of four


def test_tactics_that_attack_divided_since() -> None:
    tags = "[attack.stealth, attack.defense-impairment, attack.t1685.001, attack.persistence, attack.nonsense]"
    text = f"title: A\ntags: {tags}\nlogsource: {{product: azure, service: signinlogs}}\n"
    [read], problems = read_rule_text(text + "detection: {sel: {ResultType: 1}, condition: sel}\n", "a.yml")
    assert (read.rule.tactics, read.rule.techniques) == (("DefenseEvasion", "Persistence"), ("T1685",))
    assert problems == []


@pytest.mark.req("P-088")
@pytest.mark.parametrize("case", UNMAPPED)
def test_what_is_no_query_is_kept_and_says_why(case: dict[str, Any]) -> None:
    read, _ = read_rule_text(case["sigma"], "rules.yml")
    rule = next(one.rule for one in read if one.rule.name == "A")
    assert rule.query == ""
    assert rule.unmapped is not None
    assert case["reason"] in rule.unmapped
    if "missing" in case:
        assert rule.extra["sigma"]["missing"] == case["missing"]
    assert rule.not_runnable is not None


FULL = """\
title: Suspicious thing
id: 0a1b2c3d-0000-4000-8000-000000000001
related: [{id: 0a1b2c3d-0000-4000-8000-000000000002, type: obsolete}]
status: stable
description: Something happened.
references: ['https://example.org/a']
author: A Person
date: 2024-01-31
modified: 2024/02/01
tags: [attack.initial-access, attack.privilege_escalation, attack.t1078.004, attack.t1190, attack.g0016, cve.2024-1234, detection.emerging-threats]
logsource: {product: azure, service: signinlogs}
detection: {sel: {ResultType: 0}, condition: sel}
fields: [UserAgent, NoSuchField]
falsepositives: [Admins]
level: critical
"""


@pytest.mark.req("P-088")
def test_everything_of_a_rule_is_kept(state: State, workspace: str) -> None:
    read, problems = read_rule_text(FULL, "azure.yml")
    (one,) = read
    rule = one.rule
    assert problems == []
    assert (one.source.format, one.source.original["author"]) == ("sigma", "A Person")
    assert (rule.id, rule.name, rule.severity) == (
        "0a1b2c3d-0000-4000-8000-000000000001",
        "Suspicious thing",
        Severity.HIGH,
    )
    assert rule.tactics == ("InitialAccess", "PrivilegeEscalation")
    assert (rule.techniques, rule.sub_techniques) == (("T1078", "T1190"), ("T1078.004",))
    assert rule.metadata["sigma"]["falsepositives"] == ["Admins"]
    assert "cve.2024-1234" in rule.tags
    assert (rule.kind, rule.query_frequency, rule.query_period) == (
        RuleKind.SCHEDULED,
        timedelta(minutes=5),
        timedelta(minutes=5),
    )
    assert [(m.entity_type, [f.identifier for f in m.fields]) for m in rule.entity_mappings] == [
        ("Account", ["FullName", "AadUserId"]), ("IP", ["Address"]),
    ]  # fmt: skip
    assert "UserAgent" in rule.query
    library = RuleLibrary(state, workspace, SystemClock())
    assert library.import_(read).added == [rule.id]
    assert library.get(rule.id).rule == rule
    assert library.import_(read_rule_text(FULL, "azure.yml")[0]).unchanged == [rule.id]


@pytest.mark.req("P-088")
def test_a_folder_of_files_that_refer_to_each_other(tmp_path: Path) -> None:
    base, together = CASES[-2]["sigma"].split("---\ntitle: Both", 1)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "correlation.yml").write_text("title: Both" + together)
    (tmp_path / "base.yaml").write_text(base)
    (tmp_path / "one.json").write_text(
        '{"title": "J", "logsource": {"product": "linux"}, "detection": {"k": ["x"], "condition": "k"}}'
    )
    read, problems = read_rules([tmp_path])
    assert {one.rule.name: bool(one.rule.query) for one in read} == dict.fromkeys(
        ("J", "Both", "Then", "Either", "Failure", "Success"), True
    )
    assert problems == []
    files = [("b.yml", base), ("a.yml", "title: Both" + together)]
    assert all(one.rule.query for one in read_rule_texts(files)[0])


def test_a_rule_without_a_title_is_a_finding() -> None:
    read, problems = read_rule_text("logsource: {product: linux}\ndetection: {k: [x], condition: k}\n", "x.yml")
    assert read == []
    assert [str(one) for one in problems] == ["x.yml:1: the Sigma rule has no 'title'. Give it one."]


@pytest.mark.req("P-088")
def test_a_rule_that_was_no_query_is_tried_again_when_it_is_read() -> None:
    """As after an update that knows its log source: what was kept says it is unmapped, what reads it makes it a query."""
    source = yaml.safe_load("title: A\nlogsource: {product: linux}\ndetection: {k: [x], condition: k}\n")
    kept = AnalyticsRule(
        "a", "A", query_frequency=timedelta(minutes=5), query_period=timedelta(minutes=5),
        extra={"sigma": {"unmapped": "the log source is not known", "missing": [], "source": source}},
    )  # fmt: skip
    rule = rule_from_layout(to_layout(kept), "a")
    assert rule.unmapped is None
    assert rule.query.startswith("Syslog")
    still = AnalyticsRule(
        "b",
        "B",
        extra={"sigma": {"unmapped": "why", "missing": [], "source": {**source, "logsource": {"product": "zeek"}}}},
    )
    assert rule_from_layout(to_layout(still), "b").unmapped == "why"
