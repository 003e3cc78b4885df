"""`inline_external_table`: a table over files, declared in the query."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from vedette.kql.cursor import LIST_ENDS
from vedette.kql.lexer import STRING
from vedette.kql.node import node
from vedette.kql.syntax import ColumnDeclaration, Expression, Literal, Name, Node, Operator
from vedette.kql.types import Type

if TYPE_CHECKING:
    from vedette.kql.parser import Parser

TABLE_KINDS = ("storage", "delta")


@node
class PartitionColumn(Node):
    """`name: type = value`."""

    name: Name
    type: Type
    value: Expression | None


@node
class PathColumn(Node):
    """A partition column in the path, with the text that follows it; `datetime_pattern(format, column)`."""

    column: Name
    pattern: str | None
    separator: str | None


@node
class InlineExternalTableOperator(Operator):
    """`inline_external_table (schema) kind = ... partition by (...) pathformat = (...) dataformat = ... (uris) with (...)`."""

    columns: list[ColumnDeclaration]
    kind: str
    """One of `TABLE_KINDS`."""
    partition: list[PartitionColumn]
    path_prefix: str | None
    path: list[PathColumn]
    data_format: str | None
    uris: list[Expression]
    properties: dict[str, Expression] = field(default_factory=dict)


def starts_inline_external_table(p: Parser) -> bool:
    """Whether this is the operator, and not a table or a function with its name."""
    if p.peek() == "kind":
        return True
    offset = 1
    if p.peek(offset) != "(":
        return False
    while p.peek(offset) not in LIST_ENDS:
        if p.peek(offset) == ":":
            return True
        offset += 1
    return False


def parse_inline_external_table(p: Parser, start: int) -> InlineExternalTableOperator:
    """After the keyword."""
    columns = p.row_schema() if p.kind == "(" else []
    kind = "storage"
    if p.expect("kind") and p.expect("="):
        if p.word() in TABLE_KINDS:
            kind = p.word()
        else:
            p.unknown_word("kind of external table", p.word(), TABLE_KINDS, p.start, p.ends[p.i])
        p.i += p.kind not in LIST_ENDS
    partition: list[PartitionColumn] = []
    if p.take("partition") and p.expect("by") and p.expect("("):
        p.take(",")
        partition = p.comma_list(
            lambda: _partition_column(p), lambda: _missing_column(p), required=False, trailing=True
        )
        p.close(")")
    prefix: str | None = None
    path: list[PathColumn] = []
    if p.take("pathformat") and p.expect("=") and p.expect("("):
        prefix = _text(p)
        while p.kind not in LIST_ENDS and (column := _path_column(p)) is not None:
            path.append(column)
        p.close(")")
    data_format: str | None = None
    if p.take("dataformat"):
        p.expect("=")
        data_format = p.required_name().name
    elif kind != "delta":
        p.missing("dataformat")
    uris: list[Expression] = []
    if p.expect("("):
        uris = p.comma_list(p.pipeline, p.missing_expression, required=False, trailing=True)
        p.close(")")
    properties = p.properties() if p.kind == "with" else {}
    return InlineExternalTableOperator(
        columns, kind, partition, prefix, path, data_format, uris, properties, start=start, end=p.last_end
    )


def _text(p: Parser) -> str | None:
    literal = p.constant_string() if p.kind == STRING else None
    return str(literal.value) if isinstance(literal, Literal) else None


def _partition_column(p: Parser) -> PartitionColumn | None:
    column = p.column_declaration()
    if column is None:
        return None
    value: Expression | None = None
    if p.take("="):
        value = p.expression() or p.missing_expression()
    return PartitionColumn(column.name, column.type, value, start=column.start, end=p.last_end)


def _missing_column(p: Parser) -> PartitionColumn:
    gap = p.missing_declaration()
    return PartitionColumn(gap.name, gap.type, None, start=gap.start, end=gap.end)


def _path_column(p: Parser) -> PathColumn | None:
    start = p.start
    pattern: str | None = None
    if p.take("datetime_pattern"):
        p.expect("(")
        pattern = _text(p)
        p.expect(",")
        column = p.required_name()
        p.close(")")
    else:
        name = p.name()
        if name is None:
            p.missing("partition column")
            return None
        column = name
    return PathColumn(column, pattern, _text(p), start=start, end=p.last_end)
