"""`graph-to-table`: a graph's nodes, edges or both as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vedette.kql.node import node
from vedette.kql.syntax import Name, Node, Operator

if TYPE_CHECKING:
    from vedette.kql.parser import Parser


@node
class GraphOutput(Node):
    """`nodes as name with_node_id = column`, or `edges as name with_source_id = column with_target_id = column`."""

    entity: str
    """`nodes` or `edges`."""
    name: Name | None
    node_id: Name | None
    source_id: Name | None
    target_id: Name | None


@node
class GraphToTableOperator(Operator):
    """`graph-to-table nodes, edges`."""

    outputs: list[GraphOutput]


def parse_graph_to_table(p: Parser, start: int) -> GraphToTableOperator:
    """After the keyword."""
    outputs: list[GraphOutput] = []
    while True:
        output = _output(p)
        if output is None:
            p.expected("nodes or edges", "KS229")
            break
        outputs.append(output)
        if not p.take(","):
            break
    if len(outputs) > 2:
        p.report("KS230", "graph-to-table gives one or two tables", outputs[2].start, outputs[-1].end)
    return GraphToTableOperator(outputs, start=start, end=p.last_end)


def _output(p: Parser) -> GraphOutput | None:
    start, entity = p.start, p.kind
    if entity not in ("nodes", "edges"):
        return None
    p.i += 1
    name: Name | None = None
    if p.take("as"):
        name = p.required_name()
    declared = ("with_node_id",) if entity == "nodes" else ("with_source_id", "with_target_id")
    parameters = p.parameters(declared)
    return GraphOutput(
        entity,
        name,
        p.declared_name(parameters.get("with_node_id")),
        p.declared_name(parameters.get("with_source_id")),
        p.declared_name(parameters.get("with_target_id")),
        start=start,
        end=p.last_end,
    )
