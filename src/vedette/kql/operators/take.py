"""take (limit)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vedette.kql import syntax

if TYPE_CHECKING:
    from vedette.kql.parser import Parser


@dataclass(slots=True)
class TakeOperator(syntax.Operator):
    """`take n`."""

    count: syntax.Expression


def parse_take(p: Parser, start: int) -> TakeOperator:
    """Reads what follows the operator's name."""
    return TakeOperator(p.expression())
