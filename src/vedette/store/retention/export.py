"""Export: the rows of a query into a file, as a stream: Parquet, CSV or JSON lines."""

from __future__ import annotations

import csv
import enum
import io
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Final

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from vedette.core.errors import InvalidInput, Unavailable
from vedette.engine.dialect import DECIMAL_DIGITS, DECIMAL_SCALE
from vedette.engine.query import QueryOptions
from vedette.engine.result import ResultColumn, wire_columns
from vedette.engine.streaming import Stream, stream
from vedette.kql import ticks
from vedette.kql.types import Type
from vedette.store.host import Reach, Reaching
from vedette.store.logstore import LogStore
from vedette.store.retention.lake import READERS

SECONDS: Final = 24 * 3600.0
"""How long an export may take."""
_EPOCH: Final = 621_355_968_000_000_000
_MOMENT: Final = pa.timestamp("us", tz="UTC")
_CHUNK: Final = 256 * 1024


class ExportFormat(enum.StrEnum):
    """The form of a file."""

    PARQUET = "parquet"
    CSV = "csv"
    JSONL = "jsonl"


MEDIA_TYPES: Final = {
    ExportFormat.PARQUET: "application/vnd.apache.parquet", ExportFormat.CSV: "text/csv; charset=utf-8",
    ExportFormat.JSONL: "application/x-ndjson",
}  # fmt: skip
_ENDINGS: Final = {
    ".parquet": ExportFormat.PARQUET, ".csv": ExportFormat.CSV, ".jsonl": ExportFormat.JSONL, ".ndjson": ExportFormat.JSONL,
}  # fmt: skip


def format_of(path: Path) -> ExportFormat:
    """The form that a file's name says. Raises `InvalidInput`."""
    found = _ENDINGS.get(path.suffix.lower())
    if found is None:
        raise InvalidInput(
            f"The name {path.name} does not say of which form the file is to be.", target="--to",
            hint="End it in .parquet, .csv or .jsonl.",
        )  # fmt: skip
    return found


@contextmanager
def export(
    logs: LogStore, text: str, format_: ExportFormat, options: QueryOptions, reach: Reach | None = None
) -> Iterator[Iterator[bytes]]:
    """The bytes of the file, as they are made. Raises `KqlError` and `QueryFailed`, the latter while it is read, too."""
    host = None if reach is None else Reaching(logs.host, reach)
    with logs.asked(options.cancellation) as cancellation:
        whole = QueryOptions(options.now, options.timespan, limits=options.limits, cancellation=cancellation, host=host)
        with READERS.reading(), stream(logs.engine, text, whole) as rows:
            yield _WRITERS[format_](rows)


def write_file(path: Path, chunks: Iterator[bytes]) -> int:
    """Write a file that has its name only when it is whole; its size. Raises `Unavailable`."""
    partial = path.with_name(f".{path.name}.part")
    size = 0
    try:
        with partial.open("wb") as file:
            for chunk in chunks:
                size += file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except OSError as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        reason = (error.strerror or str(error)).lower()
        raise Unavailable(f"The file {path} cannot be written: {reason}.", file=str(path)) from error
    except BaseException:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise
    return size


def _wire_rows(rows: Stream) -> Iterator[list[list[Any]]]:
    types = [column.type for column in rows.columns]
    for batch in rows.batches:
        yield wire_columns(types, [batch.column(place).to_pylist() for place in range(len(types))])


def _jsonl(rows: Stream) -> Iterator[bytes]:
    names = [column.name for column in rows.columns]
    for found in _wire_rows(rows):
        yield b"".join(orjson.dumps(dict(zip(names, row, strict=True)), default=str) + b"\n" for row in found)


def _csv(rows: Stream) -> Iterator[bytes]:
    yield _csv_lines([[column.name for column in rows.columns]])
    for found in _wire_rows(rows):
        yield _csv_lines([[_cell(value) for value in row] for row in found])


def _csv_lines(rows: Sequence[Sequence[str]]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue().encode("utf-8", "replace")


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return orjson.dumps(value).decode() if isinstance(value, list | dict) else str(value)


class _Pieces(io.RawIOBase):
    """What is written and not yet handed on."""

    def __init__(self) -> None:
        self._held = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._held += data
        return len(data)

    def take(self, least: int = 1) -> bytes:
        """What is there, if it is enough to be worth a piece."""
        if len(self._held) < least:
            return b""
        found = bytes(self._held)
        self._held.clear()
        return found


def _parquet(rows: Stream) -> Iterator[bytes]:
    schema = pa.schema(
        [pa.field(name, _ARROW[column.type]) for name, column in zip(_names(rows.columns), rows.columns, strict=True)]
    )
    pieces = _Pieces()
    sink: IO[bytes] = pieces  # type: ignore[assignment]
    with pq.ParquetWriter(sink, schema, compression="zstd") as writer:
        for batch in rows.batches:
            arrays = [_array(batch.column(place), column.type) for place, column in enumerate(rows.columns)]
            writer.write_batch(
                pa.record_batch(arrays, schema=schema) if arrays else pa.RecordBatch.from_pylist([], schema)
            )
            if found := pieces.take(_CHUNK):
                yield found
    yield pieces.take()


def _names(columns: Sequence[ResultColumn]) -> list[str]:
    """A Parquet file has each name once."""
    found: list[str] = []
    for column in columns:
        name, number = column.name, 1
        while name in found:
            name, number = f"{column.name}{number}", number + 1
        found.append(name)
    return found


_ARROW: Final[dict[Type, pa.DataType]] = {
    Type.STRING: pa.string(),
    Type.BOOL: pa.bool_(),
    Type.INT: pa.int32(),
    Type.LONG: pa.int64(),
    Type.REAL: pa.float64(),
    Type.DECIMAL: pa.decimal128(DECIMAL_DIGITS, DECIMAL_SCALE),
    Type.DATETIME: _MOMENT,
    Type.TIMESPAN: pa.string(),
    Type.GUID: pa.string(),
    Type.DYNAMIC: pa.string(),
    Type.UNKNOWN: pa.string(),
}
"""Parquet has no type for a timespan of 100 ns, a guid or a dynamic value: they are the texts that KQL writes."""


def _array(array: pa.Array, kind: Type) -> pa.Array:
    if kind is Type.DATETIME:
        micros = pc.divide(pc.subtract(pc.cast(array, pa.int64()), _EPOCH), 10)
        return pc.cast(micros, _MOMENT)
    if kind is Type.TIMESPAN:
        return pa.array(
            [None if value is None else ticks.format_timespan(value) for value in array.to_pylist()], pa.string()
        )
    if kind in (Type.GUID, Type.DYNAMIC, Type.UNKNOWN):
        return pa.array([None if value is None else str(value) for value in array.to_pylist()], pa.string())
    return pc.cast(array, _ARROW[kind])


_WRITERS: Final = {ExportFormat.PARQUET: _parquet, ExportFormat.CSV: _csv, ExportFormat.JSONL: _jsonl}
