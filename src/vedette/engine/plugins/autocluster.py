"""autocluster: a few patterns that sum up the rows (seed and expand)."""

from __future__ import annotations

from vedette.engine import mining
from vedette.engine.catalog import plugin
from vedette.engine.patterns import clusters, encode
from vedette.engine.plugged import Arguments
from vedette.kql.binder.core import Binder
from vedette.kql.binder.scope import Scope
from vedette.kql.bound import Constant, Expr, Relation
from vedette.kql.operators.evaluate import EvaluateOperator
from vedette.kql.types import Type

_LEAST = 0.001
"""Values rarer than this share of the rows are no part of a pattern."""


@plugin("autocluster", about="A few patterns of values that sum up the rows.", page="autocluster-plugin")
def autocluster(binder: Binder, node: EvaluateOperator, input_: Relation | None, scope: Scope) -> Relation:
    """`autocluster([SizeWeight=0.5, WeightColumn, NumSeeds=25, wildcards...])`, the best pattern first."""
    args = Arguments(binder, node, input_, scope, "SizeWeight WeightColumn NumSeeds", least=0, more=True)
    size = mining.share(args, "SizeWeight", 0.5, 0.0, 1.0)
    weight = mining.weight_column(args, "WeightColumn")
    seeds = mining.whole(args, "NumSeeds", 25, 1, 10_000)
    open_ = mining.wildcards(args, args.rest)
    shown = list(args.input.visible)
    measures = [("SegmentId", Type.LONG), ("Count", Type.LONG), ("Percent", Type.REAL)]
    columns = mining.pattern_columns(args, measures, shown)
    if binder.evaluator is None:
        return mining.table(columns, [])
    mined = [column for column in shown if column is not weight]
    data, weights = mining.grouped(args, mined, weight, [None])
    items = encode(data, weights, _LEAST, binder.evaluator.going_on)
    total = float(items.weights.sum())
    rows: list[list[Expr]] = []
    for pattern, count in clusters(items, size, seeds):
        values = {mined[column].id: items.values[column][code] for column, code in pattern}
        rows.append([
            Constant(Type.LONG, len(rows)), Constant(Type.LONG, round(count)),
            Constant(Type.REAL, 100.0 * count / total),
            *(mining.cell(column, values.get(column.id, open_.get(column.type))) for column in shown),
        ])  # fmt: skip
    return mining.table(columns, rows)
