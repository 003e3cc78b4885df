"""Tests beside a rule: rows of tables, and whether the rule raises alerts of them.

``tests`` is a list in the rule's own file. Each test runs the whole rule (query, threshold, grouping, entities) over a
store in memory that holds its rows and nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from xml.etree import ElementTree

from vedette.core.clock import Clock, VirtualClock
from vedette.core.errors import InvalidInput, VedetteError, nearest
from vedette.detect.alert import Alert, RuleRun, RunType
from vedette.detect.reading import ReadRule
from vedette.detect.rule import AnalyticsRule, JsonValue
from vedette.detect.runner import RuleRunner
from vedette.kql import ticks
from vedette.store.logstore import LogStore

FIELD: Final = "tests"
_DEFAULT_NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)
_TEST_FIELDS: Final = ("name", "now", "rows", "expect")
_EXPECT_FIELDS: Final = ("alerts", "severity", "title", "entities")
_NOT_XML: Final = {code: None for code in range(32) if code not in (9, 10, 13)} | {0xFFFE: None, 0xFFFF: None}


@dataclass(frozen=True, slots=True)
class Expected:
    """What a test expects. `alerts` None: at least one."""

    alerts: int | None
    severity: str | None = None
    title: str | None = None
    entities: tuple[Mapping[str, JsonValue], ...] = ()


@dataclass(frozen=True, slots=True)
class RuleTest:
    """One test of a rule."""

    name: str
    now: datetime
    rows: Mapping[str, tuple[Mapping[str, JsonValue], ...]]
    expected: Expected


@dataclass(frozen=True, slots=True)
class RuleTestResult:
    """What became of a test: `failure` when the alerts are not those expected, `error` when it could not be run."""

    rule: str
    file: str
    name: str
    seconds: float
    failure: str | None = None
    error: str | None = None

    @property
    def passed(self) -> bool:
        """Whether it is as it should be."""
        return self.failure is None and self.error is None

    def to_dict(self) -> dict[str, Any]:
        """The result as JSON."""
        outcome = "passed" if self.passed else "failed" if self.error is None else "error"
        told = {"rule": self.rule, "file": self.file, "test": self.name, "outcome": outcome}
        return told | ({} if self.passed else {"message": self.failure or self.error})


def test_cases(rule: AnalyticsRule) -> list[RuleTest]:
    """The tests beside a rule. Raises `InvalidInput` that says which test is not one, and why."""
    given = rule.extra.get(FIELD)
    if given is None:
        return []
    if not isinstance(given, list):
        raise InvalidInput("'tests' is a list of tests.", hint="Start each test with '- name: …'.")
    tests = [_read(rule, number, one) for number, one in enumerate(given, 1)]
    names = [test.name for test in tests]
    for name in names:
        if names.count(name) > 1:
            raise InvalidInput(f"Two tests are named '{name}'.", hint="Give each test a name of its own.")
    return tests


test_cases.__test__ = False  # type: ignore[attr-defined]  # no test of pytest's, wherever it is imported


def _read(rule: AnalyticsRule, number: int, given: JsonValue) -> RuleTest:
    if not isinstance(given, dict):
        raise InvalidInput(f"Test {number} is not a mapping.", hint="A test has a name, rows and expect.")
    name = str(given.get("name") or f"test {number}")
    _only(given, _TEST_FIELDS, f"Test '{name}'")
    tables = given.get("rows")
    if not isinstance(tables, dict) or not all(
        isinstance(rows, list) and all(isinstance(row, dict) for row in rows) for rows in tables.values()
    ):
        raise InvalidInput(f"Test '{name}': 'rows' names tables, each with a list of rows.", target=name)
    now = _now(name, given.get("now"), tables)
    usual = ticks.format_datetime(ticks.from_datetime(now - min(rule.period, rule.frequency) / 2))
    rows = {table: tuple({"TimeGenerated": usual, **row} for row in rows) for table, rows in tables.items()}
    return RuleTest(name, now, rows, _expected(name, given.get("expect")))


def _now(name: str, given: JsonValue, tables: Mapping[str, list[dict[str, JsonValue]]]) -> datetime:
    if given is not None:
        moment = ticks.parse_datetime(str(given))
        if moment is None:
            raise InvalidInput(f"Test '{name}': '{given}' is not a time.", hint="Write it like 2026-03-01T12:00:00Z.")
        return ticks.to_datetime(moment).astimezone(UTC)
    latest: datetime | None = None
    for table, rows in tables.items():
        for row in rows:
            if "TimeGenerated" in row:
                moment = ticks.parse_datetime(str(row["TimeGenerated"]))
                if moment is None:
                    raise InvalidInput(f"Test '{name}': '{row['TimeGenerated']}' in {table} is not a time.")
                at = ticks.to_datetime(moment).astimezone(UTC)
                latest = at if latest is None else max(latest, at)
    return _DEFAULT_NOW if latest is None else latest.replace(microsecond=0) + timedelta(seconds=1)


def _expected(name: str, given: JsonValue) -> Expected:
    if isinstance(given, bool) or given is None:
        raise InvalidInput(
            f"Test '{name}' does not say what it expects.", hint="expect: alert, none, a number of alerts, or details."
        )
    if isinstance(given, int) and given >= 0:
        return Expected(given)
    if given in ("alert", "none"):
        return Expected(None if given == "alert" else 0)
    if not isinstance(given, dict):
        raise InvalidInput(f"Test '{name}': expect is 'alert', 'none', a number of alerts, or details of the alerts.")
    _only(given, _EXPECT_FIELDS, f"expect of test '{name}'")
    alerts, entities = given.get("alerts"), given.get("entities", [])
    if alerts is not None and (isinstance(alerts, bool) or not isinstance(alerts, int) or alerts < 0):
        raise InvalidInput(f"Test '{name}': '{alerts}' is not a number of alerts.")
    if not isinstance(entities, list) or not all(isinstance(one, dict) and "type" in one for one in entities):
        raise InvalidInput(f"Test '{name}': each of the entities has a type and identifiers.")
    texts = {key: None if given.get(key) is None else str(given[key]) for key in ("severity", "title")}
    return Expected(alerts, texts["severity"], texts["title"], tuple(entities))


def _only(given: Mapping[str, JsonValue], known: tuple[str, ...], what: str) -> None:
    for field in given:
        if field not in known:
            near = nearest(field, list(known))
            raise InvalidInput(
                f"{what} has a field '{field}', which no test has.",
                hint=f"Did you mean '{near}'?" if near else f"Known are {', '.join(known)}.",
            )


def run_tests(read: ReadRule) -> list[RuleTestResult]:
    """Run the tests beside a rule; tests that cannot be read are one result with that error."""
    rule, file = read.rule, read.source.file
    try:
        tests = test_cases(rule)
    except InvalidInput as error:
        return [RuleTestResult(rule.name, file, FIELD, 0.0, error=f"{error} {error.hint or ''}".strip())]
    results = []
    for test in tests:
        began = time.perf_counter()
        failure = error_text = None
        try:
            failure = _run(rule, test)
        except VedetteError as error:
            error_text = f"{error} {error.hint or ''}".strip()
        results.append(RuleTestResult(rule.name, file, test.name, time.perf_counter() - began, failure, error_text))
    return results


def _run(rule: AnalyticsRule, test: RuleTest) -> str | None:
    clock: Clock = VirtualClock(test.now)
    with LogStore(None, clock) as logs:
        for table, rows in test.rows.items():
            logs.append(table, rows)
            if rows:
                _check_columns(logs, table)
        run = RuleRunner(logs, clock).run(rule, test.now, run_type=RunType.SCHEDULED)
    if run.error is not None:
        place = "" if run.error.line is None else f" (line {run.error.line}, column {run.error.column} of the query)"
        raise InvalidInput(f"The rule could not be run: {run.error.message.rstrip('.')}{place}.")
    return _failure(run, test.expected)


def _check_columns(logs: LogStore, table: str) -> None:
    described = logs.describe(table)
    for name in described.extra if described.known else ():
        known = [field.name for field in described.fields]
        near = nearest(name, known)
        raise InvalidInput(
            f"{table} has no column '{name}', or not of the type of the value given for it.",
            hint=f"Did you mean '{near}'?" if near and near != name else None,
        )


def _failure(run: RuleRun, expected: Expected) -> str | None:
    count = len(run.alerts)
    wanted = "at least one alert" if expected.alerts is None else f"{expected.alerts} alerts"
    if (count == 0) if expected.alerts is None else (count != expected.alerts):
        return f"Expected {wanted}, got {count} ({run.rows} result rows, trigger '{run.rule.trigger}')."
    for what, value, got in (
        ("severity", expected.severity, [alert.severity.value for alert in run.alerts]),
        ("title", expected.title, [alert.title for alert in run.alerts]),
    ):
        if value is not None and any(one != value for one in got):
            return f"Expected the {what} '{value}', got {', '.join(map(repr, dict.fromkeys(got)))}."
    for entity in expected.entities:
        if not any(_has(alert, entity) for alert in run.alerts):
            got_entities = [one.to_dict() for alert in run.alerts for one in alert.entities]
            return f"Expected an entity {dict(entity)}, got {got_entities}."
    return None


def _has(alert: Alert, wanted: Mapping[str, JsonValue]) -> bool:
    return any(wanted.items() <= entity.to_dict().items() for entity in alert.entities)


def junit(results: list[RuleTestResult]) -> str:
    """The results as JUnit XML: a suite for each file, a case for each test."""
    root = ElementTree.Element("testsuites", _counts(results))
    for file in dict.fromkeys(result.file for result in results):
        own = [result for result in results if result.file == file]
        suite = ElementTree.SubElement(root, "testsuite", {"name": _xml(file), **_counts(own)})
        for result in own:
            case = ElementTree.SubElement(
                suite,
                "testcase",
                {
                    "classname": _xml(result.rule), "name": _xml(result.name), "file": _xml(result.file),
                    "time": f"{result.seconds:.3f}",
                },
            )  # fmt: skip
            for kind, message in (("failure", result.failure), ("error", result.error)):
                if message is not None:
                    ElementTree.SubElement(case, kind, {"message": _xml(message)}).text = _xml(message)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _counts(results: list[RuleTestResult]) -> dict[str, str]:
    return {
        "tests": str(len(results)),
        "failures": str(sum(result.failure is not None for result in results)),
        "errors": str(sum(result.error is not None for result in results)),
        "time": f"{sum(result.seconds for result in results):.3f}",
    }


def _xml(text: str) -> str:
    return text.encode("utf-8", "replace").decode().translate(_NOT_XML)
