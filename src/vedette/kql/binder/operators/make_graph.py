"""make-graph: a graph out of edges and nodes.

A node is an id. Its properties are those of the first row that has the id, of the first table that knows it; an id
that only edges have stands in the key columns and has no other property. Null is an id like any other.
"""

from __future__ import annotations

from vedette.kql import syntax
from vedette.kql.binder.core import Binder
from vedette.kql.binder.graphs import Graph
from vedette.kql.binder.scope import Scope
from vedette.kql.bound import Column, Relation
from vedette.kql.node import node
from vedette.kql.operators.binding import binds
from vedette.kql.operators.make_graph import MakeGraphOperator
from vedette.kql.types import INTEGERS, Type, common

MAX_NODE_TABLES = 2


@node
class Numbered(Relation):
    """The rows of the input, numbered in their order."""

    input: Relation


@node
class KeyedRows(Relation):
    """A table of nodes: its numbered rows, the column of the id and that of the partition."""

    rows: Numbered
    key: Column
    partition: Column | None


@node
class GraphIds(Relation):
    """The ids of a graph, each with the number of its node."""

    edges: Numbered
    source: Column
    target: Column
    partition: Column | None
    tables: list[KeyedRows]
    type: Type


@node
class GraphNodes(Relation):
    """The nodes of a graph."""

    ids: GraphIds
    tables: list[KeyedRows]
    shown: list[tuple[Column, list[Column | None]]]
    """Each property with the column of each table that holds it."""
    keys: list[Column]
    """The properties that hold the id of a node that is in no table."""


@node
class GraphEdges(Relation):
    """The edges of a graph."""

    ids: GraphIds


@node
class Partitioned(Relation):
    """What a subquery makes of each of the graphs of a partitioned graph."""

    graph: Graph
    subquery: Relation


@binds(MakeGraphOperator)
def bind_make_graph(binder: Binder, node: MakeGraphOperator, input_: Relation, scope: Scope) -> Relation:
    """Binds `make-graph`."""
    if len(node.nodes) > MAX_NODE_TABLES:
        raise binder.stop("KS006", f"make-graph takes at most {MAX_NODE_TABLES} tables of nodes", node.nodes[2])
    edges = Numbered(input_.visible, input_, open=input_.open)
    source, target = _id(binder, edges, node.source), _id(binder, edges, node.target)
    _same(binder, source, target, node.target)
    part = None
    if node.partition_key is not None:
        if not isinstance(node.partition_key, syntax.Name):
            raise binder.refuse("partitioned-by over a path", node.partition_key)
        part = _column(binder, edges, node.partition_key)
        if part.type is Type.DYNAMIC:
            raise binder.stop("KS240", "The column of partitioned-by may not be dynamic; cast it", node.partition_key)
    tables: list[KeyedRows] = []
    for declared in node.nodes:
        relation = binder.tabular(declared.table, scope)
        if isinstance(relation, Graph):
            raise binder.stop("KS205", "The expression is a graph, not a table of nodes", declared.table)
        rows = Numbered(relation.visible, relation, open=relation.open)
        key = _id(binder, rows, declared.key)
        _same(binder, source, key, declared.key)
        own = None
        if part is not None and isinstance(node.partition_key, syntax.Name):
            own = _column(binder, rows, node.partition_key, declared.table)
            if own.type is not part.type and Type.UNKNOWN not in (own.type, part.type):
                raise binder.stop(
                    "KS124", f"The column '{own.name}' is {part.type} in edges and {own.type} in nodes", declared.table
                )
        tables.append(KeyedRows((), rows, key, own))
    types = {source.type, target.type, *(table.key.type for table in tables)}
    id_type = Type.LONG if Type.LONG in types else source.type
    ids = GraphIds((), edges, source, target, part, tables, id_type)
    nodes = _nodes(binder, node, ids, tables)
    bound = GraphEdges(edges.columns, ids, open=edges.open)
    group = binder.column("partition", Type.LONG) if part is not None else None
    graph = Graph((), nodes, bound, id_type, node.directed, group, start=node.start, end=node.end)
    if node.partition_query is None:
        return graph
    subquery: Relation = graph
    for operator in node.partition_query.operators:
        subquery = binder.operator(operator, subquery, scope)
    if isinstance(subquery, Graph):
        raise binder.stop("KS205", "The subquery of partitioned-by gives a graph, not a table", node.partition_query)
    return Partitioned(subquery.visible, graph, subquery, open=subquery.open)


def _nodes(binder: Binder, node: MakeGraphOperator, ids: GraphIds, tables: list[KeyedRows]) -> GraphNodes:
    if not tables:
        if node.node_id is None:
            return GraphNodes((), ids, [], [], [])
        key = binder.column(node.node_id.name, ids.type)
        return GraphNodes((key,), ids, [], [(key, [])], [key])
    if len(tables) == 1:
        rows, key = tables[0].rows, tables[0].key
        return GraphNodes(
            rows.columns, ids, tables, [(column, [column]) for column in rows.columns], [key], open=rows.open
        )
    shown: list[tuple[Column, list[Column | None]]] = []
    places: dict[str, int] = {}
    for index, table in enumerate(tables):
        # of an open table the key may be a column that only the data shows
        unseen = [] if table.key in table.rows.columns else [table.key]
        for column in (*table.rows.columns, *unseen):
            if column.name not in places:
                places[column.name] = len(shown)
                shown.append((binder.column(column.name, column.type), [None] * len(tables)))
            own, sources = shown[places[column.name]]
            sources[index] = column
            if own.type is not column.type:
                own.type = common([own.type, column.type]) or Type.DYNAMIC
    keys = list(dict.fromkeys(shown[places[table.key.name]][0] for table in tables))
    is_open = any(table.rows.open for table in tables)
    return GraphNodes(tuple(column for column, _ in shown), ids, tables, shown, keys, open=is_open)


def _column(binder: Binder, relation: Relation, name: syntax.Name, place: syntax.Node | None = None) -> Column:
    for column in relation.visible:
        if column.name == name.name:
            return column
    if relation.open:
        return binder.column(name.name, Type.UNKNOWN)
    known = [column.name for column in relation.visible]
    raise binder.unknown("column", "KS142", name.name, known, place or name)


def _id(binder: Binder, relation: Relation, name: syntax.Name) -> Column:
    column = _column(binder, relation, name)
    if column.type is Type.DYNAMIC:
        raise binder.stop(
            "KS240", f"The id '{name.name}' of nodes may not be dynamic; cast it, as with tostring()", name
        )
    return column


def _same(binder: Binder, first: Column, second: Column, place: syntax.Node) -> None:
    types = {first.type, second.type} - {Type.UNKNOWN}
    if len(types) > 1 and not types <= INTEGERS:
        message = (
            f"The ids of a graph are of one type; '{first.name}' is {first.type}, '{second.name}' is {second.type}"
        )
        raise binder.stop("KS124", message, place)
