"""render."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vedette.kql import syntax

if TYPE_CHECKING:
    from vedette.kql.parser import Parser


@dataclass(slots=True)
class RenderOperator(syntax.Operator):
    """`render chart with (properties)`."""

    chart: str
    properties: dict[str, syntax.Expression]


def parse_render(p: Parser, start: int) -> RenderOperator:
    """Reads what follows the operator's name."""
    chart = p.name("a kind of chart").name
    properties: dict[str, syntax.Expression] = {}
    if p.accept_word("with"):
        p.expect("(")
        while not p.is_op(")"):
            name = p.name()
            p.expect("=")
            properties[name.name] = p.option_value()
            while p.accept(","):
                if p.ahead().text == "=" or p.is_op(")"):
                    break
                p.option_value()
        p.expect(")")
    else:
        properties = p.options("kind", "title", "xcolumn", "ycolumns", "series", "accumulate", "legend", "ysplit")
    return RenderOperator(chart, properties)
