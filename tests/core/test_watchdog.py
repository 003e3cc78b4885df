"""Work that is to end is interrupted, by one thread for all of it."""

from __future__ import annotations

import gc
import multiprocessing
import os
import threading
import time
import weakref

import duckdb
import pytest

from vedette.core.watchdog import Watchdog

ENDLESS = "SELECT count(*) FROM range(1000000000) AS a(i), range(1000000000) AS b(j) WHERE i * j % 7 = 8"


class Query:
    def __init__(self, seconds: float) -> None:
        self.deadline = time.monotonic() + seconds
        self.connection = duckdb.connect()
        self.cancelled = False

    def stopped(self) -> bool:
        return self.cancelled or time.monotonic() >= self.deadline

    def interrupt(self) -> None:
        self.connection.interrupt()


def test_a_query_whose_time_is_over_ends_while_another_goes_on() -> None:
    watchdog, short, long = Watchdog("test"), Query(0.05), Query(600)
    with watchdog.over(long):
        with watchdog.over(short):
            assert watchdog.running == 2
            with pytest.raises(duckdb.InterruptException):
                short.connection.execute(ENDLESS)
        assert watchdog.running == 1
        assert long.connection.execute("SELECT 1").fetchall() == [(1,)]
    assert watchdog.running == 0


def test_a_query_that_is_cancelled_before_the_engine_begins_ends_all_the_same() -> None:
    watchdog, query = Watchdog("test"), Query(600)
    query.cancelled = True
    with watchdog.over(query):
        time.sleep(0.3)  # the first interruptions come while nothing runs
        with pytest.raises(duckdb.InterruptException):
            query.connection.execute(ENDLESS)


def test_nothing_holds_a_query_that_is_over() -> None:
    watchdog, query = Watchdog("test"), Query(0.0)
    seen = weakref.ref(query)
    with watchdog.over(query):
        time.sleep(0.1)
    del query
    gc.collect()
    assert seen() is None


def test_one_thread_is_enough() -> None:
    watchdog = Watchdog("the only one")
    for _ in range(20):
        with watchdog.over(Query(600)):
            pass
    assert [thread.name for thread in threading.enumerate()].count("the only one") == 1


def test_a_query_after_a_pause_is_watched_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vedette.core.watchdog._RESTS_AFTER", 0.01)
    watchdog = Watchdog("test")
    for _ in range(2):
        query = Query(0.05)
        with watchdog.over(query), pytest.raises(duckdb.InterruptException):
            query.connection.execute(ENDLESS)
        time.sleep(0.4)


def test_what_cannot_be_ended_keeps_nothing_else_from_it() -> None:
    class Broken(Query):
        def interrupt(self) -> None:
            raise RuntimeError("it is gone")

    watchdog, broken, query = Watchdog("test"), Broken(0.0), Query(0.1)
    with watchdog.over(broken), watchdog.over(query), pytest.raises(duckdb.InterruptException):
        query.connection.execute(ENDLESS)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="only POSIX has forks")
def test_a_fork_is_watched_by_a_thread_of_its_own() -> None:
    watchdog, ended = Watchdog("test"), multiprocessing.get_context("fork").Event()

    class Work:
        deadline = 0.0

        def stopped(self) -> bool:
            return True

        def interrupt(self) -> None:
            ended.set()

    with watchdog.over(Work()):
        assert ended.wait(60)
    ended.clear()
    child = os.fork()
    if child == 0:  # pragma: no cover
        with watchdog.over(Work()):
            os._exit(0 if ended.wait(60) else 1)
    assert os.waitpid(child, 0)[1] == 0
