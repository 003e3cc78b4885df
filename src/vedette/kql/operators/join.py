"""`join`: pairs rows of two tables by equal keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vedette.kql.node import node
from vedette.kql.syntax import Expression, Operator, OperatorParameter

if TYPE_CHECKING:
    from vedette.kql.parser import Parser

JOIN_KINDS = (
    "innerunique",
    "inner",
    "leftouter",
    "rightouter",
    "fullouter",
    "leftsemi",
    "rightsemi",
    "leftanti",
    "leftantisemi",
    "anti",
    "rightanti",
    "rightantisemi",
)


@node
class JoinOperator(Operator):
    """`join kind = kind (right) on condition, ...`."""

    kind: str
    """One of `JOIN_KINDS` as written; `innerunique` where the text does not say."""
    right: Expression
    conditions: list[Expression]
    """`Name` for a column of both sides, or `Binary` (`$left.a == $right.b`, joined by `and`)."""
    where: Expression | None
    """The condition of `join ... where`, which takes the place of `on`."""
    hints: list[OperatorParameter]


def parse_join(p: Parser, start: int) -> JoinOperator:
    """After the keyword."""
    parameters = p.parameters(
        (
            "kind",
            "hint.remote",
            "hint.shufflekey",
            "hint.strategy",
            "hint.num_partitions",
            "hint.pass_filters",
            "hint.pass_filters_column",
        )
    )
    kind = p.choice(parameters.get("kind"), "kind of join", JOIN_KINDS, "innerunique")
    right = p.expression() or p.missing_expression()
    conditions, where = parse_join_conditions(p, where_allowed=True)
    return JoinOperator(kind, right, conditions, where, parameters.hints(), start=start, end=p.last_end)


def parse_join_conditions(p: Parser, *, where_allowed: bool = False) -> tuple[list[Expression], Expression | None]:
    """`on condition, ...`, or `where condition`."""
    if p.take("on"):
        return p.comma_list(p.expression, p.missing_expression, recover=False), None
    if where_allowed and p.take("where"):
        return [], p.expression() or p.missing_expression()
    return [], None
