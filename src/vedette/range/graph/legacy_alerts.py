"""Graph /security/alerts, the older schema: what Defender for Cloud and others reported before alerts_v2."""

from __future__ import annotations

from typing import Any, Final

from vedette.range.graph.errors import SECURITY, GraphError, bad_request
from vedette.range.graph.operations import GraphRequest, GraphResponse, graph
from vedette.range.graph.query import EntityType, read_collection, read_entity, render
from vedette.range.state import timestamp

PATH: Final = "security/alerts"
READ: Final = ("SecurityEvents.Read.All", "SecurityEvents.ReadWrite.All")
WRITE: Final = ("SecurityEvents.ReadWrite.All",)
ENUMS: Final = {
    "status": ("unknown", "newAlert", "inProgress", "resolved", "dismissed"),
    "feedback": ("unknown", "truePositive", "falsePositive", "benignPositive"),
}
_WRITABLE: Final = frozenset({"assignedTo", "closedDateTime", "comments", "feedback", "status", "tags"})
KIND: Final = EntityType(
    name="microsoft.graph.alert",
    properties=frozenset(
        "id activityGroupName alertDetections assignedTo azureSubscriptionId azureTenantId category closedDateTime "
        "cloudAppStates comments confidence createdDateTime description detectionIds eventDateTime feedback fileStates "
        "historyStates hostStates incidentIds investigationSecurityStates lastEventDateTime lastModifiedDateTime "
        "malwareStates messageSecurityStates networkConnections processes recommendedActions registryKeyStates "
        "securityResources severity sourceMaterials status tags title triggers uriClickSecurityStates userStates "
        "vendorInformation vulnerabilityStates".split()
    ),
    order="createdDateTime desc",
    default_top=100,
    max_top=1000,
    max_skip=500,
    options=frozenset({"filter", "orderby", "top", "skip", "skiptoken", "count", "select"}),
)


@graph("GET", "/security/alerts", permissions=READ, area=SECURITY)
def list_alerts(request: GraphRequest) -> GraphResponse:
    """A page of alerts, newest first."""
    return read_collection(request, KIND, request.collection(PATH), segment="security/alerts")


@graph("GET", "/security/alerts/{id}", permissions=READ, area=SECURITY)
def get_alert(request: GraphRequest) -> GraphResponse:
    """One alert."""
    return read_entity(request, KIND, _alert(request), segment=PATH)


@graph("PATCH", "/security/alerts/{id}", permissions=WRITE, area=SECURITY)
def update_alert(request: GraphRequest) -> GraphResponse:
    """Change what may be changed: 204, or the alert with `Prefer: return=representation`."""
    alert, body = dict(_alert(request)), request.document()
    vendor = body.get("vendorInformation")
    if not isinstance(vendor, dict) or not vendor.get("provider") or not vendor.get("vendor"):
        raise bad_request("The request body must contain 'vendorInformation' with 'provider' and 'vendor'.")
    known = alert.get("vendorInformation") or {}
    if str(vendor["provider"]).lower() != str(known.get("provider")).lower():
        raise bad_request(f"The alert's provider is '{known.get('provider')}', not '{vendor['provider']}'.")
    for name, value in body.items():
        if name == "vendorInformation" or name.startswith("@odata."):
            continue
        if name not in _WRITABLE:
            raise bad_request(f"The property '{name}' of '{KIND.name}' cannot be updated.")
        if name in ENUMS and value is not None and value not in ENUMS[name]:
            raise bad_request(f"Requested value '{value}' was not found in the enum of '{name}'.")
        alert[name] = value
    alert["lastModifiedDateTime"] = timestamp(request.tenant.clock.now())
    request.collection(PATH).put(alert["id"], alert)
    if "return=representation" in request.prefer:
        return GraphResponse(
            200, {"@odata.context": f"{request.context}{PATH}/$entity", **render(request, KIND, alert)}
        )
    return GraphResponse(204)


def _alert(request: GraphRequest) -> dict[str, Any]:
    alert = request.collection(PATH).get(request.names["id"])
    if alert is None:
        raise GraphError(404, "ResourceNotFound", f"The alert '{request.names['id']}' was not found.")
    return alert
