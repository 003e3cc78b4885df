"""`serialize`: marks the order of rows as one to rely on, and adds columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vedette.kql.node import node
from vedette.kql.syntax import Expression, Operator

if TYPE_CHECKING:
    from vedette.kql.parser import Parser


@node
class SerializeOperator(Operator):
    """`serialize name = value, ...`."""

    columns: list[Expression]
    """Expressions, or `Assignment` where a name is given."""


def parse_serialize(p: Parser, start: int) -> SerializeOperator:
    """After the keyword."""
    p.parameters(())
    columns = p.comma_list(p.named_expression, p.missing_expression, required=False)
    return SerializeOperator(columns, start=start, end=p.last_end)
