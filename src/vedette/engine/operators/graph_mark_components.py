"""graph-mark-components: components are found by SciPy, over the numbers of nodes alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vedette.core.deferred import deferred
from vedette.engine.compiler import Compiler, lowers
from vedette.engine.fragment import Fragment
from vedette.engine.graphs import edges_of, nodes_of
from vedette.engine.relations import Rel, name_of
from vedette.kql.binder.operators.graph_mark_components import MarkedNodes
from vedette.kql.types import Type

if TYPE_CHECKING:
    import numpy as np
    from scipy import sparse
    from scipy.sparse import csgraph
else:
    np, sparse, csgraph = deferred("numpy"), deferred("scipy.sparse"), deferred("scipy.sparse.csgraph")


def components(sources: list[int], targets: list[int], size: int, strong: bool) -> list[int]:
    """For each number below `size` the label of its component in the graph of these edges."""
    ends = (np.array(sources, dtype=np.int32), np.array(targets, dtype=np.int32))
    matrix = sparse.coo_array((np.ones(len(sources)), ends), shape=(size, size)).tocsr()
    _, labels = csgraph.connected_components(matrix, directed=True, connection="strong" if strong else "weak")
    return [int(label) for label in labels]


@lowers(MarkedNodes)
def marked_nodes(compiler: Compiler, node: MarkedNodes) -> Rel:
    """The nodes with the numbers of their components, from 0 in the order of first appearance in each graph."""
    graph = node.graph
    nodes, edges = nodes_of(compiler, graph), edges_of(compiler, graph)
    strong = node.strong and graph.directed
    # the ends of both lists belong together: one pass over the edges gives both
    numbers = [Fragment(name, Type.DYNAMIC, False) for name in ("s", "t")]
    lists = (
        "SELECT '[' || coalesce(array_to_string(list(g_s), ','), '') || ']' AS s, "
        f"'[' || coalesce(array_to_string(list(g_t), ','), '') || ']' AS t FROM {edges}"
    )
    size = Fragment(f"(SELECT coalesce(max(g_n), 0) + 1 FROM {nodes})", Type.LONG, False)
    call = compiler.sql.row(
        "graph_components", components, Type.DYNAMIC, *numbers, size, compiler.sql.literal(strong, Type.BOOL)
    )
    labels = compiler.add_cte(
        f"SELECT unnest(l) AS l, unnest(range(len(l))) AS n FROM (SELECT CAST({call} AS BIGINT[]) AS l FROM ({lists}))"
    )
    first = f"SELECT r.*, min(r.g_n) OVER (PARTITION BY k.l) AS g_f FROM {nodes} AS r JOIN {labels} AS k ON k.n = r.g_n"
    over = "PARTITION BY g_g " if graph.partition is not None else ""
    text = f"SELECT * EXCLUDE (g_f), dense_rank() OVER ({over}ORDER BY g_f) - 1 AS {name_of(node.component)} FROM ({first})"
    return Rel(f"({text})", node.columns)
