"""Row functions: Python functions of one row's values, run over Arrow batches inside DuckDB.

Values arrive as: bool, int (int, long; ticks for datetime and timespan), float, Decimal, str (string and guid),
plain JSON values for dynamic; null is None. They are returned in the same forms.
"""

from __future__ import annotations

import decimal
import inspect
import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import duckdb
import orjson
import pyarrow as pa

from vedette.engine.dialect import DECIMAL_DIGITS, DECIMAL_SCALE, SQL_TYPES, RowFunctionUse, json_text
from vedette.kql.types import Type

_DECIMALS = decimal.Context(prec=DECIMAL_DIGITS)
_STEP = decimal.Decimal(1).scaleb(-DECIMAL_SCALE)
_MOST = decimal.Decimal(10) ** (DECIMAL_DIGITS - DECIMAL_SCALE)
_ARROW = {
    Type.BOOL: pa.bool_(),
    Type.INT: pa.int32(),
    Type.LONG: pa.int64(),
    Type.REAL: pa.float64(),
    Type.DECIMAL: pa.decimal128(DECIMAL_DIGITS, DECIMAL_SCALE),
    Type.STRING: pa.string(),
    Type.DATETIME: pa.int64(),
    Type.TIMESPAN: pa.int64(),
    Type.GUID: pa.string(),
    Type.DYNAMIC: pa.string(),
}


_RUNS: dict[int, Callable[[], bool]] = {}


class Stopped(Exception):
    """Ends a batch of calls whose query was stopped; the engine cannot interrupt Python."""


@contextmanager
def stoppable(number: int, stopped: Callable[[], bool]) -> Iterator[None]:
    """Lets the row functions of a run ask whether it was stopped."""
    _RUNS[number] = stopped
    try:
        yield
    finally:
        _RUNS.pop(number, None)


def parse_json(text: str) -> object:
    """The JSON value of a text; numbers beyond 64 bits are read by the slower parser."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return json.loads(text)


def register(connection: duckdb.DuckDBPyConnection, use: RowFunctionUse) -> None:
    """Makes a row function known to a connection's database."""
    # a guid travels as text: Arrow has no plain form of it that DuckDB and Python share
    arguments = ["BIGINT"] + ["VARCHAR" if type_ is Type.GUID else SQL_TYPES[type_] for type_ in use.arguments]
    result = "VARCHAR" if use.result is Type.GUID else SQL_TYPES[use.result]
    # DuckDB takes the words for its enumerations; its type hints do not know them
    create: Any = connection.create_function
    create(use.key, _vectorised(use), arguments, result, type="arrow", null_handling="special")


def _vectorised(use: RowFunctionUse) -> Callable[..., pa.Array]:
    function, strict, result = use.function, use.strict, use.result
    readers = [parse_json if type_ is Type.DYNAMIC else None for type_ in use.arguments]
    arrow = _ARROW[result]

    def run(number: Any, *arrays: Any) -> pa.Array:
        stopped = _RUNS.get(number[0].as_py()) if len(number) else None
        columns = [array.to_pylist() for array in arrays]
        known: dict[Any, object] = {}
        out: list[object] = []
        # a function without arguments still has a row for each number
        for raw in zip(*columns, strict=True) if columns else [()] * len(number):
            if strict and None in raw:
                out.append(None)
                continue
            # logs repeat themselves: one call for each distinct row of arguments in a batch
            if raw in known:
                out.append(known[raw])
                continue
            if stopped is not None and stopped():
                raise Stopped
            values = [
                reader(value) if reader is not None and value is not None else value
                for reader, value in zip(readers, raw, strict=True)
            ]
            answer = _held(function(*values), result)
            known[raw] = answer
            out.append(answer)
        return pa.array(out, arrow)

    # the database asks the signature how many arguments there are
    kind = inspect.Parameter.POSITIONAL_ONLY
    run.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(f"a{index}", kind) for index in range(len(readers) + 1)]
    )
    return run


def _held(value: object, type_: Type) -> object:
    if value is None:
        return None
    if type_ is Type.DYNAMIC:
        return json_text(value)
    if type_ is Type.GUID:
        return str(value) if isinstance(value, uuid.UUID) else value
    if type_ is Type.DECIMAL and isinstance(value, decimal.Decimal):
        return _DECIMALS.quantize(value, _STEP) if abs(value) < _MOST else None
    if type_ in (Type.LONG, Type.DATETIME, Type.TIMESPAN, Type.INT) and isinstance(value, int):
        return value if -(2**63) <= value < 2**63 else None
    return value
