"""What a process that is killed while it makes the term index leaves behind."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from vedette.core.clock import VirtualClock
from vedette.engine.query import QueryOptions
from vedette.engine.rewrites import ALL_REWRITES
from vedette.store.logstore import LogStore
from vedette.store.terms import index as term_index
from vedette.store.terms import lookup as term_lookup

ROOT = Path(__file__).resolve().parents[2]
ROWS = 20_000
BUILDER = """
import sys
from pathlib import Path
from vedette.core.clock import SystemClock
from vedette.store.terms import index as term_index
from vedette.store.logstore import LogStore
term_index.SEGMENT, term_index._WORTH = 512, 1
store = LogStore(Path(sys.argv[1]), SystemClock())
print("ready", flush=True)
store.terms.catch_up()
print("done", flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="a process is killed by a POSIX signal here")
def test_a_kill_while_the_index_is_made_leaves_a_store_that_finds_all(
    tmp_path: Path, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed with -9 again and again: whole segments stay, nothing damaged is used, and the rest is made in the end."""
    file = tmp_path / "logs.duckdb"
    monkeypatch.setattr(term_index, "LEAST", 2**40)
    with LogStore(file, clock) as store:
        rows = [{"Number": n, "Text": f"agent{n} part{n % 77} of {n % 13}.{n % 251}.7.9"} for n in range(ROWS)]
        store.append("Given_CL", rows)
    folder = tmp_path / "logs.index"
    killed = 0
    for wait in (0.0, 0.02, 0.05, 0.1, 0.2):
        process = subprocess.Popen(
            [sys.executable, "-c", BUILDER, str(file)], stdout=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        )  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "ready"
        before = len(list(folder.rglob("*"))) if folder.is_dir() else 0
        until = time.monotonic() + 60
        # into the making of a segment: a file more than there was, and then some
        while process.poll() is None and time.monotonic() < until:
            if folder.is_dir() and len(list(folder.rglob("*"))) > before:
                break
            time.sleep(0.002)
        time.sleep(wait)
        process.kill()
        rest = process.stdout.read()
        process.wait()
        killed += "done" not in rest
    assert killed, "every index was whole before its maker was killed"
    monkeypatch.setattr(term_lookup, "_GOOD", 0)
    monkeypatch.setattr(term_index, "SEGMENT", 512)
    monkeypatch.setattr(term_index, "_WORTH", 1)
    plain = QueryOptions(clock.now(), rewrites=ALL_REWRITES - {"term-index"})
    with LogStore(file, clock) as store:
        for text in ("agent777", "part5", "7.9", "agent19999", "nothing"):
            query = f"Given_CL | where Text has '{text}' | summarize count(), sum(Number)"
            found = store.query(query).rows
            assert found == store._engine.run(query, plain).rows, text
        store.terms.catch_up()
        assert store.index("Given_CL", None, True) == ROWS
        names = [path.name for path in folder.rglob("*") if path.is_file()]
        assert all(name.endswith(".terms") for name in names), names
        for text in ("agent777", "agent19999"):
            query = f"Given_CL | where Text has '{text}' | project Number"
            assert store.query(query).rows == [[int(text[5:])]]
            assert "term-index" in store.explain(query, now=clock.now())[-1].rewrites
