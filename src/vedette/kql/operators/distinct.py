"""`distinct`: the distinct combinations of columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vedette.kql.node import node
from vedette.kql.syntax import Expression, Operator, OperatorParameter

if TYPE_CHECKING:
    from vedette.kql.parser import Parser


@node
class DistinctOperator(Operator):
    """`distinct *`, or `distinct value, ...`."""

    columns: list[Expression]
    """`Star`, expressions, or `Assignment` where a name is given."""
    hints: list[OperatorParameter]


def parse_distinct(p: Parser, start: int) -> DistinctOperator:
    """After the keyword."""
    parameters = p.parameters(("hint.shufflekey", "hint.strategy", "hint.num_partitions"))
    columns = p.comma_list(lambda: p.star() or p.named_expression(), p.missing_expression)
    return DistinctOperator(columns, parameters.hints(), start=start, end=p.last_end)
