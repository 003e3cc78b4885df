"""The scheduler: every window once and in order, failures, suppression, catching up, and crashes anywhere."""

from __future__ import annotations

import dataclasses
import threading
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition
from hypothesis.stateful import rule as step
from sqlalchemy import select

from tests.detect.logs import EventLogs
from tests.detect.rules import as_read, rule
from tests.plugins.state import NOON
from vedette.core.clock import VirtualClock
from vedette.core.database import State
from vedette.core.errors import Closing
from vedette.core.workspaces import Workspaces
from vedette.detect.alerts.alert import Outcome, RuleRun, RunType
from vedette.detect.alerts.moments import from_wire
from vedette.detect.library import RuleLibrary
from vedette.detect.models import ArrivalsRow, ReopeningRow
from vedette.detect.rule import RuleKind, Suppression
from vedette.detect.running.gaps import Gaps
from vedette.detect.running.late import LateEvents
from vedette.detect.running.ledger import Ledger
from vedette.detect.running.runner import RuleRunner
from vedette.detect.running.scheduler import Lane, ScheduleOptions, Scheduler, TickReport
from vedette.detect.running.windows import READ, DueWindow, LedgerEntry, WindowOutcome

HOUR = timedelta(hours=1)
OPTIONS = ScheduleOptions(ingestion_delay=timedelta(0), tick_seconds=1e9, tick_runs=10**6)


class House:
    """A workspace's detection with scripted logs."""

    def __init__(self, state: State, workspace: str, clock: VirtualClock, options: ScheduleOptions = OPTIONS) -> None:
        self.clock = clock
        self.logs = EventLogs()
        self.state = state
        self.library = RuleLibrary(state, workspace, clock)
        self.ledger = Ledger(state, workspace, clock)
        self.handed: list[RuleRun] = []
        self.scheduler = Scheduler(
            state, self.library, RuleRunner(self.logs, clock), self.ledger, clock, self.handed.append, options,
            LateEvents(state, workspace, self.logs, clock),
        )  # fmt: skip

    def add(self, *rules: Any) -> None:
        self.library.import_(as_read(*rules))

    def tick(self) -> TickReport:
        report = self.scheduler.tick()
        assert self.ledger.verify() == []
        return report

    def outcomes(self, number: int = 1) -> list[str]:
        return [entry.outcome.value for entry in self.ledger.coverage(rule(number).id)]

    def entries(self, number: int = 1) -> list[LedgerEntry]:
        return self.ledger.coverage(rule(number).id)


@pytest.fixture
def house(state: State, workspace: str, clock: VirtualClock) -> House:
    return House(state, workspace, clock)


def test_a_new_rule_runs_at_once_and_then_every_frequency(house: House) -> None:
    house.add(rule(1, query_period=3 * HOUR))
    house.logs.add(NOON - 2 * HOUR)
    assert (house.tick().runs, house.tick().runs) == (1, 0)
    house.clock.advance(HOUR - timedelta(seconds=1))
    assert house.tick().runs == 0
    house.clock.advance(1)
    assert house.tick().runs == 1
    entries = house.entries()
    assert [(entry.window.start, entry.window.end, entry.query_from) for entry in entries] == [
        (NOON - HOUR, NOON, NOON - 3 * HOUR),
        (NOON, NOON + HOUR, NOON - 2 * HOUR),
    ]
    assert [entry.outcome for entry in entries] == [WindowOutcome.MATCHED] * 2
    assert [(run.start, run.end, run.type) for run in house.handed] == [
        (NOON - 3 * HOUR, NOON, RunType.SCHEDULED),
        (NOON - 2 * HOUR, NOON + HOUR, RunType.SCHEDULED),
    ]
    first = entries[0]
    assert (first.rows, first.alerts, first.attempt, first.revision) == (1, 1, 1, 1)
    assert first.query_hash == rule(1).query_hash
    assert first.search_id is not None
    assert first.trace_id is not None


def test_missed_windows_are_caught_up_in_order_over_all_rules(house: House) -> None:
    house.add(rule(1), rule(2, query_frequency=2 * HOUR, query_period=2 * HOUR))
    house.tick()
    house.clock.advance(5 * HOUR)
    report = house.tick()
    assert report.runs == 5 + 2
    order = [entry.window.end for entry in reversed(house.ledger.runs()[:7])]
    assert order == sorted(order)
    assert house.ledger.covered_to(rule(2).id) == NOON + 4 * HOUR


