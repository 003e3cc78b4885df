"""A query that is compiled once and run again and again, over rows that are handed to it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

import pyarrow as pa

from vedette.engine.compiler import Compiled
from vedette.engine.query import Limits, QueryEngine, QueryOptions, Run
from vedette.engine.relations import name_of
from vedette.kql.binder.operators.project import Project
from vedette.kql.binder.operators.where import Where
from vedette.kql.bound import Column, ColumnRef, Relation
from vedette.kql.diagnostics import KqlError
from vedette.kql.host import Host

_ALL: Final = 2**40
NO_WATCHLIST: Final = "VDT1010"
"""The code of the warning that there is no watchlist of a name."""


class Prepared:
    """One compiled query. `columns` are those that it shows; `hidden` of those that it carries along, by name."""

    def __init__(self, engine: QueryEngine, text: str, host: Host, now: datetime, hidden: tuple[str, ...] = ()) -> None:
        """Binds and compiles. Raises KqlError for a text that cannot be accepted."""
        self._engine = engine
        self._host = host
        run = Run(engine, QueryOptions(now, limits=_unlimited(600.0), host=host))
        self._number = run.number
        bound = run.bound(text)
        missing = [one for one in bound.warnings if one.code == NO_WATCHLIST]
        if missing:  # its rows would change in silence, and again when there is one
            raise KqlError(text, [replace(one, severity="Error") for one in missing])
        relation = bound.results[0]
        self.columns = relation.visible
        carried = (_carried(relation, name) for name in hidden)
        self.hidden = tuple(column for column in carried if column is not None)
        self._compiled = _with_columns(run, relation, (*self.columns, *self.hidden))
        engine.register(self._compiled)

    @property
    def given(self) -> bool:
        """Whether it has rows in it that the host gave when it was compiled."""
        return bool(self._compiled.given)

    def reads(self, physical: str) -> bool:
        """Whether the statement names a column of the rows handed to it."""
        return re.search(rf"\b{re.escape(physical)}\b", self._compiled.sql) is not None

    def run(self, tables: Mapping[str, pa.Table], now: datetime, seconds: float) -> pa.Table:
        """All rows, over some tables by their names in the engine. Raises QueryFailed."""
        run = Run(self._engine, QueryOptions(now, limits=_unlimited(seconds), host=self._host), self._number)
        try:
            for name, table in tables.items():
                run.connection.register(name, table)
            return run.table(self._compiled)[0]
        finally:
            run.connection.close()


def _unlimited(seconds: float) -> Limits:
    return Limits(rows=_ALL, bytes=_ALL, seconds=seconds)


def _carried(relation: Relation, name: str) -> Column | None:
    """A hidden column of the rows, carried through projections; None where something else drops it on the way."""
    own = next((column for column in relation.columns if column.hidden and column.name == name), None)
    if own is not None or not isinstance(relation, Project | Where):
        return own
    inner = _carried(relation.input, name)
    if inner is not None:
        relation.columns = (*relation.columns, inner)
        if isinstance(relation, Project):
            relation.values.append((inner, ColumnRef(inner.type, inner)))
    return inner


def _with_columns(run: Run, relation: Relation, columns: tuple[Column, ...]) -> Compiled:
    """The statement of a relation with those of its columns, hidden ones too."""
    compiler = run.compiler()
    compiler.root = relation
    base = compiler.rel(relation).wrapped()
    text = f"SELECT {', '.join(name_of(column) for column in columns) or '1'} FROM {base.source}"
    if base.where:
        text += " WHERE " + " AND ".join(base.where)
    return compiler.finished(text, columns)
