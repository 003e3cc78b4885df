"""rows_near: the rows around those that meet a condition."""

from __future__ import annotations

from vedette.engine.catalog import plugin
from vedette.engine.compiler import Compiler
from vedette.engine.plugged import Arguments
from vedette.engine.relations import Rel
from vedette.engine.windows import staged
from vedette.kql.binder.core import Binder
from vedette.kql.binder.scope import Scope
from vedette.kql.bound import Relation
from vedette.kql.operators.evaluate import EvaluateOperator


@plugin(
    "rows_near", about="Rows at most so many rows before or after one that meets a condition.", page="rows-near-plugin"
)
def rows_near(binder: Binder, node: EvaluateOperator, input_: Relation | None, scope: Scope) -> Relation:
    """`rows_near(Condition, NumRows [, NumRowsAfter])`, in the order of the input."""
    args = Arguments(binder, node, input_, scope, "Condition NumRows NumRowsAfter", least=2)
    condition = args.expression("Condition", "bool")
    before = args.constant("NumRows", "integer")
    after = args.option("NumRowsAfter", before, "integer")
    for name, count in (("NumRows", before), ("NumRowsAfter", after)):
        if isinstance(count, int) and count < 0:
            raise binder.stop("VDT1008", "The number of rows may not be negative", args.given[name])

    def write(compiler: Compiler, inputs: list[Rel]) -> Rel:
        rel = compiler.with_order(staged(compiler, inputs[0], [condition]))
        near = compiler.fresh()
        frame = f"ROWS BETWEEN {after} PRECEDING AND {before} FOLLOWING"
        test = f"coalesce({compiler.emitter.emit(condition)}, false)"
        marked = rel.extended([f"bool_or({test}) OVER (ORDER BY {rel.ordering()} {frame}) AS {near}"], rel.columns)
        return marked.wrapped().filtered(near)

    return args.result(args.input.columns, write, serialized=args.input.serialized, open_=args.input.open)
