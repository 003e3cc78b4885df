"""parse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vedette.kql import syntax

if TYPE_CHECKING:
    from vedette.kql.parser import Parser


@dataclass(slots=True)
class ParseOperator(syntax.Operator):
    """`parse kind=k flags=f source with pattern`."""

    source: syntax.Expression
    pattern: list[syntax.Node]
    kind: str | None
    flags: str | None


def parse_parse(p: Parser, start: int) -> ParseOperator:
    """Reads what follows the operator's name."""
    options = p.options("kind", "flags")
    source = p.expression()
    p.expect_word("with")
    pattern: list[syntax.Node] = []
    while not p.is_op("|") and not p.is_op(")") and not p.is_op(";") and p.here.kind != "end":
        pattern.append(p.parse_pattern_item())
    return ParseOperator(source, pattern, p.option_word(options, "kind"), p.option_word(options, "flags"))
