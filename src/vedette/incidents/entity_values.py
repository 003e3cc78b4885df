"""What entities are worth, by the watchlists that say so."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from vedette.detect.entities.entity import Entity, resolved
from vedette.store.watchlists.lists import Watchlists


@dataclass(frozen=True, slots=True)
class ValueList:
    """A watchlist that tells value: its alias, the points of being on it, and the columns that name entities.

    Columns are Sentinel's templates' (learn.microsoft.com/azure/sentinel/watchlist-schemas); names are compared folded.
    """

    alias: str
    points: int
    columns: tuple[str, ...]


VALUE_LISTS: Final = (
    ValueList("VIPUsers", 16, ("User Identifier", "User AAD Object Id", "User On-Prem Sid", "User Principal Name")),
    ValueList("HighValueAssets", 16, ("Asset Id", "Asset Name", "Asset FQDN", "IP Address")),
    ValueList("TerminatedEmployees", 14, ("User Identifier", "User AAD Object Id", "User On-Prem Sid", "User Principal Name")),
    ValueList(
        "IdentityCorrelation", 6, ("Privileged Account User Identifier", "Privileged Account User AAD Object Id",
        "Privileged Account User On-Prem Sid", "Privileged Account User Principal Name")),
    ValueList("ServiceAccounts", 8, ("Service Identifier", "Service AAD Object Id", "Service On-Prem Sid",
                                     "Service Principal Name")),
)  # fmt: skip
"""Watchlists by the aliases that Sentinel's templates suggest; spaces, hyphens and underscores in an alias do not count."""

MAX_ITEMS: Final = 50_000
"""Items that are read of one watchlist."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class EntityValues:
    """The values of one workspace's entities; made anew when a watchlist changes (`mark`)."""

    def __init__(
        self, mark: str, values: Mapping[str, tuple[str, int]], networks: list[tuple[Network, str, int]]
    ) -> None:
        self.mark = mark
        self._values = values
        self._networks = networks

    @classmethod
    def read(cls, watchlists: Watchlists, before: EntityValues | None = None) -> EntityValues:
        """The values as the watchlists have them now; `before` where nothing has changed."""
        known = {folded(one.alias): one for one in VALUE_LISTS}
        there = [(one, known[folded(one.alias)]) for one in watchlists.list() if folded(one.alias) in known]
        mark = ",".join(f"{one.id}:{one.revision}" for one, _ in there)
        if before is not None and before.mark == mark:
            return before
        values: dict[str, tuple[str, int]] = {}
        networks: list[tuple[Network, str, int]] = []
        for watchlist, of in there:
            columns = {folded(column) for column in of.columns}
            for item in watchlists.items(watchlist.alias, top=MAX_ITEMS):
                for column, value in item.content.items():
                    if folded(column) not in columns or not isinstance(value, str) or not value.strip():
                        continue
                    network = network_of(value)
                    if network is not None:
                        networks.append((network, watchlist.alias, of.points))
                    elif values.get(value.strip().casefold(), ("", 0))[1] < of.points:
                        values[value.strip().casefold()] = (watchlist.alias, of.points)
        return cls(mark, values, networks)

    def of(self, entities: Iterable[Entity]) -> Iterator[tuple[str, str, int]]:
        """Name, alias and points of each entity that is on a watchlist."""
        if not self._values and not self._networks:
            return
        for entity in entities:
            best = max(
                (found for name in names_of(entity) if (found := self._values.get(name))), key=_points, default=None
            )
            if best is None and entity.type == "IP" and self._networks:
                best = self._by_network(entity)
            if best is not None:
                yield entity.title, *best

    def _by_network(self, entity: Entity) -> tuple[str, int] | None:
        try:
            address = ipaddress.ip_address(dict(entity.identifiers).get("Address", ""))
        except ValueError:
            return None
        found = [(alias, points) for network, alias, points in self._networks if address in network]
        return max(found, key=_points, default=None)


_NAMING: Final = frozenset(
    "FullName AadUserId ObjectGuid Sid HostName NetBiosName AzureID MdatpDeviceId AadDeviceId Address ResourceId"
    " MailboxPrimaryAddress Upn DeviceId AppId".split()
)


def names_of(entity: Entity) -> Iterator[str]:
    """What an entity may be called in a list that people keep, folded."""
    found = resolved(entity)
    for name, value in found.items():
        if name in _NAMING:
            yield value.casefold()
    if entity.type == "Account" and "Name" in found:
        if "UPNSuffix" in found:
            yield f"{found['Name']}@{found['UPNSuffix']}".casefold()
        if "NTDomain" in found:
            yield f"{found['NTDomain']}\\{found['Name']}".casefold()
    if entity.type == "Host" and "DnsDomain" in found:
        yield f"{found['HostName']}.{found['DnsDomain']}".casefold()


def _points(found: tuple[str, int]) -> int:
    return found[1]


def network_of(text: str) -> Network | None:
    """The network that a text writes as CIDR."""
    if "/" not in text:
        return None
    try:
        return ipaddress.ip_network(text.strip(), strict=False)
    except ValueError:
        return None


def folded(text: str) -> str:
    """A name of a list or a column without what does not count in it: case, spaces, hyphens, underscores."""
    return "".join(letter for letter in text.casefold() if letter.isalnum())
