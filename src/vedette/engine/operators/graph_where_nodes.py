"""graph-where-nodes."""

from __future__ import annotations

from vedette.engine.compiler import Compiler, lowers
from vedette.engine.graphs import edges_of, node_values, nodes_of
from vedette.engine.relations import Rel
from vedette.kql.binder.graphs import columns_in
from vedette.kql.binder.operators.graph_where_nodes import EdgesBetween, FilteredNodes


@lowers(FilteredNodes)
def filtered_nodes(compiler: Compiler, node: FilteredNodes) -> Rel:
    """The nodes that meet the condition; degrees are those in the graph as it was."""
    condition = compiler.emitter.true(node.condition)
    values = node_values(compiler, node.element, columns_in(node.condition))
    text = f"SELECT * FROM {nodes_of(compiler, node.graph)} WHERE g_n IN (SELECT g_n FROM ({values}) WHERE {condition})"
    return Rel(f"({text})", node.columns)


@lowers(EdgesBetween)
def edges_between(compiler: Compiler, node: EdgesBetween) -> Rel:
    """The edges that keep both ends."""
    kept = f"SELECT g_n FROM {compiler.shared(node.nodes).name}"
    text = f"SELECT * FROM {edges_of(compiler, node.graph)} WHERE g_s IN ({kept}) AND g_t IN ({kept})"
    return Rel(f"({text})", node.columns)
