"""Series taken apart: seasons, trends, anomalies, forecasts and periods.

The seasonal part is the median of the values at the same place of every period; the trend is the mean or the line of
what is left. Scores of anomalies are those of Tukey's fence test. How a period is looked for is this engine's own
(see `engine.series.find_periods`): Kusto does not publish its way.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from vedette.core.deferred import deferred
from vedette.engine.catalog import scalar
from vedette.engine.series import (
    FENCES,
    Values,
    decompose,
    fence_scores,
    find_periods,
    read,
    validated,
    write,
)
from vedette.engine.several import several
from vedette.kql.catalog import Check
from vedette.kql.types import Type

if TYPE_CHECKING:
    import numpy as np
else:
    np = deferred("numpy")


_DYNAMIC = Type.DYNAMIC
_TRENDS = ("avg", "linefit", "none")


def _one_of(what: str, known: Iterable[str]) -> Check:
    names = tuple(known)

    def check(value: object) -> str | None:
        return None if value in names else f"There is no {what} '{value}'; known are {', '.join(names)}"

    return check


def _percentile(supported: int) -> Check:
    def check(value: object) -> str | None:
        return None if value == supported else f"The percentile {value} is not supported here, only {supported}"

    return check


_TREND = _one_of("trend", _TRENDS)
_METHOD = _one_of("method of anomaly detection", FENCES)


def _usable(series: object) -> Values | None:
    values = read(series)
    return values if values is not None and len(values) and bool(np.isfinite(values).all()) else None


@several(
    "series_decompose(series: array, seasonality?: integer, trend?: string, test_points?: integer, "
    "seasonality_threshold?: number): dynamic",
    outputs={"baseline": _DYNAMIC, "seasonal": _DYNAMIC, "trend": _DYNAMIC, "residual": _DYNAMIC},
    about="A series as baseline, seasonal part, trend and residual.",
    page="series-decompose-function",
    checks={"trend": _TREND},
)
def series_decompose(
    series: object, seasonality: int = -1, trend: str = "avg", test_points: int = 0, threshold: float = 0.6
) -> object:
    values = _usable(series)
    if values is None or trend not in _TRENDS:
        return None
    parts = decompose(values, seasonality, trend, test_points, float(threshold))
    return {
        "baseline": write(parts.baseline),
        "seasonal": write(parts.seasonal),
        "trend": write(parts.trend),
        "residual": write(parts.residual),
    }


@several(
    "series_decompose_anomalies(series: array, threshold?: number, seasonality?: integer, trend?: string, "
    "test_points?: integer, ad_method?: string, seasonality_threshold?: number): dynamic",
    outputs={"ad_flag": _DYNAMIC, "ad_score": _DYNAMIC, "baseline": _DYNAMIC},
    about="Anomalies of a series: a flag (+1, -1, 0) and a score for each value, and the baseline expected.",
    page="series-decompose-anomalies-function",
    checks={"trend": _TREND, "ad_method": _METHOD},
)
def series_decompose_anomalies(
    series: object, threshold: float = 1.5, seasonality: int = -1, trend: str = "avg", test_points: int = 0,
    ad_method: str = "ctukey", seasonality_threshold: float = 0.6,
) -> object:  # fmt: skip
    values = _usable(series)
    if values is None or trend not in _TRENDS or ad_method not in FENCES:
        return None
    parts = decompose(values, seasonality, trend, test_points, float(seasonality_threshold))
    scores = fence_scores(parts.residual, ad_method, max(len(values) - max(test_points, 0), 0))
    limit = float(threshold)
    flags = [1 if score > limit else -1 if score < -limit else 0 for score in scores.tolist()]
    return {"ad_flag": flags, "ad_score": write(scores), "baseline": write(parts.baseline)}


@several(
    "series_decompose_forecast(series: array, points: integer, seasonality?: integer, trend?: string, "
    "seasonality_threshold?: number): dynamic",
    outputs={"baseline": _DYNAMIC},
    about="A series' baseline, learned from all but its last points: what is expected in them.",
    page="series-decompose-forecast-function",
    checks={"trend": _TREND},
)
def series_decompose_forecast(
    series: object, points: int, seasonality: int = -1, trend: str = "linefit", threshold: float = 0.6
) -> object:
    values = _usable(series)
    if values is None or trend not in _TRENDS:
        return None
    return {"baseline": write(decompose(values, seasonality, trend, points, float(threshold)).baseline)}


@scalar(
    "series_seasonal(series: array, period?: integer, test_points?: integer): dynamic", kind="row",
    about="The seasonal part of a series, of a given period or of one that is looked for.",
    page="series-seasonal-function",
)  # fmt: skip
def series_seasonal(series: object, period: int = -1, test_points: int = 0) -> object:
    values = _usable(series)
    return None if values is None else write(decompose(values, period, "none", test_points, 0.6).seasonal)


@several(
    "series_periods_detect(series: array, min_period: number, max_period: number, num_periods: long): dynamic",
    outputs={"periods": _DYNAMIC, "scores": _DYNAMIC},
    about="The strongest periods of a series in bins, and a score from 0 to 1 for each; 0 where there are fewer.",
    page="series-periods-detect-function",
)
def series_periods_detect(series: object, least: float, most: float, count: int) -> object:
    values = _usable(series)
    if values is None or count < 1:
        return None
    found = find_periods(values, float(least), float(most), count)
    missing = [0.0] * (count - len(found))
    return {
        "periods": [*(float(period) for period, _ in found), *missing],
        "scores": [*(score for _, score in found), *missing],
    }


@several(
    "series_periods_validate(series: array, period: number...): dynamic",
    outputs={"periods": _DYNAMIC, "scores": _DYNAMIC},
    about="A score from 0 to 1 for each of some periods in bins: how much the series repeats itself after it.",
    page="series-periods-validate-function",
)
def series_periods_validate(series: object, *periods: float) -> object:
    values = _usable(series)
    if values is None:
        return None
    return {
        "periods": [float(period) for period in periods],
        "scores": [validated(values, round(float(period))) for period in periods],
    }


@scalar(
    "series_outliers(series: array, kind?: const string, ignore_val?: number, min_percentile?: const number, "
    "max_percentile?: const number, test_points?: integer): dynamic",
    about="How far outside of Tukey's fence each value of a series lies; beyond 1.5 it counts as an anomaly.",
    page="series-outliers-function", names="first", kind="row",
    checks={"kind": _METHOD, "min_percentile": _percentile(10), "max_percentile": _percentile(90)},
)  # fmt: skip
def series_outliers(
    series: object, kind: str = "ctukey", ignore: float | None = None, low: float | None = None,
    high: float | None = None, test_points: int = 0,
) -> object:  # fmt: skip
    values = read(series)
    if values is None or kind not in FENCES:
        return None
    if ignore is not None:
        values = np.where(values == float(ignore), np.nan, values)
    scores = fence_scores(values, kind, max(len(values) - max(test_points, 0), 0))
    return write(np.where(np.isnan(values), 0.0, scores))
