"""extend."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vedette.kql import syntax

if TYPE_CHECKING:
    from vedette.kql.parser import Parser


@dataclass(slots=True)
class ExtendOperator(syntax.Operator):
    """`extend name = value, ...`."""

    items: list[syntax.Expression]


def parse_extend(p: Parser, start: int) -> ExtendOperator:
    """Reads what follows the operator's name."""
    return ExtendOperator(p.comma_list())
