"""The items of watchlists that are about an entity.

An item is found by the watchlist's search key; in those of Sentinel's templates also by each column that names somebody or something,
and by networks that hold an address.
"""

from __future__ import annotations

import ipaddress
import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from vedette.core.roles import Permission
from vedette.detect.entities.entity import Entity, resolved
from vedette.incidents.enrichment.contract import Fact, Found, Subject, Workbench
from vedette.incidents.entity_values import MAX_ITEMS, VALUE_LISTS, Network, folded, names_of, network_of
from vedette.store.watchlists.lists import Watchlist, Watchlists

KEPT: Final = 200_000
"""Values of watchlists that are held, of all of them together; the list that was used longest ago goes first."""


@dataclass(frozen=True, slots=True)
class _Index:
    """Where the items of a watchlist are, by what names them."""

    values: dict[str, list[int]]
    networks: list[tuple[Network, int]]

    @property
    def size(self) -> int:
        return len(self.values) + len(self.networks)

    def places(self, entity: Entity) -> list[int]:
        found = {place for name in names_of(entity) for place in self.values.get(name, ())}
        if entity.type == "IP" and self.networks:
            try:
                address = ipaddress.ip_address(resolved(entity).get("Address", ""))
            except ValueError:
                return sorted(found)
            found |= {place for network, place in self.networks if address in network}
        return sorted(found)


class WatchlistItems:
    """The enrichment `watchlists`."""

    id: Final = "watchlists"
    title: Final = "On watchlists"
    kinds: Final = frozenset(
        {"Account", "Host", "IP", "AzureResource", "Mailbox", "CloudApplication", "DNS", "URL", "FileHash"}
    )
    right: Final = Permission.CONTENT_READ
    rows: Final = 50
    bytes: Final = 32 * 1024

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._known: OrderedDict[tuple[str, int], _Index] = OrderedDict()

    def look_up(self, subject: Subject, bench: Workbench) -> Found:
        """Goes through the watchlists by alias."""
        held = Watchlists(bench.state, subject.workspace_id, bench.clock)
        facts: list[Fact] = []
        too_long: list[str] = []
        for watchlist in held.list():
            if watchlist.items > MAX_ITEMS:
                too_long.append(watchlist.alias)
            index = self._index(held, watchlist)
            for identity, entity in subject.entities.items():
                for place in index.places(entity):
                    if len(facts) == self.rows:
                        return Found(facts, more=True)
                    for item in held.items(watchlist.alias, top=1, skip=place):
                        facts.append(Fact(identity, f"On the watchlist {watchlist.alias}", item.content))
        reason = f"Of {', '.join(too_long)} only the first {MAX_ITEMS:,} items were looked at." if too_long else None
        return Found(facts, reason=reason)

    def _index(self, held: Watchlists, watchlist: Watchlist) -> _Index:
        mark = (watchlist.id, watchlist.revision)
        with self._guard:
            if mark in self._known:
                self._known.move_to_end(mark)
                return self._known[mark]
        made = _indexed(held, watchlist)
        with self._guard:
            for known in [known for known in self._known if known[0] == watchlist.id]:
                del self._known[known]
            self._known[mark] = made
            while len(self._known) > 1 and sum(one.size for one in self._known.values()) > KEPT:
                self._known.popitem(last=False)
        return made


def _indexed(held: Watchlists, watchlist: Watchlist) -> _Index:
    template = next((one for one in VALUE_LISTS if folded(one.alias) == folded(watchlist.alias)), None)
    columns = {folded(name) for name in (watchlist.search_key, *(template.columns if template else ()))}
    made = _Index({}, [])
    for place, item in enumerate(held.items(watchlist.alias, top=MAX_ITEMS)):
        for text in _texts(item.content, columns):
            network = network_of(text)
            if network is not None:
                made.networks.append((network, place))
            elif place not in (places := made.values.setdefault(text.casefold(), [])):
                places.append(place)
    return made


def _texts(content: dict[str, Any], columns: set[str]) -> Iterator[str]:
    for column, value in content.items():
        if folded(column) in columns and isinstance(value, str) and value.strip():
            yield value.strip()
