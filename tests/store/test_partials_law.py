"""The law of kept partial rows: whatever happens to a store, answers with them are those of the whole query."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from tests.store.kept_parts import ALWAYS, HOUR, NOW, QUERIES, SPAN, alike, asked, opened, row, rows
from vedette.kql.types import Type
from vedette.store.logstore import LogStore
from vedette.store.retention import moves
from vedette.store.retention.purge import preview, purge

ROOT = Path(__file__).resolve().parents[2]
_minutes = st.integers(0, 3 * 24 * 60)


class Law(RuleBasedStateMachine):
    """Rows come in order and out of it, go away, move and get other ids; windows advance; the store is closed and opened."""

    store: LogStore

    @initialize(count=st.integers(0, 300))
    def begin(self, count: int) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.store = opened(Path(self.folder.name))
        self.at = NOW
        self.number = 0
        self.added = 0
        self._append(rows(count or 1))

    def _append(self, some: list[dict[str, Any]]) -> None:
        self.number += len(some)
        self.store.append("T_CL", some)

    @rule(count=st.integers(1, 200), back=_minutes)
    def rows_arrive(self, count: int, back: int) -> None:
        """In time, late, or before all windows."""
        self._append(rows(count, self.number, self.at - timedelta(minutes=back), 3 * HOUR))

    @rule(backs=st.lists(_minutes, min_size=1, max_size=30))
    def single_rows_arrive(self, backs: list[int]) -> None:
        self._append([row(self.at - timedelta(minutes=back), self.number + at) for at, back in enumerate(backs)])

    @rule(minutes=st.sampled_from([60, 60, 60, 120, 37, -60]))
    def time_goes_on(self, minutes: int) -> None:
        self.at += timedelta(minutes=minutes)

    @rule(text=st.sampled_from(QUERIES), every=st.sampled_from([60, 60, 60, 25, 180]))
    def a_rule_runs(self, text: str, every: int) -> None:
        asked(self.store, text, self.at, every=timedelta(minutes=every))

    @rule(text=st.sampled_from(QUERIES), times=st.integers(1, 3))
    def a_rule_runs_hour_by_hour(self, text: str, times: int) -> None:
        for _ in range(times):
            self.at += HOUR
            asked(self.store, text, self.at)

    @rule(below=st.integers(0, 40), user=st.sampled_from(["ann", "bob", ""]))
    def rows_are_purged(self, below: int, user: str) -> None:
        where = f"User == '{user}' and Number < {below}"
        purge(self.store, "T_CL", where, preview(self.store, "T_CL", where).token)

    @rule(below=st.integers(0, 40))
    def rows_vanish(self, below: int) -> None:
        with self.store.cursor() as cursor:
            cursor.execute(f'DELETE FROM log_tables."T_CL" WHERE "Number" BETWEEN {below} AND {below + 3}')

    @rule()
    def ids_change(self) -> None:
        self.store.checkpoint()

    @rule(hours=st.integers(20, 60))
    def retention_ends(self, hours: int) -> None:
        from vedette.kql import ticks

        moves.delete_before(self.store, "T_CL", ticks.from_datetime(self.at - timedelta(hours=hours)))

    @precondition(lambda self: self.number > 300)
    @rule()
    def a_day_moves_into_the_lake(self) -> None:
        days = moves.old_days(self.store, "T_CL", 10**6)
        if len(days) > 1:
            moves.move_day(self.store, "T_CL", days[0], 5.0)

    @precondition(lambda self: self.added < 3)
    @rule()
    def a_column_is_added(self) -> None:
        self.added += 1
        self.store.add_column("T_CL", f"Added{self.added}", Type.STRING)
        asked(self.store, f"T_CL | summarize count() by Added{self.added}", self.at)

    @rule()
    def the_store_is_opened_anew(self) -> None:
        self.store.close()
        self.store = opened(Path(self.folder.name))

    def teardown(self) -> None:
        if hasattr(self, "store"):
            for text in QUERIES[:3]:
                asked(self.store, text, self.at)
            self.store.close()
            self.folder.cleanup()


def _law(examples: int, steps: int) -> None:
    chosen = settings(
        max_examples=examples, stateful_step_count=steps, deadline=None, suppress_health_check=list(HealthCheck),
        derandomize=True,
    )  # fmt: skip
    run_state_machine_as_test(Law, settings=chosen)


def test_answers_are_those_of_the_whole_query() -> None:
    _law(6, 16)


@pytest.mark.soak
def test_answers_are_those_of_the_whole_query_for_long() -> None:
    _law(300, 40)


WRITER = """
import sys
from pathlib import Path
from datetime import timedelta
from tests.store.kept_parts import HOUR, NOW, QUERIES, SPAN, opened, rows
folder, first = Path(sys.argv[1]), int(sys.argv[2])
store = opened(folder)
print("ready", flush=True)
for step in range(first, first + 400):
    at = NOW + step * HOUR / 4
    store.append("T_CL", rows(20, step * 20, at, HOUR * (1 + step % 9)))
    for text in QUERIES[1:4]:
        store.query(text, now=at, timespan=(at - SPAN, at), every=HOUR)
    print(step, flush=True)
"""


def _kills(folder: Path, times: int, seed: int) -> int:
    """Kills a process that adds rows and keeps partial rows, again and again; how many bins were used that one had kept."""
    chance = random.Random(seed)
    with opened(folder) as store:
        store.append("T_CL", rows(2000))
    step = kept = 0
    for _ in range(times):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(folder), str(step)], stdout=subprocess.PIPE, text=True, cwd=ROOT,
            env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"},
        )  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "ready"
        assert process.stdout.readline().strip() == str(step)  # one round is whole
        time.sleep(chance.uniform(0, 0.4))
        process.kill()
        done = [int(line) for line in process.stdout.read().split()]
        process.wait()
        step = (done[-1] if done else step) + 1
        assert list((folder / "logs.partials").glob("*.partial"))
        with opened(folder, ALWAYS) as store:
            at = NOW + step * HOUR / 4
            for text in QUERIES[1:4]:
                plain = store.query(text, now=at, timespan=(at - SPAN, at))
                found = store.query(text, now=at, timespan=(at - SPAN, at), every=HOUR)
                assert alike(found) == alike(plain), text
                kept += found.statistics.bins_kept
    return kept


@pytest.mark.skipif(sys.platform == "win32", reason="a process is killed by a POSIX signal here")
def test_a_kill_leaves_answers_that_are_right(tmp_path: Path) -> None:
    assert _kills(tmp_path, 3, 1) > 0


@pytest.mark.soak
@pytest.mark.skipif(sys.platform == "win32", reason="a process is killed by a POSIX signal here")
def test_many_kills_leave_answers_that_are_right(tmp_path: Path) -> None:
    assert _kills(tmp_path, 60, 2) > 0
