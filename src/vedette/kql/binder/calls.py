"""Binding of calls: which signature fits, what the result's type is, and functions with rules of their own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from vedette.kql import syntax
from vedette.kql.binder import hints, workspaces
from vedette.kql.binder.scope import LetValue, Row, Scope
from vedette.kql.bound import AggregateCall, Apply, Cast, Constant, Expr, WindowCall
from vedette.kql.catalog import Parameter, ScalarUnit, Signature, Unit
from vedette.kql.diagnostics import Stop
from vedette.kql.types import INTEGERS, NUMBERS, TYPE_NAMES, Type, common, widest

if TYPE_CHECKING:
    from vedette.kql.binder.core import Binder

_RESULT = re.compile(r"(\w+)\((\w+)\)$")


class Calls:
    """The half of the expression binder that deals with functions."""

    def __init__(
        self, binder: Binder, scope: Scope, row: Row | None, *, aggregates: bool = False, serialized: bool = False
    ) -> None:
        self.binder = binder
        self.scope = scope
        self.row = row
        self.aggregates = aggregates
        self.serialized = serialized
        self.grouped: frozenset[int] = frozenset()
        """Ids of the columns that are group keys, which `*` in an aggregate leaves out."""
        self._inside_aggregate = False
        self._needle: syntax.Name | None = None
        """A name where a text is likely, and the operator before it, for the message where the name is unknown."""
        self._op = ""
        self._beside: syntax.Expression | None = None

    def bind(self, node: syntax.Expression) -> Expr:
        """The bound form of an expression (the other half defines it)."""
        raise AssertionError("defined by Expressions")

    def call(self, node: syntax.Call) -> Expr:
        """A call of a function of the catalogue, of the query, or of the workspace."""
        name = node.name.name
        found = self.scope.find(name)
        if isinstance(found, LetValue) and isinstance(found.value, syntax.FunctionLiteral):
            found.used = True
            return self.binder.invoke_scalar(found.value, found.scope, node.args, node, name, self.scope, self.bind)
        catalog = self.binder.catalog
        if name in catalog.aggregates and self.aggregates and not self._inside_aggregate:
            return self._aggregate(node)
        if name in catalog.windows:
            return self._window(node)
        unit = catalog.scalars.get(name)
        if unit is None:
            saved = workspaces.saved(self.binder, name, node)
            if saved is not None:
                return workspaces.call_scalar(self.binder, saved, node.args, node, self.scope, self.bind)
            if name in catalog.aggregates:
                where = "inside another aggregate" if self._inside_aggregate else "outside of summarize"
                raise self.binder.stop("KS144", f"The aggregate function '{name}' may not be used {where}", node.name)
            raise self.binder.unknown("function", "KS211", name, self.binder.function_names(self.scope), node.name)
        if unit.binding is not None:
            try:
                bound = unit.binding(self, node.unnamed, unit)
            except Stop as stop:
                results = {signature.result for signature in unit.signatures}
                if stop.type is None and len(results) == 1:
                    stop.type = TYPE_NAMES.get(next(iter(results)))
                raise
            assert isinstance(bound, Expr)
            return bound
        args = [self.argument(arg) for arg in node.args]
        return self._apply(unit, args, node.args, node)

    def argument(self, node: syntax.Expression) -> Expr:
        """An argument of a call, with or without a name; a `typeof()` is a constant that names its type."""
        if isinstance(node, syntax.Assignment) and len(node.names) == 1 and not node.tuple_form:
            node = node.value
        if isinstance(node, syntax.TypeOf):
            return Constant(node.type or Type.DYNAMIC, node, start=node.start, end=node.end)
        return self.bind(node)

    def apply(
        self, name: str, args: list[Expr], places: Sequence[syntax.Node], node: syntax.Node,
        *, symbol: bool = False,
    ) -> Expr:  # fmt: skip
        """A function or operator of the catalogue on bound arguments."""
        unit = self.binder.catalog.scalars.get(name)
        if unit is None:
            raise self.binder.refuse(f"the operator '{name}'", node)
        return self._apply(unit, args, places, node, symbol=symbol)

    def _apply(
        self, unit: Unit, args: list[Expr], places: Sequence[syntax.Node], node: syntax.Node,
        *, symbol: bool = False,
    ) -> Expr:  # fmt: skip
        signature = self.resolve(unit, args, places, node, symbol=symbol)
        try:
            final = self.convert(signature, args, places)
        except Stop as stop:
            stop.type = stop.type or outcome(unit, signature, args)
            raise
        if isinstance(unit, ScalarUnit) and unit.checks:
            self.check(unit, signature, final, places)
        bound = Apply(outcome(unit, signature, args), unit, final, start=node.start, end=node.end)  # type: ignore[arg-type]
        return bound

    def check(
        self,
        unit: ScalarUnit,
        signature: Signature,
        args: list[Expr],
        places: Sequence[syntax.Node],
    ) -> None:
        """Stops at a constant that the unit cannot take, such as a regular expression that is none."""
        for index, arg in enumerate(args):
            parameter = signature.parameter_at(index, len(args))
            check = unit.checks.get(parameter.name) if parameter else None
            if check is not None and isinstance(arg, Constant) and arg.value is not None:
                fault = check(arg.value)
                if fault is not None:
                    raise self.binder.stop("KS140", fault, places[index])

    def resolve(
        self, unit: Unit, args: list[Expr], places: Sequence[syntax.Node], node: syntax.Node,
        *, symbol: bool = False,
    ) -> Signature:  # fmt: skip
        """The signature that fits the arguments best."""
        count = len(args)
        possible = [s for s in unit.signatures if s.least <= count and (s.most is None or count <= s.most)]
        if not possible:
            wanted = " or ".join(sorted({_arity(signature) for signature in unit.signatures}))
            code = "KS120" if any(signature.most is None for signature in unit.signatures) else "KS119"
            stop = self.binder.stop(code, f"The function '{unit.name}' expects {wanted}, not {count}", node)
            stop.type = failed_type(unit.signatures, args)
            raise stop
        best: tuple[int, Signature] | None = None
        for signature in possible:
            score = _fit(signature, args)
            if score is not None and (best is None or score < best[0]):
                best = (score, signature)
        if best is not None:
            return best[1]
        stop = self._misfit(unit, possible, args, places, node, symbol=symbol)
        stop.type = failed_type(possible, args)
        raise stop

    def _misfit(
        self, unit: Unit, possible: list[Signature], args: list[Expr], places: Sequence[syntax.Node],
        node: syntax.Node, *, symbol: bool,
    ) -> Stop:  # fmt: skip
        """Why no signature takes the arguments; of several that are wrong all but the last are reported here."""
        if symbol:
            kinds = " and ".join(str(arg.type) for arg in args)
            return self.binder.stop("KS106", f"The operator '{unit.name}' cannot be applied to {kinds}", sign_of(node))
        wrong: list[Stop] = []
        for index, arg in enumerate(args):
            fits = [p for p in (s.parameter_at(index, len(args)) for s in possible) if p is not None]
            if all(_takes(parameter, arg) is None for parameter in fits):
                kinds = " or ".join(sorted({parameter.kind for parameter in fits}))
                code = _MISFIT.get(kinds) or ("KS141" if "|" in kinds or " or " in kinds else "KS107")
                message = f"The function '{unit.name}' expects {kinds} here, not {arg.type}"
                if isinstance(arg, Constant) and isinstance(arg.value, syntax.TypeOf):
                    message = f"typeof() names a type and is no value; the function '{unit.name}' expects {kinds} here"
                else:
                    message += hints.converted(arg, frozenset().union(*(parameter.types for parameter in fits)))
                wrong.append(self.binder.stop(code, message, places[index]))
        if not wrong:
            usage = "; ".join(signature.text for signature in unit.signatures)
            if any(_kind(s, i, len(args)) == "common" for s in possible for i in range(len(args))):
                return self.binder.stop("KS232", f"The arguments of '{unit.name}' have no common type", node)
            return self.binder.stop("KS127", f"No form of '{unit.name}' takes these arguments: {usage}", node)
        for stop in wrong[:-1]:
            self.binder.report(stop)
        return wrong[-1]

    def convert(self, signature: Signature, args: list[Expr], places: Sequence[syntax.Node]) -> list[Expr]:
        """The arguments as the types that the signature wants."""
        shared = common([a.type for i, a in enumerate(args) if _kind(signature, i, len(args)) == "common"])
        final: list[Expr] = []
        for index, arg in enumerate(args):
            parameter = signature.parameter_at(index, len(args))
            assert parameter is not None
            if parameter.constant and not isinstance(arg, Constant):
                arg = Constant(arg.type, self.binder.constant(arg, places[index]), start=arg.start, end=arg.end)
            wanted = _wanted(parameter, arg.type, shared)
            if wanted is not None and arg.type is not wanted and arg.type is not Type.UNKNOWN:
                if isinstance(arg, Constant) and arg.value is None:
                    arg = Constant(wanted, "" if wanted is Type.STRING else None, start=arg.start, end=arg.end)
                else:
                    arg = Cast(wanted, arg, start=arg.start, end=arg.end)
            final.append(arg)
        return final

    # -- aggregates and windows

    def _aggregate(self, node: syntax.Call) -> Expr:
        unit = self.binder.catalog.aggregates[node.name.name]
        self._inside_aggregate = True
        try:
            if unit.binding is not None:
                # names that some of them give their arguments become those of their columns
                bound = unit.binding(self, node, unit)
                assert isinstance(bound, Expr)
                return bound
            args = [self.argument(arg) for arg in node.args]
        finally:
            self._inside_aggregate = False
        signature = self.resolve(unit, args, node.args, node)
        return AggregateCall(outcome(unit, signature, args), unit, self.convert(signature, args, node.args))

    def _window(self, node: syntax.Call) -> Expr:
        unit = self.binder.catalog.windows[node.name.name]
        if not self.serialized:
            raise self.binder.stop(
                "KS191",
                f"The function '{node.name.name}' needs a serialized input: sort it, or add '| serialize'",
                node,
            )
        args = [self.argument(arg) for arg in node.args]
        signature = self.resolve(unit, args, node.args, node)
        return WindowCall(result_type(signature, args), unit, self.convert(signature, args, node.args))


_MISFIT = {
    "number": "KS137", "integer": "KS134", "summable": "KS138", "orderable": "KS206", "text": "KS141", "array": "KS234",
    "bag": "KS235", "common": "KS232", "real": "KS137", "number or timespan": "KS138",
    "datetime or number or timespan": "KS137", "integer|dynamic": "KS136",
}  # fmt: skip
"""Microsoft's codes of arguments that are not of a class of types."""


