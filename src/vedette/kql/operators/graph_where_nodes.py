"""`graph-where-nodes`: keeps the nodes of a graph for which a condition is true."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vedette.kql.node import node
from vedette.kql.syntax import Expression, Operator

if TYPE_CHECKING:
    from vedette.kql.parser import Parser


@node
class GraphWhereNodesOperator(Operator):
    """`graph-where-nodes condition`."""

    condition: Expression


def parse_graph_where_nodes(p: Parser, start: int) -> GraphWhereNodesOperator:
    """After the keyword."""
    condition = p.expression() or p.missing_expression()
    return GraphWhereNodesOperator(condition, start=start, end=p.last_end)
