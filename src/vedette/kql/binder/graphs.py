"""Graphs as the binder knows them: nodes and edges as relations, the elements of patterns, expressions over them.

A graph is a relation without columns that carries two relations. Rows of both keep, beside their properties, internal
numbers that the engine gives them, so that no operator compares the ids of a query again.
"""

from __future__ import annotations

from dataclasses import field

from vedette.kql import syntax
from vedette.kql.binder.core import Binder
from vedette.kql.binder.expressions import Expressions
from vedette.kql.binder.scope import Row, Scope
from vedette.kql.bound import Column, ColumnRef, Constant, Expr, Faulty, Relation, Shared, children
from vedette.kql.node import node
from vedette.kql.types import Type

ELEMENT_FUNCTIONS = frozenset({"labels", "node_degree_in", "node_degree_out", "node_id"})
PATH_FUNCTIONS = frozenset({"all", "any", "map"})
GRAPH_FUNCTIONS = ELEMENT_FUNCTIONS | PATH_FUNCTIONS | {"inner_nodes"}


@node
class Graph(Relation):
    """A graph; what shows its rows is `graph-match`, `graph-shortest-paths` or `graph-to-table`."""

    nodes: Relation
    edges: Relation
    id_type: Type
    directed: bool = True
    partition: Column | None = None
    """Where the graph is made of one for each value of a column: what tells the rows of one from those of another."""
    labelled: bool = field(default=False, kw_only=True)
    """Its elements may have labels: that of a stored model, which is bound and never run."""
    start: int = field(default=0, kw_only=True)
    end: int = field(default=0, kw_only=True)


@node
class NodeElement:
    """A node that expressions may name: each part is a column of its own."""

    name: str | None
    graph: Graph
    columns: list[tuple[Column, Column]]
    """Own column and the column of the graph's nodes that it shows."""
    whole: Column
    degree_in: Column
    degree_out: Column
    id: Column

    def row(self) -> Row:
        """The properties, for expressions."""
        return Row({own.name: own for own, _ in self.columns}, [], self.graph.nodes.open)


@node
class EdgeElement:
    """An edge that expressions may name."""

    name: str | None
    graph: Graph
    columns: list[tuple[Column, Column]]
    whole: Column

    def row(self) -> Row:
        """The properties, for expressions."""
        return Row({own.name: own for own, _ in self.columns}, [], self.graph.edges.open)


@node
class PatternEdge:
    """An edge of a pattern, or (with `high`) a path of edges; `direction` is right, left or any."""

    name: str | None
    direction: str
    start: NodeElement
    end: NodeElement
    element: EdgeElement
    """The edge; of a path any one of its edges."""
    low: int = 1
    high: int | None = None

    @property
    def path(self) -> bool:
        """Whether its length varies."""
        return self.high is not None


@node
class Fold:
    """A value made of all edges (or inner nodes) of a path: `map`, `all` or `any`."""

    kind: str
    edge: PatternEdge
    inner: bool
    element: NodeElement | EdgeElement
    value: Expr


@node
class FoldRef(ColumnRef):
    """The value of a fold, where an expression uses it."""

    fold: Fold


def node_element(binder: Binder, graph: Graph, name: str | None) -> NodeElement:
    """A node of a graph under columns of its own."""
    pairs = [(binder.column(column.name, column.type), column) for column in graph.nodes.visible]
    return NodeElement(
        name,
        graph,
        pairs,
        binder.column(name or "node", Type.DYNAMIC),
        binder.column("node_degree_in", Type.LONG),
        binder.column("node_degree_out", Type.LONG),
        binder.column("node_id", Type.STRING),
    )


def edge_element(binder: Binder, graph: Graph, name: str | None) -> EdgeElement:
    """An edge of a graph under columns of its own."""
    pairs = [(binder.column(column.name, column.type), column) for column in graph.edges.visible]
    return EdgeElement(name, graph, pairs, binder.column(name or "edge", Type.DYNAMIC))


def require_graph(binder: Binder, input_: Relation, node: syntax.Node, operator: str) -> Graph:
    """The graph that an operator of graphs works on."""
    while isinstance(input_, Shared):
        # what is computed once of a graph is its nodes and its edges
        input_ = input_.origin
    if not isinstance(input_, Graph):
        raise binder.stop("KS205", f"The input of {operator} is a table, not a graph; make one with make-graph", node)
    return input_


