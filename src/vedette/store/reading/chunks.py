"""The text of a stream → blocks of whole lines, with what is to be known of each: looked for while a part of it has just been read.

Then it is in the processor's own memory: to look at the same text a block later takes several times as long.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from vedette.store.reading.lines import MAX_LINE
from vedette.store.reading.streams import TextStream

Bytes = npt.NDArray[np.uint8]
Places = npt.NDArray[np.int64]
SIZE: Final = 24 * 1024 * 1024
"""Bytes that are read at once: a batch for each thread."""
_FIRST: Final = 6 * 1024 * 1024
"""Bytes of the first block: until it has been read and made sense of, nobody else has anything to do."""
MOST_LINES: Final = 40_000
_NEWLINE: Final = 10
_COLON: Final = 58
_NO_ASCII: Final = 128
_LOOK: Final = 256 * 1024
"""Bytes that are read and compared at once: as many as stay in the processor's own memory."""


@dataclass(slots=True)
class Signs:
    """What stands in a text: how many colons, whether all is ASCII, and whether there may be a backslash."""

    colons: int = 0
    ascii: bool = True
    backslash: bool = False

    def add(self, data: bytes | bytearray, start: int, end: int) -> None:
        """Look at a part of a text."""
        content = np.frombuffer(data, np.uint8, end - start, start)
        self.colons += count_colons(content)
        self.ascii = self.ascii and (start == end or int(content.max()) < _NO_ASCII)
        self.backslash = self.backslash or data.find(b"\\", start, end) >= 0

    @staticmethod
    def of(data: bytes | bytearray, start: int, end: int) -> Signs:
        """What stands in a part of a text."""
        made = Signs()
        made.add(data, start, end)
        return made


@dataclass(frozen=True, slots=True)
class Chunk:
    """Whole lines: a part of a buffer, which is written anew once the third chunk after it is asked for.

    `ends` says where in the buffer lines end, each behind its newline. `consumed` bytes of the file had been read by then.
    """

    data: bytes | bytearray
    start: int
    end: int
    ends: Places
    signs: Signs
    consumed: int = 0

    @staticmethod
    def of(text: bytes) -> Chunk:
        """A text as a chunk of its own."""
        return Chunk(text, 0, len(text), _ends(text, 0, len(text)), Signs.of(text, 0, len(text)))

    @property
    def size(self) -> int:
        return self.end - self.start

    def text(self) -> bytes:
        return bytes(memoryview(self.data)[self.start : self.end])

    def ended(self) -> Chunk:
        """The same with an end to its last line."""
        return self if len(self.ends) and self.ends[-1] == self.end else Chunk.of(self.text() + b"\n")

    def numbers(self) -> Bytes:
        return np.frombuffer(self.data, np.uint8, self.size, self.start)

    def buffer(self) -> pa.Buffer:
        return pa.py_buffer(self.data).slice(self.start, self.size)

    def __contains__(self, text: bytes) -> bool:
        return self.data.find(text, self.start, self.end) >= 0


@dataclass(slots=True)
class _Filling:
    """A buffer that is being filled. Behind the last end of a line, `cut`, stands the start of a line."""

    data: bytearray
    size: int = 0
    cut: int = 0
    ends: list[Places] = field(default_factory=list)
    signs: Signs = field(default_factory=Signs)

    def room(self, count: int) -> memoryview:
        """Where the next part of the text, which has so many bytes at most, is to be put."""
        end = self.size + count
        if len(self.data) < end:
            self.data.extend(bytes(end - len(self.data)))
        return memoryview(self.data)[self.size : end]

    def add(self, count: int) -> None:
        """Take what has been put there."""
        end = self.size + count
        ends = _ends(self.data, self.size, end)
        if len(ends):
            self.ends.append(ends)
            self.cut = int(ends[-1])
        self.signs.add(self.data, self.size, end)
        self.size = end

    def hand_over(self, data: bytearray) -> _Filling:
        """The start of a line moves into another buffer."""
        rest = bytes(memoryview(self.data)[self.cut : self.size])
        data[: len(rest)] = rest
        following = _Filling(data, len(rest), signs=Signs.of(rest, 0, len(rest)))
        self.size = self.cut
        self.signs.colons -= following.signs.colons
        return following


def chunks_of(stream: TextStream) -> Generator[Chunk]:
    """Blocks of whole lines. A line longer than `MAX_LINE` is one that is a byte longer, and only the last may have no end."""
    # Buffers take turns: memory that is new for each block takes the system longer to hand over than a block takes to read. While
    # one is filled, two are looked at, each by a thread; the fourth gets what is left over of the first.
    filling, spare = _Filling(bytearray()), [bytearray() for _ in range(3)]
    wanted = min(_FIRST, SIZE)

    def room(count: int) -> memoryview:
        return filling.room(count)

    for count in stream.put(room):
        filling.add(count)
        if filling.size < wanted:
            continue
        if not filling.cut:  # one long line: what it is longer than the limit is not kept
            filling.size = min(filling.size, MAX_LINE + 1)
            continue
        data = spare.pop(0)
        following = filling.hand_over(bytearray() if _in_use(data) else data)
        yield from _pieces(filling, stream.consumed)
        spare.append(filling.data)
        filling, wanted = following, SIZE
    if filling.size:
        yield from _pieces(filling, stream.consumed)


def _in_use(buffer: bytearray) -> bool:
    """Whether somebody still looks at a buffer: then its length is fixed."""
    try:
        buffer.append(0)
    except BufferError:
        return True
    buffer.pop()
    return False


def _pieces(filled: _Filling, consumed: int) -> Iterator[Chunk]:
    """A block in parts of some thousand lines at most, so that short lines do not make a long batch."""
    ends = np.concatenate(filled.ends) if filled.ends else np.zeros(0, np.int64)
    if len(ends) <= MOST_LINES:
        yield Chunk(filled.data, 0, filled.size, ends, filled.signs, consumed)
        return
    start = 0
    for first in range(0, len(ends), MOST_LINES):
        own = ends[first : first + MOST_LINES]
        end = int(own[-1]) if first + MOST_LINES < len(ends) else filled.size
        signs = Signs(
            count_colons(np.frombuffer(filled.data, np.uint8, end - start, start)),
            filled.signs.ascii,
            filled.signs.backslash,
        )
        yield Chunk(filled.data, start, end, own, signs, consumed)
        start = end


def _ends(data: bytes | bytearray, start: int, end: int) -> Places:
    """Where lines end in a part of a text, each behind its newline."""
    found = []
    for first in range(start, end, _LOOK):
        content = np.frombuffer(data, np.uint8, min(_LOOK, end - first), first)
        found.append(np.flatnonzero(content == _NEWLINE) + (first + 1))
    return np.concatenate(found) if found else np.zeros(0, np.int64)


def count_colons(content: Bytes) -> int:
    """How many colons there are."""
    return sum(
        int(np.count_nonzero(content[start : start + _LOOK] == _COLON)) for start in range(0, len(content), _LOOK)
    )
