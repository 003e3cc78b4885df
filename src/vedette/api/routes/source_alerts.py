"""Alerts where they come from: what is asked for them in Defender for Cloud, and the rules that suppress new ones there."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import Field

from vedette.api.routes.incidents import reference
from vedette.api.security import Caller, Services, requires
from vedette.api.wire import Wire
from vedette.core.roles import Permission

router = APIRouter(tags=["incidents"], prefix="/workspaces/{ws}")
Configurer = Annotated[Caller, Depends(requires(Permission.RULES_WRITE))]


class SourceAction(Wire):
    """What is done with them: `Dismiss`, `Resolve`, `Activate` or `InProgress`."""

    action: str


class NewSuppression(Wire):
    """Which of the incident's alerts new ones are like, and how long and why they are suppressed.

    `sourceId` may be left out where there is one. `entities` narrows it to alerts that have these values:
    `{"entities.ip.address": ["203.0.113.45"]}`.
    """

    source_id: str | None = None
    reason: str = "FalsePositive"
    comment: str = ""
    expires_on: datetime | None = None
    entities: dict[str, list[str]] = Field(default_factory=dict)


@router.get("/incidents/{incident}/source-alerts", dependencies=[Depends(requires(Permission.INCIDENTS_READ))])
def list_(services: Services, incident: str) -> dict[str, Any]:
    """The incident's alerts that come from Defender for Cloud, each with what was asked for it there last."""
    return services.source_alerts.of(reference(incident))


@router.post("/incidents/{incident}/source-alerts")
def change(
    services: Services, caller: Annotated[Caller, Depends(requires(Permission.INCIDENTS_WRITE))], incident: str,
    body: SourceAction,
) -> dict[str, Any]:  # fmt: skip
    """Dismisses them there, or moves them to another state, at once; the incident stays as it is."""
    return services.source_alerts.ask_now(reference(incident), body.action, caller)


@router.post("/incidents/{incident}/source-alerts/suppress", status_code=201)
def suppress(services: Services, caller: Configurer, incident: str, body: NewSuppression) -> dict[str, Any]:
    """Makes a suppression rule at the source: new alerts of the type are dismissed there by themselves."""
    return services.suppression.suppress(
        reference(incident), caller, source_id=body.source_id, reason=body.reason, comment=body.comment,
        expires_at=body.expires_on, entities=body.entities,
    )  # fmt: skip


@router.get("/source-suppressions")
def suppressions(
    services: Services, caller: Annotated[Caller, Depends(requires(Permission.RULES_READ))]
) -> dict[str, Any]:
    """The suppression rules of the subscriptions that connectors of Defender for Cloud collect from."""
    return {"value": services.suppression.list(caller)}


@router.delete("/source-suppressions/{subscription}/{name}", status_code=204)
def unsuppress(services: Services, caller: Configurer, subscription: str, name: str) -> None:
    """Deletes such a rule; new alerts are active again."""
    services.suppression.delete(caller, subscription, name)
