"""`fork`: hands the rows to several subqueries; each gives a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vedette.kql.node import node
from vedette.kql.syntax import Expression, Name, Node, Operator

if TYPE_CHECKING:
    from vedette.kql.parser import Parser


@node
class ForkBranch(Node):
    """`name = (subquery)`."""

    name: Name | None
    subquery: Expression
    """A `Pipeline` without a source takes the rows."""


@node
class ForkOperator(Operator):
    """`fork name = (subquery) (subquery) ...`."""

    branches: list[ForkBranch]


def parse_fork(p: Parser, start: int) -> ForkOperator:
    """After the keyword."""
    branches: list[ForkBranch] = []
    while (branch := _branch(p)) is not None:
        branches.append(branch)
    if not branches:
        p.expected("(")
    return ForkOperator(branches, start=start, end=p.last_end)


def _branch(p: Parser) -> ForkBranch | None:
    start = p.start
    name: Name | None = None
    length = p.name_length()
    if length > 0 and p.peek(length) == "=":
        name = p.required_name()
        p.i += 1
        p.expect("(")
    elif not p.take("("):
        return None
    subquery = p.subquery() if p.starts_operator() else p.pipeline() or p.subquery()
    p.close(")")
    return ForkBranch(name, subquery, start=start, end=p.last_end)
