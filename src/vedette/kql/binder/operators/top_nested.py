"""top-nested: the top values of a key, and within each the top values of the next (rule 84).

Source: the documentation's page top-nested-operator.
"""

from __future__ import annotations

from vedette.kql import syntax
from vedette.kql.binder.core import Binder
from vedette.kql.binder.expressions import Expressions
from vedette.kql.binder.naming import Names
from vedette.kql.binder.operators.items import Item, bind_items, require_scalar
from vedette.kql.binder.operators.sort import row_count
from vedette.kql.binder.operators.summarize import Summarize, require_aggregate
from vedette.kql.binder.scope import Row, Scope
from vedette.kql.bound import Column, ColumnRef, Expr, Relation, is_fixed
from vedette.kql.node import node
from vedette.kql.operators.binding import binds
from vedette.kql.operators.top_nested import TopNestedLevel, TopNestedOperator
from vedette.kql.types import Type


@node
class Level:
    """One level: a key, of whose values the top ones stay."""

    key: Column
    value: Expr
    total: Column
    rank: Column
    """The place of a value among those of the same parent; null for what is not of the top."""
    count: int | None
    descending: bool
    nulls_first: bool
    others: Expr | None
    groups: Summarize
    """The aggregate of each value; its input stands for the records that belong to a parent."""
    rest: Summarize | None
    """The aggregates of what is not of the top; None where neither this level nor a deeper one shows it."""


@node
class TopNested(Relation):
    """A row for each path of top values, and for what is left out where a level has `others`."""

    input: Relation
    levels: list[Level]


@binds(TopNestedOperator)
def bind_top_nested(binder: Binder, node: TopNestedOperator, input_: Relation, scope: Scope) -> Relation:
    """Binds `top-nested`: two columns a level, the key and the aggregate."""
    row = Row.of(input_)
    plain = Expressions(binder, scope, row, serialized=input_.serialized)
    totals = Expressions(binder, scope, row, aggregates=True)
    names = Names()
    bound: list[tuple[TopNestedLevel, Item, Item, Column, Column, Column]] = []
    for level in node.levels:
        key = _one(plain, level.key)
        require_scalar(plain, key, f"The key '{key.name or ''}'")
        total = _one(totals, level.by.value)
        require_aggregate(binder, total.value, level.by.value)
        require_scalar(totals, total, "The aggregate")
        name = names.implied(key.name) if key.name is not None else names.numbered()
        own = names.implied(total.name if total.explicit and total.name is not None else f"aggregated_{name}")
        columns = (binder.column(name, key.value.type), binder.column(own, total.value.type))
        bound.append((level, key, total, *columns, binder.column("rank", Type.LONG)))
    levels: list[Level] = []
    for index, (level, key, total, key_column, total_column, rank) in enumerate(bound):
        path = [parent.rank for parent in levels]
        deeper = [(column, item.value) for other, _, item, _, column, _ in bound[index:] if other.others is not None]
        records = Relation((*input_.columns, *path, key_column), serialized=input_.serialized)
        left = Relation(records.columns, serialized=input_.serialized)
        descending = level.by.descending is not False
        levels.append(
            Level(
                key_column, key.value, total_column, rank,
                None if level.count is None else row_count(binder, level.count, scope), descending,
                level.by.nulls_first if level.by.nulls_first is not None else not descending,
                None if level.others is None else _label(plain, level.others, key.value.type),
                _groups(records, [*path, key_column], [(total_column, total.value)]),
                _groups(left, path, deeper) if deeper else None,
            )
        )  # fmt: skip
    shown = [column for level_ in levels for column in (level_.key, level_.total)]
    return TopNested(tuple(shown), input_, levels)


def _one(at: Expressions, node: syntax.Expression) -> Item:
    items = bind_items(at, [node])
    if len(items) != 1:
        raise at.binder.stop("KS150", f"One value is expected here, not {len(items)}", node)
    return items[0]


def _label(at: Expressions, node: syntax.Expression, type_: Type) -> Expr:
    """What stands in the key's place in the row of the others."""
    value = at.bind(node)
    if not is_fixed(value):
        raise at.binder.stop("KS129", "The expression must be a constant", node)
    return (
        value if Type.UNKNOWN in (value.type, type_) else at.binder.implicit(value, type_, node, "the label of others")
    )


def _groups(input_: Relation, keys: list[Column], values: list[tuple[Column, Expr]]) -> Summarize:
    columns = (*keys, *(column for column, _ in values))
    return Summarize(columns, input_, [(key, ColumnRef(key.type, key)) for key in keys], values)
