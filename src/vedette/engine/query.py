"""Running queries: text in, rows out, within limits."""

from __future__ import annotations

import itertools
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import duckdb
import pyarrow as pa

from vedette.core.errors import Forbidden, InvalidInput, VedetteError
from vedette.core.watchdog import Watchdog
from vedette.engine.answers import Answers
from vedette.engine.batches import batches_of
from vedette.engine.catalog import full_catalog
from vedette.engine.compiler import Compiled, Compiler
from vedette.engine.dialect import FAILED
from vedette.engine.given import Surroundings
from vedette.engine.operators import load_operators
from vedette.engine.partials import Keeping, PartialRows
from vedette.engine.result import Result, ResultColumn, Statistics, wire_columns
from vedette.engine.rewrites import ALL_REWRITES
from vedette.engine.rowfunctions import Stopped, register, stoppable
from vedette.engine.term_candidates import REWRITE, RowsInPlace, RowsMoved
from vedette.kql import ticks
from vedette.kql.binder import bind
from vedette.kql.binder.operators.render import Render
from vedette.kql.bound import BoundQuery, Relation
from vedette.kql.catalog import Catalog
from vedette.kql.diagnostics import Diagnostic, KqlError
from vedette.kql.host import ExternalSource, Host
from vedette.kql.node import fact
from vedette.kql.types import Type

T = TypeVar("T")
QUERIES: Final = Watchdog("query limits")
"""Over the queries that run in this process."""

_MARKERS = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|\$(\w+)""")
"""A parameter of a statement; also a text or a quoted name, in which nothing else is one."""
_BATCH_ROWS = 2048
_ALL_ROWS = 2**40
_TRIES = 4
"""How often a query is tried with an index of terms while rows come that the index has not seen."""
_NUMBERS = itertools.count(1)
"""Runs of this process, for row functions to know whose rows they have."""


@fact
class Limits:
    """What a query may use; defaults are Log Analytics' (500,000 rows, 100 MiB, 10 minutes)."""

    rows: int = 500_000
    seconds: float = 600.0
    statement: int = 4_000_000
    """Characters of the SQL that a query becomes: while the engine plans a statement, nothing can stop it."""
    bytes: int = 100 * 1024 * 1024
    """Of the result, as the engine holds it."""


class Cancellation:
    """A handle by which another thread stops a query; once cancelled it stops every query that it is given to."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._running: duckdb.DuckDBPyConnection | None = None
        self.cancelled = False

    def cancel(self) -> None:
        """Stops the query; nothing happens where none is running."""
        with self._guard:
            self.cancelled = True
            if self._running is not None:
                self._running.interrupt()

    def watch(self, connection: duckdb.DuckDBPyConnection | None) -> None:
        """Says on which connection the query runs now, or (None) that it no longer does."""
        with self._guard:
            self._running = connection
            stopped = self.cancelled
        if stopped and connection is not None:
            raise QueryFailed("VDT2005", "the query was cancelled")


@fact
class QueryOptions:
    """What a query is run with."""

    now: datetime
    timespan: tuple[datetime, datetime] | None = None
    """TimeGenerated of every table lies in [from, to)."""
    parameters: dict[str, object] = field(default_factory=dict)
    limits: Limits = Limits()
    cancellation: Cancellation | None = None
    rewrites: frozenset[str] = ALL_REWRITES
    """The plan rewrites that may be made (`engine.rewrites`)."""
    host: Host | None = None
    """The workspace as this caller sees it; None: the engine's own."""
    keeping: Keeping | None = None
    """Who keeps partial rows for the runs that follow; None: nobody."""


