"""Near-real-time rules on the stream: the alerts of the scheduled pass, before their minute is over."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.detect.conftest import NOON
from tests.detect.rules import as_read, rule
from vedette.core.clock import VirtualClock
from vedette.core.database import State
from vedette.core.workspaces import Workspaces
from vedette.detect.alerts.alert import RuleRun
from vedette.detect.alerts.moments import wire_datetime
from vedette.detect.library import RuleLibrary
from vedette.detect.rule import AnalyticsRule, EventGrouping, RuleKind, Suppression
from vedette.detect.running.late import LateEvents
from vedette.detect.running.ledger import Ledger
from vedette.detect.running.runner import RuleRunner
from vedette.detect.running.scheduler import ScheduleOptions, Scheduler
from vedette.detect.running.stream import Stream, on_the_stream
from vedette.store.intake import Intake
from vedette.store.logstore import LogStore

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)


class House:
    """Detection on a log store with stream and scheduler; `kept` is what an incident room would keep: alerts by id."""

    def __init__(self, state: State, workspace: str, clock: VirtualClock, logs: LogStore) -> None:
        self.clock, self.logs = clock, logs
        self.library, self.ledger = RuleLibrary(state, workspace, clock), Ledger(state, workspace, clock)
        self.handed: list[RuleRun] = []
        runner = RuleRunner(logs, clock, shapes=logs)
        self.stream = Stream(state, runner, self.ledger, logs, clock, self.handed.append)
        self.scheduler = Scheduler(
            state, self.library, runner, self.ledger, clock, self.handed.append,
            ScheduleOptions(tick_seconds=1e9, tick_runs=10**6), LateEvents(state, workspace, logs, clock),
            lambda one: on_the_stream(one, logs.shape(one.query)),
        )  # fmt: skip

    def event(self, at: datetime, table: str = "Events_CL", **values: object) -> None:
        self.logs.append(table, [{"TimeGenerated": wire_datetime(at), "Who": "ann", "N": 1, **values}])
        self.stream.arrived(table, [at.replace(second=0, microsecond=0)])

    def kept(self) -> dict[str, int]:
        """Of each alert the most rows that it was told with."""
        found: dict[str, int] = {}
        for run in self.handed:
            for alert in run.alerts:
                found[alert.id] = max(alert.rows, found.get(alert.id, 0))
        return found


@pytest.fixture
def house(state: State, workspace: str, clock: VirtualClock) -> Iterator[House]:
    with LogStore(None, clock) as logs:
        made = House(state, workspace, clock, logs)
        made.event(NOON - timedelta(days=30))
        made.stream.tick()
        yield made


def nrt(number: int = 1, query: str = "Events_CL | where Who == 'ann'", **more: Any) -> AnalyticsRule:
    fields: dict[str, Any] = {
        "kind": RuleKind.NRT, "query_frequency": None, "query_period": None,
        "event_grouping": EventGrouping.ALERT_PER_RESULT,
    }  # fmt: skip
    return rule(number, query=query, **(fields | more))


@pytest.mark.req("P-083", "P-084")
def test_a_row_local_rule_alerts_at_once_and_the_ledger_confirms_it(house: House) -> None:
    house.library.import_(as_read(nrt()))
    house.event(NOON + SECOND)
    report = house.stream.tick()
    assert len(report.alerts) == 1
    assert house.ledger.runs(rule(1).id) == []  # the stream covers nothing
    house.event(NOON + 2 * SECOND, N=2)
    assert len(house.stream.tick().alerts) == 1
    assert house.stream.tick().runs == 0
    told = house.kept()
    house.clock.advance(600)
    house.scheduler.tick()
    assert house.kept() == told
    assert house.ledger.verify() == []
    [matched] = [entry for entry in house.ledger.coverage(rule(1).id) if entry.alerts]
    assert matched.alerts == 2


def test_a_late_event_keeps_the_window_of_the_ledger(house: House) -> None:
    house.library.import_(as_read(nrt()))
    house.clock.advance(1200)
    house.scheduler.tick()
    house.event(NOON + 3 * MINUTE)
    assert len(house.stream.tick().alerts) == 1
    told = house.kept()
    house.scheduler.tick()
    assert house.kept() == told  # the re-opened window gives the same


def test_a_growing_rule_alerts_when_its_bound_is_reached_and_grows_under_one_id(house: House) -> None:
    query = "Events_CL | summarize Count = count() by Who | where Count >= 3"
    house.library.import_(as_read(nrt(query=query)))
    for number in range(2):
        house.event(NOON + number * SECOND)
    assert house.stream.tick().alerts == []
    house.event(NOON + 3 * SECOND)
    assert house.stream.tick().runs == 0  # it has just run
    house.clock.advance(2.5)
    [alert] = house.stream.tick().alerts
    house.event(NOON + 4 * SECOND)
    house.clock.advance(600)
    house.scheduler.tick()
    assert set(house.kept()) == {alert}
    assert house.handed[-1].alerts[0].sample[0]["Count"] == 4


@pytest.mark.parametrize(
    "query",
    [
        "Events_CL | summarize Count = count() by Who | where Count < 3",
        "Events_CL | join kind=leftanti (Events_CL | where N == 2) on Who",
        "Events_CL | take 1",
        "Events_CL | summarize Total = sum(N) by Who | where Total > 3",
        "Events_CL | order by TimeGenerated asc | extend Before = prev(Who) | where Before == 'bob'",
        "Events_CL | where N > toscalar(Events_CL | count)",
    ],
)
def test_what_a_further_row_may_take_back_waits_for_its_minute(house: House, query: str) -> None:
    house.library.import_(as_read(nrt(query=query)))
    house.event(NOON + SECOND)
    assert house.stream.tick().runs == 0
    house.clock.advance_to(NOON + MINUTE + timedelta(seconds=2.5))
    assert house.scheduler.tick().runs == 2  # two seconds after the minute, not five minutes
    assert house.ledger.covered_to(rule(1).id) == NOON + MINUTE


def test_rules_that_are_off_suppressed_or_scheduled_are_not_run(house: House) -> None:
    suppressed = nrt(2, suppression=Suppression(True, timedelta(hours=1)))
    house.library.import_(as_read(nrt(1, enabled=False), suppressed, rule(3, query="Events_CL"), nrt(4, "Nowhere_CL")))
    house.event(NOON + SECOND)
    assert house.stream.tick().runs == 0


@pytest.mark.parametrize("at", [datetime(1601, 1, 1, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)])
def test_events_of_an_absurd_time_wait_for_theirs(house: House, at: datetime) -> None:
    house.library.import_(as_read(nrt()))
    house.event(at)
    assert house.stream.tick().alerts == []
    house.clock.advance(600)
    house.scheduler.tick()
    assert house.kept() == {}
    assert house.ledger.verify() == []


_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("event"), st.integers(-900, 30)),
        st.tuples(st.just("pass"), st.integers(1, 400)),
        st.tuples(st.sampled_from(["stream", "round", "lost"]), st.just(0)),
    ),
    max_size=25,
)  # fmt: skip


@pytest.mark.timeout(900)
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(_STEPS)
def test_stream_and_schedule_give_what_the_schedule_gives_alone(tmp_path: Path, steps: list[tuple[str, int]]) -> None:
    """Whatever comes when, and whatever the stream misses: the same alerts, each once."""
    state = State.in_file(tmp_path / "state.db")
    state.upgrade()
    clock = VirtualClock(NOON)
    workspace = Workspaces(state).create(f"run-{len(Workspaces(state).list())}").id
    alone = Workspaces(state).create(f"alone-{len(Workspaces(state).list())}").id
    with LogStore(None, clock) as logs:
        house, other = House(state, workspace, clock, logs), House(state, alone, clock, logs)
        house.event(NOON - timedelta(days=30))
        grouped = nrt(2, "Events_CL | summarize Count = count() by Who, bin(N, 2) | where Count >= 2")
        for one in (house, other):
            one.library.import_(as_read(nrt(), grouped))
        for number, (what, value) in enumerate(steps):
            if what == "event":
                house.event(clock.now() + timedelta(seconds=value), N=number)
            elif what == "pass":
                clock.advance(value)
            elif what == "stream":
                house.stream.tick()
            elif what == "round":
                house.scheduler.tick()
                other.scheduler.tick()
            else:
                house.stream._pending.clear()
        clock.advance(3600)
        for one in (house, other):
            while one.scheduler.tick().behind:
                pass
            assert one.ledger.verify() == []
        assert set(house.kept()) == set(other.kept())
    state.dispose()


def test_rows_that_join_the_load_of_their_hour_reopen_windows(
    state: State, workspace: str, clock: VirtualClock, tmp_path: Path
) -> None:
    with LogStore(tmp_path / "logs.duckdb", clock) as logs, Intake(logs, tmp_path / "spool", clock) as intake:
        for at in (NOON - timedelta(days=30), NOON - 100 * MINUTE):
            intake.accept("Events_CL", [{"TimeGenerated": wire_datetime(at), "Who": "ann"}], source="test")
            assert intake.flush()
        house = House(state, workspace, clock, logs)
        house.library.import_(as_read(rule(1, query="Events_CL", event_grouping=EventGrouping.ALERT_PER_RESULT)))
        clock.advance(7200)
        house.scheduler.tick()
        assert house.kept() == {}
        for minutes in (10, 20):
            late = {"TimeGenerated": wire_datetime(NOON + minutes * MINUTE), "Who": "ann"}
            intake.accept("Events_CL", [late], source="test")
            assert intake.flush()
            house.scheduler.tick()
        assert len(house.kept()) == 2
