"""Matching of graph patterns: edges become joins, paths become walks, in the order that keeps the rows few.

A match in the making is a SELECT with a name for each element that has its place: `n0` the number of a node, `e0` that
of an edge, `p0` and `q0` the edges of a path and the nodes between them. Properties are looked up where a condition or
the result needs them.
"""

from __future__ import annotations

from collections.abc import Iterable

from vedette.engine.compiler import Compiler
from vedette.engine.graphs import edge_values, edges_of, node_values, nodes_of
from vedette.engine.relations import name_of
from vedette.engine.walks import Steps, all_paths, shortest_paths
from vedette.kql.binder.graphs import EdgeElement, FoldRef, NodeElement, PatternEdge, columns_in, folds_in
from vedette.kql.binder.operators.graph_match import GraphMatch
from vedette.kql.bound import Apply, Expr

Element = NodeElement | PatternEdge


class Matcher:
    """Matches one pattern."""

    def __init__(self, compiler: Compiler, node: GraphMatch) -> None:
        self.compiler = compiler
        self.match = node
        self.graph = node.graph
        self.place = {id(element): index for index, element in enumerate(node.nodes)}
        self.place |= {id(edge): index for index, edge in enumerate(node.edges)}
        self.owner: dict[int, Element] = {}
        """The element that a column belongs to."""
        for element in node.nodes:
            for column in [own for own, _ in element.columns]:
                self.owner[column.id] = element
            for column in (element.whole, element.degree_in, element.degree_out, element.id):
                self.owner[column.id] = element
        for edge in node.edges:
            for column in [own for own, _ in edge.element.columns]:
                self.owner[column.id] = edge
            self.owner[edge.element.whole.id] = edge
        self.nodes: dict[int, list[Expr]] = {}
        """Conditions on one node, by its place."""
        self.steps: dict[int, list[Expr]] = {}
        """Conditions on each edge of an edge or path, by its place."""
        self.between: dict[int, list[FoldRef]] = {}
        """Conditions on each inner node of a path."""
        self.rest: list[Expr] = []
        for condition in node.conditions:
            self._sort_in(condition)
        self.bound: set[int] = set()
        """Ids of the elements that have their place."""
        self.names: list[str] = []
        self.text = ""
        self._both: dict[str, str] = {}
        self._chosen: dict[int, str] = {}
        """The relation of the nodes that one of the pattern may be, once it is made."""

    def rows(self) -> str:
        """The SELECT of all matches that meet the conditions; `names` says what it exposes."""
        self._begin()
        waiting = list(self.match.edges)
        while waiting:
            edge = min(waiting, key=self._cost)
            waiting.remove(edge)
            if edge.path:
                self._walk(edge)
            else:
                self._step(edge)
        self._apply(everything=True)
        if self.match.repeated and self.match.cycles == "none":
            self.text = f"SELECT * FROM ({self.text}) WHERE false"
        return self.text

    # -- conditions

    def _sort_in(self, condition: Expr) -> None:
        owners = self.owners(condition)
        folds = folds_in(condition)
        only = next(iter(owners.values())) if len(owners) == 1 else None
        if isinstance(condition, FoldRef) and condition.fold.kind == "all":
            fold = condition.fold
            if not owners.keys() - {id(fold.edge)}:
                index = self.place[id(fold.edge)]
                if fold.inner:
                    self.between.setdefault(index, []).append(condition)
                else:
                    self.steps.setdefault(index, []).append(condition)
                return
        if folds or only is None:
            self.rest.append(condition)
        elif isinstance(only, NodeElement):
            self.nodes.setdefault(self.place[id(only)], []).append(condition)
        else:
            self.steps.setdefault(self.place[id(only)], []).append(condition)

    def owners(self, value: Expr) -> dict[int, Element]:
        """The elements of the pattern that an expression reads, by id."""
        found: dict[int, Element] = {}
        for column in columns_in(value):
            owner = self.owner.get(column)
            if owner is not None:
                found[id(owner)] = owner
        for fold in folds_in(value):
            found[id(fold.fold.edge)] = fold.fold.edge
        return found

    def _apply(self, *, everything: bool = False) -> None:
        """Keeps the matches in the making that meet the conditions whose elements all have their place."""
        ready = [c for c in self.rest if not folds_in(c) and self.owners(c).keys() <= self.bound]
        if ready:
            self._filter(self.with_values(self.text, ready), ready)
        if everything:
            late = [c for c in self.rest if folds_in(c)]
            if late:
                self._filter(self.with_folds(self.with_values(self.text, late), late), late)
        self.rest = [c for c in self.rest if c not in ready]

    def _filter(self, source: str, conditions: list[Expr]) -> None:
        test = " AND ".join(self.compiler.emitter.true(condition) for condition in conditions)
        self.text = f"SELECT {', '.join(self.names)} FROM ({source}) WHERE {test}"

    # -- values

    def with_values(self, text: str, values: Iterable[Expr]) -> str:
        """Matches beside the properties that expressions read."""
        wanted: dict[int, set[int]] = {}
        owners: dict[int, Element] = {}
        for value in values:
            for column in columns_in(value):
                owner = self.owner.get(column)
                if owner is not None:
                    wanted.setdefault(id(owner), set()).add(column)
                    owners[id(owner)] = owner
        joins, items = "", ["m.*"]
        for key, owner in owners.items():
            alias = self.compiler.fresh("v")
            if isinstance(owner, NodeElement):
                values_text = node_values(self.compiler, owner, wanted[key])
                condition = f"{alias}.g_n = m.{self.node(owner)}"
            else:
                values_text = edge_values(self.compiler, owner.element, wanted[key])
                condition = f"{alias}.g_e = m.{self.edge(owner)}"
            joins += f" JOIN ({values_text}) AS {alias} ON {condition}"
            items += [f"{alias}.c{column}" for column in sorted(wanted[key])]
        return f"SELECT {', '.join(items)} FROM ({text}) AS m{joins}" if joins else text

    def with_folds(self, text: str, values: Iterable[Expr]) -> str:
        """Matches beside the values of the functions over paths that expressions use."""
        groups: dict[tuple[int, bool], list[FoldRef]] = {}
        for value in values:
            for fold in folds_in(value):
                groups.setdefault((id(fold.fold.edge), fold.fold.inner), []).append(fold)
        if not groups:
            return text
        matches = self.compiler.add_cte(f"SELECT *, row_number() OVER () AS g_m FROM ({text})")
        items, joins = ["m.*"], ""
        for (_, inner), folds in groups.items():
            alias = self.compiler.fresh("f")
            joins += f" LEFT JOIN ({self._folded(matches, folds, inner=inner)}) AS {alias} ON {alias}.g_m = m.g_m"
            for fold in folds:
                empty = {"map": "'[]'", "all": "true", "any": "false"}[fold.fold.kind]
                name = name_of(fold.column)
                items.append(f"coalesce({alias}.{name}, {empty}) AS {name}")
        return f"SELECT {', '.join(items)} FROM {matches} AS m{joins}"

    def _folded(self, matches: str, folds: list[FoldRef], *, inner: bool) -> str:
        """The values of functions over one path, for each match where it is not empty."""
        compiler, edge = self.compiler, folds[0].fold.edge
        if edge.path:
            numbers = f"q{self.place[id(edge)]}" if inner else self.edge(edge)
        else:
            numbers = "CAST([] AS BIGINT[])" if inner else f"[{self.edge(edge)}]"
        outer = sorted({c for fold in folds for c in columns_in(fold.fold.value) if c in self.owner})
        names = "".join(f", c{column}" for column in outer)
        # a number for each place on the path: the rows of one match come together again by it
        places = f"SELECT g_m{names}, unnest({numbers}) AS g_x, unnest(range(len({numbers}))) AS g_o FROM {matches}"
        joins, items = "", []
        for fold in folds:
            element, alias = fold.fold.element, compiler.fresh("v")
            wanted = columns_in(fold.fold.value)
            if isinstance(element, EdgeElement):
                joins += f" JOIN ({edge_values(compiler, element, wanted)}) AS {alias} ON {alias}.g_e = u.g_x"
            else:
                joins += f" JOIN ({node_values(compiler, element, wanted)}) AS {alias} ON {alias}.g_n = u.g_x"
            value, name = compiler.emitter.emit(fold.fold.value), name_of(fold.column)
            if fold.fold.kind == "map":
                listed = compiler.sql.array(f"list({compiler.sql.to_json(value)} ORDER BY g_o)")
                items.append(f"{listed} AS {name}")
            else:
                function = "bool_and" if fold.fold.kind == "all" else "bool_or"
                items.append(f"{function}(coalesce({value}, false)) AS {name}")
        return f"SELECT u.g_m, {', '.join(items)} FROM ({places}) AS u{joins} GROUP BY u.g_m"

    # -- names

    def node(self, element: NodeElement) -> str:
        """The name of a node's number."""
        return f"n{self.place[id(element)]}"

    def edge(self, edge: PatternEdge) -> str:
        """The name of an edge's number, or of the list of a path's."""
        return f"{'p' if edge.path else 'e'}{self.place[id(edge)]}"

    # -- the order of the work

    def _begin(self) -> None:
        """Starts at the node that the conditions narrow most."""
        nodes = self.match.nodes
        start = min(range(len(nodes)), key=lambda index: (-self._narrows(index), index))
        self.text = f"SELECT g_n AS n{start} FROM {self._candidates(start)}"
        self.names = [f"n{start}"]
        self.bound = {id(nodes[start])}

    def _narrows(self, index: int) -> int:
        conditions = self.nodes.get(index, [])
        if any(isinstance(c, Apply) and c.unit.name in ("==", "=~", "in", "has", "has_cs") for c in conditions):
            return 2
        return 1 if conditions else 0

    def _cost(self, edge: PatternEdge) -> tuple[bool, bool, int, int]:
        """Edges at nodes that have their place come first, and among them single ones that end at such a node."""
        ends = (id(edge.start) in self.bound) + (id(edge.end) in self.bound)
        return (ends == 0, edge.path, -ends, self.place[id(edge)])

    def _candidates(self, index: int) -> str:
        """The relation of the nodes (`g_n`) that one of the pattern may be."""
        if index in self._chosen:
            return self._chosen[index]
        conditions = self.nodes.get(index)
        if not conditions:
            return nodes_of(self.compiler, self.graph)
        wanted = {column for condition in conditions for column in columns_in(condition)}
        values = node_values(self.compiler, self.match.nodes[index], wanted)
        test = " AND ".join(self.compiler.emitter.true(condition) for condition in conditions)
        self._chosen[index] = self.compiler.add_cte(f"SELECT g_n FROM ({values}) WHERE {test}")
        return self._chosen[index]

    # -- edges

    def _edges(self, edge: PatternEdge, *, from_start: bool) -> tuple[str, bool]:
        """The relation of the edges that may be taken, and whether they are gone against."""
        index = self.place[id(edge)]
        source = edges_of(self.compiler, self.graph)
        conditions = self.steps.get(index)
        if conditions:
            parts = []
            for condition in conditions:
                value = condition.fold.value if isinstance(condition, FoldRef) else condition
                element = condition.fold.element if isinstance(condition, FoldRef) else edge.element
                assert isinstance(element, EdgeElement)
                test = self.compiler.emitter.true(value)
                values = edge_values(self.compiler, element, columns_in(value))
                parts.append(f"SELECT g_e, g_s, g_t FROM ({values}) WHERE {test}")
            source = self.compiler.add_cte(" INTERSECT ALL ".join(parts))
        if edge.direction != "any" and self.graph.directed:
            return source, (edge.direction == "right") != from_start
        if source not in self._both:
            # an edge that may be gone both ways; one from a node to itself may be gone twice
            self._both[source] = self.compiler.add_cte(
                f"SELECT g_e, g_s, g_t FROM {source} UNION ALL SELECT g_e, g_t, g_s FROM {source}"
            )
        return self._both[source], False

    def _step(self, edge: PatternEdge) -> None:
        """One more edge: a join."""
        from_start = id(edge.start) in self.bound
        near, far = (edge.start, edge.end) if from_start else (edge.end, edge.start)
        source, back = self._edges(edge, from_start=from_start)
        come, go = ("g_t", "g_s") if back else ("g_s", "g_t")
        name = self.edge(edge)
        items, tests = ["m.*", f"e.g_e AS {name}"], [f"e.{come} = m.{self.node(near)}"]
        joins, known = "", id(far) in self.bound
        if known:
            tests.append(f"e.{go} = m.{self.node(far)}")
        else:
            items.append(f"e.{go} AS {self.node(far)}")
            joins = self._far(far, f"e.{go}")
        self.text = (
            f"SELECT {', '.join(items)} FROM ({self.text}) AS m JOIN {source} AS e ON {' AND '.join(tests)}{joins}"
        )
        self._place(edge, far, known=known)

    def _walk(self, edge: PatternEdge) -> None:
        """A path: a walk from all nodes where one may begin, joined to the matches in the making."""
        self._apply()
        from_start = id(edge.start) in self.bound
        near, far = (edge.start, edge.end) if from_start else (edge.end, edge.start)
        source, back = self._edges(edge, from_start=from_start)
        matches = self.compiler.add_cte(self.text)
        known, index = id(far) in self.bound, self.place[id(edge)]
        assert edge.high is not None
        steps = Steps(
            source, back, edge.direction == "any" or not self.graph.directed, edge.low, edge.high, self.match.cycles, self._inner(edge),
            f"SELECT DISTINCT {self.node(near)} AS n FROM {matches}",
        )  # fmt: skip
        if self.only_ends_matter(edge):
            targets = self._candidates(self.place[id(far)]) if self.nodes.get(self.place[id(far)]) else None
            walks = shortest_paths(self.compiler, steps, targets, every=self.match.shortest == "all")
        else:
            walks = all_paths(self.compiler, steps)
        p, q = ("w.p", "w.q") if from_start else ("list_reverse(w.p)", "list_reverse(w.q)")
        items, tests = ["m.*", f"{p} AS p{index}", f"{q} AS q{index}"], [f"w.s = m.{self.node(near)}"]
        joins = ""
        if known:
            tests.append(f"w.t = m.{self.node(far)}")
        else:
            items.append(f"w.t AS {self.node(far)}")
            joins = self._far(far, "w.t")
        self.text = f"SELECT {', '.join(items)} FROM {matches} AS m JOIN ({walks}) AS w ON {' AND '.join(tests)}{joins}"
        self._place(edge, far, known=known)

    def only_ends_matter(self, edge: PatternEdge) -> bool:
        """Whether the shortest paths may be found by distances: nothing is asked of a path as a whole."""
        return (
            self.match.shortest is not None
            and len(self.match.edges) == 1
            and edge.low <= 1
            and edge.start is not edge.end
            and not self.rest
        )

    def _inner(self, edge: PatternEdge) -> str | None:
        conditions = self.between.get(self.place[id(edge)])
        if not conditions:
            return None
        parts = []
        for condition in conditions:
            element, value = condition.fold.element, condition.fold.value
            assert isinstance(element, NodeElement)
            test = self.compiler.emitter.true(value)
            parts.append(f"SELECT g_n FROM ({node_values(self.compiler, element, columns_in(value))}) WHERE {test}")
        return self.compiler.add_cte(" INTERSECT ".join(parts))

    def _far(self, element: NodeElement, number: str) -> str:
        """The join that keeps only the nodes that the conditions allow."""
        index = self.place[id(element)]
        if not self.nodes.get(index):
            return ""
        alias = self.compiler.fresh("k")
        return f" SEMI JOIN {self._candidates(index)} AS {alias} ON {alias}.g_n = {number}"

    def _place(self, edge: PatternEdge, far: NodeElement, *, known: bool) -> None:
        """Notes that an edge and the node at its far end have their place, and keeps the rule of cycles."""
        rules = self._rules(edge, far, known=known)
        index = self.place[id(edge)]
        self.names += [f"p{index}", f"q{index}"] if edge.path else [f"e{index}"]
        if not known:
            self.names.append(self.node(far))
        self.bound |= {id(edge), id(far)}
        if rules:
            self.text = f"SELECT * FROM ({self.text}) WHERE {' AND '.join(rules)}"

    def _rules(self, edge: PatternEdge, far: NodeElement, *, known: bool) -> list[str]:
        before = [other for other in self.match.edges if id(other) in self.bound]
        own = self.edge(edge)
        if self.match.cycles == "unique_edges":
            return [_apart(self.edge(other), other.path, own, edge.path) for other in before]
        if self.match.cycles == "all":
            return []
        if edge.start is edge.end:
            return ["false"]
        rules = []
        if not known:
            near = edge.end if far is edge.start else edge.start
            for element in self.match.nodes:
                if id(element) in self.bound:
                    rule = f"{self.node(element)} <> {self.node(far)}"
                    # a path of no edges begins and ends at one node, which is no cycle
                    rules.append(f"({rule} OR len({own}) = 0)" if edge.path and element is near else rule)
            rules += [
                f"NOT list_contains(q{self.place[id(other)]}, {self.node(far)})" for other in before if other.path
            ]
        if edge.path:
            inner = f"q{self.place[id(edge)]}"
            rules += [
                f"NOT list_contains({inner}, {self.node(element)})"
                for element in self.match.nodes
                if id(element) in self.bound
            ]
            rules += [f"NOT list_has_any({inner}, q{self.place[id(other)]})" for other in before if other.path]
        return rules


def _apart(first: str, first_path: bool, second: str, second_path: bool) -> str:
    """The condition that two edges, or paths, have no edge in common."""
    if first_path and second_path:
        return f"NOT list_has_any({first}, {second})"
    if first_path:
        return f"NOT list_contains({first}, {second})"
    return f"NOT list_contains({second}, {first})" if second_path else f"{first} <> {second}"
