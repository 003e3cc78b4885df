"""One transaction that adds rows to one table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from typing import Final

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from vedette.engine.batches import batches_of
from vedette.engine.dialect import identifier
from vedette.kql.types import Type
from vedette.store.assembly import Assembled, Assembler
from vedette.store.batch import BadRecord, Batch, columns_of
from vedette.store.catalog import DEAD_LETTER, Field, schema
from vedette.store.physical import physical_name
from vedette.store.properties import json_texts, property_texts
from vedette.store.statements import engine_errors, lent, run
from vedette.store.tables import StoredColumn, StoredTable, TableDraft, Tables

INCOMING: Final = "incoming"
"""The name under which a statement finds the rows that it inserts."""
_OFTEN: Final = 2
"""So many times a text of JSON must come, on average, for its properties to be read by itself."""
_REMEMBERED: Final = 10_000
"""Different texts of one column whose properties are remembered."""


@dataclass(frozen=True, slots=True)
class _Read:
    """Different texts of a column of JSON, and the texts of its properties in each."""

    texts: pa.Array
    properties: list[pa.Array]


@dataclass(frozen=True, slots=True)
class Incoming:
    """Rows as a statement takes them: `sql` inserts those that are lent under the name `INCOMING`."""

    sql: str
    rows: pa.Table


class TableWriter:
    """Adds rows to a table within a transaction. Made by `writing`, which holds the table's lock."""

    def __init__(self, tables: Tables, table: str, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        self.draft = TableDraft(tables, table, connection)
        self._tables = tables
        self._read: dict[str, _Read] = {}

    @property
    def table(self) -> StoredTable:
        """The table as this transaction sees it."""
        return self.draft.table

    def declare(self, fields: list[Field]) -> None:
        """Make these columns part of the table's schema."""
        with engine_errors():
            self.draft.declare(fields)

    def insert(self, made: Assembled) -> None:
        """Store an assembled batch."""
        if not made.size:
            return
        self.prepare(made)
        self._insert(self.incoming(made))

    def is_prepared(self, made: Assembled) -> bool:
        """Whether the table has all that a batch needs; asks the engine nothing."""
        return self.draft.takes(made.columns, made.extra)

    def prepare(self, made: Assembled) -> None:
        """Make what a batch needs in the table."""
        with engine_errors():
            self.draft.materialise(made.columns)
            self.draft.keep_properties(made.columns)
            self.draft.note_extra(made.extra)

    def incoming(self, made: Assembled) -> Incoming:
        """A batch for which the table is prepared, ready for its statement. The transaction may be at work meanwhile."""
        stored = self.draft.table.stored
        arrays = {stored[name].physical: array for name, array in made.columns.items()}
        return self._incoming(self.draft.table, arrays | made.hidden)

    def insert_bad(self, assembler: Assembler, source: str, bad: list[BadRecord]) -> None:
        """Store records that are no rows in the dead-letter table, whose columns all exist."""
        dead = self._tables.get(DEAD_LETTER)
        if not bad or dead is None:
            return
        rows = [
            {
                "TableName": assembler.table,
                "Source": source,
                "Line": record.line,
                "Offset": record.offset,
                "Reason": record.reason,
                "Raw": record.raw,
            }
            for record in bad
        ]
        batch = Batch(len(rows), columns_of(rows), [record.line for record in bad], [len(record.raw) for record in bad])
        made = Assembler(
            dead.types, DEAD_LETTER, assembler.workspace_id, assembler.load, assembler.ingested, assembler.ingested
        ).assemble(batch)
        arrays = {dead.stored[name].physical: array for name, array in made.columns.items()}
        self._insert(self._incoming(dead, arrays | made.hidden))

    def _properties_of_few(
        self, columns: list[StoredColumn], arrays: Mapping[str, pa.Array]
    ) -> dict[str, list[pa.Array]]:
        """The texts of properties of those columns that few texts make up, by the column: each text is read once."""
        made: dict[str, list[pa.Array]] = {}
        kinds: dict[str, pa.DictionaryArray] = {}
        unread: dict[str, pa.Array] = {}
        for column in columns:
            encoded = arrays[column.physical].dictionary_encode()
            if not len(encoded.dictionary):  # what came is empty in every row
                made[column.physical] = [pa.nulls(len(encoded), pa.string())] * len(column.properties)
            elif len(encoded.dictionary) * _OFTEN <= len(encoded):
                kinds[column.physical] = encoded
                known = self._read.get(column.physical)
                new = encoded.dictionary
                if known is not None:
                    new = new.filter(pc.invert(pc.is_in(new, known.texts)))
                    if len(known.texts) + len(new) > _REMEMBERED:
                        del self._read[column.physical]
                        new = encoded.dictionary
                if len(new):
                    unread[column.physical] = new
        self._read_texts([column for column in columns if column.physical in unread], unread)
        for name, own in kinds.items():
            known = self._read[name]
            places = pc.index_in(own.dictionary, known.texts).take(own.indices)
            made[name] = [pa.DictionaryArray.from_arrays(places, values) for values in known.properties]
        return made

    def _read_texts(self, columns: list[StoredColumn], texts: Mapping[str, pa.Array]) -> None:
        """Has the engine read the properties of texts that have not come before, and remembers them."""
        if not columns:
            return
        longest = max(map(len, texts.values()))
        wanted: list[str] = []
        different: dict[str, pa.Array] = {}
        for column in columns:
            own, checked = texts[column.physical], column.type is Type.STRING
            own = json_texts(own) if checked else own
            name = f"texts{len(different)}"
            different[name] = pa.concat_arrays([own, pa.nulls(longest - len(own), own.type)])
            wanted += property_texts(name, list(column.properties), checked=checked)
        with (
            engine_errors(),
            closing(self.connection.cursor()) as beside,  # the transaction may be taking rows
            lent(beside, INCOMING, pa.table(different)),
        ):
            read = batches_of(beside, f"SELECT {', '.join(wanted)} FROM {INCOMING}", None, longest)
            found = iter(pa.concat_arrays(column.chunks) for column in read.read_all().columns)
        for column in columns:
            own = texts[column.physical]
            values = [next(found).slice(0, len(own)) for _ in column.properties]
            known = self._read.get(column.physical)
            if known is not None:
                own = pa.concat_arrays([known.texts, own])
                values = [pa.concat_arrays(pair) for pair in zip(known.properties, values)]
            self._read[column.physical] = _Read(own, values)

    def _incoming(self, table: StoredTable, arrays: dict[str, pa.Array]) -> Incoming:
        targets = list(map(identifier, arrays))
        values = list(targets)
        columns = [column for column in table.columns if column.properties and column.physical in arrays]
        few = self._properties_of_few(columns, arrays)
        for column in columns:
            targets += map(identifier, column.properties.values())
            taken = {name.casefold() for name in arrays}
            if column.physical in few:
                for place, array in enumerate(few[column.physical]):
                    name = physical_name(f"{column.physical} {place}", taken)
                    taken.add(name.casefold())
                    arrays = arrays | {name: array}
                    values.append(identifier(name))
                continue
            checked = column.type is Type.STRING
            read = column.physical
            if checked:
                read = physical_name(f"{read} as JSON", taken)
                arrays = arrays | {read: json_texts(arrays[column.physical])}
            values += property_texts(read, list(column.properties), checked=checked)
        # The engine's threads make copies of their rows and merge them, which takes twice the time of adding the rows to those of
        # the transaction one by one, and the reading of the next batch has use for the other core. A positional join cannot be
        # parted among threads; that with nothing gives the rows as they are. (So does RETURNING, but with a copy of them.)
        rows = f"SELECT {', '.join(values)} FROM {INCOMING} POSITIONAL JOIN range(0)"
        return Incoming(f"INSERT INTO {table.sql} ({', '.join(targets)}) {rows}", pa.table(arrays))

    def _insert(self, incoming: Incoming) -> None:
        with engine_errors(), lent(self.connection, INCOMING, incoming.rows):
            run(self.connection, incoming.sql)


@contextmanager
def writing(
    tables: Tables, table: str, connect: Callable[[], duckdb.DuckDBPyConnection]
) -> Iterator[tuple[TableWriter, duckdb.DuckDBPyConnection]]:
    """A transaction on one table: committed and published at the end of the block, undone whole on any exception."""
    with writing_all(tables, [table], connect) as (writers, connection):
        yield writers[table], connection


@contextmanager
def writing_all(
    tables: Tables, names: Iterable[str], connect: Callable[[], duckdb.DuckDBPyConnection]
) -> Iterator[tuple[dict[str, TableWriter], duckdb.DuckDBPyConnection]]:
    """A transaction on several tables: all are locked before it begins, in the order of their names, so that nobody waits in a ring."""
    ordered = sorted(set(names))
    with ExitStack() as held:
        for name in ordered:
            held.enter_context(tables.lock_of(name))
        connection = connect()
        held.callback(connection.close)
        with engine_errors():
            run(connection, "BEGIN TRANSACTION")
        try:
            writers = {name: TableWriter(tables, name, connection) for name in ordered}
            yield writers, connection
            with engine_errors(), tables.commits.committing(ordered):
                run(connection, "COMMIT")
        except BaseException:
            rolled_back(connection)
            raise
        for writer in writers.values():
            writer.draft.publish()


def create_dead_letter(tables: Tables, connect: Callable[[], duckdb.DuckDBPyConnection]) -> None:
    """Make the dead-letter table with all of its columns, so that later transactions on any table only add rows to it."""
    own = schema(DEAD_LETTER)
    if own is None or tables.get(DEAD_LETTER) is not None:
        return
    with writing(tables, DEAD_LETTER, connect) as (writer, _):
        writer.draft.materialise(
            [field.name for field in own if not field.name.startswith("_") or field.name == "_BilledSize"]
        )


def rolled_back(connection: duckdb.DuckDBPyConnection) -> None:
    """Undo a transaction that has failed."""
    try:
        run(connection, "ROLLBACK")
    except duckdb.Error:
        return  # the engine has undone it already, or lost the file; the first error is the one to tell
