"""Graph /roleManagement/directory: Entra's roles and who has them."""

from __future__ import annotations

from typing import Final

from vedette.range.documents import Document
from vedette.range.graph import audit_logs
from vedette.range.graph.errors import DIRECTORY, bad_request, not_found
from vedette.range.graph.operations import GraphRequest, GraphResponse, graph
from vedette.range.graph.query import EntityType, read_collection, read_entity

ASSIGNMENTS: Final = "roleManagement/directory/roleAssignments"
DEFINITIONS: Final = "roleManagement/directory/roleDefinitions"
READ: Final = (
    "RoleManagement.Read.Directory",
    "RoleManagement.Read.All",
    "RoleManagement.ReadWrite.Directory",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
)
WRITE: Final = ("RoleManagement.ReadWrite.Directory",)

# Built-in roles have the same ids in every directory (Microsoft Entra built-in roles reference).
_ROLES: Final = {
    "62e90394-69f5-4237-9190-012177145e10": "Global Administrator",
    "f2ef992c-3afb-46b9-b7cf-a126ee74c451": "Global Reader",
    "e8611ab8-c189-46e8-94e1-60213ab1f814": "Privileged Role Administrator",
    "7be44c8a-adaf-4e2a-84d6-ab2649e08a13": "Privileged Authentication Administrator",
    "c4e39bd9-1100-46d3-8c65-fb160da0071f": "Authentication Administrator",
    "fe930be7-5e62-47db-91af-98c3a49a38b1": "User Administrator",
    "729827e3-9c14-49f7-bb1b-9608f156bbb8": "Helpdesk Administrator",
    "194ae4cb-b126-40b2-bd5b-6091b380977d": "Security Administrator",
    "5f2222b1-57c3-48ba-8ad5-d4759f1fde6f": "Security Operator",
    "5d6b6bb7-de71-4623-b4af-96380a352509": "Security Reader",
    "b1be1c3e-b65d-4f19-8427-f6fa0d97feb9": "Conditional Access Administrator",
    "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3": "Application Administrator",
    "158c047a-c907-4556-b7ef-446551a6b5f7": "Cloud Application Administrator",
    "29232cdf-9323-42fd-ade2-1d097af3e4de": "Exchange Administrator",
    "88d8e3e3-8f55-4a1e-953a-9b9898b8876b": "Directory Readers",
}
_PRIVILEGED: Final = frozenset(
    {"Global Administrator", "Privileged Authentication Administrator", "User Administrator"}
)
"""Roles that let an application act on administrators."""


def _definition(request: GraphRequest, assignment: Document) -> Document | None:
    return definition(request, str(assignment.get("roleDefinitionId")))


DEFINITION: Final = EntityType(
    name="microsoft.graph.unifiedRoleDefinition",
    properties=frozenset("id displayName description isBuiltIn isEnabled templateId rolePermissions version".split()),
    order="displayName",
)
ASSIGNMENT: Final = EntityType(
    name="microsoft.graph.unifiedRoleAssignment",
    properties=frozenset("id principalId roleDefinitionId directoryScopeId appScopeId condition".split()),
    expand={
        "roleDefinition": _definition,
        "principal": lambda request, assignment: {"id": assignment.get("principalId")},
    },
)


def definition(request: GraphRequest, role_id: str) -> Document | None:
    """A role by its id, built-in or of the directory's own."""
    name = _ROLES.get(role_id.lower())
    return _show(role_id.lower(), name) if name else request.collection(DEFINITIONS).get(role_id)


def roles_of(request: GraphRequest, principal: str) -> list[Document]:
    """The roles that a principal has."""
    found = [
        definition(request, str(each.get("roleDefinitionId")))
        for each in request.collection(ASSIGNMENTS)
        if str(each.get("principalId")).lower() == principal.lower()
    ]
    return [role for role in found if role is not None]


def is_admin(request: GraphRequest, principal: str) -> bool:
    """Whether a principal has any role but those that only read."""
    return any("Reader" not in role["displayName"] for role in roles_of(request, principal))


