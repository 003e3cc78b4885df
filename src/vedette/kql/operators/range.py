"""range."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vedette.kql import syntax

if TYPE_CHECKING:
    from vedette.kql.parser import Parser


@dataclass(slots=True)
class RangeOperator(syntax.Operator):
    """`range name from first to last step step`."""

    name: syntax.Name
    first: syntax.Expression
    last: syntax.Expression
    step: syntax.Expression


def parse_range(p: Parser, start: int) -> RangeOperator:
    """Reads what follows the operator's name."""
    name = p.name()
    p.expect_word("from")
    first = p.expression()
    p.expect_word("to")
    last = p.expression()
    p.expect_word("step")
    return RangeOperator(name, first, last, p.expression())
