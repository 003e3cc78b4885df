"""Batches of raw values → the Arrow columns of a table, with everything that a row of Log Analytics has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from vedette.kql import ticks
from vedette.kql.types import Type
from vedette.store.batch import Batch, RawColumn
from vedette.store.conversion import convert, json_text, original
from vedette.store.inference import value_type
from vedette.store.physical import EXTRA, INGESTED, LOAD, ROW


@dataclass(slots=True)
class Assembled:
    """A batch that is ready to be stored: columns by their KQL names, hidden columns by theirs."""

    size: int
    columns: dict[str, pa.Array]
    hidden: dict[str, pa.Array]
    extra: dict[str, set[Type]] = field(default_factory=dict)
    drifted: Counter[str] = field(default_factory=Counter)
    stamped: int = 0

    @property
    def bytes(self) -> int:
        """What the columns hold in memory."""
        return sum(array.nbytes for array in (*self.columns.values(), *self.hidden.values()))


@dataclass(frozen=True, slots=True)
class Assembler:
    """How the rows of one load become rows of a table.

    `types` are the table's columns. `stamp` (ticks) is the TimeGenerated of rows without one; `shift` (ticks) moves every datetime.
    """

    types: Mapping[str, Type]
    table: str
    workspace_id: str
    load: int
    ingested: int
    stamp: int
    shift: int = 0

    def assemble(self, batch: Batch) -> Assembled:
        """The batch's rows; what does not convert, and fields without a column, go into the hidden column."""
        made = Assembled(batch.size, {}, {})
        extras: dict[int, dict[str, object]] = {}
        for name, raw in batch.columns.items():
            kind = self.types.get(name)
            if kind is None:
                _keep(extras, made, name, raw)
                continue
            if raw.array is not None:
                array = raw.array
                for row, value in (raw.failed or {}).items():
                    extras.setdefault(row, {})[name] = value
                if raw.failed:
                    made.drifted[name] += len(raw.failed)
            elif _all_absent(raw.values):
                continue
            else:
                array, failures = convert(raw.values, kind, raw.native)
                for position in failures:
                    row = position if raw.rows is None else raw.rows[position]
                    extras.setdefault(row, {})[name] = original(raw.values[position], raw.native)
                if failures:
                    made.drifted[name] += len(failures)
                if raw.rows is not None:
                    array = _scattered(array, raw.rows, batch.size, kind)
            if self.shift and kind is Type.DATETIME:
                array = _shifted(array, self.shift)
            made.columns[name] = array
        self._complete(made, batch)
        made.hidden = {
            LOAD: _constant(self.load, batch.size),
            ROW: pa.array(batch.lines, pa.int64()),
            INGESTED: _constant(self.ingested, batch.size),
        }
        if extras:
            texts = [json_text(extras[row]) if row in extras else None for row in range(batch.size)]
            made.hidden[EXTRA] = pa.array(texts, pa.string())
        return made

    def _complete(self, made: Assembled, batch: Batch) -> None:
        """Fill in what every row has: TimeGenerated, the billed size, and the table and workspace where some rows name them."""
        moments = made.columns.get("TimeGenerated")
        if moments is None:
            made.stamped = batch.size
            made.columns["TimeGenerated"] = _constant(self.stamp, batch.size)
        elif moments.null_count:
            made.stamped = moments.null_count
            made.columns["TimeGenerated"] = moments.fill_null(self.stamp)
        if self.types.get("_BilledSize") is Type.REAL:
            sizes = pa.array(batch.sizes, pa.float64())
            own = made.columns.get("_BilledSize")
            made.columns["_BilledSize"] = sizes if own is None else pc.coalesce(own, sizes)
        for name, constant in (("TenantId", self.workspace_id), ("Type", self.table)):
            array = made.columns.get(name)
            if array is not None and self.types[name] is Type.STRING:
                made.columns[name] = pc.if_else(pc.equal(array, ""), constant, array)


def _all_absent(values: Sequence[object]) -> bool:
    """Whether no row has a value; found out without looking at each value of a column that has some."""
    return not any(values) and values.count(None) == len(values)


def _keep(extras: dict[int, dict[str, object]], made: Assembled, name: str, raw: RawColumn) -> None:
    """Put the values of a field without a column into the hidden column; JSON null is as good as absent there."""
    values = raw.values
    if raw.native in (Type.DATETIME, Type.TIMESPAN):
        values = [original(value, raw.native) for value in values]
    kind = value_type(values, raw.native)
    if kind is None:
        return
    kept = False
    for position, value in enumerate(values):
        if value is not None:
            kept = True
            extras.setdefault(position if raw.rows is None else raw.rows[position], {})[name] = value
    if kept:
        made.extra.setdefault(name, set()).add(kind)


def _scattered(array: pa.Array, rows: Sequence[int], size: int, kind: Type) -> pa.Array:
    """The values at their rows, with absent values between them."""
    places = np.full(size, -1, dtype=np.int32)
    places[np.asarray(rows, dtype=np.int32)] = np.arange(len(rows), dtype=np.int32)
    full = array.take(pa.array(places, mask=places < 0))
    return full.fill_null("") if kind is Type.STRING else full


def _shifted(array: pa.Array, shift: int) -> pa.Array:
    """Datetimes moved by some ticks. Those that would leave the years 1 to 9999 (placeholders for never) stay."""
    moved = pc.add(array, pa.scalar(shift, pa.int64()))
    inside = pc.and_(pc.greater_equal(moved, 0), pc.less_equal(moved, ticks.MAX_DATETIME))
    return pc.if_else(inside, moved, array)


def _constant(value: int, size: int) -> pa.Array:
    return pa.array(np.full(size, value, dtype=np.int64))
