"""render: how a result should be drawn (rule 107).

Source: the documentation's page render-operator.
"""

from __future__ import annotations

from vedette.kql import syntax
from vedette.kql.binder.core import Binder
from vedette.kql.binder.scope import Row, Scope
from vedette.kql.bound import Constant, Relation, is_fixed
from vedette.kql.diagnostics import nearest
from vedette.kql.node import node
from vedette.kql.operators.binding import binds
from vedette.kql.operators.render import RenderOperator

_WORDS = {
    "kind": ("default", "unstacked", "stacked", "stacked100", "map"), "legend": ("visible", "hidden"),
    "ysplit": ("none", "axes", "panels"), "xaxis": ("linear", "log"), "yaxis": ("linear", "log"),
}  # fmt: skip
_NUMBERS = frozenset({"ymin", "ymax", "xmin", "xmax"})


@node
class Render(Relation):
    """The input as it is; as the result of a query it says how to draw the rows."""

    input: Relation
    visualization: dict[str, object]
    """`visualization`, the kind of chart, and the properties that the query gives, by name."""


@binds(RenderOperator)
def bind_render(binder: Binder, node: RenderOperator, input_: Relation, scope: Scope) -> Relation:
    """Binds `render`: the rows stay as they are."""
    drawn: dict[str, object] = {"visualization": node.chart}
    for name, value in node.properties.items():
        if isinstance(value, list):
            drawn["series" if name == "by" else name] = [_column(binder, column, input_) for column in value]
        elif name == "xcolumn":
            drawn[name] = _column(binder, value, input_)
        elif name != "with":
            drawn[name] = _value(binder, name, value, scope)
    return Render(input_.columns, input_, drawn, serialized=input_.serialized, open=input_.open)


def _column(binder: Binder, node: syntax.Expression, input_: Relation) -> str:
    name = node.name if isinstance(node, syntax.Name) else None
    if name is None and isinstance(node, syntax.Literal) and isinstance(node.value, str):
        name = node.value
    if name is None:
        raise binder.stop("KS109", "A column's name is expected", node)
    known = [column.name for column in input_.visible]
    if name not in known:
        if not input_.open:
            raise binder.unknown("column", "KS142", name, known, node)
        binder.inferred(Row.of(input_), name)
    return name


def _value(binder: Binder, name: str, node: syntax.Expression, scope: Scope) -> object:
    """The value of a property: a word of those that it has, a number, a truth value, or a text."""
    if name in _WORDS:
        word = node.name if isinstance(node, syntax.Name) else node.value if isinstance(node, syntax.Literal) else None
        if word not in _WORDS[name]:
            close = nearest(str(word), _WORDS[name])
            hint = f"did you mean '{close}'?" if close else f"it is one of {', '.join(_WORDS[name])}"
            raise binder.stop("KS005", f"'{word}' is no {name} of a chart; {hint}", node)
        return word
    bound = binder.scalar(node, scope)
    if binder.evaluator is None and not isinstance(bound, Constant) and is_fixed(bound):
        # nothing runs, and nothing is drawn
        return None
    value = binder.constant(bound, node)
    if name in _NUMBERS and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise binder.stop("KS224", f"{name} is a number", node)
    if name == "accumulate" and not isinstance(value, bool):
        raise binder.stop("KS223", f"{name} is true or false", node)
    return value if name in _NUMBERS or name == "accumulate" else str(value)
