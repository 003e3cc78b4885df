"""Row functions: Python functions of one row's values, run over Arrow batches inside DuckDB.

Values arrive as: bool, int (int, long; ticks for datetime and timespan), float, Decimal, str (string and guid),
plain JSON values for dynamic; null is None. They are returned in the same forms.
"""

from __future__ import annotations

import decimal
import inspect
import json
import math
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import duckdb
import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from vedette.engine.dialect import DECIMAL_DIGITS, DECIMAL_SCALE, SQL_TYPES, RowFunctionUse, json_text
from vedette.kql.types import Type

_DECIMALS = decimal.Context(prec=DECIMAL_DIGITS)
_STEP = decimal.Decimal(1).scaleb(-DECIMAL_SCALE)
_MOST = decimal.Decimal(10) ** (DECIMAL_DIGITS - DECIMAL_SCALE)
ARROW = {
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
    Type.UNKNOWN: pa.string(),
}
"""How values travel in Arrow."""


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


_parse_last = lru_cache(maxsize=64)(parse_json)
"""For functions that leave their arguments as they are: a value that many rows share is the same object for all of them."""


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
    parse = _parse_last if getattr(function, "reads_only", False) else parse_json
    readers = [parse if type_ is Type.DYNAMIC else None for type_ in use.arguments]
    arrow = ARROW[result]
    together: Callable[[list[tuple[Any, ...]]], list[object]] | None = getattr(function, "together", None)
    # -0.0 and 0.0 are one key, so answers about reals are not kept
    keeps = bool(use.arguments) and Type.REAL not in use.arguments
    known: dict[tuple[object, ...], object] = {}

    def answer(raw: tuple[object, ...]) -> object:
        if strict and None in raw:
            return None
        if keeps and raw in known:
            return known[raw]
        values = [
            reader(value) if reader is not None and isinstance(value, str) else value
            for reader, value in zip(readers, raw, strict=True)
        ]
        made = _held(function(*values), result)
        if keeps and sum(len(value) for value in raw if isinstance(value, str)) <= _LONGEST_KEY:
            if len(known) >= _MOST_KEYS:
                known.clear()
            known[raw] = made
        return made

    def at_once(
        rows: list[tuple[object, ...]], made_together: Callable[[list[tuple[Any, ...]]], list[object]]
    ) -> list[object]:
        known = [place for place, row in enumerate(rows) if not (strict and None in row)]
        parsed = [
            tuple(
                reader(value) if reader is not None and isinstance(value, str) else value
                for reader, value in zip(readers, rows[place], strict=True)
            )
            for place in known
        ]
        answers: list[object] = [None] * len(rows)
        for place, made in zip(known, made_together(parsed), strict=True):
            answers[place] = _held(made, result)
        return answers

    def run(number: Any, *arrays: Any) -> pa.Array:
        stopped = _RUNS.get(number[0].as_py()) if len(number) else None
        if not arrays:
            # a function without arguments is asked anew for each row
            return pa.array([answer(()) for _ in range(len(number))], arrow)
        # logs repeat themselves: one call for each distinct row of arguments
        codes, rows = _distinct(arrays)
        answers = []
        if together is not None:
            if stopped is not None and stopped():
                raise Stopped
            return pa.array(at_once(rows, together), arrow).take(pa.array(codes))
        for row in rows:
            if stopped is not None and stopped():
                raise Stopped
            answers.append(answer(row))
        return pa.array(answers, arrow).take(pa.array(codes))

    # the database asks the signature how many arguments there are
    kind = inspect.Parameter.POSITIONAL_ONLY
    run.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(f"a{index}", kind) for index in range(len(readers) + 1)]
    )
    return run


_MOST_KEYS = 50_000
_LONGEST_KEY = 1_000
"""How many answers of a row function are remembered, and how long their arguments may be."""


def _distinct(arrays: tuple[Any, ...]) -> tuple[NDArray[np.int64], list[tuple[object, ...]]]:
    """The distinct rows of some columns, and for each row the place of its like among them."""
    columns = [_encoded(array) for array in arrays]
    values = [distinct for _, distinct in columns]
    if len(values) == 1:
        return columns[0][0], [(value,) for value in values[0]]
    if math.prod(len(distinct) for distinct in values) >= 2**62:
        # too many combinations to number them in 64 bits
        lists = [[distinct[code] for code in own.tolist()] for own, distinct in columns]
        return np.arange(len(lists[0])), list(zip(*lists, strict=True))
    codes = columns[0][0]
    for own, distinct in columns[1:]:
        codes = codes * len(distinct) + own
    present, places = np.unique(codes, return_inverse=True)
    rows = []
    for code in present.tolist():
        row: list[object] = []
        for distinct in reversed(values):
            code, place = divmod(code, len(distinct))
            row.append(distinct[place])
        rows.append(tuple(reversed(row)))
    return places, rows


def _encoded(array: Any) -> tuple[NDArray[np.int64], list[object]]:
    """A column as codes and the distinct values that they stand for; reals are told apart by their bits."""
    whole = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    bits = whole.view(pa.int64()) if pa.types.is_float64(whole.type) else whole
    encoded = pc.dictionary_encode(bits, null_encoding="encode")
    distinct = encoded.dictionary
    if bits is not whole:
        distinct = distinct.view(pa.float64())
    return encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64), distinct.to_pylist()


def _json(value: object) -> str:
    """JSON text, by the fast writer where it can write the value."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        # numbers beyond 64 bits, keys that are no texts
        return json_text(value)


def _held(value: object, type_: Type) -> object:
    if value is None:
        return None
    if type_ is Type.DYNAMIC:
        return _json(value)
    if type_ is Type.GUID:
        return str(value) if isinstance(value, uuid.UUID) else value
    if type_ is Type.DECIMAL and isinstance(value, decimal.Decimal):
        return _DECIMALS.quantize(value, _STEP) if abs(value) < _MOST else None
    if type_ in (Type.LONG, Type.DATETIME, Type.TIMESPAN, Type.INT) and isinstance(value, int):
        return value if -(2**63) <= value < 2**63 else None
    return value
