"""serialize."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vedette.kql import syntax

if TYPE_CHECKING:
    from vedette.kql.parser import Parser


@dataclass(slots=True)
class SerializeOperator(syntax.Operator):
    """`serialize name = value, ...`."""

    items: list[syntax.Expression]


def parse_serialize(p: Parser, start: int) -> SerializeOperator:
    """Reads what follows the operator's name."""
    if p.is_op("|") or p.is_op(")") or p.is_op(";") or p.here.kind == "end":
        return SerializeOperator([])
    return SerializeOperator(p.comma_list())
