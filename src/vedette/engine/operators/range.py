"""range."""

from __future__ import annotations

from vedette.engine.compiler import Compiler, lowers
from vedette.engine.dialect import DECIMAL
from vedette.engine.relations import OrderKey, Rel, name_of
from vedette.kql.binder.operators.print import Range
from vedette.kql.types import Type


@lowers(Range)
def range_(compiler: Compiler, node: Range) -> Rel:
    """Values from one bound to another; a step of the wrong sign gives none."""
    first, last, step = (compiler.emitter.emit(value) for value in (node.first, node.last, node.step))
    name, order = name_of(node.column), compiler.fresh()
    if node.column.type in (Type.REAL, Type.DECIMAL):
        count = f"CAST(floor((CAST({last} AS DOUBLE) - {first}) / nullif({step}, 0) + 1e-9) AS BIGINT)"
        value = f"CAST({first} + i * {step} AS {'DOUBLE' if node.column.type is Type.REAL else DECIMAL})"
    else:
        count = f"CASE WHEN {step} = 0 THEN -1 ELSE (({last} - {first}) // {step}) END"
        value = f"({first} + i * {step})"
        guard = (
            f"CASE WHEN ({step} > 0 AND {first} > {last}) OR ({step} < 0 AND {first} < {last}) THEN -1 ELSE {count} END"
        )
        count = guard
    source = f"(SELECT {value} AS {name}, i AS {order} FROM (SELECT unnest(range(coalesce({count}, -1) + 1)) AS i))"
    return Rel(source, node.columns, order=[OrderKey(order)])
