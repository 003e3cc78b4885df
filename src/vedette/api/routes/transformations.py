"""Transformations: what becomes of the rows of a stream before they are stored, tried before they are kept."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from pydantic import Field

from vedette.api.security import Services, requires
from vedette.api.wire import Column, Page, Utc, Wire
from vedette.core.errors import InvalidInput, nearest
from vedette.core.roles import Permission, Principal
from vedette.kql.types import TYPE_NAMES
from vedette.store.catalog import Field as TableField
from vedette.store.transformations.saved import Transformation
from vedette.store.transformations.transform import DataFlow, Definition, Transform, shown, table_of_stream

router = APIRouter(tags=["transformations"], prefix="/workspaces/{ws}/transformations")
Reads = Depends(requires(Permission.CONTENT_READ))
Writes = Annotated[Principal, Depends(requires(Permission.DATA_WRITE))]
MAX_SAMPLE = 1_000
"""Rows that a transformation is tried on."""


class DataFlowBody(Wire):
    """A query over `source`, and where its rows go: a table, or a stream's name as Azure writes it. None: the stream's own table."""

    transform_kql: str
    output_stream: str | None = None


class TransformationPut(Wire):
    """The transformation of a stream; without `columns`, `source` has those of the table."""

    data_flows: list[DataFlowBody]
    columns: list[Column] = Field(default_factory=list)


class TransformationBody(Wire):
    """The transformation of a stream."""

    stream: str
    data_flows: list[DataFlowBody]
    columns: list[Column]
    revision: int
    updated_at: Utc
    updated_by: str


class TrialRequest(Wire):
    """Rows to try a transformation on; without data flows, the one that is kept."""

    rows: list[dict[str, Any]]
    data_flows: list[DataFlowBody] = Field(default_factory=list)
    columns: list[Column] = Field(default_factory=list)


class TrialOutput(Wire):
    """What a table would get."""

    table: str
    columns: list[Column]
    rows: list[dict[str, Any]]


class Trial(Wire):
    """What would become of some rows: `failed` are those that would go to the dead-letter table."""

    rows: int
    outputs: list[TrialOutput]
    failed: list[dict[str, Any]]


def transformation_body(one: Transformation) -> TransformationBody:
    """A transformation as the API shows it."""
    held = one.definition
    return TransformationBody(
        stream=held.stream,
        data_flows=[DataFlowBody(transform_kql=flow.transform_kql, output_stream=flow.table) for flow in held.flows],
        columns=[Column(name=each.name, type=each.type.value) for each in held.columns],
        revision=one.revision, updated_at=one.updated_at, updated_by=one.updated_by,
    )  # fmt: skip


def definition_of(stream: str, flows: list[DataFlowBody], columns: list[Column]) -> Definition:
    """The definition that a request means. Raises `InvalidInput`."""
    table = table_of_stream(stream)
    return Definition(
        table,
        tuple(DataFlow(flow.transform_kql, table_of_stream(flow.output_stream or table)) for flow in flows),
        tuple(TableField(column.name, type_of(column.type)) for column in columns),
    )


def type_of(name: str) -> Any:
    """A type by its name. Raises `InvalidInput` with the nearest one."""
    kind = TYPE_NAMES.get(name)
    if kind is None:
        close = nearest(name, TYPE_NAMES)
        known = ", ".join(sorted({one.value for one in TYPE_NAMES.values()}))
        raise InvalidInput(
            f"'{name}' is not a type.",
            hint=f"Did you mean '{close}'?" if close else f"Types are {known}.",
            target="type",
        )
    return kind


def trial(transform: Transform, rows: list[dict[str, Any]], services: Services) -> Trial:
    """What a transformation makes of some rows; nothing is stored."""
    if len(rows) > MAX_SAMPLE:
        raise InvalidInput(f"A transformation is tried on at most {MAX_SAMPLE:,} rows.", target="rows")
    now = services.application.clock.now()
    outputs: list[TrialOutput] = []
    failed: list[dict[str, Any]] = []
    for output in transform.apply(stamped(rows, now), now):
        if not output.fields:
            failed += shown(output)
            continue
        columns = [Column(name=each.name, type=each.type.value) for each in output.fields]
        outputs.append(TrialOutput(table=output.table, columns=columns, rows=shown(output)))
    return Trial(rows=len(rows), outputs=outputs, failed=failed)


def stamped(rows: list[dict[str, Any]], now: Any) -> list[dict[str, Any]]:
    """The rows as they reach a transformation: with the time of their arrival where they bring none."""
    from vedette.kql import ticks

    moment = ticks.format_datetime(ticks.from_datetime(now))
    return [{**row, "TimeGenerated": row.get("TimeGenerated") or moment} for row in rows]


@router.get("", dependencies=[Reads])
def list_(services: Services) -> Page[TransformationBody]:
    """Every transformation, by stream."""
    found = [transformation_body(one) for one in services.transformations.list()]
    return Page(value=found, count=len(found))


@router.get("/{stream}", dependencies=[Reads])
def get(services: Services, stream: str) -> TransformationBody:
    """The transformation of a stream."""
    return transformation_body(services.transformations.get(table_of_stream(stream)))


@router.put("/{stream}")
def put(
    services: Services, stream: str, body: TransformationPut, caller: Writes, response: Response
) -> TransformationBody:
    """Keeps a transformation; it is bound and compiled first, and refused with every fault at its place."""
    definition = definition_of(stream, body.data_flows, body.columns)
    services.logs.transformer.compile(definition, services.application.clock.now())
    kept, created = services.transformations.put(definition, caller)
    response.status_code = 201 if created else 200
    return transformation_body(kept)


@router.post("/{stream}/try")
def try_(services: Services, stream: str, body: TrialRequest, caller: Writes) -> Trial:
    """What a transformation would make of some rows; nothing is stored."""
    if body.data_flows:
        definition = definition_of(stream, body.data_flows, body.columns)
    else:
        definition = services.transformations.get(table_of_stream(stream)).definition
    return trial(services.logs.transformer.compile(definition, services.application.clock.now()), body.rows, services)


@router.delete("/{stream}", status_code=204)
def delete(services: Services, stream: str, caller: Writes) -> None:
    """Removes a transformation; the rows of its stream are stored as they come from then on."""
    services.transformations.delete(table_of_stream(stream), caller)
