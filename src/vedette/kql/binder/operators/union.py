"""union: rows of several tables, matched by column name (rules 94 and 95)."""

from __future__ import annotations

import fnmatch
from contextlib import nullcontext

from vedette.kql import syntax
from vedette.kql.binder import workspaces
from vedette.kql.binder.core import Binder
from vedette.kql.binder.scope import Scope
from vedette.kql.bound import Column, Relation, Scan
from vedette.kql.diagnostics import Stop
from vedette.kql.node import node
from vedette.kql.operators.binding import binds
from vedette.kql.operators.union import UnionOperator
from vedette.kql.types import Type

_UNRESOLVED = {"KS204", "KS142", "KS207", "KS211"}


@node
class Union(Relation):
    """All rows of the inputs; `sources` gives for each input and output column the input's column, or None."""

    inputs: list[Relation]
    sources: list[list[Column | None]]
    tag: Column | None
    tags: list[str]


@binds(UnionOperator)
def bind_union(binder: Binder, node: UnionOperator, input_: Relation | None, scope: Scope) -> Relation:
    """Binds `union`."""
    inputs: list[tuple[str, Relation]] = []
    if input_ is not None:
        inputs.append((_tag(None, input_, 0), input_))
    fault: Stop | None = None
    for item in node.tables:
        try:
            with binder.strictly() if node.fuzzy else nullcontext():
                for name, relation in _tables(binder, item, scope):
                    inputs.append((name or _tag(item, relation, len(inputs)), relation))
        except Stop as stop:
            if not node.fuzzy or stop.diagnostic.code not in _UNRESOLVED:
                binder.report(stop)
                inputs.append((f"union_arg{len(inputs)}", Relation((), open=True)))
                continue
            fault = stop
    if not inputs:
        raise fault or binder.stop("KS204", "The union has no table", node)
    return united(
        binder, inputs, inner=node.kind == "inner", tag=node.source_column.name if node.source_column else None
    )


def _tables(binder: Binder, item: syntax.Expression, scope: Scope) -> list[tuple[str | None, Relation]]:
    if isinstance(item, syntax.Star | syntax.Wildcard):
        pattern = "*" if isinstance(item, syntax.Star) else item.pattern
        found: list[tuple[str | None, Relation]] = []
        matching = [name for name in binder.host.table_names() if fnmatch.fnmatchcase(name, pattern)]
        tables = [table for table in map(binder.host.table, matching) if table is not None]
        # a wildcard means the tables that hold rows, not every known schema; a check without any rows takes those
        stored = [table for table in tables if table.source is not None]
        found += [(table.name, binder.scan(table)) for table in stored or (() if binder.evaluator else tables)]
        if not found:
            raise binder.stop("KS204", f"No table matches '{pattern}'", item)
        return found
    if isinstance(item, syntax.Member) and "*" in item.name.name and workspaces.is_qualified(item):
        return list(workspaces.matching(binder, item, scope))
    return [(None, binder.tabular(item, scope))]


def _tag(item: syntax.Expression | None, relation: Relation, index: int) -> str:
    if isinstance(relation, Scan):
        return relation.table.name
    return item.name if isinstance(item, syntax.Name) else f"union_arg{index}"


def united(binder: Binder, inputs: list[tuple[str, Relation]], *, inner: bool, tag: str | None) -> Relation:
    """The relation of a union."""
    kinds: dict[str, list[Type]] = {}
    for _, relation in inputs:
        for column in relation.visible:
            types = kinds.setdefault(column.name, [])
            if column.type not in types and column.type is not Type.UNKNOWN:
                types.append(column.type)
    if inner:
        common = set.intersection(*({column.name for column in relation.visible} for _, relation in inputs))
        kinds = {name: types for name, types in kinds.items() if name in common and len(types) <= 1}
    taken = set(kinds)
    columns: list[Column] = []
    sources: list[list[Column | None]] = [[] for _ in inputs]
    # nothing runs without an evaluator, and over every known table the sources would be millions
    held = [{column.name: column for column in relation.visible} for _, relation in inputs] if binder.evaluator else []
    sources = sources if held else []
    tag_column = binder.column(tag, Type.STRING) if tag else None
    for name, types in kinds.items():
        for type_ in types:
            shown = name
            if len(types) > 1:
                shown, count = f"{name}_{type_}", 0
                while shown in taken:
                    count += 1
                    shown = f"{name}_{type_}{count}"
                taken.add(shown)
            columns.append(binder.column(shown, type_))
            for place, have in zip(sources, held, strict=True):
                own = have.get(name)
                place.append(own if own is not None and own.type is type_ else None)
    shown_columns = (tag_column, *columns) if tag_column else tuple(columns)
    return Union(
        shown_columns, [relation for _, relation in inputs], sources, tag_column, [name for name, _ in inputs],
        open=any(relation.open for _, relation in inputs),
    )  # fmt: skip
