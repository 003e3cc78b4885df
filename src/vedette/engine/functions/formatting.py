"""Datetimes, timespans and sizes as text by a format (rule 55)."""

from __future__ import annotations

import decimal
import functools
import math
import re
from collections.abc import Callable

from vedette.engine.catalog import scalar
from vedette.engine.dialect import DuckDbSql
from vedette.engine.fragment import Fragment
from vedette.kql import ticks
from vedette.kql.types import Type

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


_STRFTIME = {
    "yyyy": "%Y", "yy": "%y", "y": "%-y", "MM": "%m", "M": "%-m", "dd": "%d", "d": "%-d", "HH": "%H", "H": "%-H", "hh": "%I",
    "h": "%-I", "mm": "%M", "m": "%-M", "ss": "%S", "s": "%-S", "tt": "%p",
}  # fmt: skip


def _datetime_sql(sql: DuckDbSql, moment: Fragment, pieces: tuple[tuple[str, bool], ...]) -> str:
    """The SQL of a constant format: runs of parts by strftime(), fractions by their digits."""
    out: list[str] = []
    run = ""
    for piece, is_part in pieces:
        if not is_part or piece[0] not in "fF":
            run += _STRFTIME[piece] if is_part else piece
            continue
        if run:
            out.append(f"strftime({sql.timestamp(moment)}, {sql.quote(run)})")
            run = ""
        digits = f"substring(lpad(CAST({moment} % {ticks.SECOND} AS VARCHAR), 7, '0'), 1, {len(piece)})"
        out.append(digits if piece[0] == "f" else f"CASE WHEN trim({digits}, '0') = '' THEN '' ELSE {digits} END")
    if run:
        out.append(f"strftime({sql.timestamp(moment)}, {sql.quote(run)})")
    return f"({' || '.join(out)})"


@scalar(
    "format_datetime(date: datetime, format: string): string",
    about="A datetime by a format of y, M, d, H, h, m, s, f, F and tt with delimiters between.",
    page="format-datetime-function",
    names="first",
    nulls="own",
    checks={"format": _fault(_DATETIME_PIECES, "y, M, d, H, h, m, s, f, F, tt")},
)
def format_datetime(sql: DuckDbSql, moment: Fragment, format_: Fragment) -> str:
    pieces = _pieces(_DATETIME_PIECES, str(format_.value)) if format_.constant else None
    if pieces:
        return _datetime_sql(sql, moment, pieces)
    return sql.row("formatted_datetime", formatted_datetime, Type.STRING, moment, format_)


scalar(
    "format_timespan(timespan: timespan, format: string): string",
    about="A timespan by a format of d, h, m, s, f and F with delimiters between.",
    page="format-timespan-function",
    names="first",
    kind="row",
    checks={"format": _fault(_TIMESPAN_PIECES, "d, H, h, m, s, f, F")},
)(formatted_timespan)


# -- sizes

_SIZES = ("Bytes", "KB", "MB", "GB", "TB", "PB", "EB")


def formatted_bytes(size: float, precision: int = 0, units: str = "") -> str | None:
    """A number of bytes in the largest unit that leaves 1 or more, or in a unit of choice; None where that is none."""
    if not math.isfinite(size):
        return None
    if units:
        step = next((i for i, unit in enumerate(_SIZES) if unit.lower() == units.lower()), None)
        if step is None:
            return None
    else:
        step = 0
        while step < len(_SIZES) - 1 and abs(size) >= 1024 ** (step + 1):
            step += 1
    digits = max(0, min(int(precision), 15))
    exact = decimal.Decimal(repr(size)) / decimal.Decimal(1024**step)
    text = f"{exact.quantize(decimal.Decimal(1).scaleb(-digits), decimal.ROUND_HALF_UP):f}"
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text} {_SIZES[step]}"


def _size_fault(units: str) -> str | None:
    if not units or units.lower() in (unit.lower() for unit in _SIZES):
        return None
    return f"The units are one of {', '.join(_SIZES)}, not '{units}'"


scalar(
    "format_bytes(size: real, precision?: long, units?: string): string",
    about="A number as a size: 19.08 MB.",
    page="format-bytes-function",
    names="first",
    kind="row",
    checks={"units": _size_fault},
)(formatted_bytes)
