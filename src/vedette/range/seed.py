"""What a fake tenant starts with: a seed document (JSON-like), or the small organisation that ships."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from vedette.core.errors import InvalidInput, not_found
from vedette.core.files import read_whole
from vedette.range import blobs, planting
from vedette.range.certificates import read_certificate
from vedette.range.contoso import CONTOSO as CONTOSO
from vedette.range.graph import planting as graph_planting
from vedette.range.roles import ROLES
from vedette.range.servicenow import planting as servicenow
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
    certificates: list[str] = []
    """Certificates in PEM."""
    owners: list[str] = []


class _User(_Part):
    object_id: str = Field(pattern=_GUID)
    display_name: str
    user_principal_name: str
    email: str | None = None
    properties: dict[str, Any] = {}


class _Directory(_Part):
    id: str = Field(pattern=_GUID)
    display_name: str
    domain: str
    applications: list[_Application] = []
    users: list[_User] = []
    graph: dict[str, list[dict[str, Any]] | dict[str, Any]] = {}
    """Microsoft Graph's resources by the path of their collection (`security/alerts_v2`): a list, or a recorded answer."""


class _Workspace(_Part):
    name: str
    onboarded: bool = True
    customer_id: str | None = Field(default=None, pattern=_GUID)
    location: str = "westeurope"
    incidents: list[dict[str, Any]] = []
    """As Azure Resource Manager shows them."""
    tables: dict[str, list[dict[str, Any]]] = {}
    """Rows of log tables."""
    comments: dict[str, list[dict[str, Any]]] = {}
    """Comments by the incident's name."""
    entities: list[dict[str, Any]] = []
    """Entities and alerts as Azure Resource Manager shows them."""
    related: dict[str, list[str]] = {}
    """Names of an incident's entities and bookmarks, by the incident's name."""
    resources: dict[str, list[dict[str, Any]]] = {}
    """Other resources of Microsoft.SecurityInsights by family: `alertRules`, `automationRules`, `bookmarks`, `watchlists`."""


class _ResourceGroup(_Part):
    name: str
    workspaces: list[_Workspace] = []


class _RoleAssignment(_Part):
    principal: str
    """Client id or object id of an application, or object id of a user."""
    role: str
    scope: str


class _DataCollectionRule(_Part):
    immutable_id: str = Field(pattern=r"^dcr-[0-9a-f]{32}$")
    workspace: str
    """Name of the workspace that the rows go to."""
    streams: dict[str, str]
    """Stream → table."""
    scope: str | None = None
    """The rule's id in Azure Resource Manager; None: the subscription."""


class _StorageAccount(_Part):
    name: str = Field(pattern=r"^[a-z0-9]{3,24}$")
    resource_group: str
    containers: dict[str, dict[str, str]] = {}
    """Texts of append blobs by container and name."""


class _Subscription(_Part):
    id: str = Field(pattern=_GUID)
    tenant_id: str = Field(pattern=_GUID)
    display_name: str = "Azure subscription 1"
    resource_groups: list[_ResourceGroup] = []
    role_assignments: list[_RoleAssignment] = []
    resources: list[dict[str, Any]] = []
    """Resources as Azure Resource Manager shows them, each with its `id`."""
    activity: list[dict[str, Any]] = []
    """Events of the activity log."""
    data_collection_rules: list[_DataCollectionRule] = []
    storage_accounts: list[_StorageAccount] = []


class _ServiceNowUser(_Part):
    name: str
    password: str
    roles: list[str] = ["itil"]


class _ServiceNowClient(_Part):
    client_id: str
    client_secret: str
    user: str


class _ServiceNow(_Part):
    users: list[_ServiceNowUser] = []
    clients: list[_ServiceNowClient] = []
    tables: dict[str, list[dict[str, Any]]] = {}


class _Seed(_Part):
    directories: list[_Directory] = []
    subscriptions: list[_Subscription] = []
    servicenow: _ServiceNow | None = None
    token_lifetime: int | None = Field(default=None, ge=1)
    operation_seconds: float | None = Field(default=None, ge=0)
    graph_limits: dict[str, int] = {}


def plant(tenant: FakeTenant, document: Mapping[str, Any]) -> None:
    """Add everything that a seed document describes.

    `InvalidInput` says where the document is wrong; then nothing is added.
    """
    try:
        seed = _Seed.model_validate(copy.deepcopy(dict(document)))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InvalidInput(f"The seed is not valid at '{where}': {first['msg']}.", target=where) from None
    # On a tenant that nobody sees first: what is wrong further down must not leave half a seed behind.
    trial = FakeTenant(tenant.clock)
    trial.directories = list(tenant.directories)
    _plant(trial, seed)
    with tenant.lock:
        _plant(tenant, seed)


