"""Making a segment of the term index: the rows of a table are read a column at a time and cut into terms."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from vedette.engine.batches import batches_of
from vedette.engine.dialect import identifier
from vedette.kql.types import Type
from vedette.store.physical import LOAD, ROW
from vedette.store.statements import lent, run
from vedette.store.terms.cutting import Cut, cut, encoded, identifier_parts, order_of
from vedette.store.terms.file import ALL, PARTS, Postings, encode, write

GRANULE: Final = 64
"""Rows that are told apart at best."""
_COARSE: Final = 2048
"""Rows in a granule where finer ones would take too much room; the engine reads as many at once."""
SHARE: Final = 0.34
"""What the terms of a column may take of the room that the column itself takes: of the 35 % that it may be, small
segments may need the rest."""
_LITTLE: Final = 4096
"""Bytes that any column may take in a segment: columns with few values take next to nothing in the store itself."""
_SMALL: Final = 122_880
"""A segment of fewer rows may take twice as much: a dictionary pays with many rows, and small segments are made one before long."""
_BATCH: Final = 2048
"""Rows that the engine gives at once, as few as it has together: whatever their width, all of them are in memory."""
_TEXTS: Final = "texts"
_AT_ONCE: Final = 32 * 1024 * 1024
"""Bytes of rows that are looked at together: the more there are, the more texts repeat themselves."""
_OFTEN: Final = 2
"""So many times a text must come among them, on average, to be cut by itself."""

INDEXED: Final = frozenset({Type.STRING, Type.DYNAMIC, Type.GUID})
"""Types of columns that may have their terms in the index."""
_WRITTEN_ANEW: Final = r"\\|[0-9.][eE][0-9+-]|[0-9.]{15}|^[^\[{]"
"""JSON text that the engine may write in another way where it gives a dynamic value as text: escapes, long numbers, plain values."""


class Stopped(Exception):
    """Somebody wants the work to end."""


@dataclass(frozen=True, slots=True)
class Source:
    """Some rows of a table: those with row ids from `first` up to but not including `last`.

    `columns` are those to be read, by their DuckDB names, and `others` those that the table has beside them.
    """

    table: str
    first: int
    last: int
    columns: Mapping[str, Type]
    others: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """How many row ids there are."""
        return self.last - self.first


def build(
    connection: duckdb.DuckDBPyConnection,
    source: Source,
    path: Path,
    room: Mapping[str, float],
    stopped: Callable[[], bool],
) -> int:
    """Write the segment of some rows; returns its bytes.

    `room` is what a row of a column takes in the store, where that is known: what is left out of the index to stay within its share is
    decided by it. Raises `Stopped`.
    """
    made = Making(connection, outline(connection, source), path)
    for name, kind in source.columns.items():
        made.add(name, kind, room.get(name), until(stopped, texts(connection, source, name, kind)))
    return made.written()


def outline(connection: duckdb.DuckDBPyConnection, source: Source) -> dict[str, Any]:
    """What a segment says of its rows: how many they are, the first and the last of them, and which columns the table has."""
    ends = run(
        connection,
        f"SELECT rowid, {identifier(LOAD)}, {identifier(ROW)} FROM {source.table} "
        f"WHERE rowid IN (SELECT unnest([min(rowid), max(rowid)]) {_rows(source)}) ORDER BY rowid",
    )
    return {
        "rows": source.rows,
        "first": source.first,
        "anchors": [[row - source.first, load, number] for row, load, number in ends],
        "known": [*source.columns, *source.others],
        "left_out": [],
    }


def texts(connection: duckdb.DuckDBPyConnection, source: Source, name: str, kind: Type) -> pa.RecordBatchReader:
    """The texts of a column, each with the id of its row."""
    column = f"CAST({identifier(name)} AS VARCHAR)" if kind is Type.GUID else identifier(name)
    return batches_of(connection, f"SELECT rowid AS r, {column} AS t {_rows(source)}", None, _BATCH)


def _rows(source: Source) -> str:
    return f"FROM {source.table} WHERE rowid >= {source.first} AND rowid < {source.last}"


def until(stopped: Callable[[], bool], batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The batches, until somebody wants the work to end. Raises `Stopped`."""
    for batch in batches:
        if stopped():
            raise Stopped
        yield batch


