"""project and extend: computed columns."""

from __future__ import annotations

from vedette.kql import syntax
from vedette.kql.binder.core import Binder
from vedette.kql.binder.expressions import Expressions
from vedette.kql.binder.naming import Names
from vedette.kql.binder.operators.items import Item, bind_items
from vedette.kql.binder.scope import Row, Scope
from vedette.kql.bound import Column, ColumnRef, Expr, Relation
from vedette.kql.node import node
from vedette.kql.operators.binding import binds
from vedette.kql.operators.extend import ExtendOperator
from vedette.kql.operators.project import ProjectOperator


@node
class Project(Relation):
    """Only the named values, or (with `keeps`) the input's columns and further values beside them."""

    input: Relation
    values: list[tuple[Column, Expr]]
    keeps: bool = False


@binds(ProjectOperator)
def bind_project(binder: Binder, node: ProjectOperator, input_: Relation, scope: Scope) -> Relation:
    """Binds `project`: the columns given, in their order (rule 74)."""
    at = Expressions(binder, scope, Row.of(input_), serialized=input_.serialized)
    nodes: list[syntax.Expression] = []
    for item in node.columns:
        if isinstance(item, syntax.Star):
            nodes += [syntax.Name(c.name, True, start=item.start, end=item.end) for c in input_.visible]
        else:
            nodes.append(item)
    items = bind_items(at, nodes)
    names = name_items(binder, items, Names())
    return projection(binder, input_, list(zip(names, items, strict=True)))


def projection(binder: Binder, input_: Relation, pairs: list[tuple[str, Item]]) -> Relation:
    """A relation of the named values alone."""
    values: list[tuple[Column, Expr]] = []
    for name, item in pairs:
        values.append((binder.column(name, item.value.type), item.value))
    columns = tuple(column for column, _ in values)
    return Project(columns, input_, values, serialized=input_.serialized, open=False)


def name_items(binder: Binder, items: list[Item], names: Names) -> list[str]:
    """The columns' names: explicit ones must differ, implied ones are numbered apart (rules 70 and 72)."""
    for item in items:
        if item.explicit and item.name is not None:
            if item.name in names.taken:
                raise binder.stop("KS171", f"The column '{item.name}' is named twice", item.node)
            names.explicit(item.name)
    result = []
    for item in items:
        if item.explicit and item.name is not None:
            result.append(item.name)
        elif item.name is not None:
            result.append(names.implied(item.name))
        else:
            result.append(names.numbered())
    return result


@binds(ExtendOperator)
def bind_extend(binder: Binder, node: ExtendOperator, input_: Relation, scope: Scope) -> Relation:
    """Binds `extend`: new columns at the end, columns of the same name replaced in place (rules 73 and 74)."""
    at = Expressions(binder, scope, Row.of(input_), serialized=input_.serialized)
    items = bind_items(at, list(node.columns))
    own = Names()
    taken = {column.name for column in input_.visible}
    names: list[str] = []
    for item in items:
        if item.name is None:
            own.taken |= taken
            names.append(own.numbered())
        elif item.explicit:
            if item.name in names:
                raise binder.stop("KS171", f"The column '{item.name}' is named twice", item.node)
            names.append(own.explicit(item.name))
        else:
            names.append(own.implied(item.name))
    return extension(binder, input_, [(name, item.value) for name, item in zip(names, items, strict=True)])


def extension(binder: Binder, input_: Relation, pairs: list[tuple[str, Expr]]) -> Relation:
    """The input's columns with values added, or put in the place of those of the same name."""
    values: list[tuple[Column, Expr]] = []
    replaced: dict[str, Column] = {}
    added: list[Column] = []
    have = {column.name for column in input_.visible}
    for name, value in pairs:
        if isinstance(value, ColumnRef) and value.column.name == name and name in have:
            continue
        column = binder.column(name, value.type)
        values.append((column, value))
        if name in have:
            replaced[name] = column
        else:
            added.append(column)
    kept = [c if c.hidden else replaced.get(c.name, c) for c in input_.columns]
    return Project((*kept, *added), input_, values, True, serialized=input_.serialized, open=input_.open)
