"""`make-series`: evenly spaced series of aggregates over an axis."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vedette.kql.cursor import LIST_ENDS
from vedette.kql.node import node
from vedette.kql.syntax import Expression, Node, Operator, OperatorParameter

if TYPE_CHECKING:
    from vedette.kql.parser import Parser

MAKE_SERIES_KINDS = ("nonempty",)
_ENDS = LIST_ENDS | {"on", "from", "in", "by", "step"}


@node
class SeriesAggregate(Node):
    """`name = aggregate default = value`."""

    value: Expression
    """An expression, or `Assignment` where a name is given."""
    default: Expression | None
    """What stands where there are no rows; None: 0 of the aggregate's type."""


@node
class MakeSeriesOperator(Operator):
    """`make-series aggregate, ... on axis from first to last step step by key, ...`, or `on axis in range(first, last, step)`."""

    kind: str
    """`""`, or `nonempty`: one empty series where there are no rows."""
    aggregates: list[SeriesAggregate]
    axis: Expression
    first: Expression | None
    """None: the smallest value there is."""
    last: Expression | None
    """None: the largest value there is."""
    step: Expression
    in_range: bool
    """Written `in range(first, last, step)`: `last` is then included."""
    keys: list[Expression]
    hints: list[OperatorParameter]


def parse_make_series(p: Parser, start: int) -> MakeSeriesOperator:
    """After the keyword."""
    parameters = p.parameters(("kind", "hint.shufflekey"))
    kind = p.choice(parameters.get("kind"), "kind of make-series", MAKE_SERIES_KINDS, "")
    aggregates = p.comma_list(lambda: _aggregate(p), lambda: _missing_aggregate(p), _ENDS)
    if not p.take("on"):
        p.expected("on: the axis of the series, such as on TimeGenerated step 1h,")
    axis = p.named_expression() or p.missing_expression()
    first: Expression | None = None
    last: Expression | None = None
    in_range = False
    if p.kind in ("from", "to", "step"):
        if p.take("from"):
            first = p.expression() or p.missing_expression()
        if p.take("to"):
            last = p.expression() or p.missing_expression()
        p.expect("step")
        step = p.expression() or p.missing_expression()
    else:
        first, last, step = _range(p)
        in_range = True
    keys: list[Expression] = []
    if p.take("by"):
        keys = p.comma_list(p.named_expression, p.missing_expression, recover=False)
    return MakeSeriesOperator(
        kind, aggregates, axis, first, last, step, in_range, keys, parameters.hints(), start=start, end=p.last_end
    )


def _aggregate(p: Parser) -> SeriesAggregate | None:
    start = p.start
    value = p.named_expression()
    if value is None:
        return None
    default: Expression | None = None
    if p.take("default"):
        p.expect("=")
        default = p.named_expression() or p.missing_expression()
    return SeriesAggregate(value, default, start=start, end=p.last_end)


def _missing_aggregate(p: Parser) -> SeriesAggregate:
    gap = p.missing_expression()
    return SeriesAggregate(gap, None, start=gap.start, end=gap.end)


def _range(p: Parser) -> tuple[Expression, Expression, Expression]:
    """`in range(first, last, step)`."""
    arguments: list[Expression] = []
    if p.expect("in") and p.expect("range") and p.expect("("):
        arguments = p.comma_list(p.named_expression, p.missing_expression)
        if len(arguments) != 3:
            p.report("KS119", "range takes three arguments: first, last, step", arguments[0].start, p.last_end)
        p.close(")")
    arguments += [p.missing_expression() for _ in range(3 - len(arguments))]
    return arguments[0], arguments[1], arguments[2]
