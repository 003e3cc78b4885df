"""The investigation service: graph, entity pages, explorations, timelines, similar incidents."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from vedette.api.routes.incidents import reference
from vedette.api.security import Caller, Services, requires
from vedette.api.wire import Wire, in_utc
from vedette.core.errors import InvalidInput
from vedette.core.roles import Permission
from vedette.detect.entities.entity import Entity
from vedette.incidents.investigation.service import MAX_TOP
from vedette.incidents.work.bookmarks import read_entity

router = APIRouter(tags=["investigation"], prefix="/workspaces/{ws}")
Reader = Annotated[Caller, Depends(requires(Permission.INCIDENTS_READ))]
Writer = Annotated[Caller, Depends(requires(Permission.INCIDENTS_WRITE))]

From = Annotated[datetime | None, Query(alias="from", description="The begin of the time range; a week before `to`.")]
To = Annotated[datetime | None, Query(alias="to", description="The end of the time range, not included; now.")]
Top = Annotated[int, Query(ge=1, le=MAX_TOP)]
Kinds = Annotated[str, Query(max_length=100, description="alert, activity, bookmark, action; several with commas.")]


class Exploration(Wire):
    """An entity, as `{"type": …, identifier: …}`, and the time range to look in."""

    entity: dict[str, Any]
    from_: datetime | None = Field(default=None, alias="from")
    to: datetime | None = None
    top: int = 100


def asked_entity(
    type_: Annotated[str, Query(alias="type", max_length=40, description="Account, Host, IP, …")],
    identifier: Annotated[
        list[str], Query(max_length=20, description="An identifier of the entity, `FullName=ann@contoso.com`; several.")
    ],
) -> Entity:
    """The entity that a query string names."""
    values: dict[str, Any] = {"type": type_}
    for one in identifier:
        name, equals, value = one.partition("=")
        if not equals:
            raise InvalidInput(f"'{one[:100]}' is not NAME=VALUE.", target="identifier")
        values[name.strip()] = value
    return read_entity(values)


Asked = Annotated[Entity, Depends(asked_entity)]


@router.get("/incidents/{incident}/graph")
def graph(services: Services, caller: Reader, incident: str) -> dict[str, Any]:
    """The incident's alerts, entities, bookmarks and related incidents as nodes and edges."""
    return services.investigation.graph(reference(incident), caller)


@router.get("/incidents/{incident}/similar")
def similar(services: Services, caller: Reader, incident: str) -> dict[str, Any]:
    """The incidents most like this one, why they are, and how they were closed."""
    found = services.investigation.similar(reference(incident), caller)
    return {"value": found, "count": len(found)}


@router.get("/incidents/{incident}/take-action")
def take_action(services: Services, caller: Reader, incident: str) -> dict[str, Any]:
    """How to mitigate the threat, as the alerts tell, and the open recommendations of Defender for Cloud on what is affected."""
    return services.investigation.take_action(reference(incident), caller)


@router.get("/incidents/{incident}/enrichment")
def enrichment(services: Services, caller: Reader, incident: str) -> dict[str, Any]:
    """What the workspace knows of the incident's entities: what each enrichment found, when it was looked up last."""
    return services.enrichment.of(reference(incident), caller)


@router.post("/incidents/{incident}/enrichment")
def enrich(services: Services, caller: Writer, incident: str) -> dict[str, Any]:
    """Looks it up again, now; it is looked up by itself when the incident is made and when its entities change."""
    return services.enrichment.refresh(reference(incident), caller)


@router.get("/incidents/{incident}/timeline")
def incident_timeline(
    services: Services, caller: Reader, incident: str, top: Top = 200, kinds: Kinds = ""
) -> dict[str, Any]:
    """Alerts, activities of the entities, bookmarks and actions on one line of event time."""
    return services.investigation.incident_timeline(reference(incident), top, kinds.split(","), caller)


@router.get("/entities")
def entity_page(services: Services, caller: Reader, entity: Asked, from_: From = None, to: To = None) -> dict[str, Any]:
    """What is known of an entity, and what each exploration would bring."""
    held = services.investigation
    return held.entity_page(entity, held.span(in_utc(from_, "from"), in_utc(to, "to")), caller)


@router.get("/entities/timeline")
def entity_timeline(
    services: Services, caller: Reader, entity: Asked, from_: From = None, to: To = None, top: Top = 200,
    kinds: Kinds = "",
) -> dict[str, Any]:  # fmt: skip
    """An entity's alerts, activities, bookmarks and actions; `next` is the `to` of the page before."""
    held = services.investigation
    return held.entity_timeline(
        entity, held.span(in_utc(from_, "from"), in_utc(to, "to")), top, kinds.split(","), caller
    )


@router.get("/users/{user}/timeline")
def user_timeline(
    services: Services, caller: Reader, user: str, from_: From = None, to: To = None, top: Top = 200
) -> dict[str, Any]:
    """What one user did over SigninLogs, AuditLogs and OfficeActivity. `user` is a principal name or an object id."""
    held = services.investigation
    name = "FullName" if "@" in user or "\\" in user else "AadUserId"
    return held.user_timeline(
        read_entity({"type": "Account", name: user}), held.span(in_utc(from_, "from"), in_utc(to, "to")), top, caller
    )


@router.get("/explorations")
def explorations(
    services: Services, caller: Reader, entity: Asked, from_: From = None, to: To = None
) -> dict[str, Any]:
    """The explorations of an entity, each with how many results it would bring."""
    held = services.investigation
    found = held.explorations(entity, held.span(in_utc(from_, "from"), in_utc(to, "to")), caller)
    return {"value": found, "count": len(found)}


@router.post("/explorations/{exploration}")
def explore(services: Services, caller: Reader, exploration: str, body: Exploration) -> dict[str, Any]:
    """Runs an exploration: rows, and the nodes and edges that they add to the graph."""
    held = services.investigation
    span = held.span(in_utc(body.from_, "from"), in_utc(body.to, "to"))
    return held.explore(exploration, read_entity(body.entity), span, body.top, caller)
