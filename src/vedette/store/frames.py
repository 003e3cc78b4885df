"""The frames of a spool's files: magic, length and CRC-32 of the body, and the body: a line of JSON that says what the batch is, and then
a line of JSON for each row (LZ4, unless they are few), or the rows as columns (`store.columnar`).

Batches that are there together or not at all lie in a group: a frame of which the body is their frames. These have a magic of their own,
so that nobody takes one of them for a frame where the group around it is not whole.
"""

from __future__ import annotations

import re
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
_GROUP: Final = b"VSPG"
_MEMBER: Final = b"VSPM"
_START: Final = re.compile(rb"(?=" + MAGIC + b"|" + _GROUP + rb")")
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
        whole = _frames_at(content, offset)
        if whole is None:
            after = _next_frame(content, offset + 1)
            if after is None:
                break
            if not found.damaged:
                shutil.copyfile(path, path.with_suffix(".damaged"))
            found.damaged.append((offset, after))
            offset = after
            continue
        frames, end = whole
        for place, body in frames:
            length = _HEAD.size + len(body)
            number, table, _, at, rows, record_ids, *form = orjson.loads(body[: body.index(b"\n")])
            size = form[1] if form[:1] == [PACKED] else length
            found.entries.append(Entry(number, table, rows, at, first, place, length, form == [COLUMNS], size))
            if record_ids:
                found.record_ids[number] = record_ids
        offset = found.end = end
    return found


def body_of(content: bytes) -> bytes | None:
    """The body of a frame, by itself or of a group; None where it is not whole."""
    return _body_at(content, 0, MAGIC) or _body_at(content, 0, _MEMBER)


def _frames_at(content: bytes, offset: int) -> tuple[list[tuple[int, bytes]], int] | None:
    """The place and the body of the frame, or of each frame of the group, that starts there, and where it ends; None where none does,
    or it is not whole."""
    body = _body_at(content, offset, MAGIC)
    if body is not None:
        return [(offset, body)], offset + _HEAD.size + len(body)
    group = _body_at(content, offset, _GROUP)
    if group is None:
        return None
    offset += _HEAD.size
    end = offset + len(group)
    frames: list[tuple[int, bytes]] = []
    while offset < end:
        body = _body_at(content, offset, _MEMBER)
        if body is None:
            return None
        frames.append((offset, body))
        offset += _HEAD.size + len(body)
    return frames, end


def _body_at(content: bytes, offset: int, expected: bytes) -> bytes | None:
    if len(content) - offset < _HEAD.size:
        return None
    magic, length, checksum = _HEAD.unpack_from(content, offset)
    if magic != expected:
        return None
    body = content[offset + _HEAD.size : offset + _HEAD.size + length]
    return body if len(body) == length and zlib.crc32(body) == checksum else None


def _next_frame(content: bytes, offset: int) -> int | None:
    """Where the next frame or group starts that is whole."""
    starts = (found.start() for found in _START.finditer(content, offset))
    return next((start for start in starts if _frames_at(content, start) is not None), None)


def spooled(entry: Entry, body: bytes) -> Spooled:
    """The batch of a frame's body."""
    head, _, payload = body.partition(b"\n")
    _, _, source, _, _, record_ids, *form = orjson.loads(head)
    if form == [COLUMNS]:
        return Spooled(entry, source, RowLines(0, b""), None, payload)
    return Spooled(entry, source, RowLines(entry.rows, payload, form), record_ids)


def frame(number: int, table: str, about: Sequence[object], payload: bytes, *, member: bool = False) -> bytes:
    """A frame as it lies on disk, by itself or as one of a group."""
    body = orjson.dumps([number, table, *about]) + b"\n" + payload
    return _HEAD.pack(_MEMBER if member else MAGIC, len(body), zlib.crc32(body)) + body


def group_head(members: Sequence[bytes]) -> bytes:
    """What lies before the frames of a group."""
    checksum = 0
    for one in members:
        checksum = zlib.crc32(one, checksum)
    return _HEAD.pack(_GROUP, sum(map(len, members)), checksum)
