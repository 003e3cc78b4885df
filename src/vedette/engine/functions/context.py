"""What a query knows of its surroundings, and conditions that it makes before it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vedette.engine.catalog import scalar
from vedette.engine.dialect import DuckDbSql
from vedette.engine.fragment import Fragment
from vedette.kql import syntax
from vedette.kql.bound import Constant, Expr
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
