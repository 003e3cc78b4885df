"""Which tables a store holds: the catalogue in its DuckDB file, and how each KQL column lies there.

A known table has hundreds of columns of which real rows fill some dozens, so a column is made in DuckDB when a first value for it
comes. Until then, and in rows from before, it reads as what an absent value is.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final

import duckdb
import pyarrow as pa

from vedette.engine.dialect import SQL_TYPES, identifier, quote
from vedette.kql.types import TYPE_NAMES, Type
from vedette.store import catalog
from vedette.store.catalog import Field
from vedette.store.commits import Commits
from vedette.store.inference import shared_type
from vedette.store.physical import HIDDEN, LOGS, absent, physical_name
from vedette.store.properties import PropertyPath, as_written, frequent_properties, holds_json, written
from vedette.store.statements import lent, run

_NOTES: Final = "notes"

CATALOGUE: Final = """
CREATE SCHEMA IF NOT EXISTS store_catalog;
CREATE SCHEMA IF NOT EXISTS log_tables;
CREATE TABLE IF NOT EXISTS store_catalog.meta (name VARCHAR, value VARCHAR);
CREATE TABLE IF NOT EXISTS store_catalog.tables (name VARCHAR, physical VARCHAR);
CREATE TABLE IF NOT EXISTS store_catalog.columns (
    table_name VARCHAR, ordinal INTEGER, name VARCHAR, type VARCHAR, physical VARCHAR, declared BOOLEAN
);
CREATE TABLE IF NOT EXISTS store_catalog.properties (
    table_name VARCHAR, column_name VARCHAR, path VARCHAR[], physical VARCHAR
);
CREATE TABLE IF NOT EXISTS store_catalog.extra_fields (table_name VARCHAR, name VARCHAR, type VARCHAR);
CREATE TABLE IF NOT EXISTS store_catalog.loads (
    id BIGINT, table_name VARCHAR, source VARCHAR, sha256 VARCHAR, bytes BIGINT, rows BIGINT, stamped BIGINT, bad BIGINT,
    drifted VARCHAR, loaded_at BIGINT
);
CREATE TABLE IF NOT EXISTS store_catalog.arrivals (
    load BIGINT, table_name VARCHAR, first_row BIGINT, last_row BIGINT, arrived_at BIGINT
);
CREATE TABLE IF NOT EXISTS store_catalog.spooled (table_name VARCHAR, number BIGINT);
CREATE TABLE IF NOT EXISTS store_catalog.unindexed (table_name VARCHAR, column_name VARCHAR);
CREATE TABLE IF NOT EXISTS store_catalog.record_ids (table_name VARCHAR, id HUGEINT, taken_at BIGINT);
"""
"""Rows are only ever added (and columns replaced when one is added by hand), so that writers of different tables never conflict.