def test_windows_wait_for_late_events(state: State, workspace: str, clock: VirtualClock) -> None:
    house = House(state, workspace, clock, dataclasses.replace(OPTIONS, ingestion_delay=timedelta(minutes=5)))
    house.add(rule(1))
    assert house.tick().runs == 0
    clock.advance(300)
    house.logs.add(NOON - timedelta(minutes=1))
    assert house.tick().matched == 1
    assert house.entries()[0].window.end == NOON


def test_a_round_has_a_budget(state: State, workspace: str, clock: VirtualClock) -> None:
    house = House(state, workspace, clock, dataclasses.replace(OPTIONS, tick_runs=3))
    house.add(*(rule(number) for number in range(1, 6)))
    reports = [house.tick() for _ in range(3)]
    assert [(report.runs, report.behind) for report in reports] == [(3, True), (2, False), (0, False)]
    slow = House(state, Workspaces(state).create("slow").id, clock, dataclasses.replace(OPTIONS, tick_seconds=10))
    slow.logs.failing = lambda now: clock.sleep(4)  # type: ignore[func-returns-value]
    slow.add(*(rule(number) for number in range(1, 6)))
    assert slow.tick().runs == 3


def test_rounds_leave_others_their_share_of_the_time(state: State, workspace: str, clock: VirtualClock) -> None:
    house = House(state, workspace, clock, dataclasses.replace(OPTIONS, tick_seconds=10, share=0.6))
    house.logs.failing = lambda now: clock.sleep(4)  # type: ignore[func-returns-value]
    house.add(*(rule(number) for number in range(1, 6)))
    assert house.scheduler.round() == pytest.approx(12 * (1 / 0.6 - 1))  # three runs, and more to do
    assert house.scheduler.round() == pytest.approx(8 * (1 / 0.6 - 1))
    assert house.scheduler.round() == OPTIONS.idle_seconds
    clock.advance(2 * HOUR)
    assert house.scheduler.round() == pytest.approx(8.0)
    without = House(
        state, Workspaces(state).create("all").id, clock, dataclasses.replace(OPTIONS, tick_seconds=0, share=1)
    )
    without.add(*(rule(number) for number in range(1, 4)))
    assert [without.scheduler.round() for _ in range(3)] == [
        0,
        0,
        OPTIONS.idle_seconds,
    ]  # one run a round, however long it took
    assert without.ledger.verify() == []


class LogsWithASlowRule(EventLogs):
    """The queries of rule 1 take so many seconds."""

    clock: VirtualClock
    seconds = 6.0

    def query(self, text: str, **more: Any) -> Any:
        self.clock.sleep(self.seconds if "Rule == 1" in text else 0)
        return super().query(text, **more)


def test_a_rule_that_takes_long_has_a_lane_of_its_own(state: State, workspace: str, clock: VirtualClock) -> None:
    def started() -> House:
        house = House(state, workspace, clock)
        LogsWithASlowRule.clock = clock
        house.scheduler._runner = RuleRunner(LogsWithASlowRule(), clock)
        return house

    def ran(house: House, lane: Lane) -> list[str]:
        before = len(house.ledger.runs(limit=1000))
        report = house.scheduler.tick(lane)
        entries = house.ledger.runs(limit=1000)
        assert (report.runs, house.ledger.verify()) == (len(entries) - before, [])
        return sorted(entry.rule_id for entry in entries[: len(entries) - before])

    slow, quick = rule(1).id, rule(2).id
    house = started()
    house.add(rule(1), rule(2))
    assert (ran(house, Lane.SLOW), ran(house, Lane.QUICK)) == ([], [slow, quick])  # nobody knows it yet
    clock.advance(HOUR)
    assert (ran(house, Lane.QUICK), ran(house, Lane.SLOW)) == ([quick], [slow])
    clock.advance(HOUR)
    house = started()  # what the ledger says is known after a start
    assert (ran(house, Lane.QUICK), ran(house, Lane.SLOW)) == ([quick], [slow])
    LogsWithASlowRule.seconds = 0
    clock.advance(HOUR)
    assert (ran(house, Lane.QUICK), ran(house, Lane.SLOW)) == ([quick], [slow])
    clock.advance(HOUR)
    assert (ran(house, Lane.QUICK), ran(house, Lane.SLOW)) == ([slow, quick], [])
    LogsWithASlowRule.seconds = 6.0


