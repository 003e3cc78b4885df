"""Rules that share looks: what becomes of their windows is what becomes of them without, but for the mark."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.detect.rules import as_read, rule
from tests.plugins.state import NOON
from vedette.api.routes.rules import run_body
from vedette.core.clock import VirtualClock
from vedette.core.database import State
from vedette.core.workspaces import Workspaces
from vedette.detect.alerts.alert import Outcome, RuleRun, RunType
from vedette.detect.alerts.moments import wire_datetime
from vedette.detect.library import RuleLibrary
from vedette.detect.rule import AnalyticsRule, EventGrouping, Operator, RuleKind, Threshold
from vedette.detect.running.late import LateEvents
from vedette.detect.running.ledger import Ledger
from vedette.detect.running.replay import Replayer
from vedette.detect.running.runner import RuleRunner
from vedette.detect.running.scheduler import Lane, ScheduleOptions, Scheduler
from vedette.detect.running.sharing import Sharing
from vedette.detect.running.windows import SPARED, LedgerEntry, WindowOutcome
from vedette.store.logstore import LogStore
from vedette.store.shared_scans import SharedScans

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
NUMBERS = itertools.count()
OPTIONS = ScheduleOptions(ingestion_delay=timedelta(0), tick_seconds=1e9, tick_runs=10**6)


class CountedLooks(SharedScans):
    """Looks that are worth any time here, and counted; with what happens right after each."""

    asked: int = 0
    after: Any = None

    def look(self, asked: Sequence[tuple[str, datetime, datetime, float]], seconds: float) -> Any:
        self.asked += 1
        found = super().look([(text, start, end, 60.0) for text, start, end, _ in asked], 60)
        if self.after is not None:
            self.after()
        return found


class House:
    """A workspace's detection on a log store."""

    def __init__(self, clock: VirtualClock, folder: Path, sharing: bool = True) -> None:
        self.clock, self.logs = clock, LogStore(None, clock)
        self.state = State.in_file(folder / f"{next(NUMBERS)}.db")
        self.state.upgrade()
        workspace = Workspaces(self.state).default().id
        self.library = RuleLibrary(self.state, workspace, clock)
        self.ledger = Ledger(self.state, workspace, clock)
        self.found: list[RuleRun] = []
        self.looks = CountedLooks(self.logs, clock)
        self.scheduler = Scheduler(
            self.state, self.library, RuleRunner(self.logs, clock, shapes=self.logs), self.ledger, clock, self.found.append,
            OPTIONS, LateEvents(self.state, workspace, self.logs, clock),
            sharing=Sharing(self.looks, self.ledger, clock) if sharing else None,
        )  # fmt: skip

    def add(self, *rules: AnalyticsRule) -> None:
        self.library.import_(as_read(*rules))

    def event(self, at: datetime, who: str = "ann", table: str = "Events_CL", **values: object) -> None:
        self.logs.append(table, [{"TimeGenerated": wire_datetime(at), "Who": who, **values}])

    def hour(self, times: int = 1) -> int:
        """Lets so many hours pass; how many runs were spared."""
        spared = 0
        for _ in range(times):
            self.clock.advance(HOUR)
            spared += self.scheduler.tick().spared
            assert self.ledger.verify() == []
        return spared

    def tiles(self, number: int) -> list[LedgerEntry]:
        return self.ledger.coverage(rule(number).id)

    def close(self) -> None:
        self.logs.close()
        self.state.dispose()


@pytest.fixture
def house(clock: VirtualClock, tmp_path: Path) -> Iterator[House]:
    made = House(clock, tmp_path)
    made.event(NOON - timedelta(days=30))
    made.event(NOON - timedelta(days=30), table="Other_CL")
    yield made
    made.close()


def of(number: int, who: str = "", **more: Any) -> AnalyticsRule:
    return rule(
        number, **({"query": f"Events_CL | where Who == '{who or number}' | project TimeGenerated, Who"} | more)
    )


