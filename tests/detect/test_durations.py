"""Lengths of time in every form that rules use."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.detect.reading.durations import format_iso8601, format_timespan, meant_duration, parse_duration


@pytest.mark.parametrize(
    "text, seconds",
    [
        ("5m", 300),
        ("1h", 3600),
        ("14d", 14 * 86400),
        ("30s", 30),
        ("1h10m", 4200),
        ("1H", 3600),
        ("PT5H", 18000),
        ("pt5h", 18000),
        ("P1D", 86400),
        ("P1DT12H", 129600),
        ("P2W", 14 * 86400),
        ("PT1D", 86400),
        ("PT0.5H", 1800),
        ("PT0S", 0),
        ("05:00:00", 18000),
        ("1.00:00:00", 86400),
        ("00:00:30.5", 30.5),
    ],
)
def test_forms_that_are_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "P",
        "PT",
        "soon",
        "1",
        "P1Y",
        "P1M",
        "5x",
        "1h1h",
        "-1h",
        "99999999999d",
        "PTD",
        "1h soon",
        "1 hour",
        "1hour",
        "2 days",
        "5min",
        "30 sec",
        "1 h",
        "1h 10m",
        "1w",
    ],
)
def test_forms_that_are_refused(text: str) -> None:
    assert parse_duration(text) is None


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("1 hour", "1h"),
        ("1hour", "1h"),
        ("2 days", "2d"),
        ("5min", "5m"),
        ("90 Minutes", "90m"),
        ("1h 10m", "70m"),
        ("1 hour and 30 minutes", "90m"),
        ("2 weeks", "14d"),
        ("30 sec", "PT30S"),
        ("an hour", None),
        ("1 hour ago", None),
        ("0 hours", None),
        ("9999999999 days", None),
        ("", None),
    ],
)
def test_what_is_said_in_words_has_a_right_form(text: str, meant: str | None) -> None:
    assert meant_duration(text) == meant


@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=36500)))
def test_what_is_written_is_read_back(length: timedelta) -> None:
    assert parse_duration(format_iso8601(length)) == length


@given(st.integers(min_value=0, max_value=40 * 86400))
def test_timespans_are_read_back(seconds: int) -> None:
    length = timedelta(seconds=seconds)
    assert parse_duration(format_timespan(length)) == length
