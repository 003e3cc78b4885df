"""The registry of what Azure Resource Manager can be asked for: resource type and method → a function.

A resource module registers its functions with `@operation`; importing it in `gateway` is its line of registration.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from vedette.range.arm.path import ArmPath
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
    versions: frozenset[str]


_OPERATIONS: Final[dict[tuple[str, str, bool], Operation]] = {}
_TYPES: Final[dict[str, frozenset[str]]] = {}


def operation(
    method: str, resource_type: str, *, collection: bool, action: str, versions: frozenset[str]
) -> Callable[[Handler], Handler]:
    """Register a function for a method on a resource type such as `Microsoft.SecurityInsights/incidents`.

    `collection`: the path ends with the type and names no resource. `action` is the action's last word.
    """

    def register(handler: Handler) -> Handler:
        entry = Operation(f"{resource_type}/{action}", handler, versions)
        _OPERATIONS[(method, resource_type.lower(), collection)] = entry
        _TYPES[resource_type.lower()] = versions
        return handler

    return register


def find(method: str, resource_type: str, collection: bool) -> Operation | None:
    """The operation, or None."""
    return _OPERATIONS.get((method, resource_type.lower(), collection))


def versions_of(resource_type: str) -> frozenset[str] | None:
    """The api-versions of a resource type, or None if nothing of that type is served."""
    return _TYPES.get(resource_type.lower())


def methods_of(resource_type: str, collection: bool) -> list[str]:
    """Methods that are served for a type."""
    return sorted(method for method, kind, many in _OPERATIONS if kind == resource_type.lower() and many == collection)
