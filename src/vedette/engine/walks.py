"""Walks over a graph in SQL: all paths from some nodes, or the shortest ones.

A walk is a SELECT of `s` and `t` (first and last node), `p` (the numbers of its edges) and `q` (those of the nodes
between), each list in the order in which it was walked.
"""

from __future__ import annotations

from dataclasses import replace

from vedette.engine.compiler import Compiler
from vedette.kql.node import node

MAX_STEP = 10_000_000
"""How many paths one more edge may make before the walk is given up: nodes with many edges multiply them."""

_EMPTY = "CAST([] AS BIGINT[])"


@node
class Steps:
    """The edges that a walk may take and the rules it keeps."""

    edges: str
    """A relation of `g_e`, `g_s` and `g_t`."""
    back: bool
    """Against the edges."""
    both: bool
    """Each edge is there in both directions."""
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


def _capped(compiler: Compiler, rows: str, going: str, key: str, following: str, other: str) -> str:
    """A condition that ends in a message where the next step would make too many rows.

    `rows` is what the last step made and `going` which of it go on; `following` is what each row goes on with, and
    `other` names in it what `key` is in the row. Rows are counted before they are made: the join would not stop early.
    """
    message = (
        f"a graph pattern has more than {MAX_STEP} paths to follow at once; narrow where they begin or their length"
    )
    fans = compiler.add_cte(f"SELECT {other}, count(*) AS f FROM {following} GROUP BY {other}")
    equal = " AND ".join(
        f"x.{mine} = y.{theirs}" for mine, theirs in zip(key.split(", "), other.split(", "), strict=True)
    )
    return (
        f"(SELECT CASE WHEN coalesce(sum(y.f), 0) > {MAX_STEP} THEN error({compiler.sql.quote(message)}) ELSE true END "
        f"FROM {rows} AS x JOIN {fans} AS y ON {equal} WHERE x.{going})"
    )


def all_paths(compiler: Compiler, steps: Steps) -> str:
    """Every path whose length is within the limits."""
    w = compiler.fresh("w")
    return f"{_walk(compiler, steps, w, [])} SELECT s, t, p, q FROM {w} WHERE d >= {steps.low}"


def _walk(compiler: Compiler, steps: Steps, w: str, rules: list[str]) -> str:
    """WITH RECURSIVE of every path, also those that are still too short."""
    come, go = steps.ends
    rules = [f"{w}.d < {steps.high}", *rules]
    if steps.cycles == "unique_edges":
        rules.append(f"NOT list_contains({w}.p, e.g_e)")
    elif steps.cycles == "none":
        rules.append(f"e.{go} <> {w}.s AND e.{go} <> {w}.t AND NOT list_contains({w}.q, e.{go})")
    if steps.inner is not None:
        rules.append(f"({w}.d = 0 OR {w}.t IN (SELECT g_n FROM {steps.inner}))")
    rules.append(_capped(compiler, w, f"d < {steps.high}", "t", steps.edges, come))
    step = (
        f"SELECT {w}.s, e.{go}, {w}.d + 1, list_append({w}.p, e.g_e), "
        f"CASE WHEN {w}.d = 0 THEN {w}.q ELSE list_append({w}.q, {w}.t) END "
        f"FROM {w} JOIN {steps.edges} AS e ON e.{come} = {w}.t WHERE {' AND '.join(rules)}"
    )
    return (
        f"WITH RECURSIVE {w}(s, t, d, p, q) AS (SELECT n, n, 0, {_EMPTY}, {_EMPTY} FROM ({steps.seeds}) "
        f"UNION ALL {step})"
    )


def _closed(compiler: Compiler, steps: Steps, targets: str | None) -> str:
    """The shortest paths that come back to where they began, without going back over an edge that may be gone both ways.

    No distance tells them, so all paths are followed, from each beginning until a first one is back.
    """
    w = compiler.fresh("w")
    wanted = "" if targets is None else f" WHERE n IN (SELECT g_n FROM {targets})"
    seeds = f"SELECT n FROM ({steps.seeds}){wanted}"
    open_ = f"NOT EXISTS (SELECT 1 FROM {w} AS v WHERE v.s = {w}.s AND v.t = v.s AND v.d > 0)"
    walk = _walk(compiler, replace(steps, seeds=seeds), w, [open_])
    return f"{walk} SELECT s, t, p, q FROM {w} WHERE t = s AND d > 0"