`spooled` has the number of the last batch of the spool whose rows a table has; its greatest counts, and the intake alone, which is
one thread, writes it and deletes what is behind. The same holds for the ids of records.
"""


@dataclass(frozen=True, slots=True)
class StoredColumn:
    """A column that DuckDB has, or that was declared for this table beyond the shipped schema."""

    name: str
    type: Type
    physical: str
    declared: bool
    """Part of the schema because of this store (inferred, or added by hand), not because it ships."""
    properties: Mapping[PropertyPath, str] = field(default_factory=dict)
    """Of a column of JSON: the DuckDB columns that hold the texts of properties (`store.properties`)."""


@dataclass(frozen=True)
class StoredTable:
    """A table with rows. Immutable: a change makes a new one, so that readers need no lock."""

    name: str
    physical: str
    columns: tuple[StoredColumn, ...] = ()
    extra: Mapping[str, Type] = field(default_factory=dict)
    """Fields in the hidden column."""

    @cached_property
    def stored(self) -> dict[str, StoredColumn]:
        """The columns that DuckDB has, by their KQL names."""
        return {column.name: column for column in self.columns}

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """The KQL schema: shipped columns, or the declared and then the standard ones; types are those that rows are stored in."""
        declared = [Field(column.name, column.type) for column in self.columns if column.declared]
        shipped = catalog.schema(self.name)
        if shipped is None:
            return catalog.complete(declared)
        known = {field.name for field in shipped}
        fields = shipped + tuple(field for field in declared if field.name not in known)
        return tuple(
            Field(field.name, self.stored[field.name].type) if field.name in self.stored else field for field in fields
        )

    @cached_property
    def types(self) -> dict[str, Type]:
        """The type of each column of the schema."""
        return {field.name: field.type for field in self.fields}

    @property
    def sql(self) -> str:
        """The DuckDB table, as SQL names it."""
        return f"{LOGS}.{identifier(self.physical)}"


class Tables:
    """The tables of one store. Writers of one table take turns by `lock_of`; what a writer did is seen after `publish`."""

    def __init__(self, workspace_id: str) -> None:
        self.workspace_id = workspace_id
        self.commits = Commits()
        self._tables: dict[str, StoredTable] = {}
        self._guard = threading.Lock()
        self._locks: dict[str, threading.RLock] = {}

    def read(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Take over what the file's catalogue says."""
        self.commits.all_changed()
        properties: dict[tuple[str, str], dict[PropertyPath, str]] = {}
        for table, column, path, physical in run(
            connection, "SELECT table_name, column_name, path, physical FROM store_catalog.properties ORDER BY rowid"
        ):
            properties.setdefault((table, column), {})[as_written(path)] = physical
        columns: dict[str, list[StoredColumn]] = {}
        for table, name, kind, physical, declared in run(
            connection,
            "SELECT table_name, name, type, physical, declared FROM store_catalog.columns ORDER BY table_name, ordinal",
        ):
            own = properties.get((table, name), {})
            columns.setdefault(table, []).append(StoredColumn(name, TYPE_NAMES[kind], physical, declared, own))
        seen: dict[str, dict[str, set[Type]]] = {}
        for table, name, kind in run(connection, "SELECT table_name, name, type FROM store_catalog.extra_fields"):
            seen.setdefault(table, {}).setdefault(name, set()).add(TYPE_NAMES[kind])
        found = run(connection, "SELECT name, physical FROM store_catalog.tables")
        with self._guard:
            self._tables = {
                name: StoredTable(
                    name,
                    physical,
                    tuple(columns.get(name, ())),
                    {extra: shared_type(kinds) for extra, kinds in seen.get(name, {}).items()},
                )
                for name, physical in found
            }

    def get(self, name: str) -> StoredTable | None:
        """The table of that name, if it has ever had rows."""
        return self._tables.get(name)

    def names(self) -> list[str]:
        """The tables that have had rows, sorted."""
        return sorted(self._tables)

    def lock_of(self, name: str) -> threading.RLock:
        """Held by whoever writes to the table."""
        with self._guard:
            return self._locks.setdefault(name, threading.RLock())

    def publish(self, table: StoredTable) -> None:
        """Let everybody see the table as a committed transaction left it."""
        with self._guard:
            self._tables = {**self._tables, table.name: table}

    def physical_table_name(self, name: str) -> str:
        """A DuckDB name for a new table."""
        return physical_name(name, {table.physical.casefold() for table in self._tables.values()})


