"""Transformations: what becomes of the rows of a stream before they are stored, in KQL over `source`.

A stream is what a door takes rows for, under the name of its table. Each of its data flows sees all of its rows and gives those of one
table. A flow is bound and compiled when it is saved and once in each process, and then run over every batch.
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from vedette.core.errors import InvalidInput, VedetteError
from vedette.engine.prepared import Prepared
from vedette.engine.query import QueryEngine, QueryFailed
from vedette.kql import ticks
from vedette.kql.diagnostics import Diagnostic, KqlError
from vedette.kql.host import Field as HostField
from vedette.kql.host import Host, Items, SavedFunction, TableSchema
from vedette.kql.parser import parse
from vedette.kql.types import Type
from vedette.store import catalog
from vedette.store.assembly import Assembler
from vedette.store.batch import Batch, RawColumn, columns_of
from vedette.store.catalog import DEAD_LETTER, Field
from vedette.store.content import WorkspaceContent
from vedette.store.conversion import json_text
from vedette.store.host import EXTRA_FIELDS
from vedette.store.inference import Inference
from vedette.store.physical import ARROW, EXTRA
from vedette.store.reading.forms import TABLE_NAME, check_table_name
from vedette.store.tables import Tables
from vedette.store.transformations.language import SOURCE, is_printed, keeps_all, refusals

MAX_FLOWS: Final = 10
"""Data flows of a stream, as Azure has it for data collection rules."""
MAX_TEXT: Final = 15_360
"""Characters of a transformation."""
SECONDS: Final = 20.0
"""What one run over a batch may take, as in Azure."""
_ROWS: Final = "vedette_source"
_EXTRA_COLUMN: Final = "source_extra"
_MOMENT: Final = Field("TimeGenerated", Type.DATETIME)


@dataclass(frozen=True, slots=True)
class DataFlow:
    """A query over `source`, and the table that its rows go to."""

    transform_kql: str
    table: str


@dataclass(frozen=True, slots=True)
class Definition:
    """The transformation of a stream. Without `columns`, `source` has those of the table with the stream's name."""

    stream: str
    flows: tuple[DataFlow, ...]
    columns: tuple[Field, ...] = ()


@dataclass(slots=True)
class Output:
    """Rows for one table; `fields` are the columns that it must have if nobody declared any."""

    table: str
    batch: Batch
    fields: list[Field] = field(default_factory=list)
    drifted: Counter[str] = field(default_factory=Counter)


def table_of_stream(stream: str) -> str:
    """The table's name in the name of a stream, as data collection rules write it: `Custom-App` is App_CL, `Microsoft-Syslog` is
    Syslog; a plain name is a table's. Raises `InvalidInput`."""
    kind, dash, name = stream.partition("-")
    if not dash:
        return check_table_name(stream)
    if kind == "Custom" and TABLE_NAME.fullmatch(name):
        return name if catalog.may_be_table(name) else f"{name}_CL"
    if kind == "Microsoft" and catalog.is_known(name):
        return name
    raise InvalidInput(
        f"'{stream[:200]}' is not the name of a stream.", target="stream",
        hint="Streams are Custom-<table>_CL, Microsoft-<table of Log Analytics>, or a table's own name.",
    )  # fmt: skip


class TransformHost:
    """What a transformation sees: `source`, and the watchlists of the workspace."""

    transforms = True

    def __init__(self, host: Host, content: WorkspaceContent, fields: Sequence[Field]) -> None:
        self.name = host.name
        self._content = content
        own = [HostField(each.name, each.type, f"source_{place}") for place, each in enumerate(fields)]
        own.append(HostField(EXTRA_FIELDS, Type.DYNAMIC, _EXTRA_COLUMN, hidden=True))
        self.source = TableSchema(SOURCE, tuple(own), _ROWS)
        self.asked: dict[str, Items | None] = {}

    def table(self, name: str) -> TableSchema | None:
        """`source`, and no other."""
        return self.source if name == SOURCE else None

    def table_names(self) -> tuple[str, ...]:
        """`source`."""
        return (SOURCE,)

    def function(self, name: str) -> SavedFunction | None:
        """None: a transformation calls no saved function."""
        return None

    def function_names(self) -> tuple[str, ...]:
        """None."""
        return ()

    def workspace(self, name: str) -> Host | None:
        """None: a transformation reaches no other workspace."""
        return None

    def watchlist(self, alias: str, keys: Sequence[str] | None) -> Items | None:
        """A watchlist's items; which were asked for is remembered."""
        self.asked[alias] = self._content.watchlist(alias, None)
        return self._content.watchlist(alias, keys)

    def watchlist_aliases(self) -> Sequence[str]:
        """The alias of every watchlist."""
        return self._content.watchlist_aliases()

    @property
    def stale(self) -> bool:
        """Whether a watchlist that was read is another one by now."""
        return any(self._content.watchlist(alias, None) is not items for alias, items in self.asked.items())


