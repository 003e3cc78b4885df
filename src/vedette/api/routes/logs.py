"""Asking: queries, checks, tables and functions; and taking log files in."""

from __future__ import annotations

import os
import re
import shutil
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import anyio
import orjson
from fastapi import APIRouter, Depends, Query, Request, Response

from vedette.api.callers import cancelled_when_gone
from vedette.api.failures import diagnostics_of
from vedette.api.security import Services, requires
from vedette.api.wire import Column, DiagnosticBody, Page, Utc, Wire, utc_text
from vedette.core.errors import Closing, InvalidInput, VedetteError
from vedette.core.roles import Permission, Principal
from vedette.engine.catalog import full_catalog
from vedette.engine.result import Result
from vedette.kql import ticks
from vedette.kql.types import TYPE_NAMES
from vedette.store.reading.forms import check_table_name
from vedette.store.report import LoadOptions

router = APIRouter(tags=["logs"], prefix="/workspaces/{ws}")
MAX_QUERY = 1_000_000
MAX_QUERIES = 16
"""At once; further ones wait for their turn."""
MAX_UPLOAD = 4 * 1024**3
_DURATION = re.compile(r"P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$")
_NAME = re.compile(r"[^\w.-]+")


Asking = Annotated[Principal, Depends(requires(Permission.QUERY))]
"""Who asks, and may."""


class QueryRequest(Wire):
    """A KQL query; `timespan` is an ISO 8601 duration back from now, or an interval."""

    query: str
    timespan: str | None = None


class QueryStats(Wire):
    """What a query cost."""

    elapsed_ms: float
    rows: int


class PartialError(Wire):
    """Why rows are missing."""

    code: str
    message: str


class QueryResult(Wire):
    """The rows of a query, as wire values."""

    columns: list[Column]
    rows: list[list[Any]]
    stats: QueryStats
    partial_error: PartialError | None = None
    visualization: dict[str, Any] | None = None
    """What `render` says: `visualization`, the kind of chart, and the properties given."""
    name: str | None = None
    more: list[QueryResult] | None = None
    """The further tables of a query that gives several (`fork`, `facet`); `name` tells them apart."""


class CheckRequest(Wire):
    """A KQL text."""

    query: str


class Statement(Wire):
    """The SQL of one result, with the values bound in it (ticks for times) and the plan rewrites made."""

    sql: str
    values: dict[str, Any]
    rewrites: list[str]


class ExplainResult(Wire):
    """How a query would be run."""

    statements: list[Statement]


class CheckResult(Wire):
    """What parsing and binding say; no error means accepted."""

    diagnostics: list[DiagnosticBody]
    columns: list[Column]


class TableBody(Wire):
    """A table; one without rows is known by its schema alone."""

    name: str
    columns: list[Column]
    rows: int
    first: Utc | None
    last: Utc | None
    bytes: int | None
    """Of the rows as they came."""
    indexed: int = 0
    """Rows whose terms are in the term index."""
    index_bytes: int = 0


class FunctionBody(Wire):
    """A function of the language."""

    name: str
    kind: str
    signature: str | None = None
    about: str | None = None


class AddColumn(Wire):
    """A column to be added to a table."""

    name: str
    type: str


class ChooseIndex(Wire):
    """Whether the terms of some columns of a table (none named: of all) are in the term index."""

    columns: list[str] | None = None
    wanted: bool = True


def timespan_of(text: str | None, now: datetime) -> tuple[datetime, datetime] | None:
    """The bounds of an ISO 8601 timespan. Raises InvalidInput for one that is not, or that leaves the years 1 to 9999."""
    if not text:
        return None
    try:
        bounds = _bounds(text.split("/"), now)
    except OverflowError:
        bounds = None
    if bounds is None:
        raise InvalidInput(
            f"'{text[:80]}' is not a timespan.",
            hint="Write it like P1D, or 2021-08-02T00:00:00Z/2021-08-03T00:00:00Z.",
        )
    return bounds


def _bounds(parts: list[str], now: datetime) -> tuple[datetime, datetime] | None:
    spans = [_duration(part) for part in parts]
    moments = [ticks.parse_datetime(part) if span is None else None for part, span in zip(parts, spans, strict=True)]
    if len(parts) == 1 and spans[0] is not None:
        return now - spans[0], now + timedelta(microseconds=1)
    if len(parts) == 2 and any(moment is not None for moment in moments):
        first = ticks.to_datetime(moments[0]) if moments[0] is not None else None
        last = ticks.to_datetime(moments[1]) if moments[1] is not None else None
        if first is not None and last is None and spans[1] is not None:
            last = first + spans[1]
        if last is not None and first is None and spans[0] is not None:
            first = last - spans[0]
        if first is not None and last is not None and first <= last:
            return first, last
    return None


