"""mv-apply."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vedette.kql import syntax
from vedette.kql.operators.mv_expand import MvItem, mv_items

if TYPE_CHECKING:
    from vedette.kql.parser import Parser


@dataclass(slots=True)
class MvApplyOperator(syntax.Operator):
    """`mv-apply with_itemindex=i values limit n on (subquery)`."""

    items: list[MvItem]
    item_index: syntax.Name | None
    limit: syntax.Expression | None
    subquery: syntax.Pipeline


def parse_mv_apply(p: Parser, start: int) -> MvApplyOperator:
    """Reads what follows the operator's name."""
    options = p.options("with_itemindex")
    items = mv_items(p)
    limit = p.expression() if p.accept_word("limit") else None
    p.expect_word("on")
    p.expect("(")
    subquery = p.subquery()
    p.expect(")")
    index = options.get("with_itemindex")
    return MvApplyOperator(items, index if isinstance(index, syntax.Name) else None, limit, subquery)
