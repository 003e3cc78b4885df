"""activity_engagement: the ids of a period beside those of a longer window that ends with it (DAU/MAU)."""

from __future__ import annotations

from vedette.engine.catalog import plugin
from vedette.engine.compiler import Compiler
from vedette.engine.plugged import Arguments
from vedette.engine.relations import Rel, name_of
from vedette.engine.timeline import Timeline, names, same
from vedette.kql.binder.core import Binder
from vedette.kql.binder.naming import Names
from vedette.kql.binder.scope import Scope
from vedette.kql.bound import Relation
from vedette.kql.operators.evaluate import EvaluateOperator
from vedette.kql.types import Type


@plugin(
    "activity_engagement", page="activity-engagement-plugin",
    about="Ids of each inner period, of the outer window that ends with it, and their ratio.",
)  # fmt: skip
def activity_engagement(binder: Binder, node: EvaluateOperator, input_: Relation | None, scope: Scope) -> Relation:
    """`activity_engagement(Id, Timeline, [Start, End,] Inner, Outer [, dimensions])`."""
    args = Arguments(binder, node, input_, scope, "IdColumn TimelineColumn", least=2, more=True)
    identity = args.column("IdColumn", "plain")
    rest = args.rest
    if len(rest) not in (2,) and len(rest) < 4:
        raise args.wrong_count(4, None)
    used = ("Inner", "Outer") if len(rest) == 2 else ("Start", "End", "Inner", "Outer")
    args.given |= dict(zip(used, rest, strict=False))
    bounded = len(used) == 4
    line = Timeline(args, "TimelineColumn", "Start" if bounded else None, "End" if bounded else None, "Inner")
    outer = line.size(args.given["Outer"])
    dims = args.dimensions(rest[len(used) :])
    taken = Names()
    columns = [binder.column(taken.implied(column.name), column.type) for column in (line.column, *dims)]
    measures = [
        *(
            binder.column(taken.implied(name), Type.LONG)
            for name in ("dcount_activities_inner", "dcount_activities_outer")
        ),
        binder.column(taken.implied("activity_ratio"), Type.REAL),
    ]

    def write(compiler: Compiler, inputs: list[Rel]) -> str:
        rows = line.rows(compiler, inputs[0], identity, dims, back=outer if bounded else None)
        keys = ", ".join(["p", *names(dims)])
        ids = compiler.add_cte(f"SELECT DISTINCT {keys}, i FROM {rows} WHERE i IS NOT NULL")
        after = f" WHERE p >= {line.literal(compiler, line.start)}" if bounded else ""
        inner = compiler.add_cte(f"SELECT {keys}, count(*) AS n FROM {ids}{after} GROUP BY {keys}")
        shown = [
            line.shown("a.p", columns[0]),
            *(f"a.{key} AS {name_of(column)}" for key, column in zip(names(dims), columns[1:], strict=True)),
        ]
        values = ["any_value(a.n)", "count(DISTINCT o.i)", "any_value(a.n) / CAST(count(DISTINCT o.i) AS DOUBLE)"]
        shown += [f"{value} AS {name_of(column)}" for value, column in zip(values, measures, strict=True)]
        window = f"o.p <= a.p AND o.p > a.p - {line.literal(compiler, outer)}"
        return (
            f"SELECT {', '.join(shown)} FROM {inner} AS a JOIN {ids} AS o ON {window}{same(dims, 'a', 'o')} "
            f"GROUP BY {', '.join(['a.p', *names(dims, 'a.')])}"
        )

    return args.result([*columns, *measures], write, order=columns)