def _duration(text: str) -> timedelta | None:
    found = _DURATION.match(text)
    if not found or text in ("P", "PT"):
        return None
    weeks, days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
    try:
        return timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    except OverflowError:
        return None


@router.post("/query", response_model=QueryResult)
async def query(request: Request, services: Services, body: QueryRequest, caller: Asking) -> Response:
    """Runs a KQL query. It is stopped when its caller goes away."""
    if len(body.query) > MAX_QUERY:
        raise InvalidInput(f"The query has more than {MAX_QUERY} characters.")
    span = timespan_of(body.timespan, services.application.clock.now())
    reach = services.application.reach(caller)
    async with cancelled_when_gone(request) as cancellation:
        result = await anyio.to_thread.run_sync(
            lambda: services.logs.query(body.query, timespan=span, cancellation=cancellation, reach=reach),
            limiter=_slots(request),
        )
    return Response(orjson.dumps(_answer(result), default=str), media_type="application/json")


def _slots(request: Request) -> anyio.CapacityLimiter:
    """Threads for queries, apart from those of other requests: queries that take long keep nobody else waiting."""
    state = request.app.state
    if not hasattr(state, "query_slots"):
        state.query_slots = anyio.CapacityLimiter(MAX_QUERIES)
    slots: anyio.CapacityLimiter = state.query_slots
    return slots


def _answer(result: Result) -> dict[str, object]:
    partial = {"code": "VDT2004", "message": result.partial} if result.partial else None
    answer: dict[str, object] = {
        "columns": [{"name": column.name, "type": column.type.value} for column in result.columns],
        "rows": result.rows,
        "stats": {"elapsedMs": round(result.statistics.elapsed * 1000, 1), "rows": len(result.rows)},
        "partialError": partial,
        "visualization": result.visualization,
    }
    if result.name is not None:
        answer["name"] = result.name
    if result.more:
        answer["more"] = [_answer(table) for table in result.more]
    return answer


@router.post("/explain", dependencies=[Depends(requires(Permission.QUERY))])
def explain(services: Services, body: CheckRequest) -> ExplainResult:
    """The SQL that a query would be run as, and the plan rewrites that were made."""
    if len(body.query) > MAX_QUERY:
        raise InvalidInput(f"The query has more than {MAX_QUERY} characters.")
    found = services.logs.explain(body.query)
    statements = [Statement(sql=one.sql, values=one.values, rewrites=list(one.rewrites)) for one in found]
    return ExplainResult(statements=statements)


@router.post("/check")
def check(services: Services, body: CheckRequest, caller: Asking) -> CheckResult:
    """Parses and binds a query without running it."""
    if len(body.query) > MAX_QUERY:
        raise InvalidInput(f"The query has more than {MAX_QUERY} characters.")
    found = services.logs.check(body.query, services.application.reach(caller))
    columns = [Column(name=column.name, type=column.type.value) for column in found.columns or ()]
    return CheckResult(diagnostics=diagnostics_of(body.query, found.diagnostics), columns=columns)


@router.get("/tables", response_model=Page[TableBody], dependencies=[Depends(requires(Permission.QUERY))])
def tables(services: Services, with_rows: Annotated[bool, Query(alias="withRows")] = False) -> Response:
    """The tables that a query may name, those that are known and have no rows yet with `rows` 0; with `withRows` only those that hold
    rows which can be queried."""
    logs = services.logs
    held = {info.name: info for info in logs.tables()}
    found = []
    # a thousand known tables with thirty columns each: written straight to JSON, not through models
    for name in sorted(held) if with_rows else sorted({*held, *logs.host.table_names()}):
        schema = logs.host.table(name)
        if schema is None:
            continue
        info = held.get(name)
        found.append(
            {
                "name": name,
                "columns": [
                    {"name": field.name, "type": field.type.value} for field in schema.fields if not field.hidden
                ],
                "rows": info.rows if info else 0,
                "first": utc_text(info.first) if info and info.first else None,
                "last": utc_text(info.last) if info and info.last else None,
                "bytes": info.bytes if info else None,
                "indexed": info.indexed if info else 0,
                "indexBytes": info.index_bytes if info else 0,
            }
        )
    return Response(orjson.dumps({"value": found, "count": len(found)}), media_type="application/json")


