"""active_users_count: ids that were there in enough periods of a look-back window."""

from __future__ import annotations

from vedette.engine.catalog import plugin
from vedette.engine.compiler import Compiler
from vedette.engine.fragment import Fragment
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
    "active_users_count", page="active-users-count-plugin",
    about="Ids of each bin that were there in enough periods of the look-back window that ends with an appearance.",
)  # fmt: skip
def active_users_count(binder: Binder, node: EvaluateOperator, input_: Relation | None, scope: Scope) -> Relation:
    """The look-back window of an appearance ends with it and does not hold its own first moment."""
    parameters = "IdColumn TimelineColumn Start End LookbackWindow Period ActivePeriodsCount Bin"
    args = Arguments(binder, node, input_, scope, parameters, least=8, more=True)
    identity = args.column("IdColumn", "plain")
    line = Timeline(args, "TimelineColumn", "Start", "End", "Bin")
    back, size = line.size(args.given["LookbackWindow"]), line.size(args.given["Period"])
    wanted = args.constant("ActivePeriodsCount", "summable")
    dims = args.dimensions()
    taken = Names()
    columns = [binder.column(taken.implied(column.name), column.type) for column in (line.column, *dims)]
    count = binder.column(taken.implied("dcount"), Type.LONG)

    def write(compiler: Compiler, inputs: list[Rel]) -> str:
        timed = line.type in (Type.DATETIME, Type.TIMESPAN)
        number = Type.REAL if isinstance(size, float) else Type.LONG
        step = Fragment(line.literal(compiler, size), Type.TIMESPAN if timed else number)
        slot = binder.catalog.scalars["bin"].emit(compiler.sql, Fragment(name_of(line.column), line.type), step)
        rows = line.rows(compiler, inputs[0], identity, dims, back=back, extra=(f"{slot} AS s",))
        keys = "".join(names(dims, ", "))
        seen = compiler.add_cte(f"SELECT DISTINCT t, p, s, i{keys} FROM {rows} WHERE i IS NOT NULL")
        bar = f"{compiler.sql.literal(wanted, Type.REAL)}"
        if line.type in (Type.REAL, Type.DECIMAL) or isinstance(back, float):
            near = f"y.i = x.i{same(dims, 'x', 'y')} AND y.t <= x.t AND y.t > x.t - {line.literal(compiler, back)}"
            owns = ", ".join(["x.t", "x.p", "x.i", *names(dims, "x.")])
            active = (
                f"SELECT {owns} FROM {seen} AS x JOIN {seen} AS y ON {near} "
                f"GROUP BY {owns} HAVING count(DISTINCT y.s) >= {bar}"
            )
        else:
            # of whole numbers the window can leave out its first moment by itself
            frame = f"RANGE BETWEEN {line.literal(compiler, int(str(back)) - 1)} PRECEDING AND CURRENT ROW"
            over = f"PARTITION BY {', '.join(['i', *names(dims)])} ORDER BY t {frame}"
            active = f"SELECT * FROM {seen} QUALIFY count(DISTINCT s) OVER ({over}) >= {bar}"
        shown = [
            line.shown("p", columns[0]),
            *(f"{key} AS {name_of(column)}" for key, column in zip(names(dims), columns[1:], strict=True)),
        ]
        return (
            f"SELECT {', '.join(shown)}, count(DISTINCT i) AS {name_of(count)} FROM ({active}) "
            f"WHERE t >= {line.literal(compiler, line.start)} GROUP BY {', '.join(['p', *names(dims)])}"
        )

    return args.result([*columns, count], write, order=columns)
