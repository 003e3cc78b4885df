"""project-keep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vedette.kql import syntax

if TYPE_CHECKING:
    from vedette.kql.parser import Parser


@dataclass(slots=True)
class ProjectKeepOperator(syntax.Operator):
    """`project-keep columns`: names and patterns."""

    columns: list[syntax.Expression]


def parse_project_keep(p: Parser, start: int) -> ProjectKeepOperator:
    """Reads what follows the operator's name."""
    return ProjectKeepOperator(p.wildcard_list())
