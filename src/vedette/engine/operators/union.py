"""union."""

from __future__ import annotations

from vedette.engine.compiler import Compiler, lowers, padding
from vedette.engine.dialect import SQL_TYPES, quote
from vedette.engine.operators.first_seen import few_written
from vedette.engine.relations import OrderKey, Rel, name_of
from vedette.kql.binder.operators.project import Project
from vedette.kql.binder.operators.sort import Sort
from vedette.kql.binder.operators.take import Take
from vedette.kql.binder.operators.union import Union
from vedette.kql.binder.operators.where import Where
from vedette.kql.bound import Column, Relation, Scan
from vedette.kql.diagnostics import Diagnostic, KqlError


@lowers(Union)
def union(compiler: Compiler, node: Union) -> Rel:
    """All rows of the inputs, columns padded where an input lacks them; tables without rows cost nothing."""
    if len(node.sources) != len(node.inputs):
        message = "this union has columns that only data shows"
        raise KqlError("", [Diagnostic("VDT1004", message, 0, 1)])
    own = [column for column in node.columns if column is not node.tag]
    parts = []
    written = all(map(few_written, node.inputs))
    order = [OrderKey(compiler.fresh()), OrderKey(compiler.fresh())] if written else []
    for index, (relation, sources, tag) in enumerate(zip(node.inputs, node.sources, node.tags, strict=True)):
        rel = None if _is_empty(relation) else compiler.rel(relation).wrapped()
        if rel is not None and not rel.nothing:
            parts.append(_part(compiler, rel, node.tag, tag, own, sources, index, order))
    if not parts:
        items = ", ".join(f"{padding(column.type)} AS {name_of(column)}" for column in node.columns)
        return Rel(f"(SELECT {items or '1'} WHERE false)", node.columns)
    return Rel(f"({_halved(parts)})", node.columns, order=order)


def _part(
    compiler: Compiler, rel: Rel, tag: Column | None, tag_value: str, own: list[Column],
    sources: list[Column | None], index: int, order: list[OrderKey],
) -> str:  # fmt: skip
    places = ""
    if order:
        # the rows of one input after those of another, as they come there
        place = f"row_number() OVER ({f'ORDER BY {rel.ordering()}' if rel.order else ''})"
        places = f", {index} AS {order[0].name}, {place} AS {order[1].name}"
    items = [(name_of(tag), quote(tag_value))] if tag else []
    for column, source in zip(own, sources, strict=True):
        value = padding(column.type)
        if source is not None:
            same = source.type is column.type
            value = name_of(source) if same else f"CAST({name_of(source)} AS {SQL_TYPES[column.type]})"
        items.append((name_of(column), value))
    text = f"SELECT {compiler.scan_mark(items)}{places} FROM {rel.source}"
    return text + (" WHERE " + " AND ".join(rel.where) if rel.where else "")


def _is_empty(relation: Relation) -> bool:
    """Whether a relation is a table that never had rows, or rows of one that are only filtered and extended."""
    while isinstance(relation, Where | Project | Sort | Take):
        relation = relation.input
    return isinstance(relation, Scan) and relation.table.source is None


def _halved(parts: list[str]) -> str:
    """All parts in one, halves in brackets: the engine's plan of a chain grows with the square of its length."""
    if len(parts) <= 2:
        return " UNION ALL ".join(parts)
    middle = len(parts) // 2
    return f"({_halved(parts[:middle])}) UNION ALL ({_halved(parts[middle:])})"
