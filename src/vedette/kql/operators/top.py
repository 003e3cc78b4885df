"""`top`: the first rows by a key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vedette.kql.node import node
from vedette.kql.syntax import Expression, Operator, OperatorParameter, Ordered

if TYPE_CHECKING:
    from vedette.kql.parser import Parser


@node
class TopOperator(Operator):
    """`top count by key asc|desc nulls first|last`; descending where the text does not say."""

    count: Expression
    key: Ordered
    hints: list[OperatorParameter]


def parse_top(p: Parser, start: int) -> TopOperator:
    """After the keyword."""
    parameters = p.parameters(("hint.progressive_top",))
    count = p.named_expression() or p.missing_expression()
    p.expect("by")
    key = p.ordered() or p.missing_ordered()
    return TopOperator(count, key, parameters.hints(), start=start, end=p.last_end)
