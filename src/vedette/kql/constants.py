"""The text inside constants to values: identifiers, numbers and booleans; times are `ticks.py`'s.

A function returns None where the text is not of its type; nothing here raises. Source: the KQL pages on scalar
data types.
"""

from __future__ import annotations

import decimal
import re
from typing import Final

MIN_LONG: Final = -(2**63)

_GUID: Final = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}")
_INTEGER: Final = re.compile(r"[+-]?(?:0[xX][0-9A-Fa-f]+|[0-9]+)")
_REAL: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_SPECIAL_REALS: Final = {
    "nan": float("nan"),
    "inf": float("inf"),
    "+inf": float("inf"),
    "-inf": float("-inf"),
}


def guid(text: str) -> str | None:
    """The identifier in lower case with hyphens."""
    lowered = text.strip().lower()
    if lowered.startswith("{") and lowered.endswith("}"):
        lowered = lowered[1:-1]
    if not _GUID.fullmatch(lowered) or lowered.count("-") not in (0, 4):
        return None
    digits = lowered.replace("-", "")
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def integer(text: str, bits: int) -> int | None:
    """A decimal or hexadecimal integer of 32 or 64 bits; hexadecimal digits may name the negative half too."""
    text = text.strip()
    if not _INTEGER.fullmatch(text) or len(text) > 40:
        return None
    hexadecimal = "x" in text or "X" in text
    value = int(text, 16 if hexadecimal else 10)
    if hexadecimal and 1 << (bits - 1) <= value < 1 << bits:
        value -= 1 << bits
    return value if -(1 << (bits - 1)) <= value < 1 << (bits - 1) else None


def real(text: str) -> float | None:
    """A floating-point number, `nan`, `inf`, `+inf` or `-inf`."""
    text = text.strip()
    if text.lower() in _SPECIAL_REALS:
        return _SPECIAL_REALS[text.lower()]
    if _REAL.fullmatch(text):
        return float(text)
    whole = integer(text, 64)
    return None if whole is None else float(whole)


def exact(text: str) -> decimal.Decimal | None:
    """A decimal number, kept digit for digit."""
    text = text.strip()
    if not _REAL.fullmatch(text) or len(text) > 128:
        return None
    number = decimal.Decimal(text)
    return number if abs(number.adjusted()) <= 128 else None


def boolean(text: str) -> bool | None:
    """`true` or `false` in any case, or an integer (zero is false)."""
    lowered = text.strip().lower()
    if lowered in ("true", "false"):
        return lowered == "true"
    number = integer(lowered, 64)
    return None if number is None else number != 0
