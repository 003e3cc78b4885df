"""reduce: patterns of similar strings.

Source: the documentation's page reduce-operator, and the paper that it names (R. Vaarandi, A data clustering
algorithm for mining patterns from event logs).
"""

from __future__ import annotations

from vedette.kql import syntax
from vedette.kql.binder.core import Binder
from vedette.kql.binder.expressions import Expressions
from vedette.kql.binder.naming import Names
from vedette.kql.binder.scope import Row, Scope
from vedette.kql.bound import Column, Expr, Relation
from vedette.kql.node import node
from vedette.kql.operators.binding import binds
from vedette.kql.operators.reduce import ReduceOperator
from vedette.kql.types import NUMBERS, Type

DEFAULT_THRESHOLD = 0.1


@node
class Reduce(Relation):
    """A row for each pattern; or, where the source is kept, every row with its pattern."""

    input: Relation
    text: Expr
    threshold: float
    """What part of the rows must have a term, or a pattern, for it to stay."""
    separators: str | None
    """The characters between terms; None: all that are no ASCII letters or digits."""
    keeps: bool
    pattern: Column
    count: Column
    representative: Column


@binds(ReduceOperator)
def bind_reduce(binder: Binder, node: ReduceOperator, input_: Relation, scope: Scope) -> Relation:
    """Binds `reduce by`."""
    at = Expressions(binder, scope, Row.of(input_), serialized=input_.serialized)
    written = node.value.value if isinstance(node.value, syntax.Assignment) else node.value
    text = at.bind(written)
    if text.type not in (Type.STRING, Type.UNKNOWN):
        raise binder.stop("KS141", f"reduce groups strings, not {text.type}; use tostring()", written)
    threshold, separators = DEFAULT_THRESHOLD, None
    for name, value in node.properties:
        given = value.value if isinstance(value, syntax.Literal) else None
        if name == "characters":
            if not isinstance(given, str):
                raise binder.stop("KS222", "characters is a string that is written out", value)
            separators = given
        else:
            if not isinstance(value, syntax.Literal) or value.type not in NUMBERS or given is None:
                raise binder.stop("KS224", "threshold is a number that is written out", value)
            threshold = float(str(given))
            if not 0 <= threshold <= 1:
                raise binder.stop("KS107", "threshold lies between 0 and 1", value)
    keeps = node.kind == "source"
    names = Names([column.name for column in input_.visible] if keeps else [])
    made = (
        binder.column(names.implied("Pattern"), Type.STRING), binder.column(names.implied("Count"), Type.LONG),
        binder.column(names.implied("Representative"), Type.STRING),
    )  # fmt: skip
    columns = (*input_.columns, *made) if keeps else made
    return Reduce(columns, input_, text, threshold, separators, keeps, *made, open=keeps and input_.open)
