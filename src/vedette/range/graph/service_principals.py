"""Graph /servicePrincipals: applications as they act in the directory, and what they were granted."""

from __future__ import annotations

from typing import Final

from vedette.core.ids import derived_id
from vedette.range.documents import Document
from vedette.range.graph import applications, audit_logs
from vedette.range.graph.errors import DIRECTORY, GRAPH_ID, bad_request, not_found
from vedette.range.graph.operations import GraphRequest, GraphResponse, graph, known_permissions
from vedette.range.graph.query import EntityType, read_collection, read_entity
from vedette.range.state import Application

PATH: Final = "servicePrincipals"
GRANTS: Final = "oauth2PermissionGrants"
_WRITABLE: Final = frozenset(
    "accountEnabled displayName description notes tags appRoleAssignmentRequired preferredSingleSignOnMode "
    "notificationEmailAddresses loginUrl".split()
)
_ROLE_WRITE: Final = ("AppRoleAssignment.ReadWrite.All",)
KIND: Final = EntityType(
    name="microsoft.graph.servicePrincipal",
    properties=_WRITABLE
    | frozenset(
        "id appId appDisplayName appOwnerOrganizationId appRoles createdDateTime keyCredentials oauth2PermissionScopes "
        "passwordCredentials replyUrls servicePrincipalNames servicePrincipalType signInAudience".split()
    ),
    searched=frozenset("displayName".split()),
    order="displayName",
)
GRANT: Final = EntityType(
    name="microsoft.graph.oAuth2PermissionGrant",
    properties=frozenset("id clientId consentType principalId resourceId scope".split()),
)


def show(request: GraphRequest, app: Application) -> Document:
    """The service principal of an application."""
    registered = applications.show(app)
    return {
        "appRoleAssignmentRequired": False,
        "appRoles": [],
        "oauth2PermissionScopes": [],
        "tags": [],
        "servicePrincipalType": "Application",
        "signInAudience": registered["signInAudience"],
        "servicePrincipalNames": [app.client_id],
        "appOwnerOrganizationId": request.directory.id,
        **app.principal_properties,
        "id": app.object_id,
        "appId": app.client_id,
        "displayName": app.display_name,
        "appDisplayName": app.display_name,
        "accountEnabled": app.enabled,
        "passwordCredentials": registered["passwordCredentials"],
        "keyCredentials": registered["keyCredentials"],
    }


def _microsoft_graph(request: GraphRequest) -> Document:
    return {
        "id": _graph_principal(request),
        "appId": GRAPH_ID,
        "displayName": "Microsoft Graph",
        "appDisplayName": "Microsoft Graph",
        "accountEnabled": True,
        "servicePrincipalType": "Application",
        "appRoles": [
            {
                "id": derived_id("graph-role", name),
                "value": name,
                "displayName": name,
                "isEnabled": True,
                "allowedMemberTypes": ["Application"],
            }
            for name in known_permissions()
        ],
        "oauth2PermissionScopes": [],
        "servicePrincipalNames": ["https://graph.microsoft.com", GRAPH_ID],
    }


def _graph_principal(request: GraphRequest) -> str:
    return derived_id("graph-principal", request.directory.id)


@graph("GET", "/servicePrincipals", permissions=applications.READ, area=DIRECTORY)
def list_principals(request: GraphRequest) -> GraphResponse:
    """A page of service principals."""
    found = [show(request, app) for app in request.directory.applications]
    return read_collection(request, KIND, [*found, _microsoft_graph(request), *request.collection(PATH)], segment=PATH)


@graph("GET", "/servicePrincipals/{id}", permissions=applications.READ, area=DIRECTORY)
def get_principal(request: GraphRequest) -> GraphResponse:
    """One service principal."""
    return read_entity(request, KIND, _any(request), segment=PATH)


@graph("PATCH", "/servicePrincipals/{id}", permissions=applications.WRITE, area=DIRECTORY)
def update_principal(request: GraphRequest) -> GraphResponse:
    """Change a service principal: 204. Without `accountEnabled` the application gets no token any more."""
    body = {name: value for name, value in request.document().items() if not name.startswith("@odata.")}
    for name, value in body.items():
        if name not in _WRITABLE:
            raise bad_request(f"Invalid property '{name}'.", "Request_BadRequest")
        if name == "accountEnabled" and not isinstance(value, bool):
            raise bad_request(f"Invalid value specified for property '{name}'.", "Request_BadRequest")
    before = _any(request)
    app = _own(request)
    if app is None:
        request.collection(PATH).put(before["id"], {**before, **body})
    else:
        app.enabled = body.pop("accountEnabled", app.enabled)
        app.display_name = body.pop("displayName", app.display_name)
        app.principal_properties.update(body)
    target = {"id": before["id"], "type": "ServicePrincipal", "displayName": before["displayName"]}
    changes = {name: ([before.get(name)], [value]) for name, value in request.document().items() if name in _WRITABLE}
    audit_logs.record(request, "Update service principal", "ApplicationManagement", target, changes)
    return GraphResponse(204)


@graph("POST", "/servicePrincipals/{id}/addPassword", permissions=applications.WRITE, area=DIRECTORY)
def add_password(request: GraphRequest) -> GraphResponse:
    """A new secret; this answer is the only one that has its value."""
    return applications.add_secret(request, _registered(request))


@graph("POST", "/servicePrincipals/{id}/removePassword", permissions=applications.WRITE, area=DIRECTORY)
def remove_password(request: GraphRequest) -> GraphResponse:
    """Take a secret away."""
    return applications.remove_secret(request, _registered(request))


