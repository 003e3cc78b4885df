"""What a sender of logs needs: a token that may do nothing else, or the workspace's shared key; and how well rows flow."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import Field

from vedette.api.security import Caller, Services, requires
from vedette.api.wire import Wire
from vedette.core.roles import Permission

router = APIRouter(tags=["ingestion"], prefix="/workspaces/{ws}/ingestion")


class TokenWrite(Wire):
    """A token to be made: what it is for, and for how long it is good."""

    name: Annotated[str, Field(min_length=1, max_length=256)]
    days: Annotated[float, Field(gt=0, le=730)] = 365


@router.post("/tokens", status_code=201, dependencies=[Depends(requires(Permission.DATA_INGEST))])
def token(services: Services, caller: Caller, body: TokenWrite) -> dict[str, Any]:
    """Makes a token of the caller's that may send logs into this workspace and nothing else; it is shown this once."""
    return services.new_ingest_token(body.name, body.days, caller)


@router.post("/shared-key", status_code=201, dependencies=[Depends(requires(Permission.SECRETS_WRITE))])
def shared_key(services: Services, caller: Caller) -> dict[str, Any]:
    """Makes the key that the HTTP Data Collector API signs with, in the place of the former one; it is shown this once."""
    return services.new_shared_key(caller)


@router.get("/stats", dependencies=[Depends(requires(Permission.QUERY))])
def stats(services: Services) -> dict[str, Any]:
    """How many rows were accepted and stored since the start, what is waiting, and for how long."""
    return {_camel(name): value for name, value in asdict(services.intake.stats()).items()}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)
