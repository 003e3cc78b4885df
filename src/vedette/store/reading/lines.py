"""Blocks of bytes → lines with their numbers and offsets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from vedette.store.reading.streams import TextStream

MAX_LINE: Final = 32 * 1024 * 1024
"""Bytes; a longer line is no log record."""


@dataclass(slots=True)
class Lines:
    """Lines that follow one another, without their ends. `first` is the number of the first (from 1), `offset` where it starts."""

    first: int
    offset: int
    lines: list[bytes]
    too_long: bool = False
    """The one line given is the start of a line longer than `MAX_LINE`, whose rest was dropped."""

    def offset_of(self, position: int) -> int:
        """Where a line starts; for the rare line that is put aside, so that nobody else pays for it."""
        return self.offset + sum(map(len, self.lines[:position])) + position


def lines_of(stream: TextStream) -> Iterator[Lines]:
    """The lines of a stream, some at a time. An end of `\\r\\n` leaves its `\\r` on the line."""
    number, offset = 1, 0
    pending: list[bytes] = []
    held = 0
    dropping = False
    for block in stream.blocks():
        cut = block.rfind(b"\n")
        if cut < 0:
            if held + len(block) > MAX_LINE and not dropping:
                pending = [b"".join(pending)[:MAX_LINE]]
                dropping = True
            if not dropping:
                pending.append(block)
            held += len(block)
            continue
        if dropping:
            end = block.index(b"\n")
            yield Lines(number, offset, [pending[0]], too_long=True)
            number, offset = number + 1, offset + held + end + 1
            pending, held, dropping = [], 0, False
            block, cut = block[end + 1 :], cut - end - 1
            if cut < 0:
                pending, held = ([block], len(block)) if block else ([], 0)
                continue
        pending.append(block[:cut])
        text = b"".join(pending)
        found = text.split(b"\n")
        yield Lines(number, offset, found)
        number, offset = number + len(found), offset + len(text) + 1
        rest = block[cut + 1 :]
        pending, held = ([rest], len(rest)) if rest else ([], 0)
    if pending:
        yield Lines(number, offset, [b"".join(pending)], too_long=dropping)
