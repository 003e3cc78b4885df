"""One statement that looks at the rows of a table for many queries at once: whether any row meets what each of them needs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from vedette.engine.compiler import Compiled, Compiler
from vedette.engine.dialect import RowFunctionUse, identifier
from vedette.engine.needs import AllOf, Meets, Need
from vedette.engine.property_columns import property_items
from vedette.engine.relations import name_of
from vedette.engine.rewrites import ALL_REWRITES
from vedette.engine.term_candidates import REWRITE as TERM_INDEX
from vedette.engine.tiers import comparisons
from vedette.kql.binder.operators.where import Where
from vedette.kql.bound import Apply, Cast, Column, ColumnRef, Constant, Expr, InList, ParameterRef, Path, Scan, children
from vedette.kql.diagnostics import KqlError
from vedette.kql.node import fact
from vedette.kql.types import Type

REWRITE: Final = "shared-scan"
"""The name under which looks can be switched off (`engine.rewrites`)."""
_COLUMN: Final = re.compile(r"\bc\d+(?:_\d+)?\b")
_RUN: Final = 2**62 - 1
"""Stands in a condition for the number of the run that looks."""
_MARKER: Final = re.compile(rf"""'(?:[^']|'')*'|"(?:[^"]|"")*"|\$now\b|\b{_RUN}\b""")
_QUOTED: Final = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*\"""")
_LONGEST: Final = 8_000
"""Characters of SQL of one condition; a longer one is left out."""
FIRST: Final = -(2**62)
"""A time (ticks) before all others."""
_LAST: Final = 2**62


@fact
class Wanted:
    """Rows of one table as one query needs them, in SQL over columns that are named by their place in the table."""

    table: str
    source: str
    items: tuple[tuple[str, str], ...]
    """The columns that are read: their names, and the SQL that gives them."""
    condition: str
    """In it `$now` stands for the query's now(), and another mark for the run that asks."""
    functions: tuple[RowFunctionUse, ...]
    """The row functions that it calls, of few rows."""
    moment: str | None
    """The name of the column that the time range of a query holds."""
    bounds: tuple[tuple[str, int | None, int], ...]
    """What the condition says of that column: a comparison, and a moment in ticks, counted from now() where the first is None."""

    def between(self, start: int, end: int, now: int) -> tuple[int, int]:
        """The times, in ticks, from which up to which such a row can be, for a query over [start, end)."""
        if self.moment is None:
            return FIRST, _LAST
        for op, fixed, offset in self.bounds:
            bound = offset + (now if fixed is None else fixed)
            if op in (">", ">=", "=="):
                start = max(start, bound)
            if op in ("<", "<=", "=="):
                end = min(end, bound + 1)
        return start, end

    def at(self, now: int, run: int) -> str:
        """The condition for a query whose now() is that, asked by the run of a number."""
        put = {"$now": f"CAST({now} AS BIGINT)", str(_RUN): str(run)}
        return _MARKER.sub(lambda found: put.get(found[0], found[0]), self.condition)


@fact
class Formula:
    """Every part of it, or one at least."""

    every: bool
    parts: tuple[Formula | int, ...]


@fact
class Look:
    """A part of a statement: a condition, and the times (ticks) of the rows that it is asked of."""

    wanted: Wanted
    condition: str
    start: int
    end: int

    @property
    def key(self) -> tuple[str, int, int]:
        """What tells it from the other looks of one statement."""
        return self.condition, self.start, self.end


def wanted(need: Meets) -> Wanted:
    """What a query needs of a table as SQL. Conditions that the engine cannot look at row by row are left out."""
    table = replace(need.scan.table, terms=None)
    columns = tuple(Column(place + 1, column.name, column.type) for place, column in enumerate(need.scan.columns))
    scan = Scan(columns, table)
    own = dict(zip((column.id for column in need.scan.columns), columns, strict=True))
    moment = next(
        (column for column, field in zip(columns, table.fields, strict=True)
         if field.name == "TimeGenerated" and field.type is Type.DATETIME), None,
    )  # fmt: skip
    texts: list[str] = []
    functions: dict[str, RowFunctionUse] = {}
    bounds: list[tuple[str, int | None, int]] = []
    for condition in need.conditions:
        here = _over(condition, own)
        text = _sql(scan, here, functions)
        if text is not None:
            texts.append(text)
        if moment is not None:
            for op, value in comparisons(here, moment):
                if (at := _moment(value)) is not None:
                    bounds.append((op, *at))
    # comparisons of columns first: they leave few rows to the others
    texts.sort(key=len)
    used = set(_COLUMN.findall(" ".join(texts)))
    when = None if moment is None else name_of(moment)
    given = [
        (name_of(column), field.sql or identifier(field.physical))
        for column, field in zip(columns, table.fields, strict=True)
    ]
    items = tuple((name, sql) for name, sql in [*given, *property_items(scan)] if name in used or name == when)
    assert table.source is not None
    whole = " AND ".join(texts) or "true"
    return Wanted(table.name, table.source, items, whole, tuple(functions.values()), when, tuple(bounds))


