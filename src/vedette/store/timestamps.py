"""Text and numbers in logs → ticks: the forms of date and time that logs and exports really use.

`kql.ticks.parse_datetime` knows what `todatetime()` knows. Loading reads a datetime per row and more, so the one form that nearly
every row has (`2021-08-02T13:11:39.77Z`) takes a path of dictionary look-ups here; and a few forms of log files, and Unix
times, which `todatetime()` does not take, are read as well.
"""

from __future__ import annotations

import functools
import re
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from vedette.kql import ticks

_EXACT: Final = re.compile(r"(\d{4}-\d\d-\d\d)([T ]\d\d:\d\d:\d\d)((?:\.\d{1,7})?Z?)", re.ASCII)
_LOG_FORMS: Final = (
    # 2020 Sep 15 06:29:32
    (re.compile(r"(\d{4})\s+([a-z]{3,9})\s+(\d{1,2})(,?\s.*)?", re.IGNORECASE | re.ASCII | re.DOTALL), r"\3 \2 \1\4"),
    # 20210802T131139.5Z
    (re.compile(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(.*)", re.ASCII | re.DOTALL), r"\1-\2-\3T\4:\5:\6\7"),
    # 02/Aug/2021:13:11:39 +0000
    (re.compile(r"(\d{1,2})/([a-z]{3,9})/(\d{4}):(.*)", re.IGNORECASE | re.ASCII | re.DOTALL), r"\1 \2 \3 \4"),
    # 2021-08-02T13:11:39.123456789012Z: more digits than ticks have
    (re.compile(r"(\d{4}-\d\d?-\d\d?[ T]\d\d?:\d\d:\d\d[.,]\d{7})\d+(.*)", re.ASCII | re.DOTALL), r"\1\2"),
)
_NUMBER: Final = re.compile(r"\d{9,20}(?:\.\d{1,12})?|\d\.\d{1,17}[eE]\+?\d{1,2}", re.ASCII)
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_SECOND: Final = re.compile(r"[T ]\d\d:\d\d:\d\d", re.ASCII)
_FRACTION: Final = re.compile(r"(?:\.\d{1,7})?Z?", re.ASCII)
_MOST_PARTS: Final = 20_000
_MAX_KNOWN: Final = 200_000

_days: dict[str, int] = {}
_seconds: dict[str, int] = {}
_fractions: dict[str, int] = {}
"""Ticks of `2021-08-02`, of `T13:11:39` and of `.77Z`, each as it was once read the long way."""


def parse_ticks(text: str) -> int | None:
    """The ticks of a date and time in text, or None where it is none.

    What has no zone is UTC. Digits of a fraction after the seventh are cut off. A number is read as `epoch_ticks` reads it.
    """
    try:
        return _days[text[:10]] + _seconds[text[10:19]] + _fractions[text[19:]]
    except KeyError:
        return _learn(text)


def _learn(text: str) -> int | None:
    """The long way, remembering the parts for the next row."""
    found = _parse_any(text)
    parts = _EXACT.fullmatch(text)
    if found is not None and parts is not None:
        day, second, fraction = parts.groups()
        for known, part, value in (
            (_days, day, found - found % ticks.DAY),
            (_seconds, second, found % ticks.DAY // ticks.SECOND * ticks.SECOND),
            (_fractions, fraction, found % ticks.SECOND),
        ):
            if len(known) < _MAX_KNOWN:
                known[part] = value
    return found


def ticks_of(texts: pa.Array) -> tuple[pa.Array, list[int]]:
    """The ticks of an array of texts, and the places of those that are no date and time; empty ones are null.

    The parts of the one form that nearly all have are looked up once for each text that they have, not for each row.
    """
    total = None
    for start, end, read in ((0, 10, _day), (10, 19, _second), (19, None, _fraction)):
        coded = pc.utf8_slice_codeunits(texts, start, end).dictionary_encode()
        if len(coded.dictionary) > _MOST_PARTS:
            total = None
            break
        values = pa.array([read(text) for text in coded.dictionary.to_pylist()], pa.int64())
        part = values.take(coded.indices)
        total = part if total is None else pc.add(total, part)
    if total is None:
        total = pa.nulls(len(texts), pa.int64())
    left = pc.indices_nonzero(pc.and_(total.is_null(), texts.is_valid())).to_pylist()
    if not left:
        return total, []
    values = total.to_pylist()
    failed = []
    for place in left:
        text = texts[place].as_py()
        values[place] = parse_ticks(text) if text else None
        if values[place] is None and text.strip():
            failed.append(place)
    return pa.array(values, pa.int64()), failed


@functools.lru_cache(maxsize=4096)
def _day(text: str) -> int | None:
    return ticks.parse_datetime(text) if _DAY.fullmatch(text) else None


def _second(text: str) -> int | None:
    if not _SECOND.fullmatch(text):
        return None
    hour, minute, second = int(text[1:3]), int(text[4:6]), int(text[7:9])
    if hour > 23 or minute > 59 or second > 59:
        return None
    return (hour * 3600 + minute * 60 + second) * ticks.SECOND


def _fraction(text: str) -> int | None:
    if not _FRACTION.fullmatch(text):
        return None
    digits = text.strip(".Z")
    return int(digits.ljust(7, "0")) if digits else 0


def _parse_any(text: str) -> int | None:
    text = text.strip()
    if not 4 <= len(text) <= 64:
        return None
    found = ticks.parse_datetime(text)
    if found is not None:
        return found
    for form, rewritten in _LOG_FORMS:
        match = form.fullmatch(text)
        if match is not None:
            return ticks.parse_datetime(match.expand(rewritten).strip())
    if _NUMBER.fullmatch(text):
        return epoch_ticks(int(text) if text.isdigit() else float(text))
    return None


def epoch_ticks(value: float) -> int | None:
    """The ticks of a Unix time in seconds, milliseconds, microseconds or nanoseconds, told apart by magnitude.

    Taken are seconds from 1e8 (1973) up to 1e11, the thousandfold of that as milliseconds and its thousandfold as microseconds,
    and nanoseconds from 1e18 to 3e18 (2001 to 2065): between these and microseconds lie Windows file times, which are None, as
    every other number is.
    """
    if 1e8 <= value < 1e11:
        scale = ticks.SECOND
    elif 1e11 <= value < 1e14:
        scale = ticks.MILLISECOND
    elif 1e14 <= value < 1e17:
        scale = ticks.MICROSECOND
    elif 1e18 <= value < 3e18:
        return ticks.UNIX_EPOCH + int(value) // 100
    else:
        return None
    if isinstance(value, int):
        return ticks.UNIX_EPOCH + value * scale
    # A float carries microseconds at best (2^53): more digits would be invented.
    return ticks.UNIX_EPOCH + round(value * scale / ticks.MICROSECOND) * ticks.MICROSECOND
