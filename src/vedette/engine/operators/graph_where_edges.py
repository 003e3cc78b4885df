"""graph-where-edges."""

from __future__ import annotations

from vedette.engine.compiler import Compiler, lowers
from vedette.engine.graphs import edge_values, edges_of
from vedette.engine.relations import Rel
from vedette.kql.binder.graphs import columns_in
from vedette.kql.binder.operators.graph_where_edges import FilteredEdges


@lowers(FilteredEdges)
def filtered_edges(compiler: Compiler, node: FilteredEdges) -> Rel:
    """The edges that meet the condition."""
    condition = compiler.emitter.true(node.condition)
    values = edge_values(compiler, node.element, columns_in(node.condition))
    text = f"SELECT * FROM {edges_of(compiler, node.graph)} WHERE g_e IN (SELECT g_e FROM ({values}) WHERE {condition})"
    return Rel(f"({text})", node.columns)
