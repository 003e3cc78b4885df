"""Tables: how they are made, what is in them, how long they keep their rows, and what is purged."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import Field

from vedette.api.routes.transformations import type_of
from vedette.api.security import Services, requires
from vedette.api.wire import Column, Page, Utc, Wire
from vedette.core.errors import InvalidInput
from vedette.core.roles import Permission, Principal
from vedette.kql import ticks
from vedette.store.catalog import Field as TableField
from vedette.store.definitions import create_table, drift
from vedette.store.retention.periods import EVERY, RetentionSetting
from vedette.store.retention.purge import preview

router = APIRouter(tags=["tables"], prefix="/workspaces/{ws}")
Reads = Depends(requires(Permission.QUERY))
Writes = Annotated[Principal, Depends(requires(Permission.DATA_WRITE))]
Purges = Annotated[Principal, Depends(requires(Permission.DATA_PURGE))]


class TablePut(Wire):
    """A custom table to be made; the standard columns come by themselves."""

    columns: list[Column]


class LakeBody(Wire):
    """The rows of a table that lie in the lake: how many, in how many files, their bytes, and their days."""

    rows: int
    files: int
    bytes: int
    first: Utc | None
    last: Utc | None


class RetentionBody(Wire):
    """How long a table keeps its rows, in days; null is for ever. `inherited`: it has no setting of its own."""

    table: str
    interactive_days: int | None
    total_days: int | None
    inherited: bool


class TableWhole(Wire):
    """A table: its columns, fields beyond them, values that did not fit their column (`drifted`), and where its rows are."""

    name: str
    known: bool
    columns: list[Column]
    extra: list[Column]
    drifted: dict[str, int]
    rows: int
    first: Utc | None
    last: Utc | None
    bytes: int
    lake: LakeBody
    retention: RetentionBody


class RetentionPut(Wire):
    """How long a table keeps its rows, in days; null is for ever."""

    interactive_days: int | None = None
    total_days: int | None = None


class RetentionEffectBody(Wire):
    """What a retention would do to a table at its next run: rows moved to the lake, rows deleted, and their bytes as they came."""

    table: str
    moved_rows: int
    moved_bytes: int
    deleted_rows: int
    deleted_bytes: int


class PurgeRequest(Wire):
    """A condition in KQL, as after `where`. Without `confirm` the rows are counted; with the token of a count they are removed."""

    where: Annotated[str, Field(min_length=1, max_length=100_000)]
    confirm: str | None = None


class PurgeBody(Wire):
    """Rows that meet the condition, and the token that confirms just them; or, once `purged`, rows that are gone."""

    table: str
    where: str
    rows: int
    token: str | None
    purged: bool


def _moment(value: int) -> datetime:
    return ticks.to_datetime(value)


def retention_body(one: RetentionSetting) -> RetentionBody:
    """A setting as the API shows it."""
    return RetentionBody(
        table=one.table, interactive_days=one.interactive_days, total_days=one.total_days, inherited=one.inherited
    )


@router.get("/tables/{table}", dependencies=[Reads])
def get(services: Services, table: str) -> TableWhole:
    """A table."""
    logs = services.logs
    described = logs.describe(table)
    info = next((one for one in logs.tables() if one.name == table), None)
    parts = logs.lake.parts(table)
    lake = LakeBody(
        rows=sum(part.rows for part in parts), files=len(parts), bytes=sum(part.size for part in parts),
        first=_moment(min(part.first for part in parts)) if parts else None,
        last=_moment(max(part.last for part in parts)) if parts else None,
    )  # fmt: skip
    return TableWhole(
        name=table, known=described.known,
        columns=[Column(name=each.name, type=each.type.value) for each in described.fields],
        extra=[Column(name=name, type=kind.value) for name, kind in sorted(described.extra.items())],
        drifted=drift(logs, table), rows=info.rows if info else 0, first=info.first if info else None,
        last=info.last if info else None, bytes=info.bytes if info else 0, lake=lake,
        retention=retention_body(services.retention.of(table)),
    )  # fmt: skip


@router.put("/tables/{table}", status_code=201)
def put(services: Services, table: str, body: TablePut, caller: Writes) -> TableWhole:
    """Makes a custom table by its definition."""
    create_table(services.logs, table, [TableField(one.name, type_of(one.type)) for one in body.columns])
    services.application.audit.record(
        caller, "tables/create", table, services.workspace.id, {"columns": [one.name for one in body.columns]}
    )
    return get(services, table)


@router.post("/tables/{table}/purge")
def purge(services: Services, table: str, body: PurgeRequest, caller: Purges) -> PurgeBody:
    """Counts the rows that meet a condition, or removes them for good, from the table and from the lake."""
    if body.confirm is None:
        found = preview(services.logs, table, body.where)
        return PurgeBody(table=table, where=body.where, rows=found.rows, token=found.token, purged=False)
    rows = services.purge(table, body.where, body.confirm, caller)
    return PurgeBody(table=table, where=body.where, rows=rows, token=None, purged=True)


@router.get("/retention", dependencies=[Reads])
def list_retention(services: Services) -> Page[RetentionBody]:
    """Every setting; the table `*` stands for those without one."""
    found = [retention_body(one) for one in services.retention.list()]
    return Page(value=found, count=len(found))


@router.get("/retention/run", dependencies=[Reads])
def last_run(services: Services) -> dict[str, Any]:
    """What the work is at (`progress`), and what it did at last (`last`)."""
    return services.keeper.state()


@router.post("/retention/run")
def run(services: Services, caller: Writes) -> dict[str, Any]:
    """Moves and deletes now what is due; it happens by itself every hour, too."""
    services.application.audit.record(caller, "tables/retention/run", "*", services.workspace.id)
    return services.keeper.run().to_dict()


@router.get("/tables/{table}/retention", dependencies=[Reads])
def get_retention(services: Services, table: str) -> RetentionBody:
    """How long a table keeps its rows."""
    setting = services.retention.of(table)
    if setting.inherited and table != EVERY:
        services.logs.describe(table)
    return retention_body(setting)


@router.post("/tables/{table}/retention/preview", dependencies=[Reads])
def preview_retention(services: Services, table: str, body: RetentionPut) -> Page[RetentionEffectBody]:
    """What a setting would do to the rows that are there, of each table that it concerns; nothing is set."""
    if table != EVERY:
        services.logs.describe(table)
    found = services.retention.effect(services.logs, table, body.interactive_days, body.total_days)
    value = [
        RetentionEffectBody(
            table=one.table, moved_rows=one.moved_rows, moved_bytes=one.moved_bytes, deleted_rows=one.deleted_rows,
            deleted_bytes=one.deleted_bytes,
        )
        for one in found
    ]  # fmt: skip
    return Page(value=value, count=len(value))


@router.put("/tables/{table}/retention")
def put_retention(services: Services, table: str, body: RetentionPut, caller: Writes) -> RetentionBody:
    """Sets how long a table keeps its rows; `*` stands for every table without a setting of its own."""
    if table != EVERY:
        services.logs.describe(table)
    if body.interactive_days is None and body.total_days is None and not body.model_fields_set:
        raise InvalidInput("Give interactiveDays, totalDays, or both.")
    return retention_body(services.retention.set(table, body.interactive_days, body.total_days, caller))


@router.delete("/tables/{table}/retention", status_code=204)
def delete_retention(services: Services, table: str, caller: Writes) -> None:
    """Takes a table's own setting away."""
    services.retention.reset(table, caller)
