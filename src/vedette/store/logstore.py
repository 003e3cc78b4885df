"""The log store of one workspace: load, append, ask."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Final

import duckdb
import pyarrow as pa

from vedette.core.clock import Clock
from vedette.core.errors import Closing, InvalidInput, Unavailable, not_found
from vedette.core.ids import IdSource, new_id
from vedette.engine.batches import batches_of
from vedette.engine.given import RowSource
from vedette.engine.query import Cancellation, Check, Explanation, Limits, QueryEngine, QueryFailed, QueryOptions
from vedette.engine.result import Result
from vedette.kql import ticks
from vedette.kql.host import ExternalSource
from vedette.kql.types import Type
from vedette.store import arrivals, catalog
from vedette.store.arrivals import Arrival, Ingested
from vedette.store.asking import Asking
from vedette.store.assembly import Assembler
from vedette.store.batch import Batch, columns_of
from vedette.store.catalog import Field
from vedette.store.columns import add_column
from vedette.store.content import WorkspaceContent
from vedette.store.contents import Load, load_id, record
from vedette.store.conversion import json_text
from vedette.store.external import ExternalReader
from vedette.store.frames import Spooled
from vedette.store.host import Reach, Reaching, WorkspaceHost
from vedette.store.inference import Inference
from vedette.store.loading import AnySource, Loader
from vedette.store.many import ManyLines
from vedette.store.opening import let_go, open_file, prepare, works
from vedette.store.overview import TableDescription, TableInfo, stored_info, with_lake
from vedette.store.partials.keeping import DEFAULT_BYTES, Partials
from vedette.store.reading.forms import check_table_name, discover
from vedette.store.report import LoadOptions, LoadProgress, LoadReport, ProgressCallback
from vedette.store.retention.lake import READERS, Lake
from vedette.store.shapes import QueryShape, shape_of
from vedette.store.statements import engine_errors, not_written, run
from vedette.store.tables import StoredTable, Tables
from vedette.store.taking import Taken, forget_old_ids, marks, take
from vedette.store.terms.index import TermIndex
from vedette.store.told import Told
from vedette.store.transformations.transform import Transformer
from vedette.store.writer import create_dead_letter, writing

NO_WORKSPACE: Final = "00000000-0000-0000-0000-000000000000"
_BATCH_ROWS: Final = 100_000
_PATIENCE: Final = 10.0
"""Seconds in which queries that are to end have ended; the engine looks now and then, and compiles in peace."""


_WRITTEN_FOR: Final = 2.5
"""Seconds that a load has to come to its end: a server that is to end gives its requests 5."""


class LogStore(RowSource):
    """One workspace's tables. Safe to use from several threads; one process at a time has the file open.

    Without a path the store is in memory. Queries read a consistent state and never wait for writers; writers of one table take
    turns.
    """

    def __init__(
        self,
        path: Path | None,
        clock: Clock,
        *,
        workspace_id: str = NO_WORKSPACE,
        name: str = "default",
        memory: str | None = None,
        new_id: IdSource = new_id,
        content: WorkspaceContent | None = None,
        external: ExternalSource | None = None,
        partial_bytes: int = DEFAULT_BYTES,
    ) -> None:
        """`content` are the workspace's functions and watchlists; `external` reads what `externaldata` names.

        `partial_bytes` is how much of partial results may be kept (0: none).
        """
        self.path = path
        self.workspace_id = workspace_id
        self._clock = clock
        self._new_id = new_id
        self._guard = threading.Lock()
        self._memory = memory
        self._external = external or ExternalReader()
        self._closed = False
        self._asking = Asking()
        self._connection: duckdb.DuckDBPyConnection | None = open_file(path, memory)
        self._tables = Tables(workspace_id)
        self.lake = Lake(path, workspace_id)
        self.maintenance = threading.Lock()
        """Held by whoever moves, removes or copies rows beside the writers."""
        try:
            with engine_errors():
                prepare(self._connection, clock.now())
                self._tables.read(self._connection)
                self.lake.read(self._connection)
            create_dead_letter(self._tables, self._cursor)
        except BaseException:
            let_go(self._connection)
            raise
        content = content or WorkspaceContent()
        folder = None if path is None else path.with_name(f"{path.stem}.index")
        self.terms = TermIndex(folder, self._tables, self._cursor)
        """The term index beside the file."""
        self._many = ManyLines()
        self.host = WorkspaceHost(name, self._tables, content, self.lake, self.terms)
        self._content = content
        self._ask(self._connection)
        self._tables_read = Told(self._tables, self.host, arrivals.tables_read)
        self._shapes = Told(self._tables, self.host, shape_of)
        kept = None if path is None else path.with_name(f"{path.stem}.partials")
        self.partials = Partials(kept, partial_bytes, self._cursor)
        """Partial results of queries that come again and again, beside the file."""

    # -- asking

    def query(
        self,
        text: str,
        *,
        now: datetime | None = None,
        timespan: tuple[datetime, datetime] | None = None,
        limits: Limits | None = None,
        cancellation: Cancellation | None = None,
        reach: Reach | None = None,
        every: timedelta | None = None,
    ) -> Result:
        """The rows of a KQL query. `timespan` is (from, to) on the TimeGenerated of every table; `now` is the clock's if None;
        `reach` gives the other workspaces that the caller may read (None: no other). `every`: it comes again after each such time.

        Raises `KqlError` for a text that cannot be accepted, and `QueryFailed` where a limit or the engine ends the query.
        """
        self._open_connection()
        engine, host = self._engine, None if reach is None else Reaching(self.host, reach)
        with self._asking.asked(cancellation) as cancelled, READERS.reading(), self._unless_opened_anew(engine):
            asked = self.partials.asked(text, every, timespan)
            options = QueryOptions(
                now or self._clock.now(),
                timespan,
                {},
                limits or Limits(),
                cancelled,
                host=host,
                keeping=None if asked is None else asked.keeping,
            )
            result = engine.run(text, options)
            if asked is not None:
                asked.done(result.statistics)
            return result

    def asked(self, cancellation: Cancellation | None) -> AbstractContextManager[Cancellation]:
        """For a query that its caller runs on `engine`: gives what it is to be run with. Raises `Closing` where the store closes."""
        return self._asking.asked(cancellation)

    def end_queries(self) -> None:
        """End all queries, of which each raises `Closing`, and refuse others; what is written goes on in this process, so that one beside
        it that hangs is not waited for."""
        self._asking.end()
        self._many.end()

    def closing(self) -> bool:
        """Whether what is written for long is to end, too: queries were ended, and some seconds are over."""
        return self._asking.ended_for(_WRITTEN_FOR)

    def explain(
        self, text: str, *, now: datetime | None = None, timespan: tuple[datetime, datetime] | None = None
    ) -> list[Explanation]:
        """The SQL that each result of a KQL query would be run as; raises as `query` does."""
        self._open_connection()
        return self._engine.explain(text, QueryOptions(now or self._clock.now(), timespan))

    def check(self, text: str, reach: Reach | None = None) -> Check:
        """What parsing and binding say of a text; nothing is run."""
        return self._engine.check(text, None if reach is None else Reaching(self.host, reach))

    @contextmanager
    def rows(self, sql: str, parameters: dict[str, object]) -> Iterator[pa.RecordBatchReader]:
        """The rows of a SELECT over this store's tables, for the query of another store."""
        cursor = self._cursor()
        try:
            yield batches_of(cursor, sql, parameters or None, _BATCH_ROWS)
        finally:
            cursor.close()

    # -- what has arrived

    def position(self) -> int:
        """How many arrivals are committed: a query that starts after this was asked sees the rows of all of them."""
        with closing(self._cursor()) as cursor:
            return arrivals.position(cursor)

    def arrived(self, first: int, last: int, before: datetime) -> list[Arrival]:
        """What arrived from one position up to another, with a TimeGenerated before a time."""
        with READERS.reading(), closing(self._cursor()) as cursor, engine_errors():
            return arrivals.between(cursor, self._tables, first, last, before, self._rows_since)

    def tables_read(self, text: str) -> frozenset[str] | None:
        """The tables that a query reads, by its bound tree; None if it cannot be bound. Nothing is run."""
        return self._tables_read.told(text, self._engine.catalog)

    def shape(self, text: str) -> QueryShape | None:
        """What the bound tree of a query tells of it before it is run; None if it cannot be bound. Nothing is run."""
        return self._shapes.told(text, self._engine.catalog)

    # -- rows in

    def load(
        self,
        paths: Sequence[Path],
        options: LoadOptions | None = None,
        progress: ProgressCallback | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> LoadReport:
        """Load files, and directories with all that is in them; each file wholly or not at all.

        `cancelled` is asked now and then: True ends the load with the file at hand undone. Raises `VedetteError` if a path or a
        table's name is not right; what is wrong with a file's content is in the report.
        """
        options = options or LoadOptions()
        sources, passed_over = discover(paths, options.table)
        self._open_connection()
        report = self._loader(options, progress, cancelled).load(sources)
        report.passed_over = passed_over
        self.terms.note(*{source.table for source in sources})
        return report

    def load_sources(
        self,
        sources: Sequence[AnySource],
        options: LoadOptions,
        progress: ProgressCallback | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> LoadReport:
        """Load files that have been looked at: by the table's columns, or record by record into several tables."""
        self._open_connection()
        report = self._loader(options, progress, cancelled).load(sources)
        self.terms.note()
        return report

    def _loader(
        self, options: LoadOptions, progress: ProgressCallback | None, cancelled: Callable[[], bool] | None
    ) -> Loader:
        return Loader(self._tables, self._cursor, self._clock, options, progress, cancelled, self.lake.rows_of)

    def has_table(self, name: str) -> bool:
        """Whether the table has had rows."""
        return self._tables.get(name) is not None

    def append(self, table: str, rows: Iterable[Mapping[str, object]]) -> int:
        """Add rows (JSON-like; datetimes may be Python's) in one transaction; rows without TimeGenerated get the clock's time.

        Returns the number of rows. Raises `InvalidInput` for something that is no row, and then nothing is added.
        """
        check_table_name(table)
        taken = list(rows)
        for position, row in enumerate(taken):
            if not isinstance(row, Mapping):
                raise InvalidInput(f"Row {position + 1} for {table} is not an object.", code="VDT0608", target=table)
        if not taken:
            return 0
        sizes = [len(json_text(dict(row)).encode()) for row in taken]
        batch = Batch(len(taken), columns_of(taken), range(1, len(taken) + 1), sizes)
        now = ticks.from_datetime(self._clock.now())
        origin = self._new_id()
        with writing(self._tables, table, self._cursor) as (writer, connection):
            fields: list[Field] = []
            if not catalog.is_known(table):
                inference = Inference(table, writer.table.types if not writer.draft.is_new else {})
                inference.look(batch, text_form=False)
                fields = inference.fields()
            writer.declare(fields)
            load = load_id(origin, table)
            made = Assembler(writer.table.types, table, self.workspace_id, load, now, now).assemble(batch)
            writer.insert(made)
            record(connection, Load(load, table, "", "", sum(sizes), made.size, made.stamped, 0, made.drifted, now))
        self.terms.note(table)
        return len(taken)

    def take(self, table: str, batches: Sequence[Spooled], rejected: str | None = None) -> Taken:
        """Add the rows of spooled batches of one table, which come in the order of their numbers, in one transaction.

        With `rejected`, the reason why the table does not take them, they go into the dead-letter table as the texts they are.

        The same transaction notes the last number, so that nothing is added twice. Raises `VedetteError`, and then nothing is added.
        """
        transform = self.transformer.of(table, self._clock.now)
        taken = take(
            self._tables,
            table,
            batches,
            self._cursor,
            self.workspace_id,
            self._clock.now(),
            self._many,
            rejected,
            transform,
        )
        self.terms.note(table)
        return taken

    def taken(self) -> dict[str, int]:
        """Of each table the number of the last spooled batch whose rows it has; ids of records that are too old are forgotten."""
        cursor = self._cursor()
        try:
            forget_old_ids(cursor, ticks.from_datetime(self._clock.now()))
            return marks(cursor)
        finally:
            cursor.close()

    def add_column(self, table: str, name: str, kind: Type) -> int:
        """Give a table a column of its own, as `store.columns` says; the number of rows that got a value."""
        return add_column(self, table, name, kind)

    # -- the term index

    def index_loaded(self, report: LoadReport, progress: ProgressCallback | None = None) -> None:
        """Bring the index up to date with what a load added, for one who does not go on afterwards; the report says how long it took.

        Ctrl-C ends this alone: the rows are there, queries read those without an index, and the next load or server makes it.
        """
        names = sorted({file.table for file in report.files if file.rows and self.has_table(file.table)})
        if not names or self.path is None:
            return
        started = self._clock.monotonic()

        def told(table: str, rows: int, of: int) -> None:
            if progress is not None:
                progress(LoadProgress(self.path or Path(), rows, of, rows, f"index of {table}"))

        try:
            self.checkpoint()  # what an index may take depends on what its column takes in the file
            self.terms.catch_up(tables=names, told=told)
        except KeyboardInterrupt:
            report.notes.append("The term index is not made to its end; a server, or the next load, makes the rest.")
        except duckdb.Error as error:
            # the rows are committed: what is left to do is done with the next opening of the file
            report.notes.append(f"The rows are kept, but their term index is not made. {not_written(error)}")
        report.indexing = self._clock.monotonic() - started

    def index(self, table: str, columns: Sequence[str] | None = None, wanted: bool = True) -> int:
        """Say whether columns of a table (None: all) have their terms in the index, and bring it up to date.

        Returns how many rows are in the index. Raises `NotFound` for a table without rows, and for a column that it does not have.
        """
        stored = self._tables.get(table)
        if stored is None:
            raise not_found("table with rows", table, self._tables.names())
        for name in columns or ():
            if name not in stored.types:
                raise not_found("column", name, stored.types)
        self.terms.choose(stored, columns, wanted)
        self.terms.bring_up_to_date(table)
        return self.terms.coverage(stored, 2**63).rows

    # -- what there is

    def tables(self) -> list[TableInfo]:
        """The tables with rows, by name."""
        infos = []
        cursor = self._cursor()
        try:
            for name in self._tables.names():
                stored = self._tables.get(name)
                info = None if stored is None else stored_info(cursor, stored)
                if stored is not None and info is not None:
                    covered = self.terms.coverage(stored, info.rows)
                    info = with_lake(info, self.lake.parts(name))
                    if info.rows:
                        infos.append(replace(info, indexed=covered.rows, index_bytes=covered.bytes))
        finally:
            cursor.close()
        return infos

    def ingested(self, start: datetime, end: datetime) -> list[Ingested]:
        """What came into each table in a time, by when it was put there; tables without such rows are left out."""
        with READERS.reading(), closing(self._cursor()) as cursor, engine_errors():
            return arrivals.ingested(
                cursor, self._tables, ticks.from_datetime(start), ticks.from_datetime(end), self._rows_since
            )

    def _rows_since(self, table: StoredTable, moment: int) -> str:
        """SQL of the rows of a table that came since a time (ticks), and more."""
        return self.lake.rows_of(table, (self._clock.now() - ticks.to_datetime(moment)).total_seconds())

    def describe(self, table: str) -> TableDescription:
        """A table's schema. Raises `NotFound`, with the nearest name, if there is no such table."""
        stored = self._tables.get(table)
        if stored is not None:
            return TableDescription(table, stored.fields, dict(stored.extra), catalog.is_known(table), True)
        fields = catalog.schema(table)
        if fields is None:
            raise not_found("table", table, self.host.table_names())
        return TableDescription(table, fields, {}, True, False)

    # -- for those who look after the store (retention, export, backup)

    @property
    def engine(self) -> QueryEngine:
        """Runs queries over the store."""
        self._open_connection()
        return self._engine

    @property
    def table_register(self) -> Tables:
        """The tables with their locks."""
        return self._tables

    @property
    def has_lake(self) -> bool:
        """Whether rows can be moved out of the tables: not where the store is in memory."""
        return self.path is not None

    def now(self) -> datetime:
        """The clock's time."""
        return self._clock.now()

    def stored(self, table: str) -> StoredTable | None:
        """A table that has had rows."""
        return self._tables.get(table)

    def stored_tables(self) -> list[str]:
        """The tables that have had rows, sorted."""
        return self._tables.names()

    def connect(self) -> duckdb.DuckDBPyConnection:
        """A further connection to the store; its user closes it."""
        return self._cursor()

    @contextmanager
    def cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A further connection for the length of a block."""
        with closing(self._cursor()) as cursor:
            yield cursor

    def checkpoint(self) -> None:
        """Write everything into the file, and give back the room of deleted rows as far as that is possible now."""
        with self.cursor() as cursor, suppress(duckdb.Error):
            run(cursor, "CHECKPOINT")

    # -- the connection

    def close(self) -> None:
        """End the queries, write everything into the file and let go of it. A second call does nothing."""
        self.end_queries()
        self._asking.wait(_PATIENCE)
        with self._guard:
            first, self._closed = not self._closed, True
            connection, self._connection = self._connection, None
        if first:
            self.terms.close()
        if connection is not None:
            self._engine.close()
            let_go(connection)

    def recover(self) -> bool:
        """Open the file anew if the engine has given it up, as it does when the disk had no room for a checkpoint; True if so.

        What was committed is there again; queries of that moment fail. Raises `Unavailable` while the file cannot be opened.
        """
        with self._guard:
            if self._closed or self.path is None:
                return False
            if self._connection is not None:
                if works(self._connection):
                    return False
                connection, self._connection = self._connection, None
                self._engine.close()
                let_go(connection)
            connection = open_file(self.path, self._memory)
            try:
                with engine_errors():
                    prepare(connection, self._clock.now())
                    self._tables.read(connection)
            except BaseException:
                let_go(connection)
                raise
            self._ask(connection)
            self._connection = connection
        return True

    def _ask(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._engine = QueryEngine(connection, self.host, self._external)
        self._engine.rows_moved = self.terms.note
        self.transformer = Transformer(self._engine, self.host, self._content, self._tables)

    def __enter__(self) -> LogStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def _unless_opened_anew(self, engine: QueryEngine) -> Iterator[None]:
        """What fails since the store is opened anew at that moment is to be asked again, and no fault of the query."""
        try:
            yield
        except QueryFailed as error:
            self._open_connection()
            if engine is self._engine:
                raise
            raise Unavailable("The log store was opened anew.", code="VDT0615", hint="Ask again.") from error

    def _open_connection(self) -> duckdb.DuckDBPyConnection:
        if (connection := self._connection) is not None:
            return connection
        if self._closed:
            raise Closing("The log store is closed.")
        raise Unavailable("The log store cannot be opened again yet.", code="VDT0615", hint="Free disk space.")

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        return self._open_connection().cursor()
