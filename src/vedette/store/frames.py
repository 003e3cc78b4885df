"""The frames of a spool's files: magic, length and CRC-32 of the body, and the body: a line of JSON that says what the batch is, and then
a line of JSON for each row (LZ4, unless they are few), or the rows as columns (`store.columnar`).
"""

from __future__ import annotations

import shutil
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import orjson

from vedette.store.rowlines import PACKED, RowLines

MAGIC: Final = b"VSP1"
_HEAD: Final = struct.Struct("<4sII")
COLUMNS: Final = "columns"
"""What the head of a frame says at its end when the rows are columns."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a batch lies: its number, table, count of rows, when it was accepted (ticks), its place in a segment, its form, and the bytes
    that it takes in memory."""

    number: int
    table: str
    rows: int
    at: int
    segment: int
    offset: int
    length: int
    columns: bool
    size: int


@dataclass(frozen=True, slots=True)
class Spooled:
    """A batch as it was accepted: its rows, and the ids of the records where the source has some.

    A batch of columns has no lines but `columns`: what `store.columnar.packed` made.
    """

    entry: Entry
    source: str
    lines: RowLines
    record_ids: Sequence[str] | None
    columns: bytes | None = None


@dataclass(slots=True)
class Found:
    """What a segment holds: its batches, what is damaged between them (from, to), where the last one ends, and the ids of the records
    of batches that have some, by the batch's number."""

    path: Path
    size: int
    entries: list[Entry]
    damaged: list[tuple[int, int]]
    end: int
    record_ids: dict[int, list[str]]


def read_segment(path: Path) -> Found:
    """Looks through a segment; of one that is damaged, a copy is kept for whoever wants to know what was there."""
    content = path.read_bytes()
    found = Found(path, len(content), [], [], 0, {})
    first = int(path.stem)
    offset = 0
    while offset < len(content):
        body = body_at(content, offset)
        if body is None:
            after = _next_frame(content, offset + 1)
            if after is None:
                break
            if not found.damaged:
                shutil.copyfile(path, path.with_suffix(".damaged"))
            found.damaged.append((offset, after))
            offset = after
            continue
        length = _HEAD.size + len(body)
        number, table, _, at, rows, record_ids, *form = orjson.loads(body[: body.index(b"\n")])
        size = form[1] if form[:1] == [PACKED] else length
        found.entries.append(Entry(number, table, rows, at, first, offset, length, form == [COLUMNS], size))
        if record_ids:
            found.record_ids[number] = record_ids
        offset = found.end = offset + length
    return found


def body_at(content: bytes, offset: int) -> bytes | None:
    """The body of the frame that starts there, or None where none does."""
    if len(content) - offset < _HEAD.size:
        return None
    magic, length, checksum = _HEAD.unpack_from(content, offset)
    body = content[offset + _HEAD.size : offset + _HEAD.size + length]
    return body if magic == MAGIC and len(body) == length and zlib.crc32(body) == checksum else None


def _next_frame(content: bytes, offset: int) -> int | None:
    while (offset := content.find(MAGIC, offset)) >= 0:
        if body_at(content, offset) is not None:
            return offset
        offset += 1
    return None


def spooled(entry: Entry, body: bytes) -> Spooled:
    """The batch of a frame's body."""
    head, _, payload = body.partition(b"\n")
    _, _, source, _, _, record_ids, *form = orjson.loads(head)
    if form == [COLUMNS]:
        return Spooled(entry, source, RowLines(0, b""), None, payload)
    return Spooled(entry, source, RowLines(entry.rows, payload, form), record_ids)


def frame(number: int, table: str, about: Sequence[object], payload: bytes) -> bytes:
    """A frame as it lies on disk."""
    body = orjson.dumps([number, table, *about]) + b"\n" + payload
    return _HEAD.pack(MAGIC, len(body), zlib.crc32(body)) + body
