"""What was seen of entities, put together by the thing that it was seen of.

Records that share a key are one thing, the surest identifiers first. Two that have different values of an identifier that a thing
has only one of (an object id, a SID) are two things, whatever name they share; what has only that name then belongs to neither. So it is
with two accounts that share a name and are of different tenants.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from vedette.detect.entities.entity import Entity, identity, strong_keys
from vedette.detect.entities.types import entity_type

ONLY_ONE: Final[Mapping[str, tuple[str, ...]]] = {
    "Account": ("AadUserId", "ObjectGuid", "PUID", "Sid"),
    "Host": ("AzureID", "MdatpDeviceId", "AadDeviceId", "OMSAgentID"),
    "SecurityGroup": ("ObjectGuid", "SID"),
    "Mailbox": ("ExternalDirectoryObjectId",),
}
"""Identifiers, by type, of which a thing has one and no other has the same; the surest first."""


@dataclass(slots=True)
class Record:
    """Identifiers as they were seen, and the alerts that they were seen in."""

    type: str
    identifiers: dict[str, str]
    alert_ids: list[str] = field(default_factory=list)

    @property
    def keys(self) -> frozenset[str]:
        """What names this thing: strong keys, or all that is known of it."""
        entity = Entity.of(self.type, self.identifiers)
        return frozenset(strong_keys(entity) or (identity(entity),))

    @property
    def text(self) -> str:
        """The same for records that are alike; gives them an order."""
        return json.dumps([self.type, self.identifiers], sort_keys=True, ensure_ascii=False)

    def to_list(self) -> list[Any]:
        """As it is kept with its entity."""
        return [self.identifiers, self.alert_ids]


class _Cluster:
    """Records that are one thing, what is known of it for sure, and its keys."""

    __slots__ = ("keys", "only", "records", "tenants")

    def __init__(self, record: Record) -> None:
        self.records = [record]
        self.keys = set(record.keys)
        self.only = dict(_only(record))
        self.tenants = {tenant for tenant in (_tenant(record),) if tenant}

    def absorb(self, other: _Cluster) -> None:
        self.records += other.records
        self.keys |= other.keys
        self.only |= other.only
        self.tenants |= other.tenants


def _only(record: Record) -> Iterator[tuple[str, str]]:
    for name in ONLY_ONE.get(record.type, ()):
        value = record.identifiers.get(name, "").casefold()
        if value and name.casefold() == "sid":
            # A cloud account that is synchronised has a SID of its directory and one of the cloud.
            yield f"{name} {value.rsplit('-', 1)[0][:8]}", value
        elif value:
            yield name, value


def _tenant(record: Record) -> str:
    return record.identifiers.get("AadTenantId", "").casefold() if record.type == "Account" else ""


def clusters_of(records: Iterable[Record]) -> list[list[Record]]:
    """Records apart by the thing that they are of: the same for the same records, in whatever order they come."""
    clusters = [_Cluster(record) for record in sorted(records, key=lambda record: record.text)]
    by_key: dict[str, list[_Cluster]] = {}
    for cluster in clusters:
        for key in cluster.keys:
            by_key.setdefault(key, []).append(cluster)
    into: dict[int, _Cluster] = {}

    def home(cluster: _Cluster) -> _Cluster:
        while id(cluster) in into:
            cluster = into[id(cluster)]
        return cluster

    for key in sorted(by_key, key=_surest_first):
        sharing = list({id(found): found for found in map(home, by_key[key])}.values())
        sharing = sharing if _agree(sharing) else [one for one in sharing if not one.only]
        if _surest_first(key)[0] >= _NAMES and not _of_one_tenant(sharing):
            sharing = [one for one in sharing if not one.tenants]
        for other in sharing[1:]:
            sharing[0].absorb(other)
            into[id(other)] = sharing[0]
    return [cluster.records for cluster in clusters if id(cluster) not in into]


def _agree(clusters: list[_Cluster]) -> bool:
    known: dict[str, str] = {}
    for cluster in clusters:
        for name, value in cluster.only.items():
            if known.setdefault(name, value) != value:
                return False
    return True


def _of_one_tenant(clusters: list[_Cluster]) -> bool:
    """Whether no tenant is known of them, or one that all have of which one is known: a name is that of another in another tenant."""
    known = [cluster.tenants for cluster in clusters if cluster.tenants]
    return not known or bool(set.intersection(*known))


_NAMES: Final = 10
"""The least place of keys that are names, and no sure identifiers."""


def _surest_first(key: str) -> tuple[int, str]:
    kind, _, names = key.partition(":")
    known = entity_type(kind)
    if known is None or names.startswith("~"):
        return 99, key
    parts = frozenset(json.loads(names))
    if len(parts) == 1:
        (name,) = parts
        sure = ONLY_ONE.get(kind, ())
        if name in sure:
            return sure.index(name), key
    return _NAMES + known.strong.index(parts), key