@router.post("/tables/{table}/columns", status_code=201, dependencies=[Depends(requires(Permission.DATA_WRITE))])
def add_column(services: Services, table: str, body: AddColumn) -> dict[str, int]:
    """Gives a table a column of its own; how many rows have a value for it."""
    kind = TYPE_NAMES.get(body.type)
    if kind is None:
        raise InvalidInput(
            f"'{body.type}' is not a type.",
            hint=f"Types are {', '.join(sorted({t.value for t in TYPE_NAMES.values()}))}.",
        )
    return {"rows": services.logs.add_column(table, body.name, kind)}


@router.post("/tables/{table}/index", dependencies=[Depends(requires(Permission.DATA_WRITE))])
def index(services: Services, table: str, body: ChooseIndex) -> dict[str, int]:
    """Says whose terms are in the term index, and brings it up to date; how many rows are in it."""
    return {"rows": services.logs.index(table, body.columns, body.wanted)}


@router.get("/functions", dependencies=[Depends(requires(Permission.QUERY))])
def functions(services: Services) -> Page[FunctionBody]:
    """The functions of the language and of the workspace, for completion."""
    catalog = full_catalog()
    found: list[FunctionBody] = []
    for kind, units in (
        ("scalar", catalog.scalars), ("aggregate", catalog.aggregates), ("window", catalog.windows), ("plugin", catalog.plugins),
    ):  # fmt: skip
        for name, unit in sorted(units.items()):
            if name.replace("_", "").isalnum():
                signature = unit.signatures[0].text if unit.signatures else None
                found.append(FunctionBody(name=name, kind=kind, signature=signature, about=unit.about))
    for stored in services.functions.list():
        one = stored.definition
        found.append(
            FunctionBody(
                name=one.name,
                kind="saved",
                signature=f"{one.name}({one.parameters})",
                about=one.description or one.display_name,
            )
        )
    return Page(value=found, count=len(found))


class LoadQuery(Wire):
    """How a file is loaded."""

    name: str
    table: str | None = None
    stamp: str | None = None
    shift_by: float | None = None
    again: bool = False


def _as_sent(told: Any, file: Path, name: str) -> Any:
    """What a load tells, with the name under which the file was sent, in place of where the server put it."""
    if isinstance(told, str):
        return told.replace(str(file), name).replace(f"{file.parent}{os.sep}", "")
    if isinstance(told, dict):
        return {key: _as_sent(value, file, name) for key, value in told.items()}
    if isinstance(told, list | tuple):
        return [_as_sent(value, file, name) for value in told]
    return told


@router.post("/load", dependencies=[Depends(requires(Permission.DATA_WRITE))])
async def load(request: Request, services: Services, options: Annotated[LoadQuery, Query()]) -> dict[str, Any]:
    """Loads one file, sent as the request's body under its name; the answer is the report of `vedette load`."""
    taken = options.stamp and ticks.parse_datetime(options.stamp)
    if options.stamp and taken is None:
        raise InvalidInput(f"'{options.stamp}' is not a time.", target="stamp")
    if options.table is not None:
        check_table_name(options.table)  # before it names a folder
    folder = services.files.upload_folder()
    try:
        safe = _NAME.sub("_", Path(options.name.replace("\\", "/")).name)[-120:].lstrip(".") or "file"
        file = folder / options.table / safe if options.table else folder / safe
        file.parent.mkdir(parents=True, exist_ok=True)
        size = 0
        with file.open("wb") as out:
            async for chunk in request.stream():
                size += len(chunk)
                if size > MAX_UPLOAD:
                    raise InvalidInput(f"The file has more than {MAX_UPLOAD} bytes.")
                await anyio.to_thread.run_sync(out.write, chunk)
        chosen = LoadOptions(options.table, ticks.to_datetime(taken) if taken else None, None, options.again)
        try:
            report = await anyio.to_thread.run_sync(lambda: services.files.load([file], chosen))
            if report.cancelled:
                raise Closing(
                    "The server ends.", hint="Send the file again when it has begun anew: nothing of it is there."
                )
        except VedetteError as error:
            error.message, error.file = _as_sent((error.message, error.file), file, options.name)
            raise
        answer: dict[str, Any] = _as_sent(report.to_dict(), file, options.name)
        return answer
    finally:
        await anyio.to_thread.run_sync(lambda: shutil.rmtree(folder, ignore_errors=True))
