"""Graphs in SQL: what the relations of a graph expose, and the values of their elements.

Nodes expose `g_n` (the number of the node), `g_k` (its id) and, in a partitioned graph, `g_g` (the number of its
partition); edges expose `g_e` (the number of the edge) and `g_s`, `g_t` (those of its ends). All are 64-bit integers
given in the order of first appearance, so that walks compare nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable

from vedette.engine.compiler import Compiler
from vedette.engine.dialect import json_text
from vedette.engine.fragment import Fragment
from vedette.engine.relations import name_of
from vedette.kql.binder.graphs import EdgeElement, Graph, NodeElement
from vedette.kql.bound import Column
from vedette.kql.types import Type


def nodes_of(compiler: Compiler, graph: Graph) -> str:
    """The CTE of a graph's nodes."""
    return compiler.shared(graph.nodes).name


def edges_of(compiler: Compiler, graph: Graph) -> str:
    """The CTE of a graph's edges."""
    return compiler.shared(graph.edges).name


def grouped(graph: Graph, value: str) -> list[str]:
    """In a partitioned graph the item that tells to which of its graphs a row belongs."""
    return [f"{value} AS {name_of(graph.partition)}"] if graph.partition is not None else []


def partition_of(graph: Graph) -> list[str]:
    """The names of the values that tell the graphs of a partitioned graph apart."""
    return [name_of(graph.partition)] if graph.partition is not None else []


def node_values(compiler: Compiler, element: NodeElement, wanted: set[int]) -> str:
    """A SELECT of every node: `g_n` and those values of the element whose columns are wanted."""
    graph = element.graph
    nodes = nodes_of(compiler, graph)
    items = ["n.g_n", *_properties(element.columns, wanted, "n")]
    joins = ""
    if element.whole.id in wanted:
        items.append(f"{_bag(compiler, graph.nodes.visible, 'n')} AS {name_of(element.whole)}")
    if element.id.id in wanted:
        key = Fragment("n.g_k", graph.id_type, True)
        items.append(f"{compiler.sql.tostring(key)} AS {name_of(element.id)}")
    for column, ends in ((element.degree_in, ["g_t"]), (element.degree_out, ["g_s"])):
        if column.id in wanted:
            alias = compiler.fresh("d")
            if not graph.directed:
                ends = ["g_s", "g_t"]
            edges = edges_of(compiler, graph)
            each = " UNION ALL ".join(
                # an edge from a node to itself is one edge of an undirected graph
                f"SELECT {end} AS n FROM {edges}" + (" WHERE g_s <> g_t" if index else "")
                for index, end in enumerate(ends)
            )
            joins += f" LEFT JOIN (SELECT n, count(*) AS d FROM ({each}) GROUP BY n) AS {alias} ON {alias}.n = n.g_n"
            items.append(f"coalesce({alias}.d, 0) AS {name_of(column)}")
    return f"SELECT {', '.join(items)} FROM {nodes} AS n{joins}"


def edge_values(compiler: Compiler, element: EdgeElement, wanted: set[int]) -> str:
    """A SELECT of every edge: `g_e`, `g_s`, `g_t` and those values of the element whose columns are wanted."""
    items = ["n.g_e", "n.g_s", "n.g_t", *_properties(element.columns, wanted, "n")]
    if element.whole.id in wanted:
        items.append(f"{_bag(compiler, element.graph.edges.visible, 'n')} AS {name_of(element.whole)}")
    return f"SELECT {', '.join(items)} FROM {edges_of(compiler, element.graph)} AS n"


def _properties(pairs: Iterable[tuple[Column, Column]], wanted: set[int], table: str) -> list[str]:
    items = []
    for own, column in pairs:
        if own.id in wanted:
            value = f"{table}.{name_of(column)}"
            # a node that has no row lacks its strings, which are never null
            items.append(f"coalesce({value}, '')" if own.type is Type.STRING else value)
            items[-1] += f" AS {name_of(own)}"
    return items


def _bag(compiler: Compiler, columns: Iterable[Column], table: str) -> str:
    """An element as a bag of the properties that it has."""
    parts = []
    for column in columns:
        value = f"{table}.{name_of(column)}"
        key = compiler.sql.quote(json_text(column.name) + ":")
        text = compiler.sql.to_json(Fragment(value, column.type, column.type is not Type.STRING))
        parts.append(f"CASE WHEN {value} IS NOT NULL THEN {key} || {text} END")
    return f"('{{' || concat_ws(',', {', '.join(parts)}) || '}}')" if parts else "'{}'"
