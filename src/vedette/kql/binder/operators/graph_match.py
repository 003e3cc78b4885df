"""graph-match: the places of a graph that a pattern fits."""

from __future__ import annotations

import dataclasses

from vedette.kql import syntax
from vedette.kql.binder.core import Binder
from vedette.kql.binder.graphs import (
    GRAPH_FUNCTIONS,
    Elements,
    Fold,
    FoldRef,
    Graph,
    GraphExpressions,
    NodeElement,
    PatternEdge,
    edge_element,
    folds_in,
    node_element,
    require_graph,
)
from vedette.kql.binder.naming import Names, carried_name
from vedette.kql.binder.operators.items import Item, bind_items
from vedette.kql.binder.operators.project import name_items
from vedette.kql.binder.scope import Scope
from vedette.kql.bound import Cast, Column, Expr, Relation
from vedette.kql.node import node
from vedette.kql.operators import graph_match as parsed
from vedette.kql.operators.binding import binds
from vedette.kql.operators.graph_match import GraphMatchOperator, GraphPattern
from vedette.kql.operators.graph_shortest_paths import GraphShortestPathsOperator
from vedette.kql.types import INTEGERS, Type

MAX_PATH = 1000
"""The most edges that a path may be allowed to have."""


@node
class GraphMatch(Relation):
    """A row for each match of a pattern."""

    graph: Graph
    cycles: str
    nodes: list[NodeElement]
    edges: list[PatternEdge]
    repeated: bool
    """A sequence of the pattern comes back to one of its nodes."""
    conditions: list[Expr]
    values: list[tuple[Column, Expr]]
    shortest: str | None = None
    """`any` or `all`: only the shortest matches between two ends."""


@binds(GraphMatchOperator)
def bind_graph_match(binder: Binder, node: GraphMatchOperator, input_: Relation, scope: Scope) -> Relation:
    """Binds `graph-match`."""
    graph = require_graph(binder, input_, node, "graph-match")
    return bind_pattern(binder, node, graph, scope, node.cycles)


def bind_pattern(
    binder: Binder,
    node: GraphMatchOperator | GraphShortestPathsOperator,
    graph: Graph,
    scope: Scope,
    cycles: str,
    shortest: str | None = None,
) -> GraphMatch:
    """Pattern, `where` and `project`."""
    elements = Elements()
    nodes: list[NodeElement] = []
    edges: list[PatternEdge] = []
    repeated = False
    for pattern in node.patterns:
        repeated |= _sequence(binder, graph, pattern, scope, elements, nodes, edges)
    _connected(binder, node, nodes, edges)
    conditions = [_condition(binder, part, scope, elements) for part in _conjuncts(node.where)]
    if node.columns is None:
        last = node.patterns[-1]
        raise binder.stop("KS006", "The pattern lacks 'project' and the values to show", last)
    at = GraphExpressions(binder, scope, elements)
    items = [_named(binder, item, elements) for item in bind_items(at, list(node.columns))]
    names = name_items(binder, items, Names())
    values: list[tuple[Column, Expr]] = []
    for name, item in zip(names, items, strict=True):
        value = item.value
        if value.type is not Type.DYNAMIC and any(_of_path(fold) for fold in folds_in(value)):
            # what is made of a path of any length is dynamic
            value = Cast(Type.DYNAMIC, value, start=value.start, end=value.end)
        values.append((binder.column(name, value.type), value))
    columns = tuple(column for column, _ in values)
    return GraphMatch(columns, graph, cycles, nodes, edges, repeated, conditions, values, shortest)


def _of_path(fold: FoldRef) -> bool:
    return fold.fold.edge.path or fold.type is Type.DYNAMIC


# --- patterns -----------------------------------------------------------------------------------


def _sequence(
    binder: Binder,
    graph: Graph,
    pattern: GraphPattern,
    scope: Scope,
    elements: Elements,
    nodes: list[NodeElement],
    edges: list[PatternEdge],
) -> bool:
    """Adds the elements of one sequence; tells whether it comes back to a node of its own."""
    seen: set[int] = set()
    repeated = False
    previous: NodeElement | None = None
    pending: parsed.PatternEdge | None = None
    for part in pattern.parts:
        if isinstance(part, parsed.PatternEdge):
            pending = part
            continue
        name = part.name.name if part.name is not None else None
        if name is not None and name in elements.edges:
            raise binder.stop("KS201", f"The name '{name}' is already that of an edge of the pattern", part)
        current = elements.nodes.get(name) if name is not None else None
        if current is None:
            current = node_element(binder, graph, name)
            nodes.append(current)
            if name is not None:
                elements.nodes[name] = current
        repeated |= id(current) in seen
        seen.add(id(current))
        if pending is not None and previous is not None:
            edges.append(_edge(binder, graph, pending, scope, elements, previous, current))
        previous, pending = current, None
    return repeated


