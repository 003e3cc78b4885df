"""The arguments of a call of a function that a query or a workspace defines."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from vedette.kql import syntax
from vedette.kql.binder.scope import ScalarValue, Scope, TableValue
from vedette.kql.bound import Expr, Relation
from vedette.kql.types import Type

if TYPE_CHECKING:
    from vedette.kql.binder.core import Binder


def arguments(
    binder: Binder, function: syntax.FunctionLiteral, closure: Scope, args: list[syntax.Expression], node: syntax.Node,
    name: str, scope: Scope, bind: Callable[[syntax.Expression], Expr] | None, leading: Relation | None,
) -> Scope:  # fmt: skip
    """The scope of a function's body: parameters stand for the arguments (by place or by name).

    `bind` binds a scalar argument where the call stands, with the columns, aggregates and neighbours that it may name.
    """
    inner = binder.frame(closure)
    pending = list(function.parameters)
    if leading is not None:
        if not pending or not pending[0].tabular:
            raise binder.stop("KS205", f"The first parameter of '{name}' is not tabular", node)
        _tabular_argument(binder, pending.pop(0), leading, inner, node)
    positional = [arg for arg in args if not isinstance(arg, syntax.Assignment)]
    named = {arg.names[0].name: arg for arg in args if isinstance(arg, syntax.Assignment)}
    for parameter in pending:
        label = parameter.name.name
        given = named.pop(label).value if label in named else positional.pop(0) if positional else None
        if given is None and parameter.default is None:
            least = sum(1 for wanted in function.parameters if wanted.default is None)
            raise binder.stop("KS119", f"The function '{name}' expects {least} arguments; '{label}' is missing", node)
        if parameter.tabular:
            assert given is not None
            _tabular_argument(binder, parameter, binder.tabular(given, scope), inner, given)
            continue
        if given is not None:
            value = binder.scalar(given, scope) if bind is None else bind(given)
        else:
            assert parameter.default is not None
            value = binder.scalar(parameter.default, closure)
        wanted_type = parameter.type or Type.DYNAMIC
        if value.type is not wanted_type and value.type is not Type.UNKNOWN:
            place = given if given is not None else node
            value = binder.implicit(value, wanted_type, place, f"the parameter '{label}' of '{name}'")
        inner.names[label] = ScalarValue(value)
    if positional or named:
        extra = positional[0] if positional else next(iter(named.values()))
        raise binder.stop("KS119", f"The function '{name}' takes no further argument", extra)
    return inner


def _tabular_argument(
    binder: Binder, parameter: syntax.Parameter, relation: Relation, inner: Scope, node: syntax.Node
) -> None:
    have = {column.name: column.type for column in relation.visible}
    for declaration in parameter.columns or ():
        name, wanted = declaration.name.name, declaration.type
        given = have.get(name)
        if (given is None and relation.open) or given in (wanted, Type.UNKNOWN):
            continue
        what = f"lacks the column '{name}'" if given is None else f"has a column '{name}' of type {given}"
        message = f"The tabular argument '{parameter.name.name}' {what}; the function wants '{name}: {wanted}'"
        binder.report(binder.stop("KS249", message, node))
        # what follows from it is no further mistake
        relation = binder.use(relation, once=False)
        relation.open = relation.unknown = True
        break
    inner.names[parameter.name.name] = TableValue(relation, once=False)
