"""A Sigma rule as one KQL query: a part for each table in which its events may lie, all with the same columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from vedette.detect.reading.sigma.columns import UNESCAPED, Column, LegColumns
from vedette.detect.reading.sigma.conditions import condition
from vedette.detect.reading.sigma.logsources import legs_of
from vedette.detect.reading.sigma.unmapped import Missing, Unmapped
from vedette.detect.rule import EntityMapping, FieldMapping

MOST_ENTITIES: Final = 10
"""Entity mappings of one rule, as Sentinel allows."""

_FIELD_ENTITIES: Final = {
    **dict.fromkeys(
        ("sourceip", "destinationip", "src_ip", "dst_ip", "ipaddress", "clientip", "clientaddress", "sourceaddress", "destaddress",
         "c-ip", "sourceipaddress", "calleripaddress", "remoteaddress"),
        ("IP", "Address"),
    ),
    **dict.fromkeys(("user", "targetusername", "subjectusername", "username", "account"), ("Account", "Name")),
    **dict.fromkeys(("userprincipalname", "caller", "userid"), ("Account", "FullName")),
    **dict.fromkeys(("computer", "computername", "hostname", "devicename"), ("Host", "FullName")),
    "commandline": ("Process", "CommandLine"),
    "targetfilename": ("File", "Name"),
    "targetobject": ("RegistryKey", "Key"),
    "queryname": ("DNS", "DomainName"),
    "query": ("DNS", "DomainName"),
    "c-uri": ("URL", "Url"),
    "resourceid": ("AzureResource", "ResourceId"),
}  # fmt: skip
"""Fields, folded, whose values are identifiers of entities."""


@dataclass(frozen=True, slots=True)
class Written:
    """A rule's query; the columns that it shows by field, folded; its entities; and what is to be said of it."""

    functions: str
    """What stands before the query."""
    body: str
    shown: dict[str, str]
    entities: tuple[EntityMapping, ...]
    notes: tuple[str, ...]

    @property
    def query(self) -> str:
        """The whole text."""
        return f"{self.functions}\n{self.body}" if self.functions else self.body


@dataclass(frozen=True, slots=True)
class _Part:
    columns: LegColumns
    condition: str
    fields: dict[str, Column]
    entities: dict[str, str]


def source_name(source: Any) -> str:
    """A log source as a person reads it."""
    named = (("product", source.product), ("category", source.category), ("service", source.service))
    return ", ".join(f"{name} {value}" for name, value in named if value)


def written(rule: Any, needed: Iterable[str] = ()) -> Written:
    """The query of a rule that pySigma has parsed; `needed` are fields that must be shown besides those it reads.

    `Unmapped` says which log source or field keeps it from being one.
    """
    source = rule.logsource
    legs = legs_of(source.product, source.category, source.service)
    if not legs:
        name = source_name(source)
        raise Unmapped(f"the log source ({name}) is not one of the tables here", Missing("log source", name))
    parts: list[_Part] = []
    refused: list[tuple[str, Unmapped]] = []
    for leg in legs:
        try:
            parts.append(_part(LegColumns(leg), rule, needed))
        except Unmapped as error:
            refused.append((leg.table, error))
    if not parts:
        raise _nowhere(refused)
    notes = [f"{table} is not searched: {error.message}" for table, error in refused]
    for part in parts:
        blind = part.columns.leg.blind
        notes += [f"{part.columns.leg.table} holds no {blind[field]}" for field in part.fields if field in blind]
    shown = {field: column.shown for part in parts for field, column in part.fields.items()}
    mixed = {field for field in shown if len({part.fields[field].type for part in parts if field in part.fields}) > 1}
    entities = list(dict.fromkeys(name for part in parts for name in part.entities))
    texts = [_text(part, shown, mixed, entities) for part in parts]
    body = (
        texts[0].replace("\n    ", "\n")
        if len(texts) == 1
        else "union\n" + ",\n".join(f"    ({text})" for text in texts)
    )
    functions = UNESCAPED if any(part.columns.reads_xml for part in parts) else ""
    return Written(functions, body, shown, mappings(entities, shown), tuple(dict.fromkeys(notes)))


def _part(columns: LegColumns, rule: Any, needed: Iterable[str]) -> _Part:
    tests = [condition(one.parsed, columns) for one in rule.detection.parsed_condition]
    fields = dict(columns.found)
    for field in needed:
        fields[field.casefold()] = columns.of(field)
    for field in rule.fields:
        try:
            fields.setdefault(field.casefold(), columns.of(field))
        except Unmapped:
            continue  # it would only be shown
    entities = {name: columns.expression(text) for name, text in columns.leg.entities.items()}
    text = tests[0] if len(tests) == 1 else "(" + " or ".join(tests) + ")"
    return _Part(columns, text, fields, entities)


def _nowhere(refused: Sequence[tuple[str, Unmapped]]) -> Unmapped:
    messages = list(dict.fromkeys(error.message for _, error in refused))
    missing = list(dict.fromkeys(one for _, error in refused for one in error.missing))
    return Unmapped("; ".join(messages), *missing)


def _text(part: _Part, shown: dict[str, str], mixed: set[str], entities: list[str]) -> str:
    leg, columns = part.columns.leg, part.columns
    lines = [leg.table]
    if leg.where:
        lines.append(f"where {leg.where}")
    if columns.computed:
        lines.append("extend " + ", ".join(f"{name} = {text}" for name, text in columns.computed.items()))
    lines.append(f"where {part.condition}")
    outputs = ["TimeGenerated", f"SourceTable = '{leg.table}'"]
    for field, name in shown.items():
        column = part.fields.get(field)
        value = (
            "''"
            if column is None
            else f"tostring({column.name})"
            if field in mixed and column.type != "string"
            else column.name
        )
        if name not in ("TimeGenerated", "SourceTable"):
            outputs.append(name if value == name else f"{name} = {value}")
    outputs += [f"{name.replace('.', '_')} = {part.entities.get(name, chr(39) * 2)}" for name in entities]
    lines.append("project " + ", ".join(outputs))
    return "\n    | ".join(lines)


def mappings(entities: Iterable[str], shown: dict[str, str]) -> tuple[EntityMapping, ...]:
    """The entity mappings of a query: those of its tables, then those of the fields that it shows."""
    by_type: dict[str, list[FieldMapping]] = {}
    for name in entities:
        kind, identifier = name.split(".")
        by_type.setdefault(kind, []).append(FieldMapping(identifier, f"{kind}_{identifier}"))
    found = [EntityMapping(kind, tuple(pairs)) for kind, pairs in by_type.items()]
    for field, column in shown.items():
        entity = _FIELD_ENTITIES.get(field)
        if entity is not None and not (entity[0] in by_type and entity[0] in ("Host", "Account")):
            found.append(EntityMapping(entity[0], (FieldMapping(entity[1], column),)))
    return tuple(found[:MOST_ENTITIES])
