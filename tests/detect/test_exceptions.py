"""Exceptions: what is hidden, from when to when, and that it is counted and audited."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import Any

import pytest

from tests.detect.conftest import NOON
from tests.detect.logs import EventLogs
from tests.detect.rules import as_read, rule
from vedette.core.audit import Audit
from vedette.core.clock import VirtualClock
from vedette.core.database import State
from vedette.core.errors import InvalidInput, NotFound
from vedette.core.roles import SYSTEM
from vedette.detect.alerts.alert import Outcome, RuleRun
from vedette.detect.library import RuleLibrary
from vedette.detect.rule import Operator, Threshold
from vedette.detect.running.late import LateEvents
from vedette.detect.running.ledger import Ledger
from vedette.detect.running.runner import RuleRunner
from vedette.detect.running.scheduler import ScheduleOptions, Scheduler
from vedette.detect.tuning.conditions import read_conditions
from vedette.detect.tuning.exceptions import RuleExceptions

HOUR = timedelta(hours=1)
WHO = [{"column": "Who", "values": ["svc"]}]
SAID: dict[str, Any] = {"owner": "ann", "reason": "a scanner of ours", "by": SYSTEM}


@pytest.mark.parametrize(
    ("condition", "value", "holds"),
    [
        ({"column": "A", "values": ["Bob"]}, "bob", True),
        ({"column": "A", "values": ["bo"]}, "bob", False),
        ({"column": "A", "test": "startsWith", "values": ["svc-"]}, "SVC-7", True),
        ({"column": "A", "test": "endswith", "values": ["@contoso.com"]}, "a@contoso.com", True),
        ({"column": "A", "test": "contains", "values": ["x", "scan"]}, "a scanner", True),
        ({"column": "A", "test": "inNetwork", "values": ["10.0.0.0/8"]}, "10.1.2.3", True),
        ({"column": "A", "test": "inNetwork", "values": ["10.0.0.0/8"]}, "::ffff:10.1.2.3", True),
        ({"column": "A", "test": "inNetwork", "values": ["10.0.0.0/8"]}, "10.1.2.3:4711", True),
        ({"column": "A", "test": "inNetwork", "values": ["2001:db8::/32"]}, "10.1.2.3", False),
        ({"column": "A", "test": "inNetwork", "values": ["10.0.0.0/8"]}, "no address", False),
        ({"column": "A", "values": ["1"]}, 1, True),
        ({"column": "A", "values": ["a", "b"]}, ["a", "b"], True),
        ({"column": "A", "values": ["a"]}, ["a", "evil"], False),
        ({"column": "A", "values": ["a"]}, [], False),
        ({"column": "A", "test": "startsWith", "values": ["x"]}, None, False),
    ],
)
def test_conditions(condition: dict[str, Any], value: Any, holds: bool) -> None:
    [one] = read_conditions([condition])
    assert one.holds({"A": value}) is holds
    assert not one.holds({"B": value})


@pytest.mark.parametrize(
    ("conditions", "words"),
    [
        ([], "at least one condition"),
        ([{"column": "", "values": ["a"]}], "names no column"),
        ([{"column": "A", "values": []}], "needs values"),
        ([{"column": "A", "values": [""]}], "none of them empty"),
        ([{"column": "A", "test": "equal", "values": ["a"]}], "'equal' is not a test"),
        ([{"column": "A", "test": "inNetwork", "values": ["10.0.0.0/99"]}], "is no network"),
    ],
)
def test_conditions_that_are_refused(conditions: list[dict[str, Any]], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        read_conditions(conditions)


class House:
    def __init__(self, state: State, workspace: str, clock: VirtualClock) -> None:
        self.clock, self.logs, self.state = clock, EventLogs(), state
        self.library, self.ledger = RuleLibrary(state, workspace, clock), Ledger(state, workspace, clock)
        self.exceptions = RuleExceptions(state, workspace, clock)
        self.runs: list[RuleRun] = []
        runner = RuleRunner(self.logs, clock, exceptions=self.exceptions.of)
        self.scheduler = Scheduler(
            state, self.library, runner, self.ledger, clock, self.runs.append,
            ScheduleOptions(ingestion_delay=timedelta(0), tick_seconds=1e9), LateEvents(state, workspace, self.logs, clock),
            exceptions=self.exceptions,
        )  # fmt: skip

    def hour(self) -> RuleRun | None:
        before = len(self.runs)
        self.clock.advance(3600)
        self.scheduler.tick()
        return self.runs[-1] if len(self.runs) > before else None


@pytest.fixture
def house(state: State, workspace: str, clock: VirtualClock) -> House:
    return House(state, workspace, clock)


def test_results_are_hidden_until_it_ends_and_are_counted(house: House) -> None:
    house.library.import_(as_read(rule(1)))
    house.scheduler.tick()
    made = house.exceptions.add(rule(1).id, WHO, days=1 / 12, **SAID)  # two hours
    for minutes in (10, 70, 130):
        house.logs.add(NOON + timedelta(minutes=minutes), Who="SVC")
    house.logs.add(NOON + timedelta(minutes=75), Who="eve")
    assert house.hour() is None
    assert house.ledger.runs(rule(1).id, limit=1)[0].outcome == Outcome.NOT_MATCHED
    partly = house.hour()
    assert partly is not None
    assert partly.rows == 1
    assert [row["Who"] for row in partly.alerts[0].sample] == ["eve"]
    assert made.id in partly.alerts[0].notes[0]
    after = house.hour()
    assert after is not None
    assert after.rows == 1
    assert house.exceptions.list() == []
    assert [one.state(house.clock.now()) for one in house.exceptions.list(all_=True)] == ["expired"]
    hidden = house.exceptions.hidden()[made.id]
    assert (hidden.rows, hidden.windows, hidden.silenced) == (2, 2, 1)


def test_a_window_that_is_searched_again_is_counted_once(house: House) -> None:
    house.library.import_(as_read(rule(1)))
    house.scheduler.tick()
    made = house.exceptions.add(rule(1).id, WHO, days=1, **SAID)
    house.logs.add(NOON + timedelta(minutes=10), Who="svc")
    house.hour()
    house.logs.add(NOON + timedelta(minutes=11), Who="svc")
    house.scheduler.tick()
    hidden = house.exceptions.hidden()[made.id]
    assert (hidden.rows, hidden.windows) == (2, 1)


def test_the_threshold_is_held_against_what_is_left(house: House) -> None:
    house.library.import_(as_read(rule(1, trigger=Threshold(Operator.GT, 1))))
    house.scheduler.tick()
    house.exceptions.add(rule(1).id, WHO, days=1, **SAID)
    for who in ("svc", "svc", "eve"):
        house.logs.add(NOON + timedelta(minutes=10), Who=who)
    assert house.hour() is None


def test_an_update_of_the_rule_leaves_it_in_force(house: House) -> None:
    house.library.import_(as_read(rule(1)))
    house.exceptions.add(rule(1).id, WHO, days=1, **SAID)
    newer = dataclasses.replace(rule(1), query="Events | where true", version="2.0.0")
    house.library.import_(as_read(newer), replace_existing=True)
    house.logs.add(NOON + timedelta(minutes=10), Who="svc")
    house.scheduler.tick()
    assert house.hour() is None


def test_removing_ends_it_and_both_are_audited(house: House) -> None:
    house.library.import_(as_read(rule(1)))
    made = house.exceptions.add(rule(1).id, WHO, days=1, **SAID)
    house.clock.advance(60)
    house.exceptions.remove(made.id, SYSTEM)
    house.exceptions.remove(made.id, SYSTEM)
    assert not house.exceptions.get(made.id).in_force(house.clock.now() + HOUR)
    actions = [one.action for one in Audit(house.state).entries() if one.action.startswith("rules/")]
    assert sorted(actions) == ["rules/exceptions/add", "rules/exceptions/remove"]
    with pytest.raises(NotFound):
        house.exceptions.get("none")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"owner": " "}, "owner and a reason"),
        ({"reason": ""}, "owner and a reason"),
        ({"days": None}, "An exception ends"),
        ({"days": 0}, "within 366 days"),
        ({"days": 400}, "within 366 days"),
        ({"days": float("inf")}, "within 366 days"),
    ],
)
def test_exceptions_that_are_refused(house: House, change: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        house.exceptions.add("any", WHO, **(SAID | {"days": 1} | change))
