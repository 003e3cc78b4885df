"""sort (order)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vedette.kql import syntax

if TYPE_CHECKING:
    from vedette.kql.parser import Parser


@dataclass(slots=True)
class SortOperator(syntax.Operator):
    """`sort by keys`."""

    keys: list[syntax.Expression]
    options: dict[str, syntax.Expression]


def parse_sort(p: Parser, start: int) -> SortOperator:
    """Reads what follows the operator's name."""
    options = p.options()
    p.expect_word("by")
    return SortOperator(p.ordered_list(), options)
