"""graph-to-table."""

from __future__ import annotations

from vedette.engine.compiler import Compiler, lowers
from vedette.engine.fragment import Fragment
from vedette.engine.functions.hashing import hash_
from vedette.engine.graphs import edges_of, grouped, nodes_of, partition_of
from vedette.engine.relations import OrderKey, Rel, name_of
from vedette.kql.binder.operators.graph_to_table import GraphTable
from vedette.kql.types import Type

_ENDS = {"node": "g_n", "source": "g_s", "target": "g_t"}


@lowers(GraphTable)
def graph_table(compiler: Compiler, node: GraphTable) -> Rel:
    """Nodes or edges in the order of first appearance; a node's hash is that of its id."""
    graph = node.graph
    nodes, order = nodes_of(compiler, graph), compiler.fresh()
    key = Fragment("k.g_k", graph.id_type, graph.id_type is not Type.STRING)
    if key.type is Type.DECIMAL:
        key = compiler.sql.tostring(key)
    value = hash_(compiler.sql, key) if node.hashes else ""
    items, joins = [], ""
    for column, of in node.hashes:
        alias = compiler.fresh("h")
        joins += f" JOIN (SELECT k.g_n AS n, {value} AS h FROM {nodes} AS k) AS {alias} ON {alias}.n = r.{_ENDS[of]}"
        items.append(f"{alias}.h AS {name_of(column)}")
    for own, column in node.shown:
        shown = f"coalesce(r.{name_of(column)}, '')" if own.type is Type.STRING else f"r.{name_of(column)}"
        items.append(f"{shown} AS {name_of(own)}")
    if node.entity == "nodes":
        source, number, group = nodes, "g_n", "r.g_g"
    else:
        source, number, group = edges_of(compiler, graph), "g_e", "p.g_g"
        if graph.partition is not None:
            joins += f" JOIN {nodes} AS p ON p.g_n = r.g_s"
    items += [f"r.{number} AS {order}", *grouped(graph, group)]
    text = f"SELECT {', '.join(items)} FROM {source} AS r{joins}"
    return Rel(f"({text})", node.columns, order=[OrderKey(order)], partition=partition_of(graph))
