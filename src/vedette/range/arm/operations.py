"""The registry of what Azure Resource Manager can be asked for: resource type and method → a function.

A resource module registers its functions with `@operation`; importing it in `gateway` is its line of registration.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from vedette.range.arm.errors import bad_request
from vedette.range.arm.path import ArmPath
from vedette.range.arm.versions import Versions
from vedette.range.documents import Collection
from vedette.range.state import Directory, FakeTenant, ResourceGroup, SentinelWorkspace, Subscription
from vedette.range.tokens import Caller


@dataclass(frozen=True, slots=True)
class ArmRequest:
    """A request after the gateway has let it in."""

    tenant: FakeTenant
    directory: Directory
    caller: Caller
    subscription: Subscription
    resource_group: ResourceGroup | None
    workspace: SentinelWorkspace | None
    path: ArmPath
    names: tuple[str, ...]
    """Names in the last provider part, as typed."""
    query: Mapping[str, str]
    """Query parameters by lower-case name."""
    api_version: str
    if_match: str | None
    body: Any
    origin: str
    """`https://host:port`, for links."""

    @property
    def base(self) -> str:
        """The path of the workspace's Microsoft.SecurityInsights provider, with the names as Azure has them."""
        assert self.resource_group is not None
        assert self.workspace is not None
        return (
            f"/subscriptions/{self.subscription.id}/resourceGroups/{self.resource_group.name}/providers"
            f"/Microsoft.OperationalInsights/workspaces/{self.workspace.name}/providers/Microsoft.SecurityInsights"
        )

    @property
    def store(self) -> Collection:
        """The subscription's resources by their whole ids, without case."""
        return self.tenant.documents.of("arm", self.subscription.id)

    def insights(self, family: str) -> Collection:
        """The workspace's resources of one family of Microsoft.SecurityInsights, by name."""
        assert self.workspace is not None
        return self.tenant.documents.of("insights", self.workspace.customer_id, family)

    @property
    def scope(self) -> str:
        """Where the resource is: the subscription's or the resource group's path, with the names as Azure has them."""
        path = f"/subscriptions/{self.subscription.id}"
        return path if self.resource_group is None else f"{path}/resourceGroups/{self.resource_group.name}"

    @property
    def path_base(self) -> str:
        """The path in front of the last provider part, with the resource group as Azure has it."""
        return self.scope + "".join(str(part) for part in self.path.providers[:-1])

    def properties(self) -> dict[str, Any]:
        """The body's `properties`, which have to be an object."""
        given = self.body.get("properties") if isinstance(self.body, dict) else None
        if not isinstance(given, dict):
            raise bad_request(
                "The request content was invalid: 'properties' is required.", code="InvalidRequestContent"
            )
        return given

    @property
    def person(self) -> dict[str, Any]:
        """The caller, as resources name who made or changed them."""
        app = self.directory.application(self.caller.client_id)
        name = app.display_name if app else None
        return {"objectId": self.caller.object_id, "email": None, "name": name}


@dataclass(frozen=True, slots=True)
class ArmResponse:
    """An answer; `body` None means no content."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[ArmRequest], ArmResponse]


@dataclass(frozen=True, slots=True)
class Operation:
    """A function and the action of Azure RBAC that it needs."""

    action: str
    handler: Handler
    versions: Versions


_OPERATIONS: Final[dict[tuple[str, str, bool], Operation]] = {}
_TYPES: Final[dict[str, Versions]] = {}


def operation(
    method: str, resource_type: str, *, collection: bool, action: str, versions: Versions, right: str | None = None
) -> Callable[[Handler], Handler]:
    """Register a function for a method on a resource type such as `Microsoft.SecurityInsights/incidents`.

    `collection`: the path ends with the type and names no resource. `action` is the action's last word; `right` is the whole
    action of Azure RBAC, where it is not the type's.
    """

    def register(handler: Handler) -> Handler:
        entry = Operation(right or f"{resource_type}/{action}", handler, versions)
        _OPERATIONS[(method, resource_type.lower(), collection)] = entry
        _TYPES[resource_type.lower()] = versions
        return handler

    return register


def find(method: str, resource_type: str, collection: bool) -> Operation | None:
    """The operation, or None."""
    return _OPERATIONS.get((method, resource_type.lower(), collection))


def versions_of(resource_type: str) -> Versions | None:
    """The api-versions of a resource type, or None if nothing of that type is served."""
    return _TYPES.get(resource_type.lower())


def methods_of(resource_type: str, collection: bool) -> list[str]:
    """Methods that are served for a type."""
    return sorted(method for method, kind, many in _OPERATIONS if kind == resource_type.lower() and many == collection)
