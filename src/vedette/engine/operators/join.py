"""join and lookup."""

from __future__ import annotations

from vedette.engine.compiler import Compiler, lowers
from vedette.engine.relations import Rel, name_of
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
    left = _subquery(compiler, _side(compiler, node, node.left, ("rightsemi", "rightanti")))
    right = _subquery(compiler, _side(compiler, node, node.right, ("leftsemi", "leftanti")))
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
    text = f"SELECT {', '.join(items)} FROM {first} AS l {_SQL[node.kind]} {second} AS r ON {condition}"
    return Rel(f"({text})", node.columns)


def _side(compiler: Compiler, node: Join, side: Relation, kinds: tuple[str, str]) -> Rel:
    """The rows of one side; where only their being there counts, duplicates may stay."""
    rows = side
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
        return f"({a} {symbol} {b} AND NOT isnan({a}))"
    return f"{a} {symbol} {b}"


def _shown(out: Column, source: Column, padded: bool) -> str:
    value = name_of(source)
    if padded and source.type is Type.STRING:
        value = f"coalesce({value}, '')"
    return f"{value} AS {name_of(out)}"
