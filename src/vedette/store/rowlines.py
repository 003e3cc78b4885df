"""Rows as the spool keeps them: a line of JSON for each, packed where they are many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
import pyarrow as pa

from vedette.core.errors import InvalidInput
from vedette.store.batch import BadRecord
from vedette.store.catalog import DEAD_LETTER
from vedette.store.conversion import json_text

PACKED: Final = "lz4"
"""What the head of a frame says of lines that are packed; their size follows."""
_WORTH_PACKING: Final = 4096


@dataclass(frozen=True, slots=True)
class RowLines:
    """So many rows: their lines, and `form`, what the head of a frame says of how these are packed."""

    count: int
    payload: bytes
    form: Sequence[Any] = ()

    @property
    def size(self) -> int:
        """Bytes of the lines when they are not packed, with a break between two."""
        return int(self.form[1]) if self.form else len(self.payload)

    @property
    def text(self) -> bytes:
        """The lines, with a break between two."""
        if not self.form:
            return self.payload
        lines: bytes = pa.decompress(self.payload, decompressed_size=self.size, codec=PACKED, asbytes=True)
        return lines

    def split(self) -> list[bytes]:
        """The JSON of each row."""
        return self.text.split(b"\n") if self.count else []

    def chosen(self, positions: Sequence[int]) -> RowLines:
        """Some of the rows."""
        lines = self.split()
        return row_lines([lines[position] for position in positions])


@dataclass(frozen=True, slots=True)
class TableLines:
    """Rows for one table, ready to be stored; `record_ids` are their records' ids, where the source has some."""

    table: str
    lines: RowLines
    record_ids: Sequence[str] | None = None


def row_lines(lines: Sequence[bytes]) -> RowLines:
    """Lines that are there already.

    They are packed unless they are few: a disk takes an fsync of a tenth of the bytes in a third of the time.
    """
    text = b"\n".join(lines)
    if len(text) >= _WORTH_PACKING:
        packed = pa.compress(text, codec=PACKED, asbytes=True)
        if len(packed) < len(text):
            return RowLines(len(lines), packed, [PACKED, len(text)])
    return RowLines(len(lines), text)


def lines_of(table: str, rows: Sequence[Mapping[str, object]]) -> RowLines:
    """The lines of rows (JSON-like; datetimes may be Python's). Raises `InvalidInput` for what is no row."""
    return row_lines([_line(table, position, row) for position, row in enumerate(rows, 1)])


def unreadable_lines(table: str, records: Sequence[BadRecord], source: str) -> TableLines:
    """The rows of the dead-letter table for records that could not be read as rows of a table: whole, with the reason."""
    rows = [
        {
            "TableName": table, "Source": source, "Line": one.line, "Offset": one.offset, "Reason": one.reason,
            "Raw": one.raw,
        }
        for one in records
    ]  # fmt: skip
    return TableLines(DEAD_LETTER, lines_of(DEAD_LETTER, rows))


def _line(table: str, position: int, row: Mapping[str, object]) -> bytes:
    try:
        line = orjson.dumps(row)
    except TypeError:
        line = json_text(dict(row)).encode() if isinstance(row, Mapping) else b""
    if line[:1] != b"{":
        raise InvalidInput(f"Row {position} for {table} is not an object.", code="VDT0608", target=table)
    return line