def test_failures_are_retried_and_then_shown_as_a_gap(house: House) -> None:
    house.add(rule(1))
    house.logs.failing = lambda now: RuntimeError("the disk is gone")
    assert house.tick().failed == 1
    assert house.outcomes() == []
    house.clock.advance(29)
    assert house.tick().runs == 0
    house.clock.advance(1)
    assert house.tick().failed == 1
    house.clock.advance(60)
    assert house.tick().failed == 1
    (gap,) = house.entries()
    assert (gap.outcome, gap.attempt) == (WindowOutcome.GAP, 3)
    assert gap.reason == "The rule failed 3 times; the last time: RuntimeError: the disk is gone"
    assert gap.error == {"code": "VDT0500", "message": "RuntimeError: the disk is gone"}
    assert [entry.attempt for entry in house.ledger.runs()] == [3, 2, 1]
    assert house.library.get(rule(1).id).rule.enabled
    assert [entry.id for entry in house.ledger.gaps()] == [gap.id]


def test_a_gap_is_filled_when_the_rule_runs_again(house: House) -> None:
    house.add(rule(1))
    house.logs.add(NOON - timedelta(minutes=10))
    house.logs.failing = lambda now: RuntimeError("no") if now == NOON else None
    for _ in range(3):
        house.tick()
        house.clock.advance(3600)
    assert house.outcomes() == ["GAP", "NOT_MATCHED", "NOT_MATCHED"]
    house.logs.failing = lambda now: None
    house.clock.advance(HOUR)
    report = house.tick()
    assert (report.filled, report.matched) == (1, 1)
    assert house.outcomes()[0] == "MATCHED"
    assert house.ledger.gaps() == []
    assert house.tick().runs == 0
    assert house.scheduler.refill().runs == 0


def test_a_gap_that_stays_is_not_tried_for_ever_unless_asked(house: House) -> None:
    house.add(rule(1))
    house.logs.failing = lambda now: RuntimeError("no") if now == NOON else None
    for _ in range(10):
        house.tick()
        house.clock.advance(HOUR)
    tried = [entry for entry in house.ledger.runs() if entry.fills is not None]
    assert len(tried) == 3
    assert house.scheduler.refill(rule(1).id).failed == 1
    assert len(house.ledger.gaps()) == 1


def test_what_happened_before_a_rule_was_switched_off_is_searched_when_it_is_on_again(house: House) -> None:
    """Of a rule that is end, nothing is run; of the time in which it was on, nothing is left out."""
    house.add(rule(1))
    house.tick()
    start = house.ledger.covered_to(rule(1).id)
    assert start is not None
    house.logs.add(start + timedelta(minutes=40), Event="on")
    house.logs.add(start + timedelta(hours=2), Event="off")
    house.clock.advance(timedelta(minutes=50))
    house.library.set_enabled(rule(1).id, False)
    end = start + HOUR  # of the window in which it was switched off
    house.clock.advance(timedelta(hours=5))
    assert house.tick().runs == 0
    house.library.set_enabled(rule(1).id, True)
    outcomes = [(entry.outcome, entry.window.end) for entry in house.ledger.coverage(rule(1).id)][1:]
    assert outcomes == [(WindowOutcome.GAP, end), (WindowOutcome.DISABLED, house.clock.now() - HOUR)]
    house.clock.advance(HOUR)
    report = house.tick()
    assert (report.filled, report.failed) == (1, 0)
    filled = next(entry for entry in house.ledger.runs(rule(1).id) if entry.fills is not None)
    assert (filled.outcome, filled.window.start, filled.window.end, filled.rows) == (
        WindowOutcome.MATCHED,
        start,
        end,
        1,
    )
    assert (house.ledger.gaps(), house.ledger.verify()) == ([], [])


