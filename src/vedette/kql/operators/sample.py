"""`sample`: so many rows at random."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vedette.kql.node import node
from vedette.kql.syntax import Expression, Operator

if TYPE_CHECKING:
    from vedette.kql.parser import Parser


@node
class SampleOperator(Operator):
    """`sample count`."""

    count: Expression


def parse_sample(p: Parser, start: int) -> SampleOperator:
    """After the keyword."""
    p.parameters(())
    count = p.named_expression() or p.missing_expression()
    return SampleOperator(count, start=start, end=p.last_end)
