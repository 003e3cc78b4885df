"""`make-graph`: a graph out of a table of edges and tables of nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vedette.kql.cursor import LIST_ENDS
from vedette.kql.node import node
from vedette.kql.syntax import Expression, Name, Node, Operator, OperatorParameter, Pipeline

if TYPE_CHECKING:
    from vedette.kql.parser import Parser

_ENDS = LIST_ENDS | {"partitioned-by"}


@node
class NodeTable(Node):
    """`table on key`."""

    table: Expression
    key: Name


@node
class MakeGraphOperator(Operator):
    """`make-graph source --> target with table on key, ... partitioned-by column (subquery)`."""

    source: Name
    target: Name
    directed: bool
    """`-->` against `--`."""
    nodes: list[NodeTable]
    """One or two tables; empty: nodes are made of the edges' ends."""
    node_id: Name | None
    """The column of the node's id, in `with_node_id = name`."""
    partition_key: Expression | None
    partition_query: Pipeline | None
    hints: list[OperatorParameter]


def parse_make_graph(p: Parser, start: int) -> MakeGraphOperator:
    """After the keyword."""
    parameters = p.parameters(("hint.strategy",))
    source = p.required_name()
    directed = p.adjacent("-->")
    if not directed and not p.adjacent("--"):
        p.expected("--> or --")
    target = p.required_name()
    nodes: list[NodeTable] = []
    node_id: Name | None = None
    if p.take("with_node_id"):
        p.expect("=")
        node_id = p.required_name()
    elif p.take("with"):
        nodes = p.comma_list(lambda: _node_table(p), lambda: _missing_table(p), _ENDS)
    partition_key: Expression | None = None
    partition_query: Pipeline | None = None
    if p.take("partitioned-by"):
        partition_key = p.simple_path() or p.missing_name()
        if p.expect("("):
            partition_query = p.subquery()
            p.close(")")
    return MakeGraphOperator(
        source,
        target,
        directed,
        nodes,
        node_id,
        partition_key,
        partition_query,
        parameters.hints(),
        start=start,
        end=p.last_end,
    )


def _node_table(p: Parser) -> NodeTable | None:
    table = p.operand()
    if table is None:
        return None
    p.expect("on")
    key = p.required_name()
    return NodeTable(table, key, start=table.start, end=key.end)


def _missing_table(p: Parser) -> NodeTable:
    gap = p.missing("table")
    return NodeTable(gap, Name("", start=gap.start, end=gap.end), start=gap.start, end=gap.end)
