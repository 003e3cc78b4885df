"""Making a segment of the term index: the rows of a table are read a column at a time and cut into terms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from vedette.engine.batches import batches_of
from vedette.engine.dialect import identifier
from vedette.kql.types import Type
from vedette.store.physical import LOAD, ROW
from vedette.store.statements import run
from vedette.store.terms.file import Postings, encode, write
from vedette.store.terms.text import LEAST, LONGEST, is_identifier_part, kept_form, terms_of, unescaped

GRANULE: Final = 64
"""Rows that are told apart at best."""
_COARSE: Final = 2048
"""Rows in a granule where finer ones would take too much room; the engine reads as many at once."""
SHARE: Final = 0.35
"""What the terms of a column may take of the room that the column itself takes."""
_LITTLE: Final = 4096
"""Bytes that any column may take in a segment: columns with few values take next to nothing in the store itself."""
_SMALL: Final = 122_880
"""A segment of fewer rows may take more room: a dictionary pays with many rows, and small segments are made one before long."""
_BATCH: Final = 16 * 2048
_OFTEN: Final = 4
"""So many times a text must come in a batch, on average, to be cut by itself."""

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
    own = f"FROM {source.table} WHERE rowid >= {source.first} AND rowid < {source.last}"
    ends = run(
        connection,
        f"SELECT rowid, {identifier(LOAD)}, {identifier(ROW)} FROM {source.table} "
        f"WHERE rowid IN (SELECT unnest([min(rowid), max(rowid)]) {own}) ORDER BY rowid",
    )
    about: dict[str, Any] = {
        "rows": source.rows,
        "anchors": [[row - source.first, load, number] for row, load, number in ends],
        "known": [*source.columns, *source.others],
        "left_out": [],
    }
    columns: dict[str, tuple[dict[str, Any], bytes]] = {}
    for name, kind in source.columns.items():
        made = _column(connection, source, name, kind, room.get(name), stopped)
        if made is None:
            about["left_out"].append(name)
        else:
            columns[name] = made
    return write(path, about, columns)


def _column(
    connection: duckdb.DuckDBPyConnection, source: Source, name: str, kind: Type, room: float | None,
    stopped: Callable[[], bool],
) -> tuple[dict[str, Any], bytes] | None:  # fmt: skip
    """A column's terms, as fine as its share of room allows; None where it does not allow any."""
    postings = _postings(connection, source, name, kind, stopped)
    most = None if room is None or source.rows < _SMALL else _LITTLE + SHARE * room * source.rows
    made = encode(postings, source.rows)
    for change in (_without_parts, _coarser, lambda one: _coarser(_without_parts(one))):
        if most is None or len(made[1]) <= most:
            return made
        made = encode(change(postings), source.rows)
    return made if most is None or len(made[1]) <= most else None


def _postings(
    connection: duckdb.DuckDBPyConnection, source: Source, name: str, kind: Type, stopped: Callable[[], bool]
) -> Postings:
    chunks: list[pa.Array] = []
    where: list[npt.NDArray[np.int64]] = []
    reader = batches_of(
        connection,
        f"SELECT rowid AS r, {_text(name, kind)} AS t FROM {source.table} WHERE rowid >= {source.first} AND rowid < {source.last}",
        None,
        _BATCH,
    )
    for batch in reader:
        if stopped():
            raise Stopped
        terms, granules = _cut(batch, source.first, kind)
        chunks.append(terms)
        where.append(granules)
    return _sorted(chunks, where)


def _text(name: str, kind: Type) -> str:
    """SQL of what is looked into, in lower case, each with a line break behind it."""
    column = identifier(name)
    match kind:
        case Type.GUID:
            return f"coalesce(CAST({column} AS VARCHAR), '') || chr(10)"
        case Type.DYNAMIC:
            anew = f"lower({column}) || ' ' || coalesce(lower(json_extract_string({column}, '$')), '')"
            return f"coalesce(CASE WHEN regexp_matches({column}, '{_WRITTEN_ANEW}') THEN {anew} ELSE lower({column}) END, '') || chr(10)"
        case _:
            return f"coalesce(lower({column}), '') || chr(10)"


def _cut(batch: pa.RecordBatch, first: int, kind: Type) -> tuple[pa.Array, npt.NDArray[np.int64]]:
    """The different terms of each granule in a batch, and the granule of each."""
    rows = batch.column(0).to_numpy(zero_copy_only=False) - first
    texts = batch.column(1).cast(pa.large_string())
    granules = rows // GRANULE
    if len(rows) > 1 and not (np.diff(granules) >= 0).all():
        order = np.argsort(rows, kind="stable")
        granules, texts = granules[order], texts.take(pa.array(order))
    starts = np.flatnonzero(np.diff(granules, prepend=-1))
    encoded = texts.dictionary_encode()
    if len(encoded.dictionary) * _OFTEN <= len(texts):
        made, where = _of_repeated(encoded, np.cumsum(np.diff(granules, prepend=granules[0]) != 0), kind)
        where = granules[starts][where]
    else:
        made, counts = _of_parts(texts, starts, kind)
        where = np.repeat(granules[starts], counts)
    sizes = pc.binary_length(made)
    long_enough = pc.greater_equal(sizes, LEAST)
    made, where = made.filter(long_enough), where[long_enough.to_numpy(zero_copy_only=False)]
    if len(made) and pc.max(sizes).as_py() > LONGEST:
        made = pa.array([kept_form(term) for term in made.to_pylist()], pa.large_binary())
    return made, where


