"""make-graph: numbers of nodes and edges in place of their ids."""

from __future__ import annotations

from vedette.engine.compiler import Compiler, lowers
from vedette.engine.dialect import SQL_TYPES
from vedette.engine.fragment import Fragment
from vedette.engine.graphs import nodes_of
from vedette.engine.relations import OrderKey, Rel, name_of
from vedette.kql.binder.graphs import Graph
from vedette.kql.binder.operators.make_graph import (
    GraphEdges,
    GraphIds,
    GraphNodes,
    KeyedRows,
    Numbered,
    Partitioned,
)
from vedette.kql.bound import Column
from vedette.kql.diagnostics import Diagnostic, KqlError

_TABLE = 1 << 60
"""Rows of one table come before those of the next in the order of first appearance."""


@lowers(Graph)
def graph(_compiler: Compiler, node: Graph) -> Rel:
    """Refused: a graph has no rows."""
    message = "A graph is no table; go on with graph-match, graph-shortest-paths or graph-to-table"
    raise KqlError("", [Diagnostic("VDT1011", message, node.start, max(1, node.end - node.start))])


@lowers(Numbered)
def numbered(compiler: Compiler, node: Numbered) -> Rel:
    """The rows with their number `g_r`, from 1."""
    rel = compiler.rel(node.input)
    if rel.partition:
        raise KqlError("", [Diagnostic("VDT1001", "make-graph inside a subquery over groups is not supported", 0, 1)])
    base = rel.wrapped()
    text = f"SELECT *, row_number() OVER ({base.over()}) AS g_r FROM {base.source}"
    if base.where:
        text += " WHERE " + " AND ".join(base.where)
    return Rel(f"({text})", node.columns)


@lowers(GraphIds)
def graph_ids(compiler: Compiler, node: GraphIds) -> Rel:
    """The ids `g_k` with the numbers `g_n` of their nodes, in the order of first appearance."""
    parts = [
        _appearances(compiler, node, table.rows, table.key, table.partition, f"{index * _TABLE} + g_r")
        for index, table in enumerate(node.tables)
    ]
    last = len(node.tables) * _TABLE
    parts.append(_appearances(compiler, node, node.edges, node.source, node.partition, f"{last} + 2 * g_r"))
    parts.append(_appearances(compiler, node, node.edges, node.target, node.partition, f"{last} + 2 * g_r + 1"))
    group = ", dense_rank() OVER (ORDER BY g_p NULLS FIRST) AS g_g" if node.partition is not None else ""
    keys = "g_k, g_p" if node.partition is not None else "g_k"
    text = (
        f"SELECT {keys}, row_number() OVER (ORDER BY min(g_o)) AS g_n{group} "
        f"FROM ({' UNION ALL '.join(parts)}) GROUP BY {keys}"
    )
    return Rel(f"({text})", ())


def _appearances(
    compiler: Compiler, ids: GraphIds, rows: Numbered, key: Column, partition: Column | None, order: str
) -> str:
    part = f", {name_of(partition)} AS g_p" if partition is not None else ""
    return f"SELECT CAST({name_of(key)} AS {SQL_TYPES[ids.type]}) AS g_k{part}, {order} AS g_o FROM {compiler.shared(rows).name}"


def _equal(ids: str, table: str, key: Column, partition: Column | None) -> str:
    """The condition by which a row has an id; null is an id too."""
    text = f"{ids}.g_k IS NOT DISTINCT FROM {table}.{name_of(key)}"
    if partition is not None:
        text += f" AND {ids}.g_p IS NOT DISTINCT FROM {table}.{name_of(partition)}"
    return text


@lowers(GraphNodes)
def graph_nodes(compiler: Compiler, node: GraphNodes) -> Rel:
    """Every id with the first row of the first table that has it."""
    partition = node.ids.partition
    items = ["i.g_n", "i.g_k", *(["i.g_g"] if partition is not None else [])]
    text = f"{compiler.shared(node.ids).name} AS i"
    for index, table in enumerate(node.tables):
        condition = _equal("i", f"t{index}", table.key, table.partition)
        if index:
            condition += " AND t0.g_r IS NULL"
        text += f" LEFT JOIN {_first_rows(compiler, table)} AS t{index} ON {condition}"
    if len(node.tables) == 1:
        # the star lets a scan read only what the statement names
        # an id of the edges may be too long for the table's column
        key = f"TRY_CAST(i.g_k AS {SQL_TYPES[node.keys[0].type]}) AS {name_of(node.keys[0])}"
        items.append(f"t0.* EXCLUDE (g_r) REPLACE ({key})")
    else:
        items += [f"{_merged(compiler, node, own, sources)} AS {name_of(own)}" for own, sources in node.shown]
    return Rel(f"(SELECT {', '.join(items)} FROM {text})", node.columns)


def _first_rows(compiler: Compiler, table: KeyedRows) -> str:
    keys = [table.key, *([table.partition] if table.partition is not None else [])]
    over = f"PARTITION BY {', '.join(map(name_of, keys))} ORDER BY g_r"
    return f"(SELECT * FROM {compiler.shared(table.rows).name} QUALIFY row_number() OVER ({over}) = 1)"


def _merged(compiler: Compiler, node: GraphNodes, own: Column, sources: list[Column | None]) -> str:
    cases = ""
    for index, source in enumerate(sources):
        if source is not None:
            value = Fragment(f"t{index}.{name_of(source)}", source.type, True)
            cast = value if source.type is own.type else compiler.sql.cast(value, own.type)
            cases += f" WHEN t{index}.g_r IS NOT NULL THEN {cast}"
    if own in node.keys:
        apart = " AND ".join(f"t{index}.g_r IS NULL" for index in range(len(sources))) or "true"
        cases += f" WHEN {apart} THEN i.g_k"
    return f"CASE{cases} END"


@lowers(GraphEdges)
def graph_edges(compiler: Compiler, node: GraphEdges) -> Rel:
    """Every row of the edges with the numbers of its ends."""
    ids, of = compiler.shared(node.ids).name, node.ids
    source = _equal("a", "e", of.source, of.partition)
    target = _equal("b", "e", of.target, of.partition)
    text = (
        f"SELECT e.* EXCLUDE (g_r), e.g_r AS g_e, a.g_n AS g_s, b.g_n AS g_t FROM {compiler.shared(of.edges).name} AS e "
        f"JOIN {ids} AS a ON {source} JOIN {ids} AS b ON {target}"
    )
    return Rel(f"({text})", node.columns)


@lowers(Partitioned)
def partitioned(compiler: Compiler, node: Partitioned) -> Rel:
    """The subquery works on all graphs at once, group by group."""
    assert node.graph.partition is not None
    group = name_of(node.graph.partition)
    groups = f"SELECT DISTINCT g_g AS {group} FROM {nodes_of(compiler, node.graph)}"
    compiler.groups[group] = compiler.add_cte(groups)
    rel = compiler.rel(node.subquery)
    return Rel(f"({rel.text()})", node.columns, order=[OrderKey(group), *rel.order])
