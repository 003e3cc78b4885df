"""`mv-expand` (also `mvexpand`): one row for each element of an array or property of a bag."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vedette.kql.cursor import LIST_ENDS
from vedette.kql.node import node
from vedette.kql.syntax import Expression, Name, Node, Operator, TypeOf

if TYPE_CHECKING:
    from vedette.kql.parser import Parser

MV_EXPAND_KINDS = ("bag", "array")
_ENDS = LIST_ENDS | {"limit"}


@node
class ExpandedColumn(Node):
    """`name = value to typeof(type)`."""

    value: Expression | None
    """An expression, or `Assignment` where a name is given; None only in `mv-apply to typeof(...)`."""
    to: TypeOf | None


@node
class MvExpandOperator(Operator):
    """`mv-expand kind = bag|array with_itemindex = name column, ... limit count`."""

    kind: str
    """`bag` (a property becomes a bag of one, also where the text does not say) or `array` (`[name, value]`)."""
    index_column: Name | None
    """The column that holds the 0-based index of the element."""
    columns: list[ExpandedColumn]
    """Expanded in parallel."""
    limit: Expression | None
    """The most rows that one row becomes."""
    legacy: bool
    """Written `mvexpand`, which has a limit also where the text gives none."""


def parse_mvexpand(p: Parser, start: int) -> MvExpandOperator:
    """After the older keyword."""
    return parse_mv_expand(p, start, legacy=True)


def parse_mv_expand(p: Parser, start: int, legacy: bool = False) -> MvExpandOperator:
    """After the keyword."""
    parameters = p.parameters(("kind", "bagexpansion", "with_itemindex"))
    kind = p.choice(parameters.get("kind", "bagexpansion"), "kind of mv-expand", MV_EXPAND_KINDS, "bag")
    index_column = p.declared_name(parameters.get("with_itemindex"))
    columns = p.comma_list(lambda: parse_expanded_column(p), lambda: missing_column(p), _ENDS)
    limit: Expression | None = None
    if p.take("limit"):
        limit = p.expression() or p.missing_expression()
    return MvExpandOperator(kind, index_column, columns, limit, legacy, start=start, end=p.last_end)


def parse_expanded_column(p: Parser) -> ExpandedColumn | None:
    """`name = value to typeof(type)`; None where nothing starts here."""
    start = p.start
    value = p.missing_expression() if p.kind == "to" else p.named_expression()
    if value is None:
        return None
    to = p.required_type_of() if p.take("to") else None
    return ExpandedColumn(value, to, start=start, end=p.last_end)


def missing_column(p: Parser) -> ExpandedColumn:
    """Reports a missing column."""
    gap = p.missing_expression()
    return ExpandedColumn(gap, None, start=gap.start, end=gap.end)
