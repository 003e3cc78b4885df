"""The campaign as tables of rows, and as files."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from tools.demo_campaign.attack import add_attack
from tools.demo_campaign.background import add_background, last_event
from tools.demo_campaign.rows import Maker, Row

FOLDER: Final = Path(__file__).parents[2] / "src/vedette/content/demo/campaign"
SEED: Final = 20240514


def background() -> dict[str, list[Row]]:
    """The ordinary rows alone, by table, in order of time."""
    make = Maker(SEED)
    add_background(make)
    last_event(make)
    return _ordered(make)


def attack() -> dict[str, list[Row]]:
    """The rows of the intrusion alone."""
    make = Maker(SEED + 1)
    add_attack(make)
    return _ordered(make)


def campaign() -> dict[str, list[Row]]:
    """Both, in order of time."""
    tables: dict[str, list[Row]] = {}
    for part in (background(), attack()):
        for table, rows in part.items():
            tables[table] = sorted(tables.get(table, []) + rows, key=_time)
    return tables


def text(rows: list[Row]) -> str:
    """Rows as JSON lines."""
    return "".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in rows)


def write(tables: Mapping[str, list[Row]], folder: Path) -> Iterator[tuple[Path, int]]:
    """Writes a file for each table; yields its path and its number of rows."""
    for table, rows in sorted(tables.items()):
        file = folder / table / "campaign.jsonl.gz"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(gzip.compress(text(rows).encode(), 9, mtime=0))
        yield file, len(rows)


def _ordered(make: Maker) -> dict[str, list[Row]]:
    return {table: sorted(rows, key=_time) for table, rows in make.tables.items()}


def _time(row: Row) -> str:
    return str(row["TimeGenerated"])
