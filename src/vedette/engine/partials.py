"""Queries whose results over parts of their time can be kept and put together: the rewrite `kept-partials`.

`T | operators that look at one row | summarize … | anything`, over a time that advances: what `summarize` makes of a stretch of time
does not change while the rows of the stretch do not. The summarize becomes two. The first makes *partial* rows, bin by bin of time:
for each group what can be put together, a sum for a sum, and the different values of what counts or lists different values. The second
makes of the partial rows of all bins what the query asks for. Who keeps partial rows, and knows when they are still those of the
stored rows, is the store's part (`Keeping`).

What the two rounds are, and which aggregates are kept, is in `engine.partial_plan`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Protocol

import duckdb

from vedette import __version__
from vedette.engine.batches import batches_of
from vedette.engine.dialect import SQL_TYPES, identifier
from vedette.engine.given import Surroundings
from vedette.engine.neighbours import conjuncts
from vedette.engine.partial_plan import BIN, COUNT, FIRST_COLUMN, Bins, Plan, is_steady, ref_to
from vedette.engine.relations import Rel, name_of
from vedette.engine.term_candidates import REWRITE as TERM_INDEX
from vedette.engine.tiers import Tiered, comparisons
from vedette.engine.walking import expressions_of, relations_inside
from vedette.kql.binder.operators.mv_expand import MvExpand
from vedette.kql.binder.operators.parse import Parse
from vedette.kql.binder.operators.parse_kv import ParseKv
from vedette.kql.binder.operators.project import Project
from vedette.kql.binder.operators.sort import Sort
from vedette.kql.binder.operators.summarize import Summarize
from vedette.kql.binder.operators.where import Where
from vedette.kql.bound import (
    Column,
    Known,
    Relation,
    Scan,
)
from vedette.kql.node import fact, node
from vedette.kql.types import Type

if TYPE_CHECKING:
    import pyarrow as pa

    from vedette.engine.compiler import Compiled, Compiler
    from vedette.engine.given import Given

REWRITE: Final = "kept-partials"
_ROWS: Final = 20_480
_ROW_BY_ROW: Final = Where | Project | Parse | ParseKv | MvExpand | Sort


class Keeping(Protocol):
    """Who keeps partial rows, for one run of a query."""

    @property
    def bins(self) -> Bins: ...

    def wanted(self, table: str, key: str) -> bool:
        """Whether keeping the partial rows of a query (told by its key) is worth trying."""
        ...

    def rows(self, connection: duckdb.DuckDBPyConnection, work: Work, lower: int, upper: int) -> pa.Table:
        """The partial rows of a time [lower, upper): kept ones, and those that `work` makes now.

        The connection is within a transaction, so that all that is asked there is of one state of the tables.
        """
        ...


@node
class Work:
    """What makes partial rows, and what tells whether kept ones are still right."""

    key: str
    table: str
    source: str
    """SQL of the stored table."""
    moment: str
    """SQL of its column TimeGenerated."""
    tiers: Tiered | None
    columns: tuple[tuple[str, str], ...]
    """The name and SQL type of each column of the partial rows."""
    make: Callable[[int, int], pa.Table]
    """The partial rows of the stored rows of a time [from, to)."""


@fact
class PartialRows:
    """The partial rows that a statement reads; put there when it runs."""

    name: str
    keeping: Keeping
    key: str
    scan: Scan
    moment: str
    statement: Compiled
    columns: tuple[tuple[str, str], ...]
    lower: tuple[str, ...]
    upper: tuple[str, ...]
    """SQL of the bounds that conditions set: ticks, the upper one exclusive."""

    def install(self, connection: duckdb.DuckDBPyConnection, around: Surroundings) -> None:
        """Has the rows found or made, and makes them known to the connection."""
        lower, upper = _bounds(connection, self, around)
        table = self.scan.table
        assert table.source is not None

        def make(first: int, last: int) -> pa.Table:
            return _made(connection, self, around, first, last)

        tiers = table.tiers if isinstance(table.tiers, Tiered) else None
        work = Work(self.key, table.name, table.source, self.moment, tiers, self.columns, make)
        connection.register(self.name, self.keeping.rows(connection, work, lower, max(lower, upper)))


def _bounds(connection: duckdb.DuckDBPyConnection, rows: PartialRows, around: Surroundings) -> tuple[int, int]:
    asked = [*rows.lower, *rows.upper]
    text = f"SELECT {', '.join(asked)}"
    values = {name: value for name, value in around.values.items() if f"${name}" in text}
    (found,) = connection.execute(text, values or None).fetchall()
    if any(value is None for value in found):
        return 0, 0  # no time is before or after null
    count = len(rows.lower)
    return max(map(int, found[:count])), min(map(int, found[count:]))


def _made(
    connection: duckdb.DuckDBPyConnection, rows: PartialRows, around: Surroundings, first: int, last: int
) -> pa.Table:
    values = {**around.values, "range_from": first, "range_to": last}
    inside = Surroundings(rows.statement.used, values, around.external)
    for given in rows.statement.given:
        given.install(connection, inside)
    bound: dict[str, object] = {"range_from": first, "range_to": last}
    return batches_of(connection, rows.statement.sql, bound, _ROWS).read_all()


def from_kept(compiler: Compiler, summarize: Summarize) -> Rel | None:
    """The groups out of partial rows; None where that is not provably the same, or nobody keeps them."""
    keeping = compiler.keeping
    if keeping is None or not compiler.timespan or compiler.root is None:
        return None
    rows = _row_by_row(compiler, summarize.input)
    if rows is None:
        return None
    scan, moment, steps = rows
    plan = Plan(
        compiler, moment, keeping.bins, FIRST_COLUMN + 10_000 * sum(isinstance(g, PartialRows) for g in compiler.given)
    )
    final = plan.final(summarize)
    if final is None:
        return None
    input_, lower, upper = _without_times(compiler, scan, moment, steps)
    if not all(_steady(step) for step in _chain(input_)):
        return None
    key = _key(compiler, plan, input_)
    if key is None or not keeping.wanted(scan.table.name, key):
        return None
    if not compiler.sql.may(REWRITE):
        return None
    # what the term index tells is true at the moment of compiling; the rows that are kept are those of the transaction that begins later
    statement = plan.statement(compiler.beside(without=TERM_INDEX), input_)
    compiler.sql.row_functions.update({use.key: use for use in statement.row_functions})
    columns = tuple((name_of(one), SQL_TYPES[one.type]) for one in plan.columns)
    field = scan.table.fields[scan.columns.index(moment)]
    name = compiler.fresh("p")
    given: Given = PartialRows(
        name, keeping, key, scan, field.sql or identifier(field.physical), statement,
        ((BIN, "BIGINT"), (COUNT, "BIGINT"), *columns), ("$range_from", *lower), ("$range_to", *upper),
    )  # fmt: skip
    compiler.parameters |= {"range_from", "range_to"}
    compiler.given.append(given)
    mark = compiler.scan_mark([(column, f"CAST({column} AS {kind})") for column, kind in columns])
    assert isinstance(final.input, Known)
    compiler.replace(final.input, Rel(f"(SELECT {mark} FROM {name})", final.input.columns))
    return compiler.rel(final)


def _key(compiler: Compiler, plan: Plan, input_: Relation) -> str | None:
    """Names the partial rows of a query: its SQL without what changes from run to run, and the versions that gave it a meaning."""
    plain = compiler.beside(plain=True)
    made = plan.statement(plain, input_)
    if not made.parameters <= {"range_from", "range_to"} or made.stages:
        return None
    if any(type(given).__name__ != "TieredRows" for given in made.given):
        return None
    names = [f"{one.id} {one.type}" for one in plan.columns]
    parts = [__version__, duckdb.__version__, repr(plan.bins), made.sql, *sorted(made.used), *names]
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


# -- the rows that are read


def _row_by_row(compiler: Compiler, relation: Relation) -> tuple[Scan, Column, list[Relation]] | None:
    """The table below operators that look at one row each, its TimeGenerated, and the operators from the last to the first."""
    steps: list[Relation] = []
    while not isinstance(relation, Scan):
        if not isinstance(relation, _ROW_BY_ROW) or compiler.given_for(relation):
            return None
        if isinstance(relation, MvExpand) and (relation.limit is not None or relation.groups):
            return None
        if isinstance(relation, Sort) and relation.count is not None:
            return None
        steps.append(relation)
        relation = relation.input
    table = relation.table
    if compiler.given_for(relation) or table.source is None or table.owner is not None:
        return None
    moment = next((one for one in relation.columns if one.name == "TimeGenerated" and one.type is Type.DATETIME), None)
    return None if moment is None else (relation, moment, steps)


def _without_times(
    compiler: Compiler, scan: Scan, moment: Column, steps: list[Relation]
) -> tuple[Relation, list[str], list[str]]:
    """The rows without those conditions that only bound TimeGenerated, which goes along to the end; and SQL of the bounds."""
    lower: list[str] = []
    upper: list[str] = []
    made: Relation = scan
    for step in reversed(steps):
        if isinstance(step, Sort):
            continue  # no aggregate that is kept asks for an order
        columns = step.columns if moment in step.columns else (*step.columns, moment)
        if isinstance(step, Where):
            for condition in conjuncts(step.predicate):
                found = comparisons(condition, moment)
                if not found:
                    made = Where(columns, made, condition)
                for op, value in found:
                    text = compiler.emitter.emit(value).sql
                    if op in (">", ">=", "=="):
                        lower.append(f"({text}) + 1" if op == ">" else text)
                    if op in ("<", "<=", "=="):
                        upper.append(text if op == "<" else f"({text}) + 1")
        elif isinstance(step, Project) and not step.keeps:
            made = replace(step, columns=columns, input=made, values=[*step.values, (moment, ref_to(moment))])
        else:
            assert isinstance(step, _ROW_BY_ROW)
            made = replace(step, columns=columns, input=made)
    return made, lower, upper


def _chain(relation: Relation) -> Iterator[Relation]:
    while not isinstance(relation, Scan):
        yield relation
        assert isinstance(relation, _ROW_BY_ROW)
        relation = relation.input


def _steady(step: Relation) -> bool:
    """Whether a step gives a row the same at every time: nothing of other rows, of chance, of the clock, or of what is elsewhere."""
    assert isinstance(step, _ROW_BY_ROW)
    inside = [one for one in relations_inside(step) if one is not step.input]
    return not inside and all(is_steady(value) for value in expressions_of(step))
