"""From result rows to entities: the rule's mappings, older rules' columns, and entities that alerts carry as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from vedette.core.errors import nearest
from vedette.detect.alerts.limits import AlertLimits
from vedette.detect.entities.entity import Entity, is_generic_account, is_told
from vedette.detect.entities.types import LEGACY_COLUMNS, entity_type
from vedette.detect.rule import AnalyticsRule, EntityMapping, FieldMapping, JsonValue

Row = Mapping[str, JsonValue]


def text_of(value: JsonValue) -> str:
    """A wire value as tostring() writes it; empty for null."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "True" if value else "False"
    if isinstance(value, int | float):
        return str(value)
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


class EntityMapper:
    """Maps rows of one result. `notes` says which mappings found no column."""

    def __init__(self, rule: AnalyticsRule, columns: Sequence[str], limits: AlertLimits) -> None:
        self._limits = limits
        self.notes: list[str] = []
        self._mappings = [known for mapping in rule.entity_mappings if (known := self._known(mapping, columns))]
        self._mappings += _legacy(rule, columns)
        self._serialised = [column for column in rule.sentinel_entities_columns if column in columns]
        for column in rule.sentinel_entities_columns:
            if column not in columns:
                self.notes.append(f"The entities in column '{column}' were not read: the result has no such column.")

    def _known(self, mapping: EntityMapping, columns: Sequence[str]) -> EntityMapping | None:
        fields = []
        for field in mapping.fields:
            if field.column in columns:
                fields.append(field)
                continue
            near = nearest(field.column, columns)
            hint = f" (nearest: '{near}')" if near else ""
            self.notes.append(
                f"{mapping.entity_type}.{field.identifier} was not mapped:"
                f" the result has no column '{field.column}'{hint}."
            )
        return EntityMapping(mapping.entity_type, tuple(fields)) if fields else None

    def entities(self, rows: Sequence[Row]) -> tuple[tuple[Entity, ...], list[str]]:
        """The distinct entities in the order of mappings and rows, within the limits; and what was left out."""
        self._was_cut = False
        found, notes = self._within_limits(rows)
        if self._was_cut:
            notes.append(f"Identifiers of entities are cut to {self._limits.value_characters:,} characters.")
        return found, notes

    def _within_limits(self, rows: Sequence[Row]) -> tuple[tuple[Entity, ...], list[str]]:
        sources = [self._mapped(mapping, rows) for mapping in self._mappings]
        sources += [self._embedded(column, rows) for column in self._serialised]
        share = self._limits.entities_per_alert // max(1, len(sources))
        found: dict[str, Entity] = {}
        notes: list[str] = []
        size = 0
        for source in sources:
            taken: dict[str, Entity] = {}
            for entity in source:
                if entity.key in taken or is_generic_account(entity):
                    continue
                if len(taken) >= share:
                    notes.append(f"An alert holds {share} entities of one mapping; further ones were left out.")
                    break
                taken[entity.key] = entity
            for key, entity in taken.items():
                if key in found:
                    continue
                size += len(json.dumps(entity.to_dict(), ensure_ascii=False).encode(errors="surrogatepass"))
                if size > self._limits.entities_bytes:
                    kilobytes = self._limits.entities_bytes // 1024
                    notes.append(f"An alert holds {kilobytes} KB of entities; further ones were left out.")
                    return tuple(found.values()), notes
                found[key] = entity
        return tuple(found.values()), notes

    def _mapped(self, mapping: EntityMapping, rows: Iterable[Row]) -> Iterator[Entity]:
        for row in rows:
            for values in _spread([row.get(field.column) for field in mapping.fields]):
                texts = [self._cut(text_of(value).strip()) for value in values]
                identifiers: dict[str, str] = {}
                for field, text in zip(mapping.fields, texts):
                    if is_told(text):
                        identifiers.setdefault(field.identifier, text)
                if identifiers:
                    yield Entity.of(mapping.entity_type, identifiers)

    def _embedded(self, column: str, rows: Iterable[Row]) -> Iterator[Entity]:
        for row in rows:
            yield from embedded_entities(row.get(column), self._cut)

    def _cut(self, text: str) -> str:
        limit = self._limits.value_characters
        self._was_cut = self._was_cut or len(text) > limit
        return text[:limit]


def _spread(values: list[JsonValue]) -> Iterator[list[JsonValue]]:
    """A list of scalars in one column (as of make_set()) stands for one entity each; several lists do not pair."""
    lists = [index for index, value in enumerate(values) if _is_scalar_list(value)]
    if len(lists) != 1:
        yield values
        return
    at = lists[0]
    for value in values[at]:
        yield [*values[:at], value, *values[at + 1 :]]


def _is_scalar_list(value: JsonValue) -> bool:
    return isinstance(value, list) and not any(isinstance(entry, list | dict) for entry in value)


def _legacy(rule: AnalyticsRule, columns: Sequence[str]) -> Iterator[EntityMapping]:
    """The mappings of a query that names its entities by columns; any mapping of the rule itself counts in their place."""
    for column, type_name, identifier in LEGACY_COLUMNS if not rule.entity_mappings else ():
        if column not in columns:
            continue
        fields = [FieldMapping(identifier, column)]
        if type_name == "FileHash" and "AlgorithmCustomEntity" in columns:
            fields.append(FieldMapping("Algorithm", "AlgorithmCustomEntity"))
        yield EntityMapping(type_name, tuple(fields))


_MAX_EMBEDDED = 1000


def _first_characters(text: str) -> str:
    return text[:8192]


def embedded_entities(value: JsonValue, cut: Callable[[str], str] = _first_characters) -> Iterator[Entity]:
    """The entities of a SecurityAlert's Entities column: JSON, or its text. What is not such a list yields nothing."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return
    if not isinstance(value, list):
        return
    by_id = {entry["$id"]: entry for entry in value if isinstance(entry, dict) and "$id" in entry}
    for entry in islice(value, _MAX_EMBEDDED):
        if isinstance(entry, dict) and "$ref" in entry:
            entry = by_id.get(entry["$ref"])
        entity = _embedded_entity(entry, cut)
        if entity is not None:
            yield entity


def _embedded_entity(entry: Any, cut: Callable[[str], str]) -> Entity | None:
    if not isinstance(entry, dict) or not isinstance(entry.get("Type"), str):
        return None
    known = entity_type(entry["Type"])
    if known is None:
        return None
    identifiers: dict[str, str] = {}
    for name, value in entry.items():
        identifier = known.identifier(name)
        if identifier is None or isinstance(value, dict | list) or value is None:
            continue
        text = cut(text_of(value).strip())
        if is_told(text):
            identifiers[identifier] = text
    return Entity.of(known.name, identifiers) if identifiers else None
