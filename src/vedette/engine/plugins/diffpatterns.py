"""diffpatterns: patterns of values whose shares of two sets of rows differ."""

from __future__ import annotations

from collections.abc import Iterator

from vedette.engine import mining
from vedette.engine.catalog import plugin
from vedette.engine.patterns import Items, Pattern, differences
from vedette.engine.plugged import Arguments
from vedette.kql.binder.core import Binder
from vedette.kql.binder.scope import Scope
from vedette.kql.bound import Apply, Cast, ColumnRef, Constant, Expr, Relation
from vedette.kql.operators.evaluate import EvaluateOperator
from vedette.kql.types import Type

_UNLIMITED = 1_000_000
_MEASURES = (
    ("SegmentId", Type.LONG), ("CountA", Type.LONG), ("CountB", Type.LONG), ("PercentA", Type.REAL),
    ("PercentB", Type.REAL), ("PercentDiffAB", Type.REAL),
)  # fmt: skip


@plugin(
    "diffpatterns", page="diffpatterns-plugin",
    about="Patterns of values that are more frequent in one set of rows than in another.",
)  # fmt: skip
def diffpatterns(binder: Binder, node: EvaluateOperator, input_: Relation | None, scope: Scope) -> Relation:
    """`diffpatterns(Split, A, B [, WeightColumn, Threshold=0.05, MaxDimensions, wildcards...])`, without the split column."""
    parameters = "SplitColumn SplitValueA SplitValueB WeightColumn Threshold MaxDimensions"
    args = Arguments(binder, node, input_, scope, parameters, least=3, more=True)
    split = args.column("SplitColumn")
    sides = [args.constant(name, "string") for name in ("SplitValueA", "SplitValueB")]
    weight = mining.weight_column(args, "WeightColumn")
    threshold = mining.share(args, "Threshold", 0.05, 0.015, 1.0)
    most = mining.whole(args, "MaxDimensions", _UNLIMITED, 1, _UNLIMITED)
    text: Expr = ColumnRef(split.type, split)
    text = text if split.type is Type.STRING else Cast(Type.STRING, text)
    equal = binder.catalog.scalars["=="]
    tests: list[Expr | None] = [Apply(Type.BOOL, equal, [text, Constant(Type.STRING, side)]) for side in sides]

    def find(items: Items) -> Iterator[tuple[Pattern, list[object]]]:
        totals = [float(total) or 1.0 for total in items.weights.sum(axis=0)]
        found = differences(items, threshold, most)
        found.sort(key=lambda entry: -abs(entry[1] / totals[0] - entry[2] / totals[1]))
        for pattern, a, b in found:
            first, second = 100.0 * a / totals[0], 100.0 * b / totals[1]
            shares = [round(number, 2) for number in (first, second, abs(first - second))]
            yield pattern, [round(a), round(b), *shares]

    shown = [column for column in args.input.visible if column is not split]
    return mining.patterns(args, _MEASURES, shown, weight, tests, threshold, find)
