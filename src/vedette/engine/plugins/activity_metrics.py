"""activity_metrics: ids of each period beside those of the period before."""

from __future__ import annotations

from vedette.engine.catalog import plugin
from vedette.engine.compiler import Compiler
from vedette.engine.plugged import Arguments
from vedette.engine.relations import Rel, name_of
from vedette.engine.timeline import Timeline, names, same
from vedette.kql.binder.core import Binder
from vedette.kql.binder.naming import Names
from vedette.kql.binder.scope import Scope
from vedette.kql.bound import ColumnRef, Relation
from vedette.kql.operators.evaluate import EvaluateOperator
from vedette.kql.types import Type


@plugin(
    "activity_metrics", page="activity-metrics-plugin",
    about="Ids of each period, how many are new since the period before, and how many of those before came back.",
)  # fmt: skip
def activity_metrics(binder: Binder, node: EvaluateOperator, input_: Relation | None, scope: Scope) -> Relation:
    """`activity_metrics(Id, Timeline, [Start, End,] Step [, dimensions])`; where nobody was before, retention is 1."""
    args = Arguments(binder, node, input_, scope, "IdColumn TimelineColumn", least=2, more=True)
    identity = args.column("IdColumn", "plain")
    rest = args.rest
    # with fewer arguments, or with a column after the step, the ends of the analysis are those of the data
    short = len(rest) < 3 or isinstance(args.at.bind(rest[1]), ColumnRef)
    if not rest or (short and len(rest) == 2 and not isinstance(args.at.bind(rest[1]), ColumnRef)):
        raise binder.stop("KS119", "The plugin 'activity_metrics' expects the step of its periods", node.call)
    used = ("Step",) if short else ("Start", "End", "Step")
    args.given |= dict(zip(used, rest, strict=False))
    line = Timeline(args, "TimelineColumn", None if short else "Start", None if short else "End", "Step")
    dims = args.dimensions(rest[len(used) :])
    taken = Names()
    columns = [binder.column(taken.implied(column.name), column.type) for column in (line.column, *dims)]
    measures = [
        *(binder.column(taken.implied(name), Type.LONG) for name in ("dcount_values", "dcount_newvalues")),
        *(binder.column(taken.implied(name), Type.REAL) for name in ("retention_rate", "churn_rate")),
    ]

    def write(compiler: Compiler, inputs: list[Rel]) -> str:
        rows = line.rows(compiler, inputs[0], identity, dims)
        keys = ", ".join(["p", *names(dims)])
        ids = compiler.add_cte(
            f"SELECT {keys}, i, {line.before(compiler, 'p')} AS b FROM "
            f"(SELECT DISTINCT {keys}, i FROM {rows} WHERE i IS NOT NULL)"
        )
        now = compiler.add_cte(f"SELECT {keys}, any_value(b) AS b, count(*) AS n FROM {ids} GROUP BY {keys}")
        again = compiler.add_cte(
            f"SELECT {', '.join(['x.p', *names(dims, 'x.')])}, count(*) AS k FROM {ids} AS x JOIN {ids} AS y "
            f"ON y.p = x.b AND y.i = x.i{same(dims, 'x', 'y')} GROUP BY {', '.join(['x.p', *names(dims, 'x.')])}"
        )
        shown = [
            line.shown("a.p", columns[0]),
            *(f"a.{key} AS {name_of(column)}" for key, column in zip(names(dims), columns[1:], strict=True)),
        ]
        stayed = "CAST(coalesce(k.k, 0) AS DOUBLE)"
        values = [
            "a.n", "a.n - coalesce(k.k, 0)",
            f"CASE WHEN z.n IS NULL THEN 1.0 ELSE {stayed} / z.n END",
            f"CASE WHEN z.n IS NULL THEN 0.0 ELSE (z.n - {stayed}) / z.n END",
        ]  # fmt: skip
        shown += [f"CAST({value} AS {'BIGINT' if column.type is Type.LONG else 'DOUBLE'}) AS {name_of(column)}"
                  for value, column in zip(values, measures, strict=True)]  # fmt: skip
        return (
            f"SELECT {', '.join(shown)} FROM {now} AS a LEFT JOIN {again} AS k ON a.p = k.p{same(dims, 'a', 'k')} "
            f"LEFT JOIN {now} AS z ON z.p = a.b{same(dims, 'a', 'z')}"
        )

    return args.result([*columns, *measures], write, order=columns)
