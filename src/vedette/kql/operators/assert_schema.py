"""`assert-schema`: fails unless the input has these columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vedette.kql.node import node
from vedette.kql.syntax import ColumnDeclaration, Operator

if TYPE_CHECKING:
    from vedette.kql.parser import Parser


@node
class AssertSchemaOperator(Operator):
    """`assert-schema (name: type, ...)`."""

    columns: list[ColumnDeclaration]


def parse_assert_schema(p: Parser, start: int) -> AssertSchemaOperator:
    """After the keyword."""
    columns = p.row_schema()
    return AssertSchemaOperator(columns, start=start, end=p.last_end)
