"""sliding_window_counts: rows and ids of a window that slides over the periods."""

from __future__ import annotations

from vedette.engine.catalog import plugin
from vedette.engine.compiler import Compiler
from vedette.engine.plugged import Arguments
from vedette.engine.relations import Rel, name_of
from vedette.engine.timeline import Timeline, names
from vedette.kql.binder.core import Binder
from vedette.kql.binder.naming import Names
from vedette.kql.binder.scope import Scope
from vedette.kql.bound import Relation
from vedette.kql.operators.evaluate import EvaluateOperator
from vedette.kql.types import Type


@plugin(
    "sliding_window_counts", page="sliding-window-counts-plugin",
    about="Rows and ids of the look-back window that ends with each period.",
)  # fmt: skip
def sliding_window_counts(binder: Binder, node: EvaluateOperator, input_: Relation | None, scope: Scope) -> Relation:
    """A window is the last whole periods that fit the look-back, the period itself included; empty ones are left out."""
    args = Arguments(
        binder, node, input_, scope, "IdColumn TimelineColumn Start End LookbackWindow Bin", least=6, more=True
    )
    identity = args.column("IdColumn", "plain")
    line = Timeline(args, "TimelineColumn", "Start", "End", "Bin")
    back = line.size(args.given["LookbackWindow"])
    dims = args.dimensions()
    taken = Names()
    columns = [binder.column(taken.implied(column.name), column.type) for column in (line.column, *dims)]
    measures = [binder.column(taken.implied(name), Type.LONG) for name in ("Count", "Dcount")]

    def write(compiler: Compiler, inputs: list[Rel]) -> str:
        rows = line.rows(compiler, inputs[0], identity, dims, back=back)
        keys = ", ".join(["p", *names(dims)])
        few = compiler.add_cte(f"SELECT {keys}, i, count(*) AS n FROM {rows} GROUP BY {keys}, i")
        window = back
        if not isinstance(line.step, str):
            whole = int(float(str(back)) // float(str(line.step)))
            window = line.step * max(1, whole) if isinstance(line.step, int | float) else back
        periods = line.periods(compiler)
        shown = [
            line.shown("q.q", columns[0]),
            *(f"r.{key} AS {name_of(column)}" for key, column in zip(names(dims), columns[1:], strict=True)),
            f"CAST(sum(r.n) AS BIGINT) AS {name_of(measures[0])}",
            f"count(DISTINCT r.i) AS {name_of(measures[1])}",
        ]
        # the period itself counts, however short the window
        inside = f"r.p <= q.q AND (r.p = q.q OR r.p > q.q - {line.literal(compiler, window)})"
        return (
            f"SELECT {', '.join(shown)} FROM {periods} AS q JOIN {few} AS r ON {inside} "
            f"GROUP BY {', '.join(['q.q', *names(dims, 'r.')])}"
        )

    return args.result([*columns, *measures], write, order=columns)
