"""What the fake tenant knows: directories with applications and users, subscriptions with workspaces, and roles.

Everything is in memory and may be read and changed by a test while the server runs; `FakeTenant.lock` is held by the
server for as long as it works on one request. Names and ids are compared without case, as Entra and ARM do.
"""

from __future__ import annotations

import random
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from vedette.core.clock import Clock
from vedette.core.ids import IdSource, new_id
from vedette.range.documents import Documents
from vedette.range.faults import Faults
from vedette.range.skew import SkewedClock


def timestamp(moment: datetime) -> str:
    """A moment as Azure writes it: UTC, no more digits than it has."""
    text = f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}".rstrip("0").rstrip(".")
    return f"{text}Z"


@dataclass(slots=True)
class ClientSecret:
    """A client secret of an application. Several may be valid at once: that is how they rotate."""

    value: str = field(repr=False)
    expires: datetime
    description: str = ""
    key_id: str = field(default_factory=new_id)
    created: datetime | None = None


@dataclass(slots=True)
class Certificate:
    """A certificate of an application, with which it signs its assertions."""

    pem: str = field(repr=False)
    expires: datetime
    created: datetime
    description: str = ""
    key_id: str = field(default_factory=new_id)


@dataclass(slots=True)
class Application:
    """An App Registration with its service principal (`object_id`)."""

    client_id: str
    display_name: str
    object_id: str = field(default_factory=new_id)
    secrets: list[ClientSecret] = field(default_factory=list)
    enabled: bool = True
    app_roles: list[str] = field(default_factory=list)
    """Application permissions with admin consent; they become the `roles` claim of a token."""
    certificates: list[Certificate] = field(default_factory=list)
    application_id: str = field(default_factory=new_id)
    """Object id of the App Registration itself."""
    owners: list[str] = field(default_factory=list)
    """Object ids of users."""
    properties: dict[str, Any] = field(default_factory=dict)
    """What else Graph tells of the application, with the wire's names."""
    principal_properties: dict[str, Any] = field(default_factory=dict)
    """What else Graph tells of its service principal."""


@dataclass(slots=True)
class User:
    """A user of the directory."""

    object_id: str
    display_name: str
    user_principal_name: str
    email: str | None = None
    properties: dict[str, Any] = field(default_factory=dict)
    """What else Graph tells of the user (`accountEnabled`, `signInSessionsValidFromDateTime`, …), with the wire's names."""


@dataclass(slots=True)
class Directory:
    """An Entra tenant."""

    id: str
    display_name: str
    domain: str
    applications: list[Application] = field(default_factory=list)
    users: list[User] = field(default_factory=list)

    def application(self, client_id: str) -> Application | None:
        """The application of that client id, or None."""
        return next((app for app in self.applications if app.client_id.lower() == client_id.lower()), None)

    def user(self, object_id: str) -> User | None:
        """The user of that object id, or None."""
        return next((user for user in self.users if user.object_id.lower() == object_id.lower()), None)


@dataclass(slots=True)
class Comment:
    """A comment on an incident."""

    name: str
    etag: str
    message: str
    created: datetime
    modified: datetime
    author: dict[str, str | None]


@dataclass(slots=True)
class Incident:
    """A Microsoft Sentinel incident. `properties` holds what a client may write, with the wire's names."""

    name: str
    number: int
    etag: str
    created: datetime
    modified: datetime
    properties: dict[str, Any]
    provider_name: str = "Azure Sentinel"
    provider_incident_id: str | None = None
    alert_product_names: list[str] = field(default_factory=list)
    tactics: list[str] = field(default_factory=list)
    techniques: list[str] = field(default_factory=list)
    alerts_count: int = 0
    related_analytic_rule_ids: list[str] = field(default_factory=list)
    comments: dict[str, Comment] = field(default_factory=dict)
    """By lower-case name, in the order in which they were written."""
    recorded: dict[str, Any] = field(default_factory=dict)
    """What a seed's document says besides: top-level fields, and under `properties` those that are computed otherwise."""


@dataclass(slots=True)
class SentinelWorkspace:
    """A Log Analytics workspace; `onboarded` says whether Microsoft Sentinel is enabled on it."""

    name: str
    onboarded: bool = True
    incidents: dict[str, Incident] = field(default_factory=dict)
    """By lower-case name."""
    next_incident_number: int = 1
    customer_id: str = field(default_factory=new_id)
    """The workspace's id as the query API and agents know it."""
    location: str = "westeurope"


@dataclass(slots=True)
class ResourceGroup:
    """A resource group."""

    name: str
    workspaces: list[SentinelWorkspace] = field(default_factory=list)

    def workspace(self, name: str) -> SentinelWorkspace | None:
        """The workspace of that name, or None."""
        return next((workspace for workspace in self.workspaces if workspace.name.lower() == name.lower()), None)


@dataclass(slots=True)
class RoleAssignment:
    """A role of Azure RBAC, given to a principal at a scope and everything below it."""

    principal_id: str
    role: str
    """Display name of a built-in role: see `vedette.range.roles`."""
    scope: str
    """`/subscriptions/…`, a resource group's path or a workspace's path."""