def stored_graph(binder: Binder, node: syntax.Call, scope: Scope) -> Graph:
    """`graph("Model", "Snapshot")`: there are none here, so it is a mistake; what follows is bound over any properties."""
    if not 1 <= len(node.args) <= 2:
        raise binder.stop("KS120", f"The function 'graph' expects 1 to 2 arguments, not {len(node.args)}", node)
    given = [arg.value if isinstance(arg, syntax.Assignment) else arg for arg in node.args]
    model = binder.scalar(given[0], scope)
    if model.type not in (Type.STRING, Type.UNKNOWN):
        raise binder.stop("KS107", f"The function 'graph' expects string here, not {model.type}", given[0])
    for arg in given[1:]:
        binder.scalar(arg, scope)
    name = f" '{model.value}'" if isinstance(model, Constant) else ""
    message = f"There is no stored graph model{name} here; make the graph in the query with make-graph"
    binder.report(binder.stop("KS260", message, node))
    nodes, edges = (Relation((), open=True, unknown=True) for _ in range(2))
    return Graph((), nodes, edges, Type.UNKNOWN, labelled=True, start=node.start, end=node.end)


@node
class Elements:
    """What the names of a pattern stand for."""

    nodes: dict[str, NodeElement] = field(default_factory=dict)
    edges: dict[str, PatternEdge] = field(default_factory=dict)

    def row(self) -> Row:
        """Nodes and single edges: `a` whole, `a.property`; paths are no values but through functions."""
        columns = {name: node.whole for name, node in self.nodes.items()}
        sides = {name: node.row() for name, node in self.nodes.items()}
        for name, edge in self.edges.items():
            if not edge.path:
                columns[name] = edge.element.whole
                sides[name] = edge.element.row()
        return Row(columns, [], sides=sides)


