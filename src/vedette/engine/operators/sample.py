"""sample."""

from __future__ import annotations

from vedette.engine.compiler import Compiler, lowers
from vedette.engine.relations import OrderKey, Rel
from vedette.kql.binder.operators.sample import Sample


@lowers(Sample)
def sample(compiler: Compiler, node: Sample) -> Rel:
    """The first rows in a random order, so that each is as likely as any other."""
    chance = compiler.fresh()
    rel = compiler.rel(node.input).extended([f"random() AS {chance}"], node.columns).wrapped()
    return rel.ordered([OrderKey(chance)]).limited(str(node.count))
