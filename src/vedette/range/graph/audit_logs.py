"""Graph /auditLogs: sign-ins and directory audits. Changes that are made through Graph write audits themselves."""

from __future__ import annotations

import json
from typing import Any, Final

from vedette.range.documents import Document
from vedette.range.graph.errors import REPORTS, not_found
from vedette.range.graph.operations import GraphRequest, GraphResponse, graph
from vedette.range.graph.query import EntityType, read_collection, read_entity
from vedette.range.state import timestamp

SIGN_INS: Final = "auditLogs/signIns"
AUDITS: Final = "auditLogs/directoryAudits"
READ: Final = ("AuditLog.Read.All+Directory.Read.All", "AuditLog.Read.All")
SIGN_IN: Final = EntityType(
    name="microsoft.graph.signIn",
    properties=frozenset(
        "id appDisplayName appId appliedConditionalAccessPolicies clientAppUsed conditionalAccessStatus correlationId "
        "createdDateTime deviceDetail ipAddress isInteractive location resourceDisplayName resourceId riskDetail "
        "riskEventTypes riskEventTypes_v2 riskLevelAggregated riskLevelDuringSignIn riskState status userDisplayName "
        "userId userPrincipalName signInEventTypes servicePrincipalId servicePrincipalName userAgent "
        "authenticationRequirement authenticationDetails authenticationProtocol incomingTokenType uniqueTokenIdentifier "
        "sessionId resourceTenantId homeTenantId userType tokenIssuerType crossTenantAccessType autonomousSystemNumber "
        "servicePrincipalCredentialKeyId servicePrincipalCredentialThumbprint federatedCredentialId".split()
    ),
    order="createdDateTime desc",
    default_top=1000,
    max_top=1000,
    options=frozenset({"filter", "top", "skiptoken", "orderby", "select", "count"}),
)
AUDIT: Final = EntityType(
    name="microsoft.graph.directoryAudit",
    properties=frozenset(
        "id activityDateTime activityDisplayName additionalDetails category correlationId initiatedBy loggedByService "
        "operationType result resultReason targetResources userAgent".split()
    ),
    order="activityDateTime desc",
    default_top=1000,
    max_top=1000,
    options=SIGN_IN.options,
)


@graph("GET", "/auditLogs/signIns", permissions=READ, area=REPORTS)
def list_sign_ins(request: GraphRequest) -> GraphResponse:
    """A page of sign-ins, newest first. Other than a person's own only come when `signInEventTypes` is filtered by."""
    asked = "signineventtypes" in request.query.get("filter", "").lower()
    keep = None if asked else _interactive
    return read_collection(request, SIGN_IN, request.collection(SIGN_INS), segment=SIGN_INS, keep=keep)


@graph("GET", "/auditLogs/signIns/{id}", permissions=READ, area=REPORTS)
def get_sign_in(request: GraphRequest) -> GraphResponse:
    """One sign-in."""
    found = request.collection(SIGN_INS).get(request.names["id"])
    if found is None:
        raise not_found(request.names["id"])
    return read_entity(request, SIGN_IN, found, segment=SIGN_INS)


@graph("GET", "/auditLogs/directoryAudits", permissions=READ, area=REPORTS)
def list_audits(request: GraphRequest) -> GraphResponse:
    """A page of directory audits, newest first."""
    return read_collection(request, AUDIT, request.collection(AUDITS), segment=AUDITS)


@graph("GET", "/auditLogs/directoryAudits/{id}", permissions=READ, area=REPORTS)
def get_audit(request: GraphRequest) -> GraphResponse:
    """One directory audit."""
    found = request.collection(AUDITS).get(request.names["id"])
    if found is None:
        raise not_found(request.names["id"])
    return read_entity(request, AUDIT, found, segment=AUDITS)


def record(
    request: GraphRequest,
    activity: str,
    category: str,
    target: dict[str, Any],
    changes: dict[str, tuple[Any, Any]] | None = None,
    operation: str = "Update",
) -> None:
    """Write a directory audit. `target` has `id`, `type` and what else names it; `changes` is property → (old, new)."""
    app = request.directory.application(request.caller.client_id)
    now, correlation = request.tenant.clock.now(), request.tenant.ids()
    name = f"Directory_{correlation}_{int(now.timestamp())}"
    document: Document = {
        "id": name,
        "category": category,
        "correlationId": correlation,
        "result": "success",
        "resultReason": "",
        "activityDisplayName": activity,
        "activityDateTime": timestamp(now),
        "loggedByService": "Core Directory",
        "operationType": operation,
        "initiatedBy": {
            "user": None,
            "app": {
                "appId": None,
                "displayName": app.display_name if app else None,
                "servicePrincipalId": request.caller.object_id,
                "servicePrincipalName": None,
            },
        },
        "targetResources": [
            {
                "displayName": None,
                "userPrincipalName": None,
                "groupType": None,
                **target,
                "modifiedProperties": [
                    {"displayName": name, "oldValue": json.dumps(old), "newValue": json.dumps(new)}
                    for name, (old, new) in (changes or {}).items()
                ],
            }
        ],
        "additionalDetails": [],
    }
    request.collection(AUDITS).put(name, document)


def _interactive(sign_in: Document) -> bool:
    kinds = sign_in.get("signInEventTypes")
    return not kinds or "interactiveUser" in kinds