def sign_of(node: syntax.Node) -> syntax.Node:
    """The place of an expression's operator, where Microsoft's binder puts what is wrong with its operands."""
    if isinstance(node, syntax.Binary | syntax.In) and node.op_end:
        return syntax.Node(start=node.op_start, end=node.op_end)
    return node


def outcome(unit: Unit, signature: Signature, args: list[Expr]) -> Type:
    """The type of a call; unknown where arguments of unknown types leave more than one."""
    type_ = result_type(signature, args)
    if all(arg.type is not Type.UNKNOWN for arg in args):
        return type_
    fitting = [s for s in unit.signatures if s.least <= len(args) and (s.most is None or len(args) <= s.most)]
    types = {result_type(s, args) for s in fitting if _fit(s, args) is not None}
    return type_ if len(types) == 1 else Type.UNKNOWN


def failed_type(signatures: Sequence[Signature], args: list[Expr]) -> Type | None:
    """The type that a call would have had: what its first signature says."""
    types = [result_type(signature, args) for signature in signatures[:1]]
    return types[0] if types else None


def _kind(signature: Signature, index: int, count: int) -> str:
    parameter = signature.parameter_at(index, count)
    return parameter.kind if parameter else ""


def _takes(parameter: Parameter, arg: Expr) -> int | None:
    names_type = isinstance(arg, Constant) and isinstance(arg.value, syntax.TypeOf)
    if parameter.kind == "type" or names_type:
        return 0 if parameter.kind == "type" and names_type else None
    if isinstance(arg, Constant) and arg.value is None and arg.type is Type.DYNAMIC:
        return 1
    # a dynamic value is no number, time or condition by itself: a function that wants one wants it cast
    return parameter.takes(arg.type)


