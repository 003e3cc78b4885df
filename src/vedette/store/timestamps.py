"""Text and numbers in logs → ticks: the forms of date and time that logs and exports really use.

`kql.ticks.parse_datetime` knows what `todatetime()` knows. Loading reads a datetime per row and more, so the one form that nearly
every row has (`2021-08-02T13:11:39.77Z`) takes a path of dictionary look-ups here; and a few forms of log files, and Unix
times, which `todatetime()` does not take, are read as well.
"""

from __future__ import annotations

import functools
import re
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

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
_SHORTEST, _LONGEST = len("2021-08-02T13:11:39"), len("2021-08-02T13:11:39.1234567Z")
_SIGNS: Final = {4: b"-", 7: b"-", 10: b"T ", 13: b":", 16: b":"}
_DIGITS: Final = [place for place in range(_SHORTEST) if place not in _SIGNS]
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


def exact_ticks(texts: pa.StringArray) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """The ticks of those texts that have the one form that nearly all have, and which these are.

    A row costs a twentieth of a microsecond: its digits are looked at together with those of all others.
    """
    rows = len(texts)
    moments = np.zeros(rows, np.int64)
    _, offsets, data = texts.buffers()
    if data is None:
        return moments, np.zeros(rows, np.bool_)
    bounds = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + rows + 1].astype(np.int64)
    starts, sizes = bounds[:-1], np.diff(bounds)
    found = (sizes >= _SHORTEST) & (sizes <= _LONGEST) & texts.is_valid().to_numpy(zero_copy_only=False)
    content = data.slice(int(bounds[0]), int(bounds[-1] - bounds[0])).to_pybytes() + bytes(_LONGEST)
    windows = np.ndarray((len(content) - _LONGEST + 1,), f"V{_LONGEST}", content, 0, (1,))
    # a row for each place, so that what is at one place of all texts lies together
    signs = windows[np.where(found, starts - bounds[0], 0)].view(np.uint8).reshape(rows, _LONGEST).T.copy()
    for place, allowed in _SIGNS.items():
        found &= np.logical_or.reduce([signs[place] == sign for sign in allowed])
    digits = signs - np.uint8(0x30)  # what is no digit is more than 9
    for place in _DIGITS:
        found &= digits[place] <= 9
    hours, minutes, seconds = (digits[place] * np.uint8(10) + digits[place + 1] for place in (11, 14, 17))
    found &= (hours <= 23) & (minutes <= 59) & (seconds <= 59)
    zone = (sizes > _SHORTEST) & (_content_at(content, starts - bounds[0] + sizes - 1) == ord("Z"))
    places = (sizes - _SHORTEST - zone).astype(np.int8)
    found &= (places == 0) | ((places >= 2) & (places <= 8) & (signs[_SHORTEST] == ord(".")))
    fraction = np.zeros(rows, np.int32)
    for place in range(7):
        there = place < places - 1
        digit = digits[_SHORTEST + 1 + place]
        found &= ~there | (digit <= 9)
        fraction = fraction * np.int32(10) + np.where(there, digit, 0)
    dates = np.zeros(rows, np.int32)
    for place in (0, 1, 2, 3, 5, 6, 8, 9):
        dates = dates * np.int32(10) + digits[place]
    days = pa.array(np.where(found, dates, 0)).dictionary_encode()
    known = [_day(f"{day // 10000:04}-{day // 100 % 100:02}-{day % 100:02}") for day in days.dictionary.to_pylist()]
    codes = days.indices.to_numpy()
    found &= np.array([day is not None for day in known], np.bool_)[codes]
    moments = np.array([day or 0 for day in known], np.int64)[codes]
    moments += (hours * np.int64(3600) + minutes * np.int64(60) + seconds) * ticks.SECOND + fraction
    return np.where(found, moments, 0), found


def _content_at(content: bytes, places: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
    """The bytes at some places."""
    return np.frombuffer(content, np.uint8)[np.maximum(places, 0)]


@functools.lru_cache(maxsize=4096)
def _day(text: str) -> int | None:
    return ticks.parse_datetime(text) if _DAY.fullmatch(text) else None


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
