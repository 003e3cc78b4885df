"""Graph /security/incidents: incidents with their alerts on request; changes and comments."""

from __future__ import annotations

from typing import Final

from vedette.range.documents import Document
from vedette.range.graph import alerts
from vedette.range.graph.errors import SECURITY, GraphError
from vedette.range.graph.operations import GraphRequest, GraphResponse, graph
from vedette.range.graph.query import EntityType, read_collection, read_entity, render

PATH: Final = "security/incidents"
LINKS: Final = "security/incidents/alerts"
"""Alerts that a seed put inside an incident, whatever their `incidentId`: `{"id": incident, "alerts": [{"id", "recorded"?}]}`."""
READ: Final = ("SecurityIncident.Read.All", "SecurityIncident.ReadWrite.All")
WRITE: Final = ("SecurityIncident.ReadWrite.All",)
ENUMS: Final = {
    **alerts.ENUMS,
    "status": ("active", "resolved", "inProgress", "redirected", "awaitingAction"),
}
_FILTERABLE: Final = frozenset(
    {
        "assignedTo",
        "classification",
        "createdDateTime",
        "determination",
        "lastUpdateDateTime",
        "severity",
        "status",
        "id",
    }
)
_WRITABLE: Final = frozenset(
    {
        "assignedTo",
        "classification",
        "determination",
        "status",
        "customTags",
        "resolvingComment",
        "displayName",
        "description",
        "severity",
        "summary",
    }
)


def _alerts_of(request: GraphRequest, incident: Document) -> list[Document]:
    source = request.collection(alerts.PATH)
    linked = request.collection(LINKS).get(str(incident["id"]))
    entries = linked["alerts"] if linked else []
    known = {entry["id"].lower() for entry in entries}
    found = [alert for entry in entries if (alert := entry.get("recorded") or source.get(entry["id"])) is not None]
    index = _by_incident(request)
    found += [alert for alert in index.get(str(incident["id"]), ()) if str(alert["id"]).lower() not in known]
    kind = alerts.KIND
    plain = GraphRequest(**{name: getattr(request, name) for name in request.__slots__} | {"query": {}})
    return [render(plain, kind, alert) for alert in found]


def _by_incident(request: GraphRequest) -> dict[str, list[Document]]:
    """Alerts by the incident that they name and no seed's link says otherwise; kept while the alerts do not change."""
    source, links = request.collection(alerts.PATH), request.collection(LINKS)
    key = (*source.key, "by incident")
    version = (source.version, links.version)
    index: dict[str, list[Document]]
    if (known := request.tenant.indexes.get(key)) and known[0] == version:
        index = known[1]
        return index
    taken = {entry["id"].lower() for link in links for entry in link["alerts"]}
    index = {}
    for alert in source:
        if alert.get("incidentId") and str(alert["id"]).lower() not in taken:
            index.setdefault(str(alert["incidentId"]), []).append(alert)
    request.tenant.indexes[key] = (version, index)
    return index


KIND: Final = EntityType(
    name="microsoft.graph.security.incident",
    properties=frozenset(
        "id displayName description summary severity status classification determination assignedTo createdDateTime "
        "lastUpdateDateTime incidentWebUrl redirectIncidentId tenantId customTags systemTags comments priorityScore "
        "lastModifiedBy resolvingComment alerts".split()
    ),
    filterable=_FILTERABLE,
    order="lastUpdateDateTime desc",
    default_top=50,
    max_top=50,
    options=frozenset({"filter", "orderby", "top", "skip", "skiptoken", "count", "select", "expand"}),
    expand={"alerts": _alerts_of},
    hidden={"status": frozenset({"awaitingAction"})},
)


@graph("GET", "/security/incidents", permissions=READ, area=SECURITY)
def list_incidents(request: GraphRequest) -> GraphResponse:
    """A page of incidents, the last changed first; `$expand=alerts` brings their alerts."""
    return read_collection(request, KIND, request.collection(PATH), segment=PATH)


@graph("GET", "/security/incidents/{id}", permissions=READ, area=SECURITY)
def get_incident(request: GraphRequest) -> GraphResponse:
    """One incident."""
    return read_entity(request, KIND, _incident(request), segment=PATH)


@graph("GET", "/security/incidents/{id}/alerts", permissions=READ, area=SECURITY)
def list_alerts(request: GraphRequest) -> GraphResponse:
    """The alerts of an incident."""
    incident = _incident(request)
    return read_collection(
        request, alerts.KIND, _alerts_of(request, incident), segment=f"{PATH}('{incident['id']}')/alerts"
    )


@graph("PATCH", "/security/incidents/{id}", permissions=WRITE, area=SECURITY)
def update_incident(request: GraphRequest) -> GraphResponse:
    """Change what may be changed; the answer is the whole incident."""
    incident = dict(_incident(request))
    alerts.apply_changes(request, incident, _WRITABLE, ENUMS, KIND.name)
    app = request.directory.application(request.caller.client_id)
    incident["lastModifiedBy"] = f"API-App:{app.display_name if app else request.caller.client_id}"
    request.collection(PATH).put(incident["id"], incident)
    return GraphResponse(200, {"@odata.context": f"{request.context}{PATH}/$entity", **render(request, KIND, incident)})


@graph("POST", "/security/incidents/{id}/comments", permissions=WRITE, area=SECURITY)
def comment_incident(request: GraphRequest) -> GraphResponse:
    """Add a comment; the answer is all of them."""
    incident = dict(_incident(request))
    comments = alerts.add_comment(request, incident)
    request.collection(PATH).put(incident["id"], incident)
    return GraphResponse(
        200, {"@odata.context": f"{request.context}{PATH}('{incident['id']}')/comments", "value": comments}
    )


def _incident(request: GraphRequest) -> Document:
    incident = request.collection(PATH).get(request.names["id"])
    if incident is None:
        raise GraphError(404, "NotFound", f"Incident with id {request.names['id']} was not found.")
    return incident
