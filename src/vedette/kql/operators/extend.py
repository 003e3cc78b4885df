"""`extend`: adds columns, or replaces those of the same name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vedette.kql.node import node
from vedette.kql.syntax import Expression, Operator

if TYPE_CHECKING:
    from vedette.kql.parser import Parser


@node
class ExtendOperator(Operator):
    """`extend name = value, ...`."""

    columns: list[Expression]
    """Expressions, or `Assignment` where a name is given."""


def parse_extend(p: Parser, start: int) -> ExtendOperator:
    """After the keyword."""
    columns = p.comma_list(p.named_expression, p.missing_expression)
    return ExtendOperator(columns, start=start, end=p.last_end)
