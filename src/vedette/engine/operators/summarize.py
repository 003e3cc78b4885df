"""summarize, distinct and count."""

from __future__ import annotations

from vedette.engine.compiler import Compiler, lowers
from vedette.engine.relations import Rel, name_of
from vedette.kql.binder.operators.summarize import Summarize


@lowers(Summarize)
def summarize(compiler: Compiler, node: Summarize) -> Rel:
    """Groups; without keys one row even of nothing (rule 86)."""
    rel = compiler.rel(node.input)
    base = rel if rel.plain else rel.wrapped()
    emitter = compiler.emitter
    emitter.over = ""
    items = [f"{emitter.emit(value)} AS {name_of(column)}" for column, value in node.keys]
    emitter.over = base.ordering()
    items += [f"{emitter.emit(value)} AS {name_of(column)}" for column, value in node.aggregates]
    text = f"SELECT {', '.join(items)} FROM {base.source}"
    if base.where:
        text += " WHERE " + " AND ".join(base.where)
    if node.keys:
        text += " GROUP BY " + ", ".join(str(index + 1) for index in range(len(node.keys)))
    return Rel(f"({text})", node.columns)
