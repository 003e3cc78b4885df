"""render."""

from __future__ import annotations

from vedette.engine.compiler import Compiler, lowers
from vedette.engine.relations import Rel
from vedette.kql.binder.operators.render import Render


@lowers(Render)
def render(compiler: Compiler, node: Render) -> Rel:
    """The rows as they are."""
    return compiler.rel(node.input)
