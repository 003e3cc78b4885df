"""rolling_percentile: a percentile over a window of the last bins."""

from __future__ import annotations

from vedette.engine.catalog import plugin
from vedette.engine.compiler import Compiler
from vedette.engine.dialect import SQL_TYPES
from vedette.engine.fragment import Fragment
from vedette.engine.plugged import Arguments
from vedette.engine.relations import Rel, name_of
from vedette.engine.timeline import Timeline, names, same
from vedette.kql import syntax
from vedette.kql.binder.core import Binder
from vedette.kql.binder.naming import Names
from vedette.kql.binder.scope import Scope
from vedette.kql.bound import Relation
from vedette.kql.operators.evaluate import EvaluateOperator
from vedette.kql.types import NUMBERS, Type


@plugin(
    "rolling_percentile", page="rolling-percentile-plugin",
    about="The percentile of a column over the bins of a window that ends with each bin.",
)  # fmt: skip
def rolling_percentile(binder: Binder, node: EvaluateOperator, input_: Relation | None, scope: Scope) -> Relation:
    """`rolling_percentile(Value, Percentile, Index, BinSize, BinsPerWindow [, dimensions])`, by nearest rank."""
    parameters = "ValueColumn Percentile IndexColumn BinSize BinsPerWindow"
    args = Arguments(binder, node, input_, scope, parameters, least=5, more=True)
    value = args.column("ValueColumn", "summable")
    percent = args.constant("Percentile")
    if args.fixed(args.given["Percentile"])[0] not in NUMBERS:
        raise binder.stop("KS127", "The percentile is a number from 0 to 100", args.given["Percentile"])
    line = Timeline(args, "IndexColumn", None, None, "BinSize")
    bins = args.constant("BinsPerWindow", "integer")
    if isinstance(bins, int) and bins < 1:
        raise binder.stop("VDT1008", "A window has at least one bin", args.given["BinsPerWindow"])
    dims = args.dimensions()
    taken = Names()
    columns = [binder.column(taken.implied(column.name), column.type) for column in (line.column, *dims)]
    label = f"rolling_{_text(args, 'BinsPerWindow')}_percentile_{value.name}_{_text(args, 'Percentile')}"
    result = binder.column(taken.implied(label), value.type)

    def write(compiler: Compiler, inputs: list[Rel]) -> str:
        rows = line.rows(compiler, inputs[0], None, dims, extra=(f"{name_of(value)} AS v",))
        keys = ", ".join(["p", *names(dims)])
        found = compiler.add_cte(f"SELECT DISTINCT {keys} FROM {rows}")
        share = min(max(float(str(percent)), 0.0), 100.0)
        one = binder.catalog.aggregates["percentile"].emit(
            compiler.sql, Fragment("r.v", value.type), compiler.sql.literal(share, Type.REAL)
        )
        shown = [
            line.shown("a.p", columns[0]),
            *(f"a.{key} AS {name_of(column)}" for key, column in zip(names(dims), columns[1:], strict=True)),
            f"CAST({one} AS {SQL_TYPES[result.type]}) AS {name_of(result)}",
        ]
        reach = f"{line.literal(compiler, line.step)} * {bins}"
        return (
            f"SELECT {', '.join(shown)} FROM {found} AS a JOIN {rows} AS r "
            f"ON r.p <= a.p AND r.p > a.p - {reach}{same(dims, 'a', 'r')} "
            f"GROUP BY {', '.join(['a.p', *names(dims, 'a.')])}"
        )

    return args.result([*columns, result], write, order=columns)


def _text(args: Arguments, name: str) -> str:
    """A constant as a name has it."""
    given = args.given[name]
    value = given.value if isinstance(given, syntax.Literal) else args.constant(name)
    return f"{value:g}" if isinstance(value, float) else str(value)
