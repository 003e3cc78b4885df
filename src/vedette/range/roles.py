"""Azure RBAC's built-in roles as far as Microsoft Sentinel is concerned, and the rule by which they permit an action.

Role ids and action lists are those of the public built-in roles reference (Security, "Microsoft Sentinel …").
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from vedette.range.state import RoleAssignment


@dataclass(frozen=True, slots=True)
class RoleDefinition:
    """A role: actions it permits, less those it does not. `*` stands for any text, slashes included."""

    id: str
    name: str
    actions: tuple[str, ...]
    not_actions: tuple[str, ...] = ()
    data_actions: tuple[str, ...] = ()

    def permits_data(self, action: str) -> bool:
        """Whether the role permits an action on data, such as `Microsoft.Insights/Telemetry/Write`."""
        return any(_matches(pattern, action) for pattern in self.data_actions)

    def permits(self, action: str) -> bool:
        """Whether the role permits an action such as `Microsoft.SecurityInsights/incidents/write`."""
        return any(_matches(pattern, action) for pattern in self.actions) and not any(
            _matches(pattern, action) for pattern in self.not_actions
        )


_READ: Final = (
    "Microsoft.SecurityInsights/*/read",
    "Microsoft.SecurityInsights/dataConnectorsCheckRequirements/action",
    "Microsoft.SecurityInsights/threatIntelligence/indicators/query/action",
    "Microsoft.SecurityInsights/threatIntelligence/queryIndicators/action",
    "Microsoft.OperationalInsights/workspaces/analytics/query/action",
    "Microsoft.OperationalInsights/workspaces/*/read",
    "Microsoft.OperationalInsights/workspaces/LinkedServices/read",
    "Microsoft.OperationalInsights/workspaces/savedSearches/read",
    "Microsoft.OperationsManagement/solutions/read",
    "Microsoft.Insights/workbooks/read",
    "Microsoft.Authorization/*/read",
    "Microsoft.Resources/deployments/*",
    "Microsoft.Resources/subscriptions/resourceGroups/read",
)
_CONFIDENTIAL: Final = (
    "Microsoft.SecurityInsights/ConfidentialWatchlists/*",
    "Microsoft.OperationalInsights/workspaces/query/ConfidentialWatchlist/*",
)

ROLES: Final = {
    role.name.lower(): role
    for role in (
        RoleDefinition("8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "Owner", ("*",)),
        RoleDefinition(
            "b24988ac-6180-42a0-ab88-20f7382dd24c",
            "Contributor",
            ("*",),
            ("Microsoft.Authorization/*/Delete", "Microsoft.Authorization/*/Write"),
        ),
        RoleDefinition("acdd72a7-3385-48ef-bd42-f606fba81ae7", "Reader", ("*/read",)),
        RoleDefinition("8d289c81-5878-46d4-8554-54e1e3d8b5cb", "Microsoft Sentinel Reader", _READ, _CONFIDENTIAL),
        RoleDefinition(
            "3e150937-b8fe-4cfb-8069-0eaf05ecd056",
            "Microsoft Sentinel Responder",
            (
                *_READ,
                "Microsoft.SecurityInsights/automationRules/*",
                "Microsoft.SecurityInsights/cases/*",
                "Microsoft.SecurityInsights/incidents/*",
                "Microsoft.SecurityInsights/entities/runPlaybook/action",
                "Microsoft.SecurityInsights/threatIntelligence/indicators/appendTags/action",
                "Microsoft.SecurityInsights/threatIntelligence/indicators/replaceTags/action",
                "Microsoft.SecurityInsights/threatIntelligence/bulkTag/action",
            ),
            (
                "Microsoft.SecurityInsights/cases/*/Delete",
                "Microsoft.SecurityInsights/incidents/*/Delete",
                *_CONFIDENTIAL,
            ),
        ),
        RoleDefinition(
            "ab8e14d6-4a74-4a29-9ba8-549422addade",
            "Microsoft Sentinel Contributor",
            (*_READ, "Microsoft.SecurityInsights/*", "Microsoft.OperationalInsights/workspaces/savedSearches/*"),
            _CONFIDENTIAL,
        ),
        RoleDefinition(
            "51d6186e-6489-4900-b93f-92e23144cca5",
            "Microsoft Sentinel Playbook Operator",
            ("Microsoft.Logic/workflows/read", "Microsoft.Logic/workflows/triggers/listCallbackUrl/action"),
        ),
        RoleDefinition(
            "f4c81013-99ee-4d62-a7ee-b3f1f648599a",
            "Microsoft Sentinel Automation Contributor",
            (
                "Microsoft.Authorization/*/read",
                "Microsoft.Logic/workflows/triggers/read",
                "Microsoft.Logic/workflows/triggers/listCallbackUrl/action",
                "Microsoft.Logic/workflows/runs/read",
            ),
        ),
        RoleDefinition(
            "39bc4728-0917-49c7-9d2c-d95423bc2eb4",
            "Security Reader",
            (
                "Microsoft.Authorization/*/read",
                "Microsoft.Insights/alertRules/read",
                "Microsoft.operationalInsights/workspaces/*/read",
                "Microsoft.Resources/deployments/*/read",
                "Microsoft.Resources/subscriptions/resourceGroups/read",
                "Microsoft.Security/*/read",
            ),
        ),
        RoleDefinition(
            "fb1c8493-542b-48eb-b624-b4c8fea62acd",
            "Security Admin",
            (
                "Microsoft.Authorization/*/read",
                "Microsoft.Insights/alertRules/*",
                "Microsoft.operationalInsights/workspaces/*/read",
                "Microsoft.Resources/deployments/*",
                "Microsoft.Resources/subscriptions/resourceGroups/read",
                "Microsoft.Security/*",
            ),
        ),
        RoleDefinition(
            "7efff54f-a5b4-42b5-a1c5-5411624893ce",
            "Disk Snapshot Contributor",
            (
                "Microsoft.Authorization/*/read",
                "Microsoft.Compute/snapshots/delete",
                "Microsoft.Compute/snapshots/write",
                "Microsoft.Compute/snapshots/read",
                "Microsoft.Compute/snapshots/beginGetAccess/action",
                "Microsoft.Compute/snapshots/endGetAccess/action",
                "Microsoft.Compute/disks/beginGetAccess/action",
                "Microsoft.Compute/locations/DiskOperations/read",
                "Microsoft.Resources/subscriptions/resourceGroups/read",
            ),
        ),
        RoleDefinition(
            "3e5e47e6-65f7-47ef-90b5-e5dd4d455f24",
            "Disk Backup Reader",
            (
                "Microsoft.Authorization/*/read",
                "Microsoft.Resources/subscriptions/resourceGroups/read",
                "Microsoft.Compute/disks/read",
                "Microsoft.Compute/disks/beginGetAccess/action",
            ),
        ),
        RoleDefinition(
            "9980e02c-c2be-4d73-94e8-173b1dc7cf3c",
            "Virtual Machine Contributor",
            (
                "Microsoft.Authorization/*/read",
                "Microsoft.Compute/availabilitySets/*",
                "Microsoft.Compute/locations/*",
                "Microsoft.Compute/virtualMachines/*",
                "Microsoft.Compute/virtualMachineScaleSets/*",
                "Microsoft.Compute/disks/write",
                "Microsoft.Compute/disks/read",
                "Microsoft.Compute/disks/delete",
                "Microsoft.Network/networkInterfaces/*",
                "Microsoft.Network/networkSecurityGroups/join/action",
                "Microsoft.Network/networkSecurityGroups/read",
                "Microsoft.Resources/deployments/*",
                "Microsoft.Resources/subscriptions/resourceGroups/read",
            ),
        ),
        RoleDefinition(
            "4d97b98b-1d4f-4787-a291-c67834d212e7",
            "Network Contributor",
            (
                "Microsoft.Authorization/*/read",
                "Microsoft.Insights/alertRules/*",
                "Microsoft.Network/*",
                "Microsoft.ResourceHealth/availabilityStatuses/read",
                "Microsoft.Resources/deployments/*",
                "Microsoft.Resources/subscriptions/resourceGroups/read",
            ),
        ),
        RoleDefinition(
            "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9",
            "User Access Administrator",
            ("*/read", "Microsoft.Authorization/*"),
        ),
        RoleDefinition(
            "73c42c96-874c-492b-b04d-ab87d138a893",
            "Log Analytics Reader",
            ("*/read", "Microsoft.OperationalInsights/workspaces/analytics/query/action"),
            ("Microsoft.OperationalInsights/workspaces/sharedKeys/read",),
        ),
        RoleDefinition(
            "92aaf0da-9dab-42b6-94a3-d43ce8d16293",
            "Log Analytics Contributor",
            (
                "*/read",
                "Microsoft.Insights/diagnosticSettings/*",
                "Microsoft.OperationalInsights/*",
                "Microsoft.OperationsManagement/*",
                "Microsoft.Resources/deployments/*",
            ),
        ),
        RoleDefinition(
            "43d0d8ad-25c7-4714-9337-8ba259a9fe05",
            "Monitoring Reader",
            ("*/read", "Microsoft.OperationalInsights/workspaces/search/action"),
        ),
        RoleDefinition(
            "3913510d-42f4-4e42-8a64-420c390055eb",
            "Monitoring Metrics Publisher",
            (
                "Microsoft.Insights/Register/Action",
                "Microsoft.Resources/subscriptions/resourceGroups/read",
            ),
            data_actions=("Microsoft.Insights/Metrics/Write", "Microsoft.Insights/Telemetry/Write"),
        ),
        RoleDefinition(
            "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
            "Storage Blob Data Reader",
            (
                "Microsoft.Storage/storageAccounts/blobServices/containers/read",
                "Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action",
            ),
            data_actions=("Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read",),
        ),
        RoleDefinition(
            "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
            "Storage Blob Data Contributor",
            (
                "Microsoft.Storage/storageAccounts/blobServices/containers/delete",
                "Microsoft.Storage/storageAccounts/blobServices/containers/read",
                "Microsoft.Storage/storageAccounts/blobServices/containers/write",
                "Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action",
            ),
            data_actions=(
                "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/delete",
                "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read",
                "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write",
                "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/move/action",
                "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/add/action",
            ),
        ),
    )
}
"""By lower-case name."""


def assigned(assignments: Iterable[RoleAssignment], principal_id: str, scope: str) -> list[RoleDefinition]:
    """The roles that a principal has at a scope: given there or above it."""
    return [
        ROLES[assignment.role.lower()]
        for assignment in assignments
        if assignment.principal_id.lower() == principal_id.lower() and covers(assignment.scope, scope)
    ]


def covers(scope: str, path: str) -> bool:
    """Whether a path is at or below a scope, segment by segment and without case."""
    upper, lower = scope.strip("/").lower().split("/"), path.strip("/").lower().split("/")
    return upper == [""] or lower[: len(upper)] == upper


@lru_cache(maxsize=4096)
def _pattern(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in pattern.split("*")), re.IGNORECASE)


def _matches(pattern: str, action: str) -> bool:
    return _pattern(pattern).fullmatch(action) is not None
