"""Rows as the spool keeps them: a line of JSON for each, packed where they are many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from vedette.core.errors import InvalidInput
from vedette.store.conversion import json_text
from vedette.store.frames import packed, unpacked


@dataclass(frozen=True, slots=True)
class RowLines:
    """So many rows: their lines, and `form`, what the head of a frame says of how these are packed."""

    count: int
    payload: bytes
    form: Sequence[Any] = ()

    @property
    def size(self) -> int:
        """Bytes of the lines when they are not packed."""
        return int(self.form[1]) if self.form else len(self.payload)

    def chosen(self, positions: Sequence[int]) -> RowLines:
        """Some of the rows."""
        lines = unpacked(self.payload, self.form).split(b"\n")
        return row_lines([lines[position] for position in positions])


def row_lines(lines: Sequence[bytes]) -> RowLines:
    """Lines that are there already."""
    return RowLines(len(lines), *packed(b"\n".join(lines)))


def lines_of(table: str, rows: Sequence[Mapping[str, object]]) -> RowLines:
    """The lines of rows (JSON-like; datetimes may be Python's). Raises `InvalidInput` for what is no row."""
    return row_lines([_line(table, position, row) for position, row in enumerate(rows, 1)])


def _line(table: str, position: int, row: Mapping[str, object]) -> bytes:
    try:
        line = orjson.dumps(row)
    except TypeError:
        line = json_text(dict(row)).encode() if isinstance(row, Mapping) else b""
    if line[:1] != b"{":
        raise InvalidInput(f"Row {position} for {table} is not an object.", code="VDT0608", target=table)
    return line
