"""mv-expand and mv-apply: a row for each element of a dynamic array (rules 96 and 97)."""

from __future__ import annotations

from vedette.kql import syntax
from vedette.kql.binder.core import Binder
from vedette.kql.binder.expressions import Expressions
from vedette.kql.binder.operators.items import own_name
from vedette.kql.binder.operators.project import Project
from vedette.kql.binder.operators.sort import row_count
from vedette.kql.binder.scope import Row, Scope
from vedette.kql.bound import Column, ColumnRef, Expr, Relation, has_window
from vedette.kql.node import node
from vedette.kql.operators.binding import binds
from vedette.kql.operators.mv_apply import MvApplyOperator
from vedette.kql.operators.mv_expand import MvExpandOperator
from vedette.kql.types import Type

_LEGACY_LIMIT = 128
"""The most rows that `mvexpand` makes of one row, where no limit is given."""


@node
class MvExpand(Relation):
    """The input's rows, once for each element; several columns go in parallel."""

    input: Relation
    elements: list[tuple[Column, Expr]]
    index: Column | None
    array_bags: bool
    limit: int | None
    groups: bool = False
    """The rows of one input row stay a group, on which the operators of a subquery work one by one."""


@node
class MvApply(Relation):
    """What a subquery makes of the elements of each row; `outer` pairs output and input columns."""

    input: Relation
    expanded: MvExpand
    subquery: Relation
    outer: list[tuple[Column, Column]]
    inner: list[tuple[Column, Column]]


def _elements(
    binder: Binder, items: list[tuple[syntax.Expression, Type | None]], input_: Relation, scope: Scope
) -> list[tuple[Column, Expr]]:
    at = Expressions(binder, scope, Row.of(input_), serialized=input_.serialized)
    elements: list[tuple[Column, Expr]] = []
    for item, type_ in items:
        if isinstance(item, syntax.Assignment):
            name: str | None = item.names[0].name
            value = at.bind(item.value)
        else:
            value = at.bind(item)
            name = own_name(at, item, value)
        if value.type not in (Type.DYNAMIC, Type.UNKNOWN):
            raise binder.stop("KS141", f"mv-expand needs a dynamic value, not {value.type}", item)
        elements.append((binder.column(name or f"Column{len(elements) + 1}", type_ or value.type), value))
    return elements


def _items(binder: Binder, node: MvExpandOperator | MvApplyOperator) -> list[tuple[syntax.Expression, Type | None]]:
    items: list[tuple[syntax.Expression, Type | None]] = []
    for column in node.columns:
        if column.value is None:
            raise binder.refuse("mv-apply without a column", column)
        items.append((column.value, column.to.type if column.to is not None else None))
    return items


def _placed(input_: Relation, new: list[Column]) -> tuple[Column, ...]:
    """The input's columns, new ones in the place of those of the same name, else at the end."""
    by_name = {column.name: column for column in new}
    kept = [column if column.hidden else by_name.pop(column.name, column) for column in input_.columns]
    return (*kept, *by_name.values())


@binds(MvExpandOperator)
def bind_mv_expand(binder: Binder, node: MvExpandOperator, input_: Relation, scope: Scope) -> Relation:
    """Binds `mv-expand`."""
    elements = _elements(binder, _items(binder, node), input_, scope)
    index = binder.column(node.index_column.name, Type.LONG) if node.index_column else None
    new = [column for column, _ in elements] + ([index] if index else [])
    limit = row_count(binder, node.limit, scope) if node.limit is not None else _LEGACY_LIMIT if node.legacy else None
    return MvExpand(
        _placed(input_, new), input_, elements, index, node.kind == "array", limit,
        serialized=input_.serialized, open=input_.open,
    )  # fmt: skip


@binds(MvApplyOperator)
def bind_mv_apply(binder: Binder, node: MvApplyOperator, input_: Relation, scope: Scope) -> Relation:
    """Binds `mv-apply`: the subquery's columns come after the input's, of which expanded ones do not stay."""
    items = _items(binder, node)
    elements = _elements(binder, items, input_, scope)
    index = binder.column(node.index_column.name, Type.LONG) if node.index_column else None
    new = [column for column, _ in elements] + ([index] if index else [])
    limit = row_count(binder, node.limit, scope) if node.limit is not None else None
    expanded = MvExpand(
        _placed(input_, new), input_, elements, index, False, limit, True, serialized=True, open=input_.open
    )
    subquery: Relation = expanded
    for operator in node.subquery.operators:
        subquery = binder.operator(operator, subquery, scope)
    # an element that is given a name stands beside the input's columns, even beside one of that name
    plain = [
        column
        for (item, _), (column, _) in zip(items, elements, strict=True)
        if not isinstance(item, syntax.Assignment)
    ]
    replaced = [column.name for column in new if column in plain or column.name not in Row.of(input_).columns]
    if _keeps_all(subquery, expanded):
        subquery.serialized = input_.serialized
        places = {column.name: -1 for column in input_.columns} | {name: at for at, name in enumerate(replaced)}
        subquery.columns = tuple(sorted(subquery.columns, key=lambda column: places.get(column.name, len(places))))
        return subquery
    outer: list[tuple[Column, Column]] = []
    inner_names = {column.name: column for column in subquery.visible}
    columns: list[Column] = []
    inner: list[tuple[Column, Column]] = []
    for column in input_.visible:
        if column.name in replaced:
            continue
        if column.name in inner_names:
            made = inner_names.pop(column.name)
            fresh = binder.column(made.name, made.type)
            inner.append((fresh, made))
        else:
            fresh = binder.column(column.name, column.type)
            outer.append((fresh, column))
        columns.append(fresh)
    for made in inner_names.values():
        fresh = binder.column(made.name, made.type)
        inner.append((fresh, made))
        columns.append(fresh)
    return MvApply(tuple(columns), input_, expanded, subquery, outer, inner, open=input_.open or subquery.open)


def _keeps_all(subquery: Relation, expanded: Relation) -> bool:
    """Whether a subquery only filters and extends row by row, so that its rows already hold the outer columns."""
    from vedette.kql.binder.operators.where import Where

    current = subquery
    while current is not expanded:
        if isinstance(current, Where) and not has_window(current.predicate):
            current = current.input
        elif isinstance(current, Project) and current.keeps and not any(has_window(v) for _, v in current.values):
            current = current.input
        else:
            return False
    return {column.name for column in expanded.visible} <= {column.name for column in subquery.visible}


def element_ref(column: Column) -> Expr:
    """A reference to an expanded column."""
    return ColumnRef(column.type, column)
