"""datatable: rows that a query writes out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vedette.kql import syntax
from vedette.kql.binder.scope import Scope
from vedette.kql.bound import Relation, Values

if TYPE_CHECKING:
    from vedette.kql.binder.core import Binder


def datatable(binder: Binder, node: syntax.DataTable, scope: Scope) -> Relation:
    """The relation of a datatable; each value is converted to its column's type."""
    names: set[str] = set()
    for declaration in node.columns:
        if declaration.name.name in names:
            raise binder.stop("KS171", f"The column '{declaration.name.name}' is declared twice", declaration)
        names.add(declaration.name.name)
    columns = tuple(binder.column(declaration.name.name, declaration.type) for declaration in node.columns)
    if not columns:
        return Values((), [], serialized=False)
    if len(node.values) % len(columns):
        place = syntax.Node(start=node.values[0].start, end=node.values[-1].end)
        binder.report(
            binder.stop("KS173", f"{len(node.values)} values do not fill rows of {len(columns)} columns", place)
        )
        return Values(columns, [], serialized=False)
    values = [
        binder.convert_literal(binder.scalar(value, scope), columns[index % len(columns)].type, value)
        for index, value in enumerate(node.values)
    ]
    width = len(columns)
    rows = [values[start : start + width] for start in range(0, len(values), width)]
    return Values(columns, rows, serialized=False)
