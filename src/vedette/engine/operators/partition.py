"""partition."""

from __future__ import annotations

from vedette.engine.compiler import Compiler, lowers
from vedette.engine.dialect import quote
from vedette.engine.relations import OrderKey, Rel, name_of
from vedette.kql.binder.operators.partition import Partition


@lowers(Partition)
def partition(compiler: Compiler, node: Partition) -> Rel:
    """The subquery works on all rows at once, group by group; their order is that of the groups and of its rows."""
    rel = compiler.rel(node.input).wrapped()
    rank, group = f"dense_rank() OVER (ORDER BY {name_of(node.key)} NULLS FIRST)", compiler.fresh()
    if node.most is not None:
        limit = (
            f"the key '{node.key.name}' of partition has more than {node.most} values; "
            "hint.strategy=native has no such limit"
        )
        rank = f"CASE WHEN {rank} > {node.most} THEN CAST(error({quote(limit)}) AS BIGINT) ELSE {rank} END"
    numbered = rel.extended([f"{rank} AS {group}"], rel.columns)
    cte = compiler.add_cte(numbered.text())
    compiler.groups[group] = compiler.add_cte(f"SELECT DISTINCT {group} FROM {cte}")
    compiler.replace(node.grouped, Rel(cte, node.grouped.columns, order=rel.order, partition=[group]))
    made = compiler.rel(node.subquery).wrapped()
    order = [OrderKey(group), *made.order] if node.serialized else []
    return Rel(f"({made.text()})" if made.where else made.source, node.columns, order=order)
