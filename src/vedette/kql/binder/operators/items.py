"""Lists of named expressions, as project, extend, summarize and print have them."""

from __future__ import annotations

from vedette.kql import syntax
from vedette.kql.binder.expressions import Expressions
from vedette.kql.binder.naming import carried_name
from vedette.kql.binder.scope import LetValue, ScalarValue, Scope
from vedette.kql.bound import Apply, Cast, ColumnRef, Constant, Expr, Path, Several
from vedette.kql.node import node
from vedette.kql.types import Type


@node
class Item:
    """One expression of a list, with the name it gives its column."""

    value: Expr
    name: str | None
    explicit: bool
    node: syntax.Expression
    several: bool = False
    """One of the columns of an expression that gives several, under a name of its own."""


def bind_items(at: Expressions, nodes: list[syntax.Expression]) -> list[Item]:
    """Binds a list of expressions; `name = value` names explicitly, else the expression may carry a name.

    An expression that gives several columns becomes an item for each; names that are given go to the first ones.
    """
    items: list[Item] = []
    for written in nodes:
        given = written.names if isinstance(written, syntax.Assignment) else ()
        inner = written.value if isinstance(written, syntax.Assignment) else written
        value = at.bind_item(inner)
        outputs = value.outputs if isinstance(value, Several) else [(own_name(at, inner, value), value)]
        if len(given) > len(outputs):
            count = "one value" if len(outputs) == 1 else f"{len(outputs)} values"
            raise at.binder.stop("KS150", f"This expression gives {count}, not {len(given)}", written)
        for index, (own, part) in enumerate(outputs):
            explicit = index < len(given)
            items.append(
                Item(part, given[index].name if explicit else own, explicit, written, isinstance(value, Several))
            )
    return items


def own_name(at: Expressions, node: syntax.Expression, value: Expr) -> str | None:
    """The name that an expression carries; a column asked for by its name carries that where it is there."""
    if isinstance(node, syntax.Call):
        unit = at.binder.catalog.scalars.get(node.name.name)
        if unit is not None and unit.naming == "value":
            name = _constant(node.args[0], at.scope) if node.args else None
            return name if name is not None and _shows(value, name) else None
    return carried_name(node, at.binder.catalog)


def _constant(node: syntax.Expression, scope: Scope) -> str | None:
    """The text that an expression is: a literal, or a name that was given one by `let` or as an argument."""
    if isinstance(node, syntax.Literal):
        return str(node.value)
    found = scope.find(node.name) if isinstance(node, syntax.Name) else None
    if isinstance(found, ScalarValue) and isinstance(found.value, Constant):
        return str(found.value.value)
    return _constant(found.value, found.scope) if isinstance(found, LetValue) else None


def _shows(value: Expr, name: str) -> bool:
    """Whether a value is that of a column, or of a field beyond the schema, with a name."""
    match value:
        case ColumnRef():
            return value.column.name == name
        case Path():
            return value.steps == [name]
        case Cast():
            return _shows(value.operand, name)
        case Apply():
            return value.unit.name == "coalesce" and _shows(value.args[0], name)
    return False


def require_scalar(at: Expressions, item: Item, what: str) -> None:
    """Refuses dynamic values where an operator must compare them (rule 12)."""
    if item.value.type is Type.DYNAMIC:
        raise at.binder.stop(
            "KS116", f"{what} is of type dynamic; cast it first, for example with tostring()", item.node
        )
