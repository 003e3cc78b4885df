"""What goes wrong around rules: rows nobody can read, tables that come later, entities of a megabyte, times that are absurd."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import update

from tests.detect.rules import as_read, rule
from tests.plugins.state import NOON
from vedette.core.clock import VirtualClock
from vedette.core.database import State
from vedette.core.roles import SYSTEM
from vedette.detect.alerts.alert import Outcome, RuleRun
from vedette.detect.alerts.moments import wire_datetime
from vedette.detect.fitting import fits
from vedette.detect.library import RuleLibrary
from vedette.detect.models import RuleRow
from vedette.detect.rule import AnalyticsRule, EntityMapping, EventGrouping, FieldMapping, RuleKind
from vedette.detect.running.late import LateEvents
from vedette.detect.running.ledger import Ledger
from vedette.detect.running.runner import RuleRunner
from vedette.detect.running.scheduler import ScheduleOptions, Scheduler
from vedette.detect.running.stream import Stream, on_the_stream
from vedette.detect.running.windows import WindowOutcome
from vedette.incidents.service import IncidentService
from vedette.store.content import WorkspaceContent
from vedette.store.functions import FunctionDefinition, SavedFunctions
from vedette.store.logstore import LogStore
from vedette.store.watchlists.lists import Watchlists, WatchlistSettings

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


class House:
    """Detection on a log store, with the incidents that it makes."""

    def __init__(self, state: State, workspace: str, clock: VirtualClock, logs: LogStore) -> None:
        self.clock, self.logs, self.state, self.workspace = clock, logs, state, workspace
        self.library, self.ledger = RuleLibrary(state, workspace, clock), Ledger(state, workspace, clock)
        self.incidents = IncidentService(state, workspace, clock, name_of=lambda _: None, url_of=str)
        self.watchlists = Watchlists(state, workspace, clock)
        self.runs: list[RuleRun] = []
        runner = RuleRunner(logs, clock, shapes=logs)
        self.stream = Stream(state, runner, self.ledger, logs, clock, self._taken)
        self.scheduler = Scheduler(
            state, self.library, runner, self.ledger, clock, self._taken,
            ScheduleOptions(ingestion_delay=timedelta(0), tick_seconds=1e9, tick_runs=10**6),
            LateEvents(state, workspace, logs, clock), lambda one: on_the_stream(one, logs.shape(one.query)),
            binds=lambda one: fits(one, logs),
        )  # fmt: skip

    def _taken(self, run: RuleRun) -> None:
        self.runs.append(run)
        self.incidents.ingest(run)

    def event(self, at: datetime | str, table: str = "Events_CL", **values: object) -> None:
        moment = at if isinstance(at, str) else wire_datetime(at)
        self.logs.append(table, [{"TimeGenerated": moment, "Who": "ann", **values}])
        if isinstance(at, datetime):
            self.stream.arrived(table, [at.replace(second=0, microsecond=0)])

    def outcomes(self, number: int = 1) -> list[str]:
        return [entry.outcome.value for entry in self.ledger.coverage(rule(number).id)]


@pytest.fixture
def house(state: State, workspace: str, clock: VirtualClock) -> Iterator[House]:
    content = WorkspaceContent.of(state, workspace, clock)
    with LogStore(None, clock, content=content) as logs:
        made = House(state, workspace, clock, logs)
        made.event(NOON - timedelta(days=30))
        yield made


def ann(number: int = 1, **more: Any) -> AnalyticsRule:
    return rule(number, **({"query": "Events_CL | where Who == 'ann'"} | more))


@pytest.mark.req("P-082", "P-084")
def test_a_row_that_nobody_can_read_stops_no_other_rule(house: House) -> None:
    house.library.import_(as_read(ann(1), ann(2)))
    with house.state.session() as session:
        session.execute(
            update(RuleRow)
            .where(RuleRow.id == rule(1).id)
            .values(content={"kind": 7, "query": ["x"]}, content_hash="0")
        )
    house.event(NOON - 10 * MINUTE)
    report = house.scheduler.tick()
    assert (report.matched, report.failed) == (1, 1)
    assert house.outcomes(2) == ["MATCHED"]
    (entry,) = house.ledger.runs(rule(1).id)
    assert entry.error is not None
    assert "what is kept of it cannot be read" in entry.error["message"]
    assert [one.rule.id for one in house.library.list()] == [rule(1).id, rule(2).id]
    house.event(NOON - 20 * MINUTE)  # late events are noted all the same
    assert house.scheduler.tick().reopened == 1
    assert house.ledger.verify() == []


@pytest.mark.req("P-082", "P-089")
def test_a_table_that_appears_later_makes_a_rule_whole(house: House) -> None:
    house.library.import_(as_read(ann(1, query="Later_CL | where Odd.who == 'ann'"), ann(2)))
    house.event(NOON - 10 * MINUTE)
    for _ in range(4):
        house.scheduler.tick()
        house.clock.advance(MINUTE)
    assert house.outcomes(1) == ["GAP"]
    (gap,) = house.ledger.gaps()
    assert gap.reason is not None
    assert "Later_CL" in gap.reason
    assert house.outcomes(2) == ["MATCHED"]
    house.event(NOON - 5 * MINUTE, "Later_CL", Odd={"who": "ann"})
    house.event(NOON + 5 * MINUTE, "Later_CL", Odd='{"who": "ann"}')
    house.clock.advance(HOUR)
    report = house.scheduler.tick()
    assert report.filled == 1
    assert house.outcomes(1) == ["MATCHED", "MATCHED"]
    assert house.ledger.gaps() == []


@pytest.mark.req("P-082", "P-089")
@pytest.mark.parametrize("missing", ["table", "column", "function", "watchlist"])
def test_a_rule_that_did_not_fit_is_tried_as_soon_as_it_does(house: House, missing: str) -> None:
    """A daily rule: it does not wait for its next window, nor for the end of its failed window's tries."""
    query = {
        "table": "Later_CL", "column": "Events_CL | where Late == 1", "function": "Known()",
        "watchlist": "Events_CL | where Who in ((_GetWatchlist('Known') | project Person))",
    }[missing]  # fmt: skip
    day = timedelta(days=1)
    for tries, number in ((1, 1), (4, 2)):  # one in the middle of its tries, one that has given its window up
        house.library.import_(as_read(ann(number, query=query, query_frequency=day, query_period=day)))
        for _ in range(tries):
            house.scheduler.tick()
            house.clock.advance(MINUTE)
    assert set(house.outcomes(1) + house.outcomes(2)) == {"GAP"}
    house.event(NOON - 5 * MINUTE, "Later_CL" if missing == "table" else "Events_CL", Late=1)
    if missing == "function":
        functions = SavedFunctions(house.state, house.workspace, house.clock)
        functions.put(FunctionDefinition("Known", "Events_CL | where Late == 1"), SYSTEM)
    if missing == "watchlist":
        house.watchlists.put("Known", WatchlistSettings("Person"), [{"Person": "ann"}], SYSTEM)
    house.clock.advance(MINUTE)
    assert house.scheduler.tick().filled == 2
    assert house.outcomes(1) == house.outcomes(2) == ["MATCHED"]
    assert house.scheduler.tick().runs == 0


