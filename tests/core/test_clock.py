"""Clocks: the virtual one moves only when told, for every thread alike."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.core.clock import SystemClock, VirtualClock

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_the_system_clock_is_in_utc_and_goes_on() -> None:
    clock = SystemClock()
    before, begun = clock.now(), clock.monotonic()
    clock.sleep(0.01)
    assert clock.now().tzinfo is UTC
    assert clock.monotonic() - begun >= 0.009
    assert before <= clock.now()


def test_the_system_clock_waits_for_an_event() -> None:
    clock, event = SystemClock(), threading.Event()
    assert clock.wait(event, 0.01) is False
    event.set()
    assert clock.wait(event, 60) is True


def test_a_virtual_clock_stands_still() -> None:
    clock = VirtualClock(START)
    assert (clock.now(), clock.monotonic()) == (START, 0.0)
    time.sleep(0.01)
    assert (clock.now(), clock.monotonic()) == (START, 0.0)


def test_a_virtual_clock_speaks_utc_whatever_it_was_given() -> None:
    clock = VirtualClock(datetime(2026, 3, 1, 14, tzinfo=timezone(timedelta(hours=2))))
    assert clock.now() == START
    assert clock.now().tzinfo is UTC


def test_a_sleeper_moves_a_virtual_clock_at_once() -> None:
    clock = VirtualClock(START)
    begun = time.monotonic()
    clock.sleep(30 * 86_400)
    assert time.monotonic() - begun < 60
    assert clock.now() == START + timedelta(days=30)
    assert clock.monotonic() == 30 * 86_400
    clock.sleep(-5)
    assert clock.monotonic() == 30 * 86_400


@given(steps=st.lists(st.integers(min_value=0, max_value=10**12), max_size=40))
def test_steps_add_up_exactly(steps: list[int]) -> None:
    clock = VirtualClock(START)
    for step in steps:
        clock.advance(timedelta(microseconds=step))
    assert clock.now() == START + timedelta(microseconds=sum(steps))


def test_advancing_to_a_moment() -> None:
    clock = VirtualClock(START)
    assert clock.advance_to(START + timedelta(hours=1)) == START + timedelta(hours=1)
    with pytest.raises(ValueError, match="does not go back"):
        clock.advance_to(START)
    with pytest.raises(ValueError, match="aware"):
        clock.advance_to(datetime(2027, 1, 1))
    with pytest.raises(ValueError, match="aware"):
        VirtualClock(datetime(2027, 1, 1))


def test_a_blocking_clock_holds_sleepers_until_it_has_moved_far_enough() -> None:
    clock = VirtualClock(START, blocking=True)
    woke: list[tuple[str, datetime]] = []

    def sleep(name: str, seconds: float) -> None:
        clock.sleep(seconds)
        woke.append((name, clock.now()))

    short = threading.Thread(target=sleep, args=["short", 10])
    long = threading.Thread(target=sleep, args=["long", 20])
    short.start()
    long.start()
    assert clock.wait_for_sleepers(2)
    clock.advance(9.999999)
    assert woke == []
    clock.advance(0.000001)
    short.join(60)
    assert woke == [("short", START + timedelta(seconds=10))]
    clock.advance(10)
    long.join(60)
    assert woke[1:] == [("long", START + timedelta(seconds=20))]


def test_an_event_ends_the_wait_on_a_blocking_clock() -> None:
    clock, event = VirtualClock(START, blocking=True), threading.Event()
    results: list[bool] = []
    waiter = threading.Thread(target=lambda: results.append(clock.wait(event, 3600)))
    waiter.start()
    assert clock.wait_for_sleepers()
    event.set()
    waiter.join(60)
    assert results == [True]
    assert clock.now() == START


def test_nobody_sleeping_is_noticed() -> None:
    assert VirtualClock(START, blocking=True).wait_for_sleepers(1, timeout=0.01) is False
