"""graph-shortest-paths: of the matches of a pattern the shortest between each two ends."""

from __future__ import annotations

from vedette.kql.binder.core import Binder
from vedette.kql.binder.graphs import require_graph
from vedette.kql.binder.operators.graph_match import bind_pattern
from vedette.kql.binder.scope import Scope
from vedette.kql.bound import Relation
from vedette.kql.operators.binding import binds
from vedette.kql.operators.graph_shortest_paths import GraphShortestPathsOperator


@binds(GraphShortestPathsOperator)
def bind_graph_shortest_paths(
    binder: Binder, node: GraphShortestPathsOperator, input_: Relation, scope: Scope
) -> Relation:
    """Binds `graph-shortest-paths`."""
    graph = require_graph(binder, input_, node, "graph-shortest-paths")
    if len(node.patterns) > 1:
        raise binder.stop("VDT1011", "graph-shortest-paths takes one sequence", node.patterns[1])
    bound = bind_pattern(binder, node, graph, scope, "unique_edges", node.output)
    if not any(edge.path for edge in bound.edges):
        raise binder.stop("VDT1011", "graph-shortest-paths needs an edge of variable length", node.patterns[0])
    return bound
