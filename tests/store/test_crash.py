"""What a killed process leaves behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from vedette.core.clock import VirtualClock
from vedette.store.logstore import LogStore

ROOT = Path(__file__).resolve().parents[2]
FILES, ROWS = 40, 4_000

LOADER = """
import sys
from pathlib import Path
from vedette.core.clock import SystemClock
from vedette.store.logstore import LogStore
store = LogStore(Path(sys.argv[1]), SystemClock())
print("ready", flush=True)
for path in sys.argv[2:]:
    report = store.load([Path(path)])
    store.append("SecurityAlert", [{"AlertName": path}])
    print(path, report.rows, flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="a process is killed by a POSIX signal here")
@pytest.mark.parametrize("after", [1, 4, 9])
def test_what_was_acknowledged_survives_and_nothing_is_there_in_part(
    tmp_path: Path, clock: VirtualClock, after: int
) -> None:
    """Killed with -9 somewhere within the load of a file: every acknowledged file is there whole, and no other in part."""
    paths = []
    for number in range(FILES):
        path = tmp_path / "in" / ("Things_CL" if number % 2 else "SecurityEvent") / f"{number}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        text = "".join(
            json.dumps({"EventID": number, "Computer": f"host{n}", f"new{number}": n}) + "\n" for n in range(ROWS)
        )
        path.write_text(text + "bad\n")
        paths.append(path)
    file = tmp_path / "logs.duckdb"
    process = subprocess.Popen(
        [sys.executable, "-c", LOADER, str(file), *map(str, paths)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "ready"
    acknowledged = [process.stdout.readline().split()[0] for _ in range(after)]
    time.sleep(0.05)  # into the next file
    process.send_signal(signal.SIGKILL)
    acknowledged += [line.split()[0] for line in process.stdout.read().splitlines() if len(line.split()) == 2]
    process.wait()
    assert len(acknowledged) < FILES
    with LogStore(file, clock) as store:
        loaded = {
            row[0]
            for row in store._cursor().execute("SELECT source FROM store_catalog.loads WHERE source <> ''").fetchall()
        }
        assert set(acknowledged) <= loaded
        assert len(loaded) - len(acknowledged) <= 1  # committed, and killed before it could say so
        for table in ("SecurityEvent", "Things_CL"):
            counts = store.query(f"{table} | summarize count() by EventID").rows if store.host.table(table) else []
            assert {row[1] for row in counts} <= {ROWS}
            assert {row[0] for row in counts} == {int(Path(p).stem) for p in loaded if Path(p).parent.name == table}
        alerts = {row[0] for row in store.query("SecurityAlert | project AlertName").rows}
        assert set(acknowledged) <= alerts <= loaded
        assert store.query("VedetteDeadLetter_CL | count").rows == [[len(loaded)]]
        rest = store.load(paths)  # and it goes on from there
        assert rest.rows == (FILES - len(loaded)) * ROWS
        assert sum(info.rows for info in store.tables() if info.name in ("SecurityEvent", "Things_CL")) == FILES * ROWS