def test_a_rule_that_has_run_once_is_spared_from_then_on(house: House) -> None:
    house.add(of(1), of(2), of(3, "ann"))
    assert house.scheduler.tick().spared == 0  # nobody knows what they take, or that they work
    for step in range(1, 4):
        house.event(house.clock.now() + MINUTE)
        assert house.hour() == 2
        assert house.looks.asked == step
    for number in (1, 2):
        first, *later = house.tiles(number)
        assert first.reason is None
        assert not first.spared
        assert [(one.outcome, one.reason, one.rows, one.alerts, one.exhaustiveness) for one in later] == [
            (WindowOutcome.NOT_MATCHED, SPARED, 0, 0, "COMPLETE")
        ] * 3
        assert all(one.spared and one.query_hash == first.query_hash for one in later)
        assert len({one.run_id for one in [first, *later]}) == 4
        assert all(one.search_id and one.trace_id and one.run_type is RunType.SCHEDULED for one in later)
    assert [one.outcome for one in house.tiles(3)] == [WindowOutcome.NOT_MATCHED, *[WindowOutcome.MATCHED] * 3]
    assert not any(one.spared for one in house.tiles(3))
    told = [run_body(one, []) for one in house.tiles(1)]
    assert [(one.note, one.error, one.outcome) for one in told] == [
        (None, None, "silent"),
        *[(SPARED, None, "silent")] * 3,
    ]


def test_what_a_restart_finds_in_the_ledger_is_enough(house: House) -> None:
    house.add(of(1), of(2))
    house.scheduler.tick()
    again = Sharing(house.looks, house.ledger, house.clock)
    assert again.takes(of(1))
    assert not again.takes(of(3))
    assert not again.takes(of(1, query="Events_CL | where Who == 'another'"))


def test_who_waits_for_nothing_to_come_is_run(house: House) -> None:
    house.add(
        of(1), of(2), of(3, trigger=Threshold(Operator.EQ, 0)), of(4, trigger=Threshold(Operator.LT, 2)),
        of(5, trigger=Threshold(Operator.NE, 5)), of(6, kind=RuleKind.NRT, query_frequency=MINUTE, query_period=MINUTE),
    )  # fmt: skip
    house.scheduler.tick()
    assert house.hour() == 2
    assert [[one.outcome.value for one in house.tiles(number)] for number in (3, 4, 5)] == [["MATCHED", "MATCHED"]] * 3
    assert not any(one.spared for number in (3, 4, 5, 6) for one in house.tiles(number))


def test_what_comes_after_the_look_has_the_window_searched_again(house: House) -> None:
    house.add(of(1, "bob"), of(2, "cid"))
    house.scheduler.tick()
    late = NOON + 30 * MINUTE
    house.looks.after = lambda: house.event(late, "bob")
    assert house.hour() == 2
    house.looks.after = None
    assert [one.outcome for one in house.tiles(1)] == [WindowOutcome.NOT_MATCHED] * 2
    report = house.scheduler.tick()
    assert report.reopened == 2  # a look is for both: so is what it has not seen
    assert [one.outcome for one in house.tiles(1)] == [WindowOutcome.NOT_MATCHED, WindowOutcome.MATCHED]
    assert [(one.rule.id, one.start, one.end) for one in house.found] == [(rule(1).id, NOON, NOON + HOUR)]
    assert not any(one.spared for one in house.tiles(1)[1:])


def test_a_rule_that_fails_is_run_until_it_works(house: House) -> None:
    wrong = "Missing_CL | where Who == 'bob'"
    house.add(of(1), of(2), of(3, query=wrong))
    for _ in range(3):
        house.hour()
    assert {one.outcome for one in house.ledger.runs(rule(3).id)} == {WindowOutcome.ERROR, WindowOutcome.GAP}
    house.event(house.clock.now(), "cid", "Missing_CL")
    house.clock.advance(HOUR)
    while house.scheduler.tick().runs:
        pass
    assert house.hour(2) == 6


