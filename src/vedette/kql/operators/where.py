"""`where` (also `filter`): keeps the rows for which a condition is true."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vedette.kql.node import node
from vedette.kql.syntax import Expression, Operator

if TYPE_CHECKING:
    from vedette.kql.parser import Parser


@node
class WhereOperator(Operator):
    """`where condition`."""

    condition: Expression
    """`Assignment` where the text has `name = condition`: the name means nothing (and `==` was likely meant)."""


def parse_where(p: Parser, start: int) -> WhereOperator:
    """After the keyword."""
    p.parameters(())
    condition = p.named_expression() or p.missing_expression()
    return WhereOperator(condition, start=start, end=p.last_end)
