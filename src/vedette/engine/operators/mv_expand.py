"""mv-expand and mv-apply."""

from __future__ import annotations

from vedette.engine.compiler import Compiler, lowers
from vedette.engine.fragment import Fragment
from vedette.engine.operators.typed_expand import give_names, typed_elements, typed_uses, unread_elements
from vedette.engine.relations import OrderKey, Rel, name_of
from vedette.engine.windows import staged
from vedette.kql.binder.operators.mv_expand import MvApply, MvExpand
from vedette.kql.types import Type


def _list(d: Fragment, array_bags: bool) -> str:
    """A dynamic value as the SQL list of JSON texts that its rows come from."""
    entry = f"json_extract({d}, '/' || replace(replace(k, '~', '~0'), '/', '~1'))"
    pair = (
        f"'[' || CAST(to_json(k) AS VARCHAR) || ',' || CAST({entry} AS VARCHAR) || ']'"
        if array_bags
        else f"'{{' || CAST(to_json(k) AS VARCHAR) || ':' || CAST({entry} AS VARCHAR) || '}}'"
    )
    return (
        f"CASE json_type({d}) WHEN 'ARRAY' THEN CAST(json_extract({d}, '$[*]') AS VARCHAR[]) "
        f"WHEN 'OBJECT' THEN list_transform(json_keys({d}), lambda k: {pair}) ELSE [CAST({d} AS VARCHAR)] END"
    )


def expand(compiler: Compiler, node: MvExpand, rel: Rel) -> Rel:
    """The rows of a relation, once for each element."""
    rel = staged(compiler, rel, (value for _, value in node.elements))
    rel, values = _outside(compiler, rel, [compiler.emitter.emit(value) for _, value in node.elements])
    names = [compiler.fresh() for _ in values]
    texts = [_list(value, node.array_bags) for value in values]
    general = texts[0]
    uses = typed_uses(compiler, node)
    if uses is not None:
        texts = [typed_elements(compiler, node, uses, values[0], general)]
    if node.limit is not None:
        texts = [f"list_slice({text}, 1, {node.limit})" for text in texts]
    listed = rel.extended(
        [f"{text} AS {name}" for name, text in zip(names, texts, strict=True)], node.columns
    ).wrapped()
    index = compiler.fresh()
    # lists side by side: where one is shorter, the rest is null
    taken = [compiler.fresh() for _ in names]
    items = [f"unnest({name}) AS {element}" for name, element in zip(names, taken, strict=True)]
    element_text = compiler.fresh()
    if uses is not None and uses.lists:
        unread = compiler.fresh()
        kept = unread_elements(node, uses, names[0], general)
        listed = listed.extended([f"{kept} AS {unread}"], node.columns).wrapped()
        items.append(f"unnest({unread}) AS {element_text}")
    if listed.order or node.index is not None:
        longest = ", ".join(f"len({name})" for name in names)
        items.append(f"unnest(range({f'greatest({longest})' if len(names) > 1 else longest})) AS {index}")
    numbered = Rel(
        f"(SELECT *, {', '.join(items)} FROM {listed.source})", node.columns,
        order=[*listed.order, OrderKey(index)] if listed.order else [], partition=listed.partition,
    )  # fmt: skip
    if uses is not None:
        give_names(compiler, node, uses, element_text)
        items = [f"{taken[0]} AS {name_of(node.elements[0][0])}"]
        if node.index is not None:
            items.append(f"{index} AS {name_of(node.index)}")
        return numbered.extended(items, node.columns)
    items = []
    for (column, _), name in zip(node.elements, taken, strict=True):
        element = Fragment(_fitting(f"nullif({name}, 'null')", column.type), Type.DYNAMIC, True)
        items.append(f"{compiler.sql.cast(element, column.type)} AS {name_of(column)}")
    if node.index is not None:
        items.append(f"{index} AS {name_of(node.index)}")
    return numbered.extended(items, node.columns)


def _outside(compiler: Compiler, rel: Rel, values: list[Fragment]) -> tuple[Rel, list[Fragment]]:
    """Values that are asked of other rows (`toscalar()`) as columns: the lists are made by lambdas, which take no subquery."""
    made: list[str] = []
    kept: list[Fragment] = []
    for value in values:
        if "SELECT" not in value.sql:
            kept.append(value)
            continue
        made.append(f"{value} AS {(name := compiler.fresh())}")
        kept.append(Fragment(name, value.type))
    return (rel.extended(made, rel.columns).wrapped() if made else rel), kept


_FITTING = {
    **dict.fromkeys((Type.INT, Type.LONG, Type.REAL, Type.DECIMAL), "('BIGINT', 'UBIGINT', 'HUGEINT', 'DOUBLE')"),
    Type.BOOL: "('BOOLEAN', 'BIGINT', 'UBIGINT', 'HUGEINT')",
}


def _fitting(element: str, type_: Type) -> str:
    """The element, where `to typeof()` takes it: text is not read as a number or bool, nor a bool as a number."""
    kinds = _FITTING.get(type_)
    return element if kinds is None else f"CASE WHEN json_type({element}) IN {kinds} THEN {element} END"


@lowers(MvExpand)
def mv_expand(compiler: Compiler, node: MvExpand) -> Rel:
    """A row for each element; none for an empty array, one null for null."""
    rel = compiler.rel(node.input)
    if node.groups:
        rel = compiler.with_order(rel)
    return expand(compiler, node, rel)


@lowers(MvApply)
def mv_apply(compiler: Compiler, node: MvApply) -> Rel:
    """The subquery works on all expanded rows at once, group by group, then meets the outer rows again."""
    group = compiler.fresh()
    rel = compiler.rel(node.input)
    base = Rel(f"({rel.text()})", rel.columns, order=rel.order)
    outer_groups = rel.partition
    numbered = f"SELECT *, row_number() OVER ({'ORDER BY ' + rel.ordering() if rel.order else ''}) AS {group} FROM {base.source}"
    cte = compiler.add_cte(numbered)
    source = Rel(cte, node.input.columns, order=[OrderKey(group)], partition=[group])
    compiler.groups[group] = cte
    compiler.replace(node.expanded, expand(compiler, node.expanded, source))
    subquery = compiler.rel(node.subquery).wrapped()
    inner = f"({subquery.text()})"
    items = [f"o.{name_of(source_column)} AS {name_of(column)}" for column, source_column in node.outer]
    items += [f"s.{name_of(made)} AS {name_of(column)}" for column, made in node.inner]
    items += [f"o.{name}" for name in outer_groups]
    order = [OrderKey(compiler.fresh())]
    items.append(f"o.{group} AS {order[0].name}")
    for key in subquery.order:
        order.append(OrderKey(compiler.fresh(), key.descending, key.nulls_first))
        items.append(f"s.{key.name} AS {order[-1].name}")
    text = f"SELECT {', '.join(items)} FROM {cte} AS o JOIN {inner} AS s ON o.{group} = s.{group}"
    return Rel(f"({text})", node.columns, order=order, partition=outer_groups)
