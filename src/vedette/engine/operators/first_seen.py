"""Groups of rows that the query itself holds: in the order in which each is first seen, as Microsoft's engine gives them.

The order of groups is free (rule 81), and over tables nothing is spent on one. Over few rows that `datatable`, `range`
or `print` wrote it costs nothing, and what is made of it further (`take`, a list of groups, the first element of a
set) is then the same as there.
"""

from __future__ import annotations

from vedette.engine.compiler import Compiler
from vedette.engine.relations import OrderKey, Rel
from vedette.engine.walking import relations_inside
from vedette.kql.binder.operators.print import Range
from vedette.kql.bound import Constant, Relation, Shared, Values

_MOST = 10_000
"""More rows than this are those of a computation, not of an example."""


def few_written(relation: Relation) -> bool:
    """Whether a relation is made of few rows, all of which the query wrote."""
    match relation:
        case Values():
            return len(relation.rows) <= _MOST
        case Range():
            bounds = (relation.first, relation.last, relation.step)
            values = [bound.value for bound in bounds if isinstance(bound, Constant)]
            first, last, step = ([v for v in values if isinstance(v, int | float)] + [0, 0, 0])[:3]
            return len(values) == len(bounds) and step != 0 and abs(last - first) <= abs(step) * _MOST
        case Shared():
            return few_written(relation.origin)
    inside = list(relations_inside(relation))
    return bool(inside) and all(map(few_written, inside))


def numbered(compiler: Compiler, base: Rel) -> tuple[Rel, str]:
    """The rows with their place in their order as one number, and its name."""
    name = compiler.fresh()
    inner = base.extended([f"row_number() OVER (ORDER BY {base.ordering()}) AS {name}"], base.columns).wrapped()
    return Rel(inner.source, inner.columns, order=[OrderKey(name)], partition=base.partition), name
