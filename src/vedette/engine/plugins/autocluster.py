"""autocluster: a few patterns that sum up the rows (seed and expand)."""

from __future__ import annotations

from vedette.engine import mining
from vedette.engine.catalog import plugin
from vedette.engine.patterns import clusters
from vedette.engine.plugged import Arguments
from vedette.kql.binder.core import Binder
from vedette.kql.binder.scope import Scope
from vedette.kql.bound import Relation
from vedette.kql.operators.evaluate import EvaluateOperator

_LEAST = 0.001
"""Values rarer than this share of the rows are no part of a pattern."""


@plugin("autocluster", about="A few patterns of values that sum up the rows.", page="autocluster-plugin")
def autocluster(binder: Binder, node: EvaluateOperator, input_: Relation | None, scope: Scope) -> Relation:
    """`autocluster([SizeWeight=0.5, WeightColumn, NumSeeds=25, wildcards...])`, the best pattern first."""
    args = Arguments(binder, node, input_, scope, "SizeWeight WeightColumn NumSeeds", least=0, more=True)
    size = mining.share(args, "SizeWeight", 0.5, 0.0, 1.0)
    weight = mining.weight_column(args, "WeightColumn")
    seeds = mining.whole(args, "NumSeeds", 25, 1, 10_000)
    return mining.patterns(
        args, mining.SHARED_MEASURES, list(args.input.visible), weight, [None], _LEAST,
        lambda items: mining.weighed(items, clusters(items, size, seeds)),
    )  # fmt: skip
