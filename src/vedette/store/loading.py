"""Loading files: look at what must be known beforehand, then one transaction for each file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import duckdb
import pyarrow.compute as pc

from vedette.core.clock import Clock
from vedette.core.errors import VedetteError, nearest
from vedette.engine.dialect import identifier
from vedette.kql import ticks
from vedette.kql.types import Type
from vedette.store import catalog
from vedette.store.assembly import Assembler
from vedette.store.batch import Batch
from vedette.store.contents import (
    Load,
    PassingDigest,
    digest_of,
    digests_to_look_for,
    earlier_digests,
    is_present,
    new_load_id,
    record,
)
from vedette.store.conversion import convert
from vedette.store.coverage import Coverage, coverage_of, days_in
from vedette.store.gone import Gone, Left
from vedette.store.inference import Inference
from vedette.store.inserting import Inserter
from vedette.store.known import KnownDays, days_of_known
from vedette.store.reading.forms import Form, Source, read
from vedette.store.records import RecordSource, RecordWriter, newest_of
from vedette.store.report import (
    FileReport,
    LoadOptions,
    LoadProgress,
    LoadReport,
    Outcome,
    ProgressCallback,
    as_shown,
)
from vedette.store.statements import engine_errors, run
from vedette.store.tables import StoredTable, Tables
from vedette.store.writer import TableWriter, writing

_AHEAD: Final = 96 * 1024 * 1024
"""Bytes of rows that may wait for the engine while more is read: now and then it takes as long as for several batches."""

Connect = Callable[[], duckdb.DuckDBPyConnection]
AnySource = Source | RecordSource


class Cancelled(Exception):
    """Somebody wants the load to stop."""


@dataclass(slots=True)
class _Look:
    """What the first look at the files found."""

    newest: int | None = None
    inferences: dict[str, Inference] = field(default_factory=dict)


class Loader:
    """One call of `LogStore.load`."""

    def __init__(
        self,
        tables: Tables,
        connect: Connect,
        clock: Clock,
        options: LoadOptions,
        progress: ProgressCallback | None,
        cancelled: Callable[[], bool] | None,
        rows_of: Callable[[StoredTable], str],
    ) -> None:
        """`rows_of` is the SQL of a table's rows, wherever they lie."""
        self._tables = tables
        self._rows_of = rows_of
        self._connect = connect
        self._clock = clock
        self._options = options
        self._progress = progress
        self._cancelled = cancelled or (lambda: False)
        self._done = 0
        self._total = 0
        self._rows = 0
        self._errors: dict[AnySource, VedetteError] = {}
        self._brought: set[int] = set()
        """The loads of this call whose records have keys."""

    def load(self, sources: Sequence[AnySource]) -> LoadReport:
        """Load the sources in their order. A file that cannot be loaded is reported, and the others are loaded all the same."""
        started = self._clock.monotonic()
        report = LoadReport()
        before = self._last_load()
        shifting = self._options.shift_to is not None
        to_look_at = [
            source for source in sources if shifting or not (source.table == "" or catalog.is_known(source.table))
        ]
        self._total = sum(source.size for source in [*sources, *to_look_at])
        stopped = False
        try:
            look = self._look_at(to_look_at)
        except Cancelled:
            look, stopped = _Look(), True
        shift = self._shift(look, report)
        self._note_new_tables(sources, report)
        for source in sources:
            if not stopped and self._cancelled():
                stopped = True
            if stopped:
                report.files.append(FileReport(source.shown, source.table, Outcome.CANCELLED))
                continue
            found = (
                self._records(source, shift) if isinstance(source, RecordSource) else [self._one(source, look, shift)]
            )
            stopped = found[-1].outcome is Outcome.CANCELLED
            report.files += found
        recalled, unnamed = self._recall(report.files, before)
        report.coverage = self._coverage(report.files, recalled)
        report.notes += _told_of(report.coverage, unnamed)
        report.seconds = self._clock.monotonic() - started
        return report

    def _last_load(self) -> int:
        """The place in the catalogue of the last load that was made."""
        with closing(self._connect()) as connection, engine_errors():
            return int(run(connection, "SELECT coalesce(max(rowid), -1) FROM store_catalog.loads")[0][0])

    def _recall(self, files: Sequence[FileReport], before: int) -> tuple[set[int], int]:
        """Of files that were loaded earlier than in this call: what the store has of their days, and what of them is gone. Each content
        counts once. Gives the loads that brought them, and how many rows are gone of which it was not noted why."""
        recalled: set[tuple[str, str]] = set()
        loads: set[int] = set()
        unnamed = 0
        for file in files:
            if file.outcome is Outcome.PRESENT and (file.table, file.content) not in recalled:
                recalled.add((file.table, file.content))
                left = self._left(file.table)
                if left is not None:
                    own = self._loads_of(file.table, file.content, before)
                    file.days = left.days(own)
                    for (_, day), why in left.gone(own).items():
                        for reason, rows in why.items():
                            file.gone.setdefault(reason, Counter())[day] += rows
                    gone = sum(own.values()) - file.days.total() - sum(map(Counter.total, file.gone.values()))
                    unnamed += max(0, gone)
                    loads.update(own)
        return loads, unnamed

    def _loads_of(self, table: str, digest: str, before: int) -> dict[int, int]:
        """The loads that brought a content, each with how many rows it brought."""
        with closing(self._connect()) as connection, engine_errors():
            found = run(
                connection,
                "SELECT id, rows FROM store_catalog.loads WHERE table_name = ? AND sha256 = ? AND rowid <= ?",
                [table, digest, before],
            )
        return {int(one): int(rows) for one, rows in found}

    def _left(self, table: str, counted: Collection[int] = ()) -> Left | None:
        """What is left of what loads brought into a table; None for one without rows."""
        stored = self._tables.get(table)
        moment = None if stored is None else stored.stored.get("TimeGenerated")
        if stored is None or moment is None:
            return None
        return Left(self._connect, table, partial(self._rows_of, stored), identifier(moment.physical), counted)

    def _coverage(self, files: Sequence[FileReport], recalled: set[int]) -> list[Coverage]:
        """What the files have of each day, each record once: what they added, what they had added earlier, and what was there of
        other files' adding; and apart from that what is gone."""
        told = [file for file in files if file.outcome in (Outcome.LOADED, Outcome.PRESENT)]
        known: dict[int, KnownDays] = {}
        for table in {file.table for file in told}:
            own = [position for position, file in enumerate(told) if file.table == table]
            known.update(
                zip(
                    own,
                    days_of_known([told[position].known for position in own], recalled, self._left(table, recalled)),
                )
            )
        return coverage_of(
            (
                file.kind or file.table, file.table, file.days + known[position].there, file.again,
                {
                    reason: file.gone.get(reason, Counter()) + known[position].gone.get(reason, Counter())
                    for reason in {*file.gone, *known[position].gone}
                },
            )
            for position, file in enumerate(told)
        )  # fmt: skip

    # -- the first look

    def _look_at(self, sources: Sequence[AnySource]) -> _Look:
        look = _Look()
        shifting = self._options.shift_to is not None
        for source in sources:
            if isinstance(source, RecordSource):
                look.newest = _later(look.newest, newest_of(source, self._check_cancelled))
                self._done += source.size
                continue
            inference = None
            if not catalog.is_known(source.table):
                if source.table not in look.inferences:
                    existing = self._tables.get(source.table)
                    look.inferences[source.table] = Inference(source.table, existing.types if existing else {})
                inference = look.inferences[source.table]
            base = self._done
            try:
                for batch in read(source):
                    self._check_cancelled()
                    if inference is not None:
                        inference.look(batch, text_form=source.form is Form.CSV)
                    if shifting:
                        look.newest = _later(look.newest, _newest(batch))
                    self._tell(source, base + min(batch.consumed, source.size))
            except VedetteError as error:
                self._errors[source] = error
            self._done = base + source.size
        return look

    def _shift(self, look: _Look, report: LoadReport) -> int:
        if self._options.shift_to is None:
            return 0
        if look.newest is None:
            report.notes.append("No row has a TimeGenerated, so there was nothing to shift.")
            return 0
        shift = ticks.from_datetime(self._options.shift_to) - look.newest
        report.shifted = ticks.to_timedelta(shift)
        return shift

    def _note_new_tables(self, sources: Sequence[AnySource], report: LoadReport) -> None:
        for table in sorted({source.table for source in sources if source.table}):
            if not catalog.may_be_table(table) and self._tables.get(table) is None:
                near = nearest(table, catalog.known_tables())
                hint = f"; did you mean {near}?" if near else "."
                report.notes.append(f"{table} is not a known table, so its columns were inferred{hint}")

    # -- one file

    def _records(self, source: RecordSource, shift: int) -> list[FileReport]:
        """A file whose records belong to several tables."""
        now = ticks.from_datetime(self._clock.now())
        stamp = now if self._options.stamp is None else ticks.from_datetime(self._options.stamp)
        base, rows = self._done, self._rows

        def tell(consumed: int, stored: int) -> None:
            self._check_cancelled()
            self._rows = rows + stored
            self._tell(source, base + min(consumed, source.size))

        writer = RecordWriter(
            self._tables, self._connect, source, now=now, stamp=stamp, shift=shift, again=self._options.again,
            loads=self._brought, tell=tell,
        )  # fmt: skip
        try:
            found = writer.store()
        except Cancelled:
            found = [FileReport(source.path, source.target or "", Outcome.CANCELLED)]
        except VedetteError as error:
            error = as_shown(error, source.file, source.shown)
            found = [FileReport(source.path, source.target or "", Outcome.FAILED, error=error)]
        if any(one.outcome is not Outcome.LOADED for one in found):
            self._rows = rows
        self._done = base + source.size
        self._tell(source, self._done)
        return found

    def _one(self, source: Source, look: _Look, shift: int) -> FileReport:
        report = FileReport(source.shown, source.table, Outcome.LOADED)
        base = self._done
        rows = self._rows
        try:
            if source in self._errors:
                raise self._errors[source]
            with writing(self._tables, source.table, self._connect) as (writer, connection):
                known = digests_to_look_for(connection, source)
                digests = [digest_of(source), *earlier_digests(source.path, known)] if known else []
                present = next((one for one in digests if is_present(connection, source.table, one)), None)
                if present is not None and not self._options.again:
                    report.outcome, report.content = Outcome.PRESENT, present
                else:
                    self._store(source, look, shift, writer, connection, report)
        except Cancelled:
            report = FileReport(source.shown, source.table, Outcome.CANCELLED)
        except VedetteError as error:
            error = as_shown(error, source.path, source.shown)
            report = FileReport(source.shown, source.table, Outcome.FAILED, error=error)
        if report.outcome is not Outcome.LOADED:
            self._rows = rows
        self._done = base + source.size
        self._tell(source, self._done)
        return report

    def _store(
        self,
        source: Source,
        look: _Look,
        shift: int,
        writer: TableWriter,
        connection: duckdb.DuckDBPyConnection,
        report: FileReport,
    ) -> None:
        now = ticks.from_datetime(self._clock.now())
        stamp = now if self._options.stamp is None else ticks.from_datetime(self._options.stamp)
        report.new_table = writer.draft.is_new
        inference = look.inferences.get(source.table)
        writer.declare(inference.fields() if inference is not None else [])
        load = new_load_id(connection, source)
        assembler = Assembler(writer.table.types, source.table, self._tables.workspace_id, load, now, stamp, shift)
        digest = PassingDigest(source)
        base = self._done
        extra: set[str] = set()
        # The engine stores one batch while the next is read and converted: it lets go of the interpreter meanwhile.
        with Inserter(writer, _AHEAD) as inserter:
            for batch in read(source, writer.table.types, digest.take):
                self._check_cancelled()
                made = assembler.assemble(batch)
                inserter.add(made)
                if batch.bad:
                    inserter.flush()
                    writer.insert_bad(assembler, str(source.shown), batch.bad)
                report.rows += made.size
                report.bad += len(batch.bad)
                report.stamped += made.stamped
                report.drifted.update(made.drifted)
                report.days.update(days_in(made.columns["TimeGenerated"]))
                extra.update(made.extra)
                self._rows += made.size
                self._tell(source, base + min(batch.consumed, source.size))
        report.extra = tuple(sorted(extra))
        record(
            connection,
            Load(
                load, source.table, str(source.shown), digest.value(), source.size, report.rows, report.stamped, report.bad,
                report.drifted, now,
            ),
        )  # fmt: skip

    def _check_cancelled(self) -> None:
        if self._cancelled():
            raise Cancelled

    def _tell(self, source: AnySource, done: int) -> None:
        if self._progress is not None:
            self._progress(LoadProgress(source.shown, done, self._total, self._rows))


