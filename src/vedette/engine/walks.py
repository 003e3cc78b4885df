"""Walks over a graph in SQL: all paths from some nodes, or the shortest ones.

A walk is a SELECT of `s` and `t` (first and last node), `p` (the numbers of its edges) and `q` (those of the nodes
between), each list in the order in which it was walked.
"""

from __future__ import annotations

from dataclasses import dataclass

from vedette.engine.compiler import Compiler

MAX_STEP = 10_000_000
"""How many paths one more edge may make before the walk is given up: a node with many edges multiplies them."""

_EMPTY = "CAST([] AS BIGINT[])"


@dataclass(slots=True)
class Steps:
    """The edges that a walk may take and the rules it keeps."""

    edges: str
    """A relation of `g_e`, `g_s` and `g_t`."""
    back: bool
    """Against the edges."""
    low: int
    high: int
    cycles: str
    inner: str | None
    """A relation whose `g_n` are the nodes that may stand between; None: any."""
    seeds: str
    """A SELECT of the nodes `n` where walks begin."""

    @property
    def ends(self) -> tuple[str, str]:
        """The columns of an edge: where a step comes from and where it goes."""
        return ("g_t", "g_s") if self.back else ("g_s", "g_t")


def _capped(compiler: Compiler, text: str, names: str) -> str:
    """Rows of one step, with an end in a message where they are too many."""
    message = f"the paths of a graph pattern are more than {MAX_STEP} after one more edge; narrow where they begin or their length"
    count = compiler.fresh()
    test = f"CASE WHEN {count} > {MAX_STEP} THEN error({compiler.sql.quote(message)}) ELSE true END"
    return f"SELECT {names} FROM (SELECT *, row_number() OVER () AS {count} FROM ({text})) WHERE {test}"


def all_paths(compiler: Compiler, steps: Steps) -> str:
    """Every path whose length is within the limits."""
    w = compiler.fresh("w")
    come, go = steps.ends
    rules = [f"{w}.d < {steps.high}"]
    if steps.cycles == "unique_edges":
        rules.append(f"NOT list_contains({w}.p, e.g_e)")
    elif steps.cycles == "none":
        rules.append(f"e.{go} <> {w}.s AND e.{go} <> {w}.t AND NOT list_contains({w}.q, e.{go})")
    if steps.inner is not None:
        rules.append(f"({w}.d = 0 OR {w}.t IN (SELECT g_n FROM {steps.inner}))")
    step = (
        f"SELECT {w}.s, e.{go} AS t, {w}.d + 1 AS d, list_append({w}.p, e.g_e) AS p, "
        f"CASE WHEN {w}.d = 0 THEN {w}.q ELSE list_append({w}.q, {w}.t) END AS q "
        f"FROM {w} JOIN {steps.edges} AS e ON e.{come} = {w}.t WHERE {' AND '.join(rules)}"
    )
    return (
        f"WITH RECURSIVE {w}(s, t, d, p, q) AS (SELECT n, n, 0, {_EMPTY}, {_EMPTY} FROM ({steps.seeds}) "
        f"UNION ALL {_capped(compiler, step, 's, t, d, p, q')}) SELECT s, t, p, q FROM {w} WHERE d >= {steps.low}"
    )


def shortest_paths(compiler: Compiler, steps: Steps, targets: str | None, *, every: bool) -> str:
    """The shortest paths from each beginning to each other node, of 0 or 1 edges and more: one, or every one.

    First the distance of each pair is found, breadth first; then paths are followed back from their ends, along
    pairs whose distance is one less.
    """
    come, go = steps.ends
    b, w = compiler.fresh("w"), compiler.fresh("w")
    inner = "" if steps.inner is None else f" AND ({b}.d = 0 OR {b}.n IN (SELECT g_n FROM {steps.inner}))"
    if steps.low == 0:
        first = f"SELECT n, n, 0 FROM ({steps.seeds})"
    else:
        # a beginning has no distance from itself until the walk comes back to it
        first = f"SELECT DISTINCT r.n, e.{go}, 1 FROM ({steps.seeds}) AS r JOIN {steps.edges} AS e ON e.{come} = r.n"
    step = (
        f"SELECT DISTINCT {b}.s, e.{go} AS n, {b}.d + 1 AS d FROM {b} JOIN {steps.edges} AS e ON e.{come} = {b}.n "
        f"WHERE {b}.d < {steps.high}{inner} AND NOT EXISTS "
        f"(SELECT 1 FROM recurring.{b} AS r WHERE r.s = {b}.s AND r.n = e.{go})"
    )
    distances = compiler.add_cte(
        f"WITH RECURSIVE {b}(s, n, d) USING KEY (s, n) AS ({first} UNION {_capped(compiler, step, 's, n, d')}) "
        f"SELECT s, n, d FROM {b} WHERE d <= {steps.high}"
    )
    allowed = "" if steps.inner is None else f" AND f.n IN (SELECT g_n FROM {steps.inner})"
    edges = compiler.add_cte(
        f"SELECT o.s, o.n, o.d, e.g_e AS e, e.{come} AS m FROM {distances} AS o JOIN {steps.edges} AS e ON e.{go} = o.n "
        f"WHERE (o.d = 1 AND e.{come} = o.s) OR (o.d > 1 AND EXISTS (SELECT 1 FROM {distances} AS f "
        f"WHERE f.s = o.s AND f.n = e.{come} AND f.d = o.d - 1{allowed}))"
        + ("" if every else " QUALIFY row_number() OVER (PARTITION BY o.s, o.n ORDER BY e.g_e) = 1")
    )
    wanted = "" if targets is None else f" WHERE n IN (SELECT g_n FROM {targets})"
    back = (
        f"SELECT {w}.s, {w}.t, o.m AS n, {w}.d - 1 AS d, list_prepend(o.e, {w}.p) AS p, "
        f"CASE WHEN {w}.d > 1 THEN list_prepend(o.m, {w}.q) ELSE {w}.q END AS q "
        f"FROM {w} JOIN {edges} AS o ON o.s = {w}.s AND o.n = {w}.n AND o.d = {w}.d WHERE {w}.d > 0"
    )
    return (
        f"WITH RECURSIVE {w}(s, t, n, d, p, q) AS (SELECT s, n, n, d, {_EMPTY}, {_EMPTY} FROM {distances}{wanted} "
        f"UNION ALL {_capped(compiler, back, 's, t, n, d, p, q')}) SELECT s, t, p, q FROM {w} WHERE d = 0"
    )
