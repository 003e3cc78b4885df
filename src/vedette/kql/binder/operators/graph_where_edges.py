"""graph-where-edges: a graph without the edges for which a condition is not true; its nodes stay."""

from __future__ import annotations

import dataclasses

from vedette.kql.binder.core import Binder
from vedette.kql.binder.graphs import EdgeElement, Elements, Graph, GraphExpressions, edge_element, require_graph
from vedette.kql.binder.scope import Scope
from vedette.kql.bound import Expr, Relation
from vedette.kql.node import node
from vedette.kql.operators.binding import binds
from vedette.kql.operators.graph_where_edges import GraphWhereEdgesOperator


@node
class FilteredEdges(Relation):
    """The edges of a graph for which a condition is true."""

    graph: Graph
    element: EdgeElement
    condition: Expr


@binds(GraphWhereEdgesOperator)
def bind_graph_where_edges(binder: Binder, node: GraphWhereEdgesOperator, input_: Relation, scope: Scope) -> Relation:
    """Binds `graph-where-edges`; the condition names the properties of an edge as they are."""
    graph = require_graph(binder, input_, node, "graph-where-edges")
    element = edge_element(binder, graph, None)
    condition = GraphExpressions(binder, scope, Elements(), element).predicate(node.condition)
    edges = FilteredEdges(graph.edges.columns, graph, element, condition, open=graph.edges.open)
    return dataclasses.replace(graph, edges=edges)