@pytest.mark.req("P-082")
def test_a_rule_that_fits_and_fails_all_the_same_is_tried_once_more(house: House) -> None:
    """What keys a row's bag has is known when the query is run."""
    query = "Events_CL | evaluate bag_unpack(Bag) | where Sought == 1"
    house.event(NOON - 10 * MINUTE, Bag={"other": 1})
    house.library.import_(as_read(ann(1, query=query)))
    for _ in range(8):
        house.scheduler.tick()
        house.clock.advance(MINUTE)
    assert house.outcomes() == ["GAP"]
    tries = len(house.ledger.runs(rule(1).id))
    for _ in range(20):
        house.scheduler.tick()
        house.clock.advance(MINUTE)
    assert len(house.ledger.runs(rule(1).id)) == tries <= 6


@pytest.mark.req("P-082")
def test_functions_that_call_each_other_fail_their_rule_alone(house: House) -> None:
    functions = SavedFunctions(house.state, house.workspace, house.clock)
    functions.put(FunctionDefinition("First", "Second()"), SYSTEM)
    functions.put(FunctionDefinition("Second", "First()"), SYSTEM)
    house.library.import_(as_read(ann(1, query="First() | where Who == 'ann'"), ann(2)))
    house.event(NOON - 10 * MINUTE)
    assert (house.scheduler.tick().matched, house.outcomes(2)) == (1, ["MATCHED"])
    (entry,) = house.ledger.runs(rule(1).id)
    assert entry.outcome is WindowOutcome.ERROR


