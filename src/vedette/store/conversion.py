"""Values of JSON, CSV and Parquet → the types of KQL, a column at a time.

What a value becomes follows KQL's conversion functions (`toint()`, `todatetime()`, …): a value that does not convert is null, and its
position is reported so that the original can be kept. An absent value and an empty text are null without a report, except that a
string is never null but empty.
"""

from __future__ import annotations

import math
import re
import uuid
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final, cast

import orjson
import pyarrow as pa

from vedette.engine.dialect import DECIMAL_DIGITS, DECIMAL_SCALE
from vedette.kql import ticks
from vedette.kql.types import Type
from vedette.store.physical import ARROW
from vedette.store.timestamps import epoch_ticks, parse_ticks

_INTEGER: Final = re.compile(r"[+-]?\d{1,19}", re.ASCII)
_HEX: Final = re.compile(r"0[xX][0-9a-fA-F]{1,16}", re.ASCII)
_REAL: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_INT_RANGE: Final = (-(2**31), 2**31 - 1)
_LONG_RANGE: Final = (-(2**63), 2**63 - 1)


class Failed:
    """The one value that says: this does not convert."""


FAILED: Final = Failed()

Converter = Callable[[object], object]


def convert(values: Sequence[object], kind: Type, native: Type | None = None) -> tuple[pa.Array, list[int]]:
    """An Arrow array of the column's storage type, and the positions of the values that did not convert.

    `values` are what `orjson.loads` makes of JSON, texts, or what Arrow gives of Parquet; None is an absent value. A `native`
    datetime or timespan is ticks already, or the text of one that is beyond them.
    """
    if native in _PRINTED:
        if native is kind:
            beyond = [place for place, value in enumerate(values) if isinstance(value, str)]
            return pa.array([None if isinstance(value, str) else value for value in values], ARROW[kind]), beyond
        values = [original(value, native) for value in values]
    if kind is Type.DATETIME and _TEXTS.issuperset(map(type, values)):
        return _moments(cast("Sequence[str | None]", values))
    fast = _fast(values, kind)
    if fast is not None:
        return fast, []
    to = CONVERTERS[kind]
    converted = [None if value is None else to(value) for value in values]
    failures = [position for position, value in enumerate(converted) if value is FAILED]
    for position in failures:
        converted[position] = None
    array = pa.array(converted, ARROW[kind])
    return (array.fill_null("") if kind is Type.STRING else array), failures


def original(value: object, native: Type | None) -> object:
    """A value as its source has it, where it is kept because it did not convert: ticks of a native type as KQL prints them."""
    return _PRINTED[native](value) if native in _PRINTED and isinstance(value, int) else value


def _moments(values: Sequence[str | None]) -> tuple[pa.Array, list[int]]:
    """Datetimes where all are text, as nearly always: one call a row less."""
    found = [parse_ticks(text) if text else None for text in values]
    missing = [position for position, value in enumerate(found) if value is None]
    return pa.array(found, ARROW[Type.DATETIME]), [position for position in missing if (values[position] or "").strip()]


def _fast(values: Sequence[object], kind: Type) -> pa.Array | None:
    """The array where every value has the column's own JSON type; None where one has not."""
    if kind is Type.STRING:
        try:
            return pa.array(values, pa.string()).fill_null("")
        except (pa.ArrowException, TypeError, UnicodeEncodeError):
            return None
    own = _OWN_TYPES.get(kind)
    if own is None or not own.issuperset(map(type, values)):
        return None
    try:
        return pa.array(values, ARROW[kind])
    except (pa.ArrowException, OverflowError):
        return None


_PRINTED: Final[dict[Type | None, Callable[..., str]]] = {
    Type.DATETIME: ticks.format_datetime,
    Type.TIMESPAN: ticks.format_timespan,
}

_TEXTS: Final = frozenset({str, type(None)})

_OWN_TYPES: Final[dict[Type, frozenset[type]]] = {
    Type.BOOL: frozenset({bool, type(None)}),
    Type.INT: frozenset({int, type(None)}),
    Type.LONG: frozenset({int, type(None)}),
    Type.REAL: frozenset({int, float, type(None)}),
}


