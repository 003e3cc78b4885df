"""Conversions between KQL types, by the rules of the toX() functions (rules 35 to 37, 48, 57, 58)."""

from __future__ import annotations

import decimal
import json
import math
import re
from typing import TYPE_CHECKING

from vedette.core.deferred import deferred
from vedette.engine.dialect import DECIMAL
from vedette.engine.fragment import Fragment
from vedette.kql import ticks
from vedette.kql.types import NUMBERS, Type

if TYPE_CHECKING:
    import orjson

    from vedette.engine.dialect import DuckDbSql
else:
    orjson = deferred("orjson")

_INT_RANGE = {Type.INT: (-(2**31), 2**31 - 1, "INTEGER"), Type.LONG: (-(2**63), 2**63 - 1, "BIGINT")}


def convert(sql: DuckDbSql, value: Fragment, type_: Type) -> Fragment:
    """A fragment as another type; what does not convert is null (for string: "")."""
    if value.type is type_ or (value.type is Type.UNKNOWN):
        return value
    if value.constant and value.value is None:
        return sql.literal(None, type_)
    if type_ is Type.STRING:
        return Fragment(_to_string(sql, value), Type.STRING, False)
    if type_ is Type.DYNAMIC:
        return _to_dynamic(sql, value)
    maker = {
        Type.INT: _to_integer, Type.LONG: _to_integer, Type.REAL: _to_real, Type.DECIMAL: _to_decimal,
        Type.BOOL: _to_bool, Type.DATETIME: _to_datetime, Type.TIMESPAN: _to_timespan, Type.GUID: _to_guid,
    }[type_]  # fmt: skip
    text, total = maker(sql, value, type_)
    return Fragment(text, type_, value.nullable or not total)


def _dynamic_text(value: Fragment) -> Fragment:
    """A dynamic's text: strings without their quotes."""
    return Fragment(f"json_extract_string({value}, '$')", Type.STRING, True, folded=value.fixed)


def strict_json(text: str) -> str:
    """JSON text as it is; of text that only a lenient reader takes, a JSON string that holds it (rule 58)."""
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return json.dumps(text, ensure_ascii=False)
    return text


def real_text(value: float) -> str:
    """tostring() of a real: shortest round trip, always with a point or an exponent."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    mantissa, _, exponent = f"{value!r}".partition("e")
    if exponent:
        power = int(exponent)
        if -5 < power < 15:
            return f"{decimal.Decimal(repr(value)):f}"
        mantissa = mantissa.removesuffix(".0")
        return f"{mantissa}E{'+' if power >= 0 else '-'}{abs(power):02d}"
    if abs(value) >= 1e15:
        digits = repr(value).removesuffix(".0")
        sign, digits = ("-", digits[1:]) if digits.startswith("-") else ("", digits)
        power = len(digits) - 1
        rest = digits[1:].rstrip("0")
        return f"{sign}{digits[0]}{'.' + rest if rest else ''}E+{power:02d}"
    if 0 < abs(value) < 1e-4:
        return f"{decimal.Decimal(repr(value)):f}"
    return repr(value)


def decimal_text(value: decimal.Decimal) -> str:
    """tostring() of a decimal: no trailing zeros."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _timespan_text(value: Fragment) -> str:
    size = f"abs({value})"
    clock = " || ':' || ".join(
        f"lpad(CAST({size} // {unit} % {count} AS VARCHAR), 2, '0')"
        for unit, count in ((ticks.HOUR, 24), (ticks.MINUTE, 60), (ticks.SECOND, 60))
    )
    days = f"CASE WHEN {size} >= {ticks.DAY} THEN ({size} // {ticks.DAY}) || '.' ELSE '' END"
    part = f"{size} % {ticks.SECOND}"
    fraction = f"CASE WHEN {part} <> 0 THEN '.' || lpad(CAST({part} AS VARCHAR), 7, '0') ELSE '' END"
    # the least timespan has no counterpart above zero
    least = f"WHEN {value} = CAST('{ticks.MIN_TIMESPAN}' AS BIGINT) THEN '{ticks.format_timespan(ticks.MIN_TIMESPAN)}'"
    text = f"CASE WHEN {value} < 0 THEN '-' ELSE '' END || {days} || {clock} || {fraction}"
    return f"CASE {least} WHEN {value} IS NOT NULL THEN {text} END"


