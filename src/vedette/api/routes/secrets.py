"""Secrets of a workspace: names, ages and rotations. Values go in and never come out."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import Field

from vedette.api.configured import TestReport, test_report
from vedette.api.secret_care import secret_bodies, secret_body
from vedette.api.security import Caller, Services, requires
from vedette.api.wire import Wire
from vedette.core.roles import Permission
from vedette.core.secrets import MAX_BYTES

router = APIRouter(tags=["secrets"], prefix="/workspaces/{ws}/secrets")
MayWrite = Depends(requires(Permission.SECRETS_WRITE))


class NewValue(Wire):
    """A new value for a rotation, and the date on which the other side lets it expire."""

    value: Annotated[str, Field(min_length=1, max_length=MAX_BYTES)]
    expires_on: Annotated[str | None, Field(max_length=32)] = None


@router.get("", dependencies=[Depends(requires(Permission.SECRETS_READ))])
def listed(services: Services, caller: Caller) -> dict[str, Any]:
    """Every secret, what is due first at the top; `due` is how many have a warning."""
    found = secret_bodies(services.secret_care.list(caller))
    return {"value": found, "count": len(found), "due": sum(one["warning"] is not None for one in found)}


@router.post("/{secret}/check", dependencies=[MayWrite])
def check(services: Services, caller: Caller, secret: str) -> TestReport:
    """Finds out whether a secret works where it is used; of a rotation, the new value."""
    return test_report(services.secret_care.check(secret, caller))


@router.post("/{secret}/rotation", dependencies=[MayWrite])
def rotate(services: Services, caller: Caller, secret: str, body: NewValue) -> dict[str, Any]:
    """Begins a rotation: the new value is kept beside the old one."""
    return secret_body(services.secret_care.stage(secret, body.value, body.expires_on, caller))


@router.post("/{secret}/rotation/finish", dependencies=[MayWrite])
def finish(services: Services, caller: Caller, secret: str) -> dict[str, Any]:
    """Ends a rotation whose new value was found to work; the old one is deleted."""
    return secret_body(services.secret_care.finish(secret, caller))


@router.post("/{secret}/rotation/cancel", dependencies=[MayWrite])
def cancel(services: Services, caller: Caller, secret: str) -> dict[str, Any]:
    """Gives a rotation up; the new value is deleted."""
    return secret_body(services.secret_care.cancel(secret, caller))
