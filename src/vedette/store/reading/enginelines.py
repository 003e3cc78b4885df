"""JSON lines by the engine's own JSON reader: some thousand lines at once into the columns of a table whose types are known.

It gives what reading object by object gives, three times as fast. Whatever is not plain (a line that is no object, a name twice in an
object, text that is not UTF-8) makes its block go the other way, line by line.

Where all objects have had the same names, the engine is asked for these and need not be asked whether an object has others: a name
has a colon behind it, so that the colons of the block are as many as those in the values and one for each name, or there is one more.
The same tells where objects have some of the names of those before, and no other.
"""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final

import duckdb
import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from vedette.engine.dialect import quote
from vedette.kql.types import Type
from vedette.store.batch import Batch, RawColumn
from vedette.store.conversion import convert
from vedette.store.reading.ahead import ahead
from vedette.store.reading.chunks import Chunk, chunks_of, count_colons
from vedette.store.reading.jsonlines import Gathering
from vedette.store.reading.lines import MAX_LINE, Lines
from vedette.store.reading.streams import TextStream
from vedette.store.timestamps import exact_ticks

_AS_TEXT: Final = frozenset({Type.STRING, Type.DATETIME})
"""Types whose values the engine gives as texts without the quotes of JSON."""
_MOST_SHAPES: Final = 2_000
"""Sets of names that the objects of one block may have; more are read one by one."""
_LINES: Final = "lines"
_LINE: Final = "line"
_AT_ONCE: Final = 256 * 1024
"""Bytes of lines that the engine has in hand at once: with what it makes of them, they stay in the processor's own memory.

Of lines of 1 KB it would take 2,048 otherwise, and a third more time.
"""
_BRACE: Final = 123
_REFUSED: Final = (duckdb.Error, UnicodeDecodeError)
"""What the engine raises for what it does not take. It quotes the start of a line, which may end within a character."""
_MOST_NAMES: Final = 1_000
"""Names that are asked for in all blocks; where there are more, each block has its own."""
_ESCAPED_COLON: Final = (b"\\u003a", b"\\u003A")


def read_lines(stream: TextStream, types: Mapping[str, Type]) -> Iterator[Batch]:
    """The rows of a stream in batches whose columns are ready for a table with these columns."""
    slow = Gathering(stream)
    line, offset = 1, 0
    with _engine() as engine:
        reader = _Engine(engine, types)
        # one thread reads the file, one has the engine read JSON, and this one makes columns of it
        with closing(ahead(_blocks(reader, ahead(chunks_of(stream))))) as blocks:
            for chunk, block in blocks:
                batch = None if block is None else reader.batch(block, line)
                if batch is not None:
                    yield from slow.flush()
                    line += batch.size
                    batch.consumed = chunk.consumed
                    yield batch
                else:
                    text = chunk.text()
                    for batch in _one_by_one(slow, text, line, offset):
                        batch.consumed = chunk.consumed
                        yield batch
                    line += text.count(b"\n")
                offset += chunk.size
    yield from slow.end(line)


def _blocks(reader: _Engine, chunks: Generator[Chunk]) -> Generator[tuple[Chunk, _Block | None]]:
    """Each chunk, and what the engine reads in it; None where that must be read line by line."""
    with closing(chunks):
        for chunk in chunks:
            yield chunk, reader.block(chunk) if chunk.size <= MAX_LINE else None


def read_objects(texts: Sequence[bytes], types: Mapping[str, Type], first: int) -> Batch | None:
    """The rows of texts whose lines each are one object on their own, numbered from `first`; None where they must be read one by one."""
    with _engine() as engine:
        reader = _Engine(engine, types)
        block = reader.block(Chunk.of(b"\n".join([*texts, b""])))
        return None if block is None else reader.batch(block, first)


def _engine() -> closing[duckdb.DuckDBPyConnection]:
    """A connection of its own to the one engine in memory of this process: to begin one takes as long as to read thousands of lines."""
    return closing(_of_process(os.getpid()).cursor())


@functools.lru_cache(maxsize=1)
def _of_process(process: int) -> duckdb.DuckDBPyConnection:
    """The engine in memory; one that was begun before a fork is no use after it.

    It reads in the thread that asks: the others have the rows to store.
    """
    return duckdb.connect(":memory:", config={"threads": "1", "enable_external_access": "false"})


def _one_by_one(slow: Gathering, chunk: bytes, first: int, offset: int) -> Iterator[Batch]:
    lines = chunk.removesuffix(b"\n").split(b"\n")
    for start in range(0, len(lines), 5_000):
        part = lines[start : start + 5_000]
        for position, text in enumerate(part):
            if len(text) > MAX_LINE:
                slow.put_aside(
                    first + start + position, offset, f"the line is longer than {MAX_LINE} bytes", text, whole=False
                )
                part[position] = b""
        yield from slow.add(Lines(first + start, offset, part))
        offset += sum(map(len, part)) + len(part)