def _to_string(sql: DuckDbSql, value: Fragment) -> str:
    match value.type:
        case Type.BOOL:
            return f"CASE {value} WHEN true THEN 'True' WHEN false THEN 'False' ELSE '' END"
        case Type.DYNAMIC:
            return f"coalesce(json_extract_string({value}, '$'), '')"
        case Type.DATETIME:
            text = f"strftime({sql.timestamp(value)}, '%Y-%m-%dT%H:%M:%S.%f') || ({value} % 10) || 'Z'"
            return f"coalesce({text}, '')" if value.nullable else f"({text})"
        case Type.TIMESPAN:
            return f"coalesce({_timespan_text(value)}, '')"
        case Type.REAL:
            plain = f"abs({value}) >= 1e-4 AND abs({value}) < 1e15 OR {value} = 0"
            exact = sql.row("real_text", real_text, Type.STRING, value)
            return f"coalesce(CASE WHEN {plain} THEN CAST({value} AS VARCHAR) ELSE {exact} END, '')"
        case Type.DECIMAL:
            return f"coalesce({sql.row('decimal_text', decimal_text, Type.STRING, value)}, '')"
        case _:
            return f"coalesce(CAST({value} AS VARCHAR), '')" if value.nullable else f"CAST({value} AS VARCHAR)"


def _to_dynamic(sql: DuckDbSql, value: Fragment) -> Fragment:
    match value.type:
        case Type.STRING:
            return Fragment(f"CAST(to_json({value}) AS VARCHAR)", Type.DYNAMIC, False)
        case Type.BOOL | Type.INT | Type.LONG:
            return Fragment(f"CAST({value} AS VARCHAR)", Type.DYNAMIC, value.nullable)
        case Type.REAL:
            special = "WHEN isnan({0}) THEN '\"NaN\"' WHEN isinf({0}) THEN CASE WHEN {0} > 0 THEN '\"Infinity\"' ELSE '\"-Infinity\"' END"
            text = f"CASE {special.format(value)} ELSE CAST(to_json({value}) AS VARCHAR) END"
            return Fragment(text, Type.DYNAMIC, value.nullable)
        case Type.DECIMAL:
            text = f"CASE WHEN {value} IS NOT NULL THEN '\"' || {_to_string(sql, value)} || '\"' END"
            return Fragment(text, Type.DYNAMIC, value.nullable)
        case Type.GUID | Type.DATETIME | Type.TIMESPAN:
            text = _to_string(sql, value)
            if value.nullable:
                return Fragment(f"CASE WHEN {value} IS NOT NULL THEN '\"' || {text} || '\"' END", Type.DYNAMIC, True)
            return Fragment(f"('\"' || {text} || '\"')", Type.DYNAMIC, False)
        case _:
            return value


def integer_of_text(text: str) -> int | None:
    """tolong() of a string: decimal or 0x digits, blanks around; nothing else (rule 35)."""
    body = text.strip()
    sign = -1 if body.startswith("-") else 1
    digits = body[1:] if body[:1] in "+-" and body else body
    try:
        if digits[:2].lower() == "0x" and digits[2:].isalnum():
            number = sign * int(digits, 16)
            if 2**63 <= number < 2**64:
                number -= 2**64
        elif digits.isascii() and digits.isdigit():
            number = sign * int(digits)
        else:
            return None
    except ValueError:
        return None
    return number if -(2**63) <= number < 2**63 else None


def _low_half(value: str) -> str:
    """The lower 32 bits of a long, as an int (rule 36)."""
    low, high, _ = _INT_RANGE[Type.INT]
    # folded first, since a sum with the whole value may leave 64 bits
    folded = f"(({value} % 4294967296 + 2147483648) % 4294967296 + 4294967296) % 4294967296 - 2147483648"
    return f"CAST(CASE WHEN {value} BETWEEN {low} AND {high} THEN {value} ELSE {folded} END AS INTEGER)"


def _integer_of_real(value: Fragment, type_: Type) -> str:
    """A real's whole part; of an infinity and of NaN it is null.

    Beyond its range it saturates; but a long of a constant is then its least value, at either end, since a query's
    constants are folded by a cast of the processor.
    """
    low, high, name = _INT_RANGE[type_]
    most = low if type_ is Type.LONG and value.fixed else high
    number = f"trunc({value})"
    finite = f"isfinite({value})" if value.type is Type.REAL else "true"
    outside = (
        f"WHEN {number} <= {low} THEN CAST('{low}' AS {name}) WHEN {number} >= {high} THEN CAST('{most}' AS {name})"
    )
    return f"CASE WHEN NOT {finite} THEN NULL {outside} ELSE CAST({number} AS {name}) END"


