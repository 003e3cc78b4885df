"""What a query leaves running behind it: nothing."""

from __future__ import annotations

import threading

import pytest

from vedette.core.clock import SystemClock
from vedette.store.logstore import LogStore


@pytest.mark.parametrize(
    "query", ["print 1", "SigninLogs | where Location == 'KP'", "range x from 1 to 10 step 1 | count"]
)
def test_no_thread_outlives_its_query(query: str) -> None:
    # A timer's thread that lets go of the connection last, while the interpreter ends, aborts the process.
    with LogStore(None, SystemClock()) as store:
        before = set(threading.enumerate())
        for _ in range(20):
            store.query(query)
            assert set(threading.enumerate()) == before
