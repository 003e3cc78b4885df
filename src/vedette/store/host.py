"""A workspace's tables as the binder and the engine see them."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final, Protocol

from vedette.engine.dialect import identifier
from vedette.kql.host import INGESTION_TIME, Field, Host, Items, SavedFunction, TableSchema
from vedette.kql.types import Type
from vedette.store import catalog
from vedette.store.content import WorkspaceContent
from vedette.store.physical import EXTRA, INGESTED, LOAD, ROW, absent
from vedette.store.retention.lake import Lake
from vedette.store.samples import sample
from vedette.store.tables import StoredTable, Tables, constant_of
from vedette.store.terms.index import TermIndex

EXTRA_FIELDS: Final = "$Extra"
"""The hidden dynamic field that `column_ifexists()` looks into."""

_ITEM_ID: Final = (
    "printf('%08x-%04x-%04x-%04x-%012x', {load} >> 32, ({load} >> 16) & 65535, {load} & 65535, "
    "({row} >> 48) & 65535, {row} & 281474976710655)"
).format(load=identifier(LOAD), row=identifier(ROW))


class WorkspaceHost:
    """The `Host` of one workspace: its stored tables, and the known tables that have no rows yet."""

    def __init__(
        self,
        name: str,
        tables: Tables,
        content: WorkspaceContent | None = None,
        lake: Lake | None = None,
        terms: TermIndex | None = None,
    ) -> None:
        self.name = name
        self._terms = terms
        self._tables = tables
        self._content = content or WorkspaceContent()
        self._lake = lake
        self._described: dict[str, tuple[StoredTable, object, TableSchema]] = {}

    def table(self, name: str) -> TableSchema | None:
        """The table of that name (case-sensitive), or None."""
        stored = self._tables.get(name)
        if stored is not None:
            known = self._described.get(name)
            seen = None if self._lake is None else self._lake.seen(name)
            if known is None or known[0] is not stored or known[1] != seen:
                schema = self._schema(stored)
                if self._lake is not None:
                    schema = replace(schema, tiers=self._lake.tiers(stored))
                known = self._described[name] = (stored, seen, schema)
            return known[2]
        return _known_schema(name)

    def _schema(self, stored: StoredTable) -> TableSchema:
        schema = _stored_schema(stored, self._tables.workspace_id)
        return schema if self._terms is None else replace(schema, terms=self._terms.lookup(stored))

    def table_names(self) -> Iterable[str]:
        """Every known table and every table with rows, sorted."""
        return sorted({*catalog.known_tables(), *self._tables.names()})

    def function(self, name: str) -> SavedFunction | None:
        """A function that the workspace saved, or that every workspace has."""
        return self._content.function(name)

    def function_names(self) -> Iterable[str]:
        """Every such function's name."""
        return self._content.function_names()

    def watchlist(self, alias: str, keys: Sequence[str] | None) -> Items | None:
        """A watchlist's items, or None without such a one."""
        return self._content.watchlist(alias, keys)

    def watchlist_aliases(self) -> Sequence[str]:
        """The alias of every watchlist."""
        return self._content.watchlist_aliases()

    def workspace(self, name: str) -> Host | None:
        """This workspace by its id; who may reach others sees a workspace through `Reaching`."""
        return self if name.lower() == self._tables.workspace_id.lower() else None


@functools.cache
def _known_schema(name: str) -> TableSchema | None:
    """A known table without rows; wildcards ask for all of them at once."""
    fields = catalog.schema(name)
    if fields is None:
        columns = sample(name)
        if columns is None:
            return None
        return TableSchema(name, tuple(Field(column, type_, column) for column, type_ in columns))
    return TableSchema(
        name, tuple(Field(field.name, field.type, field.name) for field in fields), internal=name in catalog.INTERNAL
    )


class Reach(Protocol):
    """The other workspaces that a caller may read."""

    def __call__(self, name: str) -> tuple[WorkspaceHost, object] | None:
        """A workspace by name or id with the source of its rows; None where there is none that the caller may see.

        Raises `Forbidden` for one that the caller sees and may not query.
        """


class Reaching:
    """A workspace as one caller sees it: with others within reach."""

    def __init__(self, host: WorkspaceHost, reach: Reach, owner: object | None = None) -> None:
        self.name = host.name
        self._host = host
        self._reach = reach
        self._owner = owner

    def table(self, name: str) -> TableSchema | None:
        """A table; one of another workspace says whose its rows are."""
        table = self._host.table(name)
        if table is None or table.source is None or self._owner is None:
            return table
        fields = tuple(replace(field, properties=()) if field.properties else field for field in table.fields)
        return replace(table, owner=self._owner, fields=fields, terms=None)

    def table_names(self) -> Iterable[str]:
        """Every known table and every table with rows, sorted."""
        return self._host.table_names()

    def function(self, name: str) -> SavedFunction | None:
        """A function of the workspace."""
        return self._host.function(name)

    def function_names(self) -> Iterable[str]:
        """Every such function's name."""
        return self._host.function_names()

    def watchlist(self, alias: str, keys: Sequence[str] | None) -> Items | None:
        """A watchlist of the workspace."""
        return self._host.watchlist(alias, keys)

    def watchlist_aliases(self) -> Sequence[str]:
        """The alias of every watchlist."""
        return self._host.watchlist_aliases()

    def workspace(self, name: str) -> Host | None:
        """A workspace by name or id."""
        if self._host.workspace(name) is not None:
            return self
        found = self._reach(name)
        return None if found is None else Reaching(found[0], self._reach, found[1])


def _stored_schema(table: StoredTable, workspace_id: str) -> TableSchema:
    """The table's fields, and a source in which each of them has a name: columns that were never filled are constants there."""
    fields: list[Field] = []
    for field in table.fields:
        stored = table.stored.get(field.name)
        physical = field.name if stored is None else stored.physical
        sql = _computed(field, table, workspace_id, None if stored is None else identifier(stored.physical))
        kept = {} if stored is None or sql is not None else stored.properties
        properties = tuple((path, identifier(name)) for path, name in kept.items())
        fields.append(Field(field.name, field.type, physical, sql=sql, properties=properties))
    fields.append(Field(INGESTION_TIME, Type.DATETIME, INGESTED, hidden=True))
    fields.append(Field(EXTRA_FIELDS, Type.DYNAMIC, EXTRA, hidden=True))
    return TableSchema(table.name, tuple(fields), table.sql, dict(table.extra), table.name in catalog.INTERNAL)


def _computed(field: catalog.Field, table: StoredTable, workspace_id: str, stored: str | None) -> str | None:
    """SQL of a column that is not simply stored, or None for one that is."""
    if field.name == "_ItemId" and field.type is Type.STRING:
        return _ITEM_ID if stored is None else f"coalesce(nullif({stored}, ''), {_ITEM_ID})"
    if field.name == "_TimeReceived" and field.type is Type.DATETIME:
        return identifier(INGESTED) if stored is None else f"coalesce({stored}, {identifier(INGESTED)})"
    if stored is not None:
        return None
    return constant_of(field, table.name, workspace_id) or absent(field.type)
