"""Values of logs as values of KQL types."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vedette.kql import ticks
from vedette.kql.types import Type
from vedette.store.conversion import convert

FAILS = object()
MOMENT = datetime(2021, 8, 2, 13, 11, 39, 770000, tzinfo=UTC)
GUID = "a9f5a81b-d5e1-416d-8a19-521abe499cda"

CASES: list[tuple[Type, Any, Any]] = [
    (Type.STRING, "x", "x"),
    (Type.STRING, None, ""),
    (Type.STRING, True, "true"),
    (Type.STRING, 5, "5"),
    (Type.STRING, 1.0, "1.0"),
    (Type.STRING, 0.1, "0.1"),
    (Type.STRING, [1, {"a": "ü"}], '[1,{"a":"ü"}]'),
    (Type.STRING, MOMENT, "2021-08-02T13:11:39.7700000Z"),
    (Type.STRING, timedelta(hours=26), "1.02:00:00"),
    (Type.STRING, UUID(GUID), GUID),
    (Type.STRING, b"\xffa", "\\xffa"),
    (Type.BOOL, True, True),
    (Type.BOOL, "FALSE", False),
    (Type.BOOL, 0, False),
    (Type.BOOL, 2.5, True),
    (Type.BOOL, "1", True),
    (Type.BOOL, "", None),
    (Type.BOOL, "yes", FAILS),
    (Type.BOOL, [], FAILS),
    (Type.INT, 5, 5),
    (Type.INT, "21", 21),
    (Type.INT, " 0x1F ", 31),
    (Type.INT, 21454.0, 21454),
    (Type.INT, -2.9, -2),
    (Type.INT, "", None),
    (Type.INT, "12.5", FAILS),
    (Type.INT, "-", FAILS),
    (Type.INT, 2**31, FAILS),
    (Type.INT, "99999999999", FAILS),
    (Type.INT, {}, FAILS),
    (Type.LONG, 2**31, 2**31),
    (Type.LONG, 2**63, FAILS),
    (Type.LONG, 1e300, FAILS),
    (Type.LONG, True, 1),
    (Type.REAL, 5, 5.0),
    (Type.REAL, "1.5906E+12", 1.5906e12),
    (Type.REAL, "-105.4", -105.4),
    (Type.REAL, 2**64, float(2**64)),
    (Type.REAL, " ", None),
    (Type.REAL, "1,5", FAILS),
    (Type.DECIMAL, "1.5", Decimal("1.5")),
    (Type.DECIMAL, 1e30, FAILS),
    (Type.DATETIME, "2021-08-02T13:11:39.77Z", ticks.from_datetime(MOMENT)),
    (Type.DATETIME, MOMENT, ticks.from_datetime(MOMENT)),
    (Type.DATETIME, 1590000000, 637255968000000000),
    (Type.DATETIME, "", None),
    (Type.DATETIME, "outcome=Success", FAILS),
    (Type.DATETIME, True, FAILS),
    (Type.TIMESPAN, "1.02:03:04.5", 937_845_000_000),
    (Type.TIMESPAN, 10_000_000, 10_000_000),
    (Type.TIMESPAN, "soon", FAILS),
    (Type.GUID, GUID.upper(), GUID),
    (Type.GUID, GUID.replace("-", ""), GUID),
    (Type.GUID, "", None),
    (Type.GUID, "12", FAILS),
    (Type.DYNAMIC, {"a": 1.0, "b": None}, '{"a":1.0,"b":null}'),
    (Type.DYNAMIC, '{"a": [1, 2]}', '{"a":[1,2]}'),
    (Type.DYNAMIC, ' [1,\n2] ', "[1,2]"),
    (Type.DYNAMIC, "[not json]", '"[not json]"'),
    (Type.DYNAMIC, "plain", '"plain"'),
    (Type.DYNAMIC, "5", '"5"'),
    (Type.DYNAMIC, 5, "5"),
    (Type.DYNAMIC, False, "false"),
    (Type.DYNAMIC, "", None),
    (Type.DYNAMIC, None, None),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "value", "expected"), CASES)
def test_a_value(kind: Type, value: Any, expected: Any) -> None:
    array, failures = convert([value], kind)
    if expected is FAILS:
        assert failures == [0]
        assert array.to_pylist() == [None]
    else:
        assert failures == []
        assert array.to_pylist() == [expected]
    if expected is not FAILS:  # among others of the column's own type, and of another
        array, failures = convert([None, value, object], kind)
        assert array.to_pylist()[1] == expected


def test_the_positions_of_what_does_not_convert() -> None:
    array, failures = convert([1, "x", None, "3", "y", ""], Type.LONG)
    assert array.to_pylist() == [1, None, None, 3, None, None]
    assert failures == [1, 4]


def test_a_string_is_never_null() -> None:
    assert convert([None, None], Type.STRING)[0].to_pylist() == ["", ""]
    assert convert([], Type.STRING)[0].to_pylist() == []


def test_not_a_number_is_a_real() -> None:
    found = convert(["nan", "-inf"], Type.REAL)[0].to_pylist()
    assert math.isnan(found[0])
    assert found[1] == -math.inf


def test_what_json_has_no_form_for() -> None:
    found = convert([{"a": 2**70, "b": "\ud800", 5: b"x"}], Type.DYNAMIC)[0].to_pylist()[0]
    assert orjson.loads(found) == {"a": float(2**70), "b": "?", "5": "x"}
    longer = convert([[10**400]], Type.DYNAMIC)[0].to_pylist()[0]
    assert orjson.loads(longer) == [str(10**400)], "no reader of JSON takes it as a number"


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(json_values, max_size=12), st.sampled_from([kind for kind in Type if kind is not Type.UNKNOWN]))
def test_every_value_converts_is_absent_or_is_reported(values: list[Any], kind: Type) -> None:
    array, failures = convert(values, kind)
    assert len(array) == len(values)
    for position, (value, found) in enumerate(zip(values, array.to_pylist(), strict=True)):
        if position in failures:
            assert found is None
        elif value is None:
            assert found == ("" if kind is Type.STRING else None)
        elif found is None:
            assert isinstance(value, str)
            assert not value.strip()


@given(st.lists(json_values, max_size=5))
def test_dynamic_keeps_the_value(values: list[Any]) -> None:
    for value, found in zip(values, convert(values, Type.DYNAMIC)[0].to_pylist(), strict=True):
        if isinstance(value, (dict, list, int, float)):
            assert orjson.loads(found) == value
