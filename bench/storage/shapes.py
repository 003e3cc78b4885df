"""The unit of storage: a handful of shapes over one table, over attached segments of a day, and over Parquet files of an hour.

    python -m bench.storage.shapes --rows 5000000 --folder DIR

All three hold the same sign-ins. Each shape runs over all three in turns, so that whatever else the machine does weighs on each.
"""

from __future__ import annotations

import argparse
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import duckdb

from bench.queries.data import _USER, DAYS, NOW, SIGNINS
from vedette.engine.dialect import identifier
from vedette.kql import ticks

COLUMNS: Final = ("TimeGenerated", "UserPrincipalName", "IPAddress", "AppDisplayName", "ResultType", "DurationMs", "CorrelationId",
                  "DeviceDetail", "UserAgent")  # fmt: skip
HOURS: Final = 24 * DAYS
_START: Final = ticks.from_datetime(NOW) - DAYS * ticks.DAY
_DAY: Final = ticks.from_datetime(NOW) - ticks.DAY
_WEEK: Final = ticks.from_datetime(NOW) - 7 * ticks.DAY
_TERM: Final = "contains(lower(\"UserAgent\"), 'sqlmap') AND regexp_matches(lower(\"UserAgent\"), '(^|[^\\p{L}\\p{N}])sqlmap($|[^\\p{L}\\p{N}])')"

SHAPES: Final = {
    "1 day and a user, take 50": f'SELECT "IPAddress" FROM {{t}} WHERE "TimeGenerated" > {_DAY} AND "UserPrincipalName" = \'user77@contoso.example\' LIMIT 50',
    "has, rare": f'SELECT "UserPrincipalName", "UserAgent" FROM {{t}} WHERE {_TERM}',
    "contains, rare": 'SELECT "UserPrincipalName", "UserAgent" FROM {t} WHERE contains(lower("UserAgent"), \'sqlmap/1\')',
    "count and dcount by user": 'SELECT "UserPrincipalName", count(*), count(DISTINCT "IPAddress") FROM {t} GROUP BY 1',
    "count by hour and result": f'SELECT "TimeGenerated" - "TimeGenerated" % {ticks.HOUR}, "ResultType", count(*) FROM {{t}} GROUP BY 1, 2',
    "arg_max by user, 7 days": f'SELECT "UserPrincipalName", arg_max("UserAgent", "TimeGenerated") FROM {{t}} WHERE "TimeGenerated" > {_WEEK} GROUP BY 1',
    "percentiles by application": 'SELECT "AppDisplayName", quantile_disc("DurationMs", [0.5, 0.95, 0.99]) FROM {t} GROUP BY 1',
}


def rows(count: int) -> str:
    """SQL of some sign-ins."""
    items = ", ".join(f"{SIGNINS[name].replace('{total}', str(count))} AS {identifier(name)}" for name in COLUMNS)
    return f"SELECT {items} FROM (SELECT i, {_USER} AS u FROM range({count}) AS r(i))"


def timed(work: Callable[[], object]) -> float:
    """Seconds."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main() -> None:
    """Builds the three and asks each."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--rows", type=int, default=5_000_000)
    asked.add_argument("--folder", type=Path, required=True)
    asked.add_argument("--repeats", type=int, default=3)
    given = asked.parse_args()
    folder: Path = given.folder
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "hours").mkdir(parents=True)
    one = duckdb.connect(str(folder / "one.duckdb"))
    made = timed(lambda: one.execute(f"CREATE TABLE made AS {rows(given.rows)}").fetchall())
    print(f"rows made in {made:.0f} s; the rates that follow are of copying them")
    built = {
        "one table": timed(
            lambda: (one.execute("CREATE TABLE t AS FROM made").fetchall(), one.execute("CHECKPOINT").fetchall())
        )
    }

    def segments() -> None:
        for day in range(DAYS):
            first = _START + day * ticks.DAY
            name = f"d{day}"
            one.execute(f"ATTACH '{folder / name}.duckdb' AS {name}").fetchall()
            one.execute(
                f'CREATE TABLE {name}.t AS FROM made WHERE "TimeGenerated" >= {first} AND "TimeGenerated" < {first + ticks.DAY}'
            ).fetchall()
            one.execute(f"CHECKPOINT {name}").fetchall()

    def parquet() -> None:
        for hour in range(HOURS):
            first = _START + hour * ticks.HOUR
            one.execute(
                f'COPY (FROM made WHERE "TimeGenerated" >= {first} AND "TimeGenerated" < {first + ticks.HOUR}) '
                f"TO '{folder}/hours/{hour:03}.parquet' (COMPRESSION zstd)"
            ).fetchall()

    built["30 segments"] = timed(segments)
    built["720 Parquet files"] = timed(parquet)
    own = [
        row[0]
        for row in one.execute(
            "SELECT count(DISTINCT block_id) * 0.262144 FROM pragma_storage_info('t') WHERE block_id >= 0"
        ).fetchall()
    ]
    sizes = {
        "one table": float(own[0]),
        "30 segments": sum(path.stat().st_size for path in folder.glob("d*.duckdb")) / 1e6,
        "720 Parquet files": sum(path.stat().st_size for path in (folder / "hours").iterdir()) / 1e6,
    }
    sources = {
        "one table": "t",
        "30 segments": "(" + " UNION ALL ".join(f"FROM d{day}.t" for day in range(DAYS)) + ")",
        "720 Parquet files": f"read_parquet('{folder}/hours/*.parquet')",
    }
    print("| | " + " | ".join(sources) + " |\n|---|" + "---:|" * len(sources))
    print("| build, rows/s | " + " | ".join(f"{given.rows / built[name]:,.0f}" for name in sources) + " |")
    print("| size, MB | " + " | ".join(f"{sizes[name]:,.0f}" for name in sources) + " |")
    for name, sql in SHAPES.items():
        best = dict.fromkeys(sources, 9e9)
        for _ in range(given.repeats):
            for where, source in sources.items():
                text = sql.replace("{t}", source)
                best[where] = min(best[where], timed(lambda text=text: one.execute(text).fetchall()))
        print(f"| {name}, ms | " + " | ".join(f"{best[where] * 1000:,.0f}" for where in sources) + " |", flush=True)
    one.close()
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
