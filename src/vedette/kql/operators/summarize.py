"""summarize."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vedette.kql import syntax

if TYPE_CHECKING:
    from vedette.kql.parser import Parser


@dataclass(slots=True)
class SummarizeOperator(syntax.Operator):
    """`summarize aggregates by keys`."""

    aggregates: list[syntax.Expression]
    by: list[syntax.Expression]
    options: dict[str, syntax.Expression]


def parse_summarize(p: Parser, start: int) -> SummarizeOperator:
    """Reads what follows the operator's name."""
    options = p.options()
    aggregates: list[syntax.Expression] = []
    if not p.is_word("by") or p.ahead().text == "=":
        aggregates = p.comma_list()
    by: list[syntax.Expression] = []
    if p.accept_word("by"):
        by = p.comma_list()
    return SummarizeOperator(aggregates, by, options)
