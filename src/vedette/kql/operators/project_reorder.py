"""project-reorder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vedette.kql import syntax

if TYPE_CHECKING:
    from vedette.kql.parser import Parser


@dataclass(slots=True)
class ProjectReorderOperator(syntax.Operator):
    """`project-reorder columns`, each with an order (asc, desc, granny-asc, granny-desc) or None."""

    columns: list[tuple[syntax.Expression, str | None]]


def parse_project_reorder(p: Parser, start: int) -> ProjectReorderOperator:
    """Reads what follows the operator's name."""
    columns: list[tuple[syntax.Expression, str | None]] = []
    while True:
        item = p.wildcard_or_expression()
        order: str | None = None
        if p.accept_word("granny"):
            p.expect("-")
            order = "granny-" + p.expect_word("asc", "desc").text
        elif p.is_word("asc") or p.is_word("desc"):
            order = p.advance().text
        columns.append((item, order))
        if not p.accept(","):
            return ProjectReorderOperator(columns)
