"""project-rename."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vedette.kql import syntax

if TYPE_CHECKING:
    from vedette.kql.parser import Parser


@dataclass(slots=True)
class ProjectRenameOperator(syntax.Operator):
    """`project-rename new = old, ...`."""

    items: list[syntax.Expression]


def parse_project_rename(p: Parser, start: int) -> ProjectRenameOperator:
    """Reads what follows the operator's name."""
    return ProjectRenameOperator(p.comma_list())
