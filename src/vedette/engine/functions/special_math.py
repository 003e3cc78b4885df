"""Special functions and a test statistic: gamma, error function, beta distribution, Welch's t-test."""

from __future__ import annotations

import math

from vedette.engine.catalog import scalar
from vedette.engine.dialect import DuckDbSql
from vedette.engine.fragment import Fragment
from vedette.kql.types import Type


def gamma(number: float) -> float:
    """The gamma function; NaN at its poles, infinity where it is too large."""
    try:
        return math.gamma(number)
    except ValueError:
        return math.nan
    except OverflowError:
        return math.inf


def loggamma(number: float) -> float:
    """The logarithm of the absolute value of the gamma function; infinity at its poles."""
    try:
        return math.lgamma(number)
    except (ValueError, OverflowError):
        return math.inf


for _name, _function, _about in (
    ("gamma", gamma, "The gamma function."),
    ("loggamma", loggamma, "The logarithm of the absolute value of the gamma function."),
    ("erf", math.erf, "The error function."),
    ("erfc", math.erfc, "The complementary error function."),
):

    def _emit(sql: DuckDbSql, number: Fragment, name: str = _name, function: object = _function) -> str:
        return sql.row(name, function, Type.REAL, sql.cast(number, Type.REAL))  # type: ignore[arg-type]

    scalar(f"{_name}(number: number): real", about=_about, page=f"{_name}-function", names="first", nulls="own")(_emit)


# -- the beta distribution


def _proper(x: float, alpha: float, beta: float) -> bool:
    return 0 <= x <= 1 and alpha > 0 and beta > 0


def beta_cdf(x: float, alpha: float, beta: float) -> float:
    """The cumulative beta distribution; NaN outside of its domain."""
    from scipy.special import betainc

    return float(betainc(alpha, beta, x)) if _proper(x, alpha, beta) else math.nan


def beta_inv(probability: float, alpha: float, beta: float) -> float | None:
    """The point where the cumulative beta distribution has a probability; None where that is none."""
    from scipy.special import betaincinv

    if not 0 <= probability <= 1:
        return None
    return float(betaincinv(alpha, beta, probability)) if _proper(probability, alpha, beta) else math.nan


def beta_pdf(x: float, alpha: float, beta: float) -> float:
    """The density of the beta distribution; NaN outside of its domain."""
    from scipy.special import betaln, xlog1py, xlogy

    if not _proper(x, alpha, beta):
        return math.nan
    return float(math.exp(xlogy(alpha - 1, x) + xlog1py(beta - 1, -x) - betaln(alpha, beta)))


for _name, _function3, _about in (
    ("beta_cdf", beta_cdf, "The cumulative distribution function of the beta distribution."),
    ("beta_inv", beta_inv, "The inverse of the cumulative distribution function of the beta distribution."),
    ("beta_pdf", beta_pdf, "The density function of the beta distribution."),
):
    _first = "probability" if _name == "beta_inv" else "x"
    scalar(f"{_name}({_first}: real, alpha: real, beta: real): real", about=_about,
           page=f"{_name.replace('_', '-')}-function", kind="row")(_function3)  # fmt: skip


# -- Welch's t-test


def welch_test(
    mean1: float, variance1: float, count1: float, mean2: float, variance2: float, count2: float
) -> float | None:
    """The two-sided p-value of Welch's t-test of two samples; None where there are too few values."""
    from scipy.special import stdtr

    if count1 <= 1 or count2 <= 1:
        return None
    error1, error2 = variance1 / count1, variance2 / count2
    if error1 + error2 <= 0:
        return None
    t = (mean1 - mean2) / math.sqrt(error1 + error2)
    freedom = (error1 + error2) ** 2 / (error1**2 / (count1 - 1) + error2**2 / (count2 - 1))
    return float(2 * stdtr(freedom, -abs(t)))


scalar(
    "welch_test(mean1: real, variance1: real, count1: real, mean2: real, variance2: real, count2: real): real",
    about="The two-sided p-value of Welch's t-test of two samples.",
    page="welch-test-function",
    kind="row",
)(welch_test)
