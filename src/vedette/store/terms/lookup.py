"""What the engine asks the term index: the ranges of rows in which a text can stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from vedette.engine.term_candidates import Asked, Candidates, Every, Mention, Some, TermLookup
from vedette.kql.types import Type
from vedette.store.tables import StoredTable
from vedette.store.terms.building import GRANULE, INDEXED
from vedette.store.terms.columns import holding, left_out
from vedette.store.terms.file import ColumnTerms, Damaged, Flags
from vedette.store.terms.segments import Segment, gaps
from vedette.store.terms.text import Needle, Piece

if TYPE_CHECKING:
    from vedette.store.terms.index import TermIndex

_GOOD: Final = 16
"""The index gives no more than this part of the rows: beyond, reading and checking all of them is as fast."""

_MOST_RANGES: Final = 20_000

_FEW: Final = 20_000
"""Rows without a segment that are read on one thread."""
_FEW_FOUND: Final = 2_048
"""So few rows are sooner checked than looked up further."""


class Lookup(TermLookup):
    """One table's index, as the engine asks it."""

    def __init__(self, index: TermIndex, table: StoredTable) -> None:
        self._index = index
        self._table = table

    def candidates(self, asked: Asked) -> Candidates | None:
        """Where rows may be; None where reading all of them is as good."""
        segments = self._index.segments(self._table.name)
        if not segments or not segments[-1].anchors:
            return None
        conditions: dict[str, None] = {}
        question = self._prepared(asked, conditions)
        if question is None:
            return None
        # behind its last row a segment knows nothing
        end = segments[-1].anchors[-1][0] + 1
        starts: list[npt.NDArray[np.int64]] = []
        ends: list[npt.NDArray[np.int64]] = []
        checked = 0
        apart: dict[str, list[Segment]] = {}
        for segment in segments:
            try:
                flags = self._flags(question, segment, apart)
            except Damaged:
                flags = None
            if flags is None:
                checked += segment.file.rows
                starts.append(np.array([segment.first], np.int64))
                ends.append(np.array([min(segment.last, end)], np.int64))
                continue
            (places,) = flags.nonzero()
            if len(places):
                checked += len(places) * GRANULE
                own = places * GRANULE + segment.first
                starts.append(own)
                ends.append(np.minimum(own + GRANULE, min(segment.last, end)))
        ranges = _joined(starts, ends)
        speaking = _speaking(question, segments)
        known = sum(segment.file.rows for segment in segments)
        many = checked * _GOOD > known or len(ranges) > _MOST_RANGES
        if many and not speaking:
            return None
        unknown = list(gaps(segments, end))
        place = self._index.in_place(self._table, segments[-1].anchors[-1])
        if not place.behind:
            unknown.pop()
        few = len(unknown) == 1 and self._index.rows_seen(self._table.name) - end <= _FEW
        if many:  # all rows are read, but not all columns of theirs
            firsts = np.array([segment.first for segment in segments], np.int64)
            lasts = np.array([min(segment.last, end) for segment in segments], np.int64)
            whole = _joined([firsts], [lasts])
            return Candidates(whole, unknown, few, place, (), speaking, True)
        for condition, within in apart.items():
            rows = " OR ".join(f"(rowid >= {one.first} AND rowid < {one.last})" for one in within)
            conditions[condition if len(within) == len(segments) else f"({condition} AND ({rows}))"] = None
        return Candidates(ranges, unknown, few, place, tuple(conditions), speaking)

    def _prepared(self, asked: Asked, conditions: dict[str, None]) -> _Question | None:
        """What is asked, in pieces, and which further rows may have it; None where it tells nothing."""
        match asked:
            case Mention():
                return self._leaf_of(asked, conditions)
            case Every():
                known = [part for part in (self._prepared(one, conditions) for one in asked.parts) if part is not None]
                return _Tree(True, known) if len(known) > 1 else known[0] if known else None
            case Some():
                parts = [self._prepared(one, conditions) for one in asked.parts]
                return None if any(part is None for part in parts) else _Tree(False, [one for one in parts if one])

    def _leaf_of(self, asked: Mention, conditions: dict[str, None]) -> _Leaf | None:
        text = asked.text.lower()
        if not asked.text.isascii() and self._index.lower(asked.text) != text:
            return None
        needle = Needle(text, asked.bound_left, asked.bound_right, asked.whole_left, asked.whole_right)
        pieces = needle.pieces()
        if not pieces:
            return None
        leaf = _Leaf([], needle, pieces, asked.joined)
        for own in asked.fields:
            stored = self._table.stored.get(own.name)
            if stored is not None and stored.type in INDEXED:
                leaf.columns.append((stored.physical, stored.type, own.name))
                if own.sql is None:
                    continue
            elif own.sql is None and own.type in INDEXED:
                leaf.columns.append((own.physical, own.type, own.name))
                continue
            rows = holding(own, needle, self._table, self._index)
            if rows is None:
                return None
            if rows:
                leaf.speaking.add(own.name)
            conditions.update(dict.fromkeys(rows))
        return leaf

    def _flags(self, question: _Question, segment: Segment, apart: dict[str, list[Segment]]) -> Flags | None:
        """A flag for each granule in which rows may be; None: all of them. `apart` are conditions on further rows."""
        if isinstance(question, _Leaf):
            return self._leaf(question, segment, apart)
        found: Flags | None = None
        for part in question.parts:
            flags = self._flags(part, segment, apart)
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

    def _leaf(self, leaf: _Leaf, segment: Segment, apart: dict[str, list[Segment]]) -> Flags | None:
        total = -(-segment.file.rows // GRANULE)
        found: Flags | None = np.zeros(total, np.bool_)
        for physical, kind, name in leaf.columns:
            terms = segment.file.columns.get(physical)
            if terms is not None:
                flags = self._column(terms, leaf.pieces, total)
                lacks = flags is None and all(map(terms.may_lack, leaf.pieces))
            elif physical not in segment.file.about["known"]:
                continue  # it was made later
            else:
                flags, lacks = None, True
            if flags is not None:
                if not leaf.joined:
                    found = flags  # there is one column
                elif flags.any():
                    leaf.speaking.add(name)
                    found = None if found is None else found | flags
                continue
            leaf.speaking.add(name)
            if lacks and kind in (Type.STRING, Type.GUID) and (leaf.joined or terms is None):
                # of many columns one is read by itself
                within = apart.setdefault(left_out(physical, kind, leaf.needle), [])
                if segment not in within:
                    within.append(segment)
            elif leaf.joined:
                found = None  # which of the others can have it is worth knowing all the same
            else:
                return None
        leaf.segments += 1
        return found

    @staticmethod
    def _column(terms: ColumnTerms, pieces: list[Piece], total: int) -> Flags | None:
        found: Flags | None = None
        for piece in pieces:
            if found is not None:
                many = int(np.count_nonzero(found)) * GRANULE
                if not many or (many <= _FEW_FOUND and (not piece.exact or terms.may_lack(piece))):
                    break  # few enough; the terms that hold a part of a word take longer to find
            flags = terms.find(piece)
            if flags is None:
                continue
            if terms.unit != GRANULE:
                flags = np.repeat(flags, terms.unit // GRANULE)[:total]
            found = flags if found is None else found & flags
        return found


def _joined(starts: list[npt.NDArray[np.int64]], ends: list[npt.NDArray[np.int64]]) -> list[tuple[int, int]]:
    """Ranges in rising order, those that follow one another as one."""
    if not starts:
        return []
    first, last = np.concatenate(starts), np.concatenate(ends)
    apart = first[1:] != last[:-1]
    return list(
        zip(
            first[np.concatenate(([True], apart))].tolist(), last[np.concatenate((apart, [True]))].tolist(), strict=True
        )
    )


def _speaking(question: _Question, segments: Sequence[Segment]) -> dict[int, frozenset[str]]:
    """Of each text of several columns those in which it can stand, where every segment was asked about it."""
    found: dict[int, frozenset[str]] = {}
    unclear: set[int] = set()
    waiting = [question]
    while waiting:
        part = waiting.pop()
        if isinstance(part, _Tree):
            waiting += part.parts
        elif part.joined and part.segments == len(segments):
            found[part.joined] = found.get(part.joined, frozenset()) | part.speaking
        else:
            unclear.add(part.joined)
    return {joined: names for joined, names in found.items() if joined not in unclear}


@dataclass(slots=True)
class _Leaf:
    columns: list[tuple[str, Type, str]]
    """The DuckDB name, type and KQL name of each column that has terms."""
    needle: Needle
    pieces: list[Piece]
    joined: int
    segments: int = 0
    """How many of them were asked about all columns."""
    speaking: set[str] = field(default_factory=set)
    """The KQL names of columns in which the text can stand in some row."""


@dataclass(frozen=True, slots=True)
class _Tree:
    every: bool
    parts: Sequence[_Question]


_Question = _Leaf | _Tree
