"""join and lookup."""

from __future__ import annotations

from vedette.engine.compiler import Compiler, lowers
from vedette.engine.operators.first_seen import few_written, numbered
from vedette.engine.partials import from_kept
from vedette.engine.relations import OrderKey, Rel, name_of
from vedette.kql.binder.operators.join import Join
from vedette.kql.binder.operators.project import Project
from vedette.kql.binder.operators.summarize import Summarize
from vedette.kql.bound import Column, ColumnRef, Expr, Relation
from vedette.kql.types import Type

_SQL = {
    "innerunique": "INNER JOIN", "inner": "INNER JOIN", "leftouter": "LEFT JOIN", "rightouter": "RIGHT JOIN",
    "fullouter": "FULL JOIN", "leftsemi": "SEMI JOIN", "leftanti": "ANTI JOIN", "rightsemi": "SEMI JOIN",
    "rightanti": "ANTI JOIN",
}  # fmt: skip

_WIDE = 64
"""Columns from which on the engine needs minutes to plan DISTINCT ON between the sides of a join (it has a first() for each)."""


@lowers(Join)
def join(compiler: Compiler, node: Join) -> Rel:
    """Matches rows of both sides; null keys match each other (rule 91)."""
    sides = (
        _side(compiler, node, node.left, ("rightsemi", "rightanti")),
        _side(compiler, node, node.right, ("leftsemi", "leftanti")),
    )
    places = ("", "")
    if all(side.order and few_written(of) for side, of in zip(sides, (node.left, node.right), strict=True)):
        (first_side, first_place), (second_side, second_place) = (numbered(compiler, side) for side in sides)
        sides, places = (first_side, second_side), (first_place, second_place)
    left, right = (_subquery(compiler, side) for side in sides)
    emitter = compiler.emitter
    emitter.over = ""
    if node.kind == "innerunique" and not _unique(compiler, node):
        keys = ", ".join(emitter.emit(key).sql for key, _ in node.keys)
        if len(node.left.visible) > _WIDE:
            left = f"(SELECT * FROM {left} QUALIFY row_number() OVER (PARTITION BY {keys}) = 1)"
        else:
            left = f"(SELECT DISTINCT ON ({keys}) * FROM {left})"
    condition = " AND ".join(_equal(compiler, a, b) for a, b in node.keys)
    first, second = (right, left) if node.kind.startswith("right") and node.kind != "rightouter" else (left, right)
    pads_left = node.kind in ("rightouter", "fullouter")
    pads_right = node.kind in ("leftouter", "fullouter")
    items = [_shown(out, source, pads_left) for out, source in node.left_columns]
    items += [_shown(out, source, pads_right) for out, source in node.right_columns]
    order = _order(compiler, node, *places) if places[0] else []
    items += [f"{value} AS {key.name}" for value, key in order]
    text = f"SELECT {', '.join(items)} FROM {first} AS l {_SQL[node.kind]} {second} AS r ON {condition}"
    return Rel(f"({text})", node.columns, order=[key for _, key in order])


def _order(compiler: Compiler, node: Join, left: str, right: str) -> list[tuple[str, OrderKey]]:
    """The order of the pairs of few written rows, as SQL values and the keys that name them.

    A join reads the right side row by row and looks for the last of the left rows first; lookup has the sides the other
    way round. Rows without a counterpart on the side that is read come at the end.
    """
    if node.kind.endswith(("semi", "anti")):
        return [(left if node.kind.startswith("left") else right, OrderKey(compiler.fresh()))]
    lookup = len(node.right_columns) < len(node.right.visible)
    read, kept = (left, right) if lookup else (right, left)
    second = f"CASE WHEN {read} IS NULL THEN {kept} ELSE -{kept} END"
    return [(read, OrderKey(compiler.fresh(), nulls_first=False)), (second, OrderKey(compiler.fresh()))]


def _side(compiler: Compiler, node: Join, side: Relation, kinds: tuple[str, str]) -> Rel:
    """The rows of one side; where only their being there counts, duplicates may stay."""
    rows = side
    if isinstance(rows, Summarize) and not compiler.given_for(rows):
        kept = from_kept(compiler, rows)
        if kept is not None:
            return kept
    if (
        node.kind in kinds
        and isinstance(rows, Summarize)
        and rows.keys
        and not rows.aggregates
        and compiler.sql.may("existence-distinct")
    ):
        return compiler.rel(Project(rows.columns, rows.input, rows.keys))
    return compiler.rel(side)


def _unique(compiler: Compiler, node: Join) -> bool:
    """Whether no two rows of the left side have the same keys anyhow: they are groups, and what tells them apart is a key."""
    left = node.left
    if not isinstance(left, Summarize):
        return False
    joined = {key.column.id for key, _ in node.keys if isinstance(key, ColumnRef)}
    return {column.id for column, _ in left.keys} <= joined and compiler.sql.may("unique-groups")


def _subquery(compiler: Compiler, rel: Rel) -> str:
    base = rel.wrapped()
    return f"({base.text()})" if base.where or not base.source.startswith("(") else base.source


def _equal(compiler: Compiler, left: Expr, right: Expr) -> str:
    a, b = compiler.emitter.emit(left), compiler.emitter.emit(right)
    symbol = "IS NOT DISTINCT FROM" if a.nullable and b.nullable else "="
    if Type.REAL in (a.type, b.type):
        return f"({a} {symbol} {b} AND isnan({a}) IS NOT TRUE)"
    return f"{a} {symbol} {b}"


def _shown(out: Column, source: Column, padded: bool) -> str:
    value = name_of(source)
    if padded and source.type is Type.STRING:
        value = f"coalesce({value}, '')"
    return f"{value} AS {name_of(out)}"
