"""Mathematics: rounding, powers, trigonometry, bits (rules 38 and 41). Angles are radians."""

from __future__ import annotations

import math

from vedette.engine.catalog import scalar
from vedette.engine.dialect import DECIMAL, DuckDbSql
from vedette.engine.fragment import Fragment
from vedette.engine.functions.arithmetic import wrap
from vedette.kql.types import INTEGERS, Type


def _real(value: Fragment) -> str:
    return value.sql if value.type is Type.REAL else f"CAST({value} AS DOUBLE)"


def _of_real(name: str, text: str, about: str, *, names: str | None = "first", page: str | None = None) -> None:
    """A function of one number that gives a real; `{x}` in the text is the number as a real."""

    @scalar(f"{name}(number: number): real", about=about, page=page or f"{name}-function", names=names, nulls="own")
    def emit(sql: DuckDbSql, number: Fragment) -> str:
        return text.format(x=_real(number))


_NAN, _INF = "CAST('nan' AS DOUBLE)", "CAST('inf' AS DOUBLE)"
_FINITE = "isfinite({x})"

_of_real("exp", "exp({x})", "e to the power of the number.")
_of_real("exp2", "pow(2.0, {x})", "2 to the power of the number.")
_of_real("exp10", "pow(10.0, {x})", "10 to the power of the number.")
for _name, _call, _base in (("log", "ln", "natural"), ("log2", "log2", "base-2"), ("log10", "log10", "base-10")):
    _of_real(
        _name,
        f"CASE WHEN {{x}} > 0 THEN {_call}({{x}}) WHEN {{x}} = 0 THEN -{_INF} WHEN {{x}} IS NOT NULL THEN {_NAN} END",
        f"The {_base} logarithm; of 0 it is minus infinity, of a negative number NaN.",
    )
_of_real("sqrt", f"CASE WHEN {{x}} < 0 THEN {_NAN} ELSE sqrt({{x}}) END", "The square root; of a negative number NaN.")
_of_real(
    "sign",
    f"CASE WHEN isnan({{x}}) THEN {_NAN} ELSE CAST(sign({{x}}) AS DOUBLE) END",
    "-1, 0 or 1 by the sign.",
    names=None,
)
for _name, _what in (("sin", "sine"), ("cos", "cosine"), ("tan", "tangent")):
    _of_real(_name, f"CASE WHEN isinf({{x}}) THEN {_NAN} ELSE {_name}({{x}}) END", f"The {_what} of an angle.")
_of_real(
    "cot",
    f"CASE WHEN isinf({{x}}) THEN {_NAN} WHEN {{x}} = 0 THEN {_INF} ELSE 1.0 / tan({{x}}) END",
    "The cotangent of an angle.",
    names=None,
)
for _name, _what in (("asin", "sine"), ("acos", "cosine")):
    _of_real(
        _name,
        f"CASE WHEN isnan({{x}}) THEN {{x}} WHEN {{x}} BETWEEN -1 AND 1 THEN {_name}({{x}}) END",
        f"The angle of a {_what}; null outside of -1 to 1.",
    )
_of_real("atan", "atan({x})", "The angle of a tangent.")
_of_real("degrees", f"({{x}} * (180.0 / {math.pi!r}))", "An angle in degrees.", names=None)
_of_real("radians", f"({{x}} * ({math.pi!r} / 180.0))", "Degrees as an angle in radians.", names=None)


@scalar(
    "atan2(y: number, x: number): real", about="The angle of the point (x, y).", page="atan2-function", names="first"
)
def atan2(sql: DuckDbSql, y: Fragment, x: Fragment) -> str:
    return f"atan2({_real(y)}, {_real(x)})"


@scalar("pi(): real", about="The number pi.", page="pi-function", nulls="total")
def pi(sql: DuckDbSql) -> str:
    return f"CAST({math.pi!r} AS DOUBLE)"


def power(base: float, exponent: float) -> float:
    """base to the power of exponent: NaN where the result is not real, infinity where it is too large."""
    try:
        return math.pow(base, exponent)
    except ValueError:
        return math.inf if base == 0 else math.nan
    except OverflowError:
        odd = exponent.is_integer() and int(exponent) % 2 == 1
        return -math.inf if base < 0 and odd else math.inf


@scalar("pow(base: number, exponent: number): real", about="The base to the power of the exponent.", page="pow-function",
        names="first")  # fmt: skip
def pow_(sql: DuckDbSql, base: Fragment, exponent: Fragment) -> str:
    a, b = sql.cast(base, Type.REAL), sql.cast(exponent, Type.REAL)
    return f"CASE WHEN {a} > 0 THEN pow({a}, {b}) ELSE {sql.row('power', power, Type.REAL, a, b)} END"


@scalar(
    "abs(number: integer): long",
    "abs(number: number): same(number)",
    "abs(number: timespan): timespan",
    about="The value without its sign.",
    page="abs-function",
    names="first",
)
def abs_(sql: DuckDbSql, number: Fragment) -> str:
    if number.type in INTEGERS or number.type is Type.TIMESPAN:
        return wrap(f"abs(CAST({number} AS HUGEINT))")
    return f"abs({number})"


@scalar("ceiling(number: number): same(number)", about="The least whole number that is not below the value.",
        page="ceiling-function", names="first")  # fmt: skip
