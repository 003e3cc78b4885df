"""diffpatterns_text: patterns of words whose shares of two sets of texts differ."""

from __future__ import annotations

from collections.abc import Iterator

from vedette.engine import mining
from vedette.engine.catalog import plugin
from vedette.engine.patterns import differences, encode
from vedette.engine.plugged import Arguments
from vedette.kql.binder.core import Binder
from vedette.kql.binder.operators.project import extension
from vedette.kql.binder.scope import Scope
from vedette.kql.bound import Apply, ColumnRef, Expr, Relation
from vedette.kql.operators.evaluate import EvaluateOperator
from vedette.kql.types import Type

MOST_TOKENS = 20


@plugin(
    "diffpatterns_text", page="diffpatterns-text-plugin",
    about="Patterns of the first words of texts that are more frequent where a condition holds, or where it does not.",
)  # fmt: skip
def diffpatterns_text(binder: Binder, node: EvaluateOperator, input_: Relation | None, scope: Scope) -> Relation:
    """`diffpatterns_text(Text, Condition [, MinTokens=1, Threshold=0.05, MaxTokens=20])`; `*` stands for any word."""
    args = Arguments(binder, node, input_, scope, "TextColumn BooleanCondition MinTokens Threshold MaxTokens", least=2)
    text = args.column("TextColumn", "string")
    condition = args.expression("BooleanCondition", "bool")
    least = mining.whole(args, "MinTokens", 1, 0, 200)
    threshold = mining.share(args, "Threshold", 0.05, 0.015, 1.0)
    most = mining.whole(args, "MaxTokens", MOST_TOKENS, 0, MOST_TOKENS)
    measures = [
        ("Count_of_True", Type.LONG), ("Count_of_False", Type.LONG), ("Percent_of_True", Type.REAL),
        ("Percent_of_False", Type.REAL), ("Pattern", Type.STRING),
    ]  # fmt: skip
    columns = mining.pattern_columns(args, measures, [])

    def search() -> Iterator[list[object]]:
        assert binder.evaluator is not None
        # the condition is computed once for each row, then counted both ways; null is neither
        named = extension(binder, args.input, [("$condition", condition)])
        flag = next(column for column in named.visible if column.name == "$condition")
        args.input = named
        holds: Expr = ColumnRef(Type.BOOL, flag)
        fails: Expr = Apply(Type.BOOL, binder.catalog.scalars["not"], [holds])
        texts, weights = mining.grouped(args, [text], None, [holds, fails])
        words = [str(value).split()[:most] for value in texts[0]]
        data: list[list[object]] = [
            [row[place] if place < len(row) else None for row in words] for place in range(most)
        ]
        items = encode(data, weights, threshold, binder.evaluator.proceed)
        for place, known in enumerate(items.values):
            # a text that has ended shares no word with another
            if None in known[1:]:
                items.codes[items.codes[:, place] == known.index(None, 1), place] = 0
        totals = [float(total) or 1.0 for total in items.weights.sum(axis=0)]
        found = differences(items, threshold, MOST_TOKENS, max(1, least))
        found.sort(key=lambda entry: -(entry[1] / totals[0] - entry[2] / totals[1]))
        for pattern, a, b in found:
            tokens = {place: str(items.values[place][code]) for place, code in pattern}
            last = max(tokens)
            shown = [tokens.get(place, "*") for place in range(last + 1)] + (["*"] if last + 1 < most else [])
            shares = [round(100.0 * a / totals[0], 2), round(100.0 * b / totals[1], 2)]
            yield [round(a), round(b), *shares, " ".join(shown)]

    return mining.table(args, columns, []) if binder.evaluator is None else mining.searched(args, columns, search)
