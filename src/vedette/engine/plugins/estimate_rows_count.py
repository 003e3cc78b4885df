"""estimate_rows_count: how many rows there are."""

from __future__ import annotations

from vedette.engine.catalog import plugin
from vedette.engine.compiler import Compiler
from vedette.engine.plugged import Arguments, rows_of
from vedette.engine.relations import Rel, name_of
from vedette.kql.binder.core import Binder
from vedette.kql.binder.scope import Scope
from vedette.kql.bound import Relation
from vedette.kql.operators.evaluate import EvaluateOperator
from vedette.kql.types import Type


@plugin("estimate_rows_count", about="How many rows the input has; here the number is exact.")
def estimate_rows_count(binder: Binder, node: EvaluateOperator, input_: Relation | None, scope: Scope) -> Relation:
    """One row with one number."""
    args = Arguments(binder, node, input_, scope, "", least=0)
    count = binder.column("EstimatedRowsCount", Type.LONG)

    def write(_compiler: Compiler, inputs: list[Rel]) -> str:
        return rows_of(inputs[0], [f"count(*) AS {name_of(count)}"])

    return args.result([count], write)
