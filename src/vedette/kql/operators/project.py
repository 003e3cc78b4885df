"""`project`: keeps, renames and computes columns, in the order written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vedette.kql.node import node
from vedette.kql.syntax import Expression, Operator

if TYPE_CHECKING:
    from vedette.kql.parser import Parser


@node
class ProjectOperator(Operator):
    """`project name = value, ...`."""

    columns: list[Expression]
    """Expressions, or `Assignment` where a name is given."""


def parse_project(p: Parser, start: int) -> ProjectOperator:
    """After the keyword."""
    columns = p.comma_list(p.named_expression, p.missing_expression, required=False)
    return ProjectOperator(columns, start=start, end=p.last_end)
