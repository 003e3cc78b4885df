"""`lookup`: adds the columns of a dimension table to the rows of a fact table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vedette.kql.node import node
from vedette.kql.operators.join import parse_join_conditions
from vedette.kql.syntax import Expression, Operator, OperatorParameter

if TYPE_CHECKING:
    from vedette.kql.parser import Parser

LOOKUP_KINDS = ("leftouter", "inner")


@node
class LookupOperator(Operator):
    """`lookup kind = kind (right) on condition, ...`."""

    kind: str
    """One of `LOOKUP_KINDS`; `leftouter` where the text does not say."""
    right: Expression
    conditions: list[Expression]
    """As in `JoinOperator`."""
    hints: list[OperatorParameter]


def parse_lookup(p: Parser, start: int) -> LookupOperator:
    """After the keyword."""
    parameters = p.parameters(("kind",))
    kind = p.choice(parameters.get("kind"), "kind of lookup", LOOKUP_KINDS, "leftouter")
    right = p.expression() or p.missing_expression()
    conditions, _ = parse_join_conditions(p)
    return LookupOperator(kind, right, conditions, parameters.hints(), start=start, end=p.last_end)
