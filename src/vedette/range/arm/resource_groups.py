"""Microsoft.Resources: subscriptions and resource groups."""

from __future__ import annotations

import re
from typing import Any, Final

from vedette.range.arm.errors import ArmError, bad_request, no_resource_group
from vedette.range.arm.operations import ArmRequest, ArmResponse, operation
from vedette.range.arm.paging import page
from vedette.range.arm.versions import RESOURCES
from vedette.range.documents import Document
from vedette.range.roles import covers
from vedette.range.state import FakeTenant, ResourceGroup, Subscription
from vedette.range.tokens import Caller

SUBSCRIPTIONS: Final = "Microsoft.Resources/subscriptions"
TYPE: Final = "Microsoft.Resources/subscriptions/resourceGroups"
_NAME: Final = re.compile(r"[\w().-]{0,89}[\w()-]")


def list_subscriptions(tenant: FakeTenant, caller: Caller) -> ArmResponse:
    """Subscriptions in which the caller has a role."""
    found = [
        _show(subscription)
        for subscription in tenant.subscriptions
        if any(each.principal_id.lower() == caller.object_id.lower() for each in subscription.role_assignments)
    ]
    return ArmResponse(200, {"value": found, "count": {"type": "Total", "value": len(found)}})


@operation("GET", SUBSCRIPTIONS, collection=False, action="read", versions=RESOURCES)
def get_subscription(request: ArmRequest) -> ArmResponse:
    """One subscription."""
    return ArmResponse(200, _show(request.subscription))


@operation("GET", TYPE, collection=True, action="read", versions=RESOURCES)
def list_groups(request: ArmRequest) -> ArmResponse:
    """A page of resource groups."""
    return page(request, [_show_group(request, group) for group in request.subscription.resource_groups])


@operation("GET", TYPE, collection=False, action="read", versions=RESOURCES)
def get_group(request: ArmRequest) -> ArmResponse:
    """One resource group."""
    if request.resource_group is None:
        raise no_resource_group(request.names[1])
    return ArmResponse(200, _show_group(request, request.resource_group))


@operation("PUT", TYPE, collection=False, action="write", versions=RESOURCES)
def put_group(request: ArmRequest) -> ArmResponse:
    """Create (201) or change (200)."""
    name, body = request.names[1], request.body if isinstance(request.body, dict) else {}
    if not _NAME.fullmatch(name):
        raise bad_request(f"The provided resource group name '{name}' is not valid.", code="InvalidResourceGroupName")
    if not body.get("location"):
        raise bad_request("The location property is required for this definition.", code="LocationRequired")
    group, created = request.resource_group, False
    if group is None:
        group, created = ResourceGroup(name), True
        request.subscription.resource_groups.append(group)
    document = {"location": body["location"], "tags": body.get("tags") or {}}
    request.tenant.documents.of("groups", request.subscription.id).put(group.name, document)
    return ArmResponse(201 if created else 200, _show_group(request, group))


@operation("DELETE", TYPE, collection=False, action="delete", versions=RESOURCES)
def delete_group(request: ArmRequest) -> ArmResponse:
    """Delete a resource group with what is in it; not where something in it is locked."""
    group = request.resource_group
    if group is None:
        raise no_resource_group(request.names[1])
    prefix = f"/subscriptions/{request.subscription.id}/resourceGroups/{group.name}"
    inside = [name for name, _ in request.store.items() if covers(prefix, name)]
    held = [name for name in inside if "/providers/microsoft.authorization/locks/" in name]
    if held:
        scopes = ",".join(name.split("/providers/microsoft.authorization/locks/")[0] for name in held)
        raise ArmError(
            409,
            "ScopeLocked",
            f"The scope '{prefix}' cannot perform delete operation because following scope(s) are locked: '{scopes}'. "
            "Please remove the lock and try again.",
        )
    for name in inside:
        request.store.delete(name)
    request.subscription.resource_groups.remove(group)
    return ArmResponse(200)


def _show(subscription: Subscription) -> Document:
    return {
        "id": f"/subscriptions/{subscription.id}",
        "subscriptionId": subscription.id,
        "tenantId": subscription.tenant_id,
        "displayName": subscription.display_name,
        "state": "Enabled",
        "authorizationSource": "RoleBased",
        "subscriptionPolicies": {"locationPlacementId": "Public_2014-09-01", "spendingLimit": "Off"},
    }


def _show_group(request: ArmRequest, group: ResourceGroup) -> Document:
    known: dict[str, Any] = request.tenant.documents.of("groups", request.subscription.id).get(group.name) or {}
    return {
        "id": f"/subscriptions/{request.subscription.id}/resourceGroups/{group.name}",
        "name": group.name,
        "type": "Microsoft.Resources/resourceGroups",
        "location": known.get("location", "westeurope"),
        "tags": known.get("tags", {}),
        "properties": {"provisioningState": "Succeeded"},
    }