def _of_parts(
    texts: pa.LargeStringArray, starts: npt.NDArray[np.int64], kind: Type
) -> tuple[pa.LargeBinaryArray, list[int]]:
    """The different terms of runs of texts that begin at `starts`, one run after the other, and how many each has."""
    _, offsets_buffer, data_buffer = texts.buffers()
    offsets = np.frombuffer(offsets_buffer, np.int64)[texts.offset : texts.offset + len(texts) + 1]
    data = memoryview(data_buffer) if data_buffer is not None else memoryview(b"")
    bounds = [*offsets[starts].tolist(), int(offsets[-1])]
    terms: list[bytes] = []
    counts: list[int] = []
    escapes = kind is Type.DYNAMIC
    for place in range(len(starts)):
        text = bytes(data[bounds[place] : bounds[place + 1]])
        if not text.strip(b"\n"):
            counts.append(0)
            continue
        found = terms_of(text)
        if escapes and b"\\" in text:
            found |= terms_of(unescaped(text.decode("utf-8", "replace")).lower().encode("utf-8", "replace"))
        terms += found
        counts.append(len(found))
    return pa.array(terms, pa.large_binary()), counts


def _of_repeated(
    encoded: pa.DictionaryArray, groups: npt.NDArray[np.int64], kind: Type
) -> tuple[pa.LargeBinaryArray, npt.NDArray[np.int64]]:
    """The same where texts repeat themselves: each is cut once. `groups` numbers the rows' granules from 0, without gaps."""
    terms, counts = _of_parts(encoded.dictionary, np.arange(len(encoded.dictionary)), kind)
    numbered = terms.dictionary_encode()
    numbers, different = numbered.indices.to_numpy(), numbered.dictionary
    group, code = _pairs(groups, encoded.indices.to_numpy(), len(counts))
    size = np.asarray(counts, np.int64)
    first = np.cumsum(size) - size
    times = size[code]
    # where the terms of each pair's text are: a run of numbers for each, that begins with its first
    skipped = np.cumsum(times) - times
    places = np.arange(int(times.sum())) - np.repeat(skipped - first[code], times)
    group, number = _pairs(np.repeat(group, times), numbers[places], len(different))
    return different.take(pa.array(number)), group


def _pairs(
    one: npt.NDArray[np.int64], other: npt.NDArray[Any], size: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The different pairs of two numbers, in their order; the second is below `size`."""
    # sorted, since telling numbers apart by their hashes takes ten times as long
    both = np.sort(one * max(1, size) + other)
    both = both[np.diff(both, prepend=-1) != 0]
    return both // max(1, size), both % max(1, size)


def _sorted(chunks: list[pa.Array], where: list[npt.NDArray[np.int64]]) -> Postings:
    if not any(map(len, chunks)):
        return Postings(pa.array([], pa.large_binary()), np.zeros(0, np.int64), np.zeros(0, np.int64), GRANULE)
    encoded = pa.chunked_array(chunks, pa.large_binary()).dictionary_encode().combine_chunks()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.chunk(0)
    order = pc.sort_indices(encoded.dictionary)
    rank = np.empty(len(order), np.int64)
    rank[order.to_numpy()] = np.arange(len(order))
    granules = np.concatenate(where)
    # a term cut to its start may come twice in a granule
    owner, granules = _pairs(rank[encoded.indices.to_numpy()], granules, int(granules.max()) + 1)
    return Postings(encoded.dictionary.take(order), np.bincount(owner, minlength=len(order)), granules, GRANULE)


def _without_parts(postings: Postings) -> Postings:
    """The same without terms that look like the parts of a GUID which tell little beside its first."""
    keep = np.array([not is_identifier_part(term) for term in postings.terms.to_pylist()], np.bool_)
    owner = np.repeat(np.arange(len(keep)), postings.counts)
    return Postings(
        postings.terms.filter(pa.array(keep)),
        postings.counts[keep],
        postings.granules[keep[owner]],
        postings.unit,
        True,
    )


def _coarser(postings: Postings) -> Postings:
    """The same with larger granules."""
    owner = np.repeat(np.arange(len(postings.counts)), postings.counts)
    granules = postings.granules * postings.unit // _COARSE
    new = np.ones(len(owner), np.bool_)
    new[1:] = (np.diff(owner) != 0) | (np.diff(granules) != 0)
    counts = np.bincount(owner[new], minlength=len(postings.counts))
    return Postings(postings.terms, counts, granules[new], _COARSE, postings.parts_dropped)
