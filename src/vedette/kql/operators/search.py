"""`search`: rows in which some column has a term."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vedette.kql.node import node
from vedette.kql.syntax import Binary, Expression, Operator

if TYPE_CHECKING:
    from vedette.kql.parser import Parser

SEARCH_KINDS = ("default", "case_insensitive", "case_sensitive")


@node
class SearchOperator(Operator):
    """`search kind = kind in (tables) predicate`."""

    kind: str
    """One of `SEARCH_KINDS`; `default` is case-insensitive."""
    tables: list[Expression] | None
    """As in `UnionOperator`; None: the input, or every table where there is none."""
    predicate: Expression
    """A string constant stands for `* has "term"`; `column : "term"` is `Binary` with `:`; `Star` is everything."""


def parse_search(p: Parser, start: int) -> SearchOperator:
    """After the keyword."""
    kind = p.choice(p.parameters(("kind",)).get("kind"), "kind of search", SEARCH_KINDS, "default")
    p.data_scope()
    tables = p.tables_clause()
    predicate = p.expression()
    if predicate is None:
        everything = p.star()
        if everything is None:
            predicate = p.missing_expression()
        elif p.take("and"):
            op_start, op_end = p.starts[p.i - 1], p.last_end
            right = p.expression() or p.missing_expression()
            predicate = Binary(
                "and", everything, right, start=everything.start, end=p.last_end, op_start=op_start, op_end=op_end
            )
        else:
            predicate = everything
    return SearchOperator(kind, tables, predicate, start=start, end=p.last_end)
