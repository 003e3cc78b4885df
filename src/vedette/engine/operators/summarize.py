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
    groups = [*base.partition, *(str(len(base.partition) + index + 1) for index in range(len(node.keys)))]
    text = f"SELECT {', '.join([*base.partition, *items])} FROM {base.source}"
    if base.where:
        text += " WHERE " + " AND ".join(base.where)
    if groups:
        text += " GROUP BY " + ", ".join(groups)
    return Rel(f"({text})", node.columns, partition=base.partition)
