"""Exploration queries and activities as data: each a YAML file of its own, with a KQL query about one type of entity.

A query speaks of the entity by parameters: `entity_` and the name of an identifier (`entity_AadUserId`), and of those that
follow from them `entity_Upn` (user@suffix), `entity_NTName` (DOMAIN\\user) and `entity_Fqdn` (host.domain). What is not known
is an empty string. `entity_Spellings` is a list: an address, a URL or a name of DNS in each form that logs have it in. An
exploration brings other entities (`results`); an activity brings TimeGenerated, Title and Detail.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final

import yaml

from vedette.core.errors import not_found
from vedette.detect.entities.entity import Entity, resolved
from vedette.detect.entities.forms import spellings
from vedette.detect.entities.types import entity_type


@dataclass(frozen=True, slots=True)
class Brings:
    """What a row of an exploration's result is: an entity, its identifiers by column, and how it is tied to the asked one."""

    entity: str
    identifiers: Mapping[str, str]
    label: str


@dataclass(frozen=True, slots=True)
class Unit:
    """One query about an entity. `tables` must have rows for it to bring anything; of `needs` one must be known."""

    id: str
    title: str
    entity: str
    tables: tuple[str, ...]
    needs: tuple[str, ...]
    query: str
    results: tuple[Brings, ...] = ()

    def text(self, entity: Entity, suffix: str = "") -> str:
        """The query for an entity, as one KQL text."""
        values = parameters(entity)
        lets = [f"let entity_{name} = {literal(value)};" for name, value in values.items()]
        texts = ", ".join(json.dumps(one) for one in _spellings(entity.type, values))
        lets.append(f"let entity_Spellings = dynamic([{texts}]);")
        return "\n".join([*(let for let in lets if let.split()[1] in self.query), self.query.strip() + suffix])

    def applies(self, entity: Entity) -> bool:
        """Whether enough is known of the entity."""
        known = parameters(entity)
        return entity.type == self.entity and any(known.get(name) for name in self.needs)


def _spellings(type_name: str, values: Mapping[str, str]) -> tuple[str, ...]:
    return spellings(type_name, values.get(_SPELT.get(type_name, ""), ""))


_SPELT: Final = {"IP": "Address", "URL": "Url", "DNS": "DomainName"}


def literal(text: str) -> str:
    """A text as a string literal of KQL."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(f"\\u{ord(one):04x}" if ord(one) < 32 else one for one in escaped) + '"'


def parameters(entity: Entity) -> dict[str, str]:
    """The values that a query may speak of."""
    known = entity_type(entity.type)
    values = dict.fromkeys(known.identifiers if known else (), "")
    values |= resolved(entity)
    if entity.type == "Account":
        name = values["Name"]
        values["Upn"] = f"{name}@{values['UPNSuffix']}" if name and values["UPNSuffix"] else ""
        values["NTName"] = f"{values['NTDomain']}\\{name}" if name and values["NTDomain"] else ""
    if entity.type == "Host":
        host, domain = values["HostName"], values["DnsDomain"]
        values["Fqdn"] = f"{host}.{domain}" if host and domain else ""
    return values


@cache
def explorations() -> Mapping[str, Unit]:
    """Every exploration by its id."""
    return _read("explorations")


@cache
def activities() -> Mapping[str, Unit]:
    """Every activity by its id."""
    return _read("activities")


def exploration(unit_id: str) -> Unit:
    """One exploration. `NotFound` names the nearest."""
    found = explorations().get(unit_id)
    if found is None:
        raise not_found("exploration", unit_id, explorations())
    return found


def _read(folder: str) -> dict[str, Unit]:
    place = resources.files(__package__) / folder
    units = [
        _unit(yaml.safe_load(file.read_text(encoding="utf-8"))) for file in place.iterdir() if file.name[-5:] == ".yaml"
    ]
    return {unit.id: unit for unit in sorted(units, key=lambda unit: unit.id)}


def _unit(document: dict[str, Any]) -> Unit:
    results = tuple(Brings(one["entity"], one["identifiers"], one["label"]) for one in document.get("results", ()))
    return Unit(
        document["id"], document["title"], document["entity"], tuple(document["tables"]), tuple(document["needs"]),
        document["query"], results,
    )  # fmt: skip
