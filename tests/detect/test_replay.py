"""Replay: the scheduler over a past time gives the same bytes each time, and what the live scheduler gave."""

from __future__ import annotations

import dataclasses
import json
import random
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from tests.detect.rules import as_read, rule
from tests.plugins.state import NOON
from vedette.core.clock import SystemClock, VirtualClock
from vedette.core.database import State
from vedette.core.errors import InvalidInput
from vedette.core.roles import SYSTEM
from vedette.detect.alerts.alert import RuleRun
from vedette.detect.alerts.moments import wire_datetime
from vedette.detect.library import RuleLibrary
from vedette.detect.rule import (
    AnalyticsRule,
    EntityMapping,
    EventGrouping,
    FieldMapping,
    Operator,
    RuleKind,
    Suppression,
    Threshold,
)
from vedette.detect.running.late import LateEvents
from vedette.detect.running.ledger import Ledger
from vedette.detect.running.replay import Replayer, alert_line, difference, summary
from vedette.detect.running.runner import RuleRunner
from vedette.detect.running.scheduler import ScheduleOptions, Scheduler
from vedette.detect.tuning.exceptions import RuleExceptions
from vedette.store.logstore import LogStore

HOUR = timedelta(hours=1)
MAPPED = (EntityMapping("Account", (FieldMapping("FullName", "Who"),)),)


def rules() -> list[AnalyticsRule]:
    """Rules that differ in what replay must get right: grouping, thresholds, look-back, suppression, NRT."""
    found = "Events_CL | where Bad == 1"
    each = EventGrouping.ALERT_PER_RESULT
    return [
        rule(1, query=found, event_grouping=each, entity_mappings=MAPPED),
        rule(
            2, query=f"{found} | summarize n = count() by Who | where n > 1", query_period=3 * HOUR,
            entity_mappings=MAPPED, event_grouping=each,
        ),
        rule(3, query=found, trigger=Threshold(Operator.GT, 1), query_frequency=HOUR / 2),
        rule(4, query=found, suppression=Suppression(True, 2 * HOUR)),
        rule(5, query=found, kind=RuleKind.NRT, query_frequency=None, query_period=None, event_grouping=each),
        rule(6, query="Events_CL | where ingestion_time() > ago(1d) | where Bad == 1 and TimeGenerated > ago(30m)"),
    ]  # fmt: skip


def events(seed: int, hours: int) -> list[tuple[datetime, dict[str, object]]]:
    source = random.Random(seed)
    made = []
    for number in range(hours * 4):
        at = NOON - HOUR + timedelta(seconds=source.randrange(hours * 3600), microseconds=source.randrange(10**6))
        made.append((at, {"Who": source.choice(["ann", "bob"]), "Bad": int(source.random() < 0.4), "N": number}))
    return sorted(made, key=lambda event: event[0])


@pytest.fixture
def logs(clock: VirtualClock) -> Iterator[LogStore]:
    with LogStore(None, clock) as store:
        store.append("Events_CL", [{"TimeGenerated": wire_datetime(NOON - 99 * HOUR), "Who": "x", "Bad": 0, "N": -1}])
        yield store


def replayed(logs: LogStore, one: AnalyticsRule, start: datetime, end: datetime) -> str:
    with Replayer(logs, SystemClock()) as replayer:
        return "\n".join(json.dumps(line) for line in replayer.replay(one, start, end).lines)


