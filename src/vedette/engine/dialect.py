"""The vocabulary of DuckDB SQL in which units say what they mean."""

from __future__ import annotations

import decimal
import json
import math
from collections.abc import Callable, Sequence
from typing import Final

from vedette.engine.fragment import Fragment
from vedette.engine.rewrites import ALL_REWRITES
from vedette.kql import ticks
from vedette.kql.types import INTEGERS, Type

DECIMAL_DIGITS, DECIMAL_SCALE = 38, 10
"""The digits of a decimal, and those of them after the point; parse_version() needs the 28 before it."""
DECIMAL = f"DECIMAL({DECIMAL_DIGITS},{DECIMAL_SCALE})"

SQL_TYPES = {
    Type.BOOL: "BOOLEAN",
    Type.INT: "INTEGER",
    Type.LONG: "BIGINT",
    Type.REAL: "DOUBLE",
    Type.DECIMAL: DECIMAL,
    Type.STRING: "VARCHAR",
    Type.DATETIME: "BIGINT",
    Type.TIMESPAN: "BIGINT",
    Type.GUID: "UUID",
    Type.DYNAMIC: "VARCHAR",
    Type.UNKNOWN: "VARCHAR",
}
"""How a value of a KQL type is held: ticks for times, JSON text for dynamic."""

_UNIX_MICROSECONDS = ticks.UNIX_EPOCH // 10


def quote(text: str) -> str:
    """A string literal."""
    return "'" + text.replace("'", "''") + "'" if "\x00" not in text else _with_nul(text)


def _with_nul(text: str) -> str:
    return "(" + " || chr(0) || ".join(quote(part) for part in text.split("\x00")) + ")"


def identifier(name: str) -> str:
    """A quoted identifier."""
    return '"' + name.replace('"', '""') + '"'


def json_text(value: object) -> str:
    """Compact JSON, as dynamic values are held."""
    try:
        return _ENCODER.encode(value)
    except ValueError:
        return _ENCODER.encode(_finite(value))


def _finite(value: object) -> object:
    """A value with what JSON has no number for as text."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, dict):
        return {name: _finite(item) for name, item in value.items()}
    return value


def _json_default(value: object) -> object:
    if isinstance(value, decimal.Decimal):
        return float(value)
    return str(value)


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_json_default, allow_nan=False)


def _quoted_key(text: str) -> str:
    """The JSON path step of a key that is known only when the query runs."""
    escaped = f"replace(replace({text}, '\\', '\\\\'), '\"', '\\\"')"
    return f"'.\"' || {escaped} || '\"'"


_ODD_KEYS: Final = frozenset({"", "*"})


def odd_key(key: str) -> bool:
    """Whether the engine's JSON paths have no form for a key: none for an empty one, and `*` in quotes means every key to it, too."""
    return key in _ODD_KEYS


FAILED = "the query cannot go on: "
"""Begins the messages of errors that a statement raises itself."""


