"""`range`: a column of evenly spaced values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vedette.kql.node import node
from vedette.kql.syntax import Expression, Name, Operator

if TYPE_CHECKING:
    from vedette.kql.parser import Parser


@node
class RangeOperator(Operator):
    """`range name from first to last step step`; `last` is included when it is hit."""

    name: Name
    first: Expression
    last: Expression
    step: Expression


def parse_range(p: Parser, start: int) -> RangeOperator:
    """After the keyword."""
    name = p.required_name()
    p.expect("from")
    first = p.expression() or p.missing_expression()
    p.expect("to")
    last = p.expression() or p.missing_expression()
    p.expect("step")
    step = p.expression() or p.missing_expression()
    return RangeOperator(name, first, last, step, start=start, end=p.last_end)
