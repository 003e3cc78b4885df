"""Threads that stand back for others."""

from __future__ import annotations

import os
import sys
import threading

import pytest

from vedette.core.priority import step_back


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the threads of a process apart")
def test_only_the_thread_that_asks_stands_back() -> None:
    found: list[int] = []

    def work() -> None:
        step_back(7)
        found.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))

    before = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found[0] >= 7
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == before


def test_a_system_that_forbids_it_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(which: int, who: int, nice: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "setpriority", refused, raising=False)
    step_back(7)