def to_string(value: object) -> str:
    """A value as text: JSON values as JSON writes them, moments as KQL prints them."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "replace").decode()  # a lone surrogate is no text
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return orjson.dumps(value).decode() if math.isfinite(value) else _non_finite(value)
    if isinstance(value, bytes):
        return value.decode(errors="backslashreplace")
    if isinstance(value, datetime):
        return ticks.format_datetime(ticks.from_datetime(value))
    if isinstance(value, date):
        return f"{value.isoformat()}T00:00:00.0000000Z"
    if isinstance(value, timedelta):
        return ticks.format_timespan(ticks.from_timedelta(value))
    if isinstance(value, (Decimal, uuid.UUID)):
        return str(value)
    return json_text(value)


def to_bool(value: object) -> object:
    """A bool: JSON booleans, numbers (all but 0 are true), `true` and `false` in any case, and integers in text."""
    if isinstance(value, (bool, int)):
        return bool(value)
    if isinstance(value, (float, Decimal)):
        return FAILED if value != value else bool(value)
    if isinstance(value, str):
        text = value.strip().lower()
        if text in ("true", "false"):
            return text == "true"
        number = _to_integer(text, _LONG_RANGE)
        return bool(number) if isinstance(number, int) else number
    return FAILED


def to_int(value: object) -> object:
    """An int; fractions are cut off, and what needs more than 32 bits does not convert."""
    return _to_integer(value, _INT_RANGE)


def to_long(value: object) -> object:
    """A long; fractions are cut off, and what needs more than 64 bits does not convert."""
    return _to_integer(value, _LONG_RANGE)


def _to_integer(value: object, bounds: tuple[int, int]) -> object:
    if isinstance(value, int):
        number = int(value)
    elif isinstance(value, (float, Decimal)):
        if not math.isfinite(value):
            return FAILED
        number = int(value)  # toward zero, as toint() does
    elif isinstance(value, str):
        text = value.strip()
        if not text:
            return None
        if _INTEGER.fullmatch(text):
            number = int(text)
        elif _HEX.fullmatch(text):
            number = int(text, 16)
        else:
            return FAILED
    else:
        return FAILED
    return number if bounds[0] <= number <= bounds[1] else FAILED


def to_real(value: object) -> object:
    """A real: numbers, and numbers in text, hexadecimal ones included."""
    if isinstance(value, (int, float, Decimal)):
        try:
            return float(value)
        except OverflowError:
            return FAILED
    if isinstance(value, str):
        text = value.strip()
        if not text:
            return None
        if _REAL.fullmatch(text):
            return float(text)
        if _HEX.fullmatch(text):
            return float(int(text, 16))
        return _NAMED_REALS.get(text.lower(), FAILED)
    return FAILED


_NAMED_REALS: Final[dict[str, object]] = {
    "nan": math.nan, "inf": math.inf, "+inf": math.inf, "-inf": -math.inf, "infinity": math.inf, "-infinity": -math.inf,
}  # fmt: skip


def to_decimal(value: object) -> object:
    """A decimal with 18 digits after the point; 20 before it at most."""
    if isinstance(value, str):
        value = value.strip()
        if not value:
            return None
        if not _REAL.fullmatch(value):
            return FAILED
    elif not isinstance(value, (int, float, Decimal)) or value != value:
        return FAILED
    try:
        number = Decimal(str(value))
        return number.quantize(_DECIMAL_STEP) if abs(number) < _DECIMAL_LIMIT else FAILED
    except InvalidOperation:
        return FAILED


_DECIMAL_STEP: Final = Decimal(1).scaleb(-DECIMAL_SCALE)
_DECIMAL_LIMIT: Final = Decimal(10) ** (DECIMAL_DIGITS - DECIMAL_SCALE)


def to_ticks(value: object) -> object:
    """A datetime: text in the forms of `timestamps`, a Unix time, or a moment of Python's."""
    if isinstance(value, str):
        found = parse_ticks(value)
        return found if found is not None else (FAILED if value.strip() else None)
    if isinstance(value, datetime):
        return ticks.from_datetime(value)
    if isinstance(value, date):
        return ticks.from_parts(value.year, value.month, value.day)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        found = epoch_ticks(value)
        return FAILED if found is None else found
    return FAILED


