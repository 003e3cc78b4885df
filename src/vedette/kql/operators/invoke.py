"""`invoke`: hands the rows to a function that takes a table first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vedette.kql.node import node
from vedette.kql.syntax import Expression, Operator

if TYPE_CHECKING:
    from vedette.kql.parser import Parser


@node
class InvokeOperator(Operator):
    """`invoke function(arguments)`."""

    call: Expression
    """`Call`, or `DotCall` for a function of another database."""


def parse_invoke(p: Parser, start: int) -> InvokeOperator:
    """After the keyword."""
    call = p.dotted_call()
    return InvokeOperator(call, start=start, end=p.last_end)
