"""Grams of terms that are in no dictionary: in which blocks of rows four bytes can stand beside each other in a term.

In a column of ids nearly every value is another, and the dictionary of all their parts would take more room than a column's terms may.
The first part of a GUID stays there; of its last part a bit says for each four bytes and each block of some thousand rows whether a
term of the block has them. A needle of seven digits has four such grams, and where one of them is missing the block is not read. Terms
of four bytes themselves are not there: one gram tells little, and they would be half of what a GUID has. A byte counts as one of
sixteen: digits and the letters up to f as what they are, so that nothing is lost of a hexadecimal id, all others as one of these, which
lets a block be read that need not be, and never the other way round.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from vedette.store.terms.text import CUT

if TYPE_CHECKING:
    from vedette.store.terms.file import Postings, SegmentFile

SIZE: Final = 4
"""Bytes of a gram."""
_CELLS: Final = 16**SIZE
_PAGE: Final = 256
"""Grams that lie together: those that begin with the same two bytes."""
_FRAME: Final = 32
"""Bytes that packing may add to a page."""
_BLOCKS: Final = (3072, 4096, 6144, 8192)
"""Rows in a block, as many as there is room for: with fewer of them, more blocks can be left out."""
_FULL: Final = 0.7
"""Where this share of the bits is set, they tell too little."""

Flags = npt.NDArray[np.bool_]


def _nibbles() -> npt.NDArray[np.uint8]:
    table = np.arange(256, dtype=np.uint8) % 16
    for place, code in enumerate(b"0123456789abcdefghijklmnopqrstuvwxyz"):
        table[code] = place % 16
    return table


_NIBBLES: Final = _nibbles()


def encode(
    postings: Postings, rows: int, most: float, pack: Callable[[bytes], bytes]
) -> tuple[dict[str, Any], bytes] | None:
    """The grams of terms: an entry for the directory, and bytes; None where they take more than `most`, or tell too little."""
    for block in _BLOCKS:
        blocks = -(-rows // block)
        if _CELLS * -(-blocks // 8) + _PAGE * _FRAME <= most:
            break
    else:
        return None
    bits = _bits(postings, block, blocks)
    if bits.mean() > _FULL:
        return None
    packed = np.packbits(bits, axis=1)
    body = bytearray()
    pages: list[list[int]] = []
    for first in range(0, _CELLS, _PAGE):
        page = pack(packed[first : first + _PAGE].tobytes())
        pages.append([len(page), zlib.crc32(page)])
        body += page
    return {"block": block, "size": len(body), "pages": pages}, bytes(body)


def _bits(postings: Postings, block: int, blocks: int) -> Flags:
    """For each gram and block whether a term of the block has it."""
    bits = np.zeros((_CELLS, blocks), np.bool_)
    terms = postings.terms.cast(pa.large_binary())
    _, buffer, data = terms.buffers()
    if data is None or not len(terms):
        return bits
    offsets = np.frombuffer(buffer, np.int64)[terms.offset : terms.offset + len(terms) + 1]
    content = np.frombuffer(data, np.uint8)[: offsets[-1]]
    cells = _cells(content)
    ends_open = content[np.maximum(offsets[1:] - 1, 0)] == CUT[0]
    owner = np.repeat(np.arange(len(terms)), postings.counts)
    places = postings.granules * postings.unit // block
    long = np.diff(offsets)[owner] > SIZE
    owner, places = owner[long], places[long]
    # the granules of a term are in rising order: those of one block follow each other
    new = np.ones(len(owner), np.bool_)
    new[1:] = (np.diff(owner) != 0) | (np.diff(places) != 0)
    owner, places = owner[new], places[new]
    starts, sizes = offsets[:-1][owner], np.diff(offsets)[owner]
    # nobody knows how a term that was cut goes on
    bits[:, places[ends_open[owner]]] = True
    for at in range(int(sizes.max(initial=0)) - SIZE + 1):
        left = sizes >= at + SIZE
        if not left.all():
            starts, sizes, places = starts[left], sizes[left], places[left]
        bits[cells[starts + at], places] = True
    return bits


def _cells(content: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint16]:
    """The gram that begins at each byte but the last ones."""
    digits = _NIBBLES[content].astype(np.uint16)
    count = max(0, len(digits) - SIZE + 1)
    made: npt.NDArray[Any] = np.zeros(count, np.uint16)
    for at in range(SIZE):
        made = made << 4 | digits[at : at + count]
    return made


class Grams:
    """The grams of one column in a segment."""

    def __init__(self, file: SegmentFile, at: int, entry: dict[str, Any]) -> None:
        self._file = file
        self._block: int = entry["block"]
        self._pages: list[list[int]] = entry["pages"]
        self._starts = list(accumulate((size for size, _ in self._pages), initial=at))
        self._blocks = -(-file.rows // self._block)

    def find(self, text: bytes, unit: int) -> Flags | None:
        """A flag for each granule of `unit` rows in which a term may have these bytes; None where they are too few to tell.

        Raises `Damaged`.
        """
        if len(text) <= SIZE:
            return None
        stride = -(-self._blocks // 8)
        found = np.full(stride, 255, np.uint8)
        for cell in dict.fromkeys(_cells(np.frombuffer(text, np.uint8)).tolist()):
            size, check = self._pages[cell // _PAGE]
            page = self._file.part(self._starts[cell // _PAGE], size, _PAGE * stride, check)
            found &= np.frombuffer(page, np.uint8, stride, cell % _PAGE * stride)
            if not found.any():
                break
        flags = np.unpackbits(found)[: self._blocks].astype(np.bool_)
        # a granule is in one block, or reaches into the next
        starts = np.arange(-(-self._file.rows // unit)) * unit
        ends = np.minimum(starts + unit, self._file.rows) - 1
        of_granules: Flags = flags[starts // self._block] | flags[ends // self._block]
        return of_granules
