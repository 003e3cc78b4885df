"""Graph /security/alerts_v2: alerts with typed evidence; status, verdict and owner can be changed, comments added."""

from __future__ import annotations

from typing import Any, Final

from vedette.range.graph.errors import SECURITY, GraphError, bad_request
from vedette.range.graph.operations import GraphRequest, GraphResponse, graph
from vedette.range.graph.query import EntityType, read_collection, read_entity, render
from vedette.range.state import timestamp

PATH: Final = "security/alerts_v2"
READ: Final = (
    "SecurityAlert.Read.All",
    "SecurityAlert.ReadWrite.All",
    "SecurityIncident.Read.All",
    "SecurityIncident.ReadWrite.All",
)
WRITE: Final = ("SecurityAlert.ReadWrite.All", "SecurityIncident.ReadWrite.All")

ENUMS: Final = {
    "status": ("unknown", "new", "inProgress", "resolved"),
    "classification": ("unknown", "falsePositive", "truePositive", "informationalExpectedActivity"),
    "determination": (
        "unknown",
        "apt",
        "malware",
        "securityPersonnel",
        "securityTesting",
        "unwantedSoftware",
        "other",
        "multiStagedAttack",
        "compromisedAccount",
        "phishing",
        "maliciousUserActivity",
        "notMalicious",
        "notEnoughDataToValidate",
        "confirmedActivity",
        "lineOfBusinessApplication",
    ),
    "severity": ("unknown", "informational", "low", "medium", "high"),
}
_FILTERABLE: Final = frozenset(
    {
        "assignedTo",
        "classification",
        "determination",
        "createdDateTime",
        "lastUpdateDateTime",
        "severity",
        "serviceSource",
        "status",
        # not documented, and yet taken by the service
        "id",
        "incidentId",
        "detectionSource",
    }
)
KIND: Final = EntityType(
    name="microsoft.graph.security.alert",
    properties=frozenset(
        "id providerAlertId incidentId incidentWebUrl alertWebUrl tenantId title description recommendedActions category "
        "categories productName severity status classification determination serviceSource detectionSource detectorId "
        "alertPolicyId investigationState assignedTo actorDisplayName threatDisplayName threatFamilyName mitreTechniques "
        "createdDateTime lastUpdateDateTime resolvedDateTime firstActivityDateTime lastActivityDateTime comments evidence "
        "systemTags additionalData customDetails".split()
    ),
    filterable=_FILTERABLE,
    order="createdDateTime desc",
    default_top=50,
    max_top=2000,
    options=frozenset({"filter", "orderby", "top", "skip", "skiptoken", "count", "select"}),
    hidden={
        "serviceSource": frozenset(
            {
                "microsoftDefenderForCloud",
                "microsoftSentinel",
                "microsoftInsiderRiskManagement",
                "microsoftThreatIntelligence",
                "microsoftSecurityForAI",
            }
        ),
        "detectionSource": frozenset(
            {
                "microsoftDefenderForCloud",
                "microsoftDefenderForIoT",
                "microsoftDefenderForServers",
                "microsoftDefenderForStorage",
                "microsoftDefenderForDNS",
                "microsoftDefenderForDatabases",
                "microsoftDefenderForContainers",
                "microsoftDefenderForNetwork",
                "microsoftDefenderForAppService",
                "microsoftDefenderForKeyVault",
                "microsoftDefenderForResourceManager",
                "microsoftDefenderForApiManagement",
                "nrtAlerts",
                "scheduledAlerts",
                "microsoftDefenderThreatIntelligenceAnalytics",
                "builtInMl",
                "microsoftInsiderRiskManagement",
                "microsoftThreatIntelligence",
                "microsoftDefenderForAIServices",
                "securityCopilot",
                "microsoftSentinel",
            }
        ),
    },
)
_WRITABLE: Final = frozenset({"status", "classification", "determination", "assignedTo", "customDetails"})


