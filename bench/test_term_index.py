"""How fast terms are found by the term index, and what the index takes.

`BENCH_ROWS` is the number of sign-ins (1,000,000 unless set; the promise is for 20,000,000), with a tenth as many audit rows;
`BENCH_KEEP` a folder in which the store is kept for the next run, as for the shapes of queries. The index is made anew, unless
`BENCH_INDEX` is `keep`.
"""

from __future__ import annotations

import os
import shutil
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bench.queries.data import NOW, fill
from vedette.core.clock import VirtualClock
from vedette.store.logstore import LogStore
from vedette.store.terms.building import INDEXED
from vedette.store.terms.segments import room_of

pytestmark = pytest.mark.bench
Record = Callable[[str, float, float, str], None]
ROWS = int(os.environ.get("BENCH_ROWS", "1000000"))
TIMES = 15
_SOME = 0.1
"""Bytes of a row from which a column is looked at: one of a few values takes next to nothing anywhere."""
SCANNED = 2_000_000
"""Of so many sign-ins at most, every column is read without the index to see whether `search` finds the same with it."""
QUERIES = (
    ("`has` of a rare term", "SigninLogs | where UserAgent has 'sqlmap' | count", 10),
    ("`has` of a rare term, whole rows", "SigninLogs | where UserAgent has 'aadinternals'", 1000),
    ("`has` of a term that is nowhere", "SigninLogs | where UserAgent has 'zzqqx' | count", 10),
    ("`has_any` of three rare terms", "SigninLogs | where UserAgent has_any ('aadinternals', 'zzqqx', 'hydra') | count", 10),
    ("`contains` of an alphanumeric needle", "SigninLogs | where UserAgent contains 'adinternal' | count", 100),
    ("`contains` of seven characters of a unique id", "SigninLogs | where CorrelationId contains 'abc1234' | count", 100),
    ("`contains` of eight characters of a unique id", "SigninLogs | where CorrelationId contains 'abc12345' | count", 100),
    ("`search` of a rare term over all tables", "search 'aadinternals' | count", 1000),
    ("`search` of a user over all tables", "search 'user49999' | count", 1000),
    ("`search` of a frequent user over all tables", "search 'user7' | count", 1000),
    ("`search` of an address over all tables", "search '80.17.41.3' | count", 1000),
    ("`search` of a GUID over all tables", "search '00000000-0000-4000-8000-00000000c34f' | count", 1000),
    ("`search` of a user over all tables, whole rows", "search 'user49999'", 1000),
)  # fmt: skip


def _shares(store: LogStore) -> Iterator[tuple[float, str]]:
    """What the terms of each column take of the room that the column takes, in percent, and its name."""
    for name in ("SigninLogs", "AuditLogs"):
        table = store._tables.get(name)
        assert table is not None
        kinds = {column.physical: column.type for column in table.columns if column.type in INDEXED}
        segments = store.terms.segments(name)
        with closing(store._cursor()) as cursor:
            room = room_of(cursor, table, kinds)
        for column, of_row in room.items():
            if of_row >= _SOME:
                size = sum(segment.file.columns[column].size for segment in segments if column in segment.file.columns)
                yield 100 * size / (of_row * sum(segment.file.rows for segment in segments)), f"{name}.{column}"


@pytest.mark.timeout(0)
@pytest.mark.usefixtures("seldom_collected")
def test_terms_are_found_by_the_index(tmp_path: Path, record: Record) -> None:
    kept = os.environ.get("BENCH_KEEP")
    path = Path(kept or tmp_path) / f"logs-{ROWS}.duckdb"
    index = path.with_suffix(".index")
    keep = os.environ.get("BENCH_INDEX") == "keep"
    if not keep:
        shutil.rmtree(index, ignore_errors=True)
    there = path.exists()
    try:
        with LogStore(path, VirtualClock(NOW)) as store:
            if not there:
                fill(store, ROWS)
            without = {
                text: store.query(text).rows
                for _, text, _ in QUERIES
                if not keep and (ROWS <= SCANNED or "search" not in text)
            }
            began = time.process_time()
            for table in ("SigninLogs", "AuditLogs"):
                store.terms.bring_up_to_date(table)
            taken = time.process_time() - began
            size = sum(file.stat().st_size for file in index.rglob("*") if file.is_file())
            print(f"\n{ROWS * 11 // 10:,} rows indexed in {taken:.0f} s of processor, {size / 1e6:,.0f} MB beside a store of "
                  f"{path.stat().st_size / 1e6:,.0f} MB")  # fmt: skip
            largest, where = max(_shares(store))
            print(f"largest share of a column: {largest:.1f} % ({where})")
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
        if not keep:
            shutil.rmtree(index, ignore_errors=True)
    for (what, _, most), median in zip(QUERIES, medians, strict=True):
        record(f"{what}, {ROWS * 11 // 10:,} rows", median, most, "ms")
    record("largest share of a column that its terms take", largest, 35, "%")
