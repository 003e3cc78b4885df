"""Constants computed without an engine, for a check of a query that runs nothing.

Only what is exact and cheap: arithmetic, comparison and rounding of numbers and times, and joining of text. What the
result of an engine could differ in (overflow, division by zero, remainders of negative numbers) is left to the engine.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any, Final

from vedette.kql.bound import Apply, Cast, Constant, Expr
from vedette.kql.types import INTEGERS, Type

_LIMITS: Final = {Type.INT: 2**31, Type.LONG: 2**63, Type.DATETIME: 2**63, Type.TIMESPAN: 2**63}
_TICKS: Final = frozenset({Type.DATETIME, Type.TIMESPAN})
_SIMPLE: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def fold(expression: Expr) -> Constant | None:
    """The constant that an expression is, or None where only an engine can tell."""
    match expression:
        case Constant():
            return expression
        case Cast():
            operand = fold(expression.operand)
            return None if operand is None else _typed(expression.type, operand.value)
        case Apply():
            folded = [fold(arg) for arg in expression.args]
            values = [value for value in folded if value is not None]
            if len(values) < len(folded) or any(value.value is None for value in values):
                return None
            found = _apply(expression.unit.name, values)
            return None if found is None else _typed(expression.type, found)
        case _:
            return None


def _typed(type_: Type, value: object) -> Constant | None:
    """A value as a constant of a type; None where it does not fit without a rule of the engine."""
    if value is None:
        return Constant(type_, "" if type_ is Type.STRING else None)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if type_ in _LIMITS:
        if not number or not math.isfinite(value) or value != int(value):  # type: ignore[arg-type, call-overload]
            return None
        whole = int(value)  # type: ignore[call-overload]
        return Constant(type_, whole) if -_LIMITS[type_] <= whole < _LIMITS[type_] else None
    if type_ is Type.REAL:
        return Constant(type_, float(value)) if number else None  # type: ignore[arg-type]
    if type_ is Type.BOOL:
        return Constant(type_, value) if isinstance(value, bool) else None
    if type_ is Type.STRING:
        return Constant(type_, value) if isinstance(value, str) else None
    return None


def _apply(name: str, args: list[Constant]) -> object:
    values: list[Any] = [arg.value for arg in args]
    types = [arg.type for arg in args]
    if name in _SIMPLE and len(values) == 2:
        if isinstance(values[0], str) is not isinstance(values[1], str):
            return None
        return _SIMPLE[name](*values)
    if name == "negate":
        return -values[0]
    if name == "/" and len(values) == 2:
        return _divided(values[0], values[1], types)
    if name in ("bin", "floor") and len(values) == 2 and all(isinstance(value, int) for value in values):
        return values[0] // values[1] * values[1] if values[1] > 0 else None
    if name == "strcat" and all(isinstance(value, str) for value in values):
        return "".join(values)
    if name in ("tolower", "toupper") and isinstance(values[0], str):
        return values[0].lower() if name == "tolower" else values[0].upper()
    if name in ("toint", "tolong", "toreal", "todatetime", "totimespan", "tostring"):
        same = len(values) == 1 and (types[0] in INTEGERS or name.endswith(types[0].value))
        return values[0] if same and (name != "tostring" or types[0] is Type.STRING) else None
    return None


def _divided(left: Any, right: Any, types: list[Type]) -> object:
    if not right:
        return None
    if types[0] in _TICKS and types[1] in _TICKS:
        return left / right
    if isinstance(left, int) and isinstance(right, int) and types[0] not in _TICKS:
        quotient = abs(left) // abs(right)
        return quotient if (left < 0) is (right < 0) else -quotient
    return left / right
