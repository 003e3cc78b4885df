"""Microsoft.SecurityInsights/incidents/relations: which alerts, entities and bookmarks belong to an incident."""

from __future__ import annotations

from typing import Final

from vedette.range.arm import insights
from vedette.range.arm.errors import bad_request
from vedette.range.arm.incidents import incident_of
from vedette.range.arm.operations import ArmRequest, ArmResponse, operation
from vedette.range.arm.paging import asked
from vedette.range.arm.versions import SECURITY_INSIGHTS
from vedette.range.documents import Collection, Document

TYPE: Final = "Microsoft.SecurityInsights/incidents/relations"
ENTITIES: Final = "entities"
_FAMILIES: Final = {"bookmarks": "bookmarks", "entities": ENTITIES}


def of_incident(request: ArmRequest, incident: str) -> list[Document]:
    """The relations of an incident."""
    return list(request.insights(f"relations/{incident}"))


def resource(request: ArmRequest, resource_id: str) -> Document | None:
    """What a relation points to, or None."""
    parts = resource_id.rstrip("/").split("/")
    family = _FAMILIES.get(parts[-2].lower()) if len(parts) > 2 else None
    prefix = resource_id.lower().startswith(request.base.lower() + "/")
    return request.insights(family).get(parts[-1]) if family and prefix else None


@operation("GET", TYPE, collection=True, action="read", versions=SECURITY_INSIGHTS)
def list_relations(request: ArmRequest) -> ArmResponse:
    """A page of relations."""
    return asked(request, list(_collection(request)))


@operation("GET", TYPE, collection=False, action="read", versions=SECURITY_INSIGHTS)
def get_relation(request: ArmRequest) -> ArmResponse:
    """One relation."""
    incident = incident_of(request, request.names[0])
    return ArmResponse(200, insights.one(request, f"relations/{incident.name}", "Relation"))


@operation("PUT", TYPE, collection=False, action="write", versions=SECURITY_INSIGHTS)
def put_relation(request: ArmRequest) -> ArmResponse:
    """Create or replace."""
    incident, collection = incident_of(request, request.names[0]), _collection(request)
    related = request.properties().get("relatedResourceId")
    found = resource(request, related) if isinstance(related, str) else None
    if found is None or not isinstance(related, str):
        raise bad_request(f"Invalid relation payload: the resource '{related}' does not exist.")
    properties = {
        "relatedResourceId": related,
        "relatedResourceName": found["name"],
        "relatedResourceType": "/".join(["Microsoft.SecurityInsights", related.rstrip("/").split("/")[-2]]),
        "relatedResourceKind": found.get("kind", "Bookmark" if "/bookmarks/" in related.lower() else None),
    }
    return insights.write(
        request,
        collection,
        f"Incidents/{incident.name}/relations/{request.names[1]}",
        properties,
        type_name="Microsoft.SecurityInsights/Incidents/relations",
    )


@operation("DELETE", TYPE, collection=False, action="delete", versions=SECURITY_INSIGHTS)
def delete_relation(request: ArmRequest) -> ArmResponse:
    """Delete."""
    return insights.remove(request, _collection(request))


def _collection(request: ArmRequest) -> Collection:
    return request.insights(f"relations/{incident_of(request, request.names[0]).name}")
