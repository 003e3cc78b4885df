"""Lists of named expressions, as project, extend, summarize and print have them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from vedette.kql import syntax
from vedette.kql.binder.expressions import Expressions
from vedette.kql.binder.naming import carried_name
from vedette.kql.bound import Expr
from vedette.kql.types import Type


@dataclass(slots=True)
class Item:
    """One expression of a list, with the name it gives its column."""

    value: Expr
    name: str | None
    explicit: bool
    node: syntax.Expression


def bind_items(at: Expressions, nodes: list[syntax.Expression]) -> list[Item]:
    """Binds a list of expressions; `name = value` names explicitly, else the expression may carry a name."""
    items: list[Item] = []
    for node in nodes:
        if isinstance(node, syntax.Assignment):
            if len(node.names) > 1 or node.tuple_form:
                items += _tuple(at, node)
                continue
            items.append(Item(at.bind(node.value), node.names[0].name, True, node))
            continue
        items.append(Item(at.bind(node), carried_name(node, at.binder.catalog), False, node))
    return items


def _tuple(at: Expressions, node: syntax.Assignment) -> list[Item]:
    value = at.bind(node.value)
    parts: Callable[[], list[tuple[str, Expr]]] | None = getattr(value, "parts", None)
    if parts is None:
        if len(node.names) == 1:
            return [Item(value, node.names[0].name, True, node)]
        raise at.binder.stop("KS206", "This expression gives one value, not several", node)
    given = parts()
    if len(node.names) > len(given):
        raise at.binder.stop("KS206", f"This expression gives {len(given)} values, not {len(node.names)}", node)
    named = [Item(part, name.name, True, node) for name, (_, part) in zip(node.names, given, strict=False)]
    return named + [Item(part, own, False, node) for own, part in given[len(node.names) :]]


def require_scalar(at: Expressions, item: Item, what: str) -> None:
    """Refuses dynamic values where an operator must compare them (rule 12)."""
    if item.value.type is Type.DYNAMIC:
        raise at.binder.stop(
            "KS233", f"{what} is of type dynamic; cast it first, for example with tostring()", item.node
        )
