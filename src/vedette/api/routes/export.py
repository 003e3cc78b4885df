"""Export: the rows of a query as a file, streamed while it is made."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack
from typing import Annotated

import anyio
from fastapi import APIRouter, Depends, Request
from fastapi.responses import StreamingResponse
from starlette.concurrency import iterate_in_threadpool

from vedette.api.callers import cancelled_when_gone
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
async def export_(
    request: Request, services: Services, body: ExportRequest,
    caller: Annotated[Principal, Depends(requires(Permission.QUERY))],
) -> StreamingResponse:  # fmt: skip
    """All rows of a query, without the limits of answers. A connection that is closed early is a file that is not whole.

    The query is stopped when its caller goes away.
    """
    if len(body.query) > MAX_QUERY:
        raise InvalidInput(f"The query has more than {MAX_QUERY} characters.")
    now = services.application.clock.now()
    span = timespan_of(body.timespan, now)
    async with AsyncExitStack() as beginning:
        cancellation = await beginning.enter_async_context(cancelled_when_gone(request))
        options = QueryOptions(now, span, limits=Limits(seconds=SECONDS), cancellation=cancellation)
        held = ExitStack()

        def begin() -> Iterator[bytes]:
            reach = services.application.reach(caller)
            chunks = held.enter_context(export(services.logs, body.query, body.format, options, reach))
            services.application.audit.record(
                caller, "logs/export", body.format.value, services.workspace.id, {"query": body.query[:4_000]}
            )
            return chunks

        async def close() -> None:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(held.close)

        beginning.push_async_callback(close)
        chunks = await anyio.to_thread.run_sync(begin)
        going_on = beginning.pop_all()

    async def content() -> AsyncIterator[bytes]:
        async with going_on:
            async for chunk in iterate_in_threadpool(chunks):
                yield chunk

    return StreamingResponse(content(), media_type=MEDIA_TYPES[body.format])
