"""mv-expand and mv-apply."""

from __future__ import annotations

from vedette.engine.compiler import Compiler, lowers
from vedette.engine.fragment import Fragment
from vedette.engine.relations import OrderKey, Rel, name_of
from vedette.engine.windows import staged
from vedette.kql.binder.operators.mv_expand import MvApply, MvExpand
from vedette.kql.bound import Expr
from vedette.kql.types import Type


def _list(compiler: Compiler, value: Expr, array_bags: bool) -> str:
    """A dynamic value as the SQL list of JSON texts that its rows come from."""
    d = compiler.emitter.emit(value)
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
    lists = [(compiler.fresh(), _list(compiler, value, node.array_bags)) for _, value in node.elements]
    listed = rel.extended([f"{text} AS {name}" for name, text in lists], node.columns).wrapped()
    index = compiler.fresh()
    longest = ", ".join(f"len({name})" for name, _ in lists)
    count = f"greatest({longest})" if len(lists) > 1 else longest
    if node.limit is not None:
        count = f"least({count}, {node.limit})"
    numbered = Rel(
        f"(SELECT *, unnest(range({count})) AS {index} FROM {listed.source})", node.columns,
        order=[*listed.order, OrderKey(index)] if listed.order else [], partition=listed.partition,
    )  # fmt: skip
    items = []
    for (column, _), (name, _) in zip(node.elements, lists, strict=True):
        element = Fragment(f"nullif({name}[{index} + 1], 'null')", Type.DYNAMIC, True)
        items.append(f"{compiler.sql.cast(element, column.type)} AS {name_of(column)}")
    if node.index is not None:
        items.append(f"{index} AS {name_of(node.index)}")
    return numbered.extended(items, node.columns)


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
    numbered = f"SELECT *, row_number() OVER ({'ORDER BY ' + rel.ordering() if rel.order else ''}) AS {group} FROM {base.source}"
    cte = compiler.add_cte(numbered)
    source = Rel(cte, node.input.columns, order=[OrderKey(group)], partition=[group])
    compiler.groups[group] = cte
    compiler.replace(node.expanded, expand(compiler, node.expanded, source))
    subquery = compiler.rel(node.subquery).wrapped()
    inner = f"({subquery.text()})"
    items = [f"o.{name_of(source_column)} AS {name_of(column)}" for column, source_column in node.outer]
    items += [f"s.{name_of(made)} AS {name_of(column)}" for column, made in node.inner]
    order = [OrderKey(compiler.fresh())]
    items.append(f"o.{group} AS {order[0].name}")
    for key in subquery.order:
        order.append(OrderKey(compiler.fresh(), key.descending, key.nulls_first))
        items.append(f"s.{key.name} AS {order[-1].name}")
    text = f"SELECT {', '.join(items)} FROM {cte} AS o JOIN {inner} AS s ON o.{group} = s.{group}"
    return Rel(f"({text})", node.columns, order=order)
