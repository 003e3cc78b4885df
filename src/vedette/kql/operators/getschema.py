"""getschema."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vedette.kql import syntax

if TYPE_CHECKING:
    from vedette.kql.parser import Parser


@dataclass(slots=True)
class GetSchemaOperator(syntax.Operator):
    """`getschema`."""


def parse_getschema(p: Parser, start: int) -> GetSchemaOperator:
    """Reads what follows the operator's name."""
    return GetSchemaOperator()
