"""`top-hitters`: the most frequent values of a column, counted exactly (Kusto estimates them)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vedette.kql.node import node
from vedette.kql.syntax import Expression, Operator

if TYPE_CHECKING:
    from vedette.kql.parser import Parser


@node
class TopHittersOperator(Operator):
    """`top-hitters count of value by weight`."""

    count: Expression
    value: Expression
    weight: Expression | None
    """What is summed; None: rows are counted."""


def parse_top_hitters(p: Parser, start: int) -> TopHittersOperator:
    """After the keyword."""
    count = p.named_expression() or p.missing_expression()
    p.expect("of")
    value = p.named_expression() or p.missing_expression()
    weight: Expression | None = None
    if p.take("by"):
        weight = p.named_expression() or p.missing_expression()
    return TopHittersOperator(count, value, weight, start=start, end=p.last_end)
