"""where."""

from __future__ import annotations

from vedette.engine.compiler import Compiler, lowers
from vedette.engine.relations import Rel
from vedette.kql.binder.operators.where import Where


@lowers(Where)
def where(compiler: Compiler, node: Where) -> Rel:
    """A condition on the rows."""
    rel = compiler.rel(node.input)
    compiler.emitter.over = rel.over()
    return rel.filtered(compiler.emitter.true(node.predicate))
