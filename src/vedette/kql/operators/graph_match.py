"""`graph-match`: the places of a graph that a pattern fits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vedette.kql.node import node
from vedette.kql.syntax import Expression, Name, Node, Operator

if TYPE_CHECKING:
    from vedette.kql.parser import Parser

CYCLES = ("all", "none", "unique_edges")


@node
class PatternNode(Node):
    """`(name)`; the name may be missing."""

    name: Name | None


@node
class PatternEdge(Node):
    """`-[name*low..high]->`, `<-[name]-`, `-[name]-`, or without brackets `-->`, `<--`, `--`."""

    name: Name | None
    direction: str
    """`right` (from the node before to the node after), `left`, or `any`."""
    low: Expression | None
    """The fewest edges of a path; None: exactly one edge."""
    high: Expression | None


@node
class GraphPattern(Node):
    """Nodes with edges between them: `(a)-[e]->(b)`."""

    parts: list[PatternNode | PatternEdge]


@node
class GraphMatchOperator(Operator):
    """`graph-match cycles = all|none|unique_edges pattern, ... where condition project name = value, ...`."""

    cycles: str
    """One of `CYCLES`; `unique_edges` where the text does not say."""
    patterns: list[GraphPattern]
    where: Expression | None
    columns: list[Expression] | None
    """None: the text has no `project`."""


def parse_graph_match(p: Parser, start: int) -> GraphMatchOperator:
    """After the keyword."""
    cycles = p.choice(p.parameters(("cycles",)).get("cycles"), "kind of cycles", CYCLES, "unique_edges")
    patterns, where, columns = parse_graph_clauses(p)
    return GraphMatchOperator(cycles, patterns, where, columns, start=start, end=p.last_end)


def parse_graph_clauses(p: Parser) -> tuple[list[GraphPattern], Expression | None, list[Expression] | None]:
    """Patterns, `where` and `project` of `graph-match` and `graph-shortest-paths`."""
    patterns = p.comma_list(lambda: _pattern(p), lambda: _missing_pattern(p), recover=False)
    where: Expression | None = None
    columns: list[Expression] | None = None
    if p.take("where"):
        where = p.expression() or p.missing_expression()
    if p.take("project"):
        columns = p.comma_list(p.named_expression, p.missing_expression)
    return patterns, where, columns


def _pattern(p: Parser) -> GraphPattern | None:
    start = p.start
    parts: list[PatternNode | PatternEdge] = []
    while (part := _node(p) or _edge(p)) is not None:
        if parts and isinstance(part, PatternNode) == isinstance(parts[-1], PatternNode):
            what = "an edge" if isinstance(part, PatternNode) else "a node"
            p.report("KS006", f"{what} is missing before this", part.start, part.end)
        parts.append(part)
    if not parts:
        return None
    if isinstance(parts[0], PatternEdge) or isinstance(parts[-1], PatternEdge):
        edge = parts[0] if isinstance(parts[0], PatternEdge) else parts[-1]
        p.report("KS006", "a pattern begins and ends with a node", edge.start, edge.end)
    return GraphPattern(parts, start=start, end=p.last_end)


def _missing_pattern(p: Parser) -> GraphPattern:
    p.expected("a pattern such as (a)-[e]->(b)", "KS217")
    return GraphPattern([], start=p.last_end, end=p.last_end)


def _node(p: Parser) -> PatternNode | None:
    start = p.start
    if not p.take("("):
        return None
    name = p.name()
    p.close(")")
    return PatternNode(name, start=start, end=p.last_end)


def _edge(p: Parser) -> PatternEdge | None:
    start = p.start
    for text, direction in (("-->", "right"), ("<--", "left"), ("--", "any")):
        if p.adjacent(text):
            return PatternEdge(None, direction, None, None, start=start, end=p.last_end)
    leftward = p.adjacent("<-[")
    if not leftward and not p.adjacent("-["):
        return None
    name = p.name()
    low: Expression | None = None
    high: Expression | None = None
    if p.take("*"):
        low = p.operand() or p.missing("number")
        p.expect("..")
        high = p.operand() or p.missing("number")
    rightward = p.adjacent("]->")
    if not rightward and not p.adjacent("]-"):
        p.expected("]-> or ]-")
    if leftward and rightward:
        p.report("KS006", "an edge has one direction; write <-[e]- , -[e]-> or -[e]-", start, p.last_end)
    direction = "left" if leftward else "right" if rightward else "any"
    return PatternEdge(name, direction, low, high, start=start, end=p.last_end)
