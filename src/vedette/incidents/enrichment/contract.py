"""What an enrichment is: a look-up that tells what a workspace knows of the entities of an incident."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from vedette.core.clock import Clock
from vedette.core.database import State
from vedette.core.roles import Permission
from vedette.detect.entities.entity import Entity
from vedette.incidents.logs import Logs
from vedette.incidents.models import AlertRow


@dataclass(frozen=True, slots=True)
class Subject:
    """An incident whose entities are asked about."""

    workspace_id: str
    number: int
    entities: Mapping[str, Entity]
    """By their ids within the incident."""
    alerts: Sequence[AlertRow]


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that is known of an entity; None: of the incident."""

    entity_id: str | None
    title: str
    properties: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Found:
    """What a look-up brought: facts, the most telling first. `more`: there are others. `reason`: why there are none."""

    facts: Sequence[Fact] = ()
    more: bool = False
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Workbench:
    """What look-ups work with. `tables`: those with rows, when the incident was begun with; `seconds`: what is left of the time."""

    state: State
    clock: Clock
    logs: Logs
    tables: frozenset[str]
    seconds: float


class Enrichment(Protocol):
    """One look-up: a file in `units`, and a line in the registry where it is no query."""

    @property
    def id(self) -> str:
        """Short; the setting that switches enrichments off names it."""
        ...

    @property
    def title(self) -> str:
        """What it is called where its facts are shown."""
        ...

    @property
    def kinds(self) -> frozenset[str]:
        """The types of entities that it knows something of."""
        ...

    @property
    def right(self) -> Permission:
        """What somebody must be allowed in the workspace to see its facts, besides reading incidents."""
        ...

    @property
    def rows(self) -> int:
        """Facts that are kept of it at most."""
        ...

    @property
    def bytes(self) -> int:
        """Bytes of facts, as JSON, that are kept of it at most."""
        ...

    def look_up(self, subject: Subject, bench: Workbench) -> Found:
        """Look; at most `seconds` of the workbench, and its own limit. Raises `KqlError`, `QueryFailed` or `VedetteError`."""
        ...
