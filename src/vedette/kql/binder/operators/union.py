"""union: rows of several tables, matched by column name (rules 94 and 95)."""

from __future__ import annotations

from contextlib import nullcontext

from vedette.kql.binder.core import Binder
from vedette.kql.binder.operators.tables import Leg, Legs, gather, piped
from vedette.kql.binder.scope import Scope
from vedette.kql.bound import Column, Relation
from vedette.kql.diagnostics import Stop
from vedette.kql.host import INGESTION_TIME
from vedette.kql.node import node
from vedette.kql.operators.binding import binds
from vedette.kql.operators.union import UnionOperator
from vedette.kql.types import Type

UNRESOLVED = frozenset({"KS204", "KS142", "KS207", "KS211"})
"""The codes of mistakes with which a fuzzy union leaves an input out."""


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
    found = Legs([], [])
    if input_ is not None:
        found.legs.append(piped(input_))
    fault: Stop | None = None
    for item in node.tables:
        try:
            with binder.strictly() if node.fuzzy else nullcontext():
                more = gather(binder, [item], scope)
            found.legs += more.legs
            found.beyond += more.beyond
        except Stop as stop:
            if not node.fuzzy or stop.diagnostic.code not in UNRESOLVED:
                binder.report(stop)
                found.legs.append(Leg(Relation((), open=True), None))
                continue
            fault = stop
    if not found.legs and fault is not None:
        raise fault
    inner = node.kind == "inner"
    return united(binder, found, "union", inner=inner, tag=node.source_column.name if node.source_column else None)


def _types(relations: list[Relation]) -> dict[str, list[Type]]:
    """The columns' names, each with the types that it has in the inputs.

    A type that only running tells counts as one of its own, except where the first two inputs agree on another.
    """
    kinds: dict[str, list[Type]] = {}
    for relation in relations:
        for column in relation.columns:
            if column.hidden:
                continue
            types = kinds.get(column.name)
            if types is None:
                kinds[column.name] = [column.type]
            elif types[-1] is not column.type and column.type not in types:
                types.append(column.type)
    for name, types in kinds.items():
        if len(types) > 1 and Type.UNKNOWN in types:
            inputs = (column.type for relation in relations for column in relation.visible if column.name == name)
            first, second = next(inputs), next(inputs)
            if first is second is not Type.UNKNOWN:
                types.remove(Type.UNKNOWN)
    return kinds


def united(binder: Binder, found: Legs, prefix: str, *, inner: bool = False, tag: str | None) -> Relation:
    """The relation of a union; the source column stands first."""
    relations = [leg.relation for leg in found.legs]
    kinds = _types(relations)
    if inner and relations:
        common = set.intersection(*({column.name for column in relation.visible} for relation in relations))
        kinds = {name: types for name, types in kinds.items() if name in common and len(types) <= 1}
    taken = set(kinds)
    columns: list[Column] = []
    sources: list[list[Column | None]] = [[] for _ in relations]
    # nothing runs without an evaluator, and over every known table the sources would be millions
    by_name = [{c.name: c for c in relation.visible} for relation in relations] if binder.evaluator else []
    sources = sources if by_name else []
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
            for place, known in zip(sources, by_name, strict=True):
                source = known.get(name)
                place.append(source if source is not None and source.type in (type_, Type.UNKNOWN) else None)
    taken_in = [
        next((c for c in relation.columns if c.hidden and c.name == INGESTION_TIME), None) for relation in relations
    ]
    if any(taken_in):  # rows stay those of their tables
        columns.append(binder.column(INGESTION_TIME, Type.DATETIME, hidden=True))
        for place, source in zip(sources, taken_in):
            place.append(source)
    absent = found.absent(binder)
    if absent is not None:
        columns.append(absent)
        for place in sources:
            place.append(None)
    shown_columns = (tag_column, *columns) if tag_column else tuple(columns)
    # a type that only running tells may turn out to be the other one, and then the column keeps its name
    undecided = any(len(types) > 1 and Type.UNKNOWN in types for types in kinds.values())
    return Union(
        shown_columns, relations, sources, tag_column, [leg.tag(prefix, at) for at, leg in enumerate(found.legs)],
        open=undecided or any(relation.open for relation in relations),
    )  # fmt: skip
