"""The term index: terms per segment, hashed posting lists in a table, and a library's index (tantivy) beside the store.

    python -m bench.storage.terms --rows 1000000 --folder DIR [--kills 20]

All three index the user agents of the same sign-ins by granules of 64 rows. `--kills`: how each stands being killed while it is written.
tantivy is no dependency of Vedette: install it for this alone.
"""

from __future__ import annotations

import argparse
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

from bench.queries.data import _USER, SIGNINS
from vedette.kql.types import Type
from vedette.store.terms.building import Source, build
from vedette.store.terms.file import Damaged, SegmentFile
from vedette.store.terms.text import Piece

SEGMENT = 983_040
SMALL = 20_480


def best(work: Callable[[], Any], repeats: int = 7) -> tuple[float, Any]:
    """The fastest of some runs, in milliseconds, and what it gave."""
    fastest, answer = 9e9, None
    for _ in range(repeats):
        started = time.perf_counter()
        answer = work()
        fastest = min(fastest, (time.perf_counter() - started) * 1000)
    return fastest, answer


def store(folder: Path, rows: int) -> duckdb.DuckDBPyConnection:
    """A table of user agents, with the hidden columns that the building of a segment reads."""
    connection = duckdb.connect(str(folder / "store.duckdb"))
    made = f'SELECT 1 AS "$load", i AS "$row", {SIGNINS["UserAgent"]} AS agent FROM (SELECT i, {_USER} AS u FROM range({rows}) AS r(i))'
    connection.execute(f"CREATE TABLE IF NOT EXISTS t AS {made}").fetchall()
    connection.execute("CHECKPOINT").fetchall()
    return connection


def segments(connection: duckdb.DuckDBPyConnection, folder: Path, rows: int, size: int = SEGMENT) -> None:
    """Terms per segment."""
    for first in range(0, rows, size):
        last = min(rows, first + size)
        build(
            connection,
            Source("t", first, last, {"agent": Type.STRING}),
            folder / f"{first}-{last - first}.terms",
            {},
            lambda: False,
        )


def postings(connection: duckdb.DuckDBPyConnection) -> None:
    """Hashed posting lists in a table, sorted by hash, so that zone maps find them."""
    words = "list_distinct(regexp_extract_all(lower(string_agg(agent, chr(10))), '[a-z0-9]{3,}'))"
    connection.execute(
        "CREATE TABLE p AS SELECT hash(term) AS h, list(g ORDER BY g)::UINTEGER[] AS g FROM "
        f"(SELECT g, unnest({words}) AS term FROM (SELECT rowid // 64 AS g, agent FROM t) GROUP BY g) GROUP BY 1 ORDER BY 1"
    ).fetchall()
    connection.execute("CHECKPOINT").fetchall()


def library(connection: duckdb.DuckDBPyConnection, folder: Path) -> Any:
    """A library's index."""
    import tantivy

    schema = tantivy.SchemaBuilder()
    schema.add_text_field("agent", stored=False, tokenizer_name="default", index_option="basic")
    schema.add_integer_field("g", stored=True, fast=True)
    folder.mkdir(exist_ok=True)
    index = tantivy.Index(schema.build(), path=str(folder))
    writer = index.writer(heap_size=256_000_000, num_threads=1)
    cursor = connection.execute("SELECT rowid // 64 AS g, string_agg(agent, ' ') FROM t GROUP BY 1 ORDER BY 1")
    while found := cursor.fetchmany(1000):
        for granule, text in found:
            writer.add_document(tantivy.Document(agent=[text], g=granule))
    writer.commit()
    writer.wait_merging_threads()
    index.reload()
    return index


