"""join and lookup."""

from __future__ import annotations

from vedette.engine.compiler import Compiler, lowers
from vedette.engine.relations import Rel, name_of
from vedette.kql.binder.operators.join import Join
from vedette.kql.bound import Column, Expr
from vedette.kql.types import Type

_SQL = {
    "innerunique": "INNER JOIN", "inner": "INNER JOIN", "leftouter": "LEFT JOIN", "rightouter": "RIGHT JOIN",
    "fullouter": "FULL JOIN", "leftsemi": "SEMI JOIN", "leftanti": "ANTI JOIN", "rightsemi": "SEMI JOIN",
    "rightanti": "ANTI JOIN",
}  # fmt: skip


@lowers(Join)
def join(compiler: Compiler, node: Join) -> Rel:
    """Matches rows of both sides; null keys match each other (rule 91)."""
    left = _subquery(compiler, compiler.rel(node.left))
    right = _subquery(compiler, compiler.rel(node.right))
    emitter = compiler.emitter
    emitter.over = ""
    if node.kind == "innerunique":
        keys = ", ".join(emitter.emit(key).sql for key, _ in node.keys)
        left = f"(SELECT DISTINCT ON ({keys}) * FROM {left})"
    condition = " AND ".join(_equal(compiler, a, b) for a, b in node.keys)
    first, second = (right, left) if node.kind.startswith("right") and node.kind != "rightouter" else (left, right)
    pads_left = node.kind in ("rightouter", "fullouter")
    pads_right = node.kind in ("leftouter", "fullouter")
    items = [_shown(out, source, pads_left) for out, source in node.left_columns]
    items += [_shown(out, source, pads_right) for out, source in node.right_columns]
    text = f"SELECT {', '.join(items)} FROM {first} AS l {_SQL[node.kind]} {second} AS r ON {condition}"
    return Rel(f"({text})", node.columns)


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