def test_a_look_that_fails_leaves_all_to_their_queries(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.add(of(1), of(2, "ann"))
    house.scheduler.tick()
    monkeypatch.setattr("vedette.store.shared_scans.statement", _broken)
    house.event(house.clock.now() + MINUTE)
    assert house.hour() == 0
    assert [[one.outcome.value for one in house.tiles(number)][-1] for number in (1, 2)] == ["NOT_MATCHED", "MATCHED"]


def _broken(looks: Any) -> Any:
    from vedette.engine.compiler import Compiled

    return Compiled("SELECT no_such_function(1)", (), set(), [])


def test_by_hand_and_in_the_past_nothing_is_shared(house: House) -> None:
    house.add(of(1), of(2))
    house.hour(2)
    before = house.looks.asked
    run = house.scheduler.run_now(rule(1).id)
    assert (run.spared, run.outcome) == (False, Outcome.NOT_MATCHED)
    Replayer(house.logs, house.clock).replay(of(1), NOON - 5 * HOUR, NOON)
    assert house.looks.asked == before


def test_a_window_is_looked_at_once_and_each_lane_looks_for_its_own(house: House) -> None:
    house.add(*(of(number, "ann") for number in range(1, 4)))
    house.hour()
    house.event(house.clock.now() + MINUTE)
    house.scheduler._options = replace(OPTIONS, tick_runs=1)
    house.clock.advance(HOUR)
    before = house.looks.asked
    while house.scheduler.tick().behind:
        pass
    assert house.looks.asked == before + 1
    assert house.scheduler.tick(Lane.SLOW).runs == 0


# -- with and without

QUERIES = [
    "Events_CL | where Who == '{0}' | project TimeGenerated, Who, Number",
    "Events_CL | where Number > {1} and Who != '{0}'",
    "Events_CL | where Number > {1} | summarize N = count(), Last = max(TimeGenerated) by Who",
    "Events_CL | summarize N = countif(Who == '{0}') by Number | where N >= 1",
    "Events_CL | where Who == '{0}' | join kind=inner (Other_CL | where Number > {1}) on Number",
    "union Events_CL, Other_CL | where Who == '{0}' and Number < {1} | summarize count() by Type",
    "Events_CL | where Who == '{0}' | join kind=leftanti (Other_CL) on Number",
    "Events_CL | where Who == '{0}' | summarize N = count() | where N > 0",
    "let Now = now(); Other_CL | where TimeGenerated > Now - 20m | where Who == '{0}' | take 3",
    "Events_CL | where Missing == '{0}'",
]  # fmt: skip


def drawn(seed: int) -> tuple[list[AnalyticsRule], list[tuple[int, int, str, int, str]]]:
    """Rules, and rows: when each comes (minutes), of when it tells, and what."""
    source = random.Random(seed)
    people, tables = ["ann", "bob", "cid", "dan"], ["Events_CL", "Other_CL"]
    rules = [
        rule(
            number, query=source.choice(QUERIES).format(source.choice(people), source.randrange(10)),
            query_frequency=30 * MINUTE * source.randint(1, 2), query_period=source.randint(1, 3) * HOUR,
            trigger=Threshold(source.choice([*[Operator.GT] * 4, Operator.LT, Operator.EQ]), source.randrange(3)),
            event_grouping=source.choice(list(EventGrouping)),
        )
        for number in range(1, 13)
    ]  # fmt: skip
    events = [
        (
            source.randrange(180),
            -source.randrange(40),
            source.choice(people[:3]),
            source.randrange(10),
            source.choice(tables),
        )
        for _ in range(source.randrange(2, 14))
    ]
    return rules, events


def lived(
    folder: Path, rules: Sequence[AnalyticsRule], events: Sequence[Any], sharing: bool
) -> tuple[list[Any], list[Any], int]:
    """What three hours make of rules and rows: the alerts, the ledger without the mark and the time that queries took, and how
    many runs were spared."""
    clock = VirtualClock(NOON)
    made = House(clock, folder, sharing)
    try:
        for table in ("Events_CL", "Other_CL"):
            made.event(NOON - timedelta(days=30), "nobody", table, Number=0)
        made.add(*rules)
        for minutes in range(0, 180, 15):
            for at, back, who, number, table in events:
                if minutes <= at < minutes + 15:
                    made.event(NOON + (minutes + back) * MINUTE, who, table, Number=number)
            made.scheduler.tick()
            assert made.ledger.verify() == []
            clock.advance(15 * MINUTE)
        entries = sorted(made.ledger.runs(limit=10**6), key=lambda one: (one.rule_id, one.id))
        spared = sum(one.spared for one in entries)
        ids = {one.id: place for place, one in enumerate(entries)}
        tiles = [
            replace(
                one, id=0, duration=0.0, reason=None if one.spared else one.reason, fills=one.fills and ids[one.fills]
            )
            for one in entries
        ]
        alerts = sorted((alert.id, repr(alert)) for run in made.found for alert in run.alerts)
        return alerts, tiles, spared
    finally:
        made.close()


@pytest.mark.parametrize("seed", [*range(3), *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(3, 60))])
def test_what_becomes_of_windows_is_the_same_with_and_without_looks(tmp_path: Path, seed: int) -> None:
    rules, events = drawn(seed)
    plain, shared = lived(tmp_path, rules, events, sharing=False), lived(tmp_path, rules, events, sharing=True)
    assert shared[0] == plain[0]
    assert shared[1] == plain[1]
    assert plain[2] == 0
    if seed < 3:
        assert shared[2] > 5
        assert plain[0]