def _fit(signature: Signature, args: list[Expr]) -> int | None:
    total = 0
    shared: list[Type] = []
    for index, arg in enumerate(args):
        parameter = signature.parameter_at(index, len(args))
        if parameter is None:
            return None
        fit = _takes(parameter, arg)
        if fit is None:
            return None
        if parameter.kind == "common":
            shared.append(arg.type)
        total += fit
    if shared and common([t for t in shared if t is not Type.DYNAMIC]) is None:
        return None
    return total


def _wanted(parameter: Parameter, given: Type, shared: Type | None) -> Type | None:
    """The type to convert an argument to; None leaves it as it is."""
    if parameter.kind == "common":
        return shared
    if parameter.kind in ("text",):
        return Type.STRING
    if parameter.kind in TYPE_NAMES:
        return TYPE_NAMES[parameter.kind]
    if given in parameter.types or parameter.kind == "type":
        return None
    if given in NUMBERS or given is Type.DYNAMIC:
        for candidate in (
            Type.LONG,
            Type.REAL,
            Type.DECIMAL,
            Type.INT,
            Type.DATETIME,
            Type.TIMESPAN,
            Type.BOOL,
            Type.STRING,
        ):
            if candidate in parameter.types:
                return Type.REAL if given is Type.DYNAMIC and Type.REAL in parameter.types else candidate
    return None