def shortest_paths(compiler: Compiler, steps: Steps, targets: str | None, *, every: bool) -> str:
    """The shortest paths from each beginning to each other node, of 0 or 1 edges and more: one, or every one.

    First the distance of each pair is found, breadth first; then paths are followed back from their ends, along
    pairs whose distance is one less.
    """
    come, go = steps.ends
    b, w = compiler.fresh("w"), compiler.fresh("w")
    inner = "" if steps.inner is None else f" AND ({b}.d = 0 OR {b}.n IN (SELECT g_n FROM {steps.inner}))"
    # over edges that may be gone both ways a beginning is met again at once, by the edge just taken
    apart = steps.both and steps.low > 0
    if steps.low == 0 or apart:
        first = f"SELECT n, n, 0 FROM ({steps.seeds})"
    else:
        # a beginning has no distance from itself until the walk comes back to it
        first = f"SELECT DISTINCT r.n, e.{go}, 1 FROM ({steps.seeds}) AS r JOIN {steps.edges} AS e ON e.{come} = r.n"
    step = (
        f"SELECT DISTINCT {b}.s, e.{go}, {b}.d + 1 FROM {b} JOIN {steps.edges} AS e ON e.{come} = {b}.n "
        f"WHERE {b}.d < {steps.high}{inner} AND NOT EXISTS "
        f"(SELECT 1 FROM recurring.{b} AS r WHERE r.s = {b}.s AND r.n = e.{go}) "
        f"AND {_capped(compiler, b, f'd < {steps.high}', 'n', steps.edges, come)}"
    )
    distances = compiler.add_cte(
        f"WITH RECURSIVE {b}(s, n, d) USING KEY (s, n) AS ({first} UNION {step}) "
        f"SELECT s, n, d FROM {b} WHERE d <= {steps.high}"
    )
    allowed = "" if steps.inner is None else f" AND f.n IN (SELECT g_n FROM {steps.inner})"
    edges = compiler.add_cte(
        f"SELECT o.s, o.n, o.d, e.g_e AS e, e.{come} AS m FROM {distances} AS o JOIN {steps.edges} AS e ON e.{go} = o.n "
        f"WHERE (o.d = 1 AND e.{come} = o.s) OR (o.d > 1 AND EXISTS (SELECT 1 FROM {distances} AS f "
        f"WHERE f.s = o.s AND f.n = e.{come} AND f.d = o.d - 1{allowed}))"
        + ("" if every else " QUALIFY row_number() OVER (PARTITION BY o.s, o.n ORDER BY e.g_e) = 1")
    )
    limits = [] if targets is None else [f"n IN (SELECT g_n FROM {targets})"]
    limits += ["d > 0"] if apart else []
    wanted = f" WHERE {' AND '.join(limits)}" if limits else ""
    back = (
        f"SELECT {w}.s, {w}.t, o.m, {w}.d - 1, list_prepend(o.e, {w}.p), "
        f"CASE WHEN {w}.d > 1 THEN list_prepend(o.m, {w}.q) ELSE {w}.q END "
        f"FROM {w} JOIN {edges} AS o ON o.s = {w}.s AND o.n = {w}.n AND o.d = {w}.d WHERE {w}.d > 0"
    )
    if every:
        back += f" AND {_capped(compiler, w, 'd > 0', 's, n', edges, 's, n')}"
    found = (
        f"WITH RECURSIVE {w}(s, t, n, d, p, q) AS (SELECT s, n, n, d, {_EMPTY}, {_EMPTY} FROM {distances}{wanted} "
        f"UNION ALL {back}) SELECT s, t, p, q FROM {w} WHERE d = 0"
    )
    return f"({found}) UNION ALL ({_closed(compiler, steps, targets)})" if apart else found
