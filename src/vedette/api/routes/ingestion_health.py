"""How well rows flow into a workspace: by where they come from, and what is waiting."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Depends

from vedette.api.security import Services, requires
from vedette.core.roles import Permission
from vedette.kql import ticks

router = APIRouter(tags=["ingestion"], prefix="/workspaces/{ws}/ingestion")


@router.get("/health", dependencies=[Depends(requires(Permission.QUERY))])
def health(services: Services) -> dict[str, Any]:
    """The state of the write path, its queue, and of each source since the start: rows received, stored, not readable, dropped and
    refused; and the lag in seconds from an event's time until it can be queried (of the last minutes)."""
    intake = services.intake
    stats = intake.stats()
    return {
        "state": stats.state,
        "detail": stats.trouble,
        "queue": {
            "rows": stats.waiting_rows, "bytes": stats.waiting_bytes, "oldestSeconds": stats.oldest_seconds,
            "listenerBytes": services.application.listener_bytes(),
        },
        "sources": [
            {
                "source": one.source, **asdict(one.counts),
                "last": None if one.last is None else ticks.format_datetime(one.last),
                "lagSeconds": {"p50": one.lag_p50, "p95": one.lag_p95},
            }
            for one in intake.flow.sources()
        ],
    }  # fmt: skip
