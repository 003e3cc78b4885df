"""What the conditions of automation rules are asked about: an incident as it is now, and what has just changed of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from vedette.detect.entities.entity import Entity, resolved
from vedette.incidents.journal import IncidentState
from vedette.incidents.models import AlertRow, IncidentEntityRow, IncidentRow


class Source(StrEnum):
    """What an incident was updated by, as a condition on `IncidentUpdatedBySource` says it."""

    USER = "User"
    APPLICATION = "Application"
    ALERT_GROUPING = "AlertGrouping"
    PLAYBOOK = "Playbook"
    AUTOMATION_RULE = "AutomationRule"
    DEFENDER = "Microsoft365Defender"


class Facts:
    """One incident at the moment in which an event triggers rules. Alerts and entities are read when a condition asks for them."""

    def __init__(
        self,
        incident: IncidentRow,
        before: IncidentState | None,
        source: Source | None,
        alerts: Callable[[], Sequence[AlertRow]],
        entities: Callable[[], Sequence[IncidentEntityRow]],
    ) -> None:
        self.incident = incident
        self.before = before
        """The incident before the event; None where it is new."""
        self.after = None if before is None else IncidentState.of(incident)
        """The incident after the event, before any rule was applied; None where it is new."""
        self.source = source
        self._alerts = alerts
        self._entities = entities

    @property
    def now(self) -> IncidentState:
        """The incident as it is: rules that came before have had their say."""
        return IncidentState.of(self.incident)

    @cached_property
    def custom_details(self) -> Mapping[str, tuple[str, ...]]:
        """The custom details of all alerts: their values by key."""
        found: dict[str, dict[str, None]] = {}
        for alert in self._alerts():
            for key, values in alert.body["customDetails"].items():
                found.setdefault(key, {}).update(dict.fromkeys(values))
        return {key: tuple(values) for key, values in found.items()}

    @cached_property
    def _identifiers(self) -> Mapping[str, Sequence[Mapping[str, str]]]:
        found: dict[str, list[Mapping[str, str]]] = {}
        for row in self._entities():
            texts = {name: str(value) for name, value in row.identifiers.items()}
            found.setdefault(row.type, []).append(resolved(Entity.of(row.type, texts)))
        return found

    def identifiers(self, entity: str, name: str) -> tuple[str, ...]:
        """The values of one identifier of all entities of a type."""
        return tuple(one[name] for one in self._identifiers.get(entity, ()) if one.get(name))


@dataclass(frozen=True, slots=True)
class Scope:
    """The facts, and what stands for the item of an array that a condition is asked about."""

    facts: Facts
    item: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def within(self, name: str, *values: str) -> Scope:
        """The same with one item: the property of that name has these values."""
        return Scope(self.facts, {**self.item, name: values})