class Making:
    """A segment in the making, column by column. `about` is the `outline` of its rows; any connection of the engine serves."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, about: dict[str, Any], path: Path) -> None:
        self._connection = connection
        self._about = dict(about)
        self._first = int(self._about.pop("first"))
        self._rows = int(about["rows"])
        self._path = path
        self._columns: dict[str, tuple[dict[str, Any], bytes]] = {}

    def add(self, name: str, kind: Type, room: float | None, batches: Iterable[pa.RecordBatch]) -> None:
        """Adds a column's terms, as fine as its share of room allows, or none where it does not allow any."""
        made = _column(self._connection, batches, self._first, self._rows, kind, room)
        if made is None:
            self._about["left_out"].append(name)
        else:
            self._columns[name] = made

    def written(self) -> int:
        """Writes the segment; returns its bytes."""
        return write(self._path, self._about, self._columns)


def _column(
    connection: duckdb.DuckDBPyConnection, batches: Iterable[pa.RecordBatch], first: int, rows: int, kind: Type,
    room: float | None,
) -> tuple[dict[str, Any], bytes] | None:  # fmt: skip
    postings = _postings(connection, batches, first, kind)
    share = SHARE if rows >= _SMALL else 2 * SHARE
    most = None if room is None else _LITTLE + share * room * rows
    return next((made for form in _forms(postings) if (made := encode(form, rows, most)) is not None), None)


def _forms(postings: Postings) -> Iterator[Postings]:
    """What can be kept of a column's terms, that first which tells most."""
    yield postings
    lean = _without_parts(postings)
    if lean.left_out is not None:
        yield lean
    yield _coarser(postings)
    if lean.left_out is not None:
        yield _coarser(lean)
        yield replace(lean, left_out=None)
    yield _without_any(postings)


@dataclass(frozen=True, slots=True)
class Part:
    """The different terms of some rows, and pairs of a granule and the number of a term in it."""

    terms: pa.LargeBinaryArray
    granules: npt.NDArray[np.int64]
    numbers: npt.NDArray[np.int64]


def _postings(
    connection: duckdb.DuckDBPyConnection, batches: Iterable[pa.RecordBatch], first: int, kind: Type
) -> Postings:
    parts: list[Part] = []
    with closing(connection.cursor()) as other:  # the batches may be those of a statement that runs
        for together in _together(batches):
            parts.append(_cut(other, together, first, kind))
    return _sorted(parts)


def _together(batches: Iterable[pa.RecordBatch]) -> Iterator[list[pa.RecordBatch]]:
    """The batches, as many at once as are looked at together."""
    held: list[pa.RecordBatch] = []
    size = 0
    for batch in batches:
        held.append(batch)
        size += batch.nbytes
        if size >= _AT_ONCE:
            yield held
            held, size = [], 0
    if held:
        yield held


def _cut(connection: duckdb.DuckDBPyConnection, batches: list[pa.RecordBatch], first: int, kind: Type) -> Part:
    """The different terms of some rows, and in which granules they are."""
    granules = (
        np.concatenate([batch.column(0).to_numpy(zero_copy_only=False) for batch in batches]) - first
    ) // GRANULE
    texts = pa.concat_arrays([batch.column(1).cast(pa.large_string()) for batch in batches]).fill_null("")
    least = int(granules.min()) if len(granules) else 0
    groups = granules - least
    kinds = texts.dictionary_encode()
    if len(kinds.dictionary) * _OFTEN > len(texts):
        found = cut(_looked_into(connection, texts, kind), escapes=kind is Type.DYNAMIC)
        group, number = _pairs(groups[found.texts], found.numbers, len(found.terms))
    else:
        found = cut(_looked_into(connection, kinds.dictionary, kind), escapes=kind is Type.DYNAMIC)
        group, number = _of_repeated(found, groups, kinds.indices.to_numpy(), len(kinds.dictionary))
    return Part(found.terms, group + least, number)