@graph("GET", "/servicePrincipals/{id}/appRoleAssignments", permissions=applications.READ, area=DIRECTORY)
def list_role_assignments(request: GraphRequest) -> GraphResponse:
    """Application permissions that were granted."""
    app = _registered(request)
    found = [_assignment(request, app, role) for role in app.app_roles]
    context = f"{request.context}servicePrincipals('{app.object_id}')/appRoleAssignments"
    return GraphResponse(200, {"@odata.context": context, "value": found})


@graph("POST", "/servicePrincipals/{id}/appRoleAssignments", permissions=_ROLE_WRITE, area=DIRECTORY)
def grant_role(request: GraphRequest) -> GraphResponse:
    """Grant an application permission of Microsoft Graph; it is in the tokens issued from now on."""
    app, body = _registered(request), request.document()
    if str(body.get("principalId")).lower() != app.object_id.lower():
        raise bad_request("'principalId' has to be the service principal of the path.", "Request_BadRequest")
    if str(body.get("resourceId")).lower() != _graph_principal(request):
        raise not_found(str(body.get("resourceId")))
    role = next((each for each in known_permissions() if derived_id("graph-role", each) == body.get("appRoleId")), None)
    if role is None:
        raise bad_request("Permission being assigned was not found on application.", "Request_BadRequest")
    if role in app.app_roles:
        raise bad_request("Permission being assigned already exists on the object.", "Request_BadRequest")
    app.app_roles.append(role)
    target = {"id": app.object_id, "type": "ServicePrincipal", "displayName": app.display_name}
    audit_logs.record(
        request, "Add app role assignment to service principal", "ApplicationManagement", target, operation="Assign"
    )
    return GraphResponse(201, _assignment(request, app, role))


@graph("DELETE", "/servicePrincipals/{id}/appRoleAssignments/{assignment}", permissions=_ROLE_WRITE, area=DIRECTORY)
def revoke_role(request: GraphRequest) -> GraphResponse:
    """Take an application permission back; 404 the second time."""
    app, name = _registered(request), request.names["assignment"].lower()
    role = next((each for each in app.app_roles if _assignment(request, app, each)["id"] == name), None)
    if role is None:
        raise not_found(name)
    app.app_roles.remove(role)
    target = {"id": app.object_id, "type": "ServicePrincipal", "displayName": app.display_name}
    audit_logs.record(
        request,
        "Remove app role assignment from service principal",
        "ApplicationManagement",
        target,
        operation="Unassign",
    )
    return GraphResponse(204)


@graph(
    "GET",
    "/oauth2PermissionGrants",
    permissions=("Directory.Read.All", "DelegatedPermissionGrant.ReadWrite.All"),
    area=DIRECTORY,
)
def list_grants(request: GraphRequest) -> GraphResponse:
    """Delegated permissions that were granted."""
    return read_collection(request, GRANT, request.collection(GRANTS), segment=GRANTS)


@graph(
    "GET",
    "/users/{id}/oauth2PermissionGrants",
    permissions=("Directory.Read.All", "DelegatedPermissionGrant.ReadWrite.All"),
    area=DIRECTORY,
)
def list_grants_of_user(request: GraphRequest) -> GraphResponse:
    """Delegated permissions that one person granted."""
    wanted = request.names["id"].lower()
    found = [each for each in request.collection(GRANTS) if str(each.get("principalId")).lower() == wanted]
    return read_collection(request, GRANT, found, segment=GRANTS)


@graph(
    "DELETE", "/oauth2PermissionGrants/{id}", permissions=("DelegatedPermissionGrant.ReadWrite.All",), area=DIRECTORY
)
def delete_grant(request: GraphRequest) -> GraphResponse:
    """Take a grant back; 404 the second time."""
    gone = request.collection(GRANTS).delete(request.names["id"])
    if gone is None:
        raise not_found(request.names["id"])
    target = {"id": gone.get("clientId"), "type": "ServicePrincipal"}
    audit_logs.record(
        request, "Remove delegated permission grant", "ApplicationManagement", target, operation="Unassign"
    )
    return GraphResponse(204)


def _assignment(request: GraphRequest, app: Application, role: str) -> Document:
    return {
        "id": derived_id("graph-role-assignment", app.object_id, role),
        "appRoleId": derived_id("graph-role", role),
        "createdDateTime": app.properties.get("createdDateTime"),
        "principalDisplayName": app.display_name,
        "principalId": app.object_id,
        "principalType": "ServicePrincipal",
        "resourceDisplayName": "Microsoft Graph",
        "resourceId": _graph_principal(request),
    }


def _own(request: GraphRequest) -> Application | None:
    wanted = request.names["id"].lower()
    if wanted.startswith("appid="):
        return request.directory.application(wanted.removeprefix("appid=").strip("'"))
    return next((app for app in request.directory.applications if app.object_id.lower() == wanted), None)


def _registered(request: GraphRequest) -> Application:
    app = _own(request)
    if app is None:
        raise not_found(request.names["id"])
    return app


def _any(request: GraphRequest) -> Document:
    app = _own(request)
    if app is not None:
        return show(request, app)
    wanted = request.names["id"].lower().removeprefix("appid=").strip("'")
    for other in (_microsoft_graph(request), *request.collection(PATH)):
        if wanted in (str(other["id"]).lower(), str(other.get("appId")).lower()):
            return dict(other)
    raise not_found(request.names["id"])
