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
