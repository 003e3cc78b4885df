"""new_activity_metrics: how long the ids that are new in a period keep coming."""

from __future__ import annotations

from vedette.engine.catalog import plugin
from vedette.engine.compiler import Compiler
from vedette.engine.plugged import Arguments, rows_of
from vedette.engine.relations import Rel, name_of
from vedette.engine.timeline import Timeline, names, same
from vedette.kql.binder.core import Binder
from vedette.kql.binder.naming import Names
from vedette.kql.binder.scope import Scope
from vedette.kql.bound import Column, ColumnRef, Relation
from vedette.kql.operators.evaluate import EvaluateOperator
from vedette.kql.types import Type


@plugin(
    "new_activity_metrics", page="new-activity-metrics-plugin",
    about="For ids first seen in a period: how many of them come in each later period, and how many stay away.",
)  # fmt: skip
def new_activity_metrics(binder: Binder, node: EvaluateOperator, input_: Relation | None, scope: Scope) -> Relation:
    """Cohorts (ids first seen in a period) against every period from theirs on; ids of the look-back are never new."""
    args = Arguments(binder, node, input_, scope, "IdColumn TimelineColumn Start End Window", least=5, more=True)
    identity = args.column("IdColumn", "plain")
    line = Timeline(args, "TimelineColumn", "Start", "End", "Window")
    rest = list(args.rest)
    lookback: Relation | None = None
    if rest and binder.is_tabular(rest[-1], scope):
        lookback = binder.tabular(rest.pop(), scope)
    cohort: object = None
    if rest and not isinstance(args.at.bind(rest[0]), ColumnRef):
        first = rest.pop(0)
        cohort = line.moment(first)
    dims = args.dimensions(rest)
    known = _identities(binder, args, lookback, identity)
    taken = Names()
    name = line.column.name
    ends = [binder.column(taken.implied(f"{side}_{name}"), line.type) for side in ("from", "to")]
    slices = [binder.column(taken.implied(dim.name), dim.type) for dim in dims]
    counts = ("dcount_new_values", "dcount_retained_values", "dcount_churn_values")
    measures = [
        *(binder.column(taken.implied(name), Type.LONG) for name in counts),
        *(binder.column(taken.implied(name), Type.REAL) for name in ("retention_rate", "churn_rate")),
    ]

    def write(compiler: Compiler, inputs: list[Rel]) -> str:
        rows = line.rows(compiler, inputs[0], identity, dims)
        keys = "".join(names(dims, ", "))
        fresh = " WHERE i IS NOT NULL"
        if known is not None:
            old = compiler.add_cte(rows_of(inputs[1], [f"{name_of(known)} AS v"], [f"{name_of(known)} IS NOT NULL"]))
            fresh += f" AND i NOT IN (SELECT v FROM {old})"
        firsts = compiler.add_cte(f"SELECT i{keys}, min(p) AS f FROM {rows}{fresh} GROUP BY i{keys}")
        cohorts = compiler.add_cte(f"SELECT f{keys}, count(*) AS n FROM {firsts} GROUP BY f{keys}")
        seen = compiler.add_cte(
            f"SELECT r.p, f.f{''.join(names(dims, ', f.'))}, count(DISTINCT r.i) AS k FROM {rows} AS r JOIN {firsts} AS f "
            f"ON r.i = f.i{same(dims, 'r', 'f')} GROUP BY r.p, f.f{''.join(names(dims, ', f.'))}"
        )
        periods = line.periods(compiler)
        only = ""
        if cohort is not None:
            only = f" WHERE a.f = {line.period(compiler, line.literal(compiler, cohort))}"
        shown = [
            line.shown("a.f", ends[0]), line.shown("q.q", ends[1]),
            *(f"a.{key} AS {name_of(column)}" for key, column in zip(names(dims), slices, strict=True)),
        ]  # fmt: skip
        stayed = "coalesce(sum(s.k) FILTER (WHERE s.f = a.f), 0)"
        newer = "coalesce(sum(s.k) FILTER (WHERE s.f > a.f), 0)"
        values = [
            f"CASE WHEN q.q = a.f THEN any_value(a.n) ELSE {newer} END", stayed, f"any_value(a.n) - {stayed}",
            f"CAST({stayed} AS DOUBLE) / any_value(a.n)",
            f"CAST(any_value(a.n) - {stayed} AS DOUBLE) / any_value(a.n)",
        ]  # fmt: skip
        shown += [f"CAST({value} AS {'BIGINT' if column.type is Type.LONG else 'DOUBLE'}) AS {name_of(column)}"
                  for value, column in zip(values, measures, strict=True)]  # fmt: skip
        return (
            f"SELECT {', '.join(shown)} FROM {cohorts} AS a JOIN {periods} AS q ON q.q >= a.f "
            f"LEFT JOIN {seen} AS s ON s.p = q.q AND s.f >= a.f{same(dims, 'a', 's')}{only} "
            f"GROUP BY a.f, q.q{''.join(names(dims, ', a.'))}"
        )

    others = () if lookback is None else (lookback,)
    return args.result([*ends, *slices, *measures], write, *others, order=[*slices, *ends])


def _identities(binder: Binder, args: Arguments, lookback: Relation | None, identity: Column) -> Column | None:
    """The column of the look-back that holds ids: the one of the same name, or the only one."""
    if lookback is None:
        return None
    columns = lookback.visible
    found = next((column for column in columns if column.name == identity.name), None)
    if found is None and len(columns) == 1:
        found = columns[0]
    if found is None:
        message = f"The look-back table has no column '{identity.name}', which holds the ids"
        raise binder.stop("KS142", message, args.rest[-1])
    return found
