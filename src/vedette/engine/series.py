"""Numeric arrays as time series: reading them out of dynamic values, and the mathematics of the series_ functions."""

from __future__ import annotations

import decimal
import math
import re
from typing import TYPE_CHECKING

from vedette.core.deferred import deferred
from vedette.kql.node import fact
from vedette.kql.ticks import parse_datetime, parse_timespan

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Values = NDArray[np.float64]
else:
    np = deferred("numpy")
    Values = object


_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,7})?Z|-?(?:\d+\.)?\d\d:\d\d:\d\d(?:\.\d{7})?")
_WORDS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def number(value: object) -> float | int | None:
    """An element as a number, that of a time in ticks; None where it is none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    if isinstance(value, decimal.Decimal):
        return float(value)
    return _WORDS.get(value, _time(value)) if isinstance(value, str) else None


def _time(text: str) -> int | None:
    """The ticks of a datetime or timespan, which arrays hold as the text that tostring() gives."""
    if not _TIME.fullmatch(text):
        return None
    return parse_datetime(text) if text.endswith("Z") else parse_timespan(text)


def read(series: object) -> Values | None:
    """A series as floating-point numbers, what is no number as NaN; None where the value is no array."""
    if not isinstance(series, list):
        return None
    known = (number(item) for item in series)
    return np.array([math.nan if item is None else float(item) for item in known], dtype=np.float64)


def shown(value: float | int | None) -> object:
    """A number as an element of a dynamic array: JSON has no NaN and no infinity, so they are words."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def write(values: Values) -> list[object]:
    """A series as a dynamic array; NaN, the mark of a missing value, as null."""
    return [None if math.isnan(value) else shown(value) for value in values.tolist()]


# -- lines


@fact
class Line:
    """A straight line through a series, and how well it fits (variances are of a sample)."""

    rsquare: float
    slope: float
    variance: float
    rvariance: float
    interception: float
    fit: Values


def _variance(values: Values) -> float:
    return float(np.var(values, ddof=1)) if len(values) > 1 else 0.0


def fit_line(y: Values) -> Line:
    """The least-squares line of a series over its places 0, 1, 2 ..."""
    x = np.arange(len(y), dtype=np.float64)
    if len(y) > 1:
        dx = x - x.mean()
        slope = float((dx * (y - y.mean())).sum() / (dx * dx).sum())
    else:
        slope = 0.0
    interception = float(y.mean() - slope * x.mean()) if len(y) else math.nan
    fit = slope * x + interception
    return Line(_rsquare(y, fit), slope, _variance(y), _variance(y - fit), interception, fit)


def _rsquare(y: Values, fit: Values) -> float:
    total = float(((y - y.mean()) ** 2).sum())
    rest = float(((y - fit) ** 2).sum())
    if total == 0:
        return 1.0 if rest == 0 else 0.0
    return 1.0 - rest / total


@fact
class TwoLines:
    """Two lines through a series that is split where they fit best together."""

    rsquare: float
    split: int
    variance: float
    rvariance: float
    fit: Values
    right: Line
    left: Line


def fit_two_lines(y: Values) -> TwoLines:
    """The best split of a series in two and the line of each part; each part has at least two places."""
    best: tuple[float, int] | None = None
    for split in range(2, len(y) - 1):
        rest = sum(float(((part - fit_line(part).fit) ** 2).sum()) for part in (y[:split], y[split:]))
        if best is None or rest < best[0]:
            best = (rest, split)
    split = best[1] if best is not None else len(y)
    left, right = fit_line(y[:split]), fit_line(y[split:] if split < len(y) else y)
    fit = np.concatenate([left.fit, right.fit]) if split < len(y) else left.fit
    return TwoLines(_rsquare(y, fit), split, _variance(y), _variance(y - fit), fit, right, left)


def fit_polynomial(y: Values, x: Values, degree: int) -> tuple[float, Values, float, float, Values]:
    """R squared, coefficients (highest power first), variance, residual variance and values of a polynomial fit."""
    coefficients: Values = np.polyfit(x, y, degree).astype(np.float64)
    fit: Values = np.polyval(coefficients, x).astype(np.float64)
    return _rsquare(y, fit), coefficients, _variance(y), _variance(y - fit), fit


# -- periods


LEAST_PERIOD = 4
"""Periods shorter than this many bins are too coarsely sampled to be found."""
_CHANCE = 0.05


def autocorrelation(y: Values) -> Values:
    """The correlation of a series with itself at each lag, each over the terms that there are."""
    centered = y - y.mean()
    size = len(y)
    power = np.abs(np.fft.rfft(centered, 2 * size)) ** 2
    sums: Values = np.fft.irfft(power)[:size]
    if sums[0] <= 0:
        return np.zeros(size)
    known: Values = sums / sums[0] * size / np.arange(size, 0, -1)
    return known


