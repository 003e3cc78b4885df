"""`evaluate`: runs a plugin over the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vedette.kql.node import node
from vedette.kql.syntax import Call, ColumnDeclaration, Operator, OperatorParameter

if TYPE_CHECKING:
    from vedette.kql.parser import Parser


@node
class EvaluateOperator(Operator):
    """`evaluate plugin(arguments) : (schema)`."""

    call: Call
    columns: list[ColumnDeclaration] | None
    """The columns that the text says the plugin gives; None where it does not say."""
    keeps_input: bool
    """The schema begins with `*`: the input's columns come first."""
    hints: list[OperatorParameter]


def parse_evaluate(p: Parser, start: int) -> EvaluateOperator:
    """After the keyword."""
    parameters = p.parameters(("hint.distribution", "hint.remote"), equals_needed=False)
    call = p.required_call()
    columns: list[ColumnDeclaration] | None = None
    keeps_input = False
    if p.take(":") and p.expect("("):
        p.take(",")
        keeps_input = p.take("*")
        if keeps_input:
            p.take(",")
        columns = p.comma_list(p.column_declaration, p.missing_declaration, required=False, trailing=True)
        p.close(")")
    return EvaluateOperator(call, columns, keeps_input, parameters.hints(), start=start, end=p.last_end)
