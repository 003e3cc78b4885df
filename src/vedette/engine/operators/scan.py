"""scan: a stage in which Python goes over the rows in order, once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import duckdb
import pyarrow as pa

from vedette.engine.compiler import Compiler, lowers
from vedette.engine.dialect import SQL_TYPES
from vedette.engine.fragment import Fragment
from vedette.engine.relations import OrderKey, Rel, name_of
from vedette.engine.rowfunctions import ARROW, Stopped
from vedette.engine.rowloop import Evaluate, RowExpressions, Value, constant_value
from vedette.kql.binder.operators.scan import StepScan, refers, state_of
from vedette.kql.bound import Column, ColumnRef, Constant, Expr
from vedette.kql.node import node
from vedette.kql.types import Type

_CHECK_EVERY = 4096
_MOST_BYTES = 2**30
_MOST_MATCHES = 4_000_000
"""What the rows of one scan may hold outside of the engine's memory."""


@node
class _Step:
    output: str
    condition: Evaluate
    assignments: list[tuple[int, Evaluate]]


@lowers(StepScan)
def scan(compiler: Compiler, node: StepScan) -> Rel:
    """The rows that match, each with what the steps assign."""
    rel = compiler.with_order(compiler.rel(node.input)).wrapped()
    if node.defaults:
        given = [f"{compiler.emitter.emit(value)} AS {name_of(node.fields[at])}" for at, value in node.defaults.items()]
        rel = rel.extended(given, node.columns).wrapped()
    ids = state_of(node)
    places: dict[int, int] = {}
    values: list[Expr] = []

    def computed(value: Expr) -> int:
        """The place of a value that SQL computes for all rows at once."""
        key = -value.column.id if isinstance(value, ColumnRef) else id(value)
        if key not in places:
            places[key] = len(values)
            values.append(value)
        return places[key]

    needed = sorted({ids[ref.column.id][1] for ref in _refs(node) if ref.column.id in ids})
    place = {field: at for at, field in enumerate(needed)}

    def leaf(value: Expr) -> Evaluate | None:
        if isinstance(value, ColumnRef) and value.column.id in ids:
            step, field = ids[value.column.id]
            return _from_state(step, place[field], _nothing(node, field))
        if refers(value, ids) or isinstance(value, Constant):
            return None
        at = computed(value)
        return lambda row, state: row[at]

    expressions = RowExpressions(leaf)
    steps = [
        _Step(
            step.output,
            expressions.function(step.condition),
            [(field, expressions.function(value)) for field, value in step.assignments],
        )
        for step in node.steps
    ]
    kept = [expressions.function(ColumnRef(node.fields[field].type, node.fields[field])) for field in needed]
    matcher = _Matcher(steps, needed, kept)
    inputs = [column for at, column in enumerate(node.fields) if at not in node.defaults]
    made = {at: column for at, column in enumerate(node.made) if column is not node.fields[at]}
    computed_items = [f"{_travelling(compiler.emitter.emit(value))} AS v{at}" for at, value in enumerate(values)]
    shown = [f"{_travelling(compiler.emitter.emit(ColumnRef(c.type, c)))} AS {name_of(c)}" for c in inputs]
    text = f"SELECT {', '.join([*rel.partition, *computed_items, *shown]) or '1'} FROM {rel.source}"
    if rel.where:
        text += " WHERE " + " AND ".join(rel.where)
    text += f" ORDER BY {', '.join([*rel.partition, rel.ordering()])}"
    order = compiler.fresh()
    assigned = [(at, column, _initial(node, at, inputs)) for at, column in made.items()]
    transform = _transform(matcher, len(rel.partition), len(values), assigned, node, inputs, order)
    name = compiler.stage(text, transform)
    out = [*rel.partition, order]
    for column in [*(c for c in inputs if c in node.made), *made.values(), *([node.match_id] if node.match_id else [])]:
        own = name_of(column)
        out.append(f"CAST({own} AS {SQL_TYPES[column.type]}) AS {own}")
    return Rel(f"(SELECT {', '.join(out)} FROM {name})", node.columns, order=[OrderKey(order)], partition=rel.partition)


def _travelling(value: Fragment) -> str:
    """A value as Arrow and Python take it: a guid as text."""
    return f"CAST({value} AS VARCHAR)" if value.type is Type.GUID else value.sql


def _refs(node: StepScan) -> Iterator[ColumnRef]:
    """Every column that a step names."""
    from vedette.kql.bound import children

    pending: list[Expr] = []
    for step in node.steps:
        pending += [step.condition, *(value for _, value in step.assignments)]
    while pending:
        value = pending.pop()
        if isinstance(value, ColumnRef):
            yield value
        pending += children(value)


def _nothing(node: StepScan, field: int) -> Value:
    """What a field of an empty state holds: the default of a declared column, else null."""
    if field in node.defaults:
        return constant_value(node.defaults[field])
    return "" if node.fields[field].type is Type.STRING else None


def _initial(node: StepScan, field: int, inputs: list[Column]) -> tuple[int | None, Value]:
    """Where a column that a step may leave alone gets its value: an input column, or a default."""
    if field in node.defaults:
        return None, constant_value(node.defaults[field])
    return inputs.index(node.fields[field]), None