class GraphExpressions(Expressions):
    """Binds expressions over the elements of a pattern."""

    def __init__(
        self,
        binder: Binder,
        scope: Scope,
        elements: Elements,
        element: NodeElement | EdgeElement | None = None,
        *,
        each: bool = False,
    ) -> None:
        row = elements.row()
        if element is not None:
            # inside of a function over a path a property comes before a name of the pattern
            row.columns = {**row.columns, **element.row().columns}
            row.open = element.row().open
        super().__init__(binder, scope, row)
        self.elements = elements
        self.element = element
        self.each = each
        """A property of a path stands for that of each of its edges, as in the conditions of `where`."""
        self.ranged: dict[str, tuple[PatternEdge, EdgeElement]] = {}
        """The paths of which `each` edge was named."""

    def _bind(self, node: syntax.Expression) -> Expr:
        if isinstance(node, syntax.Member) and isinstance(node.target, syntax.Name):
            path = self._path_named(node.target.name)
            if path is not None:
                return self._property(path, node)
        return super()._bind(node)

    def name(self, node: syntax.Name) -> Expr:
        """A path as a whole is the array of its edges; other names are as everywhere."""
        path = self._path_named(node.name)
        if path is None:
            return super().name(node)
        element = edge_element(self.binder, path.element.graph, None)
        return self._fold("map", path, False, element, ColumnRef(Type.DYNAMIC, element.whole))

    def _path_named(self, name: str) -> PatternEdge | None:
        if self.element is not None and name in self.element.row().columns:
            return None
        edge = self.elements.edges.get(name)
        return edge if edge is not None and edge.path else None

    def _property(self, path: PatternEdge, node: syntax.Member) -> Expr:
        assert path.name is not None
        if self.each:
            known = self.ranged.get(path.name)
            element = known[1] if known else edge_element(self.binder, path.element.graph, None)
            self.ranged[path.name] = (path, element)
        else:
            element = edge_element(self.binder, path.element.graph, None)
        value = self._column(element.row(), node)
        return value if self.each else self._fold("map", path, False, element, value)

    def _column(self, row: Row, node: syntax.Member) -> Expr:
        inner = Expressions(self.binder, self.scope, Row({}, [], sides={node.target.name: row}))  # type: ignore[attr-defined]
        return inner.bind(node)

    def _fold(self, kind: str, edge: PatternEdge, inner: bool, element: NodeElement | EdgeElement, value: Expr) -> Expr:
        type_ = Type.DYNAMIC if kind == "map" else Type.BOOL
        return FoldRef(type_, self.binder.column(kind, type_), Fold(kind, edge, inner, element, value))

    # -- functions

    def call(self, node: syntax.Call) -> Expr:
        """The functions of graphs, and every other one."""
        name = node.name.name
        if name in GRAPH_FUNCTIONS and self.scope.find(name) is None:
            if name in ELEMENT_FUNCTIONS:
                return self._element_function(node)
            if name in PATH_FUNCTIONS:
                return self._path_function(node)
            raise self.binder.stop(
                "KS211", "inner_nodes() stands only as the first argument of all(), any() or map()", node.name
            )
        return super().call(node)

    def _path_function(self, node: syntax.Call) -> Expr:
        name = node.name.name
        if len(node.args) != 2:
            raise self.binder.stop("KS119", f"The function '{name}' expects 2 arguments, not {len(node.args)}", node)
        if self.element is not None:
            raise self.binder.refuse(f"{name}() inside another function over a path", node)
        first, inner = node.args[0], False
        if isinstance(first, syntax.Call) and first.name.name == "inner_nodes":
            if len(first.args) != 1:
                raise self.binder.stop("KS119", "The function 'inner_nodes' expects 1 argument", first)
            first, inner = first.args[0], True
        edge = self.elements.edges.get(first.name) if isinstance(first, syntax.Name) else None
        if edge is None:
            known = list(self.elements.edges)
            shown = first.name if isinstance(first, syntax.Name) else self.binder.text[first.start : first.end]
            raise self.binder.unknown("edge of the pattern", "KS142", shown, known, first)
        graph = edge.element.graph
        element: NodeElement | EdgeElement
        element = node_element(self.binder, graph, None) if inner else edge_element(self.binder, graph, None)
        at = GraphExpressions(self.binder, self.scope, self.elements, element, each=self.each)
        value = at.bind(node.args[1]) if name == "map" else at.predicate(node.args[1])
        self.ranged |= at.ranged
        return self._fold(name, edge, inner, element, value)

    def _element_function(self, node: syntax.Call) -> Expr:
        name = node.name.name
        if len(node.args) > 1:
            raise self.binder.stop("KS119", f"The function '{name}' expects at most 1 argument", node)
        element = self._element(node)
        if name == "labels":
            # a graph of make-graph has no labels
            return Faulty(Type.DYNAMIC) if element.graph.labelled else Constant(Type.DYNAMIC, [])
        if not isinstance(element, NodeElement):
            raise self.binder.stop("KS107", f"The function '{name}' expects a node of the pattern", node)
        column = {
            "node_degree_in": element.degree_in,
            "node_degree_out": element.degree_out,
            "node_id": element.id,
        }[name]
        return ColumnRef(column.type, column)

    def _element(self, node: syntax.Call) -> NodeElement | EdgeElement:
        if not node.args:
            if self.element is None:
                where = f"; outside of all(), any() and map() it takes one, as in {node.name.name}(a)"
                raise self.binder.stop("KS119", f"The function '{node.name.name}' lacks its element{where}", node)
            return self.element
        given = node.args[0]
        if isinstance(given, syntax.Name):
            if given.name in self.elements.nodes:
                return self.elements.nodes[given.name]
            if given.name in self.elements.edges:
                return self.elements.edges[given.name].element
        known = [*self.elements.nodes, *self.elements.edges]
        shown = self.binder.text[given.start : given.end]
        raise self.binder.unknown("element of the pattern", "KS142", shown, known, given)


def folds_in(value: Expr) -> list[FoldRef]:
    """The folds that an expression uses."""
    if isinstance(value, FoldRef):
        return [value]
    return [found for child in children(value) for found in folds_in(child)]


def columns_in(value: Expr) -> set[int]:
    """The ids of the columns that an expression reads, those inside of folds too."""
    if isinstance(value, FoldRef):
        return columns_in(value.fold.value)
    if isinstance(value, ColumnRef):
        return {value.column.id}
    return {found for child in children(value) for found in columns_in(child)}
