"""Single numbers out of series: sums, products, magnitudes, similarity and statistics."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from vedette.core.deferred import deferred
from vedette.engine.catalog import scalar
from vedette.engine.series import Values, read, shown
from vedette.engine.several import several
from vedette.kql.types import Type

if TYPE_CHECKING:
    import numpy as np
else:
    np = deferred("numpy")


def _known(series: object) -> Values | None:
    values = read(series)
    return None if values is None else values[~np.isnan(values)]


@scalar("series_sum(series: array): real", about="The sum of a series.", page="series-sum-function", kind="row")
def series_sum(series: object) -> object:
    values = _known(series)
    return None if values is None or not len(values) else float(values.sum())


@scalar(
    "series_product(series: array): real", about="The product of a series.", page="series-product-function",
    kind="row",
)  # fmt: skip
def series_product(series: object) -> object:
    values = _known(series)
    return None if values is None or not len(values) else float(values.prod())


@scalar(
    "series_magnitude(series: array): real", about="The Euclidean length of a series as a vector.",
    page="series-magnitude-function", kind="row",
)  # fmt: skip
def series_magnitude(series: object) -> object:
    values = read(series)
    return None if values is None else math.sqrt(float((values * values).sum()))


def _sides(left: object, right: object) -> tuple[Values, Values] | None:
    """Two series cut to the shorter; a single number serves for every place."""
    first, second = read(left), read(right)
    if first is None and second is None:
        return None
    if first is None or second is None:
        series = first if first is not None else second
        single = read([left if first is None else right])
        if series is None or single is None:
            return None
        spread = np.full(len(series), single[0])
        return (spread, series) if first is None else (series, spread)
    size = min(len(first), len(second))
    return first[:size], second[:size]


@scalar(
    "series_dot_product(series1: array, series2: array): real",
    "series_dot_product(series1: array, series2: number): real",
    "series_dot_product(series1: number, series2: array): real",
    about="The sum of the products of two series' elements.", page="series-dot-product-function", kind="row",
)  # fmt: skip
def series_dot_product(left: object, right: object) -> object:
    sides = _sides(left, right)
    return None if sides is None else float((sides[0] * sides[1]).sum())


@scalar(
    "series_cosine_similarity(series1: array, series2: array, magnitude1?: real, magnitude2?: real): real",
    about="The cosine of the angle between two series as vectors.", page="series-cosine-similarity-function",
    kind="row",
)  # fmt: skip
def series_cosine_similarity(
    left: object, right: object, magnitude1: float | None = None, magnitude2: float | None = None
) -> object:
    first, second = read(left), read(right)
    if first is None or second is None or len(first) != len(second):
        return None
    lengths = [
        math.sqrt(float((side * side).sum())) if given is None else given
        for side, given in ((first, magnitude1), (second, magnitude2))
    ]
    together = lengths[0] * lengths[1]
    return float((first * second).sum()) / together if together else math.nan


@scalar(
    "series_pearson_correlation(series1: array, series2: array): real", page="series-pearson-correlation-function",
    about="Pearson's correlation coefficient of two series of equal length.", kind="row",
)  # fmt: skip
def series_pearson_correlation(left: object, right: object) -> object:
    first, second = read(left), read(right)
    if first is None or second is None or len(first) != len(second) or len(first) < 2:
        return None
    a, b = first - first.mean(), second - second.mean()
    spread = math.sqrt(float((a * a).sum()) * float((b * b).sum()))
    return float((a * b).sum()) / spread if spread else math.nan


def statistics(series: object, ignore_nonfinite: bool = False) -> object:
    """Statistics of a series as a bag; null ones where the series holds what is no finite number."""
    values = read(series)
    if values is None:
        return None
    finite = np.isfinite(values)
    if not len(values) or not finite.any() or not (ignore_nonfinite or finite.all()):
        return dict.fromkeys(("min", "min_idx", "max", "max_idx", "avg", "stdev", "variance", "sum", "len"))
    known = values[finite]
    variance = float(known.var(ddof=1)) if len(known) > 1 else 0.0
    least, most = float(known.min()), float(known.max())
    return {
        "min": least,
        "min_idx": int(np.nonzero(values == least)[0][0]),
        "max": most,
        "max_idx": int(np.nonzero(values == most)[0][0]),
        "avg": shown(float(known.mean())),
        "stdev": shown(math.sqrt(variance)),
        "variance": shown(variance),
        "sum": shown(float(known.sum())),
        "len": len(known),
    }


scalar(
    "series_stats_dynamic(series: array, ignore_nonfinite?: bool): dynamic",
    about="Least, greatest, mean, deviation, variance, sum and length of a series as a bag.",
    page="series-stats-dynamic-function",
    kind="row",
)(statistics)
several(
    "series_stats(series: array, ignore_nonfinite?: bool): dynamic",
    outputs={
        "min": Type.REAL, "min_idx": Type.LONG, "max": Type.REAL, "max_idx": Type.LONG, "avg": Type.REAL,
        "stdev": Type.REAL, "variance": Type.REAL,
    },
    about="Least, greatest, mean, deviation and variance of a series, a column for each.",
    page="series-stats-function",
)(statistics)  # fmt: skip
