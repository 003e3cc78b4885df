"""Work ends with the caller who asked for it: an answer that nobody reads is not worth its time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from fastapi import Request

from vedette.engine.query import Cancellation

_LOOK_SECONDS: Final = 0.2


@asynccontextmanager
async def cancelled_when_gone(request: Request) -> AsyncIterator[Cancellation]:
    """A handle for a query, which stops it when the connection of its caller is closed."""
    cancellation = Cancellation()
    watcher = asyncio.create_task(_watch(request, cancellation))
    try:
        yield cancellation
    finally:
        watcher.cancel()


async def _watch(request: Request, cancellation: Cancellation) -> None:
    while not await request.is_disconnected():
        await asyncio.sleep(_LOOK_SECONDS)
    cancellation.cancel()
