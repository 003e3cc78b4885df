"""Graph operators against a plain search over all walks, and within limits."""

from __future__ import annotations

import json
import threading
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.plugins.engine import NOW, NoTables
from vedette.engine.catalog import full_catalog
from vedette.engine.compiler import Compiler
from vedette.engine.query import Cancellation, Limits, QueryEngine, QueryFailed, QueryOptions
from vedette.kql.binder import bind
from vedette.kql.host import Field, TableSchema
from vedette.kql.types import Type

Edges = list[tuple[int, int]]


EDGES = st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), min_size=1, max_size=9)


def graph_of(edges: Edges) -> str:
    rows = ", ".join(f"{s},{t},{index}" for index, (s, t) in enumerate(edges))
    return f"datatable(s:long, t:long, n:long)[{rows}] | make-graph s --> t with_node_id=id | "


def rows_of(engine: QueryEngine, query: str) -> Counter[str]:
    result = engine.run(query, QueryOptions(now=NOW))
    return Counter(json.dumps(row) for row in result.rows)


def walks(edges: Edges, arrow: str, low: int, high: int, cycles: str) -> list[list[list[int]]]:
    """Every walk as its nodes and its edges, in the order of the pattern."""
    steps = [(index, s, t) for index, (s, t) in enumerate(edges)]
    if arrow == "left":
        steps = [(index, t, s) for index, s, t in steps]
    elif arrow == "any":
        steps += [(index, t, s) for index, s, t in steps]
    nodes = sorted({node for edge in edges for node in edge})
    found: list[list[list[int]]] = [[[node], []] for node in nodes] if low == 0 else []
    current: list[list[list[int]]] = [[[node], []] for node in nodes]
    for length in range(1, high + 1):
        following = []
        for seen, taken in current:
            for index, s, t in steps:
                if s != seen[-1] or (cycles == "unique_edges" and index in taken) or (cycles == "none" and t in seen):
                    continue
                following.append([[*seen, t], [*taken, index]])
        current = following
        if length >= low:
            found += current
    return found


ARROWS = {"right": "-[p*{0}..{1}]->", "left": "<-[p*{0}..{1}]-", "any": "-[p*{0}..{1}]-"}


@given(
    edges=EDGES,
    arrow=st.sampled_from(sorted(ARROWS)),
    cycles=st.sampled_from(["all", "none", "unique_edges"]),
    low=st.integers(0, 2),
    more=st.integers(0, 2),
)
@settings(max_examples=25, deadline=None)
def test_paths_are_all_walks(engine: QueryEngine, edges: Edges, arrow: str, cycles: str, low: int, more: int) -> None:
    """Nodes, edges and nodes between of every match are those of a plain search."""
    path = ARROWS[arrow].format(low, low + more)
    query = f"graph-match cycles={cycles} (a){path}(b) project a.id, b.id, map(p, n), map(inner_nodes(p), id)"
    expected = Counter(
        json.dumps([seen[0], seen[-1], taken, seen[1:-1]])
        for seen, taken in walks(edges, arrow, low, low + more, cycles)
    )
    assert rows_of(engine, graph_of(edges) + query) == expected


@given(edges=EDGES, arrow=st.sampled_from(sorted(ARROWS)), end=st.integers(1, 5))
@settings(max_examples=25, deadline=None)
def test_a_condition_on_the_end_changes_nothing_but_the_rows(
    engine: QueryEngine, edges: Edges, arrow: str, end: int
) -> None:
    """A walk from the other side finds the same paths."""
    path = ARROWS[arrow].format(1, 3)
    query = f"graph-match (a){path}(b) where b.id == {end} project a.id, map(p, n), map(inner_nodes(p), id)"
    expected = Counter(
        json.dumps([seen[0], taken, seen[1:-1]])
        for seen, taken in walks(edges, arrow, 1, 3, "unique_edges")
        if seen[-1] == end
    )
    assert rows_of(engine, graph_of(edges) + query) == expected


@given(edges=EDGES, cycles=st.sampled_from(["all", "none", "unique_edges"]))
@settings(max_examples=25, deadline=None)
def test_single_edges_match_as_paths_of_one(engine: QueryEngine, edges: Edges, cycles: str) -> None:
    """Joins and walks keep the same rules."""
    single = f"graph-match cycles={cycles} (a)-[e]->(b)--(c) project a.id, b.id, c.id, e.n"
    path = f"graph-match cycles={cycles} (a)-[e*1..1]->(b)-[f*1..1]-(c) project a.id, b.id, c.id, n = tolong(e.n[0])"
    assert rows_of(engine, graph_of(edges) + single) == rows_of(engine, graph_of(edges) + path)


