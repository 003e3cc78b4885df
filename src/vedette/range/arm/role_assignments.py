"""Microsoft.Authorization/roleAssignments and roleDefinitions: who may do what, where."""

from __future__ import annotations

import re
from typing import Final

from vedette.core.ids import derived_id
from vedette.range.arm.errors import ArmError, bad_request
from vedette.range.arm.operations import ArmRequest, ArmResponse, operation
from vedette.range.arm.paging import page
from vedette.range.arm.versions import AUTHORIZATION
from vedette.range.documents import Document
from vedette.range.roles import ROLES, RoleDefinition, covers
from vedette.range.state import RoleAssignment

TYPE: Final = "Microsoft.Authorization/roleAssignments"
DEFINITIONS: Final = "Microsoft.Authorization/roleDefinitions"
_PRINCIPAL: Final = re.compile(r"(?:principalId eq|assignedTo\()\s*'([^']+)'", re.IGNORECASE)


@operation("GET", TYPE, collection=True, action="read", versions=AUTHORIZATION)
def list_assignments(request: ArmRequest) -> ArmResponse:
    """Assignments at the scope, above it and (unless `atScope()`) below it; `principalId eq '…'` picks a principal's."""
    text = request.query.get("$filter", "")
    match, below = _PRINCIPAL.search(text), "atscope()" not in text.lower()
    here = request.path_base
    found = [
        _show(request, each)
        for each in request.subscription.role_assignments
        if (match is None or each.principal_id.lower() == match[1].lower())
        and (covers(each.scope, here) or (below and covers(here, each.scope)))
    ]
    return page(request, found)


@operation("PUT", TYPE, collection=False, action="write", versions=AUTHORIZATION)
def put_assignment(request: ArmRequest) -> ArmResponse:
    """Give a role at the scope; giving it twice is 409."""
    given = request.properties()
    wanted = str(given.get("roleDefinitionId", "")).rstrip("/").split("/")[-1].lower()
    role = next((each for each in ROLES.values() if each.id == wanted), None)
    if role is None:
        raise bad_request(f"The role definition '{wanted}' is not known.", code="RoleDefinitionDoesNotExist")
    if not isinstance(given.get("principalId"), str):
        raise bad_request("The property 'principalId' is required.", code="InvalidRequestContent")
    made = RoleAssignment(given["principalId"], role.name, request.path_base)
    for each in request.subscription.role_assignments:
        same = (each.principal_id.lower(), each.role, each.scope.lower().rstrip("/"))
        if same == (made.principal_id.lower(), made.role, made.scope.lower().rstrip("/")):
            raise ArmError(409, "RoleAssignmentExists", "The role assignment already exists.")
    request.subscription.role_assignments.append(made)
    return ArmResponse(201, {**_show(request, made), "name": request.names[0]})


@operation("DELETE", TYPE, collection=False, action="delete", versions=AUTHORIZATION)
def delete_assignment(request: ArmRequest) -> ArmResponse:
    """Take a role back, by the name that the list tells."""
    for each in request.subscription.role_assignments:
        if _name(each) == request.names[0].lower():
            request.subscription.role_assignments.remove(each)
            return ArmResponse(200, _show(request, each))
    return ArmResponse(204)


@operation("GET", DEFINITIONS, collection=True, action="read", versions=AUTHORIZATION)
def list_definitions(request: ArmRequest) -> ArmResponse:
    """Every built-in role that is known here; `roleName eq '…'` picks one."""
    match = re.search(r"roleName eq '([^']+)'", request.query.get("$filter", ""), re.IGNORECASE)
    roles = [role for role in ROLES.values() if match is None or role.name.lower() == match[1].lower()]
    return page(request, [_show_role(request, role) for role in roles])


@operation("GET", DEFINITIONS, collection=False, action="read", versions=AUTHORIZATION)
def get_definition(request: ArmRequest) -> ArmResponse:
    """One built-in role."""
    for role in ROLES.values():
        if role.id == request.names[0].lower():
            return ArmResponse(200, _show_role(request, role))
    raise ArmError(404, "RoleDefinitionDoesNotExist", f"The role definition '{request.names[0]}' is not known.")


def _name(assignment: RoleAssignment) -> str:
    return derived_id("role-assignment", assignment.principal_id, assignment.role, assignment.scope)


def _show(request: ArmRequest, assignment: RoleAssignment) -> Document:
    role = ROLES[assignment.role.lower()]
    name = _name(assignment)
    return {
        "id": f"{assignment.scope.rstrip('/')}/providers/{TYPE}/{name}",
        "name": name,
        "type": TYPE,
        "properties": {
            "roleDefinitionId": f"/subscriptions/{request.subscription.id}/providers/{DEFINITIONS}/{role.id}",
            "principalId": assignment.principal_id,
            "principalType": "User" if request.directory.user(assignment.principal_id) else "ServicePrincipal",
            "scope": assignment.scope,
        },
    }


def _show_role(request: ArmRequest, role: RoleDefinition) -> Document:
    return {
        "id": f"/subscriptions/{request.subscription.id}/providers/{DEFINITIONS}/{role.id}",
        "name": role.id,
        "type": DEFINITIONS,
        "properties": {
            "roleName": role.name,
            "type": "BuiltInRole",
            "description": role.name,
            "assignableScopes": ["/"],
            "permissions": [
                {
                    "actions": list(role.actions),
                    "notActions": list(role.not_actions),
                    "dataActions": list(role.data_actions),
                    "notDataActions": [],
                }
            ],
        },
    }
