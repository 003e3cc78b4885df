"""The threads of a server end with it, and those that hang are not waited for one after the other."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace
from typing import Any

import pytest

from vedette.api import workers
from vedette.api.workers import Work, Workers
from vedette.core.clock import SystemClock


def test_work_that_hangs_is_waited_for_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_END_SECONDS", 2.0)
    let_go, woken, ended = threading.Event(), [], []

    def hangs(stop: threading.Event) -> None:
        let_go.wait(90)

    def ends(stop: threading.Event) -> None:
        stop.wait(60)
        ended.append(threading.current_thread().name)

    work: Work = {"hangs": hangs, "hangs, too": hangs, "ends": ends}
    spaces = [SimpleNamespace(id=str(number), name=f"w{number}") for number in range(2)]
    waking = SimpleNamespace(wake=lambda: woken.append(1))
    application: Any = SimpleNamespace(
        clock=SystemClock(), background=lambda: work, services=lambda workspace: SimpleNamespace(background=lambda: work),
        workspaces=SimpleNamespace(list=lambda: spaces), deliverer=waking, collector=waking,
    )  # fmt: skip
    running = Workers(application)
    running.start()
    begun = time.monotonic()
    running.end()
    took = time.monotonic() - begun
    let_go.set()
    assert 2 <= took < 11, "one after the other they would be waited for 12 seconds"
    assert sorted(ended) == ["ends", "ends of w0", "ends of w1"]
    assert len(woken) == 2
