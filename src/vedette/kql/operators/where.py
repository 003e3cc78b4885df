"""where (filter)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vedette.kql import syntax

if TYPE_CHECKING:
    from vedette.kql.parser import Parser


@dataclass(slots=True)
class WhereOperator(syntax.Operator):
    """`where predicate`."""

    predicate: syntax.Expression


def parse_where(p: Parser, start: int) -> WhereOperator:
    """Reads what follows the operator's name."""
    return WhereOperator(p.expression())
