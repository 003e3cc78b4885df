"""invoke."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vedette.kql import syntax

if TYPE_CHECKING:
    from vedette.kql.parser import Parser


@dataclass(slots=True)
class InvokeOperator(syntax.Operator):
    """`invoke function(arguments)`."""

    call: syntax.Call


def parse_invoke(p: Parser, start: int) -> InvokeOperator:
    """Reads what follows the operator's name."""
    name = p.name("a function")
    if not p.is_op("("):
        raise p.missing("'('")
    return InvokeOperator(p._call(name))
