"""project."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vedette.kql import syntax

if TYPE_CHECKING:
    from vedette.kql.parser import Parser


@dataclass(slots=True)
class ProjectOperator(syntax.Operator):
    """`project name = value, ...`."""

    items: list[syntax.Expression]


def parse_project(p: Parser, start: int) -> ProjectOperator:
    """Reads what follows the operator's name."""
    if p.is_op("|") or p.here.kind == "end" or p.is_op(")") or p.is_op(";"):
        return ProjectOperator([])
    return ProjectOperator(p.comma_list())
