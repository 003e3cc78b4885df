"""sort, top and take."""

from __future__ import annotations

from vedette.engine.compiler import Compiler, lowers
from vedette.engine.relations import OrderKey, Rel, name_of
from vedette.engine.windows import staged
from vedette.kql.binder.operators.sort import Sort
from vedette.kql.binder.operators.take import Take
from vedette.kql.bound import ColumnRef
from vedette.kql.types import Type


@lowers(Sort)
def sort(compiler: Compiler, node: Sort) -> Rel:
    """An order; earlier orders break its ties, so that a stable sort comes out."""
    rel = staged(compiler, compiler.rel(node.input), (key.value for key in node.keys))
    keys: list[OrderKey] = []
    items: list[str] = []
    for key in node.keys:
        if isinstance(key.value, ColumnRef):
            name = name_of(key.value.column)
        else:
            name = compiler.fresh()
            items.append(f"{compiler.emitter.emit(key.value)} AS {name}")
        if key.value.type is Type.REAL:
            # NaN stands next to null, wherever nulls stand
            flag = compiler.fresh()
            value = name if isinstance(key.value, ColumnRef) else compiler.emitter.emit(key.value).sql
            items.append(f"CASE WHEN {value} IS NULL THEN 0 WHEN isnan({value}) THEN 1 ELSE 2 END AS {flag}")
            keys.append(OrderKey(flag, not key.nulls_first, True))
        keys.append(OrderKey(name, key.descending, key.nulls_first))
    if items:
        rel = rel.extended(items, node.columns)
    ordered = rel.ordered([*keys, *rel.order])
    return ordered if node.count is None else ordered.limited(str(node.count))


@lowers(Take)
def take(compiler: Compiler, node: Take) -> Rel:
    """The first rows."""
    return compiler.rel(node.input).limited(str(node.count))
