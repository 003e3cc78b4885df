"""`summarize`: groups rows and aggregates each group."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vedette.kql.cursor import LIST_ENDS
from vedette.kql.node import node
from vedette.kql.syntax import Expression, Operator, OperatorParameter

if TYPE_CHECKING:
    from vedette.kql.parser import Parser

_AGGREGATE_ENDS = LIST_ENDS | {"by"}


@node
class SummarizeOperator(Operator):
    """`summarize aggregate, ... by key, ...`."""

    aggregates: list[Expression]
    """Expressions, or `Assignment` where a name is given."""
    keys: list[Expression]
    """Expressions, or `Assignment` where a name is given."""
    bin: Expression | None
    """The old form `by time bin = 1h`: the width that the last key is cut to."""
    hints: list[OperatorParameter]


def parse_summarize(p: Parser, start: int) -> SummarizeOperator:
    """After the keyword."""
    parameters = p.parameters(("hint.shufflekey", "hint.strategy", "hint.num_partitions"))
    aggregates = p.comma_list(p.named_expression, p.missing_expression, _AGGREGATE_ENDS, required=False)
    keys: list[Expression] = []
    width: Expression | None = None

    def key() -> Expression | None:
        nonlocal width
        value = p.named_expression()
        if value is not None and p.kind == "bin" and p.peek() == "=":
            p.i += 2
            width = p.expression() or p.missing_expression()
        return value

    if p.take("by"):
        keys = p.comma_list(key, p.missing_expression)
    return SummarizeOperator(aggregates, keys, width, parameters.hints(), start=start, end=p.last_end)
