"""evaluate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vedette.kql import syntax

if TYPE_CHECKING:
    from vedette.kql.parser import Parser


@dataclass(slots=True)
class EvaluateOperator(syntax.Operator):
    """`evaluate plugin(arguments)`."""

    call: syntax.Call
    schema: list[syntax.ColumnDeclaration] | None


def parse_evaluate(p: Parser, start: int) -> EvaluateOperator:
    """Reads what follows the operator's name."""
    p.options()
    name = p.name("a plugin")
    if not p.is_op("("):
        raise p.missing("'('")
    call = p._call(name)
    schema = None
    if p.accept(":"):
        schema = p.column_declarations()
    return EvaluateOperator(call, schema)
