"""`project-away`: drops columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vedette.kql.node import node
from vedette.kql.syntax import Expression, Operator

if TYPE_CHECKING:
    from vedette.kql.parser import Parser


@node
class ProjectAwayOperator(Operator):
    """`project-away name, pattern*, ...`."""

    columns: list[Expression]
    """`Name`, `Wildcard` or `Star` nodes."""


def parse_project_away(p: Parser, start: int) -> ProjectAwayOperator:
    """After the keyword."""
    columns = p.comma_list(p.column_pattern, p.missing_expression, required=False)
    return ProjectAwayOperator(columns, start=start, end=p.last_end)
