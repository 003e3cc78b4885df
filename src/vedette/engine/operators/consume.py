"""consume."""

from __future__ import annotations

from vedette.engine.compiler import Compiler, lowers
from vedette.engine.relations import Rel
from vedette.kql.binder.operators.consume import Consume


@lowers(Consume)
def consume(compiler: Compiler, node: Consume) -> Rel:
    """The count of the rows is below nothing: they are read, and no row comes out."""
    rel = compiler.rel(node.input).wrapped()
    return Rel(f"(SELECT n FROM (SELECT count(*) AS n FROM ({rel.text()})) WHERE n < 0)", node.columns)
