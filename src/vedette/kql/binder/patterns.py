"""Calls of patterns (`declare pattern`): constants and a path choose one of several bodies.

Source: the KQL page "Pattern statement".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vedette.kql import syntax
from vedette.kql.binder.scope import PatternValue, ScalarValue, Scope
from vedette.kql.bound import Constant
from vedette.kql.node import node
from vedette.kql.types import NUMBERS, Type

if TYPE_CHECKING:
    from vedette.kql.binder.core import Binder


@node
class PatternCall:
    """The body that a call chooses, and the scope in which its parameters have their values."""

    name: str
    case: syntax.PatternCase
    scope: Scope

    def function(self) -> syntax.FunctionLiteral:
        """The body as a function without parameters."""
        return syntax.FunctionLiteral([], self.case.body, start=self.case.start, end=self.case.end)


def called(binder: Binder, node: syntax.Expression, scope: Scope) -> PatternCall | None:
    """The chosen body where an expression calls a pattern, else None."""
    path: syntax.Literal | syntax.Name | None = None
    call: syntax.Expression = node
    if isinstance(node, syntax.Member):
        path, call = node.name, node.target
    elif isinstance(node, syntax.Index) and isinstance(node.index, syntax.Literal):
        path, call = node.index, node.target
    if not isinstance(call, syntax.Call):
        return None
    found = scope.find(call.name.name)
    if not isinstance(found, PatternValue):
        return None
    return _chosen(binder, found, call, path, node)


def _chosen(
    binder: Binder, value: PatternValue, call: syntax.Call, path: syntax.Literal | syntax.Name | None, node: syntax.Node
) -> PatternCall:
    pattern = value.pattern
    name = pattern.name.name
    wanted = len(pattern.parameters)
    if len(call.args) != wanted:
        expected = "no arguments are" if not wanted else "1 argument is" if wanted == 1 else f"{wanted} arguments are"
        raise binder.stop(
            "KS118", f"The pattern '{name}' is called with {len(call.args)}: {expected} expected", call.name
        )
    given: list[object] = []
    inner = value.scope.child()
    for parameter, arg in zip(pattern.parameters, call.args, strict=True):
        if not isinstance(arg, syntax.Literal):
            raise binder.stop("KS131", "The expression must be a literal", arg)
        if arg.type is not parameter.type and not {arg.type, parameter.type} <= NUMBERS:
            raise binder.stop("KS141", f"The expression must have the type {parameter.type}", arg)
        given.append(arg.value)
        inner.names[parameter.name.name] = ScalarValue(Constant(arg.type, arg.value))
    step = None if path is None else path.name if isinstance(path, syntax.Name) else path.value
    if pattern.path is not None and step is not None:
        inner.names[pattern.path.name.name] = ScalarValue(Constant(pattern.path.type or arg_type(path), step))
    fitting = [case for case in pattern.cases if [_value(item) for item in case.values] == given]
    if not fitting:
        shown = ", ".join(repr(item) for item in given)
        raise binder.stop("KS188", f"No case of the pattern '{name}' has the arguments ({shown})", call.name)
    for case in fitting:
        if (None if case.path is None else _value(case.path)) == step:
            return PatternCall(name, case, inner)
    known = [str(_value(case.path)) for case in fitting if case.path is not None]
    if step is None:
        raise binder.stop("KS188", f"The pattern '{name}' needs a path, such as {name}(...).{known[0]}", call.name)
    raise binder.unknown(f"path of the pattern '{name}'", "KS142", str(step), known, path or node)


def arg_type(path: syntax.Literal | syntax.Name | None) -> Type:
    """The type of a path's value."""
    return path.type if isinstance(path, syntax.Literal) else Type.STRING


def _value(node: syntax.Expression | None) -> object:
    return node.value if isinstance(node, syntax.Literal) else None
