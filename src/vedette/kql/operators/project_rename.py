"""`project-rename`: gives columns new names, where they stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vedette.kql.node import node
from vedette.kql.syntax import Assignment, Expression, Missing, Operator

if TYPE_CHECKING:
    from vedette.kql.parser import Parser


@node
class ProjectRenameOperator(Operator):
    """`project-rename new = old, ...`."""

    renames: list[Expression]
    """`Assignment` nodes; anything else has been reported."""


def parse_project_rename(p: Parser, start: int) -> ProjectRenameOperator:
    """After the keyword."""
    renames = p.comma_list(p.named_expression, p.missing_expression, required=False)
    for rename in renames:
        if not isinstance(rename, (Assignment, Missing)):
            p.report("KS110", "write new_name = old_name", rename.start, rename.end)
    return ProjectRenameOperator(renames, start=start, end=p.last_end)
