"""preview: the first rows."""

from __future__ import annotations

from vedette.engine.catalog import plugin
from vedette.engine.compiler import Compiler
from vedette.engine.plugged import Arguments
from vedette.engine.relations import Rel
from vedette.kql.binder.core import Binder
from vedette.kql.binder.scope import Scope
from vedette.kql.bound import Relation
from vedette.kql.operators.evaluate import EvaluateOperator


@plugin(
    "preview", about="Up to so many rows of the input; the table with their number is not given.", page="preview-plugin"
)
def preview(binder: Binder, node: EvaluateOperator, input_: Relation | None, scope: Scope) -> Relation:
    """The same rows as `take`."""
    args = Arguments(binder, node, input_, scope, "NumberOfRows", least=1)
    count = args.constant("NumberOfRows", "integer")
    if isinstance(count, int) and count < 0:
        raise binder.stop("VDT1008", "The number of rows may not be negative", args.given["NumberOfRows"])

    def write(compiler: Compiler, inputs: list[Rel]) -> Rel:
        return inputs[0].limited(str(int(str(count))))

    return args.result(args.input.columns, write, open_=args.input.open)
