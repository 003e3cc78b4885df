"""Percentiles by nearest rank: the least value with at least p percent of the values (or of the weight) up to it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from vedette.engine.catalog import aggregate
from vedette.engine.dialect import DuckDbSql
from vedette.engine.fragment import Fragment
from vedette.kql import syntax
from vedette.kql.binder.naming import carried_name
from vedette.kql.bound import AggregateCall, Cast, Constant, Expr, Several
from vedette.kql.catalog import AggregateUnit
from vedette.kql.types import INTEGERS, NUMBERS, Type

if TYPE_CHECKING:
    from vedette.kql.binder.calls import Calls


def _share(percentile: object) -> str:
    return f"CAST('{min(max(float(str(percentile)), 0.0), 100.0) / 100.0!r}' AS DOUBLE)"


def emit_percentile(
    sql: DuckDbSql, value: Fragment, percentile: Fragment, beside: Fragment | None = None
) -> str:  # fmt: skip
    """One percentile; `beside` are all those that are asked of the same values."""
    wanted = beside.value if beside is not None else None
    if isinstance(wanted, list) and sql.may("shared-percentiles"):
        # the same text for each of them, so that the engine sorts the values once
        place = wanted.index(percentile.value) + 1
        return f"(quantile_disc({value}, [{', '.join(map(_share, wanted))}]))[{place}]"
    return f"quantile_disc({value}, {_share(percentile.value)})"


def emit_percentiles(sql: DuckDbSql, value: Fragment, percentiles: Fragment) -> Fragment:
    """A dynamic array of percentiles."""
    wanted = percentiles.value if isinstance(percentiles.value, list) else []
    found = f"quantile_disc({value}, [{', '.join(map(_share, wanted))}])"
    element = sql.to_json(Fragment("e", value.type))
    return Fragment(sql.array(f"list_transform({found}, lambda e: {element})"), Type.DYNAMIC)


def weighted(pairs: object, percentile: float) -> object:
    """The percentile of [value, weight] pairs; pairs of no positive weight do not count."""
    known = sorted((value, weight) for value, weight in pairs if weight is not None and weight > 0)  # type: ignore[attr-defined]
    target = math.fsum(weight for _, weight in known) * min(max(percentile, 0.0), 100.0) / 100.0
    reached = 0.0
    for value, weight in known:
        reached += weight
        if reached >= target:
            return value
    return known[-1][0] if known else None


def _pairs(sql: DuckDbSql, value: Fragment, weight: Fragment) -> Fragment:
    # times travel as ticks
    number = Fragment(value.sql, Type.LONG if value.type in (Type.DATETIME, Type.TIMESPAN) else value.type)
    pair = f"'[' || {sql.to_json(number)} || ',' || {sql.to_json(weight)} || ']'"
    texts = f"array_to_string(list({pair}) FILTER (WHERE {value} IS NOT NULL AND {weight} IS NOT NULL), ',')"
    return Fragment(f"('[' || coalesce({texts}, '') || ']')", Type.DYNAMIC, False)


def emit_weighted(sql: DuckDbSql, value: Fragment, weight: Fragment, percentile: Fragment) -> str:
    """One percentile of weighted values."""
    wanted = sql.literal(float(str(percentile.value)), Type.REAL)
    return sql.row(f"percentilew_{value.type}", weighted, value.type, _pairs(sql, value, weight), wanted)


def emit_weighted_array(sql: DuckDbSql, value: Fragment, weight: Fragment, percentiles: Fragment) -> Fragment:
    """A dynamic array of percentiles of weighted values."""
    wanted = percentiles.value if isinstance(percentiles.value, list) else []
    items = []
    for percentile in wanted:
        one = emit_weighted(sql, value, weight, Fragment("", Type.REAL, False, percentile))
        items.append(sql.to_json(Fragment(one, value.type)))
    return Fragment(sql.array(f"[{', '.join(items)}]"), Type.DYNAMIC, False)


def _bind(at: Calls, node: syntax.Call, unit: AggregateUnit) -> Expr:
    """percentile(value, p), percentiles(value, p...) and their weighted and array forms."""
    called, node = node, node.unnamed
    name = node.name.name
    is_weighted, is_array = name.startswith(("percentilew", "percentilesw")), name.endswith("_array")
    least = 3 if is_weighted else 2
    if len(node.args) < least or (name in ("percentile", "percentilew") and len(node.args) > least):
        raise at.binder.stop("KS119", f"The function '{name}' expects {least} arguments, not {len(node.args)}", node)
    value = at.bind(node.args[0])
    if value.type is Type.DYNAMIC:
        raise at.binder.stop(
            "KS107", f"The function '{name}' expects a number, a time or a string here, not dynamic; cast it first",
            node.args[0],
        )  # fmt: skip
    args: list[Expr] = [Cast(Type.LONG, value) if value.type is Type.INT else value]
    if is_weighted:
        if value.type not in NUMBERS | {Type.DATETIME, Type.TIMESPAN, Type.UNKNOWN}:
            raise at.binder.stop("KS107", f"The function '{name}' expects a number or a time here", node.args[0])
        weight = at.bind(node.args[1])
        if weight.type not in INTEGERS | {Type.UNKNOWN}:
            raise at.binder.stop("KS107", f"A weight is an integer, not {weight.type}", node.args[1])
        args.append(weight)
    result = args[0].type
    wanted = [(place, _percentile(at, place, is_array)) for place in node.args[least - 1 :]]
    own = carried_name(called.args[0], at.binder.catalog) or ""
    if is_array:
        flat: list[object] = []
        for _, given in wanted:
            flat += given if isinstance(given, list) else [given]
        call = AggregateCall(Type.DYNAMIC, unit, [*args, Constant(Type.DYNAMIC, flat)])
        return Several(Type.DYNAMIC, [(f"percentiles_{own}", call)])
    outputs: list[tuple[str, Expr]] = []
    beside: list[Expr] = []
    if len(wanted) > 1 and not is_weighted:
        beside = [Constant(Type.DYNAMIC, [given for _, given in wanted])]
    for place, given in wanted:
        call = AggregateCall(result, unit, [*args, Constant(Type.REAL, given), *beside])
        outputs.append((f"percentile_{own}_{_label(place, given)}", call))
    return Several(result, outputs)


def _percentile(at: Calls, place: syntax.Expression, array: bool) -> object:
    bound = at.bind(place)
    given = at.binder.constant(bound, place)
    numbers = given if isinstance(given, list) and array else [given]
    if not all(isinstance(number, int | float) and not isinstance(number, bool) for number in numbers):
        if not hasattr(given, "as_tuple"):
            raise at.binder.stop("KS107", "A percentile is a number from 0 to 100", place)
        return float(str(given))
    return given


def _label(place: syntax.Expression, value: object) -> str:
    """A percentile in a column's name: its digits, a point as an underscore; computed ones have none."""
    if isinstance(place, syntax.Literal | syntax.Name):
        return str(value).replace(".", "_").replace("-", "_")
    return ""


for _name, _signature, _emit, _about in (
    ("percentile", "expr: any, percentile: const number", emit_percentile, "A percentile of the values."),
    ("percentiles", "expr: any, percentile: const number...", emit_percentile, "Percentiles, a column for each."),
    (
        "percentiles_array", "expr: any, percentile: const number...", emit_percentiles,
        "Percentiles as one dynamic array.",
    ),
    (
        "percentilew", "expr: any, weight: integer, percentile: const number", emit_weighted,
        "A percentile of values that each stand for `weight` of them.",
    ),
    (
        "percentilesw", "expr: any, weight: integer, percentile: const number...", emit_weighted,
        "Percentiles of weighted values, a column for each.",
    ),
    (
        "percentilesw_array", "expr: any, weight: integer, percentile: const number...", emit_weighted_array,
        "Percentiles of weighted values as one dynamic array.",
    ),
):  # fmt: skip
    aggregate(
        f"{_name}({_signature}): {'dynamic' if _name.endswith('_array') else 'same(expr)'}",
        about=_about, page=f"percentiles{'w' if 'w' in _name else ''}-aggregation-function",
        binding=_bind,
    )(_emit)  # fmt: skip