_WHY: Final = {
    Gone.PURGED: "purged since",
    Gone.EXPIRED: "deleted since, being past the retention of their table",
    Gone.REMOVED: "removed since (purged, or past their retention)",
}


def _told_of(coverage: Sequence[Coverage], unnamed: int) -> list[str]:
    """What to say of rows that files brought earlier and that are not there any more."""
    counts = Counter({Gone.REMOVED: unnamed})
    for one in coverage:
        for reason, days in one.gone.items():
            counts[Gone(reason)] += sum(days.values())
    return [
        f"{counts[reason]:,} {'row' if counts[reason] == 1 else 'rows'} that files brought earlier "
        f"{'was' if counts[reason] == 1 else 'were'} {why}; the files do not bring {'it' if counts[reason] == 1 else 'them'} back. "
        "--again loads all that a file has."
        for reason, why in _WHY.items()
        if counts[reason]
    ]


def _newest(batch: Batch) -> int | None:
    """The newest TimeGenerated of a batch."""
    column = batch.columns.get("TimeGenerated")
    if column is None:
        return None
    array, _ = convert(column.values, Type.DATETIME, column.native)
    newest = pc.max(array).as_py()
    return None if newest is None else int(newest)


def _later(one: int | None, other: int | None) -> int | None:
    if one is None or other is None:
        return other if one is None else one
    return max(one, other)
