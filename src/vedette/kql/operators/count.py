"""`count`: the number of rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vedette.kql.node import node
from vedette.kql.syntax import Name, Operator

if TYPE_CHECKING:
    from vedette.kql.parser import Parser


@node
class CountOperator(Operator):
    """`count`, or `count as name`."""

    name: Name | None
    """The column's name; `Count` where the text gives none."""


def parse_count(p: Parser, start: int) -> CountOperator:
    """After the keyword."""
    name: Name | None = None
    if p.take("as"):
        name = p.required_name()
    return CountOperator(name, start=start, end=p.last_end)
