"""`parse`: takes columns out of a text by a pattern."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vedette.kql.node import node
from vedette.kql.syntax import ColumnDeclaration, Expression, Literal, Name, Node, Operator, Star
from vedette.kql.types import Type

if TYPE_CHECKING:
    from vedette.kql.parser import Parser

PARSE_KINDS = ("simple", "regex", "relaxed")


@node
class ParseOperator(Operator):
    """`parse kind = simple|regex|relaxed flags = flags value with pattern`."""

    kind: str
    """One of `PARSE_KINDS`; `simple` where the text does not say."""
    flags: str
    """Letters of regex flags, or empty."""
    value: Expression
    pattern: list[Node]
    """`Literal` (string) to match, `ColumnDeclaration` to take (string where no type is given), `Star` to skip."""


def parse_parse(p: Parser, start: int) -> ParseOperator:
    """After the keyword."""
    kind, flags, value, pattern = parse_pattern_clauses(p)
    return ParseOperator(kind, flags, value, pattern, start=start, end=p.last_end)


def parse_pattern_clauses(p: Parser) -> tuple[str, str, Expression, list[Node]]:
    """Parameters, value and pattern of `parse` and `parse-where`."""
    parameters = p.parameters(("kind", "flags"))
    kind = p.choice(parameters.get("kind"), "kind of parse", PARSE_KINDS, "simple")
    given = parameters.get("flags")
    flags = ""
    if given is not None:
        if isinstance(given.value, Name):
            flags = given.value.name
        elif isinstance(given.value, Literal) and isinstance(given.value.value, str):
            flags = given.value.value
    value = p.expression() or p.missing_expression()
    pattern: list[Node] = []
    if p.expect("with"):
        while (item := _pattern_item(p)) is not None:
            pattern.append(item)
        if not pattern:
            p.missing("pattern")
    return kind, flags, value, pattern


def _pattern_item(p: Parser) -> Node | None:
    start = p.start
    if p.take("*"):
        return Star(start=start, end=p.last_end)
    text = p.constant_string()
    if text is not None:
        return text
    if p.kind == ":":
        name: Name | None = p.missing_name()
    else:
        name = p.wide_name()
    if name is None:
        return None
    declared = p.type_name() if p.take(":") else Type.STRING
    return ColumnDeclaration(name, declared, start=start, end=p.last_end)
