"""A lock that is given in the order in which it was asked for."""

from __future__ import annotations

import threading
import time

from vedette.core.turns import Turns


def test_turns_come_in_the_order_in_which_they_were_asked_for() -> None:
    turns, order = Turns(), []
    assert turns.acquire(0)

    def take(name: int) -> None:
        assert turns.acquire(60)
        order.append(name)
        turns.release()

    threads = [threading.Thread(target=take, args=(number,)) for number in range(5)]
    for waiting, thread in enumerate(threads, 1):
        thread.start()
        while len(turns._waiting) < waiting:
            time.sleep(0.001)
    turns.release()
    assert turns.acquire(60)  # asked for after them
    order.append(5)
    for thread in threads:
        thread.join(60)
    assert order == [0, 1, 2, 3, 4, 5]


def test_one_that_asks_again_and_again_keeps_it_from_nobody() -> None:
    turns, ended, taken, held = Turns(), threading.Event(), 0, 0

    def hold() -> None:
        nonlocal held
        while not ended.is_set():
            assert turns.acquire(60)
            held += 1
            while not turns._waiting and not ended.is_set():
                time.sleep(0.001)
            turns.release()

    holding = threading.Thread(target=hold)
    holding.start()
    for _ in range(50):
        assert turns.acquire(60)
        taken += 1
        turns.release()
    ended.set()
    holding.join(60)
    assert taken == 50
    assert held <= taken + 1, "it had a turn although another had asked for it before"


def test_who_stops_waiting_has_no_turn() -> None:
    turns = Turns()
    assert turns.acquire(0)
    assert not turns.acquire(0.01)
    turns.release()
    assert turns.acquire(0)


def test_only_one_holds_it() -> None:
    turns, inside, most = Turns(), [0], [0]

    def work() -> None:
        for _ in range(300):
            if not turns.acquire(0.0005):
                continue
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            inside[0] -= 1
            turns.release()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert most == [1]
    assert turns.acquire(0)
