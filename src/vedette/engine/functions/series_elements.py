"""Functions of series element by element; what is no number gives null."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable

from vedette.engine.catalog import scalar
from vedette.engine.series import number, shown

_Number = float | int


def _quiet(function: Callable[..., object], *args: _Number) -> object:
    """A mathematical function where Python raises: outside of its domain NaN, beyond the range infinity."""
    try:
        return function(*args)
    except (ValueError, ZeroDivisionError):
        return math.nan
    except OverflowError:
        return math.inf


def _divide(left: _Number, right: _Number) -> float:
    if right == 0:
        return math.nan if left == 0 or math.isnan(left) else math.copysign(math.inf, left)
    return left / right


def _one(name: str, function: Callable[[_Number], object], about: str, *, like: bool = False) -> None:
    """A function of one series; with `like`, floating-point elements anywhere make all results so."""

    @scalar(f"{name}(series: array): dynamic", about=about, page=f"{name.replace('_', '-')}-function", kind="row")
    def elements(series: object) -> object:
        if not isinstance(series, list):
            return None
        known = [number(item) for item in series]
        if like and any(isinstance(item, float) for item in known):
            known = [None if item is None else float(item) for item in known]
        results = [None if item is None else _quiet(function, item) for item in known]
        return [shown(result) if isinstance(result, float) else result for result in results]


def _pairs(left: object, right: object) -> list[tuple[_Number | None, _Number | None]] | None:
    """Elements side by side, as many as the longer series has; a single number serves for every place."""
    if not isinstance(left, list) and not isinstance(right, list):
        return None
    size = max(len(side) for side in (left, right) if isinstance(side, list))

    def places(side: object) -> list[_Number | None]:
        if not isinstance(side, list):
            return [number(side)] * size
        return [number(item) for item in side] + [None] * (size - len(side))

    return list(zip(places(left), places(right), strict=True))


def _two(name: str, function: Callable[[_Number, _Number], object], about: str) -> None:
    @scalar(
        f"{name}(series1: array, series2: array): dynamic", f"{name}(series1: array, series2: number): dynamic",
        f"{name}(series1: number, series2: array): dynamic",
        about=about, page=f"{name.replace('_', '-')}-function", kind="row",
    )  # fmt: skip
    def elements(left: object, right: object) -> object:
        pairs = _pairs(left, right)
        if pairs is None:
            return None
        results = [None if a is None or b is None else _quiet(function, a, b) for a, b in pairs]
        return [shown(result) if isinstance(result, float) else result for result in results]


def _sign(value: _Number) -> object:
    sign = (value > 0) - (value < 0)
    return value if math.isnan(value) else float(sign) if isinstance(value, float) else sign


def _log(value: _Number) -> float:
    return -math.inf if value == 0 else math.log(value)


_one("series_abs", abs, "The absolute value of each element.", like=True)
_one("series_sign", _sign, "The sign of each element: -1, 0 or 1.", like=True)
_one("series_ceiling", lambda value: float(math.ceil(value)), "Each element rounded up.")
_one("series_floor", lambda value: float(math.floor(value)), "Each element rounded down.")
_one("series_exp", math.exp, "e to the power of each element.")
_one("series_log", _log, "The natural logarithm of each element.")
_one("series_sin", math.sin, "The sine of each element.")
_one("series_cos", math.cos, "The cosine of each element.")
_one("series_tan", math.tan, "The tangent of each element.")
_one("series_asin", math.asin, "The arc sine of each element.")
_one("series_acos", math.acos, "The arc cosine of each element.")
_one("series_atan", math.atan, "The arc tangent of each element.")

_two("series_add", operator.add, "The sum of two series, element by element.")
_two("series_subtract", operator.sub, "The difference of two series, element by element.")
_two("series_multiply", operator.mul, "The product of two series, element by element.")
_two("series_divide", _divide, "The quotient of two series, element by element.")
_two("series_pow", lambda left, right: math.pow(left, right), "Each element of one series to the power of another's.")
_two("series_equals", operator.eq, "Whether elements of two series are equal.")
_two("series_not_equals", operator.ne, "Whether elements of two series differ.")
_two("series_less", operator.lt, "Whether elements of the first series are less.")
_two("series_less_equals", operator.le, "Whether elements of the first series are less or equal.")
_two("series_greater", operator.gt, "Whether elements of the first series are greater.")
_two("series_greater_equals", operator.ge, "Whether elements of the first series are greater or equal.")
