"""Runs: threshold, grouping, times, details, ids; and what becomes of failures."""

from __future__ import annotations

import dataclasses
import itertools
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.detect.logs import Result, ScriptedLogs, table
from vedette.core.clock import VirtualClock
from vedette.core.errors import Unavailable
from vedette.detect.alerts.alert import Exhaustiveness, Outcome, RuleRun, RunType
from vedette.detect.alerts.limits import AlertLimits
from vedette.detect.alerts.moments import wire_datetime
from vedette.detect.rule import (
    AlertDetailsOverride,
    AnalyticsRule,
    DynamicProperty,
    Eagerness,
    EntityMapping,
    EventGrouping,
    FieldMapping,
    Operator,
    RuleKind,
    Severity,
    Threshold,
)
from vedette.detect.running.runner import RuleRunner
from vedette.kql.diagnostics import Diagnostic, KqlError
from vedette.store.logstore import LogStore

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
RULE = AnalyticsRule(
    id="11111111-2222-4333-8444-555555555555",
    name="A rule",
    query="T | where X",
    description="What it is about",
    query_frequency=timedelta(hours=1),
    query_period=timedelta(hours=4),
)


def moment(hour: int, minute: int = 0, tick: int = 0) -> str:
    return wire_datetime(datetime(2026, 3, 1, hour, minute, tzinfo=UTC))[:-2] + f"{tick}Z"


def run(
    result: Result | Exception, rule: AnalyticsRule = RULE, limits: AlertLimits | None = None, **more: Any
) -> RuleRun:
    def answer(*_: Any) -> Result:
        if isinstance(result, Exception):
            raise result
        return result

    return RuleRunner(ScriptedLogs(answer), VirtualClock(AT), limits).run(rule, AT, **more)


def test_the_query_is_asked_as_of_the_run(clock: VirtualClock) -> None:
    logs = ScriptedLogs(lambda *_: table([]))
    runner = RuleRunner(logs, clock)
    runner.run(RULE, AT)
    runner.run(RULE, AT, timedelta(days=14))
    assert logs.asked == [
        ("T | where X", AT, (AT - timedelta(hours=4), AT)),
        ("T | where X", AT, (AT - timedelta(days=14), AT)),
    ]


def count_of(operator: Operator, value: int) -> set[int]:
    rule = dataclasses.replace(RULE, trigger=Threshold(operator, value))
    return {
        n for n in range(5) if run(table([{"A": i} for i in range(n)], {"A": "long"}), rule).outcome is Outcome.MATCHED
    }


@pytest.mark.parametrize(
    "operator, fires",
    [
        (Operator.GT, {3, 4}),
        (Operator.GE, {2, 3, 4}),
        (Operator.LT, {0, 1}),
        (Operator.LE, {0, 1, 2}),
        (Operator.EQ, {2}),
        (Operator.NE, {0, 1, 3, 4}),
    ],
)
def test_threshold(operator: Operator, fires: set[int]) -> None:
    assert count_of(operator, 2) == fires


def test_a_run_that_does_not_match_has_no_alert() -> None:
    found = run(table([], {"TimeGenerated": "datetime"}))
    assert (found.outcome, found.rows, found.alerts, found.error) == (Outcome.NOT_MATCHED, 0, (), None)


def test_the_alert_and_its_line() -> None:
    rule = dataclasses.replace(
        RULE,
        entity_mappings=(EntityMapping("Account", (FieldMapping("FullName", "User"),)),),
        custom_details={"Where": "Country"},
    )
    rows = [
        {"TimeGenerated": moment(11, 30, 7), "User": "bob@x.com", "Country": "FR", "N": 2},
        {"TimeGenerated": moment(9, 15, 3), "User": "ann@x.com", "Country": "DE", "N": 1},
        {"TimeGenerated": moment(10), "User": "ann@x.com", "Country": "DE", "N": None},
    ]
    found = run(table(rows), rule)
    assert (found.outcome, found.rows, found.exhaustiveness) == (Outcome.MATCHED, 3, Exhaustiveness.COMPLETE)
    assert len(found.alerts) == 1
    alert = found.alerts[0]
    assert alert.to_line() == {
        "rule_id": RULE.id,
        "rule": "A rule",
        "severity": "Medium",
        "start": "2026-03-01T09:15:00.0000003Z",
        "end": "2026-03-01T11:30:00.0000007Z",
        "rows": 3,
        "entities": [{"type": "Account", "FullName": "ann@x.com"}, {"type": "Account", "FullName": "bob@x.com"}],
        "sample": [rows[1], rows[2], rows[0]],
        "custom_details": {"Where": ["DE", "FR"]},
    }
    assert (alert.title, alert.description, alert.generated, alert.notes) == ("A rule", "What it is about", AT, ())


