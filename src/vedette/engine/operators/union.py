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
        items = [(name_of(node.tag), quote(tag))] if node.tag else []
        for column, source in zip(own, sources, strict=True):
            if source is None:
                value = padding(column.type)
            elif source.type is column.type:
                value = name_of(source)
            else:
                value = f"CAST({name_of(source)} AS {SQL_TYPES[column.type]})"
            items.append((name_of(column), value))
        text = f"SELECT {compiler.scan_mark(items)} FROM {rel.source}"
        if rel.where:
            text += " WHERE " + " AND ".join(rel.where)
        parts.append(text)
    return Rel(f"({_halved(parts)})", node.columns)


def _halved(parts: list[str]) -> str:
    """All parts in one, halves in brackets: the engine's plan of a chain grows with the square of its length."""
    if len(parts) <= 2:
        return " UNION ALL ".join(parts)
    middle = len(parts) // 2
    return f"({_halved(parts[:middle])}) UNION ALL ({_halved(parts[middle:])})"