def to_span(value: object) -> object:
    """A timespan: text as `totimespan()` takes it, or a count of ticks."""
    if isinstance(value, timedelta):
        return ticks.from_timedelta(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return _to_integer(value, _LONG_RANGE)
    if not isinstance(value, str):
        return FAILED
    if not value.strip():
        return None
    found = ticks.parse_timespan(value)
    return FAILED if found is None else found


def to_guid(value: object) -> object:
    """A guid as lower-case text, of any of the forms that `toguid()` takes."""
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, bytes) and len(value) == 16:
        return str(uuid.UUID(bytes=value))
    if not isinstance(value, str):
        return FAILED
    text = value.strip()
    if not text:
        return None
    try:
        return str(uuid.UUID(text))
    except ValueError:
        return FAILED


def to_json(value: object) -> object:
    """A dynamic as compact JSON text. A text that is itself a JSON object or array is taken as that, as Log Analytics does."""
    if isinstance(value, str):
        text = value.strip()
        if not text:
            return None
        if text[0] in "{[" and text[-1] in "]}":
            try:
                return json_text(orjson.loads(text))
            except orjson.JSONDecodeError:
                return json_text(value)
        return json_text(value)
    return json_text(value)


def json_text(value: object) -> str:
    """Compact JSON text. What JSON has no form for is written as `to_string` writes it."""
    try:
        return orjson.dumps(value, default=_json_default, option=_JSON_OPTIONS).decode()
    except TypeError:
        pass
    try:
        return orjson.dumps(_json_safe(value), default=_json_default, option=_JSON_OPTIONS).decode()
    except (TypeError, RecursionError):
        return _deep_json(value)


class _Mark(str):
    """JSON that is written as it is."""

    __slots__ = ()


def _deep_json(value: object) -> str:
    """JSON of what is nested more deeply than the encoder goes, without recursion."""
    parts: list[str] = []
    stack: list[object] = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, _Mark):
            parts.append(item)
        elif isinstance(item, dict):
            inner: list[object] = [_Mark("{")]
            for position, (name, held) in enumerate(item.items()):
                inner += [_Mark(("," if position else "") + json_text(str(name)) + ":"), held]
            stack += reversed([*inner, _Mark("}")])
        elif isinstance(item, list):
            inner = [_Mark("[")]
            for position, held in enumerate(item):
                inner += [_Mark(","), held] if position else [held]
            stack += reversed([*inner, _Mark("]")])
        else:
            parts.append(json_text(item))
    return "".join(parts)


_JSON_OPTIONS: Final = orjson.OPT_PASSTHROUGH_DATETIME


def _json_default(value: object) -> str | float:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, (datetime, date, bytes, uuid.UUID, timedelta)):
        return to_string(value)
    raise TypeError


def _json_safe(value: object) -> object:
    """The value with what orjson refuses (large integers, lone surrogates, keys that are not text) in a form it takes."""
    if isinstance(value, dict):
        return {str(_json_safe(key)): _json_safe(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_json_safe(item) for item in value]
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, int) and not _LONG_RANGE[0] <= value < 2**64:
        try:
            return float(value)
        except OverflowError:  # longer than any number that JSON's readers take
            return str(value)
    try:
        orjson.dumps(value, default=_json_default, option=_JSON_OPTIONS)
    except TypeError:
        return str(value)
    return value


def _non_finite(value: float) -> str:
    return "NaN" if value != value else ("Infinity" if value > 0 else "-Infinity")


CONVERTERS: Final[dict[Type, Converter]] = {
    Type.STRING: to_string,
    Type.BOOL: to_bool,
    Type.INT: to_int,
    Type.LONG: to_long,
    Type.REAL: to_real,
    Type.DECIMAL: to_decimal,
    Type.DATETIME: to_ticks,
    Type.TIMESPAN: to_span,
    Type.GUID: to_guid,
    Type.DYNAMIC: to_json,
}
