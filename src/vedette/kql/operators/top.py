"""top."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vedette.kql import syntax

if TYPE_CHECKING:
    from vedette.kql.parser import Parser


@dataclass(slots=True)
class TopOperator(syntax.Operator):
    """`top n by keys`."""

    count: syntax.Expression
    keys: list[syntax.Expression]


def parse_top(p: Parser, start: int) -> TopOperator:
    """Reads what follows the operator's name."""
    p.options()
    count = p.expression()
    p.expect_word("by")
    return TopOperator(count, p.ordered_list())
