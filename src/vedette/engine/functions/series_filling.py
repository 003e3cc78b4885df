"""Filling the missing values of series; the elements that are there keep their form."""

from __future__ import annotations

import itertools

from vedette.engine.catalog import scalar
from vedette.engine.dialect import DuckDbSql
from vedette.engine.fragment import Fragment
from vedette.engine.series import number
from vedette.kql.types import Type

_SERIES = "series: array"


def _gaps(series: list[object], placeholder: object) -> list[bool]:
    """Where a value is missing: what is no number, and where a placeholder is given, what equals it."""
    mark = number(placeholder)
    if mark is None:
        return [item is None or number(item) != number(item) for item in series]
    return [number(item) == mark for item in series]


def filled_forward(series: object, placeholder: object) -> object:
    """Each gap takes the value before it."""
    if not isinstance(series, list):
        return None
    result: list[object] = []
    for item, gap in zip(series, _gaps(series, placeholder), strict=True):
        result.append(result[-1] if gap and result else item)
    return result


def filled_backward(series: object, placeholder: object) -> object:
    """Each gap takes the value after it."""
    forward = filled_forward(series[::-1] if isinstance(series, list) else None, placeholder)
    return forward[::-1] if isinstance(forward, list) else None


def filled_const(series: object, constant: object, placeholder: object) -> object:
    """Each gap takes a constant."""
    if not isinstance(series, list):
        return None
    return [constant if gap else item for item, gap in zip(series, _gaps(series, placeholder), strict=True)]


def filled_linear(series: object, placeholder: object, edges: bool, constant: object) -> object:
    """Each gap takes the value of the line between its neighbours, without its fraction where all elements are integers."""
    if not isinstance(series, list):
        return None
    gaps = _gaps(series, placeholder)
    known = [place for place, gap in enumerate(gaps) if not gap]
    if not known:
        return [constant] * len(series)
    whole = all(isinstance(series[place], int) for place in known)
    result = list(series)
    for left, right in itertools.pairwise(known):
        first, last = number(series[left]), number(series[right])
        if first is None or last is None:
            continue
        for place in range(left + 1, right):
            value = first + (last - first) * (place - left) / (right - left)
            result[place] = int(value) if whole else value
    if edges:
        for place in range(known[0]):
            result[place] = series[known[0]]
        for place in range(known[-1] + 1, len(series)):
            result[place] = series[known[-1]]
    return result


def _json(sql: DuckDbSql, value: Fragment | None) -> Fragment:
    """An argument as JSON, so that its type needs no form of its own; none is null."""
    text = "'null'" if value is None else sql.to_json(value)
    return Fragment(text, Type.DYNAMIC, False)


@scalar(
    f"series_fill_forward({_SERIES}, missing_value_placeholder?: any): dynamic", names="first", nulls="own",
    about="Missing values replaced by the last value before them.", page="series-fill-forward-function",
)  # fmt: skip
def series_fill_forward(sql: DuckDbSql, series: Fragment, mark: Fragment | None = None) -> str:
    return sql.row("series_fill_forward", filled_forward, Type.DYNAMIC, series, _json(sql, mark))


@scalar(
    f"series_fill_backward({_SERIES}, missing_value_placeholder?: any): dynamic", names="first", nulls="own",
    about="Missing values replaced by the first value after them.", page="series-fill-backward-function",
)  # fmt: skip
def series_fill_backward(sql: DuckDbSql, series: Fragment, mark: Fragment | None = None) -> str:
    return sql.row("series_fill_backward", filled_backward, Type.DYNAMIC, series, _json(sql, mark))


@scalar(
    f"series_fill_const({_SERIES}, constant_value?: number, missing_value_placeholder?: any): dynamic", names="first",
    about="Missing values replaced by a constant.", page="series-fill-const-function", nulls="own",
)  # fmt: skip
def series_fill_const(
    sql: DuckDbSql, series: Fragment, constant: Fragment | None = None, mark: Fragment | None = None
) -> str:
    value = Fragment("'0'", Type.DYNAMIC, False) if constant is None else _json(sql, constant)
    return sql.row("series_fill_const", filled_const, Type.DYNAMIC, series, value, _json(sql, mark))


@scalar(
    f"series_fill_linear({_SERIES}, missing_value_placeholder?: any, fill_edges?: bool, constant_value?: any): dynamic",
    about="Missing values replaced by the line between their neighbours.", page="series-fill-linear-function",
    names="first", nulls="own",
)  # fmt: skip
def series_fill_linear(
    sql: DuckDbSql, series: Fragment, mark: Fragment | None = None, edges: Fragment | None = None,
    constant: Fragment | None = None,
) -> str:  # fmt: skip
    whole = Fragment("'0'", Type.DYNAMIC, False) if constant is None else _json(sql, constant)
    fill = sql.literal(True, Type.BOOL) if edges is None else edges
    return sql.row("series_fill_linear", filled_linear, Type.DYNAMIC, series, _json(sql, mark), fill, whole)
