"""`consume`: reads the rows and gives none back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vedette.kql.node import node
from vedette.kql.syntax import Operator

if TYPE_CHECKING:
    from vedette.kql.parser import Parser


@node
class ConsumeOperator(Operator):
    """`consume`, or `consume decodeblocks = true`."""

    decode_blocks: bool


def parse_consume(p: Parser, start: int) -> ConsumeOperator:
    """After the keyword."""
    parameters = p.parameters(("decodeblocks",), equals_needed=False)
    decode_blocks = p.flag(parameters.get("decodeblocks"))
    return ConsumeOperator(decode_blocks, start=start, end=p.last_end)
