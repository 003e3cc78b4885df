"""Microsoft.SecurityInsights/entities, and what incidents tell of theirs: alerts, bookmarks, entities."""

from __future__ import annotations

from collections import Counter
from typing import Final

from vedette.range.arm import bookmarks, insights, relations
from vedette.range.arm.incidents import incident_of
from vedette.range.arm.operations import ArmRequest, ArmResponse, operation
from vedette.range.arm.versions import SECURITY_INSIGHTS
from vedette.range.documents import Document

TYPE: Final = "Microsoft.SecurityInsights/entities"
FAMILY: Final = relations.ENTITIES


@operation("GET", TYPE, collection=True, action="read", versions=SECURITY_INSIGHTS)
def list_entities(request: ArmRequest) -> ArmResponse:
    """A page of entities."""
    return insights.listing(request, FAMILY)


@operation("GET", TYPE, collection=False, action="read", versions=SECURITY_INSIGHTS)
def get_entity(request: ArmRequest) -> ArmResponse:
    """One entity."""
    return ArmResponse(200, insights.one(request, FAMILY, "Entity"))


def _related(request: ArmRequest) -> list[Document]:
    incident = incident_of(request, request.names[0])
    return [
        found
        for relation in relations.of_incident(request, incident.name)
        if (found := relations.resource(request, relation["properties"]["relatedResourceId"])) is not None
    ]


@operation(
    "POST", "Microsoft.SecurityInsights/incidents/alerts", collection=True, action="read", versions=SECURITY_INSIGHTS
)
def list_alerts(request: ArmRequest) -> ArmResponse:
    """The alerts of an incident."""
    return ArmResponse(200, {"value": [each for each in _related(request) if each.get("kind") == "SecurityAlert"]})


@operation(
    "POST", "Microsoft.SecurityInsights/incidents/bookmarks", collection=True, action="read", versions=SECURITY_INSIGHTS
)
def list_bookmarks(request: ArmRequest) -> ArmResponse:
    """The bookmarks of an incident, as entities."""
    found = []
    for each in _related(request):
        if each["type"].lower() == bookmarks.TYPE.lower():
            found.append({**each, "kind": "Bookmark", "type": "Microsoft.SecurityInsights/Entities"})
    return ArmResponse(200, {"value": found})


@operation(
    "POST", "Microsoft.SecurityInsights/incidents/entities", collection=True, action="read", versions=SECURITY_INSIGHTS
)
def list_incident_entities(request: ArmRequest) -> ArmResponse:
    """The entities of an incident, and how many there are of each kind."""
    found = [
        each
        for each in _related(request)
        if each.get("kind") not in (None, "SecurityAlert")
        and each["type"].lower() == "microsoft.securityinsights/entities"
    ]
    counts = Counter(each["kind"] for each in found)
    return ArmResponse(
        200,
        {"entities": found, "metaData": [{"entityKind": kind, "count": count} for kind, count in counts.items()]},
    )
