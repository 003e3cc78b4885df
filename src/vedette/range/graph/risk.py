"""Graph /identityProtection: people and service principals at risk, and what was detected."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from vedette.range.documents import Document
from vedette.range.graph.errors import PROTECTION, GraphError, bad_request
from vedette.range.graph.operations import GraphRequest, GraphResponse, graph
from vedette.range.graph.query import EntityType, read_collection, read_entity
from vedette.range.state import timestamp

USERS: Final = "identityProtection/riskyUsers"
PRINCIPALS: Final = "identityProtection/riskyServicePrincipals"
DETECTIONS: Final = "identityProtection/riskDetections"
MAX_IDS: Final = 60
_READ_USERS: Final = ("IdentityRiskyUser.Read.All", "IdentityRiskyUser.ReadWrite.All")
_READ_PRINCIPALS: Final = ("IdentityRiskyServicePrincipal.Read.All", "IdentityRiskyServicePrincipal.ReadWrite.All")
_READ_EVENTS: Final = ("IdentityRiskEvent.Read.All", "IdentityRiskEvent.ReadWrite.All", "IdentityRiskyUser.Read.All")
_RISK: Final = "id isDeleted isProcessing riskDetail riskLastUpdatedDateTime riskLevel riskState"
USER: Final = EntityType(
    name="microsoft.graph.riskyUser",
    properties=frozenset(f"{_RISK} userDisplayName userPrincipalName".split()),
    order="riskLastUpdatedDateTime desc",
    default_top=20,
    max_top=500,
)
PRINCIPAL: Final = EntityType(
    name="microsoft.graph.riskyServicePrincipal",
    properties=frozenset(f"{_RISK} appId displayName isEnabled servicePrincipalType".split()),
    order="riskLastUpdatedDateTime desc",
    default_top=20,
    max_top=500,
)
DETECTION: Final = EntityType(
    name="microsoft.graph.riskDetection",
    properties=frozenset(
        "id activity activityDateTime additionalInfo correlationId detectedDateTime detectionTimingType ipAddress "
        "lastUpdatedDateTime location requestId riskDetail riskEventType riskLevel riskState source tokenIssuerType "
        "userDisplayName userId userPrincipalName".split()
    ),
    order="detectedDateTime desc",
    default_top=20,
    max_top=500,
)
# action → level (None: stays), state, detail
_VERDICTS: Final = {
    "confirmCompromised": ("high", "confirmedCompromised", "adminConfirmed{}Compromised"),
    "dismiss": ("none", "dismissed", "adminDismissedAllRiskFor{}"),
    "confirmSafe": ("none", "confirmedSafe", "adminConfirmedAccountSafe"),
}


@graph("GET", f"/{USERS}", permissions=_READ_USERS, area=PROTECTION)
def list_users(request: GraphRequest) -> GraphResponse:
    """A page of people at risk."""
    return read_collection(request, USER, request.collection(USERS), segment=USERS)


@graph("GET", f"/{USERS}/{{id}}", permissions=_READ_USERS, area=PROTECTION)
def get_user(request: GraphRequest) -> GraphResponse:
    """One person's risk."""
    return read_entity(request, USER, _one(request, USERS), segment=USERS)


@graph("GET", f"/{PRINCIPALS}", permissions=_READ_PRINCIPALS, area=PROTECTION)
def list_principals(request: GraphRequest) -> GraphResponse:
    """A page of service principals at risk."""
    return read_collection(request, PRINCIPAL, request.collection(PRINCIPALS), segment=PRINCIPALS)


@graph("GET", f"/{PRINCIPALS}/{{id}}", permissions=_READ_PRINCIPALS, area=PROTECTION)
def get_principal(request: GraphRequest) -> GraphResponse:
    """One service principal's risk."""
    return read_entity(request, PRINCIPAL, _one(request, PRINCIPALS), segment=PRINCIPALS)


@graph("GET", f"/{DETECTIONS}", permissions=_READ_EVENTS, area=PROTECTION)
def list_detections(request: GraphRequest) -> GraphResponse:
    """A page of what was detected."""
    return read_collection(request, DETECTION, request.collection(DETECTIONS), segment=DETECTIONS)


def _verdict(action: str) -> Callable[[GraphRequest], GraphResponse]:
    def on_users(request: GraphRequest) -> GraphResponse:
        for name in _ids(request, "userIds"):
            user = request.directory.user(name)
            if user is None:
                raise GraphError(404, "NotFound", f"The user '{name}' was not found.")
            base = {"userDisplayName": user.display_name, "userPrincipalName": user.user_principal_name}
            _judge(request, USERS, action, user.object_id, "User", base)
        return GraphResponse(204)

    return on_users


def _verdict_on_principals(action: str) -> Callable[[GraphRequest], GraphResponse]:
    def on_principals(request: GraphRequest) -> GraphResponse:
        for name in _ids(request, "servicePrincipalIds"):
            app = next((app for app in request.directory.applications if app.object_id.lower() == name.lower()), None)
            if app is None:
                raise GraphError(404, "NotFound", f"The service principal '{name}' was not found.")
            base = {"appId": app.client_id, "displayName": app.display_name, "isEnabled": app.enabled}
            _judge(request, PRINCIPALS, action, app.object_id, "ServicePrincipal", base)
        return GraphResponse(204)

    return on_principals


for _action in _VERDICTS:
    graph("POST", f"/{USERS}/{_action}", permissions=("IdentityRiskyUser.ReadWrite.All",), area=PROTECTION)(
        _verdict(_action)
    )
for _action in ("confirmCompromised", "dismiss"):
    graph(
        "POST",
        f"/{PRINCIPALS}/{_action}",
        permissions=("IdentityRiskyServicePrincipal.ReadWrite.All",),
        area=PROTECTION,
    )(_verdict_on_principals(_action))


def _judge(request: GraphRequest, path: str, action: str, name: str, kind: str, base: dict[str, Any]) -> None:
    level, state, detail = _VERDICTS[action]
    collection = request.collection(path)
    known = collection.get(name) or {"id": name, "isDeleted": False, "isProcessing": False, **base}
    collection.put(
        name,
        {
            **known,
            "riskLevel": level,
            "riskState": state,
            "riskDetail": detail.format(kind),
            "riskLastUpdatedDateTime": timestamp(request.tenant.clock.now()),
        },
    )


def _ids(request: GraphRequest, field: str) -> list[str]:
    given = request.document().get(field)
    if not isinstance(given, list) or not given or not all(isinstance(each, str) for each in given):
        raise bad_request(f"'{field}' has to be a list of ids.")
    if len(given) > MAX_IDS:
        raise bad_request(f"'{field}' has {len(given)} ids; at most {MAX_IDS} are taken at once.")
    return given


def _one(request: GraphRequest, path: str) -> Document:
    found = request.collection(path).get(request.names["id"])
    if found is None:
        raise GraphError(404, "NotFound", f"'{request.names['id']}' is not at risk.")
    return found
