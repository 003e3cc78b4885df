"""as."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vedette.kql import syntax

if TYPE_CHECKING:
    from vedette.kql.parser import Parser


@dataclass(slots=True)
class AsOperator(syntax.Operator):
    """`as name`."""

    name: syntax.Name


def parse_as_(p: Parser, start: int) -> AsOperator:
    """Reads what follows the operator's name."""
    p.options()
    return AsOperator(p.name())
