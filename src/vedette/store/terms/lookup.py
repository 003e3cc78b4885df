"""What the engine asks the term index: the ranges of rows in which a text can stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from vedette.engine.dialect import identifier
from vedette.engine.term_candidates import Asked, Candidates, Every, Mention, Some
from vedette.kql.host import Field
from vedette.store.physical import LOAD, ROW
from vedette.store.tables import StoredTable
from vedette.store.terms.building import GRANULE, INDEXED
from vedette.store.terms.columns import computed_flags, plain_flags
from vedette.store.terms.file import Damaged, Flags
from vedette.store.terms.segments import Segment, gaps
from vedette.store.terms.text import Needle, Piece

if TYPE_CHECKING:
    from vedette.store.terms.index import TermIndex

_GOOD: Final = 8
"""The index is asked for no more than this part of the rows: beyond, reading all of them is as fast."""

_MOST_RANGES: Final = 20_000

_FEW: Final = 20_000
"""Rows without a segment that are read on one thread."""
_READ: Final = 2_048
"""Rows that the engine reads at least."""


class Lookup:
    """One table's index, as the engine asks it (`engine.term_candidates.TermLookup`)."""

    def __init__(self, index: TermIndex, table: StoredTable) -> None:
        self._index = index
        self._table = table

    def candidates(self, asked: Asked) -> Candidates | None:
        """Where rows may be; None where reading all of them is as good."""
        segments = self._index.segments(self._table.name)
        if not segments or not segments[-1].anchors:
            return None
        question = self._prepared(asked)
        if question is None:
            return None
        # behind its last row a segment knows nothing
        end = segments[-1].anchors[-1][0] + 1
        ranges: list[tuple[int, int]] = []
        read = 0
        for segment in segments:
            try:
                flags = self._flags(question, segment)
            except Damaged:
                flags = None
            if flags is None:
                read += segment.file.rows
                ranges.append((segment.first, min(segment.last, end)))
                continue
            places = np.flatnonzero(flags)
            if not len(places):
                continue
            read += len(np.unique(places * GRANULE // _READ)) * _READ
            breaks = np.flatnonzero(np.diff(places) > 1)
            starts = places[np.concatenate(([0], breaks + 1))] * GRANULE + segment.first
            ends = (places[np.concatenate((breaks, [len(places) - 1]))] + 1) * GRANULE + segment.first
            ranges += zip(starts.tolist(), np.minimum(ends, min(segment.last, end)).tolist(), strict=True)
        known = sum(segment.file.rows for segment in segments)
        if read * _GOOD > known or len(ranges) > _MOST_RANGES:
            return None
        row, load, number = segments[-1].anchors[-1]
        guard = f"rowid = {row} AND {identifier(LOAD)} = {load} AND {identifier(ROW)} = {number}"
        unknown = list(gaps(segments, end))
        few = len(unknown) == 1 and self._index.rows_seen(self._table.name) - end <= _FEW
        return Candidates(ranges, unknown, few, guard)

    def _prepared(self, asked: Asked) -> _Question | None:
        """What is asked, in pieces; None where it tells nothing."""
        match asked:
            case Mention():
                text = asked.text.lower()
                if not asked.text.isascii() and self._index.lower(asked.text) != text:
                    return None
                needle = Needle(text, asked.bound_left, asked.bound_right, asked.whole_left, asked.whole_right)
                pieces = needle.pieces()
                return _Leaf(asked.fields, needle, pieces) if pieces else None
            case Every():
                known = [part for part in map(self._prepared, asked.parts) if part is not None]
                return _Tree(True, known) if known else None
            case Some():
                parts = list(map(self._prepared, asked.parts))
                return None if any(part is None for part in parts) else _Tree(False, [one for one in parts if one])

    def _flags(self, question: _Question, segment: Segment) -> Flags | None:
        """A flag for each granule in which rows may be; None: all of them."""
        if isinstance(question, _Leaf):
            return self._leaf(question, segment)
        found: Flags | None = None
        for part in question.parts:
            flags = self._flags(part, segment)
            if question.every:
                if flags is not None:
                    found = flags if found is None else found & flags
                    if not found.any():
                        return found
            elif flags is None:
                return None
            else:
                found = flags if found is None else found | flags
        return found

    def _leaf(self, leaf: _Leaf, segment: Segment) -> Flags | None:
        total = -(-segment.file.rows // GRANULE)
        found = np.zeros(total, np.bool_)
        for field in leaf.fields:
            flags = self._column(field, leaf, segment, total)
            if flags is None:
                return None
            found |= flags
        return found

    def _column(self, field: Field, leaf: _Leaf, segment: Segment, total: int) -> Flags | None:
        nothing = np.zeros(total, np.bool_)
        if field.sql is not None:
            return nothing if computed_flags(field, leaf.needle, self._table, self._index) else None
        if field.type not in INDEXED:
            return nothing if plain_flags(field.type, leaf.needle) else None
        terms = segment.file.columns.get(field.physical)
        if terms is None:
            return None if field.physical in segment.file.about["known"] else nothing
        found: Flags | None = None
        for piece in leaf.pieces:
            if found is not None and not piece.exact and int(found.sum()) * GRANULE <= _READ:
                break  # few enough; the terms that hold a part of a word take longer to find
            flags = terms.find(piece)
            if flags is None:
                continue
            flags = np.repeat(flags, terms.unit // GRANULE)[:total]
            found = flags if found is None else found & flags
            if not found.any():
                break
        return found


@dataclass(frozen=True, slots=True)
class _Leaf:
    fields: tuple[Field, ...]
    needle: Needle
    pieces: list[Piece]


@dataclass(frozen=True, slots=True)
class _Tree:
    every: bool
    parts: Sequence[_Question]


_Question = _Leaf | _Tree