@pytest.mark.parametrize(
    "row, start, end",
    [
        ({"TimeGenerated": moment(9), "StartTime": moment(8)}, moment(9), moment(9)),
        ({"StartTime": moment(8), "EndTime": moment(9)}, moment(8), moment(9)),
        ({"StartTimeUtc": moment(8), "EndTimeUtc": moment(9)}, moment(8), moment(9)),
        ({"min_TimeGenerated": moment(8), "max_TimeGenerated": moment(9)}, moment(8), moment(9)),
        ({"EndTime": moment(9)}, moment(8), moment(9)),
        ({"A": 1}, moment(8), moment(12)),
        ({"TimeGenerated": "yesterday"}, moment(8), moment(12)),
    ],
)
def test_times_of_an_alert(row: dict[str, Any], start: str, end: str) -> None:
    alert = run(table([row])).alerts[0]
    assert (alert.start, alert.end) == (start, end)


def test_an_alert_for_each_result() -> None:
    rule = dataclasses.replace(RULE, event_grouping=EventGrouping.ALERT_PER_RESULT)
    rows = [{"TimeGenerated": moment(9, n), "N": n} for n in range(3)] + [{"TimeGenerated": moment(9, 0), "N": 0}]
    found = run(table(rows), rule)
    assert [alert.rows for alert in found.alerts] == [1, 1, 1, 1]
    assert [alert.sample[0]["N"] for alert in found.alerts] == [0, 0, 1, 2]
    assert len({alert.id for alert in found.alerts}) == 4


def test_more_results_than_alerts() -> None:
    rows = [{"TimeGenerated": moment(9, n % 60), "N": n} for n in range(200)]
    rule = dataclasses.replace(RULE, event_grouping=EventGrouping.ALERT_PER_RESULT)
    found = run(table(rows), rule)
    assert len(found.alerts) == 150
    assert [alert.rows for alert in found.alerts] == [1] * 149 + [200]
    assert "stands for all 200 results" in found.alerts[-1].notes[0]
    nrt = dataclasses.replace(rule, kind=RuleKind.NRT)
    assert len(run(table(rows), nrt).alerts) == 30
    assert len(run(table(rows[:150]), rule).alerts) == 150


@given(
    st.lists(st.fixed_dictionaries({"N": st.integers(0, 3), "S": st.sampled_from(["a", "b"])}), max_size=6),
    st.randoms(use_true_random=False),
    st.sampled_from(list(EventGrouping)),
)
def test_the_same_rows_in_any_order_are_the_same_alerts(
    rows: list[dict[str, Any]], shuffle: random.Random, grouping: EventGrouping
) -> None:
    """Alerts depend on the result as a set of rows; and every row is in exactly one alert."""
    rule = dataclasses.replace(RULE, event_grouping=grouping, trigger=Threshold(Operator.GE, 0))
    mixed = list(rows)
    shuffle.shuffle(mixed)
    types = {"N": "long", "S": "string"}
    one, other = run(table(rows, types), rule), run(table(mixed, types), rule)
    assert one == other
    assert sum(alert.rows for alert in one.alerts) == len(rows)
    assert len({alert.id for alert in one.alerts}) == len(one.alerts)


def test_ids_follow_from_rule_window_and_group() -> None:
    first, again = run(table([{"A": 1}])), run(table([{"A": 1}]))
    assert (first.id, first.alerts[0].id) == (again.id, again.alerts[0].id)
    other_rule = run(table([{"A": 1}]), dataclasses.replace(RULE, id="another"))
    other_period = run(table([{"A": 1}]), period=timedelta(hours=5))
    ids = {found.alerts[0].id for found in (first, other_rule, other_period)}
    assert len(ids) == 3
    scheduled = run(table([{"A": 1}]), run_type=RunType.SCHEDULED)
    assert scheduled.alerts[0].id == first.alerts[0].id
    assert scheduled.id != first.id
    retried = run(table([{"A": 1}]), attempt=2)
    assert retried.id == first.id
    assert retried.search_id != first.search_id
    assert len(first.trace_id) == 32


