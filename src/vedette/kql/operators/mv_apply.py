"""`mv-apply` (also `mvapply`): runs a subquery over the elements of each row's arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vedette.kql.cursor import LIST_ENDS
from vedette.kql.node import node
from vedette.kql.operators.mv_expand import ExpandedColumn, missing_column, parse_expanded_column
from vedette.kql.syntax import Expression, Name, Operator, Pipeline

if TYPE_CHECKING:
    from vedette.kql.parser import Parser

_CLAUSES = frozenset({"limit", "id", "on"})
_ENDS = LIST_ENDS | _CLAUSES


@node
class MvApplyOperator(Operator):
    """`mv-apply with_itemindex = name column to typeof(type), ... limit count on (subquery)`."""

    index_column: Name | None
    """The column that holds the 0-based index of the element."""
    columns: list[ExpandedColumn]
    limit: Expression | None
    """The most elements that are taken of one row."""
    context_id: Expression | None
    """`id value`, which Kusto's own tools write."""
    subquery: Pipeline
    """Its source is None: it takes the elements."""


def parse_mv_apply(p: Parser, start: int) -> MvApplyOperator:
    """After the keyword."""
    parameters = p.parameters(("with_itemindex",))
    index_column = p.declared_name(parameters.get("with_itemindex"))
    columns = _columns(p)
    limit: Expression | None = None
    context_id: Expression | None = None
    if p.take("limit"):
        limit = p.expression() or p.missing_expression()
    if p.take("id"):
        context_id = p.expression() or p.missing_expression()
    p.expect("on")
    if p.expect("("):
        subquery = p.subquery()
        p.close(")")
    else:
        subquery = Pipeline(None, [], start=p.last_end, end=p.last_end)
    return MvApplyOperator(index_column, columns, limit, context_id, subquery, start=start, end=p.last_end)


def _columns(p: Parser) -> list[ExpandedColumn]:
    if p.kind == "to":
        first = p.start
        p.i += 1
        return [ExpandedColumn(None, p.required_type_of(), start=first, end=p.last_end)]
    columns: list[ExpandedColumn] = []
    while True:
        # A clause's keyword may also be a column here, when what follows shows it: `mv-apply id to typeof(long) on ...`.
        if p.kind in _CLAUSES and p.peek() not in (",", "to", "=", "on"):
            break
        column = parse_expanded_column(p)
        if column is None:
            break
        columns.append(column)
        if not p.take(","):
            return columns
    columns.append(missing_column(p))
    return columns