def _plant(tenant: FakeTenant, seed: _Seed) -> None:
    directories = [_directory(tenant, part) for part in seed.directories]
    known = [*tenant.directories, *directories]
    subscriptions = [_subscription(part, known, tenant) for part in seed.subscriptions]
    tenant.directories.extend(directories)
    tenant.subscriptions.extend(subscriptions)
    for given, directory in zip(seed.directories, directories, strict=True):
        for path, content in given.graph.items():
            graph_planting.plant(tenant, directory, path, content)
    for part, subscription in zip(seed.subscriptions, subscriptions, strict=True):
        _plant_subscription(tenant, part, subscription)
    if seed.servicenow is not None:
        servicenow.plant(tenant, seed.servicenow.model_dump())
    if seed.token_lifetime is not None:
        tenant.token_lifetime = seed.token_lifetime
    if seed.operation_seconds is not None:
        tenant.operation_seconds = seed.operation_seconds
    tenant.graph_limits.update(seed.graph_limits)


MAX_SEED: Final = 256 * 1024 * 1024
"""Bytes of a seed file."""


def read_seed(path: Path) -> dict[str, Any]:
    """A seed document of a JSON or YAML file. `InvalidInput` says why it is none."""
    try:
        text = read_whole(path, MAX_SEED).decode()
    except UnicodeDecodeError as error:
        raise InvalidInput(
            f"The seed {path} cannot be read: byte {error.start + 1} is not UTF-8.", file=str(path)
        ) from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InvalidInput(f"The seed {path} cannot be read: {reason}.", file=str(path)) from error
    try:
        document = json.loads(text) if path.suffix.lower() == ".json" else yaml.load(text, Loader=_SeedLoader)  # noqa: S506
    except (ValueError, yaml.YAMLError) as error:
        raise InvalidInput(f"The seed {path} cannot be read: {error}.", file=str(path)) from error
    if not isinstance(document, dict):
        raise InvalidInput(f"The seed {path} is not an object with 'directories' and 'subscriptions'.", file=str(path))
    return document


class _SeedLoader(yaml.SafeLoader):
    """YAML whose times stay text, as on the wire."""


_SeedLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _plant_subscription(tenant: FakeTenant, part: _Subscription, subscription: Subscription) -> None:
    for resource in part.resources:
        identity = resource.get("id", resource.get("Id"))  # exports of Defender for Cloud spell it both ways
        if not isinstance(identity, str) or not identity.lower().startswith(
            f"/subscriptions/{subscription.id.lower()}/"
        ):
            raise InvalidInput(f"A resource of the subscription {subscription.id} has the id {identity!r}.")
        tenant.documents.of("arm", subscription.id).put(identity, resource)
        parts = identity.split("/")
        if len(parts) > 4 and parts[3].lower() == "resourcegroups" and subscription.resource_group(parts[4]) is None:
            subscription.resource_groups.append(ResourceGroup(parts[4]))
    for event in part.activity:
        name = str(event.get("eventDataId") or event.get("id") or tenant.ids())
        tenant.documents.of("activity", subscription.id).put(name, event)
    for account in part.storage_accounts:
        blobs.plant(tenant, subscription.id, account.model_dump())
    for rule in part.data_collection_rules:
        found = [
            each for group in subscription.resource_groups for each in group.workspaces
            if each.name.lower() == rule.workspace.lower()
        ]  # fmt: skip
        if not found:
            raise InvalidInput(f"The data collection rule {rule.immutable_id} writes to no workspace of the seed.")
        scope = rule.scope or f"/subscriptions/{subscription.id}"
        document = {"subscription": subscription.id, "scope": scope, "streams": rule.streams}
        tenant.documents.of("rules").put(rule.immutable_id, {**document, "workspace": found[0].customer_id})
    for group_part, group in zip(part.resource_groups, subscription.resource_groups, strict=False):
        for given, workspace in zip(group_part.workspaces, group.workspaces, strict=True):
            base = (
                f"/subscriptions/{subscription.id}/resourceGroups/{group.name}/providers/Microsoft.OperationalInsights"
                f"/workspaces/{workspace.name}/providers/Microsoft.SecurityInsights"
            )
            for incident in given.incidents:
                planting.plant_incident(tenant, workspace, incident)
            for name, comments in given.comments.items():
                planting.plant_comments(tenant, workspace, name, comments)
            for family, documents in {**given.resources, "entities": given.entities}.items():
                planting.plant_insights(tenant, workspace, base, family, documents)
            for name, related in given.related.items():
                planting.plant_relations(tenant, workspace, base, name, related)
            for table, rows in given.tables.items():
                planting.plant_rows(tenant, workspace.customer_id, table, rows)


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
                certificates=[read_certificate(tenant, pem) for pem in app.certificates],
                owners=app.owners,
            )
            for app in part.applications
        ],
        users=[
            User(user.object_id, user.display_name, user.user_principal_name, user.email, user.properties)
            for user in part.users
        ],
    )


def _subscription(part: _Subscription, directories: list[Directory], tenant: FakeTenant) -> Subscription:
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
            ResourceGroup(
                group.name,
                [
                    SentinelWorkspace(
                        entry.name,
                        entry.onboarded,
                        customer_id=entry.customer_id or tenant.ids(),
                        location=entry.location,
                    )
                    for entry in group.workspaces
                ],
            )
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