OVERRIDE = AlertDetailsOverride(
    display_name_format="{{User}} from {{ Country }}",
    description_format="Seen {{N}} times: {{Bag}}",
    severity_column="Grade",
    tactics_column="Stages",
    dynamic_properties=(DynamicProperty("AlertLink", "Link"), DynamicProperty("Techniques", "Techs")),
)


def test_details_from_the_result() -> None:
    rule = dataclasses.replace(RULE, alert_details_override=OVERRIDE, techniques=("T1000",))
    row = {
        "User": "ann",
        "Country": "DE",
        "N": 3,
        "Bag": {"a": 1},
        "Grade": "high",
        "Stages": '["Initial Access","Nonsense"]',
        "Link": "https://x/1",
        "Techs": "T1078, T1110.001",
    }
    alert = run(table([row]), rule).alerts[0]
    assert alert.title == "ann from DE"
    assert alert.description == 'Seen 3 times: {"a":1}'
    assert alert.severity is Severity.HIGH
    assert alert.tactics == ("InitialAccess",)
    assert (alert.techniques, alert.sub_techniques) == (("T1078", "T1110"), ("T1110.001",))
    assert alert.properties["AlertLink"] == "https://x/1"
    assert alert.notes == ()
    assert alert.to_line()["rule"] == "A rule"
    assert alert.to_line()["title"] == "ann from DE"


def test_details_fall_back_to_the_rule_and_say_so() -> None:
    rule = dataclasses.replace(RULE, alert_details_override=OVERRIDE, tactics=("Impact",), custom_details={"X": "Nope"})
    alert = run(
        table(
            [
                {
                    "Usr": "ann",
                    "Country": "DE",
                    "N": 1,
                    "Bag": None,
                    "Grade": "Enormous",
                    "Stages": "Nonsense",
                    "Techs": "x",
                }
            ]
        ),
        rule,
    ).alerts[0]
    assert (alert.title, alert.severity, alert.tactics) == ("A rule", Severity.MEDIUM, ("Impact",))
    assert alert.description == rule.description
    assert alert.notes == (
        "The title is the rule's: the result has no column 'User' (nearest: 'Usr').",
        "The description is the rule's: column 'Bag' is empty.",
        "The severity is the rule's: column 'Grade' has no severity.",
        "The tactics are the rule's: column 'Stages' has no tactic.",
        "The AlertLink is the rule's: the result has no column 'Link'.",
        "Custom detail 'X' is missing: the result has no column 'Nope'.",
    )


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"ConfidenceLevel": "high", "ConfidenceScore": 0.75}, {"ConfidenceLevel": "High", "ConfidenceScore": "0.75"}),
        ({"ConfidenceLevel": "Very high", "ConfidenceScore": "NaN"}, {}),
        ({"ConfidenceLevel": "Unknown", "ConfidenceScore": 85}, {"ConfidenceLevel": "Unknown"}),
        ({"ConfidenceLevel": None, "ConfidenceScore": "-1"}, {}),
    ],
)
def test_properties_that_take_some_values_only(given: dict[str, Any], told: dict[str, str]) -> None:
    override = AlertDetailsOverride(dynamic_properties=tuple(DynamicProperty(name, name) for name in given))
    [alert] = run(table([given]), dataclasses.replace(RULE, alert_details_override=override)).alerts
    assert alert.properties == told
    assert len(alert.notes) == sum(value is not None and name not in told for name, value in given.items())


def test_limits_of_details_and_samples_are_said() -> None:
    rule = dataclasses.replace(
        RULE,
        alert_details_override=AlertDetailsOverride("{{Text}}", "{{Text}}"),
        custom_details={f"D{number}": "N" for number in range(25)} | {"Text": "Text"},
    )
    rows = [{"TimeGenerated": moment(9, n % 60), "N": n, "Text": "x" * 300_000} for n in range(60)]
    alert = run(table(rows), rule).alerts[0]
    assert len(alert.title) == 256
    assert len(alert.description) == 5000
    assert len(alert.custom_details) == 20
    assert len(alert.custom_details["D0"]) == 50
    assert len(alert.sample) == 20
    assert len(alert.sample[0]["Text"]) == 8192
    assert any("title was cut" in note for note in alert.notes)
    assert any("cut to 8,192 characters" in note for note in alert.notes)
    assert "An alert holds 20 custom details; further ones were left out." in alert.notes


