"""$filter and $orderby by themselves."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.range.odata import ODataError, read_filter, read_order, sort_key, value_at

ROW: dict[str, Any] = {
    "name": "O'Brien",
    "count": 7,
    "ratio": 0.5,
    "when": "2026-03-04T09:05:41.6195833Z",
    "none": None,
    "flag": True,
    "nested": {"State": "New"},
    "tags": [{"name": "a", "weight": 1}, {"name": "b", "weight": 2}],
    "plain": ["x", "y"],
    "id": "73e01a99-5cd7-4139-a149-9f2736ff2ab5",
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name eq 'O''Brien'", True),
        ("name eq 'o''brien'", True),
        ("count eq 7 and count gt 6 and count ge 7 and count lt 8 and count le 7 and count ne 8", True),
        ("count eq 7.0", True),
        ("count eq -7", False),
        ("ratio lt 1", True),
        ("when gt 2026-03-04T09:05:41Z", True),
        ("when lt 2026-03-04T10:05:42+01:00", True),
        ("when ge 2026-03-04", True),
        ("when gt 2026-03-05", False),
        ("none eq null", True),
        ("absent eq null", True),
        ("name ne null", True),
        ("none gt 1", False),
        ("none eq 'x'", False),
        ("flag eq true", True),
        ("flag", True),
        ("not flag", False),
        ("nested/state eq 'new'", True),
        ("NESTED/STATE EQ 'new'", True),
        ("count in (1, 7)", True),
        ("name in ('a', 'b')", False),
        ("startswith(name, 'o') and endswith(name, 'N') and contains(name, 'bri')", True),
        ("tolower(name) eq 'o''brien'", True),
        ("length(name) eq 7", True),
        ("contains(none, 'x')", False),
        ("tags/any(t: t/name eq 'b' and t/weight eq 2)", True),
        ("tags/any(t: t/name eq 'a' and t/weight eq 2)", False),
        ("tags/all(t: t/weight gt 0)", True),
        ("tags/any()", True),
        ("none/any()", False),
        ("plain/any(p: p eq 'y')", True),
        ("id eq 73E01A99-5cd7-4139-a149-9f2736ff2ab5", True),
        # "and" binds tighter than "or", "not" tighter than both
        ("flag eq true or flag eq false and flag eq false", True),
        ("(flag eq true or flag eq false) and flag eq false", False),
        ("not flag eq false", True),
    ],
)
def test_filters(text: str, expected: bool) -> None:
    assert read_filter(text)(ROW) is expected


@pytest.mark.parametrize(
    "text",
    ["", " ", "name eq", "name eq 'x", "(name eq 'x'", "name eq 'x')", "name eq 'x' name", "any(x)", "tags/any(t t)",
     "tags/all()", "when gt 2026-13-45", "foo(name)", "contains(name)", "name # 'x'", "(" * 100 + "flag" + ")" * 100,
     "not " * 50 + "flag"],
)  # fmt: skip
def test_what_is_not_a_filter_is_refused(text: str) -> None:
    with pytest.raises(ODataError):
        read_filter(text)


@given(st.text(max_size=80))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        read_filter(text)(ROW)
    except ODataError:
        pass


@given(st.text(max_size=30))
def test_a_quoted_text_is_that_text(text: str) -> None:
    quoted = text.replace("'", "''")
    assert read_filter(f"value eq '{quoted}'")({"value": text})


def test_orders() -> None:
    assert read_order("a/b desc, c") == [("a/b", True), ("c", False)]
    with pytest.raises(ODataError):
        read_order("a b c")


def test_values_of_different_kinds_can_be_ordered() -> None:
    values = ["b", None, 3, "2026-03-04T09:05:41Z", "2026-03-04T10:05:40+01:00", 1.5, "A"]
    assert sorted(values, key=sort_key) == [None, 1.5, 3, "2026-03-04T10:05:40+01:00", "2026-03-04T09:05:41Z", "A", "b"]
    assert value_at({"A": {"B": 1}}, "a/b/c") is None
