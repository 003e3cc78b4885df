"""`project-by-names`: keeps the columns whose names expressions give."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vedette.kql.node import node
from vedette.kql.syntax import Expression, Operator

if TYPE_CHECKING:
    from vedette.kql.parser import Parser


@node
class ProjectByNamesOperator(Operator):
    """`project-by-names name, pattern, dynamic array, ...`."""

    names: list[Expression]


def parse_project_by_names(p: Parser, start: int) -> ProjectByNamesOperator:
    """After the keyword."""
    names = p.comma_list(p.expression, p.missing_expression, required=False)
    return ProjectByNamesOperator(names, start=start, end=p.last_end)
