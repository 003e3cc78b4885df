"""`partition`: runs a subquery over the rows of each value of a key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vedette.kql.node import node
from vedette.kql.syntax import Expression, Operator, OperatorParameter, Pipeline

if TYPE_CHECKING:
    from vedette.kql.parser import Parser

PARTITION_STRATEGIES = ("legacy", "native", "shuffle")


@node
class PartitionOperator(Operator):
    """`partition hint.strategy = strategy by key (subquery)`, or `by key { query }`."""

    strategy: str
    """One of `PARTITION_STRATEGIES`; `legacy` where the text does not say."""
    key: Expression
    scope: Expression | None
    """The keys of `by key in (...)`: a call or a dynamic constant; None: all of them."""
    subquery: Expression
    """A `Pipeline` without a source takes the rows of its key; any other is a query that knows the key."""
    explicit: bool
    """Written in braces: the query names its own source."""
    hints: list[OperatorParameter]


def parse_partition(p: Parser, start: int) -> PartitionOperator:
    """After the keyword."""
    parameters = p.parameters(
        ("hint.concurrency", "hint.spread", "hint.materialized", "hint.shufflekey", "hint.strategy"),
        equals_needed=False,
    )
    strategy = p.choice(parameters.get("hint.strategy"), "strategy of partition", PARTITION_STRATEGIES, "legacy")
    p.expect("by")
    key = p.simple_path() or p.missing_name()
    scope: Expression | None = None
    if p.take("in"):
        scope = p.call() or p.dynamic_literal() or p.missing_expression()
    explicit = p.take("{")
    if explicit:
        subquery = p.pipeline() or p.missing_expression()
        p.close("}")
    elif p.expect("("):
        subquery = _subquery(p)
        p.close(")")
    else:
        subquery = Pipeline(None, [], start=p.last_end, end=p.last_end)
    return PartitionOperator(strategy, key, scope, subquery, explicit, parameters.hints(), start=start, end=p.last_end)


def _subquery(p: Parser) -> Expression:
    return p.subquery() if p.starts_operator() else p.pipeline() or p.subquery()
