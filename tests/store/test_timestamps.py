"""Dates and times as logs write them."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.kql import ticks
from vedette.store.timestamps import epoch_ticks, parse_ticks

FORMS = [
    ("2021-08-02T13:11:39.77Z", "2021-08-02T13:11:39.7700000Z"),
    ("2021-08-02T13:11:39Z", "2021-08-02T13:11:39.0000000Z"),
    ("2021-08-02T13:11:39.7747609Z", "2021-08-02T13:11:39.7747609Z"),
    ("2021-08-02T13:11:39.774760987Z", "2021-08-02T13:11:39.7747609Z"),
    ("2021-08-02T13:11:39.774760987654Z", "2021-08-02T13:11:39.7747609Z"),
    ("2021-08-02 13:11:39", "2021-08-02T13:11:39.0000000Z"),
    ("2021-08-02 13:11:39.123", "2021-08-02T13:11:39.1230000Z"),
    ("2021-08-02T13:11:39.5+02:00", "2021-08-02T11:11:39.5000000Z"),
    ("2021-08-02T13:11:39-0530", "2021-08-02T18:41:39.0000000Z"),
    ("2022-09-09T9:59:27.958Z", "2022-09-09T09:59:27.9580000Z"),
    ("2021-08-02", "2021-08-02T00:00:00.0000000Z"),
    ("8/2/2021, 1:11:39.770 PM", "2021-08-02T13:11:39.7700000Z"),
    ("8/2/2021, 1:11:39.770\u202fPM", "2021-08-02T13:11:39.7700000Z"),
    ("8/2/2021 12:00:01 AM", "2021-08-02T00:00:01.0000000Z"),
    ("2020 Sep 15 06:29:32", "2020-09-15T06:29:32.0000000Z"),
    ("2020 Sep  4 08:31:11", "2020-09-04T08:31:11.0000000Z"),
    ("02/Aug/2021:13:11:39 +0200", "2021-08-02T11:11:39.0000000Z"),
    ("Mon, 02 Aug 2021 13:11:39 GMT", "2021-08-02T13:11:39.0000000Z"),
    ("20210802T131139.5Z", "2021-08-02T13:11:39.5000000Z"),
    ("1590000000", "2020-05-20T18:40:00.0000000Z"),
    ("1590000000123", "2020-05-20T18:40:00.1230000Z"),
    ("1590000000.123456", "2020-05-20T18:40:00.1234560Z"),
    ("1590000000123456789", "2020-05-20T18:40:00.1234567Z"),
    ("1.59E+12", "2020-05-20T18:40:00.0000000Z"),
    ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.0000000Z"),
    ("9999-12-31T23:59:59.9999999Z", "9999-12-31T23:59:59.9999999Z"),
]


@pytest.mark.parametrize(("text", "printed"), FORMS)
def test_a_form_that_logs_use(text: str, printed: str) -> None:
    for _ in range(2):  # the second time the day and the second are known already
        found = parse_ticks(text)
        assert found is not None
        assert ticks.format_datetime(found) == printed


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "PrimaryResult", "end=1573804384", "2021-13-01T00:00:00Z", "2021-02-29T00:00:00Z", "2021-08-02T24:00:00Z",
        "2021-08-02T13:60:00Z", "2021-08-02T13:11:60Z", "0001-01-01T00:00:00+01:00", "１２３１２３１２３１", "12345", "-1",
        "131000000000000000", "2021-08-02T13:11:39.Z", "2021-08-02T13:11:39.7x7Z", "x" * 100,
    ],
)  # fmt: skip
def test_what_is_no_moment(text: str) -> None:
    assert parse_ticks(text) is None


@given(
    st.datetimes(min_value=datetime(1, 1, 1), max_value=datetime(9999, 12, 31, 23, 59, 59)),
    st.integers(0, 9_999_999),
    st.integers(0, 7),
)
def test_the_short_way_finds_what_the_long_way_finds(moment: datetime, fraction: int, digits: int) -> None:
    part = f".{fraction:07}"[: digits + 1] if digits else ""
    text = f"{moment:%Y}".rjust(4, "0") + f"{moment:-%m-%dT%H:%M:%S}{part}Z"
    expected = ticks.parse_datetime(text)
    assert expected is not None
    assert parse_ticks(text) == parse_ticks(text) == expected


@pytest.mark.parametrize("value", [0, 99_999_999, 1e17, 1.4e17, 3e18, -1590000000, float("inf")])
def test_a_number_that_is_no_unix_time(value: float) -> None:
    assert epoch_ticks(value) is None
