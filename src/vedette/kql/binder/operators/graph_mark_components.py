"""graph-mark-components: each node gets the number of its connected component."""

from __future__ import annotations

import dataclasses

from vedette.kql.binder.core import Binder
from vedette.kql.binder.graphs import Graph, require_graph
from vedette.kql.binder.naming import Names
from vedette.kql.binder.scope import Scope
from vedette.kql.bound import Column, Relation
from vedette.kql.node import node
from vedette.kql.operators.binding import binds
from vedette.kql.operators.graph_mark_components import GraphMarkComponentsOperator
from vedette.kql.types import Type


@node
class MarkedNodes(Relation):
    """The nodes of a graph with the numbers of their components, from 0 by first appearance."""

    graph: Graph
    strong: bool
    """Each node of a component can be reached from each other along the edges; else against them too."""
    component: Column


@binds(GraphMarkComponentsOperator)
def bind_graph_mark_components(
    binder: Binder, node: GraphMarkComponentsOperator, input_: Relation, scope: Scope
) -> Relation:
    """Binds `graph-mark-components`."""
    graph = require_graph(binder, input_, node, "graph-mark-components")
    names = Names([column.name for column in graph.nodes.visible])
    wanted = node.component_id.name if node.component_id is not None else "ComponentId"
    component = binder.column(names.implied(wanted), Type.LONG)
    nodes = MarkedNodes((*graph.nodes.columns, component), graph, node.kind == "strong", component)
    nodes.open = graph.nodes.open
    return dataclasses.replace(graph, nodes=nodes)
