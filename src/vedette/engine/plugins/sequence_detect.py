"""sequence_detect: events that meet one condition after the other within limits of time."""

from __future__ import annotations

from vedette.engine.catalog import plugin
from vedette.engine.compiler import Compiler
from vedette.engine.dialect import SQL_TYPES
from vedette.engine.plugged import Arguments, rows_of
from vedette.engine.relations import Rel, name_of
from vedette.engine.timeline import Timeline, names, same
from vedette.engine.windows import staged
from vedette.kql import syntax
from vedette.kql.binder.core import Binder
from vedette.kql.binder.naming import Names
from vedette.kql.binder.scope import Scope
from vedette.kql.bound import Column, ColumnRef, Expr, Relation
from vedette.kql.operators.evaluate import EvaluateOperator
from vedette.kql.types import Type


@plugin(
    "sequence_detect", page="sequence-detect-plugin",
    about="Each way in which events that meet the conditions follow each other within the limits of time.",
)  # fmt: skip
def sequence_detect(binder: Binder, node: EvaluateOperator, input_: Relation | None, scope: Scope) -> Relation:
    """`sequence_detect(Timeline, MaxStep, MaxSpan, conditions..., dimensions...)`; a step comes later than the one before."""
    args = Arguments(
        binder, node, input_, scope, "TimelineColumn MaxSequenceStepWindow MaxSequenceSpan", least=3, more=True
    )
    line = Timeline(args, "TimelineColumn", None, None, "MaxSequenceStepWindow")
    span = line.size(args.given["MaxSequenceSpan"])
    steps: list[tuple[str, Expr]] = []
    rest = list(args.rest)
    while rest:
        value = rest[0].value if isinstance(rest[0], syntax.Assignment) else rest[0]
        bound = args.at.bind(value)
        if bound.type is not Type.BOOL or (
            isinstance(bound, ColumnRef) and steps and not isinstance(rest[0], syntax.Assignment)
        ):
            break
        steps.append((rest[0].names[0].name if isinstance(rest[0], syntax.Assignment) else "", bound))
        rest.pop(0)
    if not steps:
        raise binder.stop(
            "KS119", "The plugin 'sequence_detect' expects at least one condition after the spans", node.call
        )
    taken = Names()
    slices: list[tuple[Column, Expr]] = []
    for item in rest:
        label = item.names[0].name if isinstance(item, syntax.Assignment) else None
        bound = args.at.bind(item.value if isinstance(item, syntax.Assignment) else item)
        if bound.type is Type.DYNAMIC:
            raise binder.stop("KS116", "The value of type 'dynamic' is not allowed here; cast it first", item)
        if label is None:
            label = bound.column.name if isinstance(bound, ColumnRef) else taken.numbered()
        slices.append((binder.column(taken.implied(label), bound.type), bound))
    times = [binder.column(taken.implied(f"{label}_{line.column.name}"), line.type) for label, _ in steps]
    duration = binder.column(taken.implied("Duration"), Type.TIMESPAN)
    dims = [column for column, _ in slices]

    def write(compiler: Compiler, inputs: list[Rel]) -> str:
        emitter = compiler.emitter
        rel = staged(compiler, inputs[0], [value for _, value in [*steps, *slices]])
        rel = rel.wrapped()
        when = name_of(line.column)
        items = [f"{when} AS t"]
        items += [f"{emitter.emit(value)} AS d{index}" for index, (_, value) in enumerate(slices)]
        items += [f"coalesce({emitter.emit(value)}, false) AS e{index}" for index, (_, value) in enumerate(steps)]
        rows = compiler.add_cte(rows_of(rel, items, [f"{when} IS NOT NULL"]))
        chosen = ", ".join(["t", *names(dims)])
        found = [
            compiler.add_cte(f"SELECT DISTINCT {chosen} FROM {rows} WHERE e{index}") for index in range(len(steps))
        ]
        text = f"FROM {found[0]} AS s0"
        step, whole = line.literal(compiler, line.step), line.literal(compiler, span)
        for index in range(1, len(steps)):
            before, own = f"s{index - 1}", f"s{index}"
            text += (
                f" JOIN {found[index]} AS {own} ON {own}.t > {before}.t AND {own}.t <= {before}.t + {step} "
                f"AND {own}.t <= s0.t + {whole}{same(dims, 's0', own)}"
            )
        shown = [f"s0.d{index} AS {name_of(column)}" for index, column in enumerate(dims)]
        shown += [f"s{index}.t AS {name_of(column)}" for index, column in enumerate(times)]
        last = f"s{len(steps) - 1}.t - s0.t"
        shown.append(f"CAST({last} AS {SQL_TYPES[Type.TIMESPAN]}) AS {name_of(duration)}")
        return f"SELECT {', '.join(shown)} {text}"

    return args.result([*dims, *times, duration], write, order=[*dims, *times])
