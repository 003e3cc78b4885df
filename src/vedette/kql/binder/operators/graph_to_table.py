"""graph-to-table: the nodes or the edges of a graph as a table."""

from __future__ import annotations

from vedette.kql.binder.core import Binder
from vedette.kql.binder.graphs import Graph, require_graph
from vedette.kql.binder.naming import Names
from vedette.kql.binder.scope import Scope, TableValue
from vedette.kql.bound import Column, Relation
from vedette.kql.node import node
from vedette.kql.operators.binding import binds
from vedette.kql.operators.graph_to_table import GraphOutput, GraphToTableOperator
from vedette.kql.types import Type


@node
class GraphTable(Relation):
    """The nodes or the edges of a graph."""

    graph: Graph
    entity: str
    hashes: list[tuple[Column, str]]
    """Columns of a node's hash: that of the `node` itself, or of an edge's `source` or `target`."""
    shown: list[tuple[Column, Column]]


@binds(GraphToTableOperator)
def bind_graph_to_table(binder: Binder, node: GraphToTableOperator, input_: Relation, scope: Scope) -> Relation:
    """Binds `graph-to-table`; two tables have names by which later statements read them."""
    graph = require_graph(binder, input_, node, "graph-to-table")
    bound = [_table(binder, graph, output) for output in node.outputs]
    if not bound:
        raise binder.stop("KS005", "graph-to-table gives nodes or edges: say which", node)
    if len(bound) == 1:
        return bound[0]
    for output, relation in zip(node.outputs, bound, strict=True):
        if output.name is None:
            raise binder.stop("KS273", f"Two tables need names; write {output.entity} as a name", output)
        if output.name.name in scope.names:
            raise binder.stop("KS201", f"The name '{output.name.name}' is already declared in this scope", output.name)
        scope.names[output.name.name] = TableValue(relation)
    return bound[0]


def _table(binder: Binder, graph: Graph, output: GraphOutput) -> GraphTable:
    source = graph.nodes if output.entity == "nodes" else graph.edges
    names = Names()
    hashes: list[tuple[Column, str]] = []
    for name, of in ((output.node_id, "node"), (output.source_id, "source"), (output.target_id, "target")):
        if name is not None:
            hashes.append((binder.column(names.implied(name.name), Type.LONG), of))
    shown = [(binder.column(names.implied(column.name), column.type), column) for column in source.visible]
    columns = tuple(column for column, _ in [*hashes, *shown])
    return GraphTable(columns, graph, output.entity, hashes, shown, open=source.open)