def _to_integer(sql: DuckDbSql, value: Fragment, type_: Type) -> tuple[str, bool]:
    name = _INT_RANGE[type_][2]
    match value.type:
        case Type.INT | Type.LONG | Type.DATETIME | Type.TIMESPAN:
            if type_ is Type.LONG or value.type is Type.INT:
                return f"CAST({value} AS {name})", True
            return _low_half(value.sql), True
        case Type.REAL | Type.DECIMAL:
            return _integer_of_real(value, type_), False
        case Type.BOOL:
            return f"CAST({value} AS {name})", True
        case Type.STRING:
            simple = f"regexp_full_match({value}, '\\s*[+-]?[0-9]{{1,18}}\\s*')"
            slow = sql.row("integer_of_text", integer_of_text, Type.LONG, value)
            whole = f"CASE WHEN {simple} THEN TRY_CAST({value} AS BIGINT) ELSE {slow} END"
            return (whole if type_ is Type.LONG else f"TRY_CAST({whole} AS INTEGER)"), False
        case Type.DYNAMIC:
            text = Fragment(f"coalesce(json_extract_string({value}, '$'), '')", Type.STRING, False)
            of_text, _ = _to_integer(sql, text, type_)
            of_real = _integer_of_real(Fragment(f"TRY_CAST({text} AS DOUBLE)", Type.REAL, folded=value.fixed), type_)
            # a whole number is cut to the type's width; only of text does one that is too large give null
            of_whole = of_text if type_ is Type.LONG else _low_half(f"TRY_CAST({text} AS BIGINT)")
            return (
                f"CASE json_type({value}) WHEN 'BIGINT' THEN {of_whole} WHEN 'UBIGINT' THEN {of_whole} "
                f"WHEN 'DOUBLE' THEN {of_real} "
                f"WHEN 'BOOLEAN' THEN CASE WHEN {text} = 'true' THEN 1 ELSE 0 END ELSE {of_text} END"
            ), False
        case _:
            return f"CAST(NULL AS {name})", False


def real_of_text(text: str) -> float | None:
    """toreal() of a string."""
    body = text.strip()
    folded = body.lower()
    special = {"nan": math.nan, "inf": math.inf, "+inf": math.inf, "-inf": -math.inf,
               "infinity": math.inf, "-infinity": -math.inf, "∞": math.inf, "-∞": -math.inf}  # fmt: skip
    if folded in special:
        return special[folded]
    if not body or "_" in body or not (body[-1].isdigit() or body[-1] == "."):
        return None
    try:
        return float(body)
    except ValueError:
        return None


def _real_of_string(sql: DuckDbSql, text: Fragment) -> str:
    simple = f"regexp_full_match({text}, '[+-]?[0-9]+(\\.[0-9]+)?([eE][+-]?[0-9]+)?')"
    exact = sql.row("real_of_text", real_of_text, Type.REAL, text)
    return f"CASE WHEN {simple} THEN TRY_CAST({text} AS DOUBLE) ELSE {exact} END"


def _to_real(sql: DuckDbSql, value: Fragment, _type: Type) -> tuple[str, bool]:
    match value.type:
        case Type.INT | Type.LONG | Type.DECIMAL | Type.BOOL | Type.TIMESPAN | Type.DATETIME:
            return f"CAST({value} AS DOUBLE)", True
        case Type.STRING:
            return _real_of_string(sql, value), False
        case Type.DYNAMIC:
            text = _dynamic_text(value)
            of_text = _real_of_string(sql, text)
            return (
                f"CASE json_type({value}) WHEN 'VARCHAR' THEN {of_text} "
                f"WHEN 'BOOLEAN' THEN CASE WHEN {text} = 'true' THEN 1.0 ELSE 0.0 END "
                f"ELSE TRY_CAST({text} AS DOUBLE) END"
            ), False
        case _:
            return "CAST(NULL AS DOUBLE)", False


def _to_decimal(sql: DuckDbSql, value: Fragment, _type: Type) -> tuple[str, bool]:
    source: object = _dynamic_text(value) if value.type is Type.DYNAMIC else value
    if value.type in NUMBERS | {Type.STRING, Type.DYNAMIC, Type.BOOL}:
        return f"TRY_CAST({source} AS {DECIMAL})", False
    if value.type in (Type.TIMESPAN, Type.DATETIME):
        return f"CAST({value} AS {DECIMAL})", True
    return f"CAST(NULL AS {DECIMAL})", False


