"""Comparison and logic operators (rules 3, 4 and 7)."""

from __future__ import annotations

from collections.abc import Callable

from vedette.engine.catalog import operator, scalar
from vedette.engine.dialect import DuckDbSql
from vedette.engine.fragment import Fragment
from vedette.kql.types import Type

_PAIR = "(left: any, right: any): bool"


def _number(value: Fragment) -> bool:
    """Whether a value is known to be no NaN."""
    return isinstance(value.value, int | float) and value.value == value.value


def _equality(left: Fragment, right: Fragment, equal: bool) -> Fragment:
    symbol = "=" if equal else "<>"
    test = f"({left} {symbol} {right})"
    if left.type is Type.REAL and not _number(left) and not _number(right):
        # in SQL NaN equals itself; in KQL it equals nothing
        test = f"({left} = {right} AND NOT isnan({left}))" if equal else f"({left} <> {right} OR isnan({left}))"
    if not left.nullable and not right.nullable:
        return Fragment(test, Type.BOOL, False)
    if left.nullable and right.nullable:
        one_null = "false" if equal else "true"
        both = f"CASE WHEN {left} IS NULL AND {right} IS NULL THEN NULL ELSE coalesce({test}, {one_null}) END"
        return Fragment(f"({both})", Type.BOOL, True)
    return Fragment(f"coalesce({test}, {'false' if equal else 'true'})", Type.BOOL, False)


@operator("==", f"equal{_PAIR}", about="Equal; false when one side is null, null when both are.", nulls="own")
def equal(sql: DuckDbSql, left: Fragment, right: Fragment) -> Fragment:
    return _equality(left, right, True)


@operator("!=", f"not_equal{_PAIR}", about="Not equal; true when one side is null, null when both are.", nulls="own")
def not_equal(sql: DuckDbSql, left: Fragment, right: Fragment) -> Fragment:
    return _equality(left, right, False)


def _ordering(symbol: str) -> Callable[[DuckDbSql, Fragment, Fragment], str]:
    def emit(sql: DuckDbSql, left: Fragment, right: Fragment) -> str:
        if left.type is Type.REAL:
            # in SQL NaN is the greatest number; in KQL no comparison with it holds
            test = f"({left} {symbol} {right} AND NOT isnan({left}) AND NOT isnan({right}))"
            # false and null are false to SQL, and NaN beside a null is null to KQL
            certain = (_number(left) or not right.nullable) and (_number(right) or not left.nullable)
            return test if certain else f"CASE WHEN {left} IS NOT NULL AND {right} IS NOT NULL THEN {test} END"
        return f"({left} {symbol} {right})"

    return emit


for _symbol, _name, _about in (
    ("<", "less", "Less than."),
    ("<=", "at_most", "Less than or equal."),
    (">", "greater", "Greater than."),
    (">=", "at_least", "Greater than or equal."),
):
    operator(_symbol, f"{_name}(left: orderable, right: orderable): bool", about=_about)(_ordering(_symbol))


@operator("and", "and(left: bool, rest: bool...): bool", about="Three-valued and.", nulls="own")
def and_(sql: DuckDbSql, *parts: Fragment) -> Fragment:
    return Fragment(f"({' AND '.join(map(str, parts))})", Type.BOOL, any(part.nullable for part in parts))


@operator("or", "or(left: bool, rest: bool...): bool", about="Three-valued or.", nulls="own")
def or_(sql: DuckDbSql, *parts: Fragment) -> Fragment:
    return Fragment(f"({' OR '.join(map(str, parts))})", Type.BOOL, any(part.nullable for part in parts))


@scalar("not(expression: bool): bool", about="The opposite of a bool; null stays null.", page="not-function")
def not_(sql: DuckDbSql, expression: Fragment) -> str:
    return f"(NOT {expression})"
