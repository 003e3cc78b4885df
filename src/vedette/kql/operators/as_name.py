"""`as`: names the rows for later use in the same statement."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vedette.kql.node import node
from vedette.kql.syntax import Name, Operator, OperatorParameter

if TYPE_CHECKING:
    from vedette.kql.parser import Parser


@node
class AsOperator(Operator):
    """`as name`."""

    name: Name
    hints: list[OperatorParameter]


def parse_as(p: Parser, start: int) -> AsOperator:
    """After the keyword."""
    parameters = p.parameters(("hint.materialized",))
    name = p.required_name()
    return AsOperator(name, parameters.hints(), start=start, end=p.last_end)
