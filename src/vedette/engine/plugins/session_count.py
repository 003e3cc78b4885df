"""session_count: how many sessions begin in each period."""

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


@plugin("session_count", about="How many sessions begin in each period.", page="session-count-plugin")
def session_count(binder: Binder, node: EvaluateOperator, input_: Relation | None, scope: Scope) -> Relation:
    """A session begins where an id was not seen for the look-back window or longer; rows before the start tell too."""
    args = Arguments(
        binder, node, input_, scope, "IdColumn TimelineColumn Start End Bin LookBackWindow", least=6, more=True
    )
    identity = args.column("IdColumn", "plain")
    line = Timeline(args, "TimelineColumn", "Start", "End", "Bin")
    back = line.size(args.given["LookBackWindow"])
    dims = args.dimensions()
    taken = Names()
    columns = [binder.column(taken.implied(column.name), column.type) for column in (line.column, *dims)]
    count = binder.column(taken.implied("count_sessions"), Type.LONG)

    def write(compiler: Compiler, inputs: list[Rel]) -> str:
        rows = line.rows(compiler, inputs[0], identity, dims, back=back, aligned=False)
        keys = names(dims)
        gaps = compiler.add_cte(
            f"SELECT *, lag(t) OVER (PARTITION BY {', '.join(['i', *keys])} ORDER BY t) AS l "
            f"FROM {rows} WHERE i IS NOT NULL"
        )
        shown = [
            line.shown("p", columns[0]),
            *(f"{key} AS {name_of(c)}" for key, c in zip(keys, columns[1:], strict=True)),
        ]
        new = f"(l IS NULL OR t - l >= {line.literal(compiler, back)})"
        start = line.literal(compiler, line.start)
        return (
            f"SELECT {', '.join(shown)}, count(*) AS {name_of(count)} FROM {gaps} "
            f"WHERE t >= {start} AND {new} GROUP BY {', '.join(['p', *keys])}"
        )

    return args.result([*columns, count], write, order=columns)
