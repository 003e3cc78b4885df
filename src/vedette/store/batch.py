"""Rows on their way into a table: a batch of columns with what could not be read set aside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pyarrow as pa

from vedette.kql.types import Type


@dataclass(slots=True)
class RawColumn:
    """The values of one field in a batch.

    `rows` has the row of each value, in rising order; None where every row has one. `native` is the type that the source itself
    states (Parquet does); values of a native datetime or timespan are ticks, or the text of one that KQL has no ticks for.
    """

    values: Sequence[object]
    rows: Sequence[int] | None = None
    native: Type | None = None
    array: pa.Array | None = None
    """The values in the column's own type, one for every row, in the place of `values`."""
    failed: Mapping[int, object] | None = None
    """With an array: the values that did not convert, by their rows."""


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A record that is no row: where it starts (`line` from 1, `offset` in bytes of the decompressed text), why, and its text."""

    line: int
    offset: int
    reason: str
    raw: str


@dataclass(slots=True)
class Batch:
    """Some rows of a source. `lines` and `sizes` (bytes as billed) have one entry a row; `consumed` counts the bytes of the file read."""

    size: int
    columns: dict[str, RawColumn]
    lines: Sequence[int]
    sizes: Sequence[int] | np.ndarray[Any, np.dtype[np.int64]]
    bad: list[BadRecord] = field(default_factory=list)
    consumed: int = 0
    rows: Sequence[Mapping[str, object]] | None = None
    """The rows in the place of columns, for those who have use for whole records."""


def columns_of(rows: Sequence[Mapping[str, object]]) -> dict[str, RawColumn]:
    """Turns rows into columns.

    Log rows are sparse: a security event has a tenth of its table's columns. So the values that are there are put into their places,
    which is several times faster than asking every row for every column. Rows that all have other names would need a place for every
    name in every row; beyond `_DENSE` names, only the values are kept.
    """
    dense: dict[str, list[object]] = {}
    sparse: dict[str, tuple[list[object], list[int]]] = {}
    count = len(rows)
    for position, row in enumerate(rows):
        for name, value in row.items():
            try:
                dense[name][position] = value
            except KeyError:
                if len(dense) < _DENSE:
                    column: list[object] = [None] * count
                    column[position] = value
                    dense[name] = column
                else:
                    values, positions = sparse.setdefault(name, ([], []))
                    values.append(value)
                    positions.append(position)
    columns = {name: RawColumn(values) for name, values in dense.items()}
    for name, (values, positions) in sparse.items():
        columns[name] = RawColumn(values, positions)
    return columns


_DENSE: Final = 800
"""More columns than any known table has (591), with room for fields beyond the schema."""
