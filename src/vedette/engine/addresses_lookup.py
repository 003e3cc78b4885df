"""Lookup of addresses in networks: ipv4_lookup and ipv6_lookup."""

from __future__ import annotations

from collections.abc import Callable

from vedette.engine.compiler import Compiler
from vedette.engine.lookups import lookup, value_of
from vedette.engine.plugged import Arguments
from vedette.kql import syntax
from vedette.kql.binder.core import Binder
from vedette.kql.binder.expressions import Expressions
from vedette.kql.binder.scope import Row, Scope
from vedette.kql.bound import Column, ColumnRef, OpenColumn, Relation
from vedette.kql.operators.evaluate import EvaluateOperator
from vedette.kql.types import Type

Bounds = Callable[[str], object]


def lookup_column(args: Arguments, table: Relation, node: syntax.Expression) -> Column:
    """A column of the lookup table."""
    value = Expressions(args.binder, args.scope, Row.of(table)).bind(node)
    if isinstance(value, OpenColumn):
        return Column(0, value.name, Type.UNKNOWN)
    if not isinstance(value, ColumnRef):
        raise args.binder.stop("KS109", f"The plugin '{args.plugin}' expects a column of the lookup table here", node)
    return value.column


def address_lookup(
    binder: Binder, node: EvaluateOperator, input_: Relation | None, scope: Scope, family: str,
    first: Bounds, last: Bounds, result: Type, *, keys: bool,
) -> Relation:  # fmt: skip
    """Rows whose address and network overlap; `first` and `last` give the ends of a network, in an order of `result`."""
    args = Arguments(
        binder, node, input_, scope, f"LookupTable Source{family}Key {family}LookupKey", least=3, more=True
    )
    table = args.table("LookupTable")
    source = args.column(f"Source{family}Key")
    network = lookup_column(args, table, args.given[f"{family}LookupKey"])
    for column, name in ((source, f"Source{family}Key"), (network, f"{family}LookupKey")):
        if column.type not in (Type.STRING, Type.UNKNOWN):
            message = f"An address is a string, not {column.type}; convert it first"
            raise binder.stop("KS107", message, args.given[name])
    unmatched, rest = _unmatched(args)
    if rest and not keys:
        raise args.wrong_count(3, 4)
    pairs = []
    for key in rest:
        own, other = args.column_of(key, "plain"), lookup_column(args, table, key)
        if own.type is not other.type and Type.UNKNOWN not in (own.type, other.type):
            message = f"The key '{own.name}' is {own.type} in the input and {other.type} in the lookup table"
            raise binder.stop("KS107", message, key)
        pairs.append((own, other))

    def matching(compiler: Compiler) -> tuple[list[str], list[str], str]:
        ends = [
            compiler.sql.row(f"{family}_{word}", function, result, value_of(column))
            for column in (source, network)
            for word, function in (("first", first), ("last", last))
        ]
        own = [f"{ends[0]} AS la", f"{ends[1]} AS lb"]
        other = [f"{ends[2]} AS ra", f"{ends[3]} AS rb"]
        # two networks overlap where one holds the other
        return own, other, "l.la <= r.rb AND r.ra <= l.lb"

    bridge = _overlapping if result is Type.LONG else None
    return lookup(args, table, matching, unmatched=unmatched, equal=pairs, bridge=bridge)


def _overlapping(left: str, right: str) -> str:
    """The pairs of networks of which one holds the other, found by hashing: widths are few, and starts are multiples."""
    # each step is materialized: the planner would join the lookup's networks with their widths first
    return (
        f"WITH o AS MATERIALIZED (SELECT DISTINCT la, lb, lb - la AS w FROM {left} WHERE la IS NOT NULL), "
        f"t AS MATERIALIZED (SELECT DISTINCT ra, rb, rb - ra AS w FROM {right} WHERE ra IS NOT NULL), "
        f"a AS MATERIALIZED (SELECT o.la, o.lb, z.w, o.la - o.la % (z.w + 1) AS m "
        f"FROM o JOIN (SELECT DISTINCT w FROM t) AS z ON z.w >= o.w), "
        f"b AS MATERIALIZED (SELECT t.ra, t.rb, z.w, t.ra - t.ra % (z.w + 1) AS m "
        f"FROM t JOIN (SELECT DISTINCT w FROM o) AS z ON z.w > t.w) "
        f"SELECT a.la, a.lb, t.ra, t.rb FROM a JOIN t ON t.w = a.w AND t.ra = a.m "
        f"UNION ALL SELECT o.la, o.lb, b.ra, b.rb FROM b JOIN o ON o.w = b.w AND o.la = b.m"
    )


def _unmatched(args: Arguments) -> tuple[bool, list[syntax.Expression]]:
    """The flag return_unmatched, by name or as the last argument, and the further keys."""
    rest, unmatched = [], False
    for index, item in enumerate(args.rest):
        if isinstance(item, syntax.Assignment):
            if item.names[0].name != "return_unmatched":
                name = item.names[0].name
                raise args.binder.stop("KS119", f"The plugin '{args.plugin}' has no parameter '{name}'", item)
            unmatched = bool(args.fixed(item.value, "bool")[1])
            continue
        last = index == len(args.rest) - 1
        if last and not isinstance(args.at.bind(item), ColumnRef | OpenColumn):
            unmatched = bool(args.fixed(item, "bool")[1])
        else:
            rest.append(item)
    return unmatched, rest