def test_a_long_custom_detail_keeps_no_short_one_out() -> None:
    rule = dataclasses.replace(RULE, custom_details={"Long": "Text", "Short": "N"})
    rows = [{"TimeGenerated": moment(9, n), "N": n, "Text": str(n) * length} for n, length in enumerate((9, 5000, 9))]
    alert = run(table(rows), rule).alerts[0]
    assert alert.custom_details == {"Long": ("0" * 9, "2" * 9), "Short": ("0", "1", "2")}
    assert alert.notes == ("Custom details hold 4 KB: values of Long that did not fit were left out.",)


def test_what_is_no_placeholder_is_text() -> None:
    override = AlertDetailsOverride("{{ N }} {{ }} {{}} {N}")
    [alert] = run(table([{"N": 1}]), dataclasses.replace(RULE, alert_details_override=override)).alerts
    assert (alert.title, alert.notes) == ("1 {{ }} {{}} {N}", ())


def test_the_hash_tells_whether_the_rows_are_the_same() -> None:
    hashes = {
        run(table([{"A": a, "B": b} for a, b in rows])).alerts[0].rows_hash
        for rows in ([(1, 2)], [(1, 2), (1, 2)], [(2, 1)], [(1, 2), (2, 1)])
    }
    assert len(hashes) == 4


def test_how_often_an_event_was_loaded_is_no_part_of_an_alert() -> None:
    rule = dataclasses.replace(RULE, event_grouping=EventGrouping.ALERT_PER_RESULT)
    first = run(table([{"A": 1, "_ItemId": "i-1", "_TimeReceived": moment(9)}]), rule)
    again = run(table([{"A": 1, "_ItemId": "i-2", "_TimeReceived": moment(11)}]), rule)
    assert first.alerts == again.alerts
    assert first.alerts[0].sample == ({"A": 1},)


@pytest.mark.parametrize(
    "error, code, message, place",
    [
        (
            KqlError("T\n| wher X", [Diagnostic("KS100", "unknown operator 'wher'", 4, 4)]),
            "KS100",
            "unknown operator 'wher'",
            (2, 3),
        ),
        (
            Unavailable("The store is being moved.", code="VDT0503"),
            "VDT0503",
            "The store is being moved.",
            (None, None),
        ),
        (MemoryError("out of it"), "VDT0500", "MemoryError: out of it", (None, None)),
    ],
)
def test_failures_are_outcomes(error: Exception, code: str, message: str, place: tuple[int | None, int | None]) -> None:
    found = run(error)
    assert (found.outcome, found.alerts) == (Outcome.ERROR, ())
    assert found.error is not None
    assert (found.error.code, found.error.message, (found.error.line, found.error.column)) == (code, message, place)


def test_a_rule_without_a_query_is_refused_with_its_reason() -> None:
    found = run(table([{"A": 1}]), dataclasses.replace(RULE, kind=RuleKind.ML_BEHAVIOR_ANALYTICS))
    assert found.outcome is Outcome.ERROR
    assert found.error is not None
    assert "MLBehaviorAnalytics" in found.error.message


@pytest.mark.parametrize(
    "operator, outcome",
    [
        (Operator.GT, Outcome.MATCHED),
        (Operator.GE, Outcome.MATCHED),
        (Operator.NE, Outcome.ERROR),
        (Operator.LT, Outcome.ERROR),
        (Operator.EQ, Outcome.ERROR),
    ],
)
def test_a_result_that_was_cut_proves_only_more_than(operator: Operator, outcome: Outcome) -> None:
    rule = dataclasses.replace(RULE, trigger=Threshold(operator, 1))
    found = run(table([{"A": 1}, {"A": 2}], partial="the result has more than 2 rows"), rule)
    assert found.outcome is outcome
    assert found.exhaustiveness is Exhaustiveness.PARTIAL
    if outcome is Outcome.MATCHED:
        assert "Only a part of the result was read" in found.alerts[0].notes[0]
    else:
        assert found.error is not None
        assert "cannot be decided" in found.error.message


