"""project-by-names: the columns whose names are values.

Source: the documentation's page project-by-names-operator.
"""

from __future__ import annotations

import re

from vedette.kql.binder.core import Binder
from vedette.kql.binder.operators.columns import arranged
from vedette.kql.binder.scope import Scope
from vedette.kql.bound import Column, Constant, Expr, Relation, ScalarQuery, children
from vedette.kql.operators.binding import binds
from vedette.kql.operators.project_by_names import ProjectByNamesOperator


@binds(ProjectByNamesOperator)
def bind_project_by_names(binder: Binder, node: ProjectByNamesOperator, input_: Relation, scope: Scope) -> Relation:
    """Binds `project-by-names`: columns in the order in which they are named; a name of no column is passed over."""
    kept: list[Column] = []
    # where nothing may run, computed names are not known, and so neither are the columns
    is_open = input_.open
    for item in node.names:
        bound = binder.scalar(item, scope)
        if _asks_table(bound):
            raise binder.refuse("a name that a table gives, as by toscalar(), in project-by-names", item)
        if binder.evaluator is None and not isinstance(bound, Constant):
            is_open = True
            continue
        for name in _names(binder.constant(bound, item)):
            pattern = ".*".join(re.escape(part) for part in name.split("*"))
            matched = [c for c in input_.visible if re.fullmatch(pattern, c.name, re.DOTALL)]
            kept += [column for column in matched if column not in kept]
    return arranged(input_, kept, open_=is_open)


def _names(value: object) -> list[str]:
    """The names that a value gives: itself, or the elements of an array; what is no text gives none."""
    return [name for name in (value if isinstance(value, list) else [value]) if isinstance(name, str)]


def _asks_table(value: Expr) -> bool:
    return isinstance(value, ScalarQuery) or any(_asks_table(child) for child in children(value))
