"""What the lookup plugins share: a lookup table whose rows are matched to the input's by more than equality."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from vedette.engine.compiler import Compiler
from vedette.engine.fragment import Fragment
from vedette.engine.plugged import Arguments, rows_of
from vedette.engine.relations import Rel, name_of
from vedette.kql.binder.naming import Names
from vedette.kql.bound import Column, Relation
from vedette.kql.types import Type

Matching = Callable[[Compiler], tuple[list[str], list[str], str]]
"""Further values of the input's rows (under names of their own), of the lookup's, and the condition over `l` and `r`."""

Bridge = Callable[[str, str], str]
"""Of the CTEs of both sides a SELECT of all pairs (la, lb, ra, rb) of values that match: then both sides are hashed."""


def lookup(
    args: Arguments, table: Relation, matching: Matching, *, unmatched: bool, drop: Iterable[Column] = (),
    equal: Iterable[tuple[Column, Column]] = (), bridge: Bridge | None = None,
) -> Relation:  # fmt: skip
    """All columns of the input, then those of the lookup table but `drop` and the equal ones, numbered apart."""
    binder, pairs = args.binder, list(equal)
    left = binder.use(args.input, once=True) if table is args.input else args.input
    gone = {column.id for column in [*drop, *(right for _, right in pairs)]}
    taken = Names()
    shown = [(binder.column(taken.implied(column.name), column.type), column) for column in left.visible]
    added = [
        (binder.column(taken.implied(column.name), column.type), column)
        for column in table.visible
        if column.id not in gone
    ]

    def write(compiler: Compiler, inputs: list[Rel]) -> str:
        own, other, condition = matching(compiler)
        own += [f"{name_of(column)} AS l{column.id}" for column, _ in pairs]
        other += [f"{name_of(column)} AS r{column.id}" for _, column in pairs]
        first = rows_of(inputs[0], [*(name_of(column) for column in left.visible), *own])
        second = rows_of(inputs[1], [*(name_of(column) for column in table.visible), *other])
        tests = [condition]
        for a, b in pairs:
            tests.append(f"l.l{a.id} {'=' if Type.STRING in (a.type, b.type) else 'IS NOT DISTINCT FROM'} r.r{b.id}")
        items = [f"l.{name_of(column)} AS {name_of(out)}" for out, column in shown]
        for out, column in added:
            value = f"r.{name_of(column)}"
            if unmatched and column.type is Type.STRING:
                value = f"coalesce({value}, '')"
            items.append(f"{value} AS {name_of(out)}")
        join = "LEFT JOIN" if unmatched else "JOIN"
        if bridge is not None:
            one, two = compiler.add_cte(first), compiler.add_cte(second)
            met = compiler.add_cte(bridge(one, two))
            first = f"SELECT * FROM {one}"
            second = (
                f"SELECT b.la AS ba, b.lb AS bb, r.* FROM {met} AS b JOIN {two} AS r ON r.ra = b.ra AND r.rb = b.rb"
            )
            tests[0] = "l.la = r.ba AND l.lb = r.bb"
        return f"SELECT {', '.join(items)} FROM ({first}) AS l {join} ({second}) AS r ON {' AND '.join(tests)}"

    columns = [column for column, _ in [*shown, *added]]
    return args.result(columns, write, table, open_=args.input.open or table.open)


def value_of(column: Column) -> Fragment:
    """A column's value in SQL."""
    return Fragment(name_of(column), column.type, column.type is not Type.STRING)


def flag(args: Arguments, name: str) -> bool:
    """A bool argument, false where it is not given."""
    return bool(args.option(name, False, "bool"))
