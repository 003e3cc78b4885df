"""`graph-shortest-paths`: the shortest paths that a pattern fits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vedette.kql.node import node
from vedette.kql.operators.graph_match import GraphPattern, parse_graph_clauses
from vedette.kql.syntax import Expression, Operator

if TYPE_CHECKING:
    from vedette.kql.parser import Parser

OUTPUTS = ("any", "all")


@node
class GraphShortestPathsOperator(Operator):
    """`graph-shortest-paths output = any|all pattern where condition project name = value, ...`."""

    output: str
    """`any` (one path for each pair of ends, also where the text does not say) or `all`."""
    patterns: list[GraphPattern]
    where: Expression | None
    columns: list[Expression] | None
    """None: the text has no `project`."""


def parse_graph_shortest_paths(p: Parser, start: int) -> GraphShortestPathsOperator:
    """After the keyword."""
    output = p.choice(p.parameters(("output",)).get("output"), "output of graph-shortest-paths", OUTPUTS, "any")
    patterns, where, columns = parse_graph_clauses(p)
    return GraphShortestPathsOperator(output, patterns, where, columns, start=start, end=p.last_end)
