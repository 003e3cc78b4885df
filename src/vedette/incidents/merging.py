"""The entities of an incident: those of its alerts, where two that name the same thing by a strong identifier are one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from vedette.core.ids import derived_id
from vedette.detect.entities import Entity, identity, resolved, strong_keys


@dataclass(slots=True)
class MergedEntity:
    """One entity of an incident, with every identifier that its alerts gave it and the alerts it is in."""

    id: str
    type: str
    identifiers: dict[str, str]
    keys: set[str]
    alert_ids: list[str] = field(default_factory=list)

    @property
    def entity(self) -> Entity:
        """As an entity."""
        return Entity.of(self.type, self.identifiers)


class EntityMerger:
    """Merges entities one after another; those that are there already keep their ids."""

    def __init__(self, incident_id: str, present: Iterable[MergedEntity] = ()) -> None:
        self._incident_id = incident_id
        self.entities: list[MergedEntity] = list(present)
        self._by_key = {key: entity for entity in self.entities for key in entity.keys}
        self.removed: list[MergedEntity] = []

    def add(self, entity: Entity, alert_id: str) -> MergedEntity:
        """Take an entity of an alert in; returns what it became."""
        keys = set(strong_keys(entity)) or {identity(entity)}
        found: list[MergedEntity] = []
        for key in sorted(keys):
            there = self._by_key.get(key)
            if there is not None and there not in found:
                found.append(there)
        if found:
            merged = min(found, key=self.entities.index)
        else:
            new_id = derived_id("entity", self._incident_id, min(keys))
            merged = MergedEntity(new_id, entity.type, {}, set())
            self.entities.append(merged)
        for other in found:
            # An entity by object id and one by name turn out to be one when a third has both.
            if other is not merged:
                self._absorb(merged, other)
        for name, value in resolved(entity).items():
            merged.identifiers.setdefault(name, value)
        merged.keys |= keys
        for key in merged.keys:
            self._by_key[key] = merged
        if alert_id not in merged.alert_ids:
            merged.alert_ids.append(alert_id)
        return merged

    def _absorb(self, into: MergedEntity, other: MergedEntity) -> None:
        for name, value in other.identifiers.items():
            into.identifiers.setdefault(name, value)
        into.keys |= other.keys
        into.alert_ids += [alert_id for alert_id in other.alert_ids if alert_id not in into.alert_ids]
        self.entities.remove(other)
        self.removed.append(other)


def key_digest(key: str) -> str:
    """A key's SHA-256, under which incidents are found by entity."""
    return hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()
