"""A file of the term index: for some rows of a table, of each column the terms and where they stand.

Rows are counted from the segment's first and taken together in granules. A column's terms are sorted and lie in pages; a page has the
terms, and for each where it stands: the granules, or (for a frequent one) a bit for each block of granules, or nothing, which means
anywhere. Of terms that were left out there may be their grams (`grams.py`). A file is written once, under another name until it is
whole, and never changed.
"""

from __future__ import annotations

import mmap
import os
import zlib
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa

from vedette.store.terms import grams
from vedette.store.terms.text import CUT, LEAST, LONGEST, Piece, is_identifier_part, kept_form

VERSION: Final = 3
"""Of the form of the file and of the rule by which texts are cut; files of another version are made anew."""
_MAGIC: Final = b"VTIX"
_PAGE: Final = 4096
"""Terms in a page."""
_LISTED: Final = 128
"""A term in more granules has bits for blocks instead."""
_BLOCK: Final = 32
"""Granules in a block."""
_SAMPLED: Final = 16
"""Of so many pages one tells how large all will be."""
_CLEARLY: Final = 1.25
"""So many times what is allowed is too large for sure, as one page of some tells."""
_RARE: Final = 128
"""Granules of a column's segment in which a rare piece is, at most."""
_REMEMBERED: Final = 16
"""Pieces of a column's segment whose granules are remembered."""
_HEX: Final = (1 << 16) - 1
"""The kinds of characters (`_letters`) of which a hexadecimal number is."""
_PADDED: Final = 1.25
"""Terms lie byte under byte where that takes no more than so many times the room before they are packed."""
_HEAD: Final = 8
"""Bytes of the first term of a page by which pages are told that cannot have a needle inside of a term."""
_ANYWHERE: Final = 0
_BITS: Final = 255
_CODEC: Final = pa.Codec("zstd", compression_level=6)

Flags = npt.NDArray[np.bool_]
Heads = npt.NDArray[np.uint64]
Lacking = Literal[0, 1, 2]
"""Terms that a column's dictionary does not have: none of them, those that look like the parts of a GUID, any."""
PARTS: Final[Lacking] = 1
ALL: Final[Lacking] = 2


@dataclass(slots=True)
class Postings:
    """The terms of one column of some rows: sorted, and for each the granules in rising order, one after the other."""

    terms: pa.BinaryArray
    counts: npt.NDArray[np.int64]
    granules: npt.NDArray[np.int64]
    unit: int
    """Rows in a granule."""
    lacking: Lacking = 0
    """Which terms were left out."""
    left_out: Postings | None = None
    """Those that were."""


