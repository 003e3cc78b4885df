"""Standard deviation, variance and covariance (rule 42: of nothing they are 0, and of a single value as well)."""

from __future__ import annotations

from collections.abc import Callable

from vedette.engine.catalog import aggregate
from vedette.engine.dialect import DuckDbSql
from vedette.engine.fragment import Fragment
from vedette.kql.types import Type


def _spread(function: str, values: tuple[Fragment, ...], condition: str) -> Fragment:
    reals = [f"CAST({value} AS DOUBLE)" for value in values]
    where = f" FILTER (WHERE {condition})" if condition else ""
    text = f"coalesce({function}({', '.join(reals)}){where}, 0.0)"
    return Fragment(text, Type.REAL, False)


def _register(name: str, function: str, about: str, operands: tuple[str, ...]) -> None:
    parameters = ", ".join(f"{operand}: summable" for operand in operands)
    naming = "prefix:" if len(operands) == 1 else "pair:"

    def plain(sql: DuckDbSql, *values: Fragment) -> Fragment:
        return _spread(function, values, "")

    def conditional(sql: DuckDbSql, *values: Fragment) -> Fragment:
        return _spread(function, values[:-1], values[-1].sql)

    def add(spelled: str, signature: str, text: str, emit: Callable[..., Fragment]) -> None:
        aggregate(signature, about=text, names=f"{naming}{spelled}", page=f"{spelled}-aggregation-function")(emit)

    add(name, f"{name}({parameters}): real", about, plain)
    limited = f"{about[:-1]}, over the rows that meet a condition."
    add(f"{name}if", f"{name}if({parameters}, predicate: bool): real", limited, conditional)


_register("stdev", "stddev_samp", "The standard deviation of a sample.", ("expr",))
_register("stdevp", "stddev_pop", "The standard deviation of a population.", ("expr",))
_register("variance", "var_samp", "The variance of a sample.", ("expr",))
_register("variancep", "var_pop", "The variance of a population.", ("expr",))
_register("covariance", "covar_samp", "The covariance of two samples.", ("expr1", "expr2"))
_register("covariancep", "covar_pop", "The covariance of two populations.", ("expr1", "expr2"))
