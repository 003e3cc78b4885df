"""print."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vedette.kql import syntax

if TYPE_CHECKING:
    from vedette.kql.parser import Parser


@dataclass(slots=True)
class PrintOperator(syntax.Operator):
    """`print values`."""

    items: list[syntax.Expression]


def parse_print(p: Parser, start: int) -> PrintOperator:
    """Reads what follows the operator's name."""
    return PrintOperator(p.comma_list())
