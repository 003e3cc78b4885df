"""CSV with a header line (RFC 4180), as exports of the portal and other tools write it."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

from vedette.core.errors import InvalidInput, VedetteError
from vedette.store.batch import BadRecord, Batch, RawColumn
from vedette.store.reading.jsonlines import BATCH_BYTES, BATCH_ROWS, bad_record
from vedette.store.reading.lines import MAX_LINE, lines_of
from vedette.store.reading.streams import TextStream

MAX_RECORD: Final = 1024 * 1024
"""Bytes that a record over several lines may have; a quote that is never closed would take the rest of the file else."""

_ZONE: Final = re.compile(r"(.+) \[([^\[\]]+)\]")
_QUOTED: Final = re.compile(r'"[^"]*"')
_UTC: Final = frozenset({"utc", "coordinated universal time"})

Line = tuple[int, int, bytes]
"""Number, offset and bytes of a line."""


def read_csv(stream: TextStream, *, sniff: bool = False) -> Iterator[Batch]:
    """The rows of a CSV file in batches. A record with too few or too many fields is put aside.

    With `sniff` the heading tells the separator (comma, semicolon or tab), and a column whose name comes again has a number.
    """
    csv.field_size_limit(MAX_LINE)
    return _Reader(stream, sniff=sniff).batches()


def delimiter_of(heading: str) -> str | None:
    """What separates the fields of a heading, or None where nothing does."""
    outside = _QUOTED.sub("", heading)
    found = max(",;\t|", key=outside.count)
    return found if found in outside else None


def above_heading(line: str) -> str | None:
    """What a line above the heading says: the separator (`sep=;`, which Excel takes), or nothing ("": `#TYPE …` of PowerShell's
    Export-Csv). None for any other line."""
    if line.startswith("#TYPE "):
        return ""
    return line[4] if line.lower().startswith("sep=") and len(line) == 5 else None


def header_names(names: list[str]) -> list[str]:
    """Names for the columns of a heading, each its own."""
    made: dict[str, int] = {}
    """Each name, and the number of the last that was made of it."""
    for position, name in enumerate(names, 1):
        base = candidate = _column_name(name.strip(), position)
        number = made.get(base, 1)
        while candidate in made:
            number += 1
            candidate = f"{base} {number}"
        made[base] = number
        made.setdefault(candidate, 1)
    return list(made)


class _Reader:
    def __init__(self, stream: TextStream, *, sniff: bool = False) -> None:
        self._stream = stream
        self._sniff = sniff
        self._delimiter = ","
        self._end = 1
        self._lines = self._each_line()
        self._again: list[Line] = []
        self._bad: list[BadRecord] = []
        self._bad_bytes = 0

    def batches(self) -> Iterator[Batch]:
        header = self._header()
        if header is None:
            return
        rows: list[list[str]] = []
        lines: list[int] = []
        sizes: list[int] = []
        held = 0
        for record in self._records(len(header)):
            if record is not None:
                row, line, size = record
                rows.append(row)
                lines.append(line)
                sizes.append(size)
                held += size
            if len(rows) + len(self._bad) >= BATCH_ROWS or held + self._bad_bytes >= BATCH_BYTES:
                yield self._batch(header, rows, lines, sizes)
                rows, lines, sizes, held = [], [], [], 0
        self._stream.check(self._end)
        if rows or self._bad:
            yield self._batch(header, rows, lines, sizes)

    def _batch(self, header: list[str], rows: list[list[str]], lines: list[int], sizes: list[int]) -> Batch:
        columns = {name: RawColumn(values) for name, values in zip(header, zip(*rows))}
        bad, self._bad, self._bad_bytes = self._bad, [], 0
        return Batch(len(rows), columns, lines, sizes, bad, self._stream.consumed)

    def _each_line(self) -> Iterator[Line]:
        for block in lines_of(self._stream):
            offset = block.offset
            for position, text in enumerate(block.lines):
                self._end = block.first + position + 1
                if block.too_long:
                    self._put_aside(
                        (block.first, offset, text), f"the line is longer than {MAX_LINE} bytes", whole=False
                    )
                else:
                    yield block.first + position, offset, text
                offset += len(text) + 1

    def _next_line(self) -> Line | None:
        return self._again.pop() if self._again else next(self._lines, None)

    def _put_aside(self, line: Line, reason: str, *, whole: bool = True) -> None:
        self._bad.append(bad_record(line[0], line[1], reason, line[2], whole=whole))
        self._bad_bytes += len(self._bad[-1].raw)

    def _header(self) -> list[str] | None:
        first = self._next_line()
        while first is not None and not first[2].strip():
            first = self._next_line()
        if first is None:
            return None
        try:
            heading = first[2].decode().rstrip("\r")
            if self._sniff:
                if above_heading(heading) is not None:
                    return self._header()
                self._delimiter = delimiter_of(heading) or ","
                return header_names(next(csv.reader([heading], strict=True, delimiter=self._delimiter)))
            names = next(csv.reader([heading], strict=True))
        except (UnicodeDecodeError, csv.Error, StopIteration) as error:
            raise self._bad_header(f"its header line cannot be read ({error})") from None
        header = [_column_name(name.strip(), position) for position, name in enumerate(names, 1)]
        for name in names:
            zoned = _ZONE.fullmatch(name.strip())
            if zoned and zoned[2].lower() not in _UTC and "time" in zoned[2].lower():
                raise self._bad_header(
                    f"the times of its column '{name.strip()}' are in a zone that the file does not tell",
                    hint="Export it again with times in UTC.",
                )
        repeated = sorted(name for name, times in Counter(header).items() if times > 1)
        if repeated:
            raise self._bad_header(f"its header has the column '{repeated[0]}' more than once")
        return header

    def _bad_header(self, why: str, hint: str | None = None) -> VedetteError:
        path = self._stream.path
        return InvalidInput(
            f"The CSV file {path} cannot be loaded: {why}.",
            code="VDT0604",
            hint=hint,
            file=str(path),
            line=1,
            exit_code=1,
        )

    def _records(self, width: int) -> Iterator[tuple[list[str], int, int] | None]:
        """The good records: the fields of each, the line it starts on, and its size. None where one is put aside."""
        while (first := self._next_line()) is not None:
            if not first[2].strip():
                continue
            taken = [first]
            if first[2].count(b'"') % 2 and not self._complete(taken):
                self._give_up(taken, "a quote is not closed")
                yield None
                continue
            outcome = _parse(b"\n".join(line[2] for line in taken), width, self._delimiter)
            if isinstance(outcome, str):
                self._give_up(taken, outcome if len(taken) == 1 else "a quote is not closed")
                yield None
                continue
            yield outcome, first[0], sum(len(line[2]) for line in taken)

    def _complete(self, taken: list[Line]) -> bool:
        """Add lines until every quote of the record is closed."""
        size = len(taken[0][2])
        while (line := self._next_line()) is not None:
            taken.append(line)
            if line[2].count(b'"') % 2:
                return True
            size += len(line[2])
            if size > MAX_RECORD:
                return False
        return False

    def _give_up(self, taken: list[Line], reason: str) -> None:
        """Only the first line is lost: a stray quote must not take the good lines after it along."""
        self._put_aside(taken[0], reason)
        self._again.extend(reversed(taken[1:]))


def _parse(record: bytes, width: int, delimiter: str) -> list[str] | str:
    try:
        text = record.decode()
    except UnicodeDecodeError as error:
        return f"invalid UTF-8 at byte {error.start + 1}: {error.reason}"
    try:
        fields = next(csv.reader([text.rstrip("\r")], strict=True, delimiter=delimiter))
    except csv.Error as error:
        return f"invalid CSV: {error}"
    if len(fields) != width:
        return f"the header has {width} fields, this record {len(fields)}"
    return fields


def _column_name(name: str, position: int) -> str:
    """A header's name without the zone that exports of the portal add (`TimeGenerated [UTC]`); `Column1` where it is empty."""
    zoned = _ZONE.fullmatch(name)
    if zoned and zoned[2].lower() in _UTC:
        name = zoned[1]
    return name or f"Column{position}"