def test_windows_before_a_rule_was_switched_off_keep_their_suppression_and_have_an_end(house: House) -> None:
    minute = timedelta(minutes=1)
    calm = rule(1, query_frequency=minute, query_period=minute, suppression=Suppression(True, 30 * minute))
    often = rule(2, query_frequency=minute, query_period=minute)
    house.add(calm, often)
    house.logs.add(house.clock.now() - minute / 2, Event="first")
    assert house.tick().matched == 2
    house.clock.advance(40 * minute)
    house.library.set_enabled(calm.id, False)
    house.clock.advance(timedelta(hours=20))
    house.library.set_enabled(often.id, False)
    house.clock.advance(timedelta(days=2))
    for one in (calm, often):
        house.library.set_enabled(one.id, True)
    kinds = {
        one.id: Counter((entry.outcome, entry.run_id is None) for entry in house.ledger.coverage(one.id))
        for one in (calm, often)
    }
    assert kinds[calm.id][WindowOutcome.SUPPRESSED, True] == 30
    assert kinds[calm.id][WindowOutcome.GAP, False] == 10
    assert kinds[often.id][WindowOutcome.GAP, False] == 500
    assert kinds[often.id][WindowOutcome.GAP, True] == 1  # what is older
    assert {kinds[one.id][WindowOutcome.DISABLED, True] for one in (calm, often)} == {1}
    assert house.ledger.verify() == []


def test_what_is_known_of_a_rule_is_of_its_revision(house: House) -> None:
    """A scheduler that has read a rule before runs it as it is now: edited, switched off and on, deleted and there again."""
    house.add(rule(1), rule(2))
    assert house.tick().runs == 2
    house.library.import_(as_read(rule(1, query="Events | take 7")), replace_existing=True)
    house.library.set_enabled(rule(2).id, False)
    house.clock.advance(HOUR)
    assert house.tick().runs == 1
    assert house.ledger.runs(rule(1).id, limit=1)[0].query_hash == rule(1, query="Events | take 7").query_hash
    house.library.set_enabled(rule(2).id, True)
    house.library.delete(rule(1).id)
    house.add(rule(1, query="Events | take 8"))
    house.clock.advance(HOUR)
    assert house.tick().runs == 3  # the other one from when it was switched on
    assert house.ledger.runs(rule(1).id, limit=1)[0].query_hash == rule(1, query="Events | take 8").query_hash


def test_an_edit_tries_a_failing_rule_again_at_once(house: House) -> None:
    house.add(rule(1))
    house.logs.failing = lambda now: RuntimeError("no")
    house.tick()
    house.logs.failing = lambda now: None
    house.library.import_(as_read(rule(1, query="Events")), replace_existing=True)
    assert house.tick().runs == 1
    assert (house.entries()[0].revision, house.entries()[0].attempt) == (2, 1)


def test_an_edit_of_the_frequency_keeps_the_tiles(house: House) -> None:
    house.add(rule(1))
    house.tick()
    house.clock.advance(3 * HOUR)
    faster = rule(1, query_frequency=HOUR / 4, query_period=HOUR / 2)
    house.library.import_(as_read(faster), replace_existing=True)
    assert house.tick().runs == 12
    assert house.entries()[-1].query_from == NOON + 2.5 * HOUR


def test_suppression(house: House) -> None:
    house.add(rule(1, suppression=Suppression(True, 2 * HOUR)))
    house.logs.add(NOON - timedelta(minutes=10))
    house.logs.add(NOON + timedelta(minutes=10))
    house.logs.add(NOON + 2.5 * HOUR)
    house.clock.advance(3 * HOUR)
    report = house.tick()
    assert house.outcomes() == ["MATCHED", "SUPPRESSED", "SUPPRESSED", "MATCHED"]
    assert (report.runs, report.suppressed, report.matched) == (2, 2, 2)
    assert (
        house.entries()[1].reason == "The rule does not run until 2026-03-01 14:00:00 UTC, because it raised an alert."
    )


def test_what_is_older_than_the_horizon_is_a_gap_with_that_reason(
    state: State, workspace: str, clock: VirtualClock
) -> None:
    house = House(state, workspace, clock, dataclasses.replace(OPTIONS, horizon=timedelta(days=1)))
    house.add(rule(1))
    house.tick()
    clock.advance(timedelta(days=365))
    report = house.tick()
    assert 24 <= report.runs <= 25
    entries = house.entries()
    assert entries[1].outcome is WindowOutcome.GAP
    assert "was not run in time" in str(entries[1].reason)
    assert house.tick().runs == 0
    assert house.scheduler.refill().runs == 0


def test_a_clock_that_goes_back_runs_nothing_twice(state: State, workspace: str) -> None:
    clock = VirtualClock(NOON)
    house = House(state, workspace, clock)
    house.add(rule(1))
    clock.advance(5 * HOUR)
    house.tick()
    earlier = House(state, workspace, VirtualClock(NOON + HOUR))
    assert earlier.tick().runs == 0
    earlier.library.set_enabled(rule(1).id, False)
    earlier.library.set_enabled(rule(1).id, True)
    assert earlier.tick().runs == 0
    clock.advance(HOUR)
    assert house.tick().runs == 1


