"""kill -9 while rules run: the ledger tiles, and every acknowledged event was alerted on once by each rule."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import select

from tests.detect.detecting import RARE, RARE_END, rules
from vedette.core.clock import SystemClock
from vedette.core.database import State
from vedette.core.workspaces import Workspaces
from vedette.detect.running.ledger import Ledger
from vedette.detect.running.windows import WindowOutcome
from vedette.incidents.models import AlertRow, IncidentRow

ROOT = Path(__file__).resolve().parents[2]


def started(folder: Path, number: int, seconds: float = 0) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.detect.detecting", str(folder), str(number), str(seconds)], cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")}, stdout=subprocess.PIPE,
    )  # fmt: skip


def killed(folder: Path, number: int, source: random.Random) -> list[str]:
    """The events that a process acknowledged before it was killed, at some time after its first."""
    process = started(folder, number)
    assert process.stdout is not None
    first = process.stdout.readline()
    assert first, "the process ended by itself"
    said: list[bytes] = [first]
    reader = threading.Thread(target=lambda: said.extend(process.stdout or []))
    reader.start()
    time.sleep(source.uniform(0.05, 4))
    assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    reader.join()
    return [line.decode().strip() for line in said if line.endswith(b"\n")]


@pytest.mark.skipif(sys.platform == "win32", reason="there is no kill -9")
@pytest.mark.timeout(3600)
@pytest.mark.req("P-082", "P-084")
@pytest.mark.parametrize("count", [2, pytest.param(100, marks=pytest.mark.soak)])
def test_killed_while_rules_run(tmp_path: Path, count: int) -> None:
    source = random.Random(int(os.environ.get("CRASH_SEED", count)))
    count = int(os.environ.get("CRASHES", count))
    sent = [event for number in range(count) for event in killed(tmp_path, number, source)]
    last = started(tmp_path, count, 900)
    assert last.wait(600) == 0
    state = State.in_file(tmp_path / "state.db")
    workspace = Workspaces(state).default().id
    ledger = Ledger(state, workspace, SystemClock())
    assert ledger.verify() == []
    assert ledger.gaps() == []
    with state.session(read_only=True) as session:
        alerts = list(session.scalars(select(AlertRow)))
        incidents = list(session.scalars(select(IncidentRow.number)))
    for rule in rules():
        read = [entry for entry in ledger.coverage(rule.id) if entry.outcome is not WindowOutcome.DISABLED]
        assert read
        found = Counter(alert.body["customDetails"]["Event"][0] for alert in alerts if alert.rule_id == rule.id)
        assert {event for event, times in found.items() if times > 1} == set(), "an event under two alerts"
        wanted = [event for event in sent if rule.id != RARE or event.endswith(RARE_END)]
        missing = [event for event in wanted if event not in found]
        assert missing == [], f"{rule.name}: {len(missing)} of {len(wanted)} events became no alert"
    assert len(incidents) == len(alerts)
    assert any(entry.spared for entry in ledger.runs(RARE, limit=10**6)), "no look has answered a window"
    state.dispose()
