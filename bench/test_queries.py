"""How near KQL comes to the best hand-written SQL on the same tables and the same engine, over sixteen shapes.

A second table has variants of them, so that what makes the sixteen fast is seen to make others fast.

`BENCH_ROWS` is the number of sign-ins (1,000,000 unless set; the published table has 20,000,000), `BENCH_SHAPES` parts of the
names of the shapes to run, with bars between, and `BENCH_KEEP` a folder in which the store is kept for the next run.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.queries.data import NOW, fill
from bench.queries.runner import measure, report
from bench.queries.shapes import SHAPES, VARIANTS
from vedette.core.clock import VirtualClock
from vedette.store.logstore import LogStore

pytestmark = pytest.mark.bench
Record = Callable[[str, float, float, str], None]

ROWS = int(os.environ.get("BENCH_ROWS", "1000000"))


@pytest.mark.timeout(0)
def test_kql_is_as_fast_as_hand_written_sql(tmp_path: Path, record: Record) -> None:
    kept = os.environ.get("BENCH_KEEP")
    path = Path(kept or tmp_path) / f"logs-{ROWS}.duckdb"
    wanted = os.environ.get("BENCH_SHAPES", "").split("|")
    shapes = [shape for shape in SHAPES if any(part in shape.name for part in wanted)]
    variants = [shape for shape in VARIANTS if any(part in shape.name for part in wanted)]
    there = path.exists()
    try:
        with LogStore(path, VirtualClock(NOW)) as store:
            started = time.perf_counter()
            if not there:
                fill(store, ROWS)
            print(
                f"\n{ROWS:,} sign-ins made in {time.perf_counter() - started:.0f} s, {path.stat().st_size / 2**20:,.0f} MiB"
            )
            timings = measure(store, shapes)
            others = measure(store, variants)
    finally:
        if not kept:
            path.unlink(missing_ok=True)
    print(report(timings))
    if others:
        print(f"\nVariants (median {statistics.median(other.ratio for other in others):.2f}):\n\n{report(others)}")
    if not timings:
        return
    ratios = [timing.ratio for timing in timings]
    record(f"KQL against SQL, median of {len(ratios)} shapes", statistics.median(ratios), 1.10, "times")
    record(f"KQL against SQL, worst of {len(ratios)} shapes", max(ratios), 1.5, "times")
