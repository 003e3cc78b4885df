"""`print`: one row of computed columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vedette.kql.node import node
from vedette.kql.syntax import Expression, Operator

if TYPE_CHECKING:
    from vedette.kql.parser import Parser


@node
class PrintOperator(Operator):
    """`print name = value, ...`."""

    columns: list[Expression]
    """Expressions, or `Assignment` where a name is given."""


def parse_print(p: Parser, start: int) -> PrintOperator:
    """After the keyword."""
    columns = p.comma_list(p.named_expression, p.missing_expression)
    return PrintOperator(columns, start=start, end=p.last_end)