def test_an_eager_rule_stops_at_the_row_that_proves_it() -> None:
    rule = dataclasses.replace(RULE, query="T | where X;\n", trigger=Threshold(Operator.GT, 4, Eagerness.EAGER))
    logs = ScriptedLogs(lambda text, *_: table([{"A": n} for n in range(5)]))
    found = RuleRunner(logs, VirtualClock(AT)).run(rule, AT)
    assert logs.asked[0][0] == "T | where X\n| take 5"
    assert (found.outcome, found.exhaustiveness) == (Outcome.MATCHED, Exhaustiveness.PARTIAL)
    never = dataclasses.replace(rule, trigger=Threshold(Operator.LT, 4, Eagerness.EAGER))
    RuleRunner(logs, VirtualClock(AT)).run(never, AT)
    assert logs.asked[1][0] == "T | where X;\n"


def test_no_rows_can_trigger_too() -> None:
    rule = dataclasses.replace(RULE, trigger=Threshold(Operator.LT, 1), event_grouping=EventGrouping.ALERT_PER_RESULT)
    found = run(table([], {"TimeGenerated": "datetime"}), rule)
    assert found.outcome is Outcome.MATCHED
    assert [(alert.rows, alert.start, alert.end) for alert in found.alerts] == [(0, moment(8), moment(12))]
    assert list(itertools.chain(*(alert.notes for alert in found.alerts))) == []


@dataclasses.dataclass
class Cut:
    """A shape."""

    row_local: bool
    growing: bool
    keys: tuple[str, ...] | None = None
    tables: frozenset[str] = frozenset({"Events"})


class TooLong(Exception):
    """What the engine raises when a query's time is over."""

    code = "VDT2001"


@pytest.mark.parametrize(
    ("shape", "outcome", "rows", "exhaustiveness"),
    [
        (Cut(True, True), Outcome.MATCHED, 4, Exhaustiveness.COMPLETE),
        (Cut(False, True, ("Who",)), Outcome.MATCHED, 1, Exhaustiveness.PARTIAL),
        (Cut(False, False), Outcome.ERROR, 0, Exhaustiveness.COMPLETE),
    ],
)
def test_a_window_that_takes_too_long_is_searched_in_smaller_ones(
    shape: Cut, outcome: Outcome, rows: int, exhaustiveness: Exhaustiveness
) -> None:
    def answer(text: str, now: datetime, start: datetime, end: datetime) -> Result:
        if end - start > timedelta(minutes=15):
            raise TooLong("the query was stopped after 600 seconds")
        return table([{"Who": "ann", "Start": wire_datetime(start)}])

    logs = ScriptedLogs(answer)
    logs.shape = lambda text: shape  # type: ignore[attr-defined]
    runner = RuleRunner(logs, VirtualClock(AT), shapes=logs)  # type: ignore[arg-type]
    hourly = dataclasses.replace(RULE, query_period=timedelta(hours=1))
    first = runner.run(hourly, AT, run_type=RunType.SCHEDULED)
    assert (first.outcome, first.error and first.error.code) == (Outcome.ERROR, "VDT2001")
    second = runner.run(hourly, AT, run_type=RunType.SCHEDULED, attempt=2)
    assert (second.outcome, second.rows, second.exhaustiveness) == (outcome, rows, exhaustiveness)
    if shape.keys:
        assert "4 parts" in second.alerts[0].notes[0]


@pytest.mark.parametrize("end", ["", ";", "; // of interest", " // of interest;", " | render table"])
def test_an_eager_rule_runs_whatever_its_query_ends_with(end: str) -> None:
    rule = dataclasses.replace(
        RULE, query=f"range N from 1 to 9 step 1{end}", trigger=Threshold(Operator.GT, 4, Eagerness.EAGER)
    )
    with LogStore(None, VirtualClock(AT)) as logs:
        found = RuleRunner(logs, VirtualClock(AT)).run(rule, AT)
    assert (found.outcome, found.rows, found.exhaustiveness) == (Outcome.MATCHED, 5, Exhaustiveness.PARTIAL), (
        found.error
    )