@pytest.mark.req("P-084", "P-085")
def test_an_entity_of_a_megabyte_is_cut_and_said(house: House) -> None:
    mapping = EntityMapping("Account", (FieldMapping("FullName", "Who"),))
    house.library.import_(as_read(ann(1, query="Events_CL | where isnotempty(Big)", entity_mappings=(mapping,))))
    house.event(NOON - 10 * MINUTE, Who="x" * 1_000_000, Big="y" * 1_000_000)
    house.event(NOON - 9 * MINUTE, Who="ann", Big="small")
    assert house.scheduler.tick().matched == 1
    (alert,) = house.runs[-1].alerts
    assert [len(entity.to_dict()["FullName"]) for entity in alert.entities] == [8192, 3]
    assert "Identifiers of entities are cut to 8,192 characters." in alert.notes
    assert "Values in the sample are cut to 8,192 characters." in alert.notes
    assert house.incidents.get(1)["alertCount"] == 1


@pytest.mark.req("P-084")
def test_events_of_an_absurd_time_are_stored_and_stop_nothing(house: House) -> None:
    house.library.import_(as_read(ann(1), ann(2, kind=RuleKind.NRT, query_frequency=None, query_period=None)))
    house.scheduler.tick()
    absurd = ["1601-01-01T00:00:00.0000000Z", "2140-02-03T00:00:00.0000000Z", "9999-12-31T23:59:59.9999999Z"]
    for moment in absurd:
        house.event(moment)
    house.event(NOON + 10 * MINUTE)
    house.clock.advance(HOUR)
    house.stream.tick()
    assert house.scheduler.tick().failed == 0
    assert house.outcomes(1) == ["NOT_MATCHED", "MATCHED"]
    assert house.ledger.verify() == []
    timespan = (datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC))
    rows = house.logs.query(
        "Events_CL | where TimeGenerated < datetime(1700-01-01) or TimeGenerated > datetime(2100-01-01)"
        " | sort by TimeGenerated asc | project TimeGenerated", now=house.clock.now(), timespan=timespan,
    ).rows  # fmt: skip
    assert [row[0] for row in rows] == absurd[:2]  # the last lies after the end of the time that was asked for


@pytest.mark.req("P-082", "P-084")
def test_a_clock_that_jumps_leaves_no_hole(house: House) -> None:
    house.library.import_(as_read(ann(1)))
    house.scheduler.tick()
    house.clock.advance(timedelta(days=2))
    house.event(NOON + timedelta(days=1, minutes=10))
    house.scheduler.tick()
    outcomes = house.outcomes()
    assert (len(outcomes), outcomes.count("MATCHED"), set(outcomes)) == (2 * 24 + 1, 1, {"MATCHED", "NOT_MATCHED"})
    assert house.ledger.verify() == []


