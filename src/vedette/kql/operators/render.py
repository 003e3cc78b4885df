"""`render`: how the result should be drawn; the rows stay as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vedette.kql.cursor import LIST_ENDS
from vedette.kql.lexer import NAME, STRING
from vedette.kql.node import node
from vedette.kql.syntax import Expression, Literal, Name, Operator

if TYPE_CHECKING:
    from vedette.kql.parser import Parser

CHARTS = (
    "table",
    "list",
    "barchart",
    "piechart",
    "ladderchart",
    "timechart",
    "linechart",
    "anomalychart",
    "pivotchart",
    "areachart",
    "stackedareachart",
    "scatterchart",
    "timepivot",
    "columnchart",
    "timeline",
    "3Dchart",
    "card",
    "treemap",
    "plotly",
    "graph",
    "sankey",
)
PROPERTIES = (
    "kind",
    "title",
    "accumulate",
    "xcolumn",
    "ycolumns",
    "anomalycolumns",
    "series",
    "xtitle",
    "ytitle",
    "xaxis",
    "yaxis",
    "legend",
    "ysplit",
    "ymin",
    "ymax",
    "xmin",
    "xmax",
)
_COLUMN_LISTS = frozenset({"ycolumns", "anomalycolumns", "series"})
_OLD_PROPERTIES = frozenset({"kind", "title", "accumulate"})


@node
class RenderOperator(Operator):
    """`render chart with (property = value, ...)`, or the old `render chart kind = ... title = ... by column, ...`."""

    chart: str
    """One of `CHARTS`."""
    properties: dict[str, Expression | list[Name]]
    """Of the names in `PROPERTIES`: columns are names, lists of columns are lists; `by` and `with` are the old forms."""


def parse_render(p: Parser, start: int) -> RenderOperator:
    """After the keyword."""
    chart = p.word()
    if p.kind in LIST_ENDS or p.kind == STRING:
        p.missing("kind of chart")
        chart = "table"
    else:
        if chart not in CHARTS:
            p.unknown_word("kind of chart", chart, CHARTS, p.start, p.ends[p.i])
        p.i += 1
    properties: dict[str, Expression | list[Name]] = {}
    while (name := _old_property(p)) is not None:
        properties[name] = _old_value(p, name)
    if p.take("with") and p.expect("("):
        p.take(",")
        for name, value in p.comma_list(
            lambda: _property(p), lambda: ("", p.missing("property (name = value)")), required=False
        ):
            properties[name] = value
        p.close(")")
    return RenderOperator(chart, properties, start=start, end=p.last_end)


def _old_property(p: Parser) -> str | None:
    word = p.kind
    if word in _OLD_PROPERTIES and p.peek() == "=":
        p.i += 2
        return word
    if word == "by" or (word == "with" and p.peek() != "("):
        p.i += 1
        return word
    return None


def _old_value(p: Parser, name: str) -> Expression | list[Name]:
    if name == "by":
        return p.comma_list(p.wide_name, p.missing_name, recover=False)
    if name == "title":
        return p.expression() or p.missing("value")
    return p.parameter_value()


def _property(p: Parser) -> tuple[str, Expression | list[Name]] | None:
    """`name = value`; a list of columns runs up to the next `name =`."""
    word = p.word()
    if p.kind in LIST_ENDS or p.kind == ",":
        return None
    if word not in PROPERTIES:
        p.unknown_word("property of render", word, PROPERTIES, p.start, p.ends[p.i])
    p.i += 1
    p.expect("=")
    if word in _COLUMN_LISTS:
        return word, _columns(p)
    if p.kind in ("-", "+") or p.kind not in (NAME, STRING):
        return word, p.parameter_value()
    return word, p.expression() or p.missing("value")


def _columns(p: Parser) -> list[Name]:
    names = [_column(p)]
    while p.kind == "," and not (p.word(1) in PROPERTIES and p.peek(2) == "="):
        p.i += 1
        names.append(_column(p))
    return names


def _column(p: Parser) -> Name:
    literal = p.constant_string()
    if isinstance(literal, Literal):
        return Name(str(literal.value), bracketed=True, start=literal.start, end=literal.end)
    return p.wide_name() or p.missing_name()