@graph("GET", "/security/alerts_v2", permissions=READ, area=SECURITY)
def list_alerts(request: GraphRequest) -> GraphResponse:
    """A page of alerts, newest first."""
    return read_collection(request, KIND, request.collection(PATH), segment=PATH)


@graph("GET", "/security/alerts_v2/{id}", permissions=READ, area=SECURITY)
def get_alert(request: GraphRequest) -> GraphResponse:
    """One alert."""
    return read_entity(request, KIND, _alert(request), segment=PATH)


@graph("PATCH", "/security/alerts_v2/{id}", permissions=WRITE, area=SECURITY)
def update_alert(request: GraphRequest) -> GraphResponse:
    """Change what may be changed; the answer is the whole alert."""
    alert = dict(_alert(request))
    apply_changes(request, alert, _WRITABLE, ENUMS, KIND.name)
    if alert.get("status") == "resolved":
        alert["resolvedDateTime"] = alert.get("resolvedDateTime") or alert["lastUpdateDateTime"]
    else:
        alert["resolvedDateTime"] = None
    request.collection(PATH).put(alert["id"], alert)
    return GraphResponse(200, {"@odata.context": f"{request.context}{PATH}/$entity", **render(request, KIND, alert)})


@graph("POST", "/security/alerts_v2/{id}/comments", permissions=WRITE, area=SECURITY)
def comment_alert(request: GraphRequest) -> GraphResponse:
    """Add a comment; the answer is all of them."""
    alert = dict(_alert(request))
    comments = add_comment(request, alert)
    request.collection(PATH).put(alert["id"], alert)
    return GraphResponse(
        200, {"@odata.context": f"{request.context}{PATH}('{alert['id']}')/comments", "value": comments}
    )


def apply_changes(
    request: GraphRequest,
    document: dict[str, Any],
    writable: frozenset[str],
    enums: dict[str, tuple[str, ...]],
    type_name: str,
) -> None:
    """Write a PATCH's properties into a document; what may not be written, or is no member of its enum, is 400."""
    for name, value in request.document().items():
        if name.startswith("@odata."):
            continue
        if name not in writable:
            raise bad_request(f"The property '{name}' of '{type_name}' cannot be updated.")
        if value is not None and name in enums:
            member = next((each for each in enums[name] if each.lower() == str(value).lower()), None)
            if member is None:
                raise bad_request(f"Requested value '{value}' was not found in the enum of '{name}'.")
            value = member
        document[name] = value
    document["lastUpdateDateTime"] = timestamp(request.tenant.clock.now())


def add_comment(request: GraphRequest, document: dict[str, Any]) -> list[dict[str, Any]]:
    """Append the request's comment to a document's; returns all of them."""
    # Microsoft's SDK sends a list of comments, its documentation one comment.
    given = request.body if isinstance(request.body, list) else [request.document()]
    texts = [each.get("comment") if isinstance(each, dict) else None for each in given]
    if not texts or not all(isinstance(text, str) and text.strip() for text in texts):
        raise bad_request("The comment is empty.")
    if any(len(str(text)) > 1000 for text in texts):
        raise bad_request("The comment is longer than 1000 characters.")
    app = request.directory.application(request.caller.client_id)
    now = timestamp(request.tenant.clock.now())
    document["comments"] = [
        *(document.get("comments") or []),
        *(
            {
                "@odata.type": "microsoft.graph.security.alertComment",
                "comment": text,
                "createdByDisplayName": f"API-App:{app.display_name if app else request.caller.client_id}",
                "createdDateTime": now,
            }
            for text in texts
        ),
    ]
    document["lastUpdateDateTime"] = now
    return list(document["comments"])


def _alert(request: GraphRequest) -> dict[str, Any]:
    alert = request.collection(PATH).get(request.names["id"])
    if alert is None:
        raise GraphError(404, "NotFound", f"Alert with id {request.names['id']} was not found.")
    return alert