class QueryFailed(Exception):
    """A query that was accepted but could not be finished."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


@fact
class Explanation:
    """How a query would be run: the statement, the values bound in it, and the names of the rewrites that changed it."""

    sql: str
    values: dict[str, object]
    rewrites: tuple[str, ...]


@dataclass(slots=True)
class Check:
    """What parsing and binding say of a text."""

    diagnostics: list[Diagnostic]
    columns: tuple[ResultColumn, ...] | None


class Unreachable:
    """Refuses every other host."""

    def rows(
        self, uris: Sequence[str], properties: Mapping[str, object], columns: Sequence[tuple[str, Type]]
    ) -> Sequence[tuple[str | None, ...]]:
        """Refused."""
        hosts = ", ".join(sorted({urlsplit(uri).hostname or uri for uri in uris}))
        raise Forbidden(
            f"externaldata may not reach {hosts or 'another host'}: no host is allowed here", code="VDT1006"
        )


class QueryEngine:
    """Runs queries of one workspace on one DuckDB connection."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, host: Host, external: ExternalSource | None = None
    ) -> None:
        """`external` reads what `externaldata` names; None: queries reach no other host."""
        self.connection = connection
        self.host = host
        self.external = external or Unreachable()
        self.catalog = full_catalog()
        self._registered: set[str] = set()
        self._registering = threading.Lock()
        self.rows_moved: Callable[[], None] = lambda: None
        """Told when an index of terms turned out to be of other rows, and did not know."""
        load_operators()

    def close(self) -> None:
        """Lets go of the connection, which then can be freed with the row functions that it owns."""
        del self.connection

    def register(self, compiled: Compiled) -> None:
        """Makes the row functions of a statement known.

        The connection that registers a function owns it, though every connection of the database sees it: it
        must be the one that outlives all queries.
        """
        with self._registering:
            for use in compiled.row_functions:
                if use.key not in self._registered:
                    register(self.connection, use)
                    self._registered.add(use.key)

    def check(self, text: str, host: Host | None = None) -> Check:
        """Parses and binds a text without running anything."""
        return check_text(text, self.catalog, host or self.host)

    def run(self, text: str, options: QueryOptions) -> Result:
        """The rows of a query: its first table, with any further ones in `more`, in the order of the statements.

        Raises KqlError where the text cannot be accepted and QueryFailed where a limit or the engine ends it.
        """
        first, *more = self._guarded(text, options)
        first.more = more
        return first

    def run_all(self, text: str, options: QueryOptions) -> list[Result]:
        """The rows of every result of a batch."""
        return self._guarded(text, options)

    def _guarded(self, text: str, options: QueryOptions) -> list[Result]:
        try:
            return self.whatever_moves(options, lambda tried: self._run_all(text, tried))
        except RecursionError:
            raise KqlError(text, [Diagnostic("KS245", "The query is nested too deeply", 0, 1)]) from None

    def whatever_moves(self, options: QueryOptions, work: Callable[[QueryOptions], T]) -> T:
        """What some work that runs a query gives: done anew where rows have moved since an index of terms told of them, then without it."""
        for _ in range(_TRIES):
            try:
                return work(options)
            except RowsMoved as moved:
                if not moved.known:
                    self.rows_moved()
                    break
        return work(replace(options, rewrites=options.rewrites - {REWRITE}))

    def tables(self, text: str, options: QueryOptions) -> list[pa.Table]:
        """The rows of every result of a batch as the engine holds them: ticks for times, JSON text for dynamic.

        Raises as `run` does; rows are cut at the limits.
        """

        def rows(tried: QueryOptions) -> list[pa.Table]:
            run = Run(self, tried)
            return [run.table(run.compiled(relation))[0] for relation in run.bound(text).results]

        return self.whatever_moves(options, rows)

    def compiled(self, text: str, options: QueryOptions) -> list[Compiled]:
        """The statement of every result of a batch, for another engine to run."""
        run = Run(self, options)
        return [run.compiled(relation, read=False) for relation in run.bound(text).results]

    def explain(self, text: str, options: QueryOptions) -> list[Explanation]:
        """The SQL of every result of a batch, which is not run; what only data can tell the binder, it still asks."""
        run = Run(self, options)
        return [run.explanation(relation) for relation in run.bound(text).results]

    def _run_all(self, text: str, options: QueryOptions) -> list[Result]:
        started = time.perf_counter()
        run = Run(self, options)
        bound = run.bound(text)
        results = []
        for relation in bound.results:
            result = run.rows(relation)
            result.statistics.elapsed = time.perf_counter() - started
            result.visualization = relation.visualization if isinstance(relation, Render) else None
            result.name = relation.label or None
            results.append(result)
        return results


