"""Microsoft.Authorization/permissions: what the caller may do at a scope (used by clients to check before they act)."""

from __future__ import annotations

from typing import Final

from vedette.range.arm.operations import ArmRequest, ArmResponse, operation
from vedette.range.arm.versions import PERMISSIONS
from vedette.range.roles import assigned

TYPE: Final = "Microsoft.Authorization/permissions"


@operation("GET", TYPE, collection=True, action="read", versions=PERMISSIONS)
def list_permissions(request: ArmRequest) -> ArmResponse:
    """One entry a role that the caller has at the scope."""
    scope = request.path.scope(-1)
    roles = assigned(request.subscription.role_assignments, request.caller.object_id, scope)
    return ArmResponse(
        200,
        {
            "value": [
                {
                    "actions": list(role.actions),
                    "notActions": list(role.not_actions),
                    "dataActions": [],
                    "notDataActions": [],
                }
                for role in roles
            ]
        },
    )
