"""Who may read from a workspace and write through a data collection rule."""

from __future__ import annotations

from vedette.range.roles import assigned
from vedette.range.state import FakeTenant, ResourceGroup, SentinelWorkspace, Subscription
from vedette.range.tokens import Caller

READ = "Microsoft.OperationalInsights/workspaces/query/read"
WRITE = "Microsoft.Insights/Telemetry/Write"


def workspace_scope(subscription: Subscription, group: ResourceGroup, workspace: SentinelWorkspace) -> str:
    """The workspace's id in Azure Resource Manager."""
    return (
        f"/subscriptions/{subscription.id}/resourceGroups/{group.name}/providers/Microsoft.OperationalInsights"
        f"/workspaces/{workspace.name}"
    )


def may_read(tenant: FakeTenant, subscription: Subscription, scope: str, caller: Caller) -> bool:
    """Whether the caller has a role that lets it query a workspace."""
    if tenant.faults.withheld((READ,)) or caller.tenant_id.lower() != subscription.tenant_id.lower():
        return False
    return any(role.permits(READ) for role in assigned(subscription.role_assignments, caller.object_id, scope))


def may_write(tenant: FakeTenant, subscription: Subscription, scope: str, caller: Caller) -> bool:
    """Whether the caller has a role that lets it send through a data collection rule (Monitoring Metrics Publisher)."""
    if tenant.faults.withheld((WRITE,)) or caller.tenant_id.lower() != subscription.tenant_id.lower():
        return False
    return any(role.permits_data(WRITE) for role in assigned(subscription.role_assignments, caller.object_id, scope))
