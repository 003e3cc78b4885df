"""The contract that every connector keeps.

A connector says what it is (its manifest), and fetches one page of one endpoint at a time. When to poll, cool-downs, repetition,
cursors, health and the log line are the runner's (`runner.py`), never the connector's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from vedette.core.checks import CheckReport
from vedette.core.errors import VedetteError
from vedette.core.forms import Form
from vedette.core.redaction import Secret


class Trouble(StrEnum):
    """Why a poll failed; decides when it is tried again."""

    THROTTLED = "throttled"
    """Too many requests: this endpoint cools down, the others go on."""
    FORBIDDEN = "forbidden"
    """A permission is missing: told once, tried again at each interval; the others go on."""
    UNAUTHORIZED = "unauthorized"
    """The credentials are not accepted."""
    GONE = "gone"
    """The service does not have this endpoint (any more)."""
    UNAVAILABLE = "unavailable"
    """The network, a time-out or the service's own failure."""


class PollFailure(VedetteError):
    """A poll that did not succeed. `retry_after`: seconds that the service asks to wait."""

    def __init__(
        self, message: str, trouble: Trouble, *, code: str = "VDT7100", hint: str | None = None,
        target: str | None = None, retry_after: float | None = None,
    ) -> None:  # fmt: skip
        super().__init__(message, code=code, hint=hint, target=target, status=502)
        self.trouble = trouble
        self.retry_after = retry_after


class Event(NamedTuple):
    """A row for a table. One with the same `record_id` as a row that is there already is not stored again."""

    table: str
    row: Mapping[str, Any]
    record_id: str


@dataclass(frozen=True, slots=True)
class Page:
    """What one request brought. `cursor` (JSON) is where to go on, also after a restart; `more`: at once."""

    events: list[Event]
    cursor: dict[str, Any]
    more: bool = False
    fetched: int = 0
    """How many new objects the service gave; an object may become several rows, in several tables."""
    unknown: Mapping[str, int] = field(default_factory=dict)
    """Forms of objects that are not known, with their counts: kept whole, and told."""
    warning: str | None = None
    stix: tuple[object, ...] = ()
    """Objects of threat intelligence, which are kept as such; they come again without harm."""
    source: str = ""
    """Whose objects they are."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One thing that is polled."""

    id: str
    title: str
    interval: timedelta
    tables: tuple[str, ...]
    permission: str
    about: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorManifest(Form):
    """Everything that is known of a connector without opening it."""

    id: str
    """Short and used in log lines, such as `azure-security`."""
    category: str
    endpoints: tuple[Endpoint, ...]
    vendor_docs: str
    prerequisites: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    """Hosts that have to be reachable on port 443."""
    source_fields: tuple[str, ...] = ()
    """Fields that say from where it is collected: when one of them changes, collecting begins anew."""

    @property
    def name(self) -> str:
        """The connector's dotted name."""
        return f"vedette.{self.id}"

    def endpoint(self, identity: str) -> Endpoint:
        """The endpoint of that id (KeyError if there is none)."""
        return {one.id: one for one in self.endpoints}[identity]

    def to_dict(self) -> dict[str, Any]:
        """The manifest as the console reads it."""
        return {
            "id": self.id,
            "name": self.name,
            "category": self.category,
            **Form.to_dict(self),
            "vendorDocs": self.vendor_docs,
            "prerequisites": list(self.prerequisites),
            "hosts": list(self.hosts),
            "endpoints": [
                {
                    "id": one.id, "title": one.title, "intervalSeconds": int(one.interval.total_seconds()),
                    "tables": list(one.tables), "permission": one.permission, "description": one.about,
                }
                for one in self.endpoints
            ],
        }  # fmt: skip


class Connection(Protocol):
    """An open connector. Its methods do network calls: never call them inside a transaction."""

    def poll(self, endpoint: str, cursor: Mapping[str, Any]) -> Page:
        """One page; `cursor` is empty at the first poll ever. Raises `PollFailure`."""
        ...

    def check(self) -> CheckReport:
        """Find out whether polls can succeed; what is missing is named."""
        ...

    def close(self) -> None:
        """Close connections."""
        ...


class ConnectorKind(Protocol):
    """A connector: one folder, one line in the registry, or an entry point of another package."""

    @property
    def manifest(self) -> ConnectorManifest:
        """What the connector is and which fields it needs."""
        ...

    def open(self, values: Mapping[str, str], secrets: Mapping[str, Secret]) -> Connection:
        """A connection with checked values; does no network call."""
        ...