def test_rules_that_are_off_or_have_no_schedule_do_not_run(house: House) -> None:
    house.add(
        rule(1, enabled=False),
        rule(2, kind=RuleKind.HUNTING),
        rule(3, kind=RuleKind.ML_BEHAVIOR_ANALYTICS),
        rule(4, kind=RuleKind.NRT),
    )
    assert house.tick().runs == 1
    house.clock.advance(120)
    assert house.tick().runs == 2
    assert house.ledger.next_due() == house.clock.now() + timedelta(minutes=1)


def test_a_run_by_hand_is_kept_and_covers_nothing(house: House) -> None:
    house.add(rule(1), rule(2, kind=RuleKind.HUNTING))
    house.logs.add(NOON - timedelta(days=3))
    run = house.scheduler.run_now("Rule 2", NOON, timedelta(days=14))
    assert (run.outcome, run.type, house.handed) == (Outcome.MATCHED, RunType.MANUAL, [run])
    assert house.ledger.covered_to(rule(1).id) == NOON - HOUR
    (entry,) = house.ledger.runs(rule(2).id)
    assert (entry.run_type, entry.settled, entry.window.start) == (RunType.MANUAL, False, NOON - timedelta(days=14))
    assert house.scheduler.run_now(rule(1).id).end == house.clock.now()


def test_what_follows_from_a_run_is_kept_with_it_or_not_at_all(
    state: State, workspace: str, clock: VirtualClock
) -> None:
    house = House(state, workspace, clock)
    house.add(rule(1))
    house.logs.add(NOON - timedelta(minutes=1))

    def fails(run: RuleRun) -> None:
        raise RuntimeError("the incident service is broken")

    broken = Scheduler(state, house.library, RuleRunner(house.logs, clock), house.ledger, clock, fails, OPTIONS)
    house.add(rule(2, query_frequency=timedelta(hours=2), query_period=timedelta(hours=2)))
    report = broken.tick()
    assert (report.runs, report.failed, report.matched, report.alerts) == (
        2,
        2,
        0,
        [],
    )  # one rule does not stop the other
    assert {entry.error["message"] for entry in house.ledger.runs() if entry.error} == {
        "What the rule found could not be kept: RuntimeError: the incident service is broken"
    }
    assert house.outcomes() == []
    clock.advance(timedelta(minutes=1))
    assert house.tick().matched == 2
    assert len(house.handed) == 2


def test_two_schedulers_share_the_work(state: State, workspace: str, clock: VirtualClock) -> None:
    """What one has recorded, the other, which saw the same windows as due, does not record again."""
    house, other = House(state, workspace, clock), House(state, workspace, clock)
    house.add(rule(1))
    house.logs.add(NOON - timedelta(minutes=1))

    def meanwhile(now: datetime) -> None:
        house.logs.failing = lambda now: None
        other.logs.events = house.logs.events
        assert other.tick().matched == 1

    house.logs.failing = meanwhile  # type: ignore[assignment]
    report = house.tick()
    assert (report.runs, report.matched, house.handed) == (1, 0, [])
    assert len(other.handed) == 1
    assert house.outcomes() == ["MATCHED"]


def test_it_runs_until_it_is_stopped(house: House) -> None:
    house.add(rule(1, query_frequency=timedelta(minutes=1), query_period=timedelta(minutes=1)))
    stop = threading.Event()
    calls: list[datetime] = []

    def counted(now: datetime) -> Exception | None:
        calls.append(now)
        if len(calls) == 5:
            stop.set()
        return RuntimeError("second") if len(calls) == 2 else None

    house.logs.failing = counted
    house.scheduler.run_forever(stop)
    assert len(calls) == 5
    assert house.outcomes() == ["NOT_MATCHED"] * 4
    assert house.ledger.verify() == []


