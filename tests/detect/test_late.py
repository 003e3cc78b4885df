"""Late events: only the windows that they touch are searched again, and nothing is alerted on twice."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.detect.rules import as_read, rule
from tests.plugins.state import NOON
from vedette.core.clock import VirtualClock
from vedette.core.database import State
from vedette.detect.alerts.alert import RuleRun
from vedette.detect.alerts.moments import wire_datetime
from vedette.detect.library import RuleLibrary
from vedette.detect.rule import AnalyticsRule, EventGrouping
from vedette.detect.running.late import LateEvents
from vedette.detect.running.ledger import Ledger
from vedette.detect.running.runner import RuleRunner
from vedette.detect.running.scheduler import ScheduleOptions, Scheduler
from vedette.store.arrivals import Arrival
from vedette.store.logstore import LogStore
from vedette.store.writer import writing

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
OPTIONS = ScheduleOptions(ingestion_delay=timedelta(0), tick_seconds=1e9, tick_runs=10**6)


class House:
    """A workspace's detection on a log store."""

    def __init__(self, state: State, workspace: str, clock: VirtualClock, logs: LogStore) -> None:
        self.clock, self.logs = clock, logs
        self.library = RuleLibrary(state, workspace, clock)
        self.ledger = Ledger(state, workspace, clock)
        self.late = LateEvents(state, workspace, logs, clock)
        self.runs: list[RuleRun] = []
        runner = RuleRunner(logs, clock)
        self.scheduler = Scheduler(
            state, self.library, runner, self.ledger, clock, self.runs.append, OPTIONS, self.late
        )

    def event(self, at: datetime, table: str = "Events_CL", **values: object) -> None:
        self.logs.append(table, [{"TimeGenerated": wire_datetime(at), "Who": "ann", **values}])


@pytest.fixture
def house(state: State, workspace: str, clock: VirtualClock) -> Iterator[House]:
    with LogStore(None, clock) as logs:
        made = House(state, workspace, clock, logs)
        made.event(NOON - timedelta(days=30))
        made.event(NOON - timedelta(days=30), "Other_CL")
        yield made


def each(number: int = 1, table: str = "Events_CL", **more: Any) -> AnalyticsRule:
    return rule(number, query=f"{table} | where Who == 'ann'", event_grouping=EventGrouping.ALERT_PER_RESULT, **more)


def reopened(house: House, number: int = 1) -> list[datetime]:
    """The ends of the windows that were searched again, in the order of the runs."""
    entries = house.ledger.runs(rule(number).id, limit=1000)
    return [entry.window.end for entry in reversed(entries) if entry.fills is not None]


@pytest.mark.req("P-082", "P-084")
def test_a_late_event_reopens_only_the_windows_it_touches(house: House) -> None:
    house.library.import_(as_read(each(1, query_period=3 * HOUR), each(2, "Other_CL"), each(3)))
    house.scheduler.tick()
    for _ in range(6):
        house.clock.advance(HOUR)
        house.scheduler.tick()
    assert house.runs == []
    house.event(NOON + 2.5 * HOUR)
    report = house.scheduler.tick()
    assert (report.reopened, report.matched, report.runs) == (4, 4, 4)
    assert reopened(house, 1) == [NOON + 3 * HOUR, NOON + 4 * HOUR, NOON + 5 * HOUR]
    assert reopened(house, 2) == []
    assert reopened(house, 3) == [NOON + 3 * HOUR]
    assert house.ledger.verify() == []
    entry = next(one for one in house.ledger.coverage(rule(3).id) if one.window.end == NOON + 3 * HOUR)
    assert entry.outcome.value == "MATCHED"
    assert entry.reason == (
        "Searched again: an event of Events_CL, from 2026-03-01 14:30:00 UTC on, came after the window had been"
        " searched (noted 2026-03-01 18:00:00 UTC)."
    )
    assert house.scheduler.tick().runs == 0


