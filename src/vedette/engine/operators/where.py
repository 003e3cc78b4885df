"""where."""

from __future__ import annotations

from vedette.engine.compiler import Compiler, lowers
from vedette.engine.operators.pushdown import asked_earlier
from vedette.engine.relations import Rel
from vedette.engine.term_candidates import ask, has_few_rows
from vedette.engine.windows import staged
from vedette.kql.binder.operators.where import Where


@lowers(Where)
def where(compiler: Compiler, node: Where) -> Rel:
    """A condition on the rows."""
    early = asked_earlier(compiler, node)
    if early is not None:
        return early
    ask(compiler, node)
    rel = staged(compiler, compiler.rel(node.input), [node.predicate])
    compiler.sql.few_rows = has_few_rows(compiler, node)
    try:
        return rel.filtered(compiler.emitter.true(node.predicate))
    finally:
        compiler.sql.few_rows = False
