"""`project-reorder`: moves columns to the front."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vedette.kql.node import node
from vedette.kql.syntax import Expression, Operator, Ordered

if TYPE_CHECKING:
    from vedette.kql.parser import Parser


@node
class ProjectReorderOperator(Operator):
    """`project-reorder name, pattern* asc|desc|granny-asc|granny-desc, ...`."""

    columns: list[Expression]
    """`Name`, `Wildcard` or `Star`; `Ordered` around it where an order of names is given."""


def parse_project_reorder(p: Parser, start: int) -> ProjectReorderOperator:
    """After the keyword."""

    def column() -> Expression | None:
        value = p.wildcard() or p.name()
        if value is None:
            return None
        descending, natural = p.direction()
        if descending is None:
            return value
        return Ordered(value, descending, natural=natural, start=value.start, end=p.last_end)

    columns = p.comma_list(column, p.missing_expression, required=False)
    return ProjectReorderOperator(columns, start=start, end=p.last_end)
