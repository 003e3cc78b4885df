"""`graph-mark-components`: gives each node the number of its connected component."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vedette.kql.node import node
from vedette.kql.syntax import Name, Operator

if TYPE_CHECKING:
    from vedette.kql.parser import Parser

COMPONENT_KINDS = ("weak", "strong")


@node
class GraphMarkComponentsOperator(Operator):
    """`graph-mark-components kind = weak|strong with_component_id = name`."""

    kind: str
    """`weak` (also where the text does not say) or `strong`."""
    component_id: Name | None
    """The new column; `ComponentId` where the text gives none."""


def parse_graph_mark_components(p: Parser, start: int) -> GraphMarkComponentsOperator:
    """After the keyword."""
    parameters = p.parameters(("kind", "with_component_id"))
    kind = p.choice(parameters.get("kind"), "kind of component", COMPONENT_KINDS, "weak")
    component_id = p.declared_name(parameters.get("with_component_id"))
    return GraphMarkComponentsOperator(kind, component_id, start=start, end=p.last_end)