class _NotPlain(Exception):
    """A block must be read line by line."""


@dataclass(frozen=True, slots=True)
class _Lines:
    """Some lines: their bytes, and each as a text."""

    chunk: Chunk
    texts: pa.LargeStringArray

    def colons(self) -> int:
        """How many colons there are. Raises `_NotPlain` where some are escaped, so that the values have others."""
        escapes = self.chunk.signs.backslash and _ESCAPED_COLON[0][:-1] in self.chunk  # seldom, and told by one look
        if escapes and any(escaped in self.chunk for escaped in _ESCAPED_COLON):
            raise _NotPlain
        return self.chunk.signs.colons


@dataclass(frozen=True, slots=True)
class _Block:
    """What the engine has read: the lines, the names that their objects have, and their values."""

    lines: pa.LargeStringArray
    sizes: np.ndarray[Any, np.dtype[np.int64]]
    names: list[str]
    rows: pa.StructArray


class _Engine:
    """Reads blocks of lines with the engine."""

    def __init__(self, engine: duckdb.DuckDBPyConnection, types: Mapping[str, Type]) -> None:
        self._engine = engine
        self._types = types
        self._known: list[str] = []
        """The names that objects of earlier blocks have had, where they have not all had the same."""
        self._uniform = True
        """Whether the objects of every block so far have had the same names: then the engine need not be asked for them first."""

    def block(self, chunk: Chunk) -> _Block | None:
        """The objects of a chunk; None if it is not plain. To be asked by one thread, in the order of the chunks."""
        chunk = chunk.ended()
        content = chunk.numbers()
        starts = np.empty(len(chunk.ends) + 1, dtype=np.int64)
        starts[0] = 0
        starts[1:] = chunk.ends - chunk.start
        if not (content[starts[:-1]] == _BRACE).all():
            return None  # an empty line, or one that is no object
        texts = pa.LargeStringArray.from_buffers(len(chunk.ends), pa.py_buffer(starts), chunk.buffer())
        try:
            texts.validate(full=not chunk.signs.ascii)
        except pa.ArrowInvalid:
            return None
        table = pa.table({_LINE: texts})
        parts = table.to_batches(max_chunksize=max(1, _AT_ONCE * len(texts) // chunk.size))
        self._engine.register(_LINES, pa.Table.from_batches(parts))
        try:
            names, rows = self._rows(_Lines(chunk, texts))
        except (*_REFUSED, orjson.JSONDecodeError, _NotPlain):
            return None
        finally:
            self._engine.unregister(_LINES)
        return _Block(texts, np.diff(starts) - 1, names, rows)

    def batch(self, block: _Block, first: int) -> Batch | None:
        """The rows of a block, of which `first` is the first; None if it is not plain after all."""
        made: dict[str, RawColumn] = {}
        try:
            for name, values in zip(block.names, block.rows.flatten()):
                if values.null_count < len(values):
                    own = functools.partial(_value, block.lines, name)
                    made[name] = _column(_texts(values), self._types.get(name), own)
        except (UnicodeDecodeError, orjson.JSONDecodeError):
            return None
        count = len(block.lines)
        return Batch(count, made, range(first, first + count), block.sizes)

    def _rows(self, lines: _Lines) -> tuple[list[str], pa.StructArray]:
        """The names that the objects of a block have, and their values. Raises `duckdb.Error` or `_NotPlain` for what is not plain."""
        if self._uniform:
            names = list(orjson.loads(lines.texts[0].as_py()))
            try:
                rows = self._extracted(names, strict=True)
                if lines.colons() == len(lines.texts) * sum(1 + name.count(":") for name in names) + _colons(rows):
                    return names, rows
            except (*_REFUSED, _NotPlain):
                pass  # some object lacks a name, or has one twice
            self._uniform = False
        known = self._known
        rows = self._extracted(known, strict=False)
        if known and self._all_there(lines, known, rows):
            return known, rows
        names = self._names()
        more = [name for name in names if name not in set(known)]
        if more or not known:
            if len(known) + len(more) > _MOST_NAMES:
                known, more = [], names
            known = self._known = [*known, *more]
            rows = self._extracted(known, strict=False)
        return known, rows

    def _all_there(self, lines: _Lines, names: list[str], rows: pa.StructArray) -> bool:
        """Whether the objects have nothing but these values: a name that has null, is unknown or comes twice has a colon more."""
        try:
            colons = lines.colons()
        except _NotPlain:
            return False
        for name, values in zip(names, rows.flatten()):
            colons -= (1 + name.count(":")) * (len(values) - values.null_count)
        return colons == _colons(rows)

    def _names(self) -> list[str]:
        """The names that the objects have, in the order in which they come. Raises `_NotPlain` where some object has one twice."""
        shapes = self._engine.execute(
            f"SELECT DISTINCT json_keys(line) FROM {_LINES} LIMIT {_MOST_SHAPES + 1}"
        ).fetchall()
        if len(shapes) > _MOST_SHAPES:
            raise _NotPlain
        names: dict[str, None] = {}
        for (shape,) in shapes:
            if shape is None or len(set(shape)) < len(shape):
                raise _NotPlain
            names.update(dict.fromkeys(shape))
        return list(names)

    def _extracted(self, names: list[str], *, strict: bool) -> pa.StructArray:
        """The values of these names. Raises `duckdb.Error` where an object lacks one of them or has it twice, if `strict`."""
        if not names:
            return pa.array([], pa.struct([]))
        asked = {name: "VARCHAR" if self._types.get(name) in _AS_TEXT else "JSON" for name in names}
        function = "from_json_strict" if strict else "from_json"
        found = self._engine.sql(
            f"SELECT {function}({_LINE}, {quote(json.dumps(asked, ensure_ascii=False))}) AS row FROM {_LINES}"
        ).to_arrow_table()
        parts: list[pa.StructArray] = found.column("row").chunks
        rows = parts[0] if len(parts) == 1 else pa.concat_arrays(parts)
        if rows.null_count:
            raise _NotPlain
        return rows


def _value(lines: pa.LargeStringArray, name: str, row: int) -> object:
    """The value of a name in the object of a line."""
    return orjson.loads(lines[row].as_py())[name]


def _colons(rows: pa.StructArray) -> int:
    """The colons in all values."""
    total = 0
    for values in rows.flatten():
        texts = _texts(values)
        _, offsets, data = texts.buffers()
        if data is not None:
            bounds = np.frombuffer(offsets, np.int32)[[texts.offset, texts.offset + len(texts)]]
            total += count_colons(np.frombuffer(data, np.uint8)[bounds[0] : bounds[1]])
    return total


def _texts(values: pa.Array) -> pa.Array:
    """Texts as plain Arrow strings, whatever the engine gives."""
    if isinstance(values, pa.ExtensionArray):
        values = values.storage
    return values if values.type == pa.string() else values.cast(pa.string())


def _column(texts: pa.Array, kind: Type | None, value: Callable[[int], object]) -> RawColumn:
    """A column of a block; `value` gives the value of a row as JSON has it."""
    if kind is Type.STRING:
        return RawColumn((), array=texts.fill_null(""))
    if kind is Type.DATETIME:
        return _moments(texts, value)
    if kind is None:
        present = pc.indices_nonzero(texts.is_valid()).to_pylist()
        return RawColumn([orjson.loads(text) for text in texts.drop_null().to_pylist()], present)
    if kind is Type.DYNAMIC:
        return _dynamic(texts)
    coded = texts.dictionary_encode()
    values = [orjson.loads(text) for text in coded.dictionary.to_pylist()]
    array, failed = convert(values, kind)
    made = array.take(coded.indices)
    if not failed:
        return RawColumn((), array=made)
    wrong = pc.is_in(coded.indices, pa.array(failed, coded.indices.type))
    positions = pc.indices_nonzero(wrong.fill_null(False)).to_pylist()
    codes = coded.indices.to_pylist()
    return RawColumn((), array=made, failed={position: values[codes[position]] for position in positions})


def _moments(texts: pa.Array, value: Callable[[int], object]) -> RawColumn:
    """Moments: of the form that nearly all have, no JSON value but a string can be. Any other is read as what it is."""
    moments, found = exact_ticks(texts)
    left = np.flatnonzero(~found & texts.is_valid().to_numpy(zero_copy_only=False)).tolist()
    if not left:
        return RawColumn((), array=pa.array(moments, mask=~found))
    values = [value(row) for row in left]
    others, places = convert(values, Type.DATETIME)
    found[left] = others.is_valid().to_numpy(zero_copy_only=False)
    moments[left] = others.fill_null(0).to_numpy()
    return RawColumn((), array=pa.array(moments, mask=~found), failed={left[place]: values[place] for place in places})


def _dynamic(texts: pa.Array) -> RawColumn:
    """JSON as it came. A text within it may be JSON itself, and is that then; an empty one is absent."""
    quoted = pc.starts_with(texts, '"').fill_null(False)
    if not pc.any(quoted).as_py():
        return RawColumn((), array=texts)
    positions = pc.indices_nonzero(quoted)
    values = [orjson.loads(text) for text in texts.take(positions).to_pylist()]
    array, _ = convert(values, Type.DYNAMIC)
    return RawColumn((), array=pc.replace_with_mask(texts, quoted, array))
