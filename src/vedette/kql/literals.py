"""Typed literals: `datetime(2024-01-01)`, `1.5h`, `dynamic({...})` and the like (rules 28 to 36, 46, 50, 61)."""

from __future__ import annotations

import decimal
import math
import re

from vedette.kql import ticks
from vedette.kql.types import TYPE_NAMES, Type

_TYPED = re.compile(r"(\w+)\s*\(\s*(.*?)\s*\)$", re.DOTALL)
_GUID = re.compile(r"\{?([0-9a-fA-F]{8})-?([0-9a-fA-F]{4})-?([0-9a-fA-F]{4})-?([0-9a-fA-F]{4})-?([0-9a-fA-F]{12})\}?$")
_TIMESPAN = re.compile(r"(\d+(?:\.\d+)?)([a-z]+)$", re.IGNORECASE)
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$")


class BadLiteral(ValueError):
    """A literal whose text is not a value of its type."""


def timespan_value(text: str) -> int:
    """Ticks of `1.5h` and the like."""
    found = _TIMESPAN.match(text)
    if not found:
        raise BadLiteral(f"'{text}' is not a timespan")
    name = found[2].lower()
    if name.startswith("nano") or name == "ns":
        return ticks.scale(found[1], 1) // 100
    unit = ticks.unit(name)
    if unit is None:
        raise BadLiteral(f"'{found[2]}' is not a unit of time")
    return ticks.scale(found[1], unit)


def typed_value(text: str) -> tuple[Type, object]:
    """Type and value of `type(content)`."""
    found = _TYPED.match(text)
    if not found:
        raise BadLiteral(f"'{text}' is not a literal")
    type_ = TYPE_NAMES[found[1]]
    content = found[2]
    if len(content) >= 2 and content[0] == content[-1] and content[0] in "\"'":
        content = content[1:-1]
    if content == "null":
        return type_, "" if type_ is Type.STRING else None
    value = _READERS[type_](content.strip())
    if value is None:
        raise BadLiteral(f"'{content}' is not a value of type {type_}")
    return type_, value


def _bool(text: str) -> object:
    folded = text.lower()
    if folded in ("true", "false"):
        return folded == "true"
    return int(text) != 0 if re.fullmatch(r"[-+]?\d+", text) else None


def _long(text: str) -> object:
    return _whole(text, 63)


def _int(text: str) -> object:
    return _whole(text, 31)


def _whole(text: str, bits: int) -> int | None:
    compact = text.replace(" ", "")
    try:
        if compact[:2].lower() == "0x":
            value = int(compact, 16)
            return (
                value - 2 ** (bits + 1) if 2**bits <= value < 2 ** (bits + 1) else (value if value < 2**bits else None)
            )
        value = int(compact) if re.fullmatch(r"[-+]?\d+", compact) else None  # type: ignore[assignment]
    except ValueError:
        return None
    return value if value is not None and -(2**bits) <= value < 2**bits else None


def real_value(text: str) -> float | None:
    """A real by its text, `nan` and infinities included."""
    folded = text.replace(" ", "").lower()
    special = {
        "nan": math.nan,
        "+inf": math.inf,
        "inf": math.inf,
        "-inf": -math.inf,
        "+infinity": math.inf,
        "-infinity": -math.inf,
    }
    if folded in special:
        return special[folded]
    return float(folded) if _NUMBER.match(folded) else None


def _decimal(text: str) -> object:
    compact = text.replace(" ", "")
    return decimal.Decimal(compact) if _NUMBER.match(compact) else None


def _datetime(text: str) -> object:
    folded = text.lower()
    if folded == "min":
        return 0
    if folded == "max":
        return ticks.MAX_DATETIME
    return ticks.parse_datetime(text)


def _timespan(text: str) -> object:
    folded = text.lower()
    if folded in ("min", "max"):
        return ticks.MIN_TIMESPAN if folded == "min" else ticks.MAX_TIMESPAN
    if re.fullmatch(r"-?\d+\.\d+", text):
        return ticks.scale(text, ticks.DAY)
    return ticks.parse_timespan(text)


def guid_value(text: str) -> str | None:
    """A guid in lower case with dashes."""
    found = _GUID.match(text)
    return "-".join(found.groups()).lower() if found else None


_READERS = {
    Type.BOOL: _bool,
    Type.INT: _int,
    Type.LONG: _long,
    Type.REAL: real_value,
    Type.DECIMAL: _decimal,
    Type.STRING: lambda text: text,
    Type.DATETIME: _datetime,
    Type.TIMESPAN: _timespan,
    Type.GUID: guid_value,
}
