"""`sample`: so many rows at random."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vedette.kql.syntax import Expression, Operator

if TYPE_CHECKING:
    from vedette.kql.parser import Parser


@dataclass(slots=True)
class SampleOperator(Operator):
    """`sample count`."""

    count: Expression


def parse_sample(p: Parser, start: int) -> SampleOperator:
    """After the keyword."""
    p.parameters(())
    count = p.named_expression() or p.missing_expression()
    return SampleOperator(count, start=start, end=p.last_end)
