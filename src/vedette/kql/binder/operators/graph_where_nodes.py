"""graph-where-nodes: a graph without the nodes for which a condition is not true, nor their edges."""

from __future__ import annotations

import dataclasses

from vedette.kql.binder.core import Binder
from vedette.kql.binder.graphs import Elements, Graph, GraphExpressions, NodeElement, node_element, require_graph
from vedette.kql.binder.scope import Scope
from vedette.kql.bound import Expr, Relation
from vedette.kql.node import node
from vedette.kql.operators.binding import binds
from vedette.kql.operators.graph_where_nodes import GraphWhereNodesOperator


@node
class FilteredNodes(Relation):
    """The nodes of a graph for which a condition is true."""

    graph: Graph
    element: NodeElement
    condition: Expr


@node
class EdgesBetween(Relation):
    """The edges of a graph whose two ends are among some nodes."""

    graph: Graph
    nodes: FilteredNodes


@binds(GraphWhereNodesOperator)
def bind_graph_where_nodes(binder: Binder, node: GraphWhereNodesOperator, input_: Relation, scope: Scope) -> Relation:
    """Binds `graph-where-nodes`; the condition names the properties of a node as they are."""
    graph = require_graph(binder, input_, node, "graph-where-nodes")
    element = node_element(binder, graph, None)
    condition = GraphExpressions(binder, scope, Elements(), element).predicate(node.condition)
    nodes = FilteredNodes(graph.nodes.columns, graph, element, condition, open=graph.nodes.open)
    edges = EdgesBetween(graph.edges.columns, graph, nodes, open=graph.edges.open)
    return dataclasses.replace(graph, nodes=nodes, edges=edges)
