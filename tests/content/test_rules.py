"""The rules that ship: each one's own tests, and what every one of them has to be."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from vedette.content import demo
from vedette.content.templates import RULES as TEMPLATES
from vedette.content.templates import template, templates
from vedette.core.clock import VirtualClock
from vedette.core.errors import NotFound
from vedette.detect.alerts.alert import Outcome, RuleRun
from vedette.detect.as_code.rule_tests import RuleTest, failure, test_cases
from vedette.detect.reading.files import ReadRule, read_rules
from vedette.detect.rule import AnalyticsRule, RuleKind, Severity
from vedette.detect.running.runner import RuleRunner
from vedette.store import catalog
from vedette.store.logstore import LogStore
from vedette.store.report import LoadOptions

# The tactics of each technique, as MITRE ATT&CK (Enterprise, version 14) and Microsoft Sentinel name them.
TACTICS = {
    "T1003": {"CredentialAccess"},
    "T1071": {"CommandAndControl"},
    "T1078": {"DefenseEvasion", "InitialAccess", "Persistence", "PrivilegeEscalation"},
    "T1098": {"Persistence", "PrivilegeEscalation"},
    "T1110": {"CredentialAccess"},
    "T1204": {"Execution"},
    "T1485": {"Impact"},
    "T1490": {"Impact"},
    "T1528": {"CredentialAccess"},
    "T1530": {"Collection"},
    "T1550": {"DefenseEvasion", "LateralMovement"},
    "T1556": {"CredentialAccess", "DefenseEvasion", "Persistence"},
    "T1564": {"DefenseEvasion"},
    "T1566": {"InitialAccess"},
    "T1578": {"DefenseEvasion"},
    "T1651": {"Execution"},
}

READ, PROBLEMS = read_rules([demo.RULES, TEMPLATES])
RULES = [pytest.param(read, id=Path(read.source.file).stem) for read in READ]


def cases() -> Iterator[Any]:
    for read in READ:
        for case in test_cases(read.rule):
            yield pytest.param(read.rule, case, id=f"{Path(read.source.file).stem}: {case.name}")


def run_case(rule: AnalyticsRule, case: RuleTest, folder: Path) -> RuleRun:
    """Runs a rule over a test's rows, which are loaded like anybody's."""
    for table, rows in case.tables.items():
        (folder / table).mkdir()
        (folder / table / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        columns = {field.name for field in catalog.schema(table) or ()}
        for row in rows:
            assert set(row) <= columns, f"{table} has no column {sorted(set(row) - columns)}"
    with LogStore(None, VirtualClock(case.now)) as store:
        report = store.load([folder], LoadOptions())
        assert not report.failed
        assert not report.bad
        return RuleRunner(store, VirtualClock(case.now)).run(rule, case.now, case.period)


def test_every_rule_is_read_without_findings() -> None:
    assert [str(problem) for problem in PROBLEMS] == []
    assert len([read for read in READ if "Demo" in read.rule.tags]) == 13
    assert {read.rule.id for read in READ} == {one.read.rule.id for one in templates()}
    assert len({read.rule.id for read in READ}) == len(READ)
    assert len({read.rule.name for read in READ}) == len(READ)


@pytest.mark.req("P-087", "P-088")
@pytest.mark.parametrize("rule, case", list(cases()))
def test_rule_does_what_its_tests_say(rule: AnalyticsRule, case: RuleTest, tmp_path: Path) -> None:
    run = run_case(rule, case, tmp_path)
    assert run.error is None, run.error
    assert [note for alert in run.alerts for note in alert.notes] == []
    assert failure(run, case) is None
    assert (run.outcome is Outcome.MATCHED) == bool(case.count)


@pytest.mark.parametrize("read", RULES)
def test_rule_is_complete(read: ReadRule) -> None:
    rule = read.rule
    fired = [case for case in rule.extra["tests"] if case["alerts"]]
    silent = [case for case in rule.extra["tests"] if not case["alerts"]]
    assert fired
    assert silent
    assert any("entities" in alert for case in fired for alert in case["alerts"])
    assert rule.entity_mappings or rule.sentinel_entities_columns
    assert rule.custom_details
    assert rule.description.count(".") >= 2  # what it is, and what to do
    assert rule.incident.grouping.enabled or rule.kind in (RuleKind.ANOMALY, RuleKind.FUSION)
    # What lies before the demo's rules were imported is found once: a longer period would find it again with every run.
    assert "Demo" not in rule.tags or rule.period == rule.frequency


@pytest.mark.parametrize("read", RULES)
def test_tactics_and_techniques_agree(read: ReadRule) -> None:
    rule = read.rule
    assert rule.techniques or rule.kind is RuleKind.FUSION  # whose alerts have those of what they correlate
    assert set(rule.tactics) <= {tactic for technique in rule.techniques for tactic in TACTICS[technique]}
    for technique in rule.techniques:
        assert TACTICS[technique] & set(rule.tactics)
    assert {technique.split(".")[0] for technique in rule.sub_techniques} <= set(rule.techniques)


@pytest.mark.parametrize("read", RULES)
def test_query_names_only_the_tables_that_the_rule_requires(read: ReadRule) -> None:
    """The shipped schemas hold every table and column, and every required table is asked for."""
    with LogStore(None, VirtualClock(datetime.fromisoformat("2024-05-14T12:00:00+00:00"))) as store:
        check = store.check(read.rule.query)
    assert [str(finding) for finding in check.diagnostics] == []
    required = {table for connector in read.rule.required_data_connectors for table in connector.data_types}
    asked = set(re.findall(r"^(?:let \w+ = )?[ ]*(\w+)$", read.rule.query, re.MULTILINE))
    assert required == asked & set(catalog.known_tables())


def test_a_template_is_found_by_id_or_name() -> None:
    one = template("unusual sign-ins of an application")
    assert template(one.read.rule.id.upper()) is one
    assert one.text.startswith(f"id: {one.read.rule.id}")
    assert one.tables == ("AADServicePrincipalSignInLogs",)
    with pytest.raises(NotFound) as refused:
        template("Unusual sign-ins of an aplication")
    assert one.read.rule.name in (refused.value.hint or "")


def test_severities_are_mixed() -> None:
    assert {read.rule.severity for read in READ} >= {Severity.HIGH, Severity.MEDIUM}
