"""range."""

from __future__ import annotations

from vedette.engine.compiler import Compiler, lowers
from vedette.engine.dialect import DECIMAL
from vedette.engine.relations import OrderKey, Rel, name_of
from vedette.kql.binder.operators.print import Range
from vedette.kql.types import Type

_BLOCK = 2048
_MOST = 2**42
"""Rows at most: more than any time limit lets a query read."""


@lowers(Range)
def range_(compiler: Compiler, node: Range) -> Rel:
    """Values from one bound to another; a step of the wrong sign gives none."""
    first, last, step = (compiler.emitter.emit(value) for value in (node.first, node.last, node.step))
    name, order = name_of(node.column), compiler.fresh()
    if node.column.type in (Type.REAL, Type.DECIMAL):
        steps = f"floor((CAST({last} AS DOUBLE) - {first}) / nullif(CAST({step} AS DOUBLE), 0) + 1e-9)"
        count = f"CASE WHEN {steps} IS NULL OR isnan({steps}) OR {steps} < 0 THEN 0 ELSE CAST(least({steps} + 1, {_MOST}) AS BIGINT) END"
        value = f"CAST({first} + i * {step} AS {'DOUBLE' if node.column.type is Type.REAL else DECIMAL})"
    else:
        # the bounds may be further apart than 64 bits hold
        steps = f"((CAST({last} AS HUGEINT) - {first}) // nullif({step}, 0))"
        count = (
            f"CASE WHEN {steps} IS NULL OR ({step} > 0 AND {first} > {last}) OR ({step} < 0 AND {first} < {last}) THEN 0 "
            f"ELSE CAST(least({steps} + 1, {_MOST}) AS BIGINT) END"
        )
        value = f"({first} + i * {step})"
    source = f"(SELECT {value} AS {name}, i AS {order} FROM {_numbers(count)})"
    return Rel(source, node.columns, order=[OrderKey(order, natural=True)])


def _numbers(count: str) -> str:
    """The numbers from 0 to below a count, as column `i`.

    One list of all of them would be held whole, outside the memory limit; so they come out of short lists, level by
    level, and only as many as somebody reads.
    """
    blocks = f"(n + {_BLOCK - 1}) // {_BLOCK}"
    groups = f"({blocks} + {_BLOCK - 1}) // {_BLOCK}"
    outer = f"SELECT n, unnest(range({groups})) * {_BLOCK} AS g FROM (SELECT {count} AS n)"
    middle = f"SELECT n, (g + unnest(range(least({_BLOCK}, {blocks} - g)))) * {_BLOCK} AS b FROM ({outer})"
    return f"(SELECT b + unnest(range(least({_BLOCK}, n - b))) AS i FROM ({middle}))"
