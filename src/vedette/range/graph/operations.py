"""The registry of what Microsoft Graph can be asked for: method and path → a function.

A family's module registers its functions with `@graph`; importing it in `gateway` is its line of registration.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from vedette.range.documents import Collection
from vedette.range.graph.errors import Area, bad_request
from vedette.range.state import Directory, FakeTenant
from vedette.range.tokens import Caller


@dataclass(frozen=True, slots=True)
class GraphRequest:
    """A request after the gateway has let it in."""

    tenant: FakeTenant
    directory: Directory
    caller: Caller
    names: Mapping[str, str]
    """What stands in the path at `{name}`."""
    query: Mapping[str, str]
    """Query parameters by lower-case name, without the `$`."""
    prefer: str
    consistency: str
    """The header `ConsistencyLevel`, in small letters."""
    body: Any
    origin: str
    """`https://host:port`, for links."""
    version: str
    path: str
    """The path below the version, as it was asked for."""
    counting: bool = False
    """The path ends in `/$count`: what is asked for is a number."""

    def collection(self, path: str) -> Collection:
        """The directory's documents at a path such as `security/alerts_v2`."""
        return self.tenant.documents.of("graph", self.directory.id, path)

    @property
    def context(self) -> str:
        """The start of every `@odata.context`."""
        return f"https://graph.microsoft.com/{self.version}/$metadata#"

    def document(self) -> dict[str, Any]:
        """The body, which has to be an object."""
        if not isinstance(self.body, dict):
            raise bad_request(
                "Empty Payload. JSON content expected." if self.body is None else "An object is expected."
            )
        return self.body


@dataclass(frozen=True, slots=True)
class GraphResponse:
    """An answer; `body` None means no content."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[GraphRequest], GraphResponse]


@dataclass(frozen=True, slots=True)
class Operation:
    """A function and the application permissions of which one is needed (`A+B`: both)."""

    segments: tuple[str, ...]
    permissions: tuple[str, ...]
    area: Area
    handler: Handler


_OPERATIONS: Final[dict[tuple[str, int], list[Operation]]] = {}


def graph(method: str, path: str, *, permissions: tuple[str, ...], area: Area) -> Callable[[Handler], Handler]:
    """Register a function for a method and a path such as `/security/alerts_v2/{id}` (below `/v1.0` and `/beta`)."""
    segments = tuple(path.strip("/").split("/"))

    def register(handler: Handler) -> Handler:
        _OPERATIONS.setdefault((method, len(segments)), []).append(Operation(segments, permissions, area, handler))
        return handler

    return register


def find(method: str, segments: list[str]) -> tuple[Operation, dict[str, str]] | None:
    """The operation and the names in its path, or None. A segment that is spelled out wins over a name."""
    best: tuple[int, Operation, dict[str, str]] | None = None
    for operation in _OPERATIONS.get((method, len(segments)), ()):
        names: dict[str, str] = {}
        for pattern, segment in zip(operation.segments, segments, strict=True):
            if pattern.startswith("{"):
                names[pattern[1:-1]] = segment
            elif pattern.lower() != segment.lower():
                break
        else:
            if best is None or len(names) < best[0]:
                best = (len(names), operation, names)
    return best and (best[1], best[2])


def methods_of(segments: list[str]) -> list[str]:
    """Methods that are served at a path."""
    methods = {method for method, count in _OPERATIONS if count == len(segments)}
    return sorted(method for method in methods if find(method, segments))


def covered(permissions: tuple[str, ...], granted: frozenset[str]) -> bool:
    """Whether one of the alternatives is granted in full."""
    return not permissions or any(set(alternative.split("+")) <= granted for alternative in permissions)


def known_permissions() -> list[str]:
    """Every application permission that some operation asks for."""
    names = {
        name
        for operations in _OPERATIONS.values()
        for operation in operations
        for alternative in operation.permissions
        for name in alternative.split("+")
    }
    return sorted(names)
