"""`parse-kv`: takes `key=value` pairs out of a text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vedette.kql.node import node
from vedette.kql.syntax import ColumnDeclaration, Expression, Operator

if TYPE_CHECKING:
    from vedette.kql.parser import Parser

PROPERTIES = ("pair_delimiter", "kv_delimiter", "regex", "quote", "escape", "greedy")


@node
class ParseKvOperator(Operator):
    """`parse-kv value as (key: type, ...) with (pair_delimiter = ..., kv_delimiter = ..., ...)`."""

    value: Expression
    keys: list[ColumnDeclaration]
    properties: list[tuple[str, Expression]]
    """Of the names in `PROPERTIES`; `quote` and `escape` may be repeated."""


def parse_parse_kv(p: Parser, start: int) -> ParseKvOperator:
    """After the keyword."""
    value = p.expression() or p.missing_expression()
    p.expect("as")
    keys = p.row_schema()
    properties = p.named_properties(PROPERTIES) if p.take("with") else []
    return ParseKvOperator(value, keys, properties, start=start, end=p.last_end)
