"""activity_counts_metrics: counts of each period beside all periods before it."""

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
    "activity_counts_metrics", page="activity-counts-metrics-plugin",
    about="Rows, ids, ids never seen before and ids seen so far, in each period.",
)  # fmt: skip
def activity_counts_metrics(binder: Binder, node: EvaluateOperator, input_: Relation | None, scope: Scope) -> Relation:
    """The timeline's period and the dimensions, then count, dcount, new_dcount and aggregated_dcount."""
    args = Arguments(binder, node, input_, scope, "IdColumn TimelineColumn Start End Step", least=5, more=True)
    identity = args.column("IdColumn", "plain")
    line = Timeline(args, "TimelineColumn", "Start", "End", "Step")
    dims = args.dimensions()
    taken = Names()
    columns = [binder.column(taken.implied(column.name), column.type) for column in (line.column, *dims)]
    measures = [
        binder.column(taken.implied(name), Type.LONG) for name in ("count", "dcount", "new_dcount", "aggregated_dcount")
    ]

    def write(compiler: Compiler, inputs: list[Rel]) -> str:
        rows = line.rows(compiler, inputs[0], identity, dims)
        keys = ", ".join(["p", *names(dims)])
        per = compiler.add_cte(f"SELECT {keys}, count(*) AS n, count(DISTINCT i) AS u FROM {rows} GROUP BY {keys}")
        own = ", ".join(["i", *names(dims)])
        firsts = f"SELECT min(p) AS p, {own} FROM {rows} WHERE i IS NOT NULL GROUP BY {own}"
        new = compiler.add_cte(f"SELECT {keys}, count(*) AS k FROM ({firsts}) GROUP BY {keys}")
        shown = [
            line.shown("a.p", columns[0]),
            *(f"a.{key} AS {name_of(column)}" for key, column in zip(names(dims), columns[1:], strict=True)),
        ]
        parts = f"PARTITION BY {', '.join(names(dims, 'a.'))} " if dims else ""
        values = [
            "a.n", "a.u", "coalesce(b.k, 0)",
            f"CAST(sum(coalesce(b.k, 0)) OVER ({parts}ORDER BY a.p) AS BIGINT)",
        ]  # fmt: skip
        shown += [f"{value} AS {name_of(column)}" for value, column in zip(values, measures, strict=True)]
        return f"SELECT {', '.join(shown)} FROM {per} AS a LEFT JOIN {new} AS b ON a.p = b.p{same(dims, 'a', 'b')}"

    return args.result([*columns, *measures], write, order=columns)