class Flow:
    """One compiled data flow."""

    def __init__(
        self, engine: QueryEngine, host: Host, content: WorkspaceContent, flow: DataFlow, fields: Sequence[Field],
        now: datetime,
    ) -> None:  # fmt: skip
        """Raises `KqlError` for a text that is no transformation, with every fault at its place."""
        text = flow.transform_kql
        if len(text) > MAX_TEXT:
            raise InvalidInput(f"A transformation has at most {MAX_TEXT:,} characters, and this one has {len(text):,}.")
        self.flow = flow
        script, found = parse(text)
        faults = [one for one in found if one.severity == "Error"] or refusals(text, script)
        if faults:
            raise KqlError(text, faults)
        self._host = TransformHost(host, content, fields)
        self._fields = tuple(fields)
        self._prepared = Prepared(engine, text, self._host, now, (EXTRA_FIELDS,))
        self.columns = [Field(column.name, column.type) for column in self._prepared.columns]
        self._keeps_all = keeps_all(script)
        self._printed = is_printed(script)
        self._reads = [
            (own.physical, own.name, own.type)
            for own in self._host.source.fields
            if not own.hidden and self._prepared.reads(own.physical)
        ]
        self._check(text)

    def _check(self, text: str) -> None:
        """What the table at the other end does not take."""
        kinds = {column.name: column.type for column in self.columns}
        moment = kinds.get("TimeGenerated")
        if moment is not Type.DATETIME:
            said = "has no column TimeGenerated" if moment is None else f"has TimeGenerated as {moment}"
            message = f"The output of the transformation {said}, and every table needs it as datetime"
            raise KqlError(text, [Diagnostic("VDT0641", message, 0, max(1, len(text)))])
        for each in catalog.schema(self.flow.table) or ():
            own = kinds.get(each.name)
            if own is not None and own is not each.type and own is not Type.DYNAMIC:
                message = (
                    f"The column '{each.name}' of {self.flow.table} is {each.type}, and the transformation gives {own}"
                )
                start = text.rfind(each.name)
                raise KqlError(text, [Diagnostic("VDT0642", message, max(start, 0), len(each.name))])

    @property
    def stale(self) -> bool:
        """Whether it must be compiled again: a watchlist that it reads was changed."""
        return self._prepared.given and self._host.stale

    def run(self, rows: Sequence[Mapping[str, object]], now: datetime, seconds: float = SECONDS) -> Output:
        """The rows that it makes of some. Raises `QueryFailed`."""
        batch = Batch(len(rows), columns_of(rows), range(len(rows)), [0] * len(rows))
        types = {each.name: each.type for each in self._fields}
        moment = ticks.from_datetime(now)
        made = Assembler(types, "", "", 0, moment, moment).assemble(batch)
        # the table, the workspace and the billed size of a row are for its table to say, unless the row brings them
        if (sizes := made.columns.get("_BilledSize")) is not None:
            made.columns["_BilledSize"] = pc.if_else(pc.equal(sizes, 0), pa.scalar(None, sizes.type), sizes)
        arrays = {
            physical: made.columns[name] if name in made.columns else _nothing(kind, len(rows))
            for physical, name, kind in self._reads
        }
        arrays[_EXTRA_COLUMN] = made.hidden.get(EXTRA, _nothing(Type.DYNAMIC, len(rows)))
        found = self._prepared.run({_ROWS: pa.table(arrays)}, now, seconds)
        if self._printed:
            found = pa.concat_tables([found] * len(rows)) if rows else found.slice(0, 0)
        return self._output(found, made.drifted)

    def _output(self, found: pa.Table, drifted: Counter[str]) -> Output:
        columns: dict[str, RawColumn] = {}
        for place, column in enumerate(self._prepared.columns):
            values = found.column(place).to_pylist()
            if column.type is Type.DYNAMIC:
                values = [None if value is None else _json(value) for value in values]
            if any(value is not None and value != "" for value in values):
                columns[column.name] = RawColumn(values, None, None if column.type is Type.DYNAMIC else column.type)
        if self._prepared.hidden:
            texts = found.column(len(self._prepared.columns)).to_pylist()
            self._restore(columns, texts)
        sizes = _sizes(columns, found.num_rows)
        batch = Batch(found.num_rows, columns, range(found.num_rows), sizes)
        return Output(self.flow.table, batch, list(self.columns), Counter(drifted))

    def _restore(self, columns: dict[str, RawColumn], texts: Sequence[str | None]) -> None:
        """Give rows back the fields that `source` has no column for, and the values that were not of their column's type."""
        shown = {column.name for column in self._prepared.columns}
        beside: dict[str, tuple[list[object], list[int]]] = {}
        for row, text in enumerate(texts):
            for name, value in orjson.loads(text).items() if text else ():
                if name not in shown and not self._keeps_all:
                    continue
                values, places = beside.setdefault(name, ([], []))
                values.append(value)
                places.append(row)
        for name, (values, places) in beside.items():
            own = columns.get(name)
            if own is None:
                columns[name] = RawColumn(values, places)
                continue
            merged = list(own.values)
            if own.native in (Type.DATETIME, Type.TIMESPAN):  # before numbers that were sent come among those of ticks
                shown_as = ticks.format_datetime if own.native is Type.DATETIME else ticks.format_timespan
                merged = [shown_as(one) if isinstance(one, int) else one for one in merged]
            for place, value in zip(places, values, strict=True):
                if merged[place] in (None, ""):
                    merged[place] = value
            columns[name] = RawColumn(merged)