@pytest.mark.req("P-082", "P-084")
@pytest.mark.parametrize("number", range(6))
def test_live_equals_replay_and_replay_equals_replay(
    state: State, workspace: str, clock: VirtualClock, logs: LogStore, number: int
) -> None:
    one = rules()[number]
    hours = 3 if one.kind is RuleKind.NRT else 12
    live: list[RuleRun] = []
    library, ledger = RuleLibrary(state, workspace, clock), Ledger(state, workspace, clock)
    options = ScheduleOptions(ingestion_delay=timedelta(minutes=5), tick_runs=10**6)
    scheduler = Scheduler(
        state, library, RuleRunner(logs, clock), ledger, clock, live.append, options,
        LateEvents(state, workspace, logs, clock),
    )  # fmt: skip
    library.import_(as_read(one))
    coming = events(number, hours)
    while clock.now() < NOON + hours * HOUR:
        while coming and coming[0][0] <= clock.now():
            at, values = coming.pop(0)
            logs.append("Events_CL", [{"TimeGenerated": wire_datetime(at), **values}])
        scheduler.tick()
        clock.advance(300)
    covered = ledger.covered_to(one.id)
    assert covered is not None
    lines = [json.dumps(alert_line(alert, run)) for run in live for alert in run.alerts]
    assert len(lines) >= 3
    first = replayed(logs, one, NOON - one.frequency, covered)
    assert first.encode() == "\n".join(lines).encode()
    assert replayed(logs, one, NOON - one.frequency, covered).encode() == first.encode()


@pytest.mark.req("P-082")
def test_live_with_late_events_finds_what_a_replay_finds(
    state: State, workspace: str, clock: VirtualClock, logs: LogStore
) -> None:
    """Alerts per result, whatever the order in which events arrive: the same alerts, each once."""
    one = rules()[0]
    live: dict[str, dict[str, object]] = {}

    def keep(run: RuleRun) -> None:
        for alert in run.alerts:
            line = alert_line(alert, run)
            assert live.setdefault(alert.id, line) == line

    library, ledger = RuleLibrary(state, workspace, clock), Ledger(state, workspace, clock)
    options = ScheduleOptions(ingestion_delay=timedelta(0), tick_runs=10**6)
    late = LateEvents(state, workspace, logs, clock)
    scheduler = Scheduler(state, library, RuleRunner(logs, clock), ledger, clock, keep, options, late)
    library.import_(as_read(one))
    source = random.Random(3)
    coming = sorted((at + timedelta(seconds=source.randrange(4 * 3600)), at, values["N"], values)
                    for at, values in events(8, 12))  # fmt: skip
    while coming:
        while coming and coming[0][0] <= clock.now():
            _, at, _, values = coming.pop(0)
            logs.append("Events_CL", [{"TimeGenerated": wire_datetime(at), **values}])
        scheduler.tick()
        clock.advance(600)
    scheduler.tick()
    covered = ledger.covered_to(one.id)
    assert covered is not None
    assert any(entry.reason for entry in ledger.coverage(one.id))
    with Replayer(logs, SystemClock()) as replayer:
        found = replayer.replay(one, NOON - HOUR, covered)
    assert {line["id"]: line for line in found.lines} == live
    assert len(live) >= 5


def test_a_replay_hides_what_exceptions_hid(state: State, workspace: str, clock: VirtualClock, logs: LogStore) -> None:
    """Live and replayed: the same alerts, with an exception that is made and ends between."""
    one = rules()[0]
    live: list[RuleRun] = []
    library, ledger = RuleLibrary(state, workspace, clock), Ledger(state, workspace, clock)
    exceptions = RuleExceptions(state, workspace, clock)
    runner = RuleRunner(logs, clock, exceptions=exceptions.of)
    options = ScheduleOptions(ingestion_delay=timedelta(0))
    scheduler = Scheduler(state, library, runner, ledger, clock, live.append, options, exceptions=exceptions)
    library.import_(as_read(one))
    for hour in range(6):
        at = clock.now() - HOUR / 2
        logs.append("Events_CL", [{"TimeGenerated": wire_datetime(at), "Who": who, "Bad": 1} for who in ("ann", "bob")])
        scheduler.tick()
        if hour == 1:
            hide = [{"column": "Who", "values": ["ann"]}]
            exceptions.add(one.id, hide, owner="ann", reason="travels", days=2.5 / 24, by=SYSTEM)
        clock.advance(3600)
    lines = [json.dumps(alert_line(alert, run)) for run in live for alert in run.alerts]
    covered = ledger.covered_to(one.id)
    assert covered is not None
    assert len(lines) == 12 - 2
    for known, count in ((exceptions.of, 10), (None, 12)):
        with Replayer(logs, SystemClock(), exceptions=known) as replayer:
            found = [json.dumps(line) for line in replayer.replay(one, NOON - HOUR, covered).lines]
        assert len(found) == count
        assert (found == lines) is (known is not None)


