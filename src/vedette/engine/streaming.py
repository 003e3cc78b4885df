"""The rows of a query as a stream of Arrow batches, however many there are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

import duckdb
import pyarrow as pa

from vedette.engine.query import QueryEngine, QueryOptions, Run
from vedette.engine.result import ResultColumn
from vedette.engine.rowfunctions import stoppable
from vedette.kql.diagnostics import Diagnostic, KqlError
from vedette.kql.node import node

_ALL: Final = 2**40
_BATCH_ROWS: Final = 20_480


@node
class Stream:
    """The columns of a result, and its batches as the engine holds values: ticks for times, JSON text for dynamic."""

    columns: tuple[ResultColumn, ...]
    batches: Iterator[pa.RecordBatch]


@contextmanager
def stream(engine: QueryEngine, text: str, options: QueryOptions) -> Iterator[Stream]:
    """The rows of a query, without a limit of rows; the block is done when they are read.

    Raises `KqlError` where the text cannot be accepted, or gives several results, and `QueryFailed` where the engine or the time
    limit ends it.
    """
    whole = replace(options, limits=replace(options.limits, rows=_ALL, bytes=_ALL))
    run, begun = engine.whatever_moves(whole, lambda tried: _begun(Run(engine, tried), text))
    try:
        yield begun
    finally:
        run.connection.close()


def _begun(run: Run, text: str) -> tuple[Run, Stream]:
    try:
        bound = run.bound(text)
        if len(bound.results) > 1:
            said = f"The query gives {len(bound.results)} results, and one is taken here; ask for each by itself"
            raise KqlError(text, [Diagnostic("VDT2007", said, 0, max(1, len(text)))])
        compiled = run.compiled(bound.results[0])
        columns = tuple(ResultColumn(column.name, column.type) for column in compiled.columns)
        return run, Stream(columns, _batches(run, run.reader(compiled, _BATCH_ROWS)))
    except BaseException:
        run.connection.close()
        raise


def _batches(run: Run, reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    try:
        with stoppable(run.number, run.stopped):
            for batch in reader:
                run.proceed()
                yield batch
    except (duckdb.Error, pa.ArrowException, OSError) as error:
        raise run.failure(error) from error
