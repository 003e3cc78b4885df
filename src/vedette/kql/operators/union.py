"""union."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vedette.kql import syntax

if TYPE_CHECKING:
    from vedette.kql.parser import Parser


@dataclass(slots=True)
class UnionOperator(syntax.Operator):
    """`union kind=k withsource=c isfuzzy=b tables`."""

    tables: list[syntax.Expression]
    kind: str | None
    withsource: syntax.Name | None
    isfuzzy: bool


def parse_union(p: Parser, start: int) -> UnionOperator:
    """Reads what follows the operator's name."""
    options = p.options("kind", "withsource", "with_source", "isfuzzy")
    source = options.get("withsource") or options.get("with_source")
    if isinstance(source, syntax.Literal):
        source = syntax.Name(str(source.value), True, start=source.start, end=source.end)
    fuzzy = p.option_word(options, "isfuzzy")
    name = source if isinstance(source, syntax.Name) else None
    return UnionOperator(p.wildcard_list(), p.option_word(options, "kind"), name, (fuzzy or "").lower() == "true")
