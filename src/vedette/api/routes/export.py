"""Export: the rows of a query as a file, streamed while it is made."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import StreamingResponse

from vedette.api.routes.logs import MAX_QUERY, timespan_of
from vedette.api.security import Services, requires
from vedette.api.wire import Wire
from vedette.core.errors import InvalidInput
from vedette.core.roles import Permission, Principal
from vedette.engine.query import Limits, QueryOptions
from vedette.store.retention.export import MEDIA_TYPES, SECONDS, ExportFormat, export

router = APIRouter(tags=["logs"], prefix="/workspaces/{ws}")


class ExportRequest(Wire):
    """A KQL query, and the form of the file; `timespan` as for queries."""

    query: str
    format: ExportFormat = ExportFormat.JSONL
    timespan: str | None = None


@router.post("/export", response_class=StreamingResponse)
def export_(
    services: Services, body: ExportRequest, caller: Annotated[Principal, Depends(requires(Permission.QUERY))]
) -> StreamingResponse:
    """All rows of a query, without the limits of answers. A connection that is closed early is a file that is not whole."""
    if len(body.query) > MAX_QUERY:
        raise InvalidInput(f"The query has more than {MAX_QUERY} characters.")
    now = services.application.clock.now()
    options = QueryOptions(now, timespan_of(body.timespan, now), limits=Limits(seconds=SECONDS))
    held = ExitStack()
    reach = services.application.reach(caller)
    chunks = held.enter_context(export(services.logs, body.query, body.format, options, reach))
    services.application.audit.record(
        caller, "logs/export", body.format.value, services.workspace.id, {"query": body.query[:4_000]}
    )

    def content() -> Iterator[bytes]:
        with held:
            yield from chunks

    return StreamingResponse(content(), media_type=MEDIA_TYPES[body.format])