@dataclass(slots=True)
class Subscription:
    """An Azure subscription; it trusts one directory."""

    id: str
    tenant_id: str
    display_name: str = "Azure subscription 1"
    resource_groups: list[ResourceGroup] = field(default_factory=list)
    role_assignments: list[RoleAssignment] = field(default_factory=list)

    def resource_group(self, name: str) -> ResourceGroup | None:
        """The resource group of that name, or None."""
        return next((group for group in self.resource_groups if group.name.lower() == name.lower()), None)


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """A request that the server has answered. Headers that carry credentials are not kept."""

    at: datetime
    method: str
    path: str
    query: str
    status: int
    service: str = ""


@dataclass(slots=True)
class Throttle:
    """Requests per principal and subscription that Azure Resource Manager takes in an hour (documented limits)."""

    reads: int = 12_000
    writes: int = 1_200
    deletes: int = 15_000
    used: dict[tuple[str, str, str, int], int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LogTable:
    """What a query gives: columns with the query language's types, and rows as wire values."""

    name: str
    columns: list[tuple[str, str]]
    rows: list[list[Any]]
    partial: str | None = None
    """Why rows are missing, when a limit cut the result."""
    visualization: dict[str, Any] | None = None


class LogQueryError(Exception):
    """A query that cannot be answered: a syntax or a semantic error, or one of running it."""

    def __init__(
        self, kind: str, code: str, message: str, line: int | None = None, position: int | None = None
    ) -> None:
        self.kind = kind
        """`SyntaxError`, `SemanticError` or `EngineError`."""
        self.code = code
        self.line, self.position = line, position
        super().__init__(message)


class LogEngine(Protocol):
    """Tables of workspaces and queries over them; the room of the query language provides one."""

    def append(self, workspace_id: str, table: str, rows: list[dict[str, Any]]) -> None:
        """Add rows, JSON-like, to a table of a workspace; the table is made when it is not there."""
        ...

    def query(
        self,
        workspace_ids: Sequence[str],
        text: str,
        now: datetime,
        timespan: tuple[datetime, datetime] | None,
        seconds: float,
    ) -> list[LogTable]:
        """The tables that a query gives; of several workspaces, a table has the rows of all. Raises `LogQueryError`."""
        ...

    def forget(self) -> None:
        """Drop every table."""
        ...


class Storage(Protocol):
    """Where a tenant's state outlives its process."""

    def save(self, tenant: FakeTenant) -> None:
        """Keep what has changed since the last time."""
        ...


class FakeTenant:
    """All state of the range. `clock`, `ids` and `rng` make it repeatable."""

    def __init__(self, clock: Clock, *, ids: IdSource = new_id, rng: random.Random | None = None) -> None:
        self.clock = SkewedClock(clock)
        self.ids = ids
        self.rng = rng or random.Random()  # noqa: S311  (decides which requests fail, nothing secret)
        self.lock = threading.RLock()
        self.directories: list[Directory] = []
        self.subscriptions: list[Subscription] = []
        self.faults = Faults(self.rng)
        self.throttle = Throttle()
        self.requests: deque[RecordedRequest] = deque(maxlen=20_000)
        self.token_lifetime = 3599
        """Seconds for which an access token is valid."""
        self.documents = Documents()
        self.views: dict[Any, tuple[int, list[dict[str, Any]]]] = {}
        """Filtered and sorted rows of collections, by query; good for one version of a collection."""
        self.indexes: dict[Any, tuple[Any, Any]] = {}
        """Look-ups made of collections, with the version that they are good for."""
        self.graph_limits: dict[str, int] = {}
        """Requests a minute that a part of Graph takes from one application (`security`: Microsoft's is 150); none: no limit."""
        self.graph_used: dict[tuple[str, str, int], int] = {}
        self.operation_seconds = 0.0
        """How long a long-running operation of Azure Resource Manager takes, by the tenant's clock."""
        self.storage: Storage | None = None
        self.log_engine: LogEngine | None = None
        self.etag_count = 0x0300BF08

    def save(self) -> None:
        """Keep what has changed, where the tenant is kept in a file."""
        if self.storage is not None:
            self.storage.save(self)
        else:
            self.documents.changed.clear()

    def directory(self, tenant: str) -> Directory | None:
        """The directory of that id or domain, or None."""
        wanted = tenant.lower()
        return next((entry for entry in self.directories if wanted in (entry.id.lower(), entry.domain.lower())), None)

    def subscription(self, subscription_id: str) -> Subscription | None:
        """The subscription of that id, or None."""
        return next((entry for entry in self.subscriptions if entry.id.lower() == subscription_id.lower()), None)

    def workspaces(self) -> Iterator[tuple[Subscription, ResourceGroup, SentinelWorkspace]]:
        """Every workspace with where it is."""
        for subscription in self.subscriptions:
            for group in subscription.resource_groups:
                for workspace in group.workspaces:
                    yield subscription, group, workspace

    def workspace(self, name: str) -> SentinelWorkspace:
        """The workspace of that name, wherever it is (KeyError if there is none): for tests."""
        for _, _, workspace in self.workspaces():
            if workspace.name.lower() == name.lower():
                return workspace
        raise KeyError(name)

    def next_etag(self) -> str:
        """A new etag in the form that Sentinel's store makes, quotes included."""
        self.etag_count += 1
        return f'"{self.etag_count:08x}-0000-0d00-0000-{int(self.clock.now().timestamp()) & 0xFFFFFFFF:08x}0000"'