@given(
    edges=EDGES, arrow=st.sampled_from(sorted(ARROWS)), low=st.integers(0, 2), more=st.integers(1, 4),
    every=st.booleans(), start=st.integers(0, 5),
)  # fmt: skip
@settings(max_examples=25, deadline=None)
def test_shortest_paths_are_the_shortest_walks(
    engine: QueryEngine, edges: Edges, arrow: str, low: int, more: int, every: bool, start: int
) -> None:
    """Of the walks that use no edge twice those of the least length between each two ends, or one of them."""
    high = low + more
    output, where = ("all" if every else "any"), (f"where a.id == {start}" if start else "")
    query = (
        f"graph-shortest-paths output={output} (a){ARROWS[arrow].format(low, high)}(b) {where} "
        "project a.id, b.id, map(p, n), map(inner_nodes(p), id)"
    )
    best: dict[tuple[int, int], list[str]] = {}
    least: dict[tuple[int, int], int] = {}
    for seen, taken in sorted(walks(edges, arrow, low, high, "unique_edges"), key=lambda walk: len(walk[1])):
        ends = (seen[0], seen[-1])
        if (not start or seen[0] == start) and len(taken) == least.setdefault(ends, len(taken)):
            best.setdefault(ends, []).append(json.dumps([seen[0], seen[-1], taken, seen[1:-1]]))
    found = rows_of(engine, graph_of(edges) + query)
    if every:
        assert found == Counter(row for rows in best.values() for row in rows)
        return
    assert sum(found.values()) == len(best)
    for row in found:
        a, b, *_ = json.loads(row)
        assert row in best[a, b]


@given(edges=EDGES)
@settings(max_examples=25, deadline=None)
def test_components_are_what_paths_connect(engine: QueryEngine, edges: Edges) -> None:
    """Two nodes are in a strong component when paths lead from each to the other, in a weak one when any do."""
    reach: dict[str, dict[int, set[int]]] = {}
    for kind in ("strong", "weak"):
        reach[kind] = {node: {node} for edge in edges for node in edge}
        for _ in range(6):
            for s, t in edges:
                for seen in reach[kind].values():
                    if s in seen:
                        seen.add(t)
                    if kind == "weak" and t in seen:
                        seen.add(s)
    for kind, reached in reach.items():
        result = engine.run(
            f"{graph_of(edges)} graph-mark-components kind={kind} | graph-to-table nodes", QueryOptions(now=NOW)
        )
        component = {int(str(node)): int(str(number)) for node, number in result.rows}
        assert component.keys() == reached.keys()
        # numbers go up by one in the order of first appearance
        firsts = list(dict.fromkeys(component.values()))
        assert firsts == list(range(len(firsts)))
        for a in component:
            for b in component:
                assert (component[a] == component[b]) == (b in reached[a] and a in reached[b])


HUB = "range i from 1 to 20000 step 1 | extend s = i % 200, t = (i * 7) % 200 | make-graph s --> t with_node_id=id | "


def test_a_walk_that_multiplies_ends_in_a_message(engine: QueryEngine) -> None:
    """A node with many edges does not fill the memory."""
    query = HUB + "graph-match cycles=all (a)-[p*1..50]->(b) where a.id == 7 project b.id | count"
    with pytest.raises(QueryFailed, match="more than 10000000 paths"):
        engine.run(query, QueryOptions(now=NOW))


@pytest.mark.parametrize(
    "query",
    [
        "graph-match (a)-[p*1..30]->(b) project b.id | count",
        "graph-match (a)-->(b)-->(c)-->(d)-->(e) project a.id | summarize count() by a_id",
        "graph-shortest-paths output=all (a)-[p*3..30]->(b) project b.id | count",
    ],
)
def test_a_pattern_keeps_the_time_limit(engine: QueryEngine, query: str) -> None:
    """Matching is stopped when the time of a query is over, or before, when its next step would be too large."""
    with pytest.raises(QueryFailed, match=r"stopped after 0\.5 seconds|more than 10000000 paths"):
        engine.run(HUB + query, QueryOptions(now=NOW, limits=Limits(seconds=0.5)))


def test_a_pattern_can_be_cancelled(engine: QueryEngine) -> None:
    """Another thread stops a walk."""
    cancellation = Cancellation()
    timer = threading.Timer(0.3, cancellation.cancel)
    timer.start()
    with pytest.raises(QueryFailed, match="cancelled"):
        engine.run(HUB + "graph-match (a)-[p*1..30]->(b) project b.id | count",
                   QueryOptions(now=NOW, cancellation=cancellation))  # fmt: skip
    timer.join()


def test_a_graph_of_a_wide_table_reads_only_what_is_named() -> None:
    """Columns of the edges that nothing names are not read."""
    fields = tuple(Field(f"c_{index}", Type.STRING, f"wide_{index}") for index in range(50))
    schema = TableSchema("Wide", fields, source="wide")

    class Host(NoTables):
        def table(self, name: str) -> TableSchema | None:
            return schema if name == "Wide" else None

    text = "Wide | make-graph c_1 --> c_2 with Wide on c_3 | graph-match (a)-[e]->(b) project a.c_4, e.c_5"
    compiled = Compiler().compile(bind(text, full_catalog(), Host()).results[0])
    read = {index for index in range(50) if f'"wide_{index}"' in compiled.sql or f"wide_{index} " in compiled.sql}
    assert read == {1, 2, 3, 4, 5}