def _nothing(kind: Type, size: int) -> pa.Array:
    return pa.array([""] * size, pa.string()) if kind is Type.STRING else pa.nulls(size, ARROW[kind])


def _json(text: str) -> object:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def _sizes(columns: Mapping[str, RawColumn], count: int) -> list[int]:
    """The bytes of each row as JSON, of what it has."""
    sizes = [2] * count
    for name, column in columns.items():
        around = len(name) + 4
        for place, value in zip(column.rows if column.rows is not None else range(count), column.values, strict=True):
            if value is not None and value != "":
                sizes[place] += around + (len(value) + 2 if isinstance(value, str) else len(_text(value)))
    return sizes


def _text(value: object) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError:
        return json_text(value).encode()


class Transform:
    """The compiled transformation of one stream."""

    def __init__(self, stream: str, flows: Sequence[Flow]) -> None:
        self.stream = stream
        self.flows = tuple(flows)

    @property
    def tables(self) -> list[str]:
        """The tables that rows may go to, with the dead-letter table."""
        return list(dict.fromkeys([*(one.flow.table for one in self.flows), DEAD_LETTER]))

    @property
    def stale(self) -> bool:
        """Whether it must be compiled again."""
        return any(one.stale for one in self.flows)

    def apply(self, rows: Sequence[Mapping[str, object]], now: datetime, first_line: int = 1) -> list[Output]:
        """What becomes of some rows. Those that a flow fails on are whole in an output for the dead-letter table.

        Lines count from `first_line`, apart for each table.
        """
        outputs: list[Output] = []
        lines: Counter[str] = Counter()
        failures: list[dict[str, object]] = []
        for flow in self.flows:
            for output in self._run(flow, list(rows), now, failures):
                start = first_line + lines[output.table]
                output.batch.lines = range(start, start + output.batch.size)
                lines[output.table] += output.batch.size
                outputs.append(output)
        if failures:
            sizes = [len(str(one["Raw"])) for one in failures]
            start = first_line + lines[DEAD_LETTER]
            batch = Batch(len(failures), columns_of(failures), range(start, start + len(failures)), sizes)
            outputs.append(Output(DEAD_LETTER, batch))
        return outputs

    def _run(
        self, flow: Flow, rows: list[Mapping[str, object]], now: datetime, failures: list[dict[str, object]]
    ) -> Iterator[Output]:
        """The outputs of a flow: one, unless rows make it fail, which are looked for by halves."""
        waiting = [rows] if rows else []
        while waiting:
            part = waiting.pop()
            try:
                yield flow.run(part, now)
            except (QueryFailed, KqlError, VedetteError) as error:
                slow = isinstance(error, QueryFailed) and error.code == "VDT2001"
                if len(part) > 1 and not slow:
                    waiting += [part[len(part) // 2 :], part[: len(part) // 2]]
                    continue
                failures += (self._failed(row, flow, str(error)) for row in part)

    def _failed(self, row: Mapping[str, object], flow: Flow, reason: str) -> dict[str, object]:
        return dead_letter(self.stream, row, f"The transformation into {flow.flow.table} failed: {reason}")


def dead_letter(stream: str, row: Mapping[str, object], reason: str) -> dict[str, object]:
    """A row as the dead-letter table keeps it."""
    return {
        "TimeGenerated": row.get("TimeGenerated"), "TableName": stream, "Source": "transformation", "Reason": reason,
        "Raw": json_text(dict(row)),
    }  # fmt: skip


class Broken(Transform):
    """A transformation that cannot be compiled any more: all rows of its stream are kept in the dead-letter table."""

    def __init__(self, stream: str, reason: str) -> None:
        super().__init__(stream, ())
        self._reason = reason

    @property
    def stale(self) -> bool:
        """Always: what is missing may be there again."""
        return True

    def apply(self, rows: Sequence[Mapping[str, object]], now: datetime, first_line: int = 1) -> list[Output]:
        """Every row, whole."""
        kept = [dead_letter(self.stream, row, f"The transformation cannot be run: {self._reason}") for row in rows]
        sizes = [len(str(one["Raw"])) for one in kept]
        return [
            Output(DEAD_LETTER, Batch(len(kept), columns_of(kept), range(first_line, first_line + len(kept)), sizes))
        ]


class Transformer:
    """Compiles the transformations of a workspace, each once."""

    def __init__(self, engine: QueryEngine, host: Host, content: WorkspaceContent, tables: Tables) -> None:
        self._engine = engine
        self._host = host
        self._content = content
        self._tables = tables
        self._guard = threading.Lock()
        self._compiled: dict[str, tuple[Definition, object, Transform]] = {}

    def of(self, stream: str, now: Callable[[], datetime]) -> Transform | None:
        """The transformation of a stream, or None without one."""
        definition = self._content.transformation(stream)
        if definition is None:
            return None
        schema = None if definition.columns else self._tables.get(stream)
        with self._guard:
            known = self._compiled.get(stream)
            if known is None or known[0] != definition or known[1] is not schema or known[2].stale:
                try:
                    made = self.compile(definition, now())
                except (KqlError, VedetteError, QueryFailed) as error:
                    made = Broken(stream, str(error))
                known = self._compiled[stream] = (definition, schema, made)
            return known[2]

    def compile(self, definition: Definition, now: datetime) -> Transform:
        """A transformation, ready to run. Raises `KqlError` and `InvalidInput` for what is wrong with it."""
        check(definition)
        fields = self.fields(definition)
        flows = [Flow(self._engine, self._host, self._content, flow, fields, now) for flow in definition.flows]
        return Transform(definition.stream, flows)

    def fields(self, definition: Definition) -> tuple[Field, ...]:
        """The columns of `source`."""
        fields = definition.columns
        if not fields:
            stored = self._tables.get(definition.stream)
            known = catalog.schema(definition.stream) if stored is None else stored.fields
            if known is None:
                raise InvalidInput(
                    f"Nobody knows the columns of the stream {definition.stream} yet.", target="columns",
                    hint="Say them (--column NAME:TYPE), or give a sample of its rows (--sample FILE).",
                )  # fmt: skip
            return known
        return fields if any(each.name == _MOMENT.name for each in fields) else (_MOMENT, *fields)


def check(definition: Definition) -> None:
    """Raises `InvalidInput` for a definition that cannot be one, whatever its queries say."""
    check_table_name(definition.stream)
    if definition.stream == DEAD_LETTER:
        raise InvalidInput(f"{DEAD_LETTER} keeps what could not be stored; it has no transformation.", target="stream")
    if not 1 <= len(definition.flows) <= MAX_FLOWS:
        raise InvalidInput(f"A stream has 1 to {MAX_FLOWS} data flows.", target="dataFlows")
    tables: dict[str, str] = {definition.stream.casefold(): definition.stream}
    for flow in definition.flows:
        name = check_table_name(flow.table)
        if catalog.is_own(name):
            raise InvalidInput(f"{name} is written by Vedette alone.", target="outputStream")
        if tables.setdefault(name.casefold(), name) != name:
            raise InvalidInput(
                f"The tables {name} and {tables[name.casefold()]} differ by upper and lower case alone.",
                target="outputStream",
            )
        if not catalog.may_be_table(name):
            raise InvalidInput(
                f"{name} is no table of Log Analytics, and the name of a custom one ends in _CL.", target="outputStream",
                hint=f"Write {name}_CL.",
            )  # fmt: skip
    names = [each.name for each in definition.columns]
    if len(set(names)) != len(names) or any(not re.fullmatch(r"[A-Za-z_][\w.]{0,255}", name) for name in names):
        raise InvalidInput(
            "The columns of a stream have names of letters, digits, underscores and points, each once.",
            target="columns",
        )


def sample_columns(stream: str, rows: Sequence[Mapping[str, object]]) -> tuple[Field, ...]:
    """The columns of some rows, as a table would get them."""
    inference = Inference(stream, {})
    inference.look(Batch(len(rows), columns_of(rows), range(len(rows)), [0] * len(rows)), text_form=False)
    return tuple(inference.fields())


def shown(output: Output) -> list[dict[str, Any]]:
    """The rows of an output as JSON, for whoever tries a transformation."""
    rows: list[dict[str, Any]] = [{} for _ in range(output.batch.size)]
    for name, column in output.batch.columns.items():
        form = {Type.DATETIME: ticks.format_datetime, Type.TIMESPAN: ticks.format_timespan}.get(
            column.native or Type.UNKNOWN
        )
        places = column.rows if column.rows is not None else range(len(rows))
        for place, value in zip(places, column.values, strict=True):
            if value is not None and value != "":
                rows[place][name] = form(value) if form is not None and isinstance(value, int) else value
    return rows