def test_a_round_that_breaks_does_not_end_the_scheduler(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stop = threading.Event()
    rounds: list[int] = []

    def broken() -> TickReport:
        rounds.append(1)
        if len(rounds) == 3:
            stop.set()
        raise OSError("no space left")

    monkeypatch.setattr(house.scheduler, "tick", broken)
    house.scheduler.run_forever(stop)
    assert len(rounds) == 3
    assert "a round of the rule scheduler failed" in caplog.text


def test_a_store_that_closes_is_no_failure_of_a_rule(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """The window is as if nobody had begun it: the next start runs it."""
    house.add(rule(1), rule(2))
    house.logs.failing = lambda now: Closing("The log store is closing.")
    house.scheduler.run_forever(threading.Event())
    assert (house.outcomes(), house.ledger.runs(), house.handed, caplog.text) == ([], [], [], "")
    house.logs.failing = lambda now: None
    assert house.tick().runs == 2
    assert [entry.attempt for entry in house.entries()] == [1]


class Killed(BaseException):
    """The process ends here."""


class Coverage(RuleBasedStateMachine):
    """Whatever happens to the scheduler, settled windows tile time and every event in covered time was alerted on once."""

    state: State

    @initialize()
    def start(self) -> None:
        self.count = 0
        Coverage.number = getattr(Coverage, "number", 0) + 1
        self.workspace = Workspaces(self.state).create(f"run-{Coverage.number}").id
        self.now = NOON
        self.logs = EventLogs()
        self.alerted: list[tuple[str, str, str]] = []
        self.kill_at = ""
        self.gaps = Gaps(self.state, self.workspace)
        self.house(NOON).library.import_(as_read(*self.the_rules()))

    def the_rules(self) -> list[Any]:
        return [
            rule(1, query_frequency=timedelta(minutes=10), query_period=timedelta(minutes=10)),
            rule(2, query_frequency=timedelta(minutes=7), query_period=timedelta(minutes=7)),
        ]

    def house(self, now: datetime) -> House:
        house = House(
            self.state,
            self.workspace,
            VirtualClock(now),
            dataclasses.replace(OPTIONS, horizon=timedelta(hours=5), max_attempts=2),
        )
        house.logs = self.logs
        house.scheduler = Scheduler(
            self.state,
            house.library,
            RuleRunner(self.logs, house.clock),
            house.ledger,
            house.clock,
            self.keep,
            house.scheduler._options,
            LateEvents(self.state, self.workspace, self.logs, house.clock),
        )
        return house

    def keep(self, run: RuleRun) -> None:
        """What the incident room does: keeps the alerts in the run's own transaction."""
        before = list(self.alerted)
        self.alerted += [(run.rule.id, alert.id, row["Event"]) for alert in run.alerts for row in alert.sample]
        if self.kill_at == "handing over":
            self.alerted = before
            raise Killed

    @step(minutes=st.integers(1, 40))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @step(hours=st.integers(6, 30))
    def the_clock_jumps_ahead(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @step(minutes=st.integers(1, 90))
    def the_clock_jumps_back(self, minutes: int) -> None:
        self.now -= timedelta(minutes=minutes)

    @step(seconds=st.integers(1, 1200))
    def an_event_arrives(self, seconds: int) -> None:
        """In time: after everything that is covered, before now."""
        covered = max(filter(None, (self.house(self.now).ledger.covered_to(one.id) for one in self.the_rules())))
        at = covered + timedelta(seconds=seconds)
        if at < self.now:
            self.count += 1
            self.logs.add(at, Event=f"event {self.count}")

    @step(seconds=st.integers(0, 6 * 3600))
    def a_late_event_arrives(self, seconds: int) -> None:
        self.count += 1
        self.logs.add(self.now - timedelta(seconds=seconds, milliseconds=1), Event=f"late event {self.count}")

    @step()
    def a_round(self) -> None:
        self.house(self.now).scheduler.tick()

    @step(lane=st.sampled_from(Lane), slow=st.integers(1, 2))
    def a_round_of_a_lane(self, lane: Lane, slow: int) -> None:
        house = self.house(self.now)
        house.scheduler._took = {rule(slow).id: 1e9}
        house.scheduler.tick(lane)

    @step()
    def a_round_with_a_budget(self) -> None:
        house = self.house(self.now)
        house.scheduler._options = dataclasses.replace(house.scheduler._options, tick_runs=2)
        house.scheduler.tick()

    @step()
    def a_round_that_is_killed_in_the_query(self) -> None:
        def killed(now: datetime) -> None:
            raise Killed

        self.killed(killed)

    @step()
    def a_round_that_is_killed_in_the_transaction(self) -> None:
        self.kill_at = "handing over"
        self.killed(lambda now: None)
        self.kill_at = ""

    def killed(self, failing: Callable[[datetime], None]) -> None:
        self.logs.failing = failing  # type: ignore[assignment]
        try:
            self.house(self.now).scheduler.tick()
        except Killed:
            pass
        self.logs.failing = lambda now: None

    @step()
    def a_round_in_which_queries_fail(self) -> None:
        self.logs.failing = lambda now: RuntimeError("no")
        self.house(self.now).scheduler.tick()
        self.logs.failing = lambda now: None

    @step(number=st.integers(1, 2), flag=st.booleans())
    def switched(self, number: int, flag: bool) -> None:
        self.house(self.now).library.set_enabled(rule(number).id, flag)

    @step(minutes=st.integers(3, 25))
    def edited(self, minutes: int) -> None:
        every = timedelta(minutes=minutes)
        self.house(self.now).library.import_(
            as_read(rule(1, query_frequency=every, query_period=every)), replace_existing=True
        )

    @precondition(lambda self: hasattr(self, "workspace"))
    @invariant()
    def the_ledger_tiles(self) -> None:
        ledger = self.house(self.now).ledger
        assert ledger.verify() == []
        for one in self.the_rules():
            entries = ledger.coverage(one.id)
            for entry in entries:
                assert entry.outcome in (WindowOutcome.MATCHED, WindowOutcome.NOT_MATCHED) or entry.reason
            read = [
                event["Event"]
                for event in self.logs.events
                for entry in entries
                if entry.outcome in (WindowOutcome.MATCHED, WindowOutcome.NOT_MATCHED)
                and entry.window.start
                <= datetime.fromisoformat(event["TimeGenerated"][:26] + "+00:00")
                < entry.window.end
            ]
            alerted = {(alert, event) for rule_id, alert, event in self.alerted if rule_id == one.id}
            assert {event for _, event in alerted} <= set(read)
            assert {event for _, event in alerted} >= set(read) - self.still_to_search(one.id)
            assert len(alerted) == len({event for _, event in alerted})  # no event under two alerts

    @precondition(lambda self: hasattr(self, "workspace"))
    @invariant()
    def gaps_that_are_followed_are_those_of_the_ledger(self) -> None:
        """What follows the ledger's rows knows what is asked for each gap, from its first row on or read in between."""
        ledger = self.house(self.now).ledger
        asked = [
            DueWindow(gap.rule_id, gap.window, ledger.attempts_to_fill(gap.id) + 1, gap.id)
            for gap in ledger.gaps()
            if gap.run_id is not None and ledger.runs(gap.rule_id, limit=1)[0].outcome in READ
        ]
        for most in (1, 2, 5):
            left = [gap for gap in asked if gap.attempt <= most]
            assert self.gaps.to_fill(most) == left
            assert Gaps(self.state, self.workspace).to_fill(most) == left

    def still_to_search(self, rule_id: str) -> set[str]:
        """Late events that no round has noted yet, or whose window waits to be searched again."""
        with self.state.session(read_only=True) as session:
            row = session.get(ArrivalsRow, self.workspace)
            noted = 0 if row is None else row.position
            waiting = [
                (one.query_from, one.window_to, one.position)
                for one in session.scalars(select(ReopeningRow).filter_by(rule_id=rule_id, workspace_id=self.workspace))
            ]
        open_ = {event["Event"] for event in self.logs.events[noted:]}
        for number, event in enumerate(self.logs.events, 1):
            at = from_wire(event["TimeGenerated"])
            if any(start <= at < end and number <= position for start, end, position in waiting):
                open_.add(event["Event"])
        return open_

    def teardown(self) -> None:
        """In the end, with every rule on and no fault, nothing is left to search."""
        if not hasattr(self, "workspace"):
            return
        self.now += timedelta(days=1)
        for one in self.the_rules():
            self.house(self.now).library.set_enabled(one.id, True)
        while self.house(self.now).scheduler.tick().behind:
            pass
        self.the_ledger_tiles()
        for one in self.the_rules():
            assert self.still_to_search(one.id) == set()


@pytest.mark.timeout(600)
def test_coverage_under_everything(tmp_path: Path) -> None:
    Coverage.state = State.in_file(tmp_path / "state.db")
    Coverage.state.upgrade()
    Coverage.TestCase.settings = settings(
        max_examples=10, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
    )
    Coverage.TestCase("runTest").debug()
    Coverage.state.dispose()
