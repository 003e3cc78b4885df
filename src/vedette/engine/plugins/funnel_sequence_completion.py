"""funnel_sequence_completion: how many ids get how far in a sequence of states, for several limits of time."""

from __future__ import annotations

from vedette.engine.catalog import plugin
from vedette.engine.compiler import Compiler
from vedette.engine.fragment import Fragment
from vedette.engine.plugged import Arguments
from vedette.engine.relations import Rel, name_of
from vedette.engine.timeline import Timeline
from vedette.kql import syntax, ticks
from vedette.kql.binder.core import Binder
from vedette.kql.binder.naming import Names
from vedette.kql.binder.scope import Scope
from vedette.kql.bound import Relation
from vedette.kql.operators.evaluate import EvaluateOperator
from vedette.kql.types import NUMBERS, Type


def state_texts(args: Arguments, name: str) -> list[str]:
    """The states of a sequence as text; an empty list where nothing may run."""
    value = args.constant(name, "dynamic")
    if value is None:
        return []
    if not isinstance(value, list) or not value:
        raise args.binder.stop("KS234", "An array of states is expected here", args.given[name])
    return ["" if item is None else str(item) for item in value]


def spans(args: Arguments, name: str, line: Timeline) -> list[int | float]:
    """The limits of time of an array: ticks, text of a timespan, or numbers where the timeline has numbers."""
    value = args.constant(name, "dynamic")
    if value is None:
        return []
    place: syntax.Node = args.given[name]
    if not isinstance(value, list) or not value:
        raise args.binder.stop("KS234", "An array of timespans is expected here", place)
    found: list[int | float] = []
    for item in value:
        size = ticks.parse_timespan(item) if isinstance(item, str) and line.type not in NUMBERS else item
        if isinstance(size, bool) or not isinstance(size, int | float):
            raise args.binder.stop("VDT1008", f"'{item}' is not a timespan", place)
        found.append(size)
    return found


@plugin(
    "funnel_sequence_completion", page="funnel-sequence-completion-plugin",
    about="How many ids reach each state of a sequence within each of several spans of time.",
)  # fmt: skip
def funnel_sequence_completion(
    binder: Binder, node: EvaluateOperator, input_: Relation | None, scope: Scope
) -> Relation:
    """Each bin by itself; a span is from the first state of the sequence to the one reached, each later than the last."""
    parameters = "IdColumn TimelineColumn Start End BinSize StateColumn Sequence MaxSequenceStepWindows"
    args = Arguments(binder, node, input_, scope, parameters, least=8)
    identity = args.column("IdColumn", "plain")
    line = Timeline(args, "TimelineColumn", "Start", "End", "BinSize")
    state = args.column("StateColumn", "plain")
    sequence, limits = state_texts(args, "Sequence"), spans(args, "MaxSequenceStepWindows", line)
    taken = Names()
    when = binder.column(taken.implied(line.column.name), line.type)
    label = binder.column(taken.implied(state.name), Type.STRING)
    period = binder.column(taken.implied("Period"), Type.TIMESPAN)
    count = binder.column(taken.implied("dcount"), Type.LONG)

    def write(compiler: Compiler, inputs: list[Rel]) -> str:
        sql = compiler.sql
        text = sql.tostring(Fragment(name_of(state), state.type, state.type is not Type.STRING))
        rows = line.rows(compiler, inputs[0], identity, [], extra=(f"{text} AS e",))
        # f: the latest moment at which a sequence that has come as far as this row began
        at = compiler.add_cte(
            f"SELECT DISTINCT i, p, t, t AS f FROM {rows} WHERE i IS NOT NULL AND e = {sql.quote(sequence[0])}"
        )
        reached = [at]
        for wanted in sequence[1:]:
            both = (
                f"SELECT i, p, t, f, false AS own FROM {at} UNION ALL "
                f"SELECT DISTINCT i, p, t, NULL, true FROM {rows} WHERE i IS NOT NULL AND e = {sql.quote(wanted)}"
            )
            # rows of one moment do not follow each other: those asked about stand before those that count
            over = "PARTITION BY i, p ORDER BY t, own DESC ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"
            at = compiler.add_cte(
                f"SELECT i, p, t, f FROM (SELECT i, p, t, own, max(f) OVER ({over}) AS f FROM ({both})) "
                f"WHERE own AND f IS NOT NULL"
            )
            reached.append(at)
        parts = []
        for number, limit in enumerate(limits):
            for step, cte in enumerate(reached):
                within = f"t - f <= {line.literal(compiler, limit)}"
                parts.append(
                    f"SELECT {line.shown('p', when)}, {sql.quote(sequence[step])} AS {name_of(label)}, "
                    f"CAST({int(limit)} AS BIGINT) AS {name_of(period)}, count(DISTINCT i) AS {name_of(count)}, "
                    f"{number} AS k, {step} AS s FROM {cte} WHERE {within} GROUP BY p"
                )
        shown = ", ".join(name_of(column) for column in (when, label, period, count))
        return f"SELECT {shown} FROM ({' UNION ALL '.join(parts)}) ORDER BY {name_of(when)}, k, s"

    return args.result([when, label, period, count], write)
