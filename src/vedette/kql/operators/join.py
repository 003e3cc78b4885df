"""join."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vedette.kql import syntax

if TYPE_CHECKING:
    from vedette.kql.parser import Parser


@dataclass(slots=True)
class JoinOperator(syntax.Operator):
    """`join kind=k (right) on conditions`."""

    kind: str | None
    right: syntax.Expression
    on: list[syntax.Expression]
    options: dict[str, syntax.Expression]


def parse_join(p: Parser, start: int) -> JoinOperator:
    """Reads what follows the operator's name."""
    options = p.options("kind", "withsource", "with_source", "isfuzzy", "flags")
    right = p.expression()
    on: list[syntax.Expression] = []
    if p.accept_word("on"):
        on = p.comma_list()
    elif p.accept_word("where"):
        on = [p.expression()]
    return JoinOperator(p.option_word(options, "kind"), right, on, options)