class TableDraft:
    """A table as a transaction is changing it. The caller holds the table's lock and runs the transaction."""

    def __init__(self, tables: Tables, name: str, connection: duckdb.DuckDBPyConnection) -> None:
        self._tables = tables
        self._connection = connection
        existing = tables.get(name)
        self.is_new = existing is None
        self.table = existing or StoredTable(name, tables.physical_table_name(name))
        self._exists = not self.is_new
        self._changed = False
        self._fresh: set[str] = set()

    def declare(self, fields: Iterable[Field]) -> None:
        """Make these columns part of the schema, in this order, after those that it has; and the table, if it is new."""
        self._add([field for field in fields if field.name not in self.table.types], declared=True)

    def materialise(self, names: Iterable[str]) -> None:
        """Make DuckDB columns for those of the schema's columns that have none yet; and the table, if it is new."""
        types = self.table.types
        self._add([Field(name, types[name]) for name in names if name not in self.table.stored], declared=False)

    def keep_properties(self, arrays: Mapping[str, pa.Array]) -> None:
        """Make columns for the frequent properties of those columns of JSON that this transaction made, before their first rows."""
        for name in [name for name in arrays if name in self._fresh]:
            self._fresh.discard(name)
            if self.table.types[name] is Type.STRING and not holds_json(arrays[name]):
                continue
            paths = frequent_properties(arrays[name])
            if not paths:
                continue
            taken = self._taken()
            kept: dict[PropertyPath, str] = {}
            for path in paths:
                kept[path] = physical_name(".".join([name, *map(str, path)]), taken)
                taken.add(kept[path].casefold())
                run(self._connection, f"ALTER TABLE {self.table.sql} ADD COLUMN {identifier(kept[path])} VARCHAR")
            columns: dict[str, list[object]] = {
                "path": [written(path) for path in kept],
                "physical": list(kept.values()),
            }
            self._note("properties", {**self._named(len(kept)), "column_name": [name] * len(kept), **columns})
            stored = (replace(each, properties=kept) if each.name == name else each for each in self.table.columns)
            self._replace(columns=tuple(stored))

    def _taken(self) -> set[str]:
        """The folded names of all columns that DuckDB has."""
        taken = {name.casefold() for name in HIDDEN}
        for column in self.table.columns:
            taken |= {column.physical.casefold(), *(name.casefold() for name in column.properties.values())}
        return taken

    def takes(self, names: Iterable[str], found: Mapping[str, set[Type]]) -> bool:
        """Whether rows with these columns, and with these fields in the hidden column, need nothing made or noted."""
        stored = self.table.stored
        return all(name in stored and name not in self._fresh for name in names) and not self._newly_extra(found)

    def note_extra(self, found: Mapping[str, set[Type]]) -> None:
        """Remember the fields that went into the hidden column."""
        changed = self._newly_extra(found)
        if changed:
            types: list[object] = [kind.value for kind in changed.values()]
            self._note("extra_fields", {**self._named(len(changed)), "name": list(changed), "type": types})
            self._replace(extra={**self.table.extra, **changed})

    def _newly_extra(self, found: Mapping[str, set[Type]]) -> dict[str, Type]:
        """The fields that the hidden column has not had, or not of this type."""
        changed: dict[str, Type] = {}
        for name, kinds in found.items():
            known = self.table.extra.get(name)
            merged = shared_type(kinds | {known}) if known is not None else shared_type(kinds)
            if merged is not known:
                changed[name] = merged
        return changed

    def forget_extra(self, name: str) -> None:
        """The field is not in the hidden column any more."""
        run(
            self._connection,
            "DELETE FROM store_catalog.extra_fields WHERE table_name = ? AND name = ?",
            [self.table.name, name],
        )
        self._replace(extra={other: kind for other, kind in self.table.extra.items() if other != name})

    def publish(self) -> None:
        """After the commit: let everybody see it."""
        if self._changed:
            self._tables.publish(self.table)

    def _note(self, table: str, columns: dict[str, list[object]]) -> None:
        """Add rows to a table of the store's own catalogue."""
        with lent(self._connection, _NOTES, pa.table(columns)):
            run(self._connection, f"INSERT INTO store_catalog.{table} BY NAME SELECT * FROM {_NOTES}")

    def _replace(self, **changes: object) -> None:
        self.table = replace(self.table, **changes)  # type: ignore[arg-type]
        self._changed = True

    def _named(self, count: int) -> dict[str, list[object]]:
        return {"table_name": [self.table.name] * count}

    def _add(self, fields: list[Field], *, declared: bool) -> None:
        if not fields:
            return
        taken = self._taken()
        added: list[StoredColumn] = []
        definitions: list[str] = []
        for field_ in fields:
            physical = physical_name(field_.name, taken)
            taken.add(physical.casefold())
            added.append(StoredColumn(field_.name, field_.type, physical, declared))
            if field_.type in (Type.DYNAMIC, Type.STRING):
                self._fresh.add(field_.name)
            default = self._default(field_)
            definition = f"{identifier(physical)} {SQL_TYPES[field_.type]}"
            definitions.append(f"{definition} DEFAULT {default}" if default else definition)
        if self._exists:
            for definition in definitions:
                run(self._connection, f"ALTER TABLE {self.table.sql} ADD COLUMN {definition}")
        else:
            self._create(definitions)
        first = len(self.table.columns)
        self._note(
            "columns",
            {
                **self._named(len(added)),
                "ordinal": list(range(first, first + len(added))),
                "name": [column.name for column in added],
                "type": [column.type.value for column in added],
                "physical": [column.physical for column in added],
                "declared": [declared] * len(added),
            },
        )
        self._replace(columns=(*self.table.columns, *added))

    def _create(self, definitions: list[str]) -> None:
        hidden = [f"{identifier(name)} {SQL_TYPES[kind]}" for name, kind in HIDDEN.items()]
        run(self._connection, f"CREATE TABLE {self.table.sql} ({', '.join([*hidden, *definitions])})")
        run(self._connection, "INSERT INTO store_catalog.tables VALUES (?, ?)", [self.table.name, self.table.physical])
        self._exists = True

    def _default(self, field_: Field) -> str | None:
        constant = constant_of(field_, self.table.name, self._tables.workspace_id)
        if constant is not None:
            return constant
        return absent(field_.type) if field_.type is Type.STRING else None


def constant_of(field_: Field, table: str, workspace_id: str) -> str | None:
    """SQL of what every row has in a column that rows seldom bring themselves, or None for any other column."""
    if field_.type is Type.STRING:
        if field_.name == "Type":
            return quote(table)
        if field_.name == "TenantId":
            return quote(workspace_id)
    return None