def statement(looks: Sequence[Look]) -> Compiled:
    """A statement of one row: for each look (all of one table) whether a row meets it."""
    first = looks[0].wanted
    items = {name: sql for look in looks for name, sql in look.wanted.items}
    start, end = min(look.start for look in looks), max(look.end for look in looks)
    within = ""
    if first.moment is not None:
        when = items[first.moment]
        within = f" WHERE {when} >= {start} AND {when} < {end}"
    columns = ", ".join(f"{sql} AS {name}" for name, sql in items.items()) or "1 AS one"
    rows = f"(SELECT {columns} FROM {first.source}{within})"
    conditions = []
    for look in looks:
        parts = [look.condition]
        if first.moment is not None and look.start > start:
            parts.insert(0, f"{first.moment} >= {look.start}")
        if first.moment is not None and look.end < end:
            parts.insert(0, f"{first.moment} < {look.end}")
        conditions.append(" AND ".join(parts))
    if len(conditions) == 1:  # the first row ends it, and statistics of the stored rows leave out most of them
        text = f"SELECT EXISTS (SELECT 1 FROM {rows} WHERE {conditions[0]})"
    else:
        # in CASE a condition is asked as in WHERE, the rest of it only of rows that meet what stands before; in FILTER it is not
        text = f"SELECT {', '.join(f'bool_or(CASE WHEN {one} THEN true END)' for one in conditions)} FROM {rows}"
    functions = {use.key: use for look in looks for use in look.wanted.functions}
    return Compiled(text, (), set(), list(functions.values()))


def met(formula: Formula | int, found: Sequence[bool | None]) -> bool | None:
    """Whether what is needed is there, by what was found of each of its rows (by their places); None: not known yet."""
    if isinstance(formula, int):
        return found[formula]
    parts = [met(part, found) for part in formula.parts]
    decisive = not formula.every
    if decisive in parts:
        return decisive
    return None if None in parts else not decisive


def formula_of(need: Need, places: Mapping[int, int]) -> Formula | int:
    """What a query needs in terms of the places of its rows, by the id of each `Meets`."""
    if isinstance(need, Meets):
        return places[id(need)]
    return Formula(isinstance(need, AllOf), tuple(formula_of(part, places) for part in need.parts))


def _over(value: Expr, own: dict[int, Column]) -> Expr:
    """An expression over a scan as one over the columns that are named by their places."""
    if isinstance(value, ColumnRef):
        return replace(value, column=own[value.column.id])
    match value:
        case Apply():
            return replace(value, args=[_over(each, own) for each in value.args])
        case Cast():
            return replace(value, operand=_over(value.operand, own))
        case Path():
            return replace(value, target=_over(value.target, own))
        case InList():
            items, arrays = ([_over(each, own) for each in some] for some in (value.items, value.arrays))
            return replace(value, left=_over(value.left, own), items=items, arrays=arrays)
    return value


def _sql(scan: Scan, condition: Expr, functions: dict[str, RowFunctionUse]) -> str | None:
    """The SQL of a condition; None where it is more than an expression of the engine. Adds the row functions that it calls."""
    compiler = Compiler(run=_RUN, rewrites=ALL_REWRITES - {TERM_INDEX})
    try:
        rel = compiler.rel(Where(scan.columns, scan, condition))
        done = compiler.finished("")
    except (KqlError, RecursionError):
        return None
    text = " AND ".join(f"({part})" for part in rel.where)
    plain = _QUOTED.sub("", text)
    alone = not (done.stages or done.given or done.sql.strip()) and done.parameters <= {"now"}
    quick = all(use.rare for use in done.row_functions)
    fits = text and len(text) <= _LONGEST and "SELECT" not in plain and "\x00" not in text
    if not (alone and quick and fits):
        return None
    functions.update((use.key, use) for use in done.row_functions)
    return text


def _moment(value: Expr) -> tuple[int | None, int] | None:
    """A moment: its ticks, or None for now(), and what is added."""
    if isinstance(value, ParameterRef):
        return (None, 0) if value.name == "now" else None
    if isinstance(value, Constant):
        return (value.value, 0) if _ticks(value, Type.DATETIME) and isinstance(value.value, int) else None
    if not isinstance(value, Apply) or value.unit.name not in ("+", "-") or len(value.args) != 2:
        return None
    inner, span = _moment(value.args[0]), value.args[1]
    if inner is None or not isinstance(span, Constant) or not _ticks(span, Type.TIMESPAN):
        return None
    assert isinstance(span.value, int)
    return inner[0], inner[1] + (span.value if value.unit.name == "+" else -span.value)


def _ticks(value: Constant, type_: Type) -> bool:
    return value.type is type_ and isinstance(value.value, int) and not isinstance(value.value, bool)


def varies(value: Expr) -> bool:
    """Whether the value of an expression depends on now(), on a parameter, or on chance."""
    if isinstance(value, ParameterRef) or (isinstance(value, Apply) and value.unit.volatile):
        return True
    return any(varies(child) for child in children(value))
