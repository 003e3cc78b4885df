"""How fast log rows get into a store, and what memory that takes. `BENCH_ROWS` is the size of the load beside DuckDB's."""

from __future__ import annotations

import gzip
import json
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from bench.test_ingest import sign_ins
from vedette.core.clock import SystemClock
from vedette.store.logstore import LogStore

pytestmark = pytest.mark.bench
ROOT = Path(__file__).resolve().parents[1]
Record = Callable[[str, float, float, str], None]
ROWS = 300_000
RATIO_ROWS = int(os.environ.get("BENCH_ROWS", "200000"))

LOAD = """
import json, resource, sys, time
from pathlib import Path
from vedette.core.clock import SystemClock
from vedette.store.logstore import LogStore
with LogStore(Path(sys.argv[1]), SystemClock()) as store:
    store.load([Path(sys.argv[3])])  # a row: imports and the first table are not the rate
    started = time.perf_counter()
    report = store.load([Path(sys.argv[2])])
    taken = time.perf_counter() - started
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 1024 * 1024)
print(json.dumps({"rows": report.rows, "seconds": taken, "peak": peak}))
"""


def security_events(count: int) -> bytes:
    """Rows like those of Windows' security log: 18 to 24 fields of 130 kinds, 800 bytes, much of it repeated."""
    source = random.Random(42)
    shapes = [
        [f"Field{source.randrange(60)}" for _ in range(source.randrange(4, 9))] for _ in range(40)
    ]  # event ids differ in what they fill
    lines = []
    for number in range(count):
        host = f"host{source.randrange(200)}.contoso.com"
        user = f"CONTOSO\\user{source.randrange(3000)}"
        shape = source.randrange(len(shapes))
        row = {
            "TimeGenerated": f"2026-02-{1 + number * 27 // count:02}T{number % 24:02}:{number % 60:02}:{number * 7 % 60:02}.{source.randrange(1000):03}Z",
            "Computer": host, "EventID": 4600 + shape, "Account": user, "AccountType": "User", "Channel": "Security",
            "EventSourceName": "Microsoft-Windows-Security-Auditing", "Activity": f"{4600 + shape} - An operation was tried.",
            "SourceComputerId": f"{source.randrange(200):08x}-0000-4000-8000-000000000000", "Task": 12544, "Level": "8",
            "SubjectUserName": user, "SubjectDomainName": "CONTOSO", "SubjectLogonId": hex(source.randrange(10**6)),
            "EventData": f"<EventData><Data Name='SubjectUserSid'>S-1-5-21-{source.randrange(10**6)}</Data><Data>{'x' * 150}</Data></EventData>",
            "CommandLine": f"C:\\Windows\\System32\\svchost.exe -k netsvcs -p -s Schedule {source.randrange(500)}",
            "Process": "svchost.exe", "ProcessId": hex(source.randrange(10_000)),
        }  # fmt: skip
        row |= dict.fromkeys(shapes[shape][:1], "value")  # one field that the table does not know
        row |= {
            name: f"S-1-{source.randrange(50)}" for name in ("TargetUserSid", "LogonGuid", "IpAddress")[: shape % 4]
        }
        lines.append(json.dumps(row))
    return ("\n".join(lines) + "\n").encode()


@pytest.mark.parametrize("form", ["jsonl", "jsonl.gz"])
def test_security_events(tmp_path: Path, record: Record, form: str) -> None:
    content = security_events(ROWS)
    path = tmp_path / "SecurityEvent" / f"a.{form}"
    path.parent.mkdir()
    path.write_bytes(gzip.compress(content, 6) if form.endswith(".gz") else content)
    first = tmp_path / "SecurityEvent" / "first.jsonl"
    first.write_bytes(content[: content.index(b"\n") + 1])
    done = subprocess.run(
        [sys.executable, "-c", LOAD, str(tmp_path / "logs.duckdb"), str(path), str(first)],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT / "src",
    )
    result = json.loads(done.stdout)
    assert result["rows"] == ROWS
    record(f"loading 100,000 SecurityEvent rows ({form}, 2 cores)", result["seconds"] / ROWS * 100_000, 2.5, "s")
    record(f"peak memory while loading {form}", result["peak"], 1536, "MiB")


PAIRS = 5


@pytest.mark.usefixtures("seldom_collected")
def test_beside_duckdb(tmp_path: Path, record: Record) -> None:
    """The same JSON lines by `vedette load` and by DuckDB's own reader into a table of its own, in turns."""
    source = random.Random(7)
    folder = tmp_path / "SigninLogs"
    folder.mkdir()
    file = folder / "a.jsonl"
    with file.open("w", encoding="utf-8") as out:
        for _ in range(RATIO_ROWS // 1000):
            out.writelines(json.dumps(row) + "\n" for row in sign_ins(source, 1000))
    ratios = []
    for pair in range(PAIRS):
        with duckdb.connect(str(tmp_path / f"raw{pair}.duckdb")) as raw:
            started = time.perf_counter()
            raw.execute(
                f"CREATE TABLE logs AS SELECT * FROM read_json('{file}', format = 'newline_delimited')"
            ).fetchall()
            raw.execute("CHECKPOINT").fetchall()
            alone = time.perf_counter() - started
        store = LogStore(tmp_path / f"own{pair}.duckdb", SystemClock())
        started = time.perf_counter()
        with store:  # what is left to be written when the store is closed counts, as it does with DuckDB
            assert store.load([file]).rows == RATIO_ROWS
        ours = time.perf_counter() - started
        print(f"DuckDB alone {RATIO_ROWS / alone:,.0f} rows/s, vedette load {RATIO_ROWS / ours:,.0f}")
        ratios.append(ours / alone)
    record(
        "DuckDB's own load of JSON lines against vedette load, SigninLogs rows/s",
        statistics.median(ratios),
        1 / 0.7,
        "times",
    )
