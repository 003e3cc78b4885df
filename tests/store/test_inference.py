"""Schemas out of rows."""

from __future__ import annotations

from typing import Any

import pytest

from vedette.kql.types import Type
from vedette.store.batch import Batch, RawColumn, columns_of
from vedette.store.inference import MAX_COLUMNS, Inference

S, L, R, B, D, T, G = Type.STRING, Type.LONG, Type.REAL, Type.BOOL, Type.DYNAMIC, Type.DATETIME, Type.GUID
GUID = "a9f5a81b-d5e1-416d-8a19-521abe499cda"


def infer(batches: list[list[dict[str, Any]]], table: str = "Things", *, text_form: bool = False) -> dict[str, Type]:
    inference = Inference(table, {})
    for rows in batches:
        inference.look(Batch(len(rows), columns_of(rows), range(len(rows)), [0] * len(rows)), text_form=text_form)
    return {field.name: field.type for field in inference.fields()}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 2], L), ([1, 2.5], R), ([True, False], B), ([1, True], S), (["a", 1], S), ([{"a": 1}, None], D), ([[1], "x"], D),
        (["2021-08-02T13:11:39Z", "", "2021-08-02 13:11"], T), (["2021-08-02T13:11:39Z", "yesterday"], S), (["2021-08-02"], S),
        (["5", "6"], S), (["{}"], S), ([GUID], S), ([None], None), (["", None], None),
    ],
)  # fmt: skip
def test_json(values: list[Any], expected: Type | None) -> None:
    assert infer([[{"x": value} for value in values]]).get("x") is expected
    assert infer([[{"x": value}] for value in values]).get("x") is expected  # the same in batches of one


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["1", "-2"], L), (["1", "2.5"], R), (["007"], S), (["1" * 25], R), (["true", "FALSE"], B), (["true", "1"], S), (["", ""], S),
        (["8/2/2021, 1:11:39.770 PM"], T), (['{"a":1}', "[]"], D), (["x"], S), (["0"], L), (["1e5"], R),
    ],
)  # fmt: skip
def test_csv(values: list[str], expected: Type) -> None:
    assert infer([[{"x": value} for value in values]], text_form=True)["x"] is expected
    assert infer([[{"x": value}] for value in values], text_form=True)["x"] is expected


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("n_d", ["692", 5], R), ("n_d", ["-"], S), ("f_b", ["FALSE"], B), ("f_b", ["no"], S), ("t_t", [1590000000], T), ("g_g", [GUID], G),
        ("g_g", ["none"], S), ("s_s", [5], S), ("s_s", [{"a": 1}], S),
    ],
)  # fmt: skip
def test_the_suffixes_of_custom_logs(name: str, values: list[Any], expected: Type) -> None:
    assert infer([[{name: value} for value in values]], "Things_CL")[name] is expected


def test_suffixes_mean_nothing_elsewhere() -> None:
    assert infer([[{"n_d": "692"}]])["n_d"] is S


def test_standard_columns_keep_their_types() -> None:
    assert infer([[{"TimeGenerated": "soon", "Computer": 5, "_BilledSize": 1}]]) == {
        "TimeGenerated": T, "Computer": S, "_BilledSize": R,
    }  # fmt: skip


def test_what_parquet_states_is_taken() -> None:
    inference = Inference("Things", {})
    columns = {"a": RawColumn([1, None], native=Type.INT), "b": RawColumn([5], [1], native=Type.TIMESPAN)}
    inference.look(Batch(2, columns, [1, 2], [0, 0]), text_form=False)
    assert {field.name: field.type for field in inference.fields()} == {"a": Type.INT, "b": Type.TIMESPAN}


def test_columns_that_are_there_are_left_alone_and_there_is_a_limit() -> None:
    inference = Inference("Things", {"x0": L})
    rows = [{f"x{n}": "a" for n in range(MAX_COLUMNS + 10)}]
    inference.look(Batch(1, columns_of(rows), [1], [0]), text_form=False)
    names = [field.name for field in inference.fields()]
    assert "x0" not in names
    assert len(names) == MAX_COLUMNS - 1


def test_columns_come_in_the_order_in_which_they_were_seen() -> None:
    assert list(infer([[{"b": 1}, {"a": 1, "c": 2}]])) == ["b", "a", "c"]
