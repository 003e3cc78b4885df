"""graph-match and graph-shortest-paths."""

from __future__ import annotations

from vedette.engine.compiler import Compiler, lowers
from vedette.engine.graphs import grouped, nodes_of, partition_of
from vedette.engine.matching import Matcher
from vedette.engine.relations import Rel, name_of
from vedette.kql.binder.operators.graph_match import GraphMatch


@lowers(GraphMatch)
def graph_match(compiler: Compiler, node: GraphMatch) -> Rel:
    """A row for each match; its order is not defined."""
    matcher = Matcher(compiler, node)
    text = matcher.rows()
    if node.shortest is not None:
        text = _shortest(matcher, text, node)
    if node.graph.partition is not None:
        group = f"SELECT g_n, g_g FROM {nodes_of(compiler, node.graph)}"
        items = ", ".join(["m.*", *grouped(node.graph, "g.g_g")])
        text = f"SELECT {items} FROM ({text}) AS m JOIN ({group}) AS g ON g.g_n = m.{matcher.names[0]}"
    values = [value for _, value in node.values]
    text = matcher.with_folds(matcher.with_values(text, values), values)
    shown = [f"{compiler.emitter.emit(value)} AS {name_of(column)}" for column, value in node.values]
    text = f"SELECT {', '.join([*shown, *partition_of(node.graph)])} FROM ({text})"
    return Rel(f"({text})", node.columns, partition=partition_of(node.graph))


def _shortest(matcher: Matcher, text: str, node: GraphMatch) -> str:
    """The shortest matches between each two ends: every one, or that of the edges that come first."""
    lengths = [f"len({matcher.edge(edge)})" if edge.path else "1" for edge in node.edges]
    length, function = " + ".join(lengths), "rank()"
    order = length
    if node.shortest == "any":
        order, function = ", ".join([length, *(matcher.edge(edge) for edge in node.edges)]), "row_number()"
    ends = f"{matcher.node(node.edges[0].start)}, {matcher.node(node.edges[-1].end)}"
    return f"SELECT * FROM ({text}) QUALIFY {function} OVER (PARTITION BY {ends} ORDER BY {order}) = 1"
