"""How fast terms are found by the term index, and what the index takes.

`BENCH_ROWS` is the number of sign-ins (1,000,000 unless set; the promise is for 20,000,000), with a tenth as many audit rows;
`BENCH_KEEP` a folder in which the store is kept for the next run, as for the shapes of queries. The index is made anew.
"""

from __future__ import annotations

import os
import shutil
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.queries.data import NOW, fill
from vedette.core.clock import VirtualClock
from vedette.store.logstore import LogStore

pytestmark = pytest.mark.bench
Record = Callable[[str, float, float, str], None]
ROWS = int(os.environ.get("BENCH_ROWS", "1000000"))
TIMES = 7
SCANNED = 2_000_000
"""Of so many sign-ins at most, every column is read without the index to see whether `search` finds the same with it."""
QUERIES = (
    ("`has` of a rare term", "SigninLogs | where UserAgent has 'sqlmap' | count", 10),
    ("`has` of a rare term, whole rows", "SigninLogs | where UserAgent has 'aadinternals'", 10),
    ("`has` of a term that is nowhere", "SigninLogs | where UserAgent has 'zzqqx' | count", 10),
    ("`has_any` of three rare terms", "SigninLogs | where UserAgent has_any ('aadinternals', 'zzqqx', 'hydra') | count", 10),
    ("`contains` of an alphanumeric needle", "SigninLogs | where UserAgent contains 'adinternal' | count", 100),
    ("`contains` of a part of an id", "SigninLogs | where CorrelationId contains 'abc1234' | count", 100),
    ("`search` of a rare term over all tables", "search 'aadinternals' | count", 1000),
    ("`search` of a user over all tables", "search 'user49999' | count", 1000),
    ("`search` of a frequent user over all tables", "search 'user7' | count", 1000),
)  # fmt: skip


@pytest.mark.timeout(0)
def test_terms_are_found_by_the_index(tmp_path: Path, record: Record) -> None:
    kept = os.environ.get("BENCH_KEEP")
    path = Path(kept or tmp_path) / f"logs-{ROWS}.duckdb"
    index = path.with_suffix(".index")
    shutil.rmtree(index, ignore_errors=True)
    there = path.exists()
    try:
        with LogStore(path, VirtualClock(NOW)) as store:
            if not there:
                fill(store, ROWS)
            without = {
                text: store.query(text).rows for _, text, _ in QUERIES if ROWS <= SCANNED or "search" not in text
            }
            began = time.process_time()
            for table in ("SigninLogs", "AuditLogs"):
                store.terms.bring_up_to_date(table)
            taken = time.process_time() - began
            size = sum(file.stat().st_size for file in index.rglob("*") if file.is_file())
            print(f"\n{ROWS * 11 // 10:,} rows indexed in {taken:.0f} s of processor, {size / 1e6:,.0f} MB beside a store of "
                  f"{path.stat().st_size / 1e6:,.0f} MB")  # fmt: skip
            medians = []
            for what, text, _ in QUERIES:
                seconds, work = [], []
                for _ in range(TIMES):
                    began, used = time.perf_counter(), time.process_time()
                    rows = store.query(text).rows
                    seconds.append(time.perf_counter() - began)
                    work.append(time.process_time() - used)
                assert text not in without or sorted(map(repr, rows)) == sorted(map(repr, without[text]))
                print(
                    f"{what}: {statistics.median(work) * 1e3:.1f} ms of processor, {statistics.median(seconds) * 1e3:.1f} ms, first {seconds[0] * 1e3:.1f} ms; {text}"
                )
                medians.append(statistics.median(seconds) * 1e3)
    finally:
        if not kept:
            path.unlink(missing_ok=True)
        shutil.rmtree(index, ignore_errors=True)
    for (what, _, most), median in zip(QUERIES, medians, strict=True):
        record(f"{what}, {ROWS * 11 // 10:,} rows", median, most, "ms")
