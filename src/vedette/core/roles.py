"""Roles, permissions and principals: who may do what in which workspace.

The roles are Microsoft Sentinel's (learn.microsoft.com/azure/sentinel/roles) with an administrator on top, who has what
the Owner of the workspace's resource group has in Azure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Literal

from vedette.core.errors import Forbidden

EVERYWHERE: Final = "*"
"""Stands for every workspace, and for what belongs to none: identities, settings, the audit trail."""


class Permission(StrEnum):
    """What can be allowed: a kind of thing, and what is done to it.

    To read secrets means to see their names; no permission shows their values. Who may write identities may make an
    administrator, and is as good as one.
    """

    QUERY = "query/run"
    INCIDENTS_READ = "incidents/read"
    INCIDENTS_WRITE = "incidents/write"
    RULES_READ = "rules/read"
    RULES_WRITE = "rules/write"
    DATA_WRITE = "data/write"
    DATA_INGEST = "data/ingest"
    DATA_PURGE = "data/purge"
    CONTENT_READ = "content/read"
    CONTENT_WRITE = "content/write"
    DESTINATIONS_READ = "destinations/read"
    DESTINATIONS_WRITE = "destinations/write"
    CONNECTORS_READ = "connectors/read"
    CONNECTORS_WRITE = "connectors/write"
    PLAYBOOKS_READ = "playbooks/read"
    PLAYBOOKS_RUN = "playbooks/run"
    PLAYBOOKS_WRITE = "playbooks/write"
    WORKSPACES_WRITE = "workspaces/write"
    SECRETS_READ = "secrets/read"
    SECRETS_WRITE = "secrets/write"
    IDENTITY_READ = "identity/read"
    IDENTITY_WRITE = "identity/write"
    AUDIT_READ = "audit/read"
    SETTINGS_WRITE = "settings/write"


class Role(StrEnum):
    """A set of permissions that is granted in one workspace or everywhere."""

    READER = "Reader"
    RESPONDER = "Responder"
    CONTRIBUTOR = "Contributor"
    PLAYBOOK_OPERATOR = "PlaybookOperator"
    ADMINISTRATOR = "Administrator"


_READER: Final = frozenset(
    {
        Permission.QUERY,
        Permission.INCIDENTS_READ,
        Permission.RULES_READ,
        Permission.CONTENT_READ,
        Permission.DESTINATIONS_READ,
        Permission.CONNECTORS_READ,
        Permission.PLAYBOOKS_READ,
    }
)
_RESPONDER: Final = _READER | {Permission.INCIDENTS_WRITE}
_CONTRIBUTOR: Final = _RESPONDER | {
    Permission.RULES_WRITE,
    Permission.DATA_WRITE,
    Permission.DATA_INGEST,
    Permission.CONTENT_WRITE,
    Permission.DESTINATIONS_WRITE,
    Permission.CONNECTORS_WRITE,
    Permission.PLAYBOOKS_WRITE,
    Permission.SECRETS_READ,
    Permission.SECRETS_WRITE,
}

ROLE_PERMISSIONS: Final[Mapping[Role, frozenset[Permission]]] = {
    Role.READER: _READER,
    Role.RESPONDER: _RESPONDER,
    Role.CONTRIBUTOR: _CONTRIBUTOR,
    Role.PLAYBOOK_OPERATOR: frozenset({Permission.PLAYBOOKS_READ, Permission.PLAYBOOKS_RUN}),
    Role.ADMINISTRATOR: frozenset(Permission),
}

PrincipalKind = Literal["user", "client", "local", "system", "automation"]


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody who was authenticated, with the rights that the credential carries.

    `kind` is a user, an API client, the local operator (the owner of the data directory), the system itself or an automation
    rule.
    `roles_by_workspace` maps workspace ids, or `EVERYWHERE`, to roles. A scope that is not None limits what the roles
    allow; it never adds to them. `credential` says by what it was authenticated (`token:ID`, `session:ID`, `local`).
    """

    id: str
    kind: PrincipalKind
    name: str
    display_name: str
    roles_by_workspace: Mapping[str, frozenset[Role]] = field(default_factory=dict)
    scope_permissions: frozenset[Permission] | None = None
    scope_workspaces: frozenset[str] | None = None
    credential: str = "local"

    def permissions(self, workspace_id: str) -> frozenset[Permission]:
        """What is allowed in a workspace, or, with `EVERYWHERE`, in all of them and outside of them."""
        if self.scope_workspaces is not None and workspace_id not in self.scope_workspaces:
            return frozenset()
        roles = self.roles_by_workspace.get(EVERYWHERE, frozenset()) | self.roles_by_workspace.get(
            workspace_id, frozenset()
        )
        allowed = frozenset[Permission]().union(*(ROLE_PERMISSIONS[role] for role in roles))
        return allowed if self.scope_permissions is None else allowed & self.scope_permissions

    def allows(self, workspace_id: str, permission: Permission) -> bool:
        """Whether the permission is there."""
        return permission in self.permissions(workspace_id)

    def may_see(self, workspace_id: str) -> bool:
        """Whether anything at all is allowed in the workspace; if not, it does not exist for this principal."""
        return bool(self.permissions(workspace_id))

    def require(self, workspace_id: str, permission: Permission) -> None:
        """Return if the permission is there; `Forbidden`, which names it and the roles that have it, if not."""
        if self.allows(workspace_id, permission):
            return
        place = "for the whole installation" if workspace_id == EVERYWHERE else "in this workspace"
        roles = [role.value for role, allowed in ROLE_PERMISSIONS.items() if permission in allowed]
        limited = self.scope_permissions is not None or self.scope_workspaces is not None
        hint = (
            f"The role{'s' if len(roles) > 1 else ''} {', '.join(roles)} {'have' if len(roles) > 1 else 'has'} it; "
            "an administrator can grant one."
        )
        if limited:
            hint = f"The token that was used is limited in scope. {hint}"
        raise Forbidden(
            f"'{self.name}' does not have the permission {permission} {place}.", permission=permission, hint=hint
        )


SYSTEM: Final = Principal(
    id="00000000-0000-0000-0000-000000000000",
    kind="system",
    name="system",
    display_name="Vedette",
    roles_by_workspace={EVERYWHERE: frozenset({Role.ADMINISTRATOR})},
    credential="system",
)
"""What acts when nobody asked: schedules, migrations, the first start."""
