"""Tests beside a rule: rows of tables, and whether the rule raises alerts of them.

``tests`` is a list in the rule's own file. Each test runs the whole rule (query, threshold, grouping, entities) over a
store in memory that holds its rows and nothing else: at ``now`` over the rule's period, or, where no time is given, a
second after the newest row and over all of them.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeGuard
from xml.etree import ElementTree

from vedette.core.clock import Clock, VirtualClock
from vedette.core.errors import InvalidInput, VedetteError, nearest
from vedette.detect.alerts.alert import Alert, RuleRun, RunType
from vedette.detect.as_code.watchlists import GivenWatchlists
from vedette.detect.fitting import missing
from vedette.detect.reading.files import ReadRule
from vedette.detect.rule import AnalyticsRule, JsonValue
from vedette.detect.running.runner import RuleRunner
from vedette.kql import ticks
from vedette.kql.diagnostics import NO_WATCHLIST
from vedette.store.logstore import LogStore

FIELD: Final = "tests"
_DEFAULT_NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)
_TEST_FIELDS: Final = ("name", "now", "tables", "watchlists", "alerts")
_ALERT_FIELDS: Final = ("title", "severity", "rows", "start", "end", "entities", "customDetails")
_NOT_XML: Final = {code: None for code in range(32) if code not in (9, 10, 13)} | {0xFFFE: None, 0xFFFF: None}


@dataclass(frozen=True, slots=True)
class RuleTest:
    """One test of a rule."""

    name: str
    now: datetime
    period: timedelta
    tables: Mapping[str, tuple[Mapping[str, JsonValue], ...]]
    count: int
    """How many alerts are expected."""
    watchlists: Mapping[str, tuple[Mapping[str, JsonValue], ...]] = field(default_factory=dict)
    """The items of watchlists, by alias."""
    alerts: tuple[Mapping[str, JsonValue], ...] = ()
    """What is expected of each of them, in their order; empty where only their number is."""


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
    tests = []
    for _, test in _each(rule):
        if isinstance(test, InvalidInput):
            raise test
        tests.append(test)
    return tests


test_cases.__test__ = False  # type: ignore[attr-defined]  # no test of pytest's, wherever it is imported


def _each(rule: AnalyticsRule) -> Iterator[tuple[str, RuleTest | InvalidInput]]:
    """The name of each test beside a rule, and the test, or why it is none: one that is wrong keeps no other from being run."""
    given = rule.extra.get(FIELD)
    if given is not None and not isinstance(given, list):
        yield FIELD, InvalidInput("'tests' is a list of tests.", hint="Start each test with '- name: …'.")
        return
    names: set[str] = set()
    for number, one in enumerate(given or (), 1):
        name = str((isinstance(one, dict) and one.get("name")) or f"test {number}")
        try:
            if name in names:
                raise InvalidInput(f"Two tests are named '{name}'.", hint="Give each test a name of its own.")
            yield name, _read(rule, number, one)
        except InvalidInput as error:
            yield name, error
        names.add(name)


def _read(rule: AnalyticsRule, number: int, given: JsonValue) -> RuleTest:
    if not isinstance(given, dict):
        raise InvalidInput(f"Test {number} is not a mapping.", hint="A test has a name, rows and expect.")
    name = str(given.get("name") or f"test {number}")
    _only(given, _TEST_FIELDS, f"Test '{name}'")
    tables, lists = given.get("tables"), given.get("watchlists", {})
    if not _has_lists(tables):
        raise InvalidInput(f"Test '{name}': 'tables' names tables, each with a list of rows.", target=name)
    if not _has_lists(lists):
        raise InvalidInput(f"Test '{name}': 'watchlists' names watchlists, each with a list of items.", target=name)
    watchlists = {alias: tuple(items) for alias, items in lists.items()}
    moments = [
        _moment(name, row["TimeGenerated"]) for rows in tables.values() for row in rows if "TimeGenerated" in row
    ]
    period = rule.period
    if given.get("now") is not None:
        now = _moment(name, given["now"])
    elif moments:
        now = max(moments).replace(microsecond=0) + timedelta(seconds=1)
        period = max(period, now - min(moments))
    else:
        now = _DEFAULT_NOW
    usual = ticks.format_datetime(ticks.from_datetime(now - min(rule.period, rule.frequency) / 2))
    rows = {table: tuple({"TimeGenerated": usual, **row} for row in rows) for table, rows in tables.items()}
    alerts = given.get("alerts")
    if isinstance(alerts, int) and not isinstance(alerts, bool) and alerts >= 0:
        return RuleTest(name, now, period, rows, alerts, watchlists)
    if not isinstance(alerts, list) or not all(isinstance(one, dict) for one in alerts):
        raise InvalidInput(
            f"Test '{name}' does not say which alerts it expects.",
            hint="'alerts' is a list with what is expected of each ([] for none), or their number.",
        )
    for one in alerts:
        _only(one, _ALERT_FIELDS, f"An alert of test '{name}'")
        entities, custom = one.get("entities", []), one.get("customDetails", {})
        if not isinstance(entities, list) or not isinstance(custom, dict):
            raise InvalidInput(f"Test '{name}': 'entities' is a list, 'customDetails' a mapping.")
    return RuleTest(name, now, period, rows, len(alerts), watchlists, tuple(alerts))


def _has_lists(given: JsonValue) -> TypeGuard[dict[str, list[dict[str, JsonValue]]]]:
    """Whether it is a mapping of names to lists of mappings."""
    return isinstance(given, dict) and all(
        isinstance(rows, list) and all(isinstance(row, dict) for row in rows) for rows in given.values()
    )


def _moment(name: str, given: JsonValue) -> datetime:
    moment = ticks.parse_datetime(str(given))
    if moment is None:
        raise InvalidInput(f"Test '{name}': '{given}' is not a time.", hint="Write it like 2026-03-01T12:00:00Z.")
    return ticks.to_datetime(moment).astimezone(UTC)


def _only(given: Mapping[str, JsonValue], known: tuple[str, ...], what: str) -> None:
    for name in given:
        if name not in known:
            near = nearest(name, list(known))
            raise InvalidInput(
                f"{what} has a field '{name}', which no test has.",
                hint=f"Did you mean '{near}'?" if near else f"Known are {', '.join(known)}.",
            )


def run_tests(read: ReadRule) -> list[RuleTestResult]:
    """Run the tests beside a rule; one that cannot be read is a result with that error."""
    rule, file = read.rule, read.source.file
    results = []
    for name, test in _each(rule):
        began = time.perf_counter()
        wrong = error_text = None
        try:
            if isinstance(test, InvalidInput):
                raise test
            wrong = _run(rule, test)
        except VedetteError as error:
            error_text = f"{error} {error.hint or ''}".strip()
        results.append(RuleTestResult(rule.name, file, name, time.perf_counter() - began, wrong, error_text))
    return results


def _run(rule: AnalyticsRule, test: RuleTest) -> str | None:
    clock: Clock = VirtualClock(test.now)
    with LogStore(None, clock, content=GivenWatchlists(test.watchlists, test.now)) as logs:
        for table, rows in test.tables.items():
            logs.append(table, rows)
            if rows:
                _check_columns(logs, table)
                _check_values(logs, table, rows)
        _check_watchlists(logs, rule)
        run = RuleRunner(logs, clock).run(rule, test.now, test.period, RunType.SCHEDULED)
    if run.error is not None:
        place = "" if run.error.line is None else f" (line {run.error.line}, column {run.error.column} of the query)"
        raise InvalidInput(f"The rule could not be run: {run.error.message.rstrip('.')}{place}.")
    return failure(run, test)


def _check_columns(logs: LogStore, table: str) -> None:
    described = logs.describe(table)
    for name in described.extra if described.known else ():
        known = [field.name for field in described.fields]
        near = nearest(name, known)
        raise InvalidInput(
            f"{table} has no column '{name}', or not of the type of the value given for it.",
            hint=f"Did you mean '{near}'?" if near and near != name else None,
        )


def _check_values(logs: LogStore, table: str, rows: Iterable[Mapping[str, JsonValue]]) -> None:
    """A value that its column does not take would be nothing there, and a near miss for that reason alone."""
    given = Counter(name for row in rows for name, value in row.items() if value not in (None, ""))
    types = {
        one.name: str(one.type) for one in logs.describe(table).fields if str(one.type) not in ("string", "dynamic")
    }
    asked = [name for name in given if name in types]
    if not asked:
        return
    counts = ", ".join(f"countif(isnotnull(['{name}']))" for name in asked)
    [taken] = logs.query(f"['{table}'] | summarize {counts}").rows
    for name, number in zip(asked, taken, strict=True):
        if number != given[name]:
            raise InvalidInput(
                f"{table} takes a {types[name]} in its column '{name}', and a value given for it is none."
            )


def _check_watchlists(logs: LogStore, rule: AnalyticsRule) -> None:
    absent = [one for one in logs.check(rule.query).diagnostics if one.code == NO_WATCHLIST]
    for one in missing(rule.query, absent):
        raise InvalidInput(
            f"The rule reads the watchlist '{one['name']}', which the test does not have.",
            hint="Give its items under 'watchlists'; [] where it is empty.",
        )


def failure(run: RuleRun, test: RuleTest) -> str | None:
    """What of a run is not as a test expects it; None where all is."""
    if len(run.alerts) != test.count:
        wanted = "1 alert" if test.count == 1 else f"{test.count} alerts"
        return f"Expected {wanted}, got {len(run.alerts)} ({run.rows} result rows, trigger '{run.rule.trigger}')."
    for number, (alert, wanted_alert) in enumerate(zip(run.alerts, test.alerts), 1):
        seen = _seen(alert)
        for name, value in wanted_alert.items():
            got = seen[name]
            if name == "customDetails":
                got = {key: detail for key, detail in seen[name].items() if key in value}
            if got != value and not (name in ("start", "end") and _same_moment(got, value)):
                return f"{name} of alert {number} is {got!r}, not {value!r}."
    return None


def _same_moment(got: str, expected: JsonValue) -> bool:
    moment = ticks.parse_datetime(str(expected))
    return moment is not None and moment == ticks.parse_datetime(got)


def _seen(alert: Alert) -> dict[str, Any]:
    return {
        "title": alert.title,
        "severity": alert.severity.value,
        "rows": alert.rows,
        "start": alert.start,
        "end": alert.end,
        "entities": [entity.to_dict() for entity in alert.entities],
        "customDetails": {name: list(values) for name, values in alert.custom_details.items()},
    }


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