def encode(postings: Postings, rows: int, most: float | None = None) -> tuple[dict[str, Any], bytes] | None:
    """A column's entry in the directory (offsets from the column's start), and its bytes; None where they are more than `most`."""
    total = -(-rows // postings.unit)
    starts = np.concatenate(([0], np.cumsum(postings.counts)))
    firsts = range(0, len(postings.terms), _PAGE)
    # some of the pages tell whether all of them have any chance, before all are made
    made = {first: _page(postings, first, starts, total) for first in firsts[_SAMPLED // 2 :: _SAMPLED]}
    if most is not None and made:
        share = len(firsts) / len(made)
        if share * sum(len(text) + len(stands) for text, stands, _ in made.values()) > _CLEARLY * most:
            return None
    body = bytearray()
    pages: list[list[Any]] = []
    for first in firsts:
        text, stands, about = made[first] if first in made else _page(postings, first, starts, total)
        start, count, letters, length, unpacked, longest, width = about
        pages.append(
            [
                start, count, letters, len(body), len(text), length, len(text) + len(body), len(stands), unpacked,
                zlib.crc32(text), zlib.crc32(stands), longest, width,
            ]
        )  # fmt: skip
        body += text
        body += stands
        if most is not None and len(body) > most:
            return None
    entry = {"unit": postings.unit, "terms": len(postings.terms), "lacking": postings.lacking, "pages": pages}
    if postings.left_out is not None:
        room = float("inf") if most is None else most - len(body)
        found = grams.encode(postings.left_out, rows, room, _squeeze)
        if found is not None:
            entry["grams"] = {**found[0], "at": len(body)}
            body += found[1]
        else:
            return None
    return entry, bytes(body)


def _page(
    postings: Postings, first: int, starts: npt.NDArray[np.int64], total: int
) -> tuple[bytes, bytes, tuple[str, int, int, int, int, int, int]]:
    """A page, packed: its terms and where they stand.

    With its first term, how many there are, their letters, both lengths unpacked, how long the longest is, and how many bytes of each
    lie under one another (0: the terms lie one after the other).
    """
    part = postings.terms.slice(first, _PAGE).to_pylist()
    text = b"\n".join(part)
    own = postings.granules[starts[first] : starts[first + len(part)]]
    packed = _packed(postings.counts[first : first + _PAGE], own, total, -(-total // _BLOCK))
    letters, longest, width = _letters(text), max(map(len, part)), 0
    if not letters & ~_HEX and longest * len(part) <= _PADDED * (len(text) - len(part) + 1):
        # numbers in their order differ in their last digits, and those tell nothing of each other
        width = longest
        even = text.replace(b"\n", b"") if len(text) == (width + 1) * len(part) - 1 else _evened(part, width)
        text = np.frombuffer(even, np.uint8).reshape(-1, width).T.tobytes()
    about = part[0].decode("latin-1"), len(part), letters, len(text), len(packed), longest, width
    return _squeeze(text), _squeeze(packed), about


def _evened(terms: list[bytes], width: int) -> bytes:
    return b"".join(term.ljust(width, b"\0") for term in terms)


def _lines(planes: bytes, width: int) -> bytes:
    """Terms, each on a line, of their bytes that lie under one another."""
    bytes_of = np.frombuffer(planes, np.uint8).reshape(width, -1)
    lines = np.full((bytes_of.shape[1], width + 1), 10, np.uint8)
    lines[:, :width] = bytes_of.T
    flat = lines.reshape(-1)
    return (flat if planes.find(0) < 0 else flat[flat != 0])[:-1].tobytes()


def _packed(counts: npt.NDArray[np.int64], granules: npt.NDArray[np.int64], total: int, blocks: int) -> bytes:
    """Where the terms of a page stand."""
    kinds = np.where(counts > _LISTED, _BITS, counts)
    kinds = np.where(counts > total // 2, _ANYWHERE, kinds)
    owner = np.repeat(np.arange(len(counts)), counts)
    starts = np.concatenate(([0], np.cumsum(counts)))
    maps = bytearray()
    for position in np.flatnonzero(kinds == _BITS):
        bits = np.zeros(blocks, np.bool_)
        bits[granules[starts[position] : starts[position + 1]] // _BLOCK] = True
        if bits.sum() * 2 > blocks:
            kinds[position] = _ANYWHERE
        else:
            maps += np.packbits(bits).tobytes()
    listed = (kinds != _ANYWHERE) & (kinds != _BITS)
    chosen = listed[owner]
    values, of = granules[chosen], owner[chosen]
    steps = np.diff(values, prepend=0)
    fresh = np.diff(of, prepend=-1) != 0
    steps[fresh] = values[fresh]
    plain = steps.astype("<u4")
    planes = plain.view(np.uint8).reshape(-1, 4).T if len(plain) else np.zeros((4, 0), np.uint8)
    width = 2 if total <= 65536 else 4
    return kinds.astype(np.uint8).tobytes() + b"".join(planes[place].tobytes() for place in range(width)) + bytes(maps)


def _squeeze(data: bytes) -> bytes:
    squeezed: bytes = _CODEC.compress(data, asbytes=True)
    return squeezed


def _letters(text: bytes) -> int:
    """A bit for each kind of character in a text: digits, the letters a to z, and all that is beyond ASCII."""
    bits = 0
    for code in np.flatnonzero(np.bincount(np.frombuffer(text, np.uint8), minlength=256)).tolist():
        if 0x30 <= code <= 0x39:
            bits |= 1 << (code - 0x30)
        elif 0x61 <= code <= 0x7A:
            bits |= 1 << (code - 0x61 + 10)
        elif code >= 0x80:
            bits |= 1 << 36
        elif code == CUT[0]:
            bits |= 1 << 37
    return bits


def write(path: Path, about: dict[str, Any], columns: dict[str, tuple[dict[str, Any], bytes]]) -> int:
    """Write a segment; returns its size in bytes. `about` says of which rows it is."""
    directory: dict[str, Any] = {}
    at = 0
    for name, (entry, body) in columns.items():
        directory[name] = {**entry, "at": at, "size": len(body)}
        at += len(body)
    head = orjson.dumps({**about, "version": VERSION, "columns": directory})
    squeezed = _squeeze(head)
    new = path.with_suffix(".new")
    with new.open("wb") as file:
        file.write(_MAGIC)
        for number in (VERSION, len(squeezed), len(head), zlib.crc32(squeezed)):
            file.write(number.to_bytes(8, "little"))
        file.write(squeezed)
        for _, body in columns.values():
            file.write(body)
        file.flush()
        os.fsync(file.fileno())
    os.replace(new, path)
    return path.stat().st_size


class Damaged(Exception):
    """A file that is not whole, or of another version."""


class SegmentFile:
    """One file, read through the operating system's cache."""

    def __init__(self, path: Path) -> None:
        """Raises `Damaged` for what is no whole file of this version."""
        self.path = path
        try:
            with path.open("rb") as file:
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:
            raise Damaged(str(error)) from error
        view = self._map
        numbers = [int.from_bytes(view[4 + 8 * place : 12 + 8 * place], "little") for place in range(4)]
        if view[:4] != _MAGIC or numbers[0] != VERSION:
            raise Damaged(f"{path.name} is of another version")
        squeezed = view[36 : 36 + numbers[1]]
        if len(squeezed) != numbers[1] or zlib.crc32(squeezed) != numbers[3]:
            raise Damaged(f"{path.name} is damaged")
        self.about: dict[str, Any] = orjson.loads(_CODEC.decompress(squeezed, numbers[2], asbytes=True))
        self._body = 36 + numbers[1]
        columns = self.about["columns"]
        if self._body + sum(entry["size"] for entry in columns.values()) != len(view):
            raise Damaged(f"{path.name} is cut short")
        self.rows: int = self.about["rows"]
        self.columns = {name: ColumnTerms(self, entry) for name, entry in columns.items()}

    def part(self, at: int, size: int, length: int, check: int) -> bytes:
        """A part of the body, unpacked. Raises `Damaged`."""
        start = self._body + at
        squeezed = self._map[start : start + size]
        if zlib.crc32(squeezed) != check:
            raise Damaged(f"{self.path.name} is damaged")
        unpacked: bytes = _CODEC.decompress(squeezed, length, asbytes=True)
        return unpacked

    @property
    def size(self) -> int:
        """Its bytes."""
        return len(self._map)

    def close(self) -> None:
        """Let go of the file."""
        self._map.close()

    def renamed(self, path: Path) -> SegmentFile:
        """The same file, which has another name now."""
        self.path = path
        return self


class ColumnTerms:
    """The terms of one column in a segment."""

    def __init__(self, file: SegmentFile, entry: dict[str, Any]) -> None:
        self._file = file
        self._at: int = entry["at"]
        self.size: int = entry["size"]
        self.unit: int = entry["unit"]
        self.terms: int = entry["terms"]
        self._lacking: Lacking = entry["lacking"]
        self._pages: list[list[Any]] = entry["pages"]
        self._firsts = [page[0].encode("latin-1") for page in self._pages]
        self._total = -(-file.rows // self.unit)
        self._places: dict[Piece, npt.NDArray[np.int64]] = {}
        """Of pieces that were asked for lately and are rare the granules in which they may be: what rules ask for comes again."""
        own = entry.get("grams")
        self._grams = None if own is None else grams.Grams(file, self._at + own["at"], own)

    def find(self, piece: Piece) -> Flags | None:
        """A flag for each granule in which a term may be such a piece; None: it can be anywhere."""
        if len(piece.text) < LEAST:
            return None
        found = np.zeros(self._total, np.bool_)
        places = self._places.get(piece)
        if places is not None:
            found[places] = True
            return found
        if not self._look_up(piece, found):
            return None
        if np.count_nonzero(found) <= _RARE:
            for oldest in list(self._places)[: 1 - _REMEMBERED]:
                self._places.pop(oldest, None)
            self._places[piece] = found.nonzero()[0]
        return found

    def _look_up(self, piece: Piece, found: Flags) -> bool:
        """Flag the granules in which a term may be such a piece; False: it can be anywhere."""
        if self.may_lack(piece):
            left_out = None if self._grams is None else self._grams.find(piece.text[:LONGEST], self.unit)
            if left_out is None:
                return False
            found |= left_out
        return all(self._mark(place, positions, found) for place, positions in self._positions(piece))

    def may_lack(self, piece: Piece) -> bool:
        """Whether a term that is such a piece may have been left out of the dictionary."""
        if self._lacking != PARTS:
            return self._lacking == ALL
        return is_identifier_part(piece.text) if piece.exact else _may_be_part(piece)

    def _text(self, place: int) -> bytes:
        page = self._pages[place]
        text = self._file.part(self._at + page[3], page[4], page[5], page[9])
        return _lines(text, page[12]) if page[12] else text

    def _positions(self, piece: Piece) -> Iterator[tuple[int, list[int]]]:
        """Of each page the positions of terms that are such a piece."""
        wanted = piece.text
        if piece.exact:
            wanted = kept_form(wanted)
            place = bisect_right(self._firsts, wanted) - 1
            if place >= 0 and not _letters(wanted) & ~int(self._pages[place][2]):
                framed = b"\n" + self._text(place) + b"\n"
                at = framed.find(b"\n" + wanted + b"\n")
                if at >= 0:
                    yield place, [framed.count(b"\n", 0, at)]
            return
        places: Iterable[int]
        if piece.open_left:
            places = np.flatnonzero(self._may_hold(wanted)).tolist()
        else:
            head = wanted[:LONGEST]
            places = range(max(0, bisect_right(self._firsts, head) - 1), bisect_right(self._firsts, head + b"\xff"))
        need = _letters(wanted)
        cut = 1 << 37
        for place in places:
            letters = int(self._pages[place][2])
            if need & ~letters and not letters & cut:
                continue
            positions = _matching(self._text(place), piece, bool(letters & cut))
            if positions:
                yield place, positions

    @cached_property
    def _bounds(self) -> tuple[Heads, Heads, npt.NDArray[np.int64]]:
        """Of each page the first bytes of its first term, and of the next page's, as numbers, and how long its longest term is."""
        heads = [int.from_bytes(first[:_HEAD].ljust(_HEAD, b"\0"), "big") for first in self._firsts]
        # of a term that was cut nobody knows how long it was
        longest = [2**31 if page[2] >> 37 else page[11] for page in self._pages]
        return (
            np.array(heads, np.uint64),
            np.array([*heads[1:], 2**64 - 1][: len(heads)], np.uint64),
            np.array(longest, np.int64),
        )

    def _may_hold(self, wanted: bytes) -> Flags:
        """A flag for each page in which a term, by its length and its place in the order, can have some bytes at any place."""
        low, high, longest = self._bounds
        found = longest >= _HEAD + len(wanted)
        for at in range(_HEAD):
            fits = longest >= at + len(wanted)
            if not (fits & ~found).any():
                break
            # what stands before the bytes is not known; if it is more than the page's first term has there, and less than the next's,
            # the bytes may be any
            size = _HEAD - at
            least = np.uint64(int.from_bytes(wanted[:size].ljust(size, b"\0"), "big"))
            most = np.uint64(int.from_bytes(wanted[:size].ljust(size, b"\xff"), "big"))
            if at == 0:
                found |= fits & (low <= most) & (high >= least)
                continue
            bits, mask = np.uint64(8 * size), np.uint64((1 << 8 * size) - 1)
            before, after = low >> bits, high >> bits
            behind, ahead = (low & mask) <= most, (high & mask) >= least
            found |= fits & np.where(before == after, behind & ahead, (after - before > 1) | behind | ahead)
        return found

    def _mark(self, place: int, positions: list[int], found: Flags) -> bool:
        """Flag where some terms of a page stand; False where one stands anywhere."""
        page = self._pages[place]
        packed = self._file.part(self._at + page[6], page[7], page[8], page[10])
        at = page[1]
        kinds = np.frombuffer(packed, np.uint8, at)
        if any(packed[position] == _ANYWHERE for position in positions):
            return False
        blocks = -(-self._total // _BLOCK)
        stride = -(-blocks // 8)
        width = 2 if self._total <= 65536 else 4
        maps = packed.count(_BITS, 0, at)
        count = int(kinds.sum(dtype=np.int64)) - maps * _BITS
        before, mapped, last = 0, 0, 0
        for position in positions:
            # what lies before it, counted from the one before
            mapped_between = packed.count(_BITS, last, position)
            before += int(kinds[last:position].sum(dtype=np.int64)) - mapped_between * _BITS
            mapped, last = mapped + mapped_between, position
            if packed[position] == _BITS:
                start = at + width * count + mapped * stride
                bits = np.unpackbits(np.frombuffer(packed, np.uint8, stride, start))[:blocks].astype(np.bool_)
                found |= np.repeat(bits, _BLOCK)[: self._total]
            else:
                steps = np.zeros(packed[position], np.int64)
                for place in range(width):
                    steps |= np.frombuffer(packed, np.uint8, len(steps), at + place * count + before).astype(
                        np.int64
                    ) << (8 * place)
                found[np.cumsum(steps)] = True
        return True


def _matching(text: bytes, piece: Piece, has_cut: bool) -> list[int]:
    """The positions of the terms in a page that are such a piece, which is not a whole term."""
    wanted = piece.text if piece.open_left else b"\n" + piece.text[:LONGEST]
    if not piece.open_right:
        wanted += b"\n"
    framed = b"\n" + text + b"\n"
    found: list[int] = []
    counted, position = 0, 0
    at = framed.find(wanted)
    while at >= 0:
        # the term that holds the place starts behind the last line break up to there
        start = framed.rfind(b"\n", 0, at) if piece.open_left else at
        position += framed.count(b"\n", counted, start)
        counted = start
        found.append(position)
        after = framed.find(b"\n", at + 1)
        at = framed.find(wanted, after) if after >= 0 else -1
    if has_cut and piece.open_left:
        # nobody knows how a term that was cut goes on
        found = sorted({*found, *(place for place, term in enumerate(text.split(b"\n")) if term.endswith(CUT))})
    return found


def _may_be_part(piece: Piece) -> bool:
    """Whether a term that was left out as part of a GUID may hold the piece."""
    return len(piece.text) <= 12 and is_identifier_part(piece.text.ljust(12, b"0"))
