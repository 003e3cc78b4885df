"""make-series: arrays of evenly spaced aggregates."""

from __future__ import annotations

from vedette.engine.compiler import Compiler, lowers
from vedette.engine.fragment import Fragment
from vedette.engine.relations import Rel, name_of
from vedette.kql.binder.operators.make_series import MakeSeries
from vedette.kql.types import Type

MOST = 1_048_576
"""Values in a series at most, as the documentation has it."""

_TOO_LONG = f"make-series makes at most {MOST} values a series; take a greater step or a shorter range"


@lowers(MakeSeries)
def make_series(compiler: Compiler, node: MakeSeries) -> Rel:
    """Writes each array as text, bin after bin; a bin first makes up for the empty ones before it.

    So a series costs as much as it is long, however few of its bins have rows.
    """
    base = compiler.rel(node.bins).wrapped()
    start = name_of(node.axis[1])
    whole = node.axis[1].type not in (Type.REAL, Type.DECIMAL)
    fixed, empties = _fixed(compiler, node, whole)
    groups = [*base.partition, *(name_of(column) for _, column in node.keys)]
    over = (f"PARTITION BY {', '.join(groups)} " if groups else "") + f"ORDER BY {start}"
    previous = f"lag({start}) OVER ({over})"
    leading = _steps(compiler, f"{start} - axis_first", whole) if node.first is not None else "0"
    gap = f"CASE WHEN {previous} IS NULL THEN {leading} ELSE {_steps(compiler, f'{start} - {previous}', whole)} - 1 END"
    texts = [compiler.fresh() for _ in node.series]
    items = [*groups, f"min({start}) AS low", f"max({start}) AS high"]
    for (_, column, _), empty, text in zip(node.series, empties, texts, strict=True):
        value = Fragment(name_of(column), column.type, column.type is not Type.STRING)
        piece = f"CASE WHEN gap > 0 THEN repeat({empty}, gap) ELSE '' END || ',' || {compiler.sql.to_json(value)}"
        items.append(f"string_agg({piece}, '' ORDER BY {start}) AS {text}")
    grouped = f"SELECT {', '.join(items)} FROM (SELECT *, {gap} AS gap FROM {base.source}, {fixed})"
    if groups:
        grouped += f" GROUP BY {', '.join(groups)}"
    elif not node.nonempty:
        grouped += " HAVING count(*) > 0"
    size = f"{_steps(compiler, 'coalesce(axis_last, high) - coalesce(axis_first, low)', whole)} + 1"
    measured = f"(SELECT *, greatest(coalesce({size}, 0), 0) AS size FROM ({grouped}), {fixed})"
    behind = f"coalesce(CASE WHEN high IS NULL THEN size ELSE {_steps(compiler, 'axis_last - high', whole)} END, 0)"
    made = [*base.partition, *(f"{name_of(column)} AS {name_of(own)}" for own, column in node.keys)]
    for (own, _, _), empty, text in zip(node.series, empties, texts, strict=True):
        made.append(f"'[' || substr(coalesce({text}, '') || repeat({empty}, {behind}), 2) || ']' AS {name_of(own)}")
    made.append(f"{_axis(compiler, node, fixed, whole)} AS {name_of(node.axis[0])}")
    return Rel(f"(SELECT {', '.join(made)} FROM {measured})", node.columns, partition=base.partition)


def _steps(compiler: Compiler, distance: str, whole: bool) -> str:
    """How many steps a distance is; it fails before anything is made of more than a series may have."""
    count = f"({distance}) // axis_step" if whole else f"CAST(round(({distance}) / axis_step) AS BIGINT)"
    failed = compiler.sql.fail(_TOO_LONG, Type.LONG)
    return f"CASE WHEN ({distance}) / axis_step >= {MOST} THEN {failed} ELSE {count} END"


def _fixed(compiler: Compiler, node: MakeSeries, whole: bool) -> tuple[str, list[str]]:
    """The CTE of what is the same for all series: the ends, the step, and each series' text of an empty bin."""
    emit = compiler.emitter.emit
    kind = "BIGINT" if whole else "DOUBLE"
    step = f"CAST({emit(node.step)} AS {kind})"
    ends = [None if end is None else f"CAST({emit(end)} AS {kind})" for end in (node.first, node.last)]
    first, last = ends

    def floored(value: str) -> str:
        down = (
            f"((({value}) % {step}) + {step}) % {step}" if whole else f"({value}) - floor(({value}) / {step}) * {step}"
        )
        return f"({value}) - {down}" if whole else f"floor(({value}) / {step}) * {step}"

    if node.inclusive:
        first, last = (None if end is None else floored(end) for end in ends)
    elif last is not None:
        origin = first or f"CAST(0 AS {kind})"
        # the last bin starts before the end
        if whole:
            last = f"{origin} + {floored(f'{last} - 1 - {origin}')}"
        else:
            last = f"{origin} + (ceil(({last} - {origin}) / {step}) - 1) * {step}"
    empties = [compiler.fresh() for _ in node.series]
    items = [
        f"CAST({first or 'NULL'} AS {kind}) AS axis_first", f"CAST({last or 'NULL'} AS {kind}) AS axis_last",
        f"{step} AS axis_step",
        *(
            f"',' || {compiler.sql.to_json(emit(value))} AS {name}"
            for (_, _, value), name in zip(node.series, empties, strict=True)
        ),
    ]  # fmt: skip
    return compiler.add_cte(f"SELECT {', '.join(items)}"), empties


def _axis(compiler: Compiler, node: MakeSeries, fixed: str, whole: bool) -> str:
    """The array of the axis; where the query says both ends, one for all series."""
    type_ = node.axis[1].type
    value = f"CAST(coalesce(axis_first, low) + i * axis_step AS {'BIGINT' if whole else 'DOUBLE'})"
    element = compiler.sql.to_json(Fragment(value, Type.REAL if type_ is Type.DECIMAL else type_, False))

    def array(size: str) -> str:
        return f"'[' || array_to_string(list_transform(range({size}), lambda i: {element}), ',') || ']'"

    if node.first is None or node.last is None:
        return array("size")
    size = f"greatest({_steps(compiler, 'axis_last - axis_first', whole)} + 1, 0)"
    once = compiler.add_cte(f"SELECT {array(size)} AS v FROM (SELECT *, axis_first AS low FROM {fixed})")
    return f"(SELECT v FROM {once})"
