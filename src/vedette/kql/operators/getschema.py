"""`getschema`: the columns of the input as rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vedette.kql.node import node
from vedette.kql.syntax import Operator

if TYPE_CHECKING:
    from vedette.kql.parser import Parser


@node
class GetSchemaOperator(Operator):
    """`getschema`, or `getschema kind = csl`."""

    kind: str
    """`""` or `csl`."""


def parse_getschema(p: Parser, start: int) -> GetSchemaOperator:
    """After the keyword."""
    kind = p.choice(p.parameters(("kind",)).get("kind"), "kind of getschema", ("csl",), "")
    return GetSchemaOperator(kind, start=start, end=p.last_end)
