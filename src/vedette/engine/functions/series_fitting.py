"""Lines and polynomials fitted to series."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vedette.core.deferred import deferred
from vedette.engine.catalog import scalar
from vedette.engine.series import Line, Values, fit_line, fit_polynomial, fit_two_lines, read, shown, write
from vedette.engine.several import several
from vedette.kql.types import Type

if TYPE_CHECKING:
    import numpy as np
else:
    np = deferred("numpy")


_REAL, _LONG, _DYNAMIC = Type.REAL, Type.LONG, Type.DYNAMIC


def _finite(series: object) -> Values | None:
    values = read(series)
    return values if values is not None and len(values) and bool(np.isfinite(values).all()) else None


def line_bag(series: object) -> object:
    """The line through a series as a bag; null where the series holds what is no number."""
    values = _finite(series)
    if values is None:
        return None
    line = fit_line(values)
    return {
        "rsquare": shown(line.rsquare),
        "slope": line.slope,
        "variance": line.variance,
        "rvariance": line.rvariance,
        "interception": line.interception,
        "line_fit": write(line.fit),
    }


scalar(
    "series_fit_line_dynamic(series: array): dynamic", about="The line that fits a series best, as a bag.",
    page="series-fit-line-dynamic-function", kind="row",
)(line_bag)  # fmt: skip
several(
    "series_fit_line(series: array): dynamic",
    outputs={
        "rsquare": _REAL, "slope": _REAL, "variance": _REAL, "rvariance": _REAL, "interception": _REAL,
        "line_fit": _DYNAMIC,
    },
    about="The line that fits a series best: R squared, slope, variances, interception and its values.",
    page="series-fit-line-function",
)(line_bag)  # fmt: skip


def _side(line: Line) -> dict[str, object]:
    return {
        "rsquare": shown(line.rsquare),
        "slope": line.slope,
        "interception": line.interception,
        "variance": line.variance,
        "rvariance": line.rvariance,
    }


def two_lines_bag(series: object) -> object:
    """The two lines through a series as a bag."""
    values = _finite(series)
    if values is None:
        return None
    lines = fit_two_lines(values)
    return {
        "rsquare": shown(lines.rsquare),
        "split_idx": lines.split,
        "variance": lines.variance,
        "rvariance": lines.rvariance,
        "line_fit": write(lines.fit),
        "right": _side(lines.right),
        "left": _side(lines.left),
    }


scalar(
    "series_fit_2lines_dynamic(series: array): dynamic", page="series-fit-2lines-dynamic-function", kind="row",
    about="The two lines that fit a series best where it is split in two, as a bag.",
)(two_lines_bag)  # fmt: skip

_SIDES = ("rsquare", "slope", "interception", "variance", "rvariance")


@several(
    "series_fit_2lines(series: array): dynamic",
    outputs={
        "rsquare": _REAL, "split_idx": _LONG, "variance": _REAL, "rvariance": _REAL, "line_fit": _DYNAMIC,
        **{f"{side}_{part}": _REAL for side in ("right", "left") for part in _SIDES},
    },
    about="The two lines that fit a series best where it is split in two, a column for each measure.",
    page="series-fit-2lines-function",
)  # fmt: skip
def series_fit_2lines(series: object) -> object:
    bag = two_lines_bag(series)
    if not isinstance(bag, dict):
        return None
    sides = {f"{side}_{part}": bag[side][part] for side in ("right", "left") for part in _SIDES}
    return {**{part: value for part, value in bag.items() if part not in ("right", "left")}, **sides}


@several(
    "series_fit_poly(y_series: array, x_series?: array, degree?: long): dynamic",
    outputs={
        "rsquare": _REAL, "coefficients": _DYNAMIC, "variance": _REAL, "rvariance": _REAL, "poly_fit": _DYNAMIC,
    },
    about="The polynomial that fits a series best: R squared, coefficients from the highest power, variances, values.",
    page="series-fit-poly-function",
)  # fmt: skip
def series_fit_poly(y_series: object, x_series: object = None, degree: int = 1) -> object:
    y = _finite(y_series)
    if y is None or not 0 <= degree < len(y):
        return None
    x = np.arange(len(y), dtype=np.float64) if x_series is None else _finite(x_series)
    if x is None or len(x) != len(y):
        return None
    rsquare, coefficients, variance, rvariance, fit = fit_polynomial(y, x, degree)
    return {
        "rsquare": shown(rsquare),
        "coefficients": write(coefficients),
        "variance": variance,
        "rvariance": rvariance,
        "poly_fit": write(fit),
    }
