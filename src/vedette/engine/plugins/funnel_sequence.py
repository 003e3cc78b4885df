"""funnel_sequence: what comes before and after a sequence of states."""

from __future__ import annotations

from vedette.engine.catalog import plugin
from vedette.engine.compiler import Compiler
from vedette.engine.fragment import Fragment
from vedette.engine.plugged import Arguments
from vedette.engine.plugins.funnel_sequence_completion import state_texts
from vedette.engine.relations import Rel, name_of
from vedette.engine.timeline import Timeline
from vedette.kql.binder.core import Binder
from vedette.kql.binder.naming import Names
from vedette.kql.binder.scope import Scope
from vedette.kql.bound import Relation
from vedette.kql.operators.evaluate import EvaluateOperator
from vedette.kql.types import Type

MOST_SAMPLES = 128


@plugin(
    "funnel_sequence", page="funnel-sequence-plugin",
    about="How many ids go through a sequence of states, by the states before and after it (the first table of three).",
)  # fmt: skip
def funnel_sequence(binder: Binder, node: EvaluateOperator, input_: Relation | None, scope: Scope) -> Relation:
    """Repeats of a state count as one; prev and next are the neighbouring states, empty at the ends of an id's rows."""
    parameters = "IdColumn TimelineColumn Start End MaxSequenceStepWindow Step StateColumn Sequence"
    args = Arguments(binder, node, input_, scope, parameters, least=8)
    identity = args.column("IdColumn", "plain")
    line = Timeline(args, "TimelineColumn", "Start", "End", "Step")
    gap = line.size(args.given["MaxSequenceStepWindow"])
    state = args.column("StateColumn", "plain")
    sequence = state_texts(args, "Sequence")
    taken = Names()
    when = binder.column(taken.implied(line.column.name), line.type)
    before, after = (binder.column(taken.implied(name), state.type) for name in ("prev", "next"))
    count = binder.column(taken.implied("dcount"), Type.LONG)
    samples = binder.column(taken.implied("samples"), Type.DYNAMIC)

    def write(compiler: Compiler, inputs: list[Rel]) -> str:
        sql = compiler.sql
        text = sql.tostring(Fragment("e", state.type, state.type is not Type.STRING))
        rows = line.rows(compiler, inputs[0], identity, [], extra=(f"{name_of(state)} AS e",))
        changed = f"lag({text}) OVER w IS DISTINCT FROM {text}"
        marked = (
            f"SELECT i, p, t, e, {text} AS x, {changed} AS changed, lead(t) OVER w AS later "
            f"FROM {rows} WHERE i IS NOT NULL WINDOW w AS (PARTITION BY i ORDER BY t, {text})"
        )
        # `u` is the last moment of a run of one state
        numbered = (
            f"SELECT *, count(*) FILTER (WHERE changed) OVER (PARTITION BY i ORDER BY t, x) AS run FROM ({marked})"
        )
        runs = compiler.add_cte(
            f"SELECT i, run, any_value(e) AS e, any_value(x) AS x, min(t) AS t, max(t) AS u, min(p) AS p "
            f"FROM ({numbered}) GROUP BY i, run"
        )
        size = len(sequence)
        looks = [
            f"lead(x, {k}) OVER w AS x{k}, lead(t, {k}) OVER w AS t{k}, lead(u, {k}) OVER w AS u{k}"
            for k in range(1, size)
        ]
        looked = (
            f"SELECT {', '.join(['*', *looks])}, lag(e) OVER w AS b, lead(e, {size}) OVER w AS a FROM {runs} "
            f"WINDOW w AS (PARTITION BY i ORDER BY run)"
        )
        tests = [f"x = {sql.quote(sequence[0])}"]
        for k in range(1, size):
            last = "u" if k == 1 else f"u{k - 1}"
            tests += [f"x{k} = {sql.quote(sequence[k])}", f"t{k} - {last} <= {line.literal(compiler, gap)}"]
        missing = "''" if state.type is Type.STRING else "NULL"
        shown = [
            line.shown("p", when),
            f"coalesce(b, {missing}) AS {name_of(before)}", f"coalesce(a, {missing}) AS {name_of(after)}",
            f"count(DISTINCT i) AS {name_of(count)}",
        ]  # fmt: skip
        one = sql.to_json(Fragment("i", identity.type, False))
        shown.append(
            f"{sql.array(f'list_slice(list_sort(list(DISTINCT {one})), 1, {MOST_SAMPLES})')} AS {name_of(samples)}"
        )
        found = f"SELECT i, p, b, a FROM ({looked}) WHERE {' AND '.join(tests)}"
        return f"SELECT {', '.join(shown)} FROM ({found}) GROUP BY p, b, a ORDER BY 1, 4 DESC, 2, 3"

    return args.result([when, before, after, count, samples], write)