def test_a_replay_keeps_nothing_and_says_what_failed(state: State, workspace: str, logs: LogStore) -> None:
    before = logs.position()
    with Replayer(logs, SystemClock()) as replayer:
        found = replayer.replay(rule(1, query="Nowhere_CL"), NOON - 3 * HOUR, NOON)
        assert len(found.errors) == 3
        assert "Nowhere_CL" in found.errors[0]["message"]
        assert summary(found)["failed"] == 3
    assert logs.position() == before
    assert RuleLibrary(state, workspace, VirtualClock(NOON)).list() == []


def test_a_rule_that_is_off_is_replayed_and_one_without_a_schedule_is_refused(logs: LogStore) -> None:
    logs.append("Events_CL", [{"TimeGenerated": wire_datetime(NOON - HOUR / 2), "Who": "ann", "Bad": 1}])
    with Replayer(logs, SystemClock()) as replayer:
        off = dataclasses.replace(rules()[0], enabled=False)
        assert len(replayer.replay(off, NOON - HOUR, NOON).lines) == 1
        for wrong, start, words in (
            (rule(2, kind=RuleKind.HUNTING), NOON - HOUR, "no schedule"),
            (off, NOON, "ends before it starts"),
            (off, NOON - HOUR / 2, "shorter than the rule's frequency"),
            (rules()[4], NOON - timedelta(days=300), "at most 200,000 windows"),
        ):
            with pytest.raises(InvalidInput, match=words):
                replayer.replay(wrong, start, NOON)


def test_a_backtest_tells_the_difference(logs: LogStore) -> None:
    for minutes, who in ((10, "ann"), (20, "bob"), (70, "ann")):
        at = NOON - timedelta(minutes=minutes)
        logs.append("Events_CL", [{"TimeGenerated": wire_datetime(at), "Who": who, "Bad": 1}])
    old = rules()[0]
    new = dataclasses.replace(old, query="Events_CL | where Bad == 1 and Who == 'ann'")
    slower = dataclasses.replace(old, query_frequency=2 * HOUR, query_period=2 * HOUR)
    with Replayer(logs, SystemClock()) as replayer:
        was, now, other = (replayer.replay(one, NOON - 4 * HOUR, NOON) for one in (old, new, slower))
    told = difference(now, was)
    assert (told["more"], told["less"], told["same"], told["comparable"]) == (0, 1, 2, True)
    assert [line["sample"][0]["Who"] for line in told["examples"]["less"]] == ["bob"]
    assert difference(was, now)["more"] == 1
    assert difference(other, was)["comparable"] is False
    figures = summary(was)
    assert (figures["alerts"], figures["alerts_per_day"], figures["runs"], figures["rows"]) == (3, 18.0, 4, 3)
    assert figures["days"] == {"2026-03-01": 3}


def test_the_last_window_of_a_day_counts_for_it(logs: LogStore) -> None:
    midnight = NOON.replace(hour=0) + timedelta(days=1)
    for minutes, who in ((10, "ann"), (-10, "bob")):
        at = midnight - timedelta(minutes=minutes)
        logs.append("Events_CL", [{"TimeGenerated": wire_datetime(at), "Who": who, "Bad": 1}])
    with Replayer(logs, SystemClock()) as replayer:
        figures = summary(replayer.replay(rules()[0], midnight - 3 * HOUR, midnight + 3 * HOUR))
    assert figures["days"] == {"2026-03-01": 1, "2026-03-02": 1}