def is_privileged(request: GraphRequest) -> bool:
    """Whether the caller has a role that lets it act on administrators."""
    return any(role["displayName"] in _PRIVILEGED for role in roles_of(request, request.caller.object_id))


@graph("GET", "/roleManagement/directory/roleDefinitions", permissions=READ, area=DIRECTORY)
def list_definitions(request: GraphRequest) -> GraphResponse:
    """Every role."""
    roles = [_show(name, title) for name, title in _ROLES.items()]
    return read_collection(request, DEFINITION, [*roles, *request.collection(DEFINITIONS)], segment=DEFINITIONS)


@graph("GET", "/roleManagement/directory/roleDefinitions/{id}", permissions=READ, area=DIRECTORY)
def get_definition(request: GraphRequest) -> GraphResponse:
    """One role."""
    role = definition(request, request.names["id"])
    if role is None:
        raise not_found(request.names["id"])
    return read_entity(request, DEFINITION, role, segment=DEFINITIONS)


@graph("GET", "/roleManagement/directory/roleAssignments", permissions=READ, area=DIRECTORY)
def list_assignments(request: GraphRequest) -> GraphResponse:
    """A page of assignments."""
    return read_collection(request, ASSIGNMENT, request.collection(ASSIGNMENTS), segment=ASSIGNMENTS)


@graph("GET", "/roleManagement/directory/roleAssignments/{id}", permissions=READ, area=DIRECTORY)
def get_assignment(request: GraphRequest) -> GraphResponse:
    """One assignment."""
    return read_entity(request, ASSIGNMENT, _assignment(request), segment=ASSIGNMENTS)


@graph("POST", "/roleManagement/directory/roleAssignments", permissions=WRITE, area=DIRECTORY)
def create_assignment(request: GraphRequest) -> GraphResponse:
    """Give a role; giving it twice is 400."""
    body = request.document()
    for name in ("principalId", "roleDefinitionId", "directoryScopeId"):
        if not isinstance(body.get(name), str):
            raise bad_request(
                f"A value is required for property '{name}' of resource 'RoleAssignment'.", "Request_BadRequest"
            )
    if definition(request, body["roleDefinitionId"]) is None:
        raise not_found(body["roleDefinitionId"])
    wanted = {name: body[name].lower() for name in ("principalId", "roleDefinitionId", "directoryScopeId")}
    for each in request.collection(ASSIGNMENTS):
        if all(str(each.get(name)).lower() == value for name, value in wanted.items()):
            raise bad_request(
                "A conflicting object with one or more of the specified property values is present in the directory.",
                "Request_BadRequest",
            )
    made = {"id": request.tenant.ids(), **{name: body[name] for name in wanted}}
    request.collection(ASSIGNMENTS).put(made["id"], made)
    target = {"id": made["principalId"], "type": "User"}
    audit_logs.record(request, "Add member to role", "RoleManagement", target, operation="Assign")
    return GraphResponse(201, {"@odata.context": f"{request.context}{ASSIGNMENTS}/$entity", **made})


@graph("DELETE", "/roleManagement/directory/roleAssignments/{id}", permissions=WRITE, area=DIRECTORY)
def delete_assignment(request: GraphRequest) -> GraphResponse:
    """Take a role back; 404 the second time."""
    gone = _assignment(request)
    request.collection(ASSIGNMENTS).delete(gone["id"])
    target = {"id": gone.get("principalId"), "type": "User"}
    audit_logs.record(request, "Remove member from role", "RoleManagement", target, operation="Unassign")
    return GraphResponse(204)


def _assignment(request: GraphRequest) -> Document:
    found = request.collection(ASSIGNMENTS).get(request.names["id"])
    if found is None:
        raise not_found(request.names["id"])
    return found


def _show(role_id: str, name: str) -> Document:
    return {
        "id": role_id,
        "displayName": name,
        "description": name,
        "isBuiltIn": True,
        "isEnabled": True,
        "templateId": role_id,
        "version": "1",
        "rolePermissions": [],
    }
