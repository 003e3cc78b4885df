"""Lengths of time in every form that rules use."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.detect.reading.durations import format_iso8601, format_timespan, parse_duration


@pytest.mark.parametrize(
    "text, seconds",
    [
        ("5m", 300),
        ("1h", 3600),
        ("14d", 14 * 86400),
        ("30s", 30),
        ("1h10m", 4200),
        ("2 days", 2 * 86400),
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
    "text", ["", "P", "PT", "soon", "1", "P1Y", "P1M", "5x", "1h1h", "-1h", "99999999999d", "PTD", "1h soon"]
)
def test_forms_that_are_refused(text: str) -> None:
    assert parse_duration(text) is None


@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=36500)))
def test_what_is_written_is_read_back(length: timedelta) -> None:
    assert parse_duration(format_iso8601(length)) == length


@given(st.integers(min_value=0, max_value=40 * 86400))
def test_timespans_are_read_back(seconds: int) -> None:
    length = timedelta(seconds=seconds)
    assert parse_duration(format_timespan(length)) == length
