"""`.json` files: an array of objects, objects one after the other (also over several lines), or JSON lines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Final

from vedette.kql.types import Type
from vedette.store.batch import Batch
from vedette.store.reading.enginelines import read_lines
from vedette.store.reading.jsonlines import Gathering, parse_object, read_json_lines
from vedette.store.reading.lines import MAX_LINE
from vedette.store.reading.streams import TextStream

_TOKEN: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*(")?|[{}\[\]]', re.DOTALL)
"""A string (its closing quote is group 1, absent where the text ends first) or a bracket."""
_INSIDE: Final = re.compile(rb'(?:[^"{}\[\]]++|"[^"\\]*+(?:\\.[^"\\]*+)*+")*+', re.DOTALL)
"""What stands before the next bracket, with all the strings that are whole: passed over at once."""
_REST: Final = re.compile(rb'[^"\\]*(?:\\.[^"\\]*)*(")?', re.DOTALL)
"""What follows of a string whose start was in the text before."""
_OPEN: Final = (b"{", b"[")


def values_in(text: bytes) -> Iterator[bytes]:
    """The texts of the objects that are whole in the start of a `.json` file."""
    for _, _, value in located_values_in(text):
        yield value


def located_values_in(text: bytes) -> Iterator[tuple[int, int, bytes]]:
    """As `values_in`, each with its line and its offset; what stands where none should is given as well."""
    return _Values().feed(text)


def read_json(stream: TextStream, *, as_rows: bool = False, types: Mapping[str, Type] | None = None) -> Iterator[Batch]:
    """The rows of a `.json` file in batches; with `as_rows`, as they are. Which form it is, its first line tells.

    With the types of a table, columns may be in them already.
    """
    blocks = stream.blocks()
    seen: list[bytes] = []
    size = 0
    for block in blocks:
        seen.append(block)
        size += len(block)
        text = block.lstrip() if size == len(block) else block
        if text.startswith(b"[") or b"\n" in text or size > MAX_LINE:
            break
    start = b"".join(seen)
    lead = start.lstrip()
    replayed = _Replay(stream, chain([start] if start else [], blocks))
    if lead.startswith(b"{") and not isinstance(parse_object(lead.split(b"\n", 1)[0]), str):
        yield from read_json_lines(replayed, as_rows=as_rows) if types is None else read_lines(replayed, types)
    else:
        yield from _read_values(replayed, as_rows=as_rows)


class _Replay(TextStream):
    """A stream whose first blocks have been looked at already."""

    def __init__(self, stream: TextStream, blocks: Iterator[bytes]) -> None:
        super().__init__(stream.path)
        self._stream = stream
        self._blocks = blocks

    def blocks(self) -> Iterator[bytes]:
        for block in self._blocks:
            self.consumed = self._stream.consumed
            yield block
        self.consumed, self.damage = self._stream.consumed, self._stream.damage


@dataclass(slots=True)
class _Place:
    """Where the text that is held starts."""

    line: int = 1
    offset: int = 0

    def pass_over(self, text: bytes) -> None:
        self.line += text.count(b"\n")
        self.offset += len(text)


@dataclass(slots=True)
class _Values:
    """Splits text into the objects of a top-level array, or the top-level objects.

    No byte is looked at twice, however long a value is: `scanned` bytes of `held` have been, and they may end within a string.
    """

    place: _Place = field(default_factory=_Place)
    held: bytearray = field(default_factory=bytearray)
    depth: int = 0
    scanned: int = 0
    in_array: bool = False
    in_string: bool = False
    too_long: bool = False
    """Within a value whose start was given up."""

    def feed(self, block: bytes) -> Iterator[tuple[int, int, bytes]]:
        """Line, offset and text of each value that the block completes, and of what stands where none should."""
        self.held += block
        start = 0
        position = self.scanned
        while True:
            if not self.in_string and (passed := _INSIDE.match(self.held, position)) is not None:
                position = passed.end()
            token = (_REST.match if self.in_string else _TOKEN.search)(self.held, position)
            if token is None:
                position = len(self.held)
                break
            text = bytes(self.held[token.start() : token.start() + 1])
            position = token.end()  # a backslash whose character is to come is left
            if self.in_string or text == b'"':
                self.in_string = token[1] is None
                if self.in_string:
                    break
                continue
            if text in _OPEN:
                if self.depth == 0:
                    yield from self._between(bytes(self.held[start : token.start()]))
                    start = token.start()
                    if text == b"[" and not self.in_array:
                        self.in_array = True
                        self.place.pass_over(text)
                        start = position
                        continue
                self.depth += 1
            elif self.depth == 0:
                yield from self._between(bytes(self.held[start : token.start()]))
                if text == b"]" and self.in_array:
                    self.in_array = False
                else:
                    yield self.place.line, self.place.offset, text
                self.place.pass_over(text)
                start = position
            else:
                self.depth -= 1
                if self.depth == 0:
                    value = bytes(self.held[start:position])
                    if not self.too_long:
                        yield self.place.line, self.place.offset, value
                    self.too_long = False
                    self.place.pass_over(value)
                    start = position
        del self.held[:start]
        self.scanned = position - start

    def give_up(self) -> bytes:
        """What is held, which is not kept any more; the value that it is the start of, if it is, is given no more."""
        given = bytes(self.held[: self.scanned])
        self.place.pass_over(given)
        del self.held[: self.scanned]
        self.scanned = 0
        self.too_long = self.depth > 0
        return given

    def _between(self, text: bytes) -> Iterator[tuple[int, int, bytes]]:
        """What lies between two values: white space and a comma at most, or else something to put aside."""
        stray = text.strip(b" \t\r\n,")
        if stray:
            lead = text[: text.index(stray)]
            yield self.place.line + lead.count(b"\n"), self.place.offset + len(lead), stray
        self.place.pass_over(text)


def _read_values(stream: TextStream, *, as_rows: bool) -> Iterator[Batch]:
    gathered = Gathering(stream, as_rows=as_rows)
    values = _Values()
    number = 0
    for block in stream.blocks():
        for line, offset, text in values.feed(block):
            row = parse_object(text)
            if isinstance(row, str):
                gathered.put_aside(line, offset, row, text)
            else:
                number = max(line, number + 1)  # rows of one line have numbers of their own, since ids are made of them
                gathered.take(row, number, len(text))
            if gathered.full:
                yield from gathered.flush()
        if len(values.held) > MAX_LINE:
            line, offset, again = values.place.line, values.place.offset, values.too_long
            text = values.give_up()
            if not again:
                gathered.put_aside(line, offset, f"a value longer than {MAX_LINE} bytes", text, whole=False)
    rest = bytes(values.held).strip(b" \t\r\n,")
    if (rest and not values.too_long) or values.in_array:
        reason = "the array does not end" if values.in_array else "the value does not end"
        gathered.put_aside(values.place.line, values.place.offset, reason, rest)
    yield from gathered.end(values.place.line)
