"""`parse-where`: as `parse`, and drops the rows that do not match."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vedette.kql.node import node
from vedette.kql.operators.parse import parse_pattern_clauses
from vedette.kql.syntax import Expression, Node, Operator

if TYPE_CHECKING:
    from vedette.kql.parser import Parser


@node
class ParseWhereOperator(Operator):
    """`parse-where kind = simple|regex|relaxed flags = flags value with pattern`; fields as in `ParseOperator`."""

    kind: str
    flags: str
    value: Expression
    pattern: list[Node]


def parse_parse_where(p: Parser, start: int) -> ParseWhereOperator:
    """After the keyword."""
    kind, flags, value, pattern = parse_pattern_clauses(p)
    return ParseWhereOperator(kind, flags, value, pattern, start=start, end=p.last_end)
