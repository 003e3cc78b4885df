"""project-away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vedette.kql import syntax

if TYPE_CHECKING:
    from vedette.kql.parser import Parser


@dataclass(slots=True)
class ProjectAwayOperator(syntax.Operator):
    """`project-away columns`: names and patterns."""

    columns: list[syntax.Expression]


def parse_project_away(p: Parser, start: int) -> ProjectAwayOperator:
    """Reads what follows the operator's name."""
    return ProjectAwayOperator(p.wildcard_list())
