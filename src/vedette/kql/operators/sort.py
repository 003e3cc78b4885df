"""`sort by` (also `order by`): puts rows in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vedette.kql.node import node
from vedette.kql.syntax import Operator, OperatorParameter, Ordered

if TYPE_CHECKING:
    from vedette.kql.parser import Parser


@node
class SortOperator(Operator):
    """`sort by key asc|desc nulls first|last, ...`; descending where the text does not say."""

    keys: list[Ordered]
    hints: list[OperatorParameter]


def parse_sort(p: Parser, start: int) -> SortOperator:
    """After the keyword."""
    parameters = p.parameters(("hint.strategy",), equals_needed=False)
    keys: list[Ordered] = []
    if p.expect("by"):
        keys = p.comma_list(p.ordered, p.missing_ordered)
    return SortOperator(keys, parameters.hints(), start=start, end=p.last_end)