def check_text(text: str, catalog: Catalog, host: Host) -> Check:
    """Parses and binds a text without running anything; it has columns even where it has mistakes."""
    try:
        bound = bind(text, catalog, host, None)
    except KqlError as error:
        partial = error.partial.results if error.partial is not None else []
        return Check(error.diagnostics, _columns_of(partial[0]) if partial else None)
    except RecursionError:
        return Check([Diagnostic("KS245", "The query is nested too deeply", 0, 1)], None)
    return Check(bound.warnings, _columns_of(bound.results[0]) if bound.results else None)


def _columns_of(relation: Relation) -> tuple[ResultColumn, ...]:
    return tuple(ResultColumn(column.name, column.type) for column in relation.visible)


class Run(Answers):
    """One run of a query; it also answers what the binder must know of the data."""

    def __init__(self, engine: QueryEngine, options: QueryOptions, number: int | None = None) -> None:
        """`number` is that of the run that compiled what this one runs again."""
        self.engine = engine
        self.options = options
        self.number = next(_NUMBERS) if number is None else number
        self.connection = engine.connection.cursor()
        self._values: dict[str, object] = {"now": ticks.from_datetime(options.now), **options.parameters}
        if options.timespan is not None:
            first, last = options.timespan
            self._values |= {"range_from": ticks.from_datetime(first), "range_to": ticks.from_datetime(last)}
        self._started = time.monotonic()
        self.deadline = self._started + options.limits.seconds

    def compiler(self) -> Compiler:
        """A compiler for a statement of this run."""
        options = self.options
        return Compiler(
            timespan=options.timespan is not None, run=self.number, rewrites=options.rewrites, proceed=self.proceed,
            now=now if isinstance(now := self._values["now"], int) else None, keeping=options.keeping,
        )  # fmt: skip

    def proceed(self) -> None:
        """Raises QueryFailed where the time is over or the query was cancelled; binding and compiling ask at every step."""
        if self.stopped():
            raise self.failure(None)

    def bound(self, text: str) -> BoundQuery:
        """The query bound, under the query's time limit like everything else of it."""
        return bind(text, self.engine.catalog, self.options.host or self.engine.host, self, self.proceed)

    def compiled(self, relation: Relation, *, read: bool = True) -> Compiled:
        """The statement of a result, cut at the limit unless it is `table` that reads its rows."""
        limits = self.options.limits
        compiled = self.compiler().compile(relation, limit=limits.rows + 1, read=read)
        if len(compiled.sql) > limits.statement:
            raise QueryFailed(
                "VDT2006",
                f"the query becomes a statement of {len(compiled.sql)} characters, and {limits.statement} is the most; "
                "name fewer tables, or project the columns that you need",
            )
        self.proceed()
        return compiled

    def explanation(self, relation: Relation) -> Explanation:
        """The statement of a result, with the values that are bound in it."""
        compiled = self.compiled(relation)
        values = {name: self._values[name] for name in sorted(compiled.parameters)}
        return Explanation(compiled.sql, values, compiled.rewrites)

    def _register(self, compiled: Compiled) -> dict[str, object] | None:
        self.engine.register(compiled)
        return self._given(compiled.sql, compiled.parameters)

    def _given(self, sql: str, names: set[str]) -> dict[str, object] | None:
        """The values of the parameters that a statement names.

        A unit need not use its argument, and the engine refuses a value that its statement has no place for.
        """
        if not names:
            return None
        asked = set(_MARKERS.findall(sql))
        return {name: self._values[name] for name in names if name in asked} or None

    def _run_stages(self, compiled: Compiled) -> None:
        """Has Python make the tables that a statement reads."""
        for stage in compiled.stages:
            given = self._given(stage.sql, compiled.parameters)
            reader = batches_of(self.connection, stage.sql, given, _BATCH_ROWS)
            try:
                made = stage.transform(iter(reader), self.stopped)
            except Stopped as stop:
                raise self.failure(stop) from None
            self.connection.register(stage.name, made)

    def _within_limits(self, work: Callable[[], T]) -> T:
        """Does some work of the engine under the query's time limit."""
        cancellation = self.options.cancellation
        if cancellation is not None:
            cancellation.watch(self.connection)
        try:
            with QUERIES.over(self), stoppable(self.number, self.stopped):
                return work()
        except (duckdb.Error, pa.ArrowException, OSError, UnicodeEncodeError) as error:
            # an error while rows are taken comes through Arrow, which knows it as one of input and output
            raise self.failure(error) from error
        finally:
            if cancellation is not None and not cancellation.cancelled:
                cancellation.watch(None)

    def stopped(self) -> bool:
        """Whether the time is over or somebody cancelled the query."""
        cancellation = self.options.cancellation
        return time.monotonic() >= self.deadline or (cancellation is not None and cancellation.cancelled)

    def interrupt(self) -> None:
        """Has the engine end what it does for the query."""
        self.connection.interrupt()

    def failure(self, error: Exception | None) -> QueryFailed:
        """What to tell of an error of the engine."""
        cancellation = self.options.cancellation
        text = str(error)
        if cancellation is not None and cancellation.cancelled:
            return QueryFailed("VDT2005", "the query was cancelled")
        if self.stopped():
            return QueryFailed("VDT2001", f"the query was stopped after {self.options.limits.seconds:g} seconds")
        if isinstance(error, duckdb.OutOfMemoryException) or text.startswith("Out of Memory Error"):
            return QueryFailed("VDT2002", "the query needs more memory than it may use; narrow it or its time")
        if FAILED in text:
            return QueryFailed("VDT2006", text.split(FAILED, 1)[1].split("\n", 1)[0])
        if isinstance(error, UnicodeEncodeError) or "surrogate" in text:
            return QueryFailed(
                "VDT2003", "the query has half of a surrogate pair (\\ud800 to \\udfff), which is no character"
            )
        return QueryFailed("VDT2003", f"the query failed while running: {text.split(chr(10), 1)[0]}")

    def fetch(self, compiled: Compiled) -> list[tuple[Any, ...]]:
        """The rows of a statement as Python values."""
        values = self._register(compiled)

        def take() -> list[tuple[Any, ...]]:
            with self._one_state(compiled):
                self._give(compiled)
                self._run_stages(compiled)
                rows = self.connection.execute(compiled.sql, values).fetchall()
            self._confirm(compiled)
            return rows

        return self._within_limits(take)

    def _give(self, compiled: Compiled) -> None:
        if compiled.given:
            around = Surroundings(compiled.used, self._values, self.engine.external)
            try:
                for rows in compiled.given:
                    rows.install(self.connection, around)
            except (Forbidden, InvalidInput) as error:
                raise KqlError("", [Diagnostic(error.code, str(error), 0, 1)]) from None
            except VedetteError as error:
                raise QueryFailed(error.code, str(error)) from None

    @staticmethod
    def _of_one_state(compiled: Compiled) -> bool:
        """Whether something that a statement is made of is true of one state of the tables only."""
        return any(
            isinstance(given, PartialRows) or (isinstance(given, RowsInPlace) and given.one_state)
            for given in compiled.given
        )

    def _begun(self, compiled: Compiled, values: dict[str, object] | None, rows: int) -> pa.RecordBatchReader:
        """The rows of a statement, about `rows` a batch, with all that it needs in place. Raises `RowsMoved`."""
        self._give(compiled)
        self._run_stages(compiled)
        reader = batches_of(self.connection, compiled.sql, values, rows)
        self._confirm(compiled)
        return reader

    @staticmethod
    def _confirm(compiled: Compiled) -> None:
        """To be asked once a statement has begun. Raises `RowsMoved`."""
        for given in compiled.given:
            if isinstance(given, RowsInPlace):
                given.confirm()

    @contextmanager
    def _one_state(self, compiled: Compiled) -> Iterator[None]:
        """Where several statements make the rows, all of them see one state of the tables."""
        if not self._of_one_state(compiled):
            yield
            return
        self.connection.execute("BEGIN TRANSACTION")
        try:
            yield
        finally:
            # nothing was written; a transaction that has failed is over anyhow
            with suppress(duckdb.Error):
                self.connection.execute("ROLLBACK")

    def table(self, compiled: Compiled) -> tuple[pa.Table, str | None]:
        """The rows of a statement as Arrow, up to the limits, and why there are no more of them.

        Rows are taken a batch at a time: a result is never held beyond its limits, wherever the engine could still
        go on.
        """
        values = self._register(compiled)
        limits = self.options.limits

        def take() -> tuple[pa.Table, str | None]:
            with self._one_state(compiled):
                return read()

        def read() -> tuple[pa.Table, str | None]:
            reader = self._begun(compiled, values, _BATCH_ROWS)
            batches, rows, size, partial = [], 0, 0, None
            # the engine goes on for as long as the reader is there
            with reader:
                for batch in reader:
                    if rows + batch.num_rows > limits.rows:
                        batches.append(batch.slice(0, limits.rows - rows))
                        partial = f"the result was cut at {limits.rows} rows"
                        break
                    if rows and size + batch.nbytes > limits.bytes:
                        partial = f"the result was cut at {rows} rows, because it has more than {limits.bytes} bytes"
                        break
                    batches.append(batch)
                    rows, size = rows + batch.num_rows, size + batch.nbytes
                return pa.Table.from_batches(batches, reader.schema), partial

        return self._within_limits(take)

    def reader(self, compiled: Compiled, rows: int) -> pa.RecordBatchReader:
        """The rows of a statement, some at a time; whoever reads them asks `proceed` between batches, and closes the connection then."""
        values = self._register(compiled)

        def start() -> pa.RecordBatchReader:
            if self._of_one_state(compiled):
                self.connection.execute("BEGIN TRANSACTION")  # it ends with the connection
            return self._begun(compiled, values, rows)

        return self._within_limits(start)

    def rows(self, relation: Relation) -> Result:
        """The rows of a bound relation, cut at the limit."""
        compiled = self.compiled(relation)
        table, partial = self.table(compiled)
        types = [column.type for column in compiled.columns]
        columns = [table.column(index).to_pylist() for index in range(len(types))]
        rows = wire_columns(types, columns) if types else [[] for _ in range(table.num_rows)]
        described = tuple(ResultColumn(column.name, column.type) for column in compiled.columns)
        return Result(described, rows, Statistics(rows=len(rows)), partial)

    # -- what the binder asks (kql.host.Evaluator)

    def parameter(self, name: str) -> bool:
        """Whether the caller gave a query parameter a value."""
        return name in self.options.parameters

    def option(self, name: str, value: object) -> None:
        """Takes an option that the query sets; limits may be narrowed, and `notruncation` lifts that of rows.

        The limit of bytes stays, since the result is held in memory.
        """
        limits = self.options.limits
        number = value if isinstance(value, int) and not isinstance(value, bool) else None
        if name == "query_now" and number is not None:
            self._values["now"] = number
        elif name == "notruncation" and value is True:
            limits = replace(limits, rows=_ALL_ROWS)
        elif name in ("truncationmaxrecords", "query_take_max_records") and number is not None:
            limits = replace(limits, rows=max(0, min(limits.rows, number)))
        elif name == "truncationmaxsize" and number is not None:
            limits = replace(limits, bytes=max(0, min(limits.bytes, number)))
        elif name == "servertimeout" and number is not None:
            limits = replace(limits, seconds=max(0.0, min(limits.seconds, number / ticks.SECOND)))
            self.deadline = min(self.deadline, self._started + limits.seconds)
        self.options = replace(self.options, limits=limits)

    def columns(self, relation: Relation) -> list[list[object]]:
        """All rows of a relation, column by column."""
        compiled = self.compiler().compile(relation)
        values = self._register(compiled)

        def take() -> pa.Table:
            with self._one_state(compiled):
                return self._begun(compiled, values, _BATCH_ROWS).read_all()

        table = self._within_limits(take)
        return [table.column(index).to_pylist() for index in range(len(compiled.columns))]
