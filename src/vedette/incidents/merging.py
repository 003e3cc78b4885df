"""The entities of an incident: those of its alerts, where two that name the same thing by a strong identifier are one.

What becomes one depends on what was seen, never on the order in which it came: the entities are made anew of everything
that was seen (the records) whenever something is added. Records that share a key are one, the surest identifiers first.
Two that have different values of an identifier that a thing has only one of (an object id, a SID) are two things, whatever
name they share; what has only that name then belongs to neither of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from vedette.core.ids import derived_id
from vedette.detect.entities.clusters import Record, clusters_of
from vedette.detect.entities.entity import Entity, resolved, strong_keys

_NAMED: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "Account": ("Name", ("FullName", "Name", "UPNSuffix", "NTDomain", "DnsDomain")),
    "Host": ("HostName", ("FullName", "HostName", "NetBiosName", "DnsDomain", "NTDomain")),
}
"""Identifiers that are one name together: those of a record with another name would make a third that nobody has."""


@dataclass(slots=True)
class MergedEntity:
    """One entity of an incident, with every identifier that its alerts gave it and the alerts it is in."""

    id: str
    type: str
    identifiers: dict[str, str]
    keys: set[str]
    alert_ids: list[str] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)

    @property
    def entity(self) -> Entity:
        """As an entity."""
        return Entity.of(self.type, self.identifiers)


class EntityMerger:
    """Merges the entities of one incident; those that are there already keep their ids and their places."""

    def __init__(self, incident_id: str, present: Iterable[MergedEntity] = ()) -> None:
        self._incident_id = incident_id
        self._present = list(present)
        self._records: dict[str, Record] = {}
        for entity in self._present:
            kept = entity.records or [Record(entity.type, entity.identifiers, entity.alert_ids)]
            for record in kept:
                self._take(record.type, record.identifiers, record.alert_ids)
        self._merged: list[MergedEntity] | None = None

    def keep_only(self, alert_ids: Iterable[str]) -> None:
        """Forget what only other alerts than these have shown."""
        kept = set(alert_ids)
        for text, record in list(self._records.items()):
            record.alert_ids = [alert_id for alert_id in record.alert_ids if alert_id in kept]
            if not record.alert_ids:
                del self._records[text]
        self._merged = None

    def add(self, entity: Entity, alert_id: str) -> None:
        """Take an entity of an alert in."""
        self._take(entity.type, resolved(entity), [alert_id])
        self._merged = None

    @property
    def entities(self) -> list[MergedEntity]:
        """What everything that was seen comes to, in the order in which it was first seen."""
        if self._merged is None:
            self._merged = self._merge()
        return self._merged

    def _take(self, type_name: str, identifiers: Mapping[str, str], alert_ids: Iterable[str]) -> None:
        record = Record(type_name, dict(identifiers))
        there = self._records.setdefault(record.text, record)
        there.alert_ids += [alert_id for alert_id in alert_ids if alert_id not in there.alert_ids]

    def _merge(self) -> list[MergedEntity]:
        clusters = clusters_of(self._records.values())
        place = {text: index for index, text in enumerate(self._records)}
        clusters.sort(key=lambda cluster: min(place[record.text] for record in cluster))
        ids = self._ids(clusters)
        return [_merged(entity_id, cluster) for entity_id, cluster in zip(ids, clusters)]

    def _ids(self, clusters: list[list[Record]]) -> list[str]:
        """An entity that is there keeps its id, also when others turn out to be it, or when a part of it is another."""
        home = {record.text: index for index, cluster in enumerate(clusters) for record in cluster}
        ids: dict[int, str] = {}
        for entity in self._present:
            known = entity.records or [Record(entity.type, entity.identifiers)]
            still = [home[record.text] for record in known if record.text in home]
            if still:
                ids.setdefault(still[0], entity.id)
        taken = set(ids.values())
        for index, cluster in enumerate(clusters):
            if index in ids:
                continue
            seed = min(key for record in cluster for key in record.keys)
            entity_id = derived_id("entity", self._incident_id, seed)
            if entity_id in taken:  # the key stays with another, which has it too
                entity_id = derived_id("entity", self._incident_id, min(record.text for record in cluster))
            taken.add(entity_id)
            ids[index] = entity_id
        return [ids[index] for index in range(len(clusters))]


def _merged(entity_id: str, cluster: list[Record]) -> MergedEntity:
    keys = {key for record in cluster for key in record.keys}
    alert_ids = list(dict.fromkeys(alert_id for record in cluster for alert_id in record.alert_ids))
    return MergedEntity(entity_id, cluster[0].type, _identifiers(cluster), keys, alert_ids, cluster)


def _identifiers(cluster: list[Record]) -> dict[str, str]:
    """One value for each identifier: that of the record which names the thing best."""
    ranked = sorted(
        cluster, key=lambda one: (-len(strong_keys(Entity.of(one.type, one.identifiers))), one.text.swapcase())
    )
    base, family = _NAMED.get(cluster[0].type, ("", ()))
    chosen = next((one.identifiers[base] for one in ranked if one.identifiers.get(base)), "").casefold()
    found: dict[str, str] = {}
    for record in ranked:
        same = record.identifiers.get(base, "").casefold() == chosen
        for name, value in record.identifiers.items():
            if same or name not in family:
                found.setdefault(name, value)
    spelt: dict[tuple[str, str], list[str]] = {(name, value.casefold()): [] for name, value in found.items()}
    for record in cluster:
        for name, value in record.identifiers.items():
            if (name, value.casefold()) in spelt:
                spelt[name, value.casefold()].append(value)
    return {name: min(spelt[name, value.casefold()], key=str.swapcase) for name, value in found.items()}


def key_digest(key: str) -> str:
    """A key's SHA-256, under which incidents are found by entity."""
    return hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()
