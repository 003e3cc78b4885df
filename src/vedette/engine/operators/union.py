"""union."""

from __future__ import annotations

from vedette.engine.compiler import Compiler, lowers, padding
from vedette.engine.dialect import SQL_TYPES, quote
from vedette.engine.relations import Rel, name_of
from vedette.kql.binder.operators.union import Union


@lowers(Union)
def union(compiler: Compiler, node: Union) -> Rel:
    """All rows of the inputs, columns padded where an input lacks them."""
    own = [column for column in node.columns if column is not node.tag]
    parts = []
    for relation, sources, tag in zip(node.inputs, node.sources, node.tags, strict=True):
        rel = compiler.rel(relation).wrapped()
        items = [f"{quote(tag)} AS {name_of(node.tag)}"] if node.tag else []
        for column, source in zip(own, sources, strict=True):
            value = padding(column.type) if source is None else f"CAST({name_of(source)} AS {SQL_TYPES[column.type]})"
            items.append(f"{value} AS {name_of(column)}")
        text = f"SELECT {', '.join(items) or '1'} FROM {rel.source}"
        if rel.where:
            text += " WHERE " + " AND ".join(rel.where)
        parts.append(text)
    return Rel(f"({' UNION ALL '.join(parts)})", node.columns)
