"""`reduce by`: groups similar strings and gives each group's pattern."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vedette.kql.node import node
from vedette.kql.syntax import Expression, Operator

if TYPE_CHECKING:
    from vedette.kql.parser import Parser

REDUCE_KINDS = ("source",)


@node
class ReduceOperator(Operator):
    """`reduce kind = source by value with threshold = number, characters = string`."""

    kind: str
    """`""`, or `source`: every row with its pattern."""
    value: Expression
    properties: list[tuple[str, Expression]]
    """`threshold` and `characters`."""


def parse_reduce(p: Parser, start: int) -> ReduceOperator:
    """After the keyword."""
    parameters = p.parameters(("kind",), equals_needed=False)
    kind = p.choice(parameters.get("kind"), "kind of reduce", REDUCE_KINDS, "")
    p.expect("by")
    value = p.named_expression() or p.missing_expression()
    properties = p.property_list(("threshold", "characters")) if p.take("with") else []
    return ReduceOperator(kind, value, properties, start=start, end=p.last_end)
