"""mv-expand (mvexpand)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vedette.kql import syntax
from vedette.kql.types import Type

if TYPE_CHECKING:
    from vedette.kql.parser import Parser


@dataclass(slots=True)
class MvItem:
    """One expanded expression and the type of its elements."""

    value: syntax.Expression
    type: Type | None


def mv_items(p: Parser) -> list[MvItem]:
    """`expression to typeof(type), ...`."""
    items: list[MvItem] = []
    while True:
        value = p.named_expression()
        type_: Type | None = None
        if p.accept_word("to"):
            typeof = p.expression()
            type_ = typeof.type if isinstance(typeof, syntax.TypeOf) else None
        items.append(MvItem(value, type_))
        if not p.accept(","):
            return items


@dataclass(slots=True)
class MvExpandOperator(syntax.Operator):
    """`mv-expand kind=k with_itemindex=i values limit n`."""

    items: list[MvItem]
    kind: str | None
    item_index: syntax.Name | None
    limit: syntax.Expression | None


def parse_mv_expand(p: Parser, start: int) -> MvExpandOperator:
    """Reads what follows the operator's name."""
    options = p.options("kind", "bagexpansion", "with_itemindex")
    items = mv_items(p)
    limit = p.expression() if p.accept_word("limit") else None
    kind = p.option_word(options, "kind") or p.option_word(options, "bagexpansion")
    index = options.get("with_itemindex")
    return MvExpandOperator(items, kind, index if isinstance(index, syntax.Name) else None, limit)
