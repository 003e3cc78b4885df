"""`macro-expand`: runs a query over each entity of a group and unites the results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vedette.kql.node import node
from vedette.kql.operators.union import UNION_KINDS, UNION_PARAMETERS
from vedette.kql.syntax import Expression, Name, Operator, OperatorParameter, Statement

if TYPE_CHECKING:
    from vedette.kql.parser import Parser


@node
class MacroExpandOperator(Operator):
    """`macro-expand kind = kind isfuzzy = true group as name (statements)`."""

    kind: str
    source_column: Name | None
    fuzzy: bool
    group: Expression
    """`EntityGroup`, a call, a path, or the name of a group."""
    scope: Name | None
    """The name by which the statements speak of the entity."""
    body: list[Statement]
    hints: list[OperatorParameter]


def parse_macro_expand(p: Parser, start: int) -> MacroExpandOperator:
    """After the keyword."""
    parameters = p.parameters((*UNION_PARAMETERS, "force_remote"))
    kind = p.choice(parameters.get("kind"), "kind of macro-expand", UNION_KINDS, "outer")
    source_column = p.declared_name(parameters.get("withsource", "with_source"))
    fuzzy = p.flag(parameters.get("isfuzzy", "__isFuzzy", "best_effort"))
    group: Expression
    if p.kind == "entity_group":
        group = p.entity_group()
    else:
        group = p.entity() or p.missing_expression()
    scope: Name | None = None
    if p.take("as"):
        scope = p.required_name()
    body: list[Statement] = []
    if p.expect("("):
        body = p.statement_list()
        p.close(")")
    return MacroExpandOperator(
        kind, source_column, fuzzy, group, scope, body, parameters.hints(), start=start, end=p.last_end
    )
