"""`union`: the rows of several tables, one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vedette.kql.node import node
from vedette.kql.syntax import Expression, Name, Operator, OperatorParameter

if TYPE_CHECKING:
    from vedette.kql.parser import Parser

UNION_KINDS = ("outer", "inner")


@node
class UnionOperator(Operator):
    """`union kind = kind withsource = name isfuzzy = true table, pattern*, (pipeline), ...`."""

    kind: str
    """`outer` (every column, also where the text does not say) or `inner` (the columns of all)."""
    source_column: Name | None
    """The column that holds the table's name; None: no such column."""
    fuzzy: bool
    """Tables that do not exist are left out."""
    tables: list[Expression]
    """Names, `Wildcard`, paths, calls, or pipelines that stood in parentheses."""
    hints: list[OperatorParameter]


def parse_union(p: Parser, start: int) -> UnionOperator:
    """After the keyword."""
    parameters = p.parameters(UNION_PARAMETERS)
    kind = p.choice(parameters.get("kind"), "kind of union", UNION_KINDS, "outer")
    source_column = p.declared_name(parameters.get("withsource", "with_source"))
    fuzzy = p.flag(parameters.get("isfuzzy", "__isFuzzy", "best_effort"))
    tables = p.comma_list(p.entity, p.missing_expression)
    return UnionOperator(kind, source_column, fuzzy, tables, parameters.hints(), start=start, end=p.last_end)


UNION_PARAMETERS = (
    "kind",
    "withsource",
    "with_source",
    "isfuzzy",
    "__isFuzzy",
    "best_effort",
    "hint.concurrency",
    "hint.spread",
)
