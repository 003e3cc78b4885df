"""Cutting many texts into terms at once: what `terms_of` gives for one text, for all texts of a batch.

A million rows have some millions of terms, and an object of Python's for each of them takes most of the time of an index. So the
bytes of all texts are looked at together: a run begins where the kind of character changes, and Arrow takes the runs out of the
texts and tells equal ones apart. `terms_of` says what is right, and has the last word where a text is out of the ordinary.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from vedette.store.terms.text import IDENTIFIER_PARTS, LEAST, LONGEST, kept_form, terms_of, unescaped

Numbers = npt.NDArray[np.int64]
_LETTER, _BEYOND, _DOT = 1, 2, 3
"""Kinds of characters: letters and digits of ASCII, what is beyond ASCII, the point; 0 is all else."""
_AT_ONCE: Final = 4 * 1024 * 1024
"""Bytes of texts that are looked at together."""
_ESCAPES: Final = ("\\\\", '\\"', "\\/", "\\b", "\\f", "\\n", "\\r", "\\t")
"""Escapes of JSON that stand for what is in no term. The first is first, since what follows it is no escape."""
_BACKSLASH: Final = 92
_POINT: Final = 46


def _kinds() -> bytes:
    kinds = bytearray(256)
    for code in b"0123456789abcdefghijklmnopqrstuvwxyz":
        kinds[code] = _LETTER
    for code in range(0x80, 0x100):
        kinds[code] = _BEYOND
    kinds[_POINT] = _DOT
    return bytes(kinds)


_KINDS: Final = _kinds()
_HEX: Final = np.isin(np.arange(256), np.frombuffer(b"0123456789abcdef", np.uint8))


@dataclass(slots=True)
class Cut:
    """The different terms of some texts, and where they are: pairs of a text's number and a term's, in no order."""

    terms: pa.LargeBinaryArray
    texts: Numbers
    numbers: Numbers


def cut(texts: pa.LargeStringArray, *, escapes: bool) -> Cut:
    """The terms of texts in lower case that each end with a line break, in the form that the index keeps.

    With `escapes`, a text is JSON: it has the terms of its text without escapes, too. A pair may come more than once.
    """
    found: list[pa.LargeBinaryArray] = []
    owners: list[Numbers] = []
    for first, part in _parts(texts):
        for terms, owner in _terms(part):
            found.append(terms)
            owners.append(owner + first)
        if escapes:
            for terms, owner in _of_escaped(part):
                found.append(terms)
                owners.append(owner + first)
    if not found:
        return Cut(pa.array([], pa.large_binary()), np.zeros(0, np.int64), np.zeros(0, np.int64))
    different, numbers = encoded(found)
    kept = _kept(different)
    if kept is not different:  # long ones that begin alike are one by now
        kept, same = encoded([kept])
        numbers = same[numbers]
    return Cut(kept, np.concatenate(owners), numbers)


def encoded(terms: list[pa.LargeBinaryArray]) -> tuple[pa.LargeBinaryArray, Numbers]:
    """The different ones of some terms, and of each term the number that it has among them."""
    made = pa.chunked_array(terms, pa.large_binary()).dictionary_encode().combine_chunks()
    if isinstance(made, pa.ChunkedArray):
        made = made.chunk(0)
    return made.dictionary, made.indices.to_numpy().astype(np.int64)


def _parts(texts: pa.LargeStringArray) -> Iterator[tuple[int, pa.LargeStringArray]]:
    """The texts in parts of some bytes, and the number of the first of each."""
    _, offsets = _buffers(texts)
    start = 0
    while start < len(texts):
        end = int(np.searchsorted(offsets, offsets[start] + _AT_ONCE, "right")) - 1
        end = min(max(end, start + 1), len(texts))
        yield start, texts.slice(start, end - start)
        start = end


def _buffers(texts: pa.LargeStringArray) -> tuple[Any, Numbers]:
    """The bytes that an array lies in, and where each of its texts begins, with the end of the last."""
    _, offsets, data = texts.buffers()
    return data, np.frombuffer(offsets, np.int64)[texts.offset : texts.offset + len(texts) + 1]


def _terms(texts: pa.LargeStringArray) -> Iterator[tuple[pa.LargeBinaryArray, Numbers]]:
    """The terms of texts, and the text of each."""
    data, offsets = _buffers(texts)
    if data is None or offsets[0] == offsets[-1]:
        return
    own = data.slice(int(offsets[0]), int(offsets[-1] - offsets[0]))
    content = own.to_pybytes()
    kinds = np.frombuffer(content.translate(_KINDS), np.uint8)
    changes = np.flatnonzero(kinds[1:] != kinds[:-1]) + 1
    bounds = np.concatenate(([0], changes, [len(kinds)]))
    kind = kinds[bounds[:-1]]
    sizes = np.diff(bounds)
    chosen = ((kind == _LETTER) | (kind == _BEYOND)) & (sizes >= LEAST)
    begins = offsets[:-1] - offsets[0]
    if chosen.any():
        runs = pa.LargeBinaryArray.from_buffers(pa.large_binary(), len(sizes), [None, pa.py_buffer(bounds), own])
        yield runs.filter(pa.array(chosen)), np.searchsorted(begins, bounds[:-1][chosen], "right") - 1
    if b"." in content:
        starts, ends = _addresses(np.frombuffer(content, np.uint8), bounds, kind, sizes)
        if len(starts):
            made = pa.array(
                [content[start:end] for start, end in zip(starts.tolist(), ends.tolist())], pa.large_binary()
            )
            yield made, np.searchsorted(begins, starts, "right") - 1


def _addresses(
    content: npt.NDArray[np.uint8], bounds: Numbers, kind: npt.NDArray[np.uint8], sizes: Numbers
) -> tuple[Numbers, Numbers]:
    """Where four numbers with points between them begin and end."""
    if len(sizes) < 7:
        none = np.zeros(0, np.int64)
        return none, none
    short = (kind == _LETTER) & (sizes < 4)
    point = (kind == _DOT) & (sizes == 1)
    last = len(sizes) - 6
    places = np.flatnonzero(
        short[:last] & point[1 : last + 1] & short[2 : last + 2] & point[3 : last + 3]
        & short[4 : last + 4] & point[5 : last + 5] & short[6 : last + 6]
    )  # fmt: skip
    for part in (0, 2, 4, 6):
        for digit in range(3):
            code = content[np.minimum(bounds[places + part] + digit, bounds[places + part + 1] - 1)]
            places = places[code <= 0x39]
    return bounds[places], bounds[places + 7]


def _of_escaped(texts: pa.LargeStringArray) -> Iterator[tuple[pa.LargeBinaryArray, Numbers]]:
    """The terms that the texts with escapes have without them."""
    data, offsets = _buffers(texts)
    if data is None:
        return
    signs = np.flatnonzero(np.frombuffer(data, np.uint8)[offsets[0] : offsets[-1]] == _BACKSLASH)
    if not len(signs):
        return
    rows = np.searchsorted(offsets[:-1] - offsets[0], signs, "right") - 1
    rows = rows[np.diff(rows, prepend=-1) != 0]
    plain = texts.take(pa.array(rows))
    for escape in _ESCAPES:
        plain = pc.replace_substring(plain, escape, "  ")
    odd = pc.match_substring(plain, "\\").to_numpy(zero_copy_only=False)
    # where another escape is left, the texts beside it are none of their own
    for terms, owner in _terms(plain.filter(pa.array(~odd))):
        yield terms, rows[~odd][owner]
    for row in rows[odd].tolist():
        text = unescaped(texts[row].as_py()).lower()
        own = [term for term in terms_of(text.encode("utf-8", "replace")) if len(term) >= LEAST]
        yield pa.array(own, pa.large_binary()), np.full(len(own), row, np.int64)


def _kept(terms: pa.LargeBinaryArray) -> pa.LargeBinaryArray:
    """The terms as the index holds them."""
    long = pc.greater(pc.binary_length(terms), LONGEST)
    if not pc.any(long).as_py():
        return terms
    cut_off = pa.array([kept_form(term) for term in terms.filter(long).to_pylist()], pa.large_binary())
    return pc.replace_with_mask(terms, long, cut_off)


def identifier_parts(terms: pa.LargeBinaryArray) -> npt.NDArray[np.bool_]:
    """Of each term whether `is_identifier_part` holds."""
    data, offsets = _buffers(terms)
    sizes = np.diff(offsets)
    found = np.isin(sizes, IDENTIFIER_PARTS)
    if data is None or not found.any():
        return np.zeros(len(terms), np.bool_)
    content = np.frombuffer(data, np.uint8)
    for place in range(max(IDENTIFIER_PARTS)):
        chosen = np.flatnonzero(found)
        code = content[offsets[chosen] + np.minimum(place, sizes[chosen] - 1)]
        found[chosen] = _HEX[code]
    return found


def order_of(terms: pa.LargeBinaryArray) -> Numbers:
    """The places of terms in the order of their bytes.

    Eight bytes of each are a number; only terms that have the same one are told apart by the next eight. Comparing texts takes several
    times as long.
    """
    data, offsets = _buffers(terms)
    if not len(terms) or data is None:
        return np.arange(len(terms))
    content = data.to_pybytes() + bytes(8)
    # eight bytes from any place on, as a number: they overlap
    words = np.ndarray((len(content) - 7,), ">u8", content, 0, (1,))
    starts, sizes = offsets[:-1], np.diff(offsets)
    keys = _eight(words, starts, sizes, 0)
    order = np.argsort(keys)
    keys = keys[order]
    places = _repeated(keys[1:] == keys[:-1])
    # what is not told apart yet: places in the order, and of each the first place of those that are like it
    like = _firsts(keys[places])
    at = 8
    while len(places) and at < sizes.max():  # equal ones are not told apart
        chosen = order[places]
        keys = _eight(words, starts[chosen], sizes[chosen], at)
        again = np.lexsort((keys, like))
        order[places] = chosen[again]
        keys, like = keys[again], like[again]
        left = _repeated((keys[1:] == keys[:-1]) & (like[1:] == like[:-1]))
        places = places[left]
        changes = (np.diff(keys[left]) != 0) | (np.diff(like[left]) != 0)
        like = np.concatenate(([0], np.cumsum(changes))) if len(left) else left
        at += 8
    return order


def _repeated(same: npt.NDArray[np.bool_]) -> Numbers:
    """The places of those that are like a neighbour; `same` says of each but the first whether it is like the one before."""
    found = np.zeros(len(same) + 1, np.bool_)
    found[1:] = same
    found[:-1] |= same
    return np.flatnonzero(found)


def _firsts(keys: npt.NDArray[np.uint64]) -> Numbers:
    """A number for each run of equal keys."""
    return np.concatenate(([0], np.cumsum(np.diff(keys) != 0))) if len(keys) else np.zeros(0, np.int64)


def _eight(words: npt.NDArray[Any], starts: Numbers, sizes: Numbers, at: int) -> npt.NDArray[np.uint64]:
    """The bytes from `at` on of each term, eight as a number; a term that has ended has zeros, which none holds."""
    left = np.clip(sizes - at, 0, 8)
    keys = words[np.minimum(starts + at, len(words) - 1)].astype(np.uint64)
    missing = ((8 - left) * 8).astype(np.uint64)
    return np.where(left > 0, keys >> np.minimum(missing, np.uint64(63)) << missing, np.uint64(0))