def _from_state(step: int, at: int, nothing: Value) -> Evaluate:
    def read(row: Sequence[Value], state: Sequence[Value]) -> Value:
        record = state[step] if step < len(state) else None
        return nothing if record is None else record[at]

    return read


_Match = tuple[int, dict[int, Value], int]
"""The number of a row, what was assigned, and the match's number."""


class _Matcher:
    """The steps with their state; see "Matching logic" of the page scan operator."""

    def __init__(self, steps: list[_Step], needed: list[int], kept: list[Evaluate]) -> None:
        self._steps = steps
        self._needed = needed
        self._kept = kept
        self.matches: list[_Match] = []
        self._next = 0
        self.restart()

    def restart(self) -> None:
        """Empties the state, as before the first row of a partition."""
        count = len(self._steps)
        self._state: list[list[Value] | None] = [None] * count
        self._numbers = [0] * count
        self._pending: list[_Match | None] = [None] * count
        self._next = 0

    def flush(self) -> None:
        """Gives the last matches that wait for the end of their series."""
        for step in range(len(self._steps)):
            self._emit_pending(step)

    def _emit_pending(self, step: int) -> None:
        pending = self._pending[step]
        if pending is not None:
            self.matches.append(pending)
            self._pending[step] = None

    def row(self, number: int, row: Sequence[Value]) -> None:
        """Matches a row against the steps, from the last to the first."""
        for at in range(len(self._steps) - 1, -1, -1):
            step = self._steps[at]
            before = self._state[at - 1] if at else None
            if before is not None and step.condition(row, before):
                self._emit_pending(at)
                self._emit_pending(at - 1)
                self._state[at - 1] = None
                self._numbers[at] = self._numbers[at - 1]
                self._matched(at, step, number, row, before)
                continue
            own = self._state[at]
            if (own is not None or at == 0) and step.condition(row, own or ()):
                if own is None:
                    self._numbers[at] = self._next
                    self._next += 1
                self._matched(at, step, number, row, own or [])

    def _matched(self, at: int, step: _Step, number: int, row: Sequence[Value], state: Sequence[Value]) -> None:
        assigned = {field: value(row, state) for field, value in step.assignments}
        record = tuple(
            assigned[field] if field in assigned else self._kept[place](row, state)
            for place, field in enumerate(self._needed)
        )
        self._state[at] = [*(state[:at]), *([None] * (at - len(state))), record]
        match = (number, assigned, self._numbers[at])
        if step.output == "all":
            self.matches.append(match)
        elif step.output == "last":
            self._pending[at] = match


def _transform(
    matcher: _Matcher, groups: int, values: int, assigned: list[tuple[int, Column, tuple[int | None, Value]]],
    node: StepScan, inputs: list[Column], order: str,
) -> Callable[[Iterator[pa.RecordBatch], Callable[[], bool]], pa.Table]:  # fmt: skip
    def transform(batches: Iterator[pa.RecordBatch], stopped: Callable[[], bool]) -> pa.Table:
        held: list[pa.RecordBatch] = []
        number = 0
        group: tuple[Value, ...] | None = None
        size = 0
        for batch in batches:
            held.append(batch.select([*range(groups), *range(groups + values, batch.num_columns)]))
            size += held[-1].nbytes
            if size > _MOST_BYTES or len(matcher.matches) > _MOST_MATCHES:
                raise duckdb.OutOfMemoryException("scan holds too many rows")
            keys = [batch.column(at).to_pylist() for at in range(groups)]
            columns = [batch.column(groups + at).to_pylist() for at in range(values)]
            for at in range(batch.num_rows):
                if number % _CHECK_EVERY == 0 and stopped():
                    raise Stopped
                if keys:
                    here = tuple(key[at] for key in keys)
                    if here != group:
                        matcher.flush()
                        matcher.restart()
                        group = here
                matcher.row(number, [column[at] for column in columns])
                number += 1
        matcher.flush()
        return _table(held, matcher.matches, groups, assigned, node, inputs, order)

    return transform


def _table(
    held: list[pa.RecordBatch], matches: list[_Match], groups: int,
    assigned: list[tuple[int, Column, tuple[int | None, Value]]], node: StepScan, inputs: list[Column], order: str,
) -> pa.Table:  # fmt: skip
    rows = pa.array([number for number, _, _ in matches], pa.int64())
    if held:
        taken = pa.Table.from_batches(held).take(rows)
    else:
        taken = pa.table({name_of(column): pa.array([], ARROW[column.type]) for column in inputs})
    for field, column, (source, fixed) in assigned:
        plain = taken.column(groups + source).to_pylist() if source is not None else None
        made = [
            values[field] if field in values else (plain[at] if plain is not None else fixed)
            for at, (_, values, _) in enumerate(matches)
        ]
        taken = taken.append_column(name_of(column), pa.array(made, ARROW[column.type]))
    if node.match_id is not None:
        taken = taken.append_column(name_of(node.match_id), pa.array([number for _, _, number in matches], pa.int64()))
    return taken.append_column(order, pa.array(range(len(matches)), pa.int64()))