def kills(folder: Path, rows: int, count: int) -> None:
    """Kill whoever writes, at random points, and see what is found afterwards."""
    # small segments, so that some are whole when the end comes
    dice = random.Random(4)
    for kind in ("segments", "library"):
        where = folder / f"killed-{kind}"
        whole, slowest = 0, 0.0
        for _ in range(count):
            shutil.rmtree(where, ignore_errors=True)
            where.mkdir()
            shutil.copy(folder / "store.duckdb", where / "store.duckdb")
            child = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "bench.storage.terms",
                    "--rows",
                    str(rows),
                    "--folder",
                    str(where),
                    "--only",
                    kind,
                ]
            )
            time.sleep(3 + dice.random() * 9)
            child.kill()
            child.wait()
            started = time.perf_counter()
            if kind == "segments":
                for path in where.glob("*.terms"):
                    try:
                        SegmentFile(path).columns["agent"].find(Piece(b"sqlmap"))
                        whole += 1
                    except Damaged as error:
                        print("damaged:", error)
            elif (where / "index" / "meta.json").exists():
                import tantivy

                index = tantivy.Index.open(str(where / "index"))
                index.writer(heap_size=64_000_000, num_threads=1)
                whole += index.searcher().num_docs > 0
            slowest = max(slowest, time.perf_counter() - started)
        print(
            f"{kind}: {count} kills, {whole} whole segments or commits found, none damaged, opened in {slowest * 1000:.0f} ms at most"
        )


def main() -> None:
    """Builds the three and asks each."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--rows", type=int, default=1_000_000)
    asked.add_argument("--folder", type=Path, required=True)
    asked.add_argument("--kills", type=int, default=0)
    asked.add_argument("--only", choices=["segments", "library"])
    given = asked.parse_args()
    folder: Path = given.folder
    folder.mkdir(parents=True, exist_ok=True)
    connection = store(folder, given.rows)
    if given.only:
        segments(connection, folder, given.rows, SMALL) if given.only == "segments" else library(
            connection, folder / "index"
        )
        return
    column = float(
        connection.execute(
            "SELECT count(DISTINCT block_id) * 0.262144 FROM pragma_storage_info('t') WHERE column_name = 'agent' AND block_id >= 0"
        ).fetchall()[0][0]
    )
    before = (folder / "store.duckdb").stat().st_size
    took: dict[str, float] = {}
    started = time.perf_counter()
    segments(connection, folder, given.rows)
    took["terms per segment"] = time.perf_counter() - started
    started = time.perf_counter()
    index = library(connection, folder / "index")
    took["tantivy"] = time.perf_counter() - started
    started = time.perf_counter()
    postings(connection)
    took["posting lists in a table"] = time.perf_counter() - started
    sizes = {
        "terms per segment": sum(path.stat().st_size for path in folder.glob("*.terms")) / 1e6,
        "posting lists in a table": ((folder / "store.duckdb").stat().st_size - before) / 1e6,
        "tantivy": sum(path.stat().st_size for path in (folder / "index").iterdir()) / 1e6,
    }
    files = [SegmentFile(path) for path in folder.glob("*.terms")]

    def ours(piece: Piece) -> int:
        return sum(0 if (found := file.columns["agent"].find(piece)) is None else int(found.sum()) for file in files)

    def listed(word: str) -> int:
        return len(connection.execute(f"SELECT unnest(g) FROM p WHERE h = hash('{word}')").fetchall())

    searcher = index.searcher()

    def found(query: Any) -> int:
        return len(searcher.search(query, limit=1_000_000).hits)

    import tantivy

    print(
        f"column: {column:.1f} MB in the store\n| | build, rows/s | size, MB | share of the column | has, ms | contains, ms |\n|---|---:|---:|---:|---:|---:|"
    )
    asks: dict[str, tuple[Callable[[], int], Callable[[], int] | None]] = {
        "terms per segment": (lambda: ours(Piece(b"sqlmap")), lambda: ours(Piece(b"adinternal", True, True))),
        "posting lists in a table": (lambda: listed("sqlmap"), None),
        "tantivy": (
            lambda: found(tantivy.Query.term_query(index.schema, "agent", "sqlmap")),
            lambda: found(tantivy.Query.regex_query(index.schema, "agent", ".*adinternal.*")),
        ),
    }
    for name, (has, contains) in asks.items():
        exact, rows = best(has)
        part, more = best(contains) if contains else (float("nan"), 0)
        print(
            f"| {name} | {given.rows / took[name]:,.0f} | {sizes[name]:.1f} | {sizes[name] / column:.0%} | {exact:.2f} ({rows}) | {part:.1f} ({more}) |",
            flush=True,
        )
    connection.close()
    if given.kills:
        kills(folder, given.rows, given.kills)
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
