"""Rows on their way into a table while the next are read: one statement of the engine takes all batches that have the same columns.

A statement for each batch takes a tenth more time: each is planned, and its rows are made known to the engine and forgotten again.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

import pyarrow as pa

from vedette.store.assembly import Assembled
from vedette.store.statements import engine_errors, run, streamed
from vedette.store.writer import INCOMING, Incoming, TableWriter


class Inserter:
    """Stores batches in the order in which they come, in another thread. To be used by one thread, as a context: what was added is
    stored at its end; where it ends by an exception, the transaction is one to undo.

    `most` is how many bytes of rows may wait.
    """

    def __init__(self, writer: TableWriter, most: int) -> None:
        self._writer = writer
        self._most = most
        self._statement: _Statement | None = None
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="vedette-store")

    def __enter__(self) -> Inserter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._pool:
            if error is None:
                self.flush()
            elif self._statement is not None:
                self._statement.stop()
                self._writer.connection.interrupt()

    def add(self, made: Assembled) -> None:
        """Have a batch stored, as soon as there is room. Raises what storing an earlier one has raised."""
        if not made.size:
            return
        if not self._writer.is_prepared(made):
            self.flush()  # the table changes between statements
            self._writer.prepare(made)
        incoming = self._writer.incoming(made)
        if self._statement is not None and not self._statement.takes(incoming):
            self.flush()
        if self._statement is None:
            self._statement = _Statement(self._writer, incoming, self._most, self._pool)
        self._statement.add(incoming.rows, made.bytes)

    def flush(self) -> None:
        """Wait until all that was added is stored. Raises `VedetteError` if it could not be."""
        if self._statement is not None:
            self._statement.finish()
            self._statement = None


class _Statement:
    """A running INSERT, and the rows that wait for it."""

    def __init__(self, writer: TableWriter, first: Incoming, most: int, pool: ThreadPoolExecutor) -> None:
        self._writer = writer
        self._sql = first.sql
        self._schema = first.rows.schema
        self._most = most
        self._waiting: deque[tuple[pa.Table, int]] = deque()
        self._held = 0
        self._ended = False
        self._changed = threading.Condition()
        self._run: Future[None] = pool.submit(self._insert)
        self._run.add_done_callback(self._tell)

    def takes(self, incoming: Incoming) -> bool:
        return incoming.sql == self._sql and incoming.rows.schema.equals(self._schema)

    def add(self, rows: pa.Table, size: int) -> None:
        with self._changed:
            while self._held and self._held + size > self._most and not self._run.done():
                self._changed.wait()
            if not self._run.done():
                self._waiting.append((rows, size))
                self._held += size
                self._changed.notify_all()
                return
        self._run.result()

    def finish(self) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        self._run.result()

    def stop(self) -> None:
        with self._changed:
            self._ended = True
            self._waiting.clear()
            self._changed.notify_all()

    def _tell(self, _: object) -> None:
        with self._changed:
            self._changed.notify_all()

    def _insert(self) -> None:
        connection = self._writer.connection
        with engine_errors(), streamed(connection, INCOMING, self._schema, self._batches()):
            run(connection, self._sql)

    def _batches(self) -> Iterator[pa.RecordBatch]:
        """The rows as the engine asks for them: it has stored those before, then."""
        while True:
            with self._changed:
                while not self._waiting and not self._ended:
                    self._changed.wait()
                if not self._waiting:
                    return
                rows, size = self._waiting.popleft()
            yield from rows.to_batches()
            del rows
            with self._changed:
                self._held -= size
                self._changed.notify_all()
