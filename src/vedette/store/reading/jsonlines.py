"""JSON lines: one object a line. A line that is not one is put aside, and only that line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import orjson

from vedette.store.batch import BadRecord, Batch, columns_of
from vedette.store.reading.lines import MAX_LINE, Lines, lines_of
from vedette.store.reading.streams import TextStream

BATCH_ROWS: Final = 10_000
BATCH_BYTES: Final = 32 * 1024 * 1024
RAW_LIMIT: Final = 32 * 1024
"""Characters that are kept of a line that is too long to be read; other records that are put aside are kept whole."""

_ESCAPES: Final = re.compile(
    rb"\\(?:(u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)"
)

Row = dict[str, object]


def read_json_lines(stream: TextStream, *, as_rows: bool = False) -> Iterator[Batch]:
    """The rows of a stream in batches; with `as_rows`, as they are and not as columns."""
    gathered = Gathering(stream, as_rows=as_rows)
    line = 1
    for block in lines_of(stream):
        line = block.first + len(block.lines)
        if block.too_long:
            gathered.put_aside(
                block.first, block.offset, f"the line is longer than {MAX_LINE} bytes", block.lines[0], whole=False
            )
        elif len(block.lines) > BATCH_ROWS:
            for start in range(0, len(block.lines), BATCH_ROWS):
                part = block.lines[start : start + BATCH_ROWS]
                yield from gathered.add(Lines(block.first + start, block.offset_of(start), part))
        else:
            yield from gathered.add(block)
    yield from gathered.end(line)


class Gathering:
    """Collects rows until they make a batch."""

    def __init__(self, stream: TextStream, *, as_rows: bool = False) -> None:
        self._stream = stream
        self._as_rows = as_rows
        self._clear()

    def _clear(self) -> None:
        self._rows: list[Row] = []
        self._lines: list[int] = []
        self._sizes: list[int] = []
        self._bytes = 0
        self._bad: list[BadRecord] = []

    def add(self, block: Lines) -> Iterator[Batch]:
        """Take the rows of some lines; gives a batch when there are enough."""
        texts = block.lines
        rows = _all_objects(texts)
        if rows is not None:
            self._rows += rows
            self._lines += range(block.first, block.first + len(texts))
            self._sizes += map(len, texts)
            self._bytes += sum(map(len, texts))
        else:
            self._add_one_by_one(block)
        if self.full:
            yield self._batch()

    def _add_one_by_one(self, block: Lines) -> None:
        for position, text in enumerate(block.lines):
            if not text or text.isspace():
                continue
            row = parse_object(text)
            if isinstance(row, str):
                self.put_aside(block.first + position, block.offset_of(position), row, text)
            else:
                self.take(row, block.first + position, len(text))

    def take(self, row: Row, line: int, size: int) -> None:
        """Take one row."""
        self._rows.append(row)
        self._lines.append(line)
        self._sizes.append(size)
        self._bytes += size

    def put_aside(self, line: int, offset: int, reason: str, raw: bytes, *, whole: bool = True) -> None:
        """Note a record that is no row."""
        self._bad.append(bad_record(line, offset, reason, raw, whole=whole))
        self._bytes += len(self._bad[-1].raw)

    @property
    def full(self) -> bool:
        """Whether it is time for a batch."""
        return len(self._rows) + len(self._bad) >= BATCH_ROWS or self._bytes >= BATCH_BYTES

    def flush(self) -> Iterator[Batch]:
        """What there is, as a batch, if there is anything."""
        if self._rows or self._bad:
            yield self._batch()

    def end(self, line: int) -> Iterator[Batch]:
        """The last batch. Raises `VedetteError` where the compressed data was damaged."""
        self._stream.check(line)
        yield from self.flush()

    def _batch(self) -> Batch:
        columns = {} if self._as_rows else columns_of(self._rows)
        rows = self._rows if self._as_rows else None
        batch = Batch(len(self._rows), columns, self._lines, self._sizes, self._bad, self._stream.consumed, rows)
        self._clear()
        return batch


def _all_objects(texts: list[bytes]) -> list[Row] | None:
    """The objects on the lines if every line is one, else None: then it is found out which is not."""
    try:
        rows = list(map(orjson.loads, texts))
    except orjson.JSONDecodeError:
        return None
    return rows if {dict}.issuperset(map(type, rows)) else None


def parse_object(text: bytes) -> Row | str:
    """The object that the text is, or the reason why it is none."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        if "surrogate" in str(error) and b"\\u" in text:
            # Half of a surrogate pair is valid JSON, but no character: it becomes U+FFFD, and the row is kept.
            repaired = _ESCAPES.sub(_whole_character, text)
            if repaired != text:
                return parse_object(repaired)
        return _explain(text, error)
    if type(value) is dict:
        return value
    return f"not a JSON object but {_kind(value)}"


def _whole_character(found: re.Match[bytes]) -> bytes:
    return rb"\ufffd" if found[2] is not None else found[0]


def _explain(text: bytes, error: orjson.JSONDecodeError) -> str:
    try:
        text.decode()
    except UnicodeDecodeError as undecodable:
        return f"invalid UTF-8 at byte {undecodable.start + 1}: {undecodable.reason}"
    return f"invalid JSON at character {error.pos + 1}: {error.msg}"


def _kind(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, (int, float)):
        return "a number"
    return "a string" if isinstance(value, str) else "an array"


def bad_record(line: int, offset: int, reason: str, raw: bytes, *, whole: bool = True) -> BadRecord:
    """A record to put aside; bytes that are not UTF-8 stay visible as `\\xff`. Of one that is not `whole` the start is kept."""
    text = (raw if whole else raw[: RAW_LIMIT * 4]).decode(errors="backslashreplace").rstrip("\r")
    return BadRecord(line, offset, reason, text if whole else text[:RAW_LIMIT])