def _looked_into(connection: duckdb.DuckDBPyConnection, texts: pa.LargeStringArray, kind: Type) -> pa.LargeStringArray:
    """What is looked into of texts: as the engine writes them in lower case, each with a line break behind it."""
    anew = "lower(t)"
    if kind is Type.DYNAMIC:
        both = "lower(t) || ' ' || coalesce(lower(json_extract_string(t, '$')), '')"
        anew = f"CASE WHEN t <> '' AND regexp_matches(t, '{_WRITTEN_ANEW}') THEN {both} ELSE lower(t) END"
    with lent(connection, _TEXTS, pa.table({"t": texts})):
        made = batches_of(connection, f"SELECT {anew} || chr(10) AS t FROM {_TEXTS}", None, _BATCH).read_all()
    columns = [chunk.cast(pa.large_string()) for chunk in made.column(0).chunks]
    return pa.concat_arrays(columns) if columns else pa.array([], pa.large_string())


def _of_repeated(
    found: Cut, groups: npt.NDArray[np.int64], codes: npt.NDArray[Any], size: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The pairs of groups and terms where rows have one of a few texts: `codes` says which."""
    order = np.argsort(found.texts, kind="stable")
    counts = np.bincount(found.texts, minlength=size)
    firsts = np.cumsum(counts) - counts
    group, code = _pairs(groups, codes, size)
    times = counts[code]
    # where the terms of each pair's text are: a run of numbers for each, that begins with its first
    skipped = np.cumsum(times) - times
    places = np.arange(int(times.sum())) - np.repeat(skipped - firsts[code], times)
    return _pairs(np.repeat(group, times), found.numbers[order][places], len(found.terms))


def _pairs(
    one: npt.NDArray[np.int64], other: npt.NDArray[Any], size: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The different pairs of two numbers, in their order; the second is below `size`."""
    # sorted, since telling numbers apart by their hashes takes ten times as long
    both = np.sort(one * max(1, size) + other)
    both = both[np.diff(both, prepend=-1) != 0]
    return both // max(1, size), both % max(1, size)


def _sorted(parts: list[Part]) -> Postings:
    """The terms of all parts, in the order of their bytes."""
    dictionaries = [part.terms for part in parts if len(part.terms)]
    if not dictionaries:
        return Postings(pa.array([], pa.large_binary()), np.zeros(0, np.int64), np.zeros(0, np.int64), GRANULE)
    terms = dictionaries[0]
    numbers = np.arange(len(terms))
    if len(dictionaries) > 1:  # a term may come twice
        terms, numbers = encoded(dictionaries)
    order = order_of(terms)
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    ranks = rank[numbers]
    starts = np.cumsum([0, *(len(part.terms) for part in parts)])
    owner = np.concatenate([ranks[start + part.numbers] for start, part in zip(starts.tolist(), parts)])
    granules = np.concatenate([part.granules for part in parts])
    # a granule may begin in one batch and end in the next
    owner, granules = _pairs(owner, granules, int(granules.max()) + 1)
    return Postings(terms.take(pa.array(order)), np.bincount(owner, minlength=len(order)), granules, GRANULE)


def _without_parts(postings: Postings) -> Postings:
    """The same without terms that look like the parts of a GUID which tell little beside its first."""
    parts = identifier_parts(postings.terms)
    return replace(_chosen(postings, ~parts), lacking=PARTS, left_out=_chosen(postings, parts) if parts.any() else None)


def _without_any(postings: Postings) -> Postings:
    """No terms; their grams are all that is known of them."""
    return replace(_chosen(postings, np.zeros(len(postings.terms), np.bool_)), lacking=ALL, left_out=postings)


def _chosen(postings: Postings, chosen: npt.NDArray[np.bool_]) -> Postings:
    owner = np.repeat(np.arange(len(chosen)), postings.counts)
    return Postings(
        postings.terms.filter(pa.array(chosen)),
        postings.counts[chosen],
        postings.granules[chosen[owner]],
        postings.unit,
    )


def _coarser(postings: Postings) -> Postings:
    """The same with larger granules."""
    owner = np.repeat(np.arange(len(postings.counts)), postings.counts)
    granules = postings.granules * postings.unit // _COARSE
    new = np.ones(len(owner), np.bool_)
    new[1:] = (np.diff(owner) != 0) | (np.diff(granules) != 0)
    counts = np.bincount(owner[new], minlength=len(postings.counts))
    return replace(postings, counts=counts, granules=granules[new], unit=_COARSE)
