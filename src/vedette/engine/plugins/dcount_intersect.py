"""dcount_intersect: how many distinct values sketches have in common."""

from __future__ import annotations

from vedette.engine.catalog import plugin
from vedette.engine.compiler import Compiler
from vedette.engine.fragment import Fragment
from vedette.engine.plugged import Arguments
from vedette.engine.relations import Rel, name_of
from vedette.engine.sketches import common_hashes
from vedette.kql.binder.core import Binder
from vedette.kql.binder.naming import Names
from vedette.kql.binder.scope import Scope
from vedette.kql.bound import Relation
from vedette.kql.operators.evaluate import EvaluateOperator
from vedette.kql.types import Type


def common(*sketches: object) -> int | None:
    """How many values all sketches have seen."""
    return common_hashes(sketches)


@plugin(
    "dcount_intersect", page="dcount-intersect-plugin",
    about="How many distinct values the first sketch has seen, the first two in common, the first three, and so on.",
)  # fmt: skip
def dcount_intersect(binder: Binder, node: EvaluateOperator, input_: Relation | None, scope: Scope) -> Relation:
    """The input's columns, then s0, s1 ... of each row."""
    args = Arguments(binder, node, input_, scope, "hll1 hll2", least=2, more=True)
    nodes = [args.given["hll1"], args.given["hll2"], *args.rest]
    values = []
    for place in nodes:
        value = args.at.bind(place)
        if value.type not in (Type.DYNAMIC, Type.UNKNOWN):
            raise binder.stop("KS234", "The expression value must be a dynamic array that hll() makes", place)
        values.append(value)
    taken = Names([column.name for column in args.input.visible])
    added = [binder.column(taken.implied(f"s{index}"), Type.LONG) for index in range(len(values))]

    def write(compiler: Compiler, inputs: list[Rel]) -> Rel:
        sketches = [compiler.emitter.emit(value) for value in values]
        items = []
        for index, column in enumerate(added):
            some = [Fragment(sketch.sql, Type.DYNAMIC) for sketch in sketches[: index + 1]]
            items.append(f"{compiler.sql.row('dcount_intersect', common, Type.LONG, *some)} AS {name_of(column)}")
        return inputs[0].extended(items, (*args.input.columns, *added))

    columns = (*args.input.columns, *added)
    return args.result(columns, write, serialized=args.input.serialized, open_=args.input.open)