@pytest.mark.req("P-082", "P-084")
def test_events_that_come_while_a_rule_runs_are_found_though_others_note_them_meanwhile(house: House) -> None:
    """Rules that take long run beside the others, whose rounds note what is late: of a window that is not recorded yet, too."""
    house.library.import_(as_read(each()))
    house.scheduler.tick()
    house.clock.advance(HOUR)
    query, noted = house.logs.query, []

    def slow(text: str, **how: Any) -> Any:
        answer = query(text, **how)
        if not noted:
            house.event(NOON + 10 * MINUTE)  # too late for this query, and in its window
            noted.append(house.late.note())
        return answer

    house.logs.query = slow  # type: ignore[method-assign]
    report = house.scheduler.tick()
    assert (noted, report.runs, report.matched) == ([0], 1, 0)
    assert house.scheduler.tick().reopened == 1
    assert [run.rows for run in house.runs] == [1]
    assert house.ledger.verify() == []
    assert house.scheduler.tick().runs == 0


@pytest.mark.req("P-084")
def test_what_was_found_before_is_completed_and_keeps_its_ids(house: House) -> None:
    house.library.import_(as_read(each()))
    house.event(NOON - 10 * MINUTE)
    house.scheduler.tick()
    first = house.runs[-1].alerts
    house.event(NOON - 5 * MINUTE)
    house.library.import_(as_read(each(query_period=2 * HOUR)), replace_existing=True)
    assert house.scheduler.tick().reopened == 1
    again = house.runs[-1]
    assert again.start == NOON - HOUR  # as it was searched, whatever the rule says now
    assert len(again.alerts) == 2
    assert {alert.id for alert in first} < {alert.id for alert in again.alerts}
    kept = {alert.id: alert for alert in again.alerts}
    assert all(kept[alert.id].rows_hash == alert.rows_hash for alert in first)


def test_an_event_in_time_or_before_all_windows_reopens_nothing(house: House) -> None:
    house.library.import_(as_read(each()))
    house.scheduler.tick()
    house.event(NOON)
    house.event(NOON + 10 * MINUTE)
    house.event(NOON - HOUR - timedelta(seconds=1))
    house.event(datetime.fromisoformat("1601-01-01T00:00:00+00:00"))
    assert house.scheduler.tick().runs == 0
    house.clock.advance(HOUR)
    assert house.scheduler.tick().reopened == 0
    assert len(house.runs[-1].alerts) == 2


def test_windows_are_searched_again_in_order_and_under_a_budget(state: State, workspace: str, house: House) -> None:
    house.library.import_(as_read(each(), each(2)))
    house.scheduler.tick()
    house.clock.advance(5 * HOUR)
    house.scheduler.tick()
    for number in range(4, -1, -1):
        house.event(NOON + number * HOUR)
    house.scheduler._options = ScheduleOptions(ingestion_delay=timedelta(0), tick_seconds=1e9, tick_reopened=3)
    reports = [house.scheduler.tick() for _ in range(5)]
    assert [(report.reopened, report.behind) for report in reports] == [
        (3, True), (3, True), (3, True), (1, False), (0, False),
    ]  # fmt: skip
    assert reopened(house, 1) == [NOON + number * HOUR for number in range(1, 6)]


def test_a_window_that_cannot_be_searched_again_waits_and_is_never_given_up(house: House) -> None:
    house.library.import_(as_read(each()))
    house.scheduler.tick()
    house.event(NOON - 5 * MINUTE)
    house.library.import_(as_read(rule(1, query="Nowhere_CL")), replace_existing=True)
    for attempt in range(5):
        assert house.scheduler.tick().failed == 1
        assert (house.scheduler.tick().failed, house.late.pending()) == (0, 1)
        house.clock.advance(30 * 2**attempt)
    house.library.import_(as_read(each()), replace_existing=True)
    house.clock.advance(HOUR)
    assert house.scheduler.tick().reopened == 1
    assert house.late.pending() == 0
    assert house.ledger.gaps() == []


def test_a_rule_that_is_off_searches_again_when_it_is_on(house: House) -> None:
    house.library.import_(as_read(each()))
    house.scheduler.tick()
    house.library.set_enabled(rule(1).id, False)
    house.event(NOON - 5 * MINUTE)
    assert house.scheduler.tick().runs == 0
    house.library.set_enabled(rule(1).id, True)
    assert house.scheduler.tick().reopened == 1