def _to_bool(sql: DuckDbSql, value: Fragment, _type: Type) -> tuple[str, bool]:
    match value.type:
        case Type.INT | Type.LONG | Type.REAL | Type.DECIMAL:
            return f"({value} <> 0)", True
        case Type.STRING | Type.DYNAMIC:
            text = value if value.type is Type.STRING else _dynamic_text(value)
            number, _ = _to_integer(sql, Fragment(text.sql, Type.STRING, text.nullable), Type.LONG)
            # blanks around a word are read over only in a constant
            word = f"trim({text})" if value.fixed else text
            return (
                f"CASE lower({word}) WHEN 'true' THEN true WHEN 'false' THEN false ELSE ({number}) <> 0 END",
                False,
            )
        case _:
            return "CAST(NULL AS BOOLEAN)", False


def datetime_of_text(text: str) -> int | None:
    """todatetime() of a string (rule 47)."""
    return ticks.parse_datetime(text)


_ISO_TEXT = r"\d{4}-\d\d-\d\d[T ](?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,7})?Z?"


def _datetime_of_string(sql: DuckDbSql, text: Fragment) -> str:
    """A datetime's ticks: the form that logs have is read by the database, every other by `kql.ticks`."""
    exact = sql.row("datetime_of_text", datetime_of_text, Type.DATETIME, text)
    moment = sql.from_timestamp(f"TRY_CAST({text} AS TIMESTAMP)")
    # the database cuts the seventh digit of the fraction
    last = f"CASE WHEN {text}[27] BETWEEN '0' AND '9' THEN ascii({text}[27]) - 48 ELSE 0 END"
    # the year 0 is one to the database, and none to KQL
    iso = f"CASE WHEN {moment} >= 0 THEN {moment} + {last} END"
    return f"CASE WHEN regexp_full_match({text}, '{_ISO_TEXT}') THEN {iso} ELSE {exact} END"


def _to_datetime(sql: DuckDbSql, value: Fragment, _type: Type) -> tuple[str, bool]:
    match value.type:
        case Type.STRING | Type.DYNAMIC:
            text = value if value.type is Type.STRING else _dynamic_text(value)
            of_text = _datetime_of_string(sql, text)
            if value.type is Type.DYNAMIC:
                number, _ = _to_integer(sql, value, Type.LONG)
                return f"CASE WHEN json_type({value}) IN ('BIGINT', 'UBIGINT') THEN {number} ELSE {of_text} END", False
            return of_text, False
        case Type.INT | Type.LONG:
            return f"CASE WHEN {value} BETWEEN 0 AND {ticks.MAX_DATETIME} THEN CAST({value} AS BIGINT) END", False
        case Type.REAL | Type.DECIMAL:
            number = f"trunc({value})"
            return f"CASE WHEN {number} BETWEEN 0 AND {ticks.MAX_DATETIME} THEN TRY_CAST({number} AS BIGINT) END", False
        case _:
            return "CAST(NULL AS BIGINT)", False


_MORE_DIGITS = re.compile(r"(\.\d{7})\d+\s*$")


def timespan_of_text(text: str) -> int | None:
    """totimespan() of a string: a bare number is none, and digits beyond the tick are cut."""
    return None if text.strip().isdigit() else ticks.parse_timespan(_MORE_DIGITS.sub(r"\1", text))


def _to_timespan(sql: DuckDbSql, value: Fragment, _type: Type) -> tuple[str, bool]:
    match value.type:
        case Type.STRING | Type.DYNAMIC:
            text = value if value.type is Type.STRING else _dynamic_text(value)
            of_text = sql.row("timespan_of_text", timespan_of_text, Type.TIMESPAN, text)
            if value.type is Type.DYNAMIC:
                number, _ = _to_integer(sql, value, Type.LONG)
                kinds = "('BIGINT', 'UBIGINT', 'DOUBLE', 'BOOLEAN')"
                return f"CASE WHEN json_type({value}) IN {kinds} THEN {number} ELSE {of_text} END", False
            return of_text, False
        case Type.INT | Type.LONG | Type.DATETIME | Type.BOOL:
            return f"CAST({value} AS BIGINT)", True
        case Type.REAL | Type.DECIMAL:
            return f"TRY_CAST(trunc({value}) AS BIGINT)", False
        case _:
            return "CAST(NULL AS BIGINT)", False


_GUID = "^[{]?" + "-?".join(f"[0-9A-Fa-f]{{{count}}}" for count in (8, 4, 4, 4, 12)) + "[}]?"
"""A guid at the start of a text: 32 digits, dashes only where they belong; what follows them is ignored."""


def _to_guid(_sql: DuckDbSql, value: Fragment, _type: Type) -> tuple[str, bool]:
    source: object = _dynamic_text(value) if value.type is Type.DYNAMIC else value
    if value.type in (Type.STRING, Type.DYNAMIC):
        return f"TRY_CAST(regexp_extract({source}, '{_GUID}') AS UUID)", False
    return "CAST(NULL AS UUID)", False
