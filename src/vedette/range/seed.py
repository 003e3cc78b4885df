"""What a fake tenant starts with: a seed document (JSON-like), or the small organisation that ships."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from vedette.core.errors import InvalidInput, not_found
from vedette.range.roles import ROLES
from vedette.range.state import (
    Application,
    ClientSecret,
    Directory,
    FakeTenant,
    ResourceGroup,
    RoleAssignment,
    SentinelWorkspace,
    Subscription,
    User,
)

_GUID: Final = r"^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$"

CONTOSO: Final[dict[str, Any]] = {
    "directories": [
        {
            "id": "7c1e6f0a-2b1d-4c55-9a51-0f6f2f0f3a11",
            "display_name": "Contoso",
            "domain": "contoso.example",
            "applications": [
                {
                    "client_id": "11111111-2222-4333-8444-555555555555",
                    "object_id": "5d0b9e6a-7a0c-4f2e-8e0d-1a2b3c4d5e6f",
                    "display_name": "Vedette Security Detections",
                    "secrets": [{"value": "range-secret-1", "description": "Detection alerts integration"}],
                }
            ],
            "users": [
                {
                    "object_id": "2046feea-040d-4a46-9e2b-91c2941bfa70",
                    "display_name": "Megan Bowen",
                    "user_principal_name": "megan@contoso.example",
                    "email": "megan.bowen@contoso.example",
                }
            ],
        }
    ],
    "subscriptions": [
        {
            "id": "3f0d3c52-6d1a-4a7e-8f53-9d6c1c2b7e10",
            "tenant_id": "7c1e6f0a-2b1d-4c55-9a51-0f6f2f0f3a11",
            "display_name": "Contoso Security",
            "resource_groups": [{"name": "rg-sec-prod", "workspaces": [{"name": "law-sec-prod"}]}],
            "role_assignments": [
                {
                    "principal": "11111111-2222-4333-8444-555555555555",
                    "role": "Microsoft Sentinel Responder",
                    "scope": "/subscriptions/3f0d3c52-6d1a-4a7e-8f53-9d6c1c2b7e10/resourceGroups/rg-sec-prod"
                    "/providers/Microsoft.OperationalInsights/workspaces/law-sec-prod",
                }
            ],
        }
    ],
}
"""One directory, one application with one secret, one workspace on which it is a Microsoft Sentinel Responder."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", str_min_length=1)


class _Secret(_Part):
    value: str
    expires: AwareDatetime | None = None
    """None: 90 days from the start, as the setup guide recommends."""
    description: str = Field(default="client secret")


class _Application(_Part):
    client_id: str = Field(pattern=_GUID)
    object_id: str | None = Field(default=None, pattern=_GUID)
    display_name: str
    secrets: list[_Secret] = []
    enabled: bool = True
    app_roles: list[str] = []


class _User(_Part):
    object_id: str = Field(pattern=_GUID)
    display_name: str
    user_principal_name: str
    email: str | None = None


class _Directory(_Part):
    id: str = Field(pattern=_GUID)
    display_name: str
    domain: str
    applications: list[_Application] = []
    users: list[_User] = []


class _Workspace(_Part):
    name: str
    onboarded: bool = True


class _ResourceGroup(_Part):
    name: str
    workspaces: list[_Workspace] = []


class _RoleAssignment(_Part):
    principal: str
    """Client id or object id of an application, or object id of a user."""
    role: str
    scope: str


class _Subscription(_Part):
    id: str = Field(pattern=_GUID)
    tenant_id: str = Field(pattern=_GUID)
    display_name: str = "Azure subscription 1"
    resource_groups: list[_ResourceGroup] = []
    role_assignments: list[_RoleAssignment] = []


class _Seed(_Part):
    directories: list[_Directory] = []
    subscriptions: list[_Subscription] = []


def plant(tenant: FakeTenant, document: Mapping[str, Any]) -> None:
    """Add everything that a seed document describes.

    `InvalidInput` says where the document is wrong; then nothing is added.
    """
    try:
        seed = _Seed.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InvalidInput(f"The seed is not valid at '{where}': {first['msg']}.", target=where) from None
    directories = [_directory(tenant, part) for part in seed.directories]
    known = [*tenant.directories, *directories]
    subscriptions = [_subscription(part, known) for part in seed.subscriptions]
    with tenant.lock:
        tenant.directories.extend(directories)
        tenant.subscriptions.extend(subscriptions)


def _directory(tenant: FakeTenant, part: _Directory) -> Directory:
    default_expiry = tenant.clock.now() + timedelta(days=90)
    return Directory(
        id=part.id,
        display_name=part.display_name,
        domain=part.domain,
        applications=[
            Application(
                client_id=app.client_id,
                display_name=app.display_name,
                object_id=app.object_id or tenant.ids(),
                secrets=[
                    ClientSecret(entry.value, entry.expires or default_expiry, entry.description, tenant.ids())
                    for entry in app.secrets
                ],
                enabled=app.enabled,
                app_roles=app.app_roles,
            )
            for app in part.applications
        ],
        users=[User(user.object_id, user.display_name, user.user_principal_name, user.email) for user in part.users],
    )


def _subscription(part: _Subscription, directories: list[Directory]) -> Subscription:
    directory = next((entry for entry in directories if entry.id.lower() == part.tenant_id.lower()), None)
    if directory is None:
        raise InvalidInput(
            f"The subscription {part.id} trusts the directory {part.tenant_id}, which is not in the seed."
        )
    return Subscription(
        id=part.id,
        tenant_id=part.tenant_id,
        display_name=part.display_name,
        resource_groups=[
            ResourceGroup(group.name, [SentinelWorkspace(entry.name, entry.onboarded) for entry in group.workspaces])
            for group in part.resource_groups
        ],
        role_assignments=[
            RoleAssignment(_principal(entry.principal, directory), _role(entry.role), entry.scope)
            for entry in part.role_assignments
        ],
    )


def _principal(text: str, directory: Directory) -> str:
    app = directory.application(text)
    return app.object_id if app else text


def _role(name: str) -> str:
    role = ROLES.get(name.lower())
    if role is None:
        raise not_found("built-in role", name, [known.name for known in ROLES.values()])
    return role.name