def test_a_load_that_began_before_a_run_and_ended_after_it_is_late(house: House) -> None:
    """By the time at which it began it would be passed over; the order of the commits counts."""
    house.library.import_(as_read(each()))
    cursor = house.logs._cursor
    started = house.clock.now()
    with writing(house.logs._tables, "Events_CL", cursor) as (writer, connection):
        from vedette.kql import ticks
        from vedette.store.assembly import Assembler
        from vedette.store.batch import Batch, columns_of
        from vedette.store.contents import Load, record

        taken = [{"TimeGenerated": wire_datetime(NOON - MINUTE), "Who": "ann"}]
        now = ticks.from_datetime(started)
        made = Assembler(writer.table.types, "Events_CL", "w", 77, now, now).assemble(
            Batch(1, columns_of(taken), range(1, 2), [1])
        )
        writer.insert(made)
        record(connection, Load(77, "Events_CL", "", "", 1, 1, 0, 0, {}, now))
        house.event(NOON, "Other_CL")  # commits first
        house.clock.advance(MINUTE)
        assert house.scheduler.tick().runs == 1
        assert house.runs == []
        before = house.logs.position()
    assert house.logs.position() == before + 1
    assert house.scheduler.tick().reopened == 1
    assert len(house.runs[-1].alerts) == 1


def test_arrivals_are_told_by_load_and_second(house: House) -> None:
    first = house.logs.position()
    rows = [{"TimeGenerated": wire_datetime(NOON + timedelta(milliseconds=600 * number))} for number in range(4)]
    house.logs.append("Events_CL", [*rows, {"TimeGenerated": wire_datetime(NOON + MINUTE)}])
    house.event(NOON)
    last = house.logs.position()
    second = timedelta(seconds=1)
    assert house.logs.arrived(first, last, NOON + HOUR) == [
        Arrival("Events_CL", NOON, NOON + 2 * second, 4, first + 1),
        Arrival("Events_CL", NOON + MINUTE, NOON + MINUTE + second, 1, first + 1),
        Arrival("Events_CL", NOON, NOON + second, 1, first + 2),
    ]
    assert house.logs.arrived(last, last, NOON + HOUR) == []
    assert [one.rows for one in house.logs.arrived(first, last, NOON + second)] == [2, 1]


@pytest.mark.parametrize(
    ("query", "tables"),
    [
        ("Events_CL | take 1", {"Events_CL"}),
        ("let t = Events_CL; SigninLogs | where UserId in ((t | project Who))", {"Events_CL", "SigninLogs"}),
        ("union Events_CL, (Other_CL | count)", {"Events_CL", "Other_CL"}),
        ("print x = toscalar(Other_CL | count)", {"Other_CL"}),
        ("let o = materialize(Other_CL); Events_CL | join kind=inner o on Who", {"Events_CL", "Other_CL"}),
        ("print 1", set()),
        ("Nowhere", None),
    ],
)
def test_the_tables_that_a_query_reads(house: House, query: str, tables: set[str] | None) -> None:
    assert house.logs.tables_read(query) == tables


def test_old_arrivals_are_cleared_when_a_store_is_opened(
    tmp_path: Path, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Positions stay what they are, and what came since is told as before."""
    monkeypatch.setattr("vedette.store.arrivals._WORTH_CLEARING", 2)
    file = tmp_path / "logs.duckdb"
    with LogStore(file, clock) as logs:
        for hour in range(3):
            logs.append("Events_CL", [{"TimeGenerated": wire_datetime(NOON + hour * HOUR), "Who": "ann"}])
        clock.advance(timedelta(days=61))
        logs.append("Events_CL", [{"TimeGenerated": wire_datetime(NOON + 5 * HOUR), "Who": "bob"}])
        last = logs.position()
        told = logs.arrived(last - 1, last, NOON + timedelta(days=90))
        assert [(one.rows, one.position) for one in told] == [(1, last)]
    for _ in range(2):
        with LogStore(file, clock) as logs:
            assert logs.position() == last
            assert logs.arrived(last - 1, last, NOON + timedelta(days=90)) == told
            assert logs.arrived(0, last, NOON + timedelta(days=90)) == told
    with LogStore(file, clock) as logs:
        logs.append("Events_CL", [{"TimeGenerated": wire_datetime(NOON), "Who": "eve"}])
        assert logs.position() == last + 1
        assert [one.position for one in logs.arrived(last, last + 1, NOON + HOUR)] == [last + 1]
        clock.advance(timedelta(days=61))
    with LogStore(file, clock) as logs:  # all of them are old
        assert logs.position() == last + 1
        assert logs.arrived(0, last + 1, NOON + timedelta(days=90)) == []
