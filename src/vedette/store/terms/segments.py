"""Segments of the term index, and what the engine tells of the rows that they are of."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb

from vedette.engine.dialect import identifier, quote
from vedette.kql.types import Type
from vedette.store.physical import LOAD, ROW
from vedette.store.statements import run
from vedette.store.tables import StoredTable
from vedette.store.terms.file import SegmentFile

SEGMENT: Final = 8 * 122_880
"""Rows of a full segment: eight of the engine's row groups."""

NAME: Final = re.compile(r"(\d+)-(\d+)\.terms")

_BLOCK_BYTES: Final = 262_144


@dataclass(frozen=True, slots=True)
class Segment:
    """The terms of the rows from `first` on."""

    first: int
    file: SegmentFile

    @property
    def last(self) -> int:
        """The id behind its rows."""
        return self.first + self.file.rows

    @property
    def anchors(self) -> list[tuple[int, int, int]]:
        """Its first and last row: row id, load, number."""
        return [(self.first + at, load, number) for at, load, number in self.file.about["anchors"]]


def gaps(segments: Sequence[Segment], end: int) -> Iterator[tuple[int, int | None]]:
    """The ranges of rows without a segment; the last goes on from `end`."""
    at = 0
    for segment in segments:
        if segment.first > at:
            yield at, segment.first
        at = segment.last
    yield end, None


def overlap(one: Segment, other: Segment) -> bool:
    """Whether two segments have a row id in common."""
    return one.first < other.last and other.first < one.last


def rows_of(path: Path) -> int:
    """The rows of the segment in a file, by its name; -1 for another file."""
    parts = NAME.fullmatch(path.name)
    return -1 if parts is None else int(parts[2])


def remove(path: Path) -> None:
    """Remove a file; where a system does not let go of one that is read, the next start does it."""
    with suppress(OSError):
        path.unlink()


def room_of(cursor: duckdb.DuckDBPyConnection, table: StoredTable, columns: dict[str, Type]) -> dict[str, float]:
    """What a row takes of each column in the file, as far as it lies there."""
    places: list[tuple[int, int, str, int]] = []
    rows: dict[str, int] = {}
    sizes: dict[str, float] = {}
    for name, block, offset, count, further in run(
        cursor,
        "SELECT column_name, block_id, block_offset, count, len(additional_block_ids) "
        f"FROM pragma_storage_info({quote(table.sql)}) WHERE persistent AND segment_type <> 'VALIDITY'",
    ):
        if name in columns:
            rows[name] = rows.get(name, 0) + int(count)
            sizes[name] = sizes.get(name, 0.0) + int(further) * _BLOCK_BYTES
        if block >= 0:
            places.append((int(block), int(offset), name, int(count)))
    places.sort()
    for here, after in zip(places, [*places[1:], (-1, 0, "", 0)], strict=False):
        if here[2] in columns:
            end = after[1] if after[0] == here[0] else _BLOCK_BYTES
            sizes[here[2]] = sizes.get(here[2], 0.0) + end - here[1]
    return {name: sizes[name] / rows[name] for name in rows if rows[name] >= SEGMENT // 8}


def is_there(cursor: duckdb.DuckDBPyConnection, table: StoredTable, anchor: tuple[int, int, int]) -> bool:
    """Whether a row is where it was."""
    row, load, number = anchor
    held = run(cursor, f"SELECT {identifier(LOAD)}, {identifier(ROW)} FROM {table.sql} WHERE rowid = {row}")
    return held == [(load, number)]


def end_of(cursor: duckdb.DuckDBPyConnection, table: StoredTable) -> int:
    """The id behind the last row of a table."""
    last = run(cursor, f"SELECT max(rowid) FROM {table.sql}")[0][0]
    return 0 if last is None else int(last) + 1
