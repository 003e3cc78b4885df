"""`graph-where-edges`: keeps the edges of a graph for which a condition is true."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vedette.kql.node import node
from vedette.kql.syntax import Expression, Operator

if TYPE_CHECKING:
    from vedette.kql.parser import Parser


@node
class GraphWhereEdgesOperator(Operator):
    """`graph-where-edges condition`."""

    condition: Expression


def parse_graph_where_edges(p: Parser, start: int) -> GraphWhereEdgesOperator:
    """After the keyword."""
    condition = p.expression() or p.missing_expression()
    return GraphWhereEdgesOperator(condition, start=start, end=p.last_end)
