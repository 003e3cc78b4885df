"""`sample-distinct`: so many distinct values of a column."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vedette.kql.node import node
from vedette.kql.syntax import Expression, Operator

if TYPE_CHECKING:
    from vedette.kql.parser import Parser


@node
class SampleDistinctOperator(Operator):
    """`sample-distinct count of value`."""

    count: Expression
    value: Expression


def parse_sample_distinct(p: Parser, start: int) -> SampleDistinctOperator:
    """After the keyword."""
    p.parameters(())
    count = p.named_expression() or p.missing_expression()
    p.expect("of")
    value = p.named_expression() or p.missing_expression()
    return SampleDistinctOperator(count, value, start=start, end=p.last_end)
