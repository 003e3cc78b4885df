"""`project-keep`: keeps columns, in the order of the input."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vedette.kql.node import node
from vedette.kql.syntax import Expression, Operator

if TYPE_CHECKING:
    from vedette.kql.parser import Parser


@node
class ProjectKeepOperator(Operator):
    """`project-keep name, pattern*, ...`."""

    columns: list[Expression]
    """`Name`, `Wildcard` or `Star` nodes."""


def parse_project_keep(p: Parser, start: int) -> ProjectKeepOperator:
    """After the keyword."""
    columns = p.comma_list(p.column_pattern, p.missing_expression, required=False)
    return ProjectKeepOperator(columns, start=start, end=p.last_end)
