"""Datetimes and timespans as text by a format (rule 55)."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable

from vedette.engine.catalog import scalar
from vedette.kql import ticks

_DATETIME_PIECES = re.compile(
    r"(yyyy|yy|y|MM|M|dd|d|HH|H|hh|h|mm|m|ss|s|f{1,7}|F{1,7}|tt)|([ /\-:,._\[\]])|(.)", re.DOTALL
)
_TIMESPAN_PIECES = re.compile(r"(d{1,8}|HH|H|hh|h|mm|m|ss|s|f{1,7}|F{1,7})|([ /\-:,._\[\]])|(.)", re.DOTALL)


@functools.lru_cache(maxsize=256)
def _pieces(pattern: re.Pattern[str], format_: str) -> tuple[tuple[str, bool], ...] | None:
    """The pieces of a format, each with whether it is a part; None where something in it is neither."""
    pieces = []
    for part, delimiter, other in pattern.findall(format_):
        if other:
            return None
        pieces.append((part or delimiter, bool(part)))
    return tuple(pieces)


def _fault(pattern: re.Pattern[str], parts: str) -> Callable[[str], str | None]:
    def check(format_: str) -> str | None:
        other = next((found[2] for found in pattern.findall(format_) if found[2]), None)
        if other is None:
            return None
        return f"A format may hold {parts} and the delimiters / - : , . _ [ ] and space, not '{other}'"

    return check


def _fraction(piece: str, fraction: int) -> str:
    digits = f"{fraction:07d}"[: len(piece)]
    return "" if piece[0] == "F" and not digits.strip("0") else digits


def formatted_datetime(moment: int, format_: str) -> str | None:
    """A datetime by a format; None where the format has something that is no part and no delimiter."""
    pieces = _pieces(_DATETIME_PIECES, format_)
    if pieces is None:
        return None
    text = ticks.format_datetime(moment)
    hour = int(text[11:13])
    parts = {"y": int(text[2:4]), "M": int(text[5:7]), "d": int(text[8:10]), "H": hour, "h": (hour + 11) % 12 + 1,
             "m": int(text[14:16]), "s": int(text[17:19])}  # fmt: skip
    fraction = int(text[20:27])
    out = []
    for piece, is_part in pieces:
        if not is_part:
            out.append(piece)
        elif piece == "yyyy":
            out.append(text[:4])
        elif piece == "tt":
            out.append("AM" if hour < 12 else "PM")
        elif piece[0] in "fF":
            out.append(_fraction(piece, fraction))
        else:
            out.append(f"{parts[piece[0]]:0{len(piece)}d}")
    return "".join(out)


def formatted_timespan(span: int, format_: str) -> str | None:
    """A timespan by a format, with a leading minus when it is negative; None where the format is none."""
    pieces = _pieces(_TIMESPAN_PIECES, format_)
    if pieces is None:
        return None
    days, rest = divmod(abs(span), ticks.DAY)
    hour = rest // ticks.HOUR
    parts = {"d": days, "H": hour, "h": hour, "m": rest // ticks.MINUTE % 60, "s": rest // ticks.SECOND % 60}
    out = ["-"] if span < 0 else []
    for piece, is_part in pieces:
        if not is_part:
            out.append(piece)
        elif piece[0] in "fF":
            out.append(_fraction(piece, rest % ticks.SECOND))
        else:
            out.append(f"{parts[piece[0]]:0{len(piece)}d}")
    return "".join(out)


scalar(
    "format_datetime(date: datetime, format: string): string",
    about="A datetime by a format of y, M, d, H, h, m, s, f, F and tt with delimiters between.",
    page="format-datetime-function",
    names="first",
    kind="row",
    checks={"format": _fault(_DATETIME_PIECES, "y, M, d, H, h, m, s, f, F, tt")},
)(formatted_datetime)
scalar(
    "format_timespan(timespan: timespan, format: string): string",
    about="A timespan by a format of d, h, m, s, f and F with delimiters between.",
    page="format-timespan-function",
    names="first",
    kind="row",
    checks={"format": _fault(_TIMESPAN_PIECES, "d, H, h, m, s, f, F")},
)(formatted_timespan)