def result_type(signature: Signature, args: list[Expr]) -> Type:
    """The type of a call by its signature's result."""
    result = signature.result
    if result in TYPE_NAMES:
        return TYPE_NAMES[result]
    if result == "common":
        types = [a.type for i, a in enumerate(args) if _kind(signature, i, len(args)) == "common"]
        if Type.UNKNOWN in types:
            return Type.UNKNOWN
        solid = [t for t in types if t is not Type.DYNAMIC]
        if len(solid) != len(types):
            return Type.DYNAMIC if not solid else (common(solid) or Type.DYNAMIC)
        return common(types) or Type.DYNAMIC
    if result == "widest":
        found: Type | None = None
        if any(arg.type is Type.UNKNOWN for arg in args):
            return Type.UNKNOWN
        for arg in args:
            kind = Type.REAL if arg.type is Type.DYNAMIC else arg.type
            if kind in NUMBERS:
                found = kind if found is None else widest(found, kind)
        return found if found is not None and found is not Type.INT else Type.LONG
    match = _RESULT.match(result)
    if match is None:
        raise ValueError(f"unknown result {result!r} of {signature.text}")
    rule, name = match.groups()
    for index, arg in enumerate(args):
        parameter = signature.parameter_at(index, len(args))
        if parameter is not None and parameter.name == name:
            if rule == "promoted":
                return Type.LONG if arg.type in INTEGERS else arg.type
            return arg.type
    return Type.DYNAMIC


def _arity(signature: Signature) -> str:
    least, most = signature.least, signature.most
    plural = "" if (most or least) == 1 else "s"
    if most is None:
        return f"at least {least} argument{'' if least == 1 else 's'}"
    return f"{least} argument{plural}" if least == most else f"{least} to {most} arguments"
