"""distinct."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vedette.kql import syntax

if TYPE_CHECKING:
    from vedette.kql.parser import Parser


@dataclass(slots=True)
class DistinctOperator(syntax.Operator):
    """`distinct columns` or `distinct *`."""

    columns: list[syntax.Expression]


def parse_distinct(p: Parser, start: int) -> DistinctOperator:
    """Reads what follows the operator's name."""
    p.options()
    return DistinctOperator(p.wildcard_list())
