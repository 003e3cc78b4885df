"""What a query knows of its surroundings, and conditions that it makes before it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vedette.engine.catalog import scalar
from vedette.engine.dialect import DuckDbSql
from vedette.engine.fragment import Fragment
from vedette.kql import syntax
from vedette.kql.bound import Apply, ColumnRef, Constant, Expr
from vedette.kql.catalog import ScalarUnit
from vedette.kql.types import Type

if TYPE_CHECKING:
    from vedette.kql.binder.expressions import Expressions


def _never(sql: DuckDbSql, *args: Fragment) -> str:
    raise AssertionError("the binder replaces this function")


def _arity(at: Expressions, node: syntax.Call, count: int) -> None:
    if len(node.args) != count:
        wanted = f"{count} argument{'' if count == 1 else 's'}"
        raise at.binder.stop("KS119", f"The function '{node.name.name}' expects {wanted}, not {len(node.args)}", node)


def _bind_assert(at: Expressions, node: syntax.Call, unit: ScalarUnit) -> Expr:
    _arity(at, node, 2)
    predicate = at.predicate(node.args[0])
    message = at.bind(node.args[1])
    if at.binder.evaluator is None and not isinstance(predicate, Constant):
        # without data nothing is evaluated; the condition is made when the query runs
        return Constant(Type.BOOL, True)
    if at.binder.constant(predicate, node.args[0]) is not True:
        text = at.binder.constant(message, node.args[1])
        raise at.binder.stop("VDT1007", f"assert() has failed: {text}", node)
    return Constant(Type.BOOL, True)


scalar(
    "assert(predicate: bool, message: string): bool",
    about="True, where a condition known before the query runs holds; else the query fails with the message.",
    page="assert-function",
    binding=_bind_assert,
)(_never)


def _bind_current_database(at: Expressions, node: syntax.Call, unit: ScalarUnit) -> Expr:
    _arity(at, node, 0)
    return Constant(Type.STRING, at.binder.host.name)


scalar(
    "current_database(): string",
    about="The name of the workspace that the query runs in.",
    page="current-database-function",
    binding=_bind_current_database,
)(_never)


# -- sizes

_SIZES = {
    Type.BOOL: 1, Type.INT: 4, Type.LONG: 8, Type.REAL: 8, Type.DATETIME: 8, Type.TIMESPAN: 8, Type.GUID: 16, Type.DECIMAL: 17,
}  # fmt: skip
"""Bytes of a value of a type whose values are all of one size."""


def _bind_estimate_data_size(at: Expressions, node: syntax.Call, unit: ScalarUnit) -> Expr:
    columns: list[Expr] = []
    for place in node.args:
        if isinstance(place, syntax.Star) and at.row is not None:
            columns += [ColumnRef(column.type, column) for column in at.row.columns.values()]
            continue
        value = at.bind(place)
        if not isinstance(value, ColumnRef):
            raise at.binder.stop("KS109", "A column is expected here, or *", place)
        columns.append(value)
    if not node.args:
        raise at.binder.stop("KS119", "The function 'estimate_data_size' expects at least 1 argument, not 0", node)
    return Apply(Type.LONG, unit, columns)


@scalar(
    "estimate_data_size(column: any...): long",
    about="An estimate of the bytes that columns take in a row: fixed by type, the length of strings and of JSON.",
    page="estimate-data-size-function",
    nulls="total",
    binding=_bind_estimate_data_size,
)
def estimate_data_size(sql: DuckDbSql, *columns: Fragment) -> str:
    parts = []
    for column in columns:
        fixed = _SIZES.get(column.type)
        parts.append(f"coalesce(strlen({column}), 0)" if fixed is None else str(fixed))
    return f"CAST({' + '.join(parts) or '0'} AS BIGINT)"
