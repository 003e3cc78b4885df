"""What one query over its memory limit does to another: in one process, on one table.

python -m bench.storage.memory --rows 3000000 --folder DIR
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import threading
import time
from pathlib import Path

import duckdb

from bench.queries.data import NOW
from bench.storage.shapes import rows
from vedette.kql import ticks

LIGHT = f'SELECT count(*) FROM t WHERE "TimeGenerated" > {ticks.from_datetime(NOW) - ticks.DAY} AND "UserPrincipalName" = \'user77@contoso.example\''
HEAVY = {
    "sorts everything (spills)": 'SELECT count(*) FROM (SELECT row_number() OVER (ORDER BY "UserAgent") AS n FROM t) WHERE n < 0',
    "one list of everything (cannot spill)": 'SELECT length(string_agg("UserAgent" || "DeviceDetail", \'\')) FROM t',
}


def light(connection: duckdb.DuckDBPyConnection, count: int, stop: threading.Event | None = None) -> list[float]:
    """Milliseconds of some runs of the light query."""
    taken: list[float] = []
    while len(taken) < count and not (stop is not None and stop.is_set()):
        started = time.perf_counter()
        connection.execute(LIGHT).fetchall()
        taken.append((time.perf_counter() - started) * 1000)
    return taken


def main() -> None:
    """Measures the light query alone and beside each heavy one."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--rows", type=int, default=3_000_000)
    asked.add_argument("--folder", type=Path, required=True)
    asked.add_argument("--memory", default="400MB")
    given = asked.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(given.folder / "m.duckdb")) as made:
        made.execute(f"CREATE TABLE t AS {rows(given.rows)}").fetchall()
    connection = duckdb.connect(str(given.folder / "m.duckdb"), config={"temp_directory": str(given.folder / "spill")})
    connection.execute(f"SET memory_limit = '{given.memory}'").fetchall()
    alone = light(connection, 30)
    print("| beside | heavy one ends | light p50, ms | light p95, ms | light ones failed |\n|---|---|---:|---:|---:|")
    print(f"| nothing | | {statistics.median(alone):.0f} | {sorted(alone)[int(len(alone) * 0.95)]:.0f} | 0 |")
    for name, sql in HEAVY.items():
        stop = threading.Event()
        outcome: list[str] = []

        def work(text: str = sql, stop: threading.Event = stop, outcome: list[str] = outcome) -> None:
            cursor = connection.cursor()
            started = time.perf_counter()
            try:
                cursor.execute(text).fetchall()
                outcome.append(f"after {time.perf_counter() - started:.1f} s")
            except duckdb.Error as error:
                outcome.append(f"refused after {time.perf_counter() - started:.1f} s: {type(error).__name__}")
            stop.set()

        heavy = threading.Thread(target=work)
        heavy.start()
        failed, taken = 0, []
        while not stop.is_set():
            try:
                taken += light(connection.cursor(), 1)
            except duckdb.Error:
                failed += 1
        heavy.join()
        taken.sort()
        print(
            f"| {name} | {outcome[0]} | {statistics.median(taken):.0f} | {taken[int(len(taken) * 0.95)]:.0f} | {failed} |",
            flush=True,
        )
    connection.close()
    shutil.rmtree(given.folder)


if __name__ == "__main__":
    main()