def period_score(y: Values, period: int, correlation: Values | None = None) -> float:
    """From 0 to 1, how much a series repeats itself after a period; the less data, the less."""
    size = len(y)
    if not 0 < period < size:
        return 0.0
    known = autocorrelation(y) if correlation is None else correlation
    return float(min(max(known[period], 0.0), 1.0) * math.sqrt((size - period) / size))


def validated(y: Values, period: int) -> float:
    """The score of a period that is claimed.

    0 where its length is none to tell, another one fits better, or chance explains what repeats (the autocorrelation
    of noise stays within 1.96 divided by the root of the length, 95 times of 100).
    """
    if not LEAST_PERIOD <= period <= len(y) // 2:
        return 0.0
    known = autocorrelation(y)
    peak = known[period - 1] <= known[period] >= known[period + 1] and known[period] > 1.96 / math.sqrt(len(y))
    return period_score(y, period, known) if peak else 0.0


def find_periods(y: Values, least: float, most: float, count: int) -> list[tuple[int, float]]:
    """The strongest periods of a series with their scores, best first.

    Frequencies whose power chance does not explain (the periodogram of noise is exponentially distributed) say
    where a period may be; the autocorrelation, which is finer, says where it is. A period has to come three times.
    """
    size = len(y)
    least, most = max(least, LEAST_PERIOD), min(most, size // 3)
    if size < 3 * LEAST_PERIOD or most < least or float(np.ptp(y)) == 0:
        return []
    power = np.abs(np.fft.rfft(y - y.mean()))[1:] ** 2
    threshold = float(power.mean()) * math.log(len(power) / _CHANCE)
    correlation = autocorrelation(y)
    found: dict[int, float] = {}
    for bin_, strength in enumerate(power.tolist(), 1):
        if strength < threshold:
            continue
        first = max(math.floor(size / (bin_ + 0.5)), 2)
        last = min(math.ceil(size / (bin_ - 0.5)), size - 2)
        lags = [
            lag
            for lag in range(first, last + 1)
            if least <= lag <= most and correlation[lag - 1] <= correlation[lag] >= correlation[lag + 1]
        ]
        if lags:
            lag = max(lags, key=lambda place: float(correlation[place]))
            found[lag] = period_score(y, lag, correlation)
    ranked = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    return [(period, score) for period, score in ranked if score > 0][:count]


# -- decomposition


@fact
class Parts:
    """A series taken apart: baseline = seasonal + trend, and what is left of the series beside it."""

    baseline: Values
    seasonal: Values
    trend: Values
    residual: Values


def seasonal_part(y: Values, period: int, train: int) -> Values:
    """The median of the values at the same place of each period, repeated over the whole series."""
    if period < 2 or train < period:
        return np.zeros(len(y))
    pattern = np.array([np.median(y[place:train:period]) for place in range(period)])
    return np.resize(pattern, len(y))


def decompose(y: Values, period: int, trend: str, test_points: int, threshold: float) -> Parts:
    """Takes a series apart; the last `test_points` take no part in learning.

    `period` is in bins, 0 for none and -1 to look for one whose score reaches the threshold. `trend` is `avg`,
    `linefit` or `none`.
    """
    train = max(len(y) - max(test_points, 0), 0)
    if period == -1:
        known = find_periods(y[:train], LEAST_PERIOD, len(y), 1)
        period = known[0][0] if known and known[0][1] >= threshold else 0
    seasonal = seasonal_part(y, period, train)
    rest = (y - seasonal)[:train]
    if trend == "linefit" and train:
        line = fit_line(rest)
        level: Values = line.slope * np.arange(len(y), dtype=np.float64) + line.interception
    elif trend == "avg" and train:
        level = np.full(len(y), float(rest.mean()))
    else:
        level = np.zeros(len(y))
    baseline = seasonal + level
    return Parts(baseline, seasonal, level, y - baseline)


# -- outliers

FENCES = {"tukey": (25.0, 75.0, 1.0), "ctukey": (10.0, 90.0, 2.772605605507915)}
"""For each kind of Tukey's fence test the percentiles, and the factor that makes scores of both kinds compare."""


def fence_scores(y: Values, kind: str, train: int) -> Values:
    """How far each value lies outside of the fence, in widths of it; 0 inside."""
    low_percent, high_percent, factor = FENCES[kind]
    learned = y[:train]
    learned = learned[np.isfinite(learned)]
    if not len(learned):
        return np.zeros(len(y))
    low, high = (float(np.percentile(learned, percent)) for percent in (low_percent, high_percent))
    width = abs(high - low) / factor  # of two zeros the difference may be -0.0, which would turn the sign of a score
    outside = np.where(y > high, y - high, np.where(y < low, y - low, 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        scores = outside / width
    return np.where(outside == 0, 0.0, scores)
