"""Enrichments that are a KQL query: a YAML file each in `units`.

A query speaks of the incident's entities by `asked`, a table with a row for each value that names one (`Entity`: its id, `Value`: in
small letters), and by `named`, the list of these values. It brings `Entity`, `Title`, and properties. `entities` tells by type which
identifiers are values; those that follow from others (`Upn`, `NTName`, `Fqdn`) may be among them, of addresses `Networks`, each network
that holds it as CIDR, so that a list of networks is asked by equality, and of hosts `AnyDomain`: `name.*`
where no domain is known, so that what is in another domain is not taken for the host. `terms` are the values without that: what a
column has to have for `has_any`, which the term index answers where a table is large.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import yaml

from vedette.core.database import storable
from vedette.core.roles import Permission
from vedette.detect.entities.entity import Entity
from vedette.engine.query import Limits
from vedette.incidents.enrichment.contract import Fact, Found, Subject, Workbench
from vedette.incidents.investigation.units import literal, parameters

ANY_DOMAIN: Final = ".*"
ROWS: Final = 50
BYTES: Final = 32 * 1024
SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class QueryEnrichment:
    """A look-up in the log tables. One of `tables` must have rows for it to bring anything."""

    id: str
    title: str
    entities: Mapping[str, tuple[str, ...]]
    tables: tuple[str, ...]
    query: str
    rows: int = ROWS
    bytes: int = BYTES
    seconds: float = SECONDS

    @property
    def kinds(self) -> frozenset[str]:
        """The types of entities that it knows something of."""
        return frozenset(self.entities)

    @property
    def right(self) -> Permission:
        """What comes out of logs needs the right to query them."""
        return Permission.QUERY

    def values(self, entity: Entity) -> Iterator[str]:
        """What names an entity to the query."""
        known = parameters(entity)
        if entity.type == "Host" and known["HostName"] and not known["DnsDomain"]:
            known["AnyDomain"] = f"{known['HostName']}{ANY_DOMAIN}"
        for name in self.entities.get(entity.type, ()):
            if name == "Networks":
                yield from _networks(known["Address"])
            elif known.get(name):
                yield storable(known[name].casefold())

    def text(self, subject: Subject) -> str | None:
        """The query about an incident's entities, as one KQL text; None where none of them has a value that it asks for."""
        asked = [
            (identity, value)
            for identity, entity in subject.entities.items()
            for value in dict.fromkeys(self.values(entity))
        ]
        if not asked:
            return None
        rows = ", ".join(f"{literal(identity)}, {literal(value)}" for identity, value in asked)
        named = list(dict.fromkeys(value for _, value in asked))
        terms = dict.fromkeys(value.removesuffix(ANY_DOMAIN) for value in named)
        return (
            f"let asked = datatable(Entity: string, Value: string)[{rows}];\n"
            f"let named = dynamic([{', '.join(map(literal, named))}]);\n"
            f"let terms = dynamic([{', '.join(map(literal, terms))}]);\n"
            f"{self.query.strip()}\n| take {self.rows + 1}"
        )

    def look_up(self, subject: Subject, bench: Workbench) -> Found:
        """Runs the query."""
        if self.tables and not bench.tables.intersection(self.tables):
            return Found(reason=f"The workspace has no rows in {' or '.join(self.tables)}.")
        text = self.text(subject)
        if text is None:
            return Found(reason="Too little is known of its entities.")
        limits = Limits(rows=self.rows + 1, seconds=min(self.seconds, bench.seconds))
        result = bench.logs.query(text, now=bench.clock.now(), limits=limits)
        names = [column.name for column in result.columns]
        facts = [_fact(dict(zip(names, row, strict=True))) for row in result.rows]
        return Found(facts[: self.rows], len(facts) > self.rows)


def _networks(address: str) -> Iterator[str]:
    """The networks that an address is in, as CIDR, the smallest first; of IPv6 those that are given to sites and above."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return
    for prefix in range(31, 7, -1) if known.version == 4 else range(64, 15, -1):
        yield str(ipaddress.ip_network((known, prefix), strict=False))


def read(text: str) -> QueryEnrichment:
    """The enrichment that a YAML document describes."""
    document = yaml.safe_load(text)
    limits = {name: document[name] for name in ("rows", "bytes", "seconds") if name in document}
    return QueryEnrichment(
        document["id"], document["title"], {kind: tuple(names) for kind, names in document["entities"].items()},
        tuple(document["tables"]), document["query"], **limits,
    )  # fmt: skip


def _fact(row: dict[str, Any]) -> Fact:
    return Fact(
        row.pop("Entity"),
        row.pop("Title"),
        {name: value for name, value in row.items() if value not in (None, "", [], {})},
    )
