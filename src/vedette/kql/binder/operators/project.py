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
    """The columns' names, in order: whoever finds his name taken gets a number appended (rules 70 and 72).

    Only two names that are both given, by `name =` or as a plain column, may not be the same.
    """
    given: set[str] = set()
    result = []
    for item in items:
        if item.name is None:
            result.append(names.numbered())
            continue
        if not item.explicit and not isinstance(item.node, syntax.Name):
            result.append(names.implied(item.name))
            continue
        if item.name in given:
            raise binder.stop("KS171", f"The column '{item.name}' is named twice", item.node)
        result.append(names.implied(item.name))
        given.add(result[-1])
    return result


@binds(ExtendOperator)
def bind_extend(binder: Binder, node: ExtendOperator, input_: Relation, scope: Scope) -> Relation:
    """Binds `extend`: new columns at the end, columns of the same name replaced in place (rules 73 and 74)."""
    at = Expressions(binder, scope, Row.of(input_), serialized=input_.serialized)
    items = bind_items(at, list(node.columns))
    own, unnamed = Names(), Names()
    taken = {column.name for column in input_.visible}
    given: set[str] = set()
    named: dict[str, Expr] = {}
    for item in items:
        name = item.name if item.name is not None else unnamed.numbered(passed=taken)
        plain = item.explicit or isinstance(item.node, syntax.Name)
        if item.several and not item.explicit:
            name = own.implied(name)
        elif plain and name in given:
            raise binder.stop("KS171", f"The column '{name}' is named twice", item.node)
        if plain:
            given.add(name)
        own.taken.add(name)
        # who comes later has the name
        named[name] = item.value
    return extension(binder, input_, list(named.items()))


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