def _edge(
    binder: Binder,
    graph: Graph,
    part: parsed.PatternEdge,
    scope: Scope,
    elements: Elements,
    start: NodeElement,
    end: NodeElement,
) -> PatternEdge:
    name = part.name.name if part.name is not None else None
    if name is not None and (name in elements.edges or name in elements.nodes):
        raise binder.stop("KS201", f"The name '{name}' stands for another element of the pattern already", part)
    edge = PatternEdge(name, part.direction, start, end, edge_element(binder, graph, name))
    if part.low is not None and part.high is not None:
        edge.low, edge.high = _length(binder, part.low, scope), _length(binder, part.high, scope)
        if edge.high < edge.low:
            raise binder.stop("VDT1010", f"The length *{edge.low}..{edge.high} has its ends the wrong way round", part)
        if edge.high > MAX_PATH:
            raise binder.stop("VDT1010", f"A path may have at most {MAX_PATH} edges, not {edge.high}", part.high)
    if name is not None:
        elements.edges[name] = edge
    return edge


def _length(binder: Binder, node: syntax.Expression, scope: Scope) -> int:
    value = binder.scalar(node, scope)
    if value.type not in INTEGERS:
        raise binder.stop("KS107", f"The length of a path is an integer, not {value.type}", node)
    found = binder.constant(value, node)
    if not isinstance(found, int) or found < 0:
        raise binder.stop("VDT1010", "The length of a path is an integer from 0", node)
    return found


def _connected(
    binder: Binder,
    node: GraphMatchOperator | GraphShortestPathsOperator,
    nodes: list[NodeElement],
    edges: list[PatternEdge],
) -> None:
    """Stops at a pattern that is in pieces, whose matches would be every combination of theirs."""
    reached = {id(nodes[0])} if nodes else set()
    growing = True
    while growing:
        growing = False
        for edge in edges:
            ends = {id(edge.start), id(edge.end)}
            if ends & reached and not ends <= reached:
                reached |= ends
                growing = True
    lost = next((element for element in nodes if id(element) not in reached), None)
    if lost is not None:
        places = [part for pattern in node.patterns for part in pattern.parts if isinstance(part, parsed.PatternNode)]
        place = next((part for part in places if part.name is not None and part.name.name == lost.name), node)
        raise binder.stop("VDT1011", "The sequences of a pattern must share nodes; this one is apart", place)


# --- where and project --------------------------------------------------------------------------


def _conjuncts(node: syntax.Expression | None) -> list[syntax.Expression]:
    found: list[syntax.Expression] = []
    while isinstance(node, syntax.Binary) and node.op == "and":
        # the chain is left-deep: the last part comes first
        found = [*_conjuncts(node.right), *found]
        node = node.left
    return found if node is None else [node, *found]


def _condition(binder: Binder, node: syntax.Expression, scope: Scope, elements: Elements) -> Expr:
    """One condition; where it names a property of a path it must be true of each edge."""
    at = GraphExpressions(binder, scope, elements, each=True)
    value = at.predicate(node)
    if len(at.ranged) > 1:
        raise binder.refuse("a condition on the edges of two paths", node)
    for path, element in at.ranged.values():
        if folds_in(value):
            raise binder.refuse("a property of a path beside a function over a path", node)
        return FoldRef(Type.BOOL, binder.column("all", Type.BOOL), Fold("all", path, False, element, value))
    return value


def _named(binder: Binder, item: Item, elements: Elements) -> Item:
    """An item under the name that Kusto gives it: inside a call a property brings its own name alone."""
    node = item.node
    if item.explicit or item.several or not isinstance(node, syntax.Call):
        return item
    item.name = carried_name(_bare(node, elements), binder.catalog) if node.name.name not in GRAPH_FUNCTIONS else None
    return item


def _bare(node: syntax.Expression, elements: Elements) -> syntax.Expression:
    match node:
        case syntax.Call():
            return dataclasses.replace(node, args=[_bare(arg, elements) for arg in node.args])
        case syntax.Member(target=syntax.Name(name=name)) if name in elements.nodes or name in elements.edges:
            return node.name
        case syntax.Member():
            return dataclasses.replace(node, target=_bare(node.target, elements))
        case syntax.Index():
            return dataclasses.replace(node, target=_bare(node.target, elements))
    return node
