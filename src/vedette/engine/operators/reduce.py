"""reduce: patterns of similar strings, found in two passes over their terms."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from vedette.engine.compiler import Compiler, lowers
from vedette.engine.fragment import Fragment
from vedette.engine.relations import OrderKey, Rel, name_of
from vedette.engine.windows import staged
from vedette.kql.binder.operators.reduce import Reduce
from vedette.kql.types import Type

OTHERS = "others"
"""The pattern of all that is like too few."""


@lowers(Reduce)
def reduce(compiler: Compiler, node: Reduce) -> Rel:
    """Terms that stand in one place often enough stay, all others become `*`; so do numbers.

    Texts of one pattern are a group where they are more than the threshold's part of all, and else are among the others.
    """
    sql = compiler.sql
    rel = staged(compiler, compiler.rel(node.input), [node.text])
    text, terms, place, term, often = (compiler.fresh() for _ in range(5))
    based = rel.extended([f"{compiler.emitter.emit(node.text)} AS {text}"], node.input.columns)
    groups = based.partition
    records = compiler.add_cte(based.text())
    by = ", ".join([*groups, text])
    separators = sql.literal(node.separators or "", Type.STRING)
    source = Fragment(text, Type.STRING, False)
    listed = sql.row("reduce_terms", reduce_terms, Type.DYNAMIC, source, separators)
    # every text once, with how often it is there, and all there are beside it
    texts = compiler.add_cte(
        f"SELECT {by}, count(*) AS n, sum(count(*)) OVER ({_partition(groups)}) AS total, "
        f"CAST(CAST({listed} AS JSON) AS VARCHAR[]) AS {terms} FROM {records} GROUP BY {by}"
    )
    placed = (
        f"SELECT {by}, n, total, unnest({terms}) AS {term}, generate_subscripts({terms}, 1) AS {place} FROM {texts}"
    )
    counted = f"sum(n) OVER ({_partition([*groups, place, term])})"
    kept = f"{counted} > {node.threshold!r} * total AND NOT regexp_full_match({term}, '[0-9]*')"
    marked = f"SELECT {by}, CASE WHEN {kept} THEN {place} END AS {often} FROM ({placed})"
    frequent = (
        f"SELECT {by}, to_json(list({often}) FILTER ({often} IS NOT NULL)) AS {often} FROM ({marked}) GROUP BY {by}"
    )
    pattern, count, sample = (name_of(column) for column in (node.pattern, node.count, node.representative))
    stay = Fragment(f"coalesce(CAST({often} AS VARCHAR), '[]')", Type.DYNAMIC, False)
    written = sql.row("reduce_pattern", reduce_pattern, Type.STRING, source, stay, separators)
    joined = f"{texts} LEFT JOIN ({frequent}) USING ({by})"
    patterns = compiler.add_cte(f"SELECT {by}, n, total, {written} AS {pattern} FROM {joined}")
    few = f"{pattern} = '' OR sum(n) OVER ({_partition([*groups, pattern])}) <= {node.threshold!r} * total"
    named = compiler.add_cte(
        f"SELECT * REPLACE (CASE WHEN {few} THEN {sql.quote(OTHERS)} ELSE {pattern} END AS {pattern}), "
        f"{few} AS few FROM {patterns}"
    )
    of = ", ".join([*groups, pattern])
    made = compiler.add_cte(
        f"SELECT {of}, few, CAST(sum(n) AS BIGINT) AS {count}, "
        f"CASE WHEN few THEN '' ELSE min({text}) END AS {sample} FROM {named} GROUP BY {of}, few"
    )
    if not node.keeps:
        order = [OrderKey("few"), OrderKey(count, True, False), OrderKey(pattern)]
        return Rel(made, node.columns, order=order, partition=groups)
    every = f"{records} JOIN {named} USING ({by}) JOIN {made} USING ({of}, few)"
    return Rel(f"(SELECT * FROM {every})", node.columns, order=rel.order, partition=groups)


def _partition(names: list[str]) -> str:
    return f"PARTITION BY {', '.join(names)}" if names else ""


@lru_cache(maxsize=64)
def _term(separators: str) -> re.Pattern[str]:
    return re.compile(f"[^{re.escape(separators)}]+" if separators else "[0-9A-Za-z]+")


def reduce_terms(text: str, separators: str) -> list[str]:
    """The terms of a text."""
    return _term(separators).findall(text)


def reduce_pattern(text: str, kept: list[int], separators: str) -> str:
    """A text with `*` for every run of terms that does not stay; empty where none stays.

    Separators that the query names go into the `*` beside them.
    """
    stay, out = set(kept), list(_pieces(text, separators))
    if not any(place in stay for place, _ in out if place):
        return ""
    pattern: list[str] = []
    gap = ""
    for place, piece in out:
        if not place:
            gap = piece
        elif place in stay:
            pattern.append(piece if separators and pattern and pattern[-1] == "*" else gap + piece)
            gap = ""
        else:
            if not pattern or pattern[-1] != "*":
                pattern += ["*"] if separators or not gap else [gap, "*"]
            gap = ""
    return "".join(pattern) + ("" if separators and pattern[-1] == "*" else gap)


def _pieces(text: str, separators: str) -> Iterator[tuple[int, str]]:
    """Terms with their places from 1, and under 0 what stands between them."""
    at = 0
    for place, found in enumerate(_term(separators).finditer(text), 1):
        if found.start() > at:
            yield 0, text[at : found.start()]
        yield place, found[0]
        at = found.end()
    if at < len(text):
        yield 0, text[at:]
