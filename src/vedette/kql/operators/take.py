"""`take` (also `limit`): up to so many rows, whichever come."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vedette.kql.node import node
from vedette.kql.syntax import Expression, Operator

if TYPE_CHECKING:
    from vedette.kql.parser import Parser


@node
class TakeOperator(Operator):
    """`take count`."""

    count: Expression


def parse_take(p: Parser, start: int) -> TakeOperator:
    """After the keyword."""
    p.parameters(())
    count = p.named_expression() or p.missing_expression()
    return TakeOperator(count, start=start, end=p.last_end)
