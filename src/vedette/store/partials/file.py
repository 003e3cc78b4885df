"""A file of partial rows: those of one query, of many bins of time, and of which rows of its table they are.

`VDTP`, a CRC-32 of all that follows, the length of the header, the header (JSON), and the rows as an Arrow stream (LZ4). It is written
under another name and renamed, so it is there whole or not at all; a file that is not as it was written is `Damaged`.
"""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import orjson
import pyarrow as pa

from vedette.core.files import write_private

VERSION: Final = 1
SUFFIX: Final = ".partial"
_MAGIC: Final = b"VDTP"
_HEAD: Final = struct.Struct("<4sII")


class Damaged(Exception):
    """A file that is not what was written, or of another version."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A state of a table: its last row, by its id and by what no other row has, and how many rows there are up to it."""

    row: int
    load: int
    number: int
    rows: int


@dataclass(frozen=True, slots=True)
class KeptRows:
    """The partial rows of some bins, made of a table in one state.

    `opening` names a time during which the store was open: a file that lies beside an older copy of the store names one which that
    copy has not seen.
    """

    table: str
    opening: str
    mark: Mark
    bins: frozenset[int]
    rows: pa.Table


def write(path: Path, kept: KeptRows) -> int:
    """Write a file; its size. Raises OSError."""
    head = orjson.dumps(
        {
            "version": VERSION, "table": kept.table, "opening": kept.opening, "mark": asdict(kept.mark),
            "bins": sorted(kept.bins),
        }
    )  # fmt: skip
    body = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    with pa.ipc.new_stream(body, kept.rows.schema, options=options) as stream:
        stream.write_table(kept.rows.combine_chunks())
    rest = head + body.getvalue()
    content = _HEAD.pack(_MAGIC, zlib.crc32(rest), len(head)) + rest
    write_private(path, content)
    return len(content)


def read(path: Path) -> KeptRows:
    """What a file holds. Raises `Damaged`, and OSError where there is none."""
    content = path.read_bytes()
    try:
        magic, check, length = _HEAD.unpack_from(content)
        rest = memoryview(content)[_HEAD.size :]
        if magic != _MAGIC or zlib.crc32(rest) != check:
            raise Damaged(path.name)
        head: dict[str, Any] = orjson.loads(rest[:length])
        if head["version"] != VERSION:
            raise Damaged(path.name)
        rows = pa.ipc.open_stream(pa.py_buffer(rest[length:])).read_all()
        return KeptRows(
            str(head["table"]), str(head["opening"]), Mark(**head["mark"]), frozenset(head["bins"]), rows,
        )  # fmt: skip
    except (struct.error, ValueError, KeyError, TypeError, pa.ArrowException) as error:
        raise Damaged(path.name) from error