class DuckDbSql:
    """DuckDB's vocabulary; one for each query, since it notes the row functions that the query uses."""

    def __init__(self, run: int = 0, rewrites: frozenset[str] = ALL_REWRITES) -> None:
        """`run` is the number of the query's run, by which a row function finds out whether to go on."""
        self.run = run
        self._rewrites = rewrites
        self._rewritten: dict[str, None] = {}
        self.row_functions: dict[str, RowFunctionUse] = {}
        self.aggregate_order = ""
        """The ORDER BY of the rows that an aggregate reads; empty where they have no order."""
        self.first_seen = False
        """Whether an aggregate of different values keeps them in the order in which its rows come."""
        self.few_rows = False
        """Whether what is emitted is evaluated on some thousand rows at most."""
        self.distinct_input = False
        """Whether no two rows of a group have the same value, for aggregates of different values."""

    # -- rewrites

    def may(self, rewrite: str) -> bool:
        """Whether a rewrite may be made; whoever asks then makes it, and it is noted."""
        if rewrite not in self._rewrites:
            return False
        self._rewritten[rewrite] = None
        return True

    def rewritten(self) -> tuple[str, ...]:
        """The rewrites that were made, sorted."""
        return tuple(sorted(self._rewritten))

    # -- literals

    def literal(self, value: object, type_: Type) -> Fragment:
        """A constant of a KQL type."""
        if value is None:
            if type_ is Type.STRING:
                return Fragment("''", type_, False, "")
            return Fragment(f"CAST(NULL AS {SQL_TYPES[type_]})", type_, True, None)
        return Fragment(self._literal_sql(value, type_), type_, False, value)

    def _literal_sql(self, value: object, type_: Type) -> str:
        if type_ is Type.BOOL:
            return "true" if value else "false"
        if type_ in (Type.LONG, Type.DATETIME, Type.TIMESPAN):
            number = int(value)  # type: ignore[call-overload]
            return f"CAST({number} AS BIGINT)" if number >= 0 else f"CAST('{number}' AS BIGINT)"
        if type_ is Type.INT:
            return f"CAST('{int(value)}' AS INTEGER)"  # type: ignore[call-overload]
        if type_ is Type.REAL:
            real = float(value)  # type: ignore[arg-type]
            text = repr(real) if math.isfinite(real) else {"nan": "nan", "inf": "inf", "-inf": "-inf"}[repr(real)]
            return f"CAST('{text}' AS DOUBLE)"
        if type_ is Type.DECIMAL:
            return f"CAST('{value}' AS {SQL_TYPES[type_]})"
        if type_ is Type.GUID:
            return f"CAST({quote(str(value))} AS UUID)"
        if type_ is Type.DYNAMIC:
            return quote(json_text(value))
        return quote(str(value))

    def quote(self, text: str) -> str:
        """A string literal as SQL text."""
        return quote(text)

    # -- calls

    def call(self, name: str, *args: object) -> str:
        """`name(args)`."""
        return f"{name}({', '.join(str(arg) for arg in args)})"

    def row(
        self,
        name: str,
        function: Callable[..., object],
        result: Type,
        *args: Fragment,
        strict: bool = True,
        rare: bool = False,
    ) -> str:
        """A Python function of one row's values, run over Arrow batches.

        `name` is unique to the function; values arrive and leave as `engine.rowfunctions` says. With `strict`
        a null argument gives null without a call. `rare`: few rows get there, so that rows beyond a limit cost nothing.
        """
        key = f"vdt_{name}_" + "".join(arg.type.value[:2] + arg.type.value[-1] for arg in args)
        self.row_functions[key] = RowFunctionUse(key, function, tuple(arg.type for arg in args), result, strict, rare)
        # a guid goes and comes as text
        values = [f"CAST({arg} AS VARCHAR)" if arg.type is Type.GUID else arg.sql for arg in args]
        text = self.call(key, self.run, *values)
        return f"CAST({text} AS UUID)" if result is Type.GUID else text

    def fail(self, message: str, type_: Type) -> str:
        """A value that ends the query with a message where it is computed; it stands in a CASE."""
        return f"CAST(error({quote(FAILED + message)}) AS {SQL_TYPES[type_]})"

    # -- conversions

    def cast(self, value: Fragment, type_: Type) -> Fragment:
        """A value as another type, by the rules of the toX() functions (rules 35 to 37, 57)."""
        from vedette.engine.conversion import convert

        return convert(self, value, type_)

    def tostring(self, value: Fragment) -> Fragment:
        """tostring(): total, never null."""
        return self.cast(value, Type.STRING)

    # -- times

    def timestamp(self, value: object) -> str:
        """A TIMESTAMP (microseconds) of a datetime's ticks."""
        return f"make_timestamp({value} // 10 - {_UNIX_MICROSECONDS})"

    def from_timestamp(self, value: object) -> str:
        """A datetime's ticks of a TIMESTAMP."""
        return f"((epoch_us({value}) + {_UNIX_MICROSECONDS}) * 10)"

    # -- dynamic

    def path(self, steps: Sequence[str | int | Fragment]) -> str:
        """The JSON path of property and element steps, as a SQL string expression; none of them is an `odd_key`."""
        parts: list[str] = []
        fixed = "$"
        for step in steps:
            if isinstance(step, str):
                escaped = step.replace("\\", "\\\\").replace('"', '\\"')
                fixed += f'."{escaped}"'
            elif isinstance(step, int):
                fixed += f"[{step}]" if step >= 0 else f"[#{step}]"
            else:
                parts.append(quote(fixed))
                parts.append(self._computed_step(step))
                fixed = ""
        if fixed:
            parts.append(quote(fixed))
        return " || ".join(parts)

    def _part(self, target: object, steps: Sequence[str | int | Fragment]) -> str:
        """The arguments of json_extract() and its like that lead to a part of a dynamic value: a value, and the path in it.

        A JSON path has no form for some keys, a JSON pointer has: such a step is one of its own.
        """
        paths: list[str] = []
        run: list[str | int | Fragment] = []
        for step in steps:
            alone = self._alone(step)
            if alone is None:
                run.append(step)
                continue
            if run:
                paths.append(self.path(run))
                run = []
            paths.append(alone)
        if run or not paths:
            paths.append(self.path(run))
        at = str(target)
        for path in paths[:-1]:
            at = f"json_extract({at}, {path})"
        return f"{at}, {paths[-1]}"

    def _alone(self, step: str | int | Fragment) -> str | None:
        """The path of a step that is, or may be, an odd key; None for another, which a path may have beside others."""
        if isinstance(step, str):
            return quote(f"/{step}") if odd_key(step) else None
        if isinstance(step, int) or step.type in INTEGERS:
            return None
        text = f"json_extract_string({step}, '$')" if step.type is Type.DYNAMIC else step.sql
        odd = ", ".join(quote(key) for key in sorted(_ODD_KEYS))
        return f"CASE WHEN {text} IN ({odd}) THEN '/' || {text} ELSE {self.path([step])} END"

    def _computed_step(self, step: Fragment) -> str:
        if step.type in INTEGERS:
            return f"CASE WHEN {step} < 0 THEN '[#' || {step} || ']' ELSE '[' || {step} || ']' END"
        if step.type is Type.DYNAMIC:
            text = f"json_extract_string({step}, '$')"
            return (
                f"CASE WHEN json_type({step}) IN ('BIGINT', 'UBIGINT') THEN '[' || {text} || ']' "
                f"ELSE {_quoted_key(text)} END"
            )
        return f"({_quoted_key(step.sql)})"

    def extract(self, target: Fragment, steps: list[str | int | Fragment]) -> str:
        """A part of a dynamic value, JSON null read as null."""
        return f"nullif(CAST(json_extract({self._part(target, steps)}) AS VARCHAR), 'null')"

    def extract_text(self, target: Fragment, steps: list[str | int | Fragment]) -> str:
        """The text of a part of a dynamic value; null where there is none."""
        return f"json_extract_string({self._part(target, steps)})"

    def elements(self, array: object) -> str:
        """The elements of a dynamic array as a SQL list of JSON texts; null where it is no array."""
        return f"CASE WHEN json_type({array}) = 'ARRAY' THEN CAST(json_extract({array}, '$[*]') AS VARCHAR[]) END"

    def texts(self, array: object) -> str:
        """The texts of a dynamic array's elements as a SQL list; the cast tells its type where the array is a constant null."""
        return f"CAST(json_extract_string({array}, '$[*]') AS VARCHAR[])"

    def members(self, array: object) -> str:
        """The texts of what a dynamic value lists: of an array its elements, of another value that is no bag itself."""
        return (
            f"CASE json_type({array}) WHEN 'ARRAY' THEN {self.texts(array)} WHEN 'OBJECT' THEN [] WHEN 'NULL' THEN [] "
            f"ELSE CASE WHEN {array} IS NOT NULL THEN [json_extract_string({array}, '$')] ELSE [] END END"
        )

    def array(self, list_sql: str) -> str:
        """A dynamic array of a SQL list of JSON texts (a null element is JSON null)."""
        return f"('[' || array_to_string(list_transform({list_sql}, lambda e: coalesce(e, 'null')), ',') || ']')"

    def to_json(self, value: Fragment) -> str:
        """A value as JSON text, 'null' for null: an element or property of a dynamic value."""
        dynamic = self.cast(value, Type.DYNAMIC)
        return f"coalesce({dynamic}, 'null')" if dynamic.nullable else dynamic.sql


class RowFunctionUse:
    """A Python function that a query's SQL calls."""

    def __init__(
        self,
        key: str,
        function: Callable[..., object],
        arguments: tuple[Type, ...],
        result: Type,
        strict: bool,
        rare: bool = False,
    ) -> None:
        self.key = key
        self.function = function
        self.arguments = arguments
        self.result = result
        self.strict = strict
        self.rare = rare
