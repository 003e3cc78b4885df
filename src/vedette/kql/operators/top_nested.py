"""`top-nested`: the top values of a key, and within each the top values of the next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vedette.kql.node import node
from vedette.kql.syntax import Expression, Node, Operator, Ordered

if TYPE_CHECKING:
    from vedette.kql.parser import Parser


@node
class TopNestedLevel(Node):
    """`top-nested count of key with others = label by aggregate asc|desc`."""

    count: Expression | None
    """None: every value."""
    key: Expression
    """An expression, or `Assignment` where a name is given."""
    others: Expression | None
    """The label of the row that holds the rest; None: no such row."""
    by: Ordered


@node
class TopNestedOperator(Operator):
    """`top-nested ..., top-nested ...`."""

    levels: list[TopNestedLevel]


def parse_top_nested(p: Parser, start: int) -> TopNestedOperator:
    """After the keyword of the first level."""
    levels = [_level(p, start)]
    while p.take(","):
        at = p.start
        if not p.expect("top-nested"):
            break
        levels.append(_level(p, at))
    return TopNestedOperator(levels, start=start, end=p.last_end)


def _level(p: Parser, start: int) -> TopNestedLevel:
    count = None if p.kind == "of" else p.named_expression()
    p.expect("of")
    key = p.named_expression() or p.missing_expression()
    others: Expression | None = None
    if p.take("with"):
        p.expect("others")
        p.expect("=")
        others = p.expression() or p.missing_expression()
    p.expect("by")
    by = p.ordered() or p.missing_ordered()
    return TopNestedLevel(count, key, others, by, start=start, end=p.last_end)
