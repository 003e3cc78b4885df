"""`facet by`: a table of counts for each column, and the rows through a subquery."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vedette.kql.cursor import LIST_ENDS
from vedette.kql.node import node
from vedette.kql.syntax import Expression, Operator, Pipeline

if TYPE_CHECKING:
    from vedette.kql.parser import Parser

_ENDS = LIST_ENDS | {"with"}


@node
class FacetOperator(Operator):
    """`facet by column, ... with (subquery)`, or `with operator`."""

    columns: list[Expression]
    subquery: Pipeline | None
    """Its source is None: it takes the rows."""


def parse_facet(p: Parser, start: int) -> FacetOperator:
    """After the keyword."""
    p.expect("by")
    columns = p.comma_list(p.simple_path, p.missing_name, _ENDS)
    subquery: Pipeline | None = None
    if p.take("with"):
        if p.take("("):
            subquery = p.subquery()
            p.close(")")
        else:
            subquery = p.single_operator()
    return FacetOperator(columns, subquery, start=start, end=p.last_end)
