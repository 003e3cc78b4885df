"""Conversions between types, and tests for null and emptiness (rules 1, 2, 8, 35 to 37, 57 to 59)."""

from __future__ import annotations

from vedette.engine.catalog import scalar
from vedette.engine.conversion import strict_json
from vedette.engine.dialect import DuckDbSql
from vedette.engine.fragment import Fragment
from vedette.kql.types import NUMBERS, Type

_MOST_DIGITS = 16
"""The most characters that a number is padded to."""
_CONVERSIONS = (
    ("tostring", Type.STRING, (), "The value as text; a null gives an empty string."),
    ("toint", Type.INT, (), "The value as a 32-bit integer, fractions cut; null where it is no integer."),
    ("tolong", Type.LONG, (), "The value as a 64-bit integer, fractions cut; null where it is no integer."),
    ("toreal", Type.REAL, ("todouble",), "The value as a real; null where it is no number."),
    ("todecimal", Type.DECIMAL, (), "The value as a decimal; null where it is no number."),
    ("tobool", Type.BOOL, ("toboolean",), "The value as a bool: true, false, or a number that is not 0."),
    ("todatetime", Type.DATETIME, (), "The text as a datetime, or ticks as a datetime; null where it is none."),
    (
        "totimespan",
        Type.TIMESPAN,
        ("totime",),
        "The text as a timespan, or ticks as a timespan; null where it is none.",
    ),
    ("toguid", Type.GUID, (), "The text as a guid; null where it is none."),
)


def _register(name: str, type_: Type, aliases: tuple[str, ...], about: str) -> None:
    def emit(sql: DuckDbSql, value: Fragment) -> Fragment:
        return sql.cast(value, type_)

    kind = "string|dynamic|guid" if name == "toguid" else "any"
    scalar(
        f"{name}(value: {kind}): {type_}",
        about=about,
        page=f"{name}-function",
        names="first",
        aliases=aliases,
        nulls="own",
    )(emit)


for _name, _type, _aliases, _about in _CONVERSIONS:
    _register(_name, _type, _aliases, _about)


@scalar(
    "tohex(value: integer, minLength?: integer): string",
    about="The hexadecimal digits of an integer, in lower case, padded with zeros to a least length.",
    page="tohex-function",
    names="first",
)
def tohex(sql: DuckDbSql, value: Fragment, least: Fragment | None = None) -> str:
    # negative integers show as two's complement of their own width
    bits = f"CAST({value} AS HUGEINT) + {2**32 if value.type is Type.INT else 2**64}"
    digits = f"lower(to_hex(CASE WHEN {value} < 0 THEN CAST({bits} AS UBIGINT) ELSE CAST({value} AS UBIGINT) END))"
    if least is None:
        return digits
    return f"lpad({digits}, CAST(greatest(least({least}, {_MOST_DIGITS}), length({digits})) AS INTEGER), '0')"


# -- dynamic values of text


@scalar(
    "parse_json(json_text: string|dynamic): dynamic",
    about="Text read as JSON; text that is no JSON stays a string, and empty text is null.",
    page="parse-json-function",
    names="first",
    aliases=("parsejson", "todynamic", "toobject"),
    nulls="own",
)
def parse_json(sql: DuckDbSql, text: Fragment) -> Fragment:
    if text.type is Type.DYNAMIC:
        return text
    # the database also takes trailing commas, NaN and infinities: only texts that may hold one are read twice
    named = f"contains(lower({text}), 'nan') OR contains(lower({text}), 'inf')"
    exact = sql.row("strict_json", strict_json, Type.STRING, text)
    good = f"CASE WHEN regexp_matches({text}, ',\\s*[\\]}}]') OR {named} THEN {exact} ELSE {text} END"
    as_text = f"CAST(to_json({text}) AS VARCHAR)"
    empty = f"{text} = '' OR length({text}) < 20 AND trim({text}, ' \t\r\n') = 'null'"
    return Fragment(
        f"CASE WHEN {empty} THEN NULL WHEN json_valid({text}) THEN {good} ELSE {as_text} END", Type.DYNAMIC, True
    )


_DYNAMIC_KINDS = (
    "CASE json_type({0}) WHEN 'BIGINT' THEN 'long' WHEN 'UBIGINT' THEN 'long' WHEN 'DOUBLE' THEN 'double' "
    "WHEN 'BOOLEAN' THEN 'bool' WHEN 'VARCHAR' THEN 'string' WHEN 'ARRAY' THEN 'array' WHEN 'OBJECT' THEN 'dictionary' "
    "ELSE 'null' END"
)


@scalar(
    "gettype(value: any): string",
    about="The name of the value's type; for a dynamic value that of what it holds.",
    page="gettype-function",
    names="prefix:type",
    nulls="total",
)
def gettype(sql: DuckDbSql, value: Fragment) -> str:
    return _DYNAMIC_KINDS.format(value) if value.type is Type.DYNAMIC else sql.quote(str(value.type))


# -- null and empty


def _is_null(value: Fragment) -> str:
    if value.type is Type.STRING or not value.nullable:
        return "false"
    return f"({value} IS NULL)"


@scalar(
    "isnull(expression: any): bool",
    about="Whether a value is null; a string never is.",
    page="isnull-function",
    nulls="total",
)
def isnull(sql: DuckDbSql, value: Fragment) -> str:
    return _is_null(value)


@scalar(
    "isnotnull(expression: any): bool",
    about="Whether a value is not null; a string never is null.",
    page="isnotnull-function",
    aliases=("notnull",),
    nulls="total",
)
def isnotnull(sql: DuckDbSql, value: Fragment) -> str:
    return f"(NOT {_is_null(value)})"


def _is_empty(value: Fragment) -> str:
    if value.type is Type.STRING:
        return f"({value} = '')"
    if value.type is Type.DYNAMIC:
        return f"coalesce({value} = '\"\"', true)"
    return _is_null(value)


@scalar(
    "isempty(value: any): bool",
    about="Whether a value is null or an empty string.",
    page="isempty-function",
    nulls="total",
)
def isempty(sql: DuckDbSql, value: Fragment) -> str:
    return _is_empty(value)


@scalar(
    "isnotempty(value: any): bool",
    about="Whether a value is neither null nor an empty string.",
    page="isnotempty-function",
    aliases=("notempty",),
    nulls="total",
)
def isnotempty(sql: DuckDbSql, value: Fragment) -> str:
    return f"({value} <> '')" if value.type is Type.STRING else f"(NOT {_is_empty(value)})"


def _number_test(name: str, test: str, about: str) -> None:
    @scalar(f"{name}(number: number): bool", about=about, page=f"{name}-function")
    def emit(sql: DuckDbSql, number: Fragment) -> str:
        if number.type in NUMBERS and number.type is not Type.REAL:
            fixed = "true" if name == "isfinite" else "false"
            return f"CASE WHEN {number} IS NOT NULL THEN {fixed} END" if number.nullable else fixed
        return f"{test}({number})"


_number_test("isnan", "isnan", "Whether a real is not a number.")
_number_test("isinf", "isinf", "Whether a real is an infinity, of either sign.")
_number_test("isfinite", "isfinite", "Whether a real is a number and no infinity.")
