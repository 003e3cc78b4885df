"""`as`: names the rows for later use in the same statement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vedette.kql.syntax import Name, Operator, OperatorParameter

if TYPE_CHECKING:
    from vedette.kql.parser import Parser


@dataclass(slots=True)
class AsOperator(Operator):
    """`as name`."""

    name: Name
    hints: list[OperatorParameter]


def parse_as(p: Parser, start: int) -> AsOperator:
    """After the keyword."""
    parameters = p.parameters(("hint.materialized",))
    name = p.required_name()
    return AsOperator(name, parameters.hints(), start=start, end=p.last_end)
