"""count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vedette.kql import syntax

if TYPE_CHECKING:
    from vedette.kql.parser import Parser


@dataclass(slots=True)
class CountOperator(syntax.Operator):
    """`count`."""


def parse_count(p: Parser, start: int) -> CountOperator:
    """Reads what follows the operator's name."""
    return CountOperator()
