"""parse-where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vedette.kql import syntax

if TYPE_CHECKING:
    from vedette.kql.parser import Parser


@dataclass(slots=True)
class ParseWhereOperator(syntax.Operator):
    """`parse-where kind=k flags=f source with pattern`."""

    source: syntax.Expression
    pattern: list[syntax.Node]
    kind: str | None
    flags: str | None


def parse_parse_where(p: Parser, start: int) -> ParseWhereOperator:
    """Reads what follows the operator's name."""
    options = p.options("kind", "flags")
    source = p.expression()
    p.expect_word("with")
    pattern: list[syntax.Node] = []
    while not p.is_op("|") and not p.is_op(")") and not p.is_op(";") and p.here.kind != "end":
        pattern.append(p.parse_pattern_item())
    return ParseWhereOperator(source, pattern, p.option_word(options, "kind"), p.option_word(options, "flags"))