def ceiling(sql: DuckDbSql, number: Fragment) -> str:
    if number.type in INTEGERS:
        return number.sql
    return f"CAST(ceil({number}) AS {DECIMAL})" if number.type is Type.DECIMAL else f"ceil({number})"


@scalar(
    "round(number: number, precision?: long): same(number)",
    about="The value to so many digits after the point (before it, when negative); halves go away from zero.",
    page="round-function",
    names="first",
)
def round_(sql: DuckDbSql, number: Fragment, precision: Fragment | None = None) -> str:
    digits = "" if precision is None else f", CAST({precision} AS INTEGER)"
    if number.type in INTEGERS:
        if precision is None or (isinstance(precision.value, int) and precision.value >= 0):
            return f"CASE WHEN {precision or 0} IS NOT NULL THEN {number} END"
        kind = "INTEGER" if number.type is Type.INT else "BIGINT"
        return f"CASE WHEN {precision} >= 0 THEN {number} ELSE TRY_CAST(round(CAST({number} AS HUGEINT){digits}) AS {kind}) END"
    if number.type is Type.DECIMAL and precision is not None:
        # DuckDB wants a constant number of digits of a decimal
        text = (
            f"round(CAST({number} AS DOUBLE){digits})"
            if not isinstance(precision.value, int)
            else f"round({number}, {precision.value})"
        )
        return f"CAST({text} AS {DECIMAL})"
    text = f"round({number}{digits})"
    if digits and number.type is Type.REAL:
        # reals beyond 2^50 have no digits after the point, and scaling them only adds noise
        text = f"CASE WHEN abs({number}) >= 1e15 AND {precision} >= 0 THEN {number} ELSE {text} END"
    return f"CAST({text} AS {DECIMAL})" if number.type is Type.DECIMAL else text


# -- least and greatest


def _extreme(name: str, function: str, what: str) -> None:
    @scalar(
        f"{name}(first: common, rest: common...): common", about=f"The {what} of the arguments; nulls are left out.",
        page=f"{name.replace('_', '-')}-function",
    )  # fmt: skip
    def emit(sql: DuckDbSql, *values: Fragment) -> Fragment:
        text = f"{function}({', '.join(map(str, values))})"
        return Fragment(text, values[0].type, all(value.nullable for value in values))


_extreme("min_of", "least", "least")
_extreme("max_of", "greatest", "greatest")


# -- random


@scalar(
    "rand(number?: integer): real",
    about="A random real from 0 up to 1, or a random whole number below the argument; another one in each row.",
    page="rand-function",
    names="first",
    nulls="total",
    volatile=True,
)
def rand(sql: DuckDbSql, number: Fragment | None = None) -> str:
    return "random()" if number is None else f"floor(random() * CAST({number} AS DOUBLE))"


@scalar("new_guid(): guid", about="A new random guid, another one in each row.", page="new-guid-function", nulls="total",
        volatile=True)  # fmt: skip
def new_guid(sql: DuckDbSql) -> str:
    return "uuid()"


# -- bits


def _bits(name: str, symbol: str, what: str) -> None:
    @scalar(f"{name}(value1: integer, value2: integer): long", about=f"Bitwise {what} of two integers.",
            page=f"{name.replace('_', '-')}-function", names="first")  # fmt: skip
    def emit(sql: DuckDbSql, left: Fragment, right: Fragment) -> str:
        a, b = f"CAST({left} AS BIGINT)", f"CAST({right} AS BIGINT)"
        return f"xor({a}, {b})" if symbol == "xor" else f"({a} {symbol} {b})"


_bits("binary_and", "&", "and")
_bits("binary_or", "|", "or")
_bits("binary_xor", "xor", "exclusive or")


@scalar(
    "binary_not(value: integer): long",
    about="The integer with every bit turned.",
    page="binary-not-function",
    names="first",
)
def binary_not(sql: DuckDbSql, value: Fragment) -> str:
    return f"(-1 - CAST({value} AS BIGINT))"


def shifted_left(value: int, shift: int) -> int:
    """A long with its bits moved up; those moved out are lost and the sign follows the top bit."""
    bits = (value << (shift % 64)) & (2**64 - 1)
    return bits - 2**64 if bits >= 2**63 else bits


def shifted_right(value: int, shift: int) -> int:
    """A long with its bits moved down; the sign stays."""
    return value >> (shift % 64)


scalar(
    "binary_shift_left(value: long, shift: long): long",
    about="The bits of an integer moved up by so many places, modulo 64.",
    page="binary-shift-left-function", names="first", kind="row",
)(shifted_left)  # fmt: skip
scalar(
    "binary_shift_right(value: long, shift: long): long",
    about="The bits of an integer moved down by so many places, modulo 64; the sign stays.",
    page="binary-shift-right-function", names="first", kind="row",
)(shifted_right)  # fmt: skip


@scalar("bitset_count_ones(value: integer): long", about="How many bits of an integer are set.",
        page="bitset-count-ones-function", names="first")  # fmt: skip
def bitset_count_ones(sql: DuckDbSql, value: Fragment) -> str:
    return f"CAST(bit_count(CAST({value} AS BIGINT)) AS BIGINT)"
