"""Row functions: each row gets the answer to its own arguments, whatever else stands beside it."""

from __future__ import annotations

import math

import duckdb
import pytest

from vedette.engine.dialect import RowFunctionUse
from vedette.engine.rowfunctions import register
from vedette.kql.types import Type


@pytest.fixture
def connection() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(":memory:")


def test_every_row_gets_its_own_answer(connection: duckdb.DuckDBPyConnection) -> None:
    calls: list[tuple[object, ...]] = []

    def joined(*parts: object) -> str:
        calls.append(parts)
        return "|".join(map(str, parts))

    register(connection, RowFunctionUse("joined", joined, (Type.LONG, Type.STRING), Type.STRING, True))
    rows = connection.execute(
        "SELECT a, b, joined(0, a, b) FROM (SELECT range % 7 AS a, 's' || (range % 5) AS b FROM range(10000))"
    ).fetchall()
    assert all(answer == f"{a}|{b}" for a, b, answer in rows)
    assert len(rows) == 10000
    # 35 different rows: remembered from batch to batch (batches may run side by side)
    assert len(calls) < 35 * 8


def test_nulls_reach_only_functions_that_want_them(connection: duckdb.DuckDBPyConnection) -> None:
    seen = lambda value: "null" if value is None else "value"  # noqa: E731
    register(connection, RowFunctionUse("strict", seen, (Type.STRING,), Type.STRING, True))
    register(connection, RowFunctionUse("total", seen, (Type.STRING,), Type.STRING, False))
    rows = connection.execute("SELECT strict(0, x), total(0, x) FROM (VALUES ('a'), (NULL)) AS v(x)").fetchall()
    assert rows == [("value", "value"), (None, "null")]


def test_reals_are_told_apart_by_their_bits(connection: duckdb.DuckDBPyConnection) -> None:
    def sign(value: float) -> float:
        return math.copysign(1.0, value)

    register(connection, RowFunctionUse("sign_of", sign, (Type.REAL,), Type.REAL, True))
    text = "SELECT sign_of(0, x) FROM (VALUES (0.0::DOUBLE), ('-0'::DOUBLE), (0.0::DOUBLE), ('nan'::DOUBLE)) AS v(x)"
    assert [row[0] for row in connection.execute(text).fetchall()] == [1.0, -1.0, 1.0, 1.0]


def test_many_columns_of_many_values(connection: duckdb.DuckDBPyConnection) -> None:
    kinds = (Type.LONG,) * 7
    register(connection, RowFunctionUse("total_of", lambda *parts: sum(parts), kinds, Type.LONG, True))
    columns = ", ".join(f"range * {factor}" for factor in range(1, 8))
    rows = connection.execute(f"SELECT range, total_of(0, {columns}) FROM range(3000)").fetchall()
    assert all(total == number * 28 for number, total in rows)