@pytest.mark.req("P-082", "P-084")
@pytest.mark.parametrize("before", ["running", "off", "none"])
def test_a_clock_that_was_years_ahead_and_is_set_right(
    state: State, workspace: str, clock: VirtualClock, house: House, before: str
) -> None:
    """What was given up for the time to come is searched when it comes, whatever the rule did before the jump."""
    ahead = VirtualClock(NOON + timedelta(days=4000, minutes=7))
    if before != "none":
        house.library.import_(as_read(ann(1)))
        house.scheduler.tick()
        if before == "off":
            house.library.set_enabled(rule(1).id, False)
    wrong = House(state, workspace, ahead, house.logs)
    wrong.scheduler._options = replace(wrong.scheduler._options, horizon=2 * HOUR)
    if before == "none":
        wrong.library.import_(as_read(ann(1)))
    wrong.library.set_enabled(rule(1).id, True)
    wrong.scheduler.tick()
    clock.advance(HOUR)
    house.scheduler.tick()
    assert house.ledger.verify() == []
    for _ in range(3):
        clock.advance(HOUR)
        house.event(clock.now() - 20 * MINUTE)
        house.scheduler.tick()
    clock.advance(HOUR)
    house.scheduler.tick()
    assert house.outcomes().count("MATCHED") == 3
    assert house.ledger.verify() == []
    windows = [entry.window for entry in house.ledger.coverage(rule(1).id)]
    assert all(one.end == other.start for one, other in pairwise(windows))
    assert all(entry.window.end <= clock.now() for entry in house.ledger.gaps())
    assert len({alert.id for run in house.runs for alert in run.alerts}) == 3
    house.library.delete(rule(1).id)
    house.library.import_(as_read(ann(1)))
    house.scheduler.tick()
    assert house.ledger.verify() == []


@pytest.mark.req("P-084", "P-085")
def test_one_alert_of_a_window_is_completed_by_what_came_after_it(house: House) -> None:
    """A near-real-time rule with one alert for all results: told with the first event, completed by the next, and by the ledger."""
    mapping = EntityMapping("Account", (FieldMapping("FullName", "Who"),))
    near = ann(
        1, kind=RuleKind.NRT, query="Events_CL | where Kind == 'bad'", query_frequency=None, query_period=None,
        entity_mappings=(mapping,), event_grouping=EventGrouping.SINGLE_ALERT,
    )  # fmt: skip
    house.event(NOON - timedelta(days=30), Kind="none")
    house.library.import_(as_read(near))
    house.scheduler.tick()
    house.clock.advance(10 * timedelta(seconds=1))
    house.event(house.clock.now(), Kind="bad", Who="ann@x.com")
    house.stream.tick()
    first = house.incidents.get(1)
    assert (first["alertCount"], [alert["rows"] for alert in first["alerts"]]) == (1, [1])
    house.clock.advance(10 * timedelta(seconds=1))
    house.event(house.clock.now(), Kind="bad", Who="bob@x.com")
    house.stream.tick()
    house.logs.append(
        "Events_CL", [{"TimeGenerated": wire_datetime(house.clock.now()), "Kind": "bad", "Who": "eve@x.com"}]
    )
    house.clock.advance(5 * MINUTE)
    house.scheduler.tick()  # what the stream was not told of
    incident = house.incidents.get(1)
    assert (incident["alertCount"], [alert["rows"] for alert in incident["alerts"]]) == (1, [3])
    assert sorted(entity["name"] for entity in incident["entities"]) == ["ann@x.com", "bob@x.com", "eve@x.com"]
    assert [entry.outcome for entry in house.ledger.coverage(near.id) if entry.alerts] == [WindowOutcome.MATCHED]
    house.incidents.outbox.drain(house.logs)
    told = house.logs.query(
        "SecurityAlert | summarize arg_max(TimeGenerated, Entities) by SystemAlertId", now=house.clock.now(),
        timespan=(NOON - HOUR, NOON + HOUR),
    ).rows  # fmt: skip
    assert len(told) == 1
    assert str(told[0][2]).count("bob") == 1
    house.incidents.ingest(house.runs[0])  # an older run takes nothing back
    assert house.incidents.get(1)["alerts"][0]["rows"] == 3
    assert house.runs[0].outcome is Outcome.MATCHED
