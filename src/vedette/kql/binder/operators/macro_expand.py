"""macro-expand: a subquery over each of several places, and the union of what it gives.

Source: the documentation's page macro-expand-operator. A place is a workspace of this installation, however the text names it.
"""

from __future__ import annotations

from contextlib import nullcontext

from vedette.kql import syntax
from vedette.kql.binder import workspaces
from vedette.kql.binder.core import Binder
from vedette.kql.binder.operators.tables import Leg, Legs
from vedette.kql.binder.operators.union import UNRESOLVED, united
from vedette.kql.binder.scope import LetValue, PlaceValue, Scope
from vedette.kql.bound import Relation
from vedette.kql.diagnostics import Stop
from vedette.kql.host import Host
from vedette.kql.operators.binding import binds
from vedette.kql.operators.macro_expand import MacroExpandOperator


@binds(MacroExpandOperator)
def bind_macro_expand(binder: Binder, node: MacroExpandOperator, input_: Relation | None, scope: Scope) -> Relation:
    """Binds `macro-expand`: the statements once for each place, which has the name that follows `as`."""
    if input_ is not None:
        raise binder.stop("KS175", "macro-expand reads tables by itself and must stand first, not after |", node)
    if node.source_column is not None:
        raise binder.refuse("macro-expand withsource", node.source_column)
    legs: list[Leg] = []
    fault: Stop | None = None
    for place, host in _places(binder, node, scope):
        try:
            with binder.strictly() if node.fuzzy else nullcontext():
                if host is None and place is not None:
                    host = workspaces.place(binder, place, scope)
                legs.append(Leg(_subquery(binder, node, PlaceValue(host), scope), None))
        except Stop as stop:
            if not node.fuzzy or stop.diagnostic.code not in UNRESOLVED:
                binder.report(stop)
                legs.append(Leg(_subquery(binder, node, PlaceValue(None), scope), None))
            else:
                fault = stop
    if not legs and fault is not None:
        raise fault
    return united(binder, Legs(legs, []), "macro", inner=node.kind == "inner", tag=None)


def _places(
    binder: Binder, node: MacroExpandOperator, scope: Scope
) -> list[tuple[syntax.Expression | None, Host | None]]:
    """What the group is made of: references that are looked up one by one; a group that is not known is one unknown place."""
    group = node.group
    if isinstance(group, syntax.Name):
        found = scope.find(group.name)
        if isinstance(found, LetValue):
            found.used = True
            group = found.value
    if isinstance(group, syntax.EntityGroup):
        return [(entity, None) for entity in group.entities]
    name = group.name if isinstance(group, syntax.Name) else binder.text[group.start : group.end]
    message = f"There is no entity group '{name}'; write it in the query: entity_group [workspace('a'), workspace('b')]"
    binder.report(binder.stop("KS142", message, node.group))
    return [(None, None)]


def _subquery(binder: Binder, node: MacroExpandOperator, place: PlaceValue, scope: Scope) -> Relation:
    """What the statements give of one place."""
    inner = binder.frame(scope)
    if node.scope is not None:
        if isinstance(scope.find(node.scope.name), PlaceValue):
            raise binder.stop(
                "KS201", f"'{node.scope.name}' is the place of a macro-expand around this one", node.scope
            )
        inner.names[node.scope.name] = place
    with binder.deeper(node):
        made: Relation | None = None
        for statement in node.body:
            found = binder.statement(statement, inner)
            made = made or found
        if made is None:
            raise binder.stop("KS205", "The subquery of macro-expand gives no table", node)
        return made
