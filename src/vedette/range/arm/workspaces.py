"""Microsoft.OperationalInsights/workspaces, and whether Microsoft Sentinel is enabled on one."""

from __future__ import annotations

from typing import Final

from vedette.range.arm.errors import ArmError, no_resource
from vedette.range.arm.operations import ArmRequest, ArmResponse, operation
from vedette.range.arm.paging import page
from vedette.range.arm.versions import SECURITY_INSIGHTS, WORKSPACES
from vedette.range.documents import Document
from vedette.range.state import ResourceGroup, SentinelWorkspace

TYPE: Final = "Microsoft.OperationalInsights/workspaces"
ONBOARDING: Final = "Microsoft.SecurityInsights/onboardingStates"


@operation("GET", TYPE, collection=True, action="read", versions=WORKSPACES)
def list_workspaces(request: ArmRequest) -> ArmResponse:
    """A page of workspaces, of the resource group or of the subscription."""
    groups = request.subscription.resource_groups if request.resource_group is None else [request.resource_group]
    return page(request, [_show(request, group, each) for group in groups for each in group.workspaces])


@operation("GET", TYPE, collection=False, action="read", versions=WORKSPACES)
def get_workspace(request: ArmRequest) -> ArmResponse:
    """One workspace; its `customerId` is what the query API calls it."""
    group = request.resource_group
    workspace = group.workspace(request.names[0]) if group else None
    if group is None or workspace is None:
        raise no_resource(TYPE, request.names[0], group.name if group else "")
    return ArmResponse(200, _show(request, group, workspace))


@operation("GET", ONBOARDING, collection=False, action="read", versions=SECURITY_INSIGHTS)
def get_onboarding(request: ArmRequest) -> ArmResponse:
    """Whether Microsoft Sentinel is enabled: 404 where it is not."""
    if request.workspace is None or not request.workspace.onboarded or request.names[0].lower() != "default":
        raise ArmError(404, "NotFound", "The workspace is not onboarded to Microsoft Sentinel.")
    return ArmResponse(200, _onboarding(request))


@operation("GET", ONBOARDING, collection=True, action="read", versions=SECURITY_INSIGHTS)
def list_onboarding(request: ArmRequest) -> ArmResponse:
    """The one state that there is, where Microsoft Sentinel is enabled."""
    enabled = request.workspace is not None and request.workspace.onboarded
    return ArmResponse(200, {"value": [_onboarding(request)] if enabled else []})


@operation("PUT", ONBOARDING, collection=False, action="write", versions=SECURITY_INSIGHTS)
def put_onboarding(request: ArmRequest) -> ArmResponse:
    """Enable Microsoft Sentinel."""
    assert request.workspace is not None
    created, request.workspace.onboarded = not request.workspace.onboarded, True
    return ArmResponse(201 if created else 200, _onboarding(request))


@operation("DELETE", ONBOARDING, collection=False, action="delete", versions=SECURITY_INSIGHTS)
def delete_onboarding(request: ArmRequest) -> ArmResponse:
    """Disable Microsoft Sentinel."""
    assert request.workspace is not None
    was, request.workspace.onboarded = request.workspace.onboarded, False
    return ArmResponse(200 if was else 204)


def _onboarding(request: ArmRequest) -> Document:
    return {
        "id": f"{request.base}/onboardingStates/default",
        "name": "default",
        "type": ONBOARDING,
        "properties": {"customerManagedKey": False},
    }


def _show(request: ArmRequest, group: ResourceGroup, workspace: SentinelWorkspace) -> Document:
    return {
        "id": f"/subscriptions/{request.subscription.id}/resourceGroups/{group.name}/providers/{TYPE}/{workspace.name}",
        "name": workspace.name,
        "type": TYPE,
        "location": workspace.location,
        "properties": {
            "customerId": workspace.customer_id,
            "provisioningState": "Succeeded",
            "retentionInDays": 90,
            "sku": {"name": "PerGB2018"},
            "publicNetworkAccessForIngestion": "Enabled",
            "publicNetworkAccessForQuery": "Enabled",
        },
    }
