"""Objects of STIX as rows of ThreatIntelIndicators, ThreatIntelObjects and ThreatIntelligenceIndicator.

Columns: learn.microsoft.com/azure/azure-monitor/reference/tables/threatintelindicators (and the other two). What they hold follows
the rules of Microsoft's solution Threat Intelligence, which read them: `split(Id, "--")[2]`, `AdditionalFields.TLPLevel`, the type of
a hash behind `hashes.` in `ObservableKey`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from vedette.core.ids import derived_id
from vedette.intel.pattern import Observable, Pattern
from vedette.intel.stix import observables_of, texts, tlp

INDICATORS: Final = "ThreatIntelIndicators"
OBJECTS: Final = "ThreatIntelObjects"
LEGACY: Final = "ThreatIntelligenceIndicator"
TABLES: Final = (INDICATORS, OBJECTS, LEGACY)

_NO_OBSERVABLE: Final = Observable("", "")
_COLUMNS: Final[Mapping[str, str]] = {
    "ipv4-addr:value": "NetworkIP",
    "ipv6-addr:value": "NetworkIP",
    "network-traffic:src_ref.value": "NetworkSourceIP",
    "network-traffic:dst_ref.value": "NetworkDestinationIP",
    "network-traffic:src_port": "NetworkSourcePort",
    "network-traffic:dst_port": "NetworkDestinationPort",
    "network-traffic:extensions.'http-request-ext'.request_header.'User-Agent'": "UserAgent",
    "domain-name:value": "DomainName",
    "url:value": "Url",
    "email-addr:value": "EmailSenderAddress",
    "email-addr:display_name": "EmailSenderName",
    "email-message:from_ref.value": "EmailSenderAddress",
    "email-message:sender_ref.value": "EmailSenderAddress",
    "email-message:to_refs[*].value": "EmailRecipient",
    "email-message:subject": "EmailSubject",
    "file:name": "FileName",
    "file:parent_directory_ref.path": "FilePath",
    "file:size": "FileSize",
    "mutex:name": "FileMutexName",
}
"""The column of the older table for each property; hashes and networks have further ones."""
_NETWORKS: Final[Mapping[str, str]] = {
    "NetworkIP": "NetworkCidrBlock",
    "NetworkSourceIP": "NetworkSourceCidrBlock",
    "NetworkDestinationIP": "NetworkDestinationCidrBlock",
}
_NUMBERS: Final = frozenset({"NetworkSourcePort", "NetworkDestinationPort", "FileSize"})
_KILL_CHAIN: Final[Mapping[str, str]] = {
    "reconnaissance": "KillChainReconnaissance",
    "weaponization": "KillChainWeaponization",
    "delivery": "KillChainDelivery",
    "exploitation": "KillChainExploitation",
    "command-and-control": "KillChainC2",
    "actions-on-objectives": "KillChainActions",
    "actions-on-objective": "KillChainActions",
}
"""Phases of the Lockheed Martin kill chain."""


class TableRow(NamedTuple):
    """A row, and its table."""

    table: str
    row: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of an object, as far as its rows tell of it."""

    workspace_id: str
    source: str
    method: str
    id: str
    type: str
    content: Mapping[str, Any]
    tags: tuple[str, ...]
    created: datetime | None
    modified: datetime | None
    revoked: bool
    deleted: bool
    valid_from: datetime | None
    valid_until: datetime | None
    confidence: int | None
    former: Mapping[str, Any] | None = None
    """`pattern` and `pattern_type` that the rows had which were written last, where they are others."""

    @property
    def row_id(self) -> str:
        """The id in the tables: the same id of STIX may come from several sources."""
        return f"{derived_id(self.workspace_id, 'intel', self.source)}--{self.id}"

    def active(self, now: datetime) -> bool:
        """Whether what it names counts as a threat at a moment."""
        if self.revoked or self.deleted:
            return False
        return not (self.valid_from and now < self.valid_from) and not (self.valid_until and now >= self.valid_until)


def rows_of(kept: Kept, now: datetime) -> list[TableRow]:
    """The rows that tell of an object as it is now. What a former pattern named and this one does not gets rows that end it."""
    if kept.type != "indicator":
        return [TableRow(OBJECTS, {**_common(kept, now), "StixType": kept.type})]
    active = kept.active(now)
    pattern = observables_of(kept.content)
    told = list(pattern.observables) or [_NO_OBSERVABLE]
    columns = _alternatives(pattern)
    rows = [TableRow(INDICATORS, _indicator(kept, one, now, active)) for one in told]
    rows += [TableRow(LEGACY, _legacy(kept, one, now, active)) for one in columns]
    if kept.former is not None:
        old = observables_of(kept.former)
        gone = [one for one in list(old.observables) or [_NO_OBSERVABLE] if one not in told]
        ended = [one for one in _alternatives(old) if one not in columns]
        rows += [TableRow(INDICATORS, _indicator(kept, one, now, False)) for one in gone]
        rows += [TableRow(LEGACY, _legacy(kept, one, now, False)) for one in ended]
    return rows


def _common(kept: Kept, now: datetime) -> dict[str, Any]:
    level = tlp(kept.content)
    return {
        "TimeGenerated": now,
        "WorkspaceId": kept.workspace_id,
        "Id": kept.row_id,
        "SourceSystem": kept.source,
        "LastUpdateMethod": kept.method,
        "IsDeleted": kept.deleted,
        "AdditionalFields": {"TLPLevel": level} if level else {},
        "Data": dict(kept.content),
    }


def _indicator(kept: Kept, observable: Observable, now: datetime, active: bool) -> dict[str, Any]:
    return {
        **_common(kept, now),
        "IsActive": active,
        "Revoked": kept.revoked,
        "ValidFrom": kept.valid_from,
        "ValidUntil": kept.valid_until,
        "Created": kept.created,
        "Modified": kept.modified,
        "Tags": _tags(kept),
        "Confidence": kept.confidence,
        "Pattern": str(kept.content.get("pattern") or ""),
        "ObservableKey": observable.key,
        "ObservableValue": observable.value,
    }


def _tags(kept: Kept) -> str:
    return json.dumps(list(dict.fromkeys([*texts(kept.content, "labels"), *kept.tags])), ensure_ascii=False)


def _alternatives(pattern: Pattern) -> list[dict[str, Any]]:
    """The observables of each alternative, by column: a row has those that have to be seen together, as far as there are columns."""
    found: list[dict[str, Any]] = []
    for together in pattern.alternatives:
        rows: list[dict[str, Any]] = [{}]
        for observable in together:
            columns = _by_column(observable)
            free = next((row for row in rows if not columns.keys() & row.keys()), None)
            if free is None:
                rows.append(columns)
            else:
                free.update(columns)
        found += [row for row in rows if row and row not in found]
    return found or [{}]


def _by_column(observable: Observable) -> dict[str, Any]:
    key, value = observable
    if key.startswith("file:hashes."):
        return {"FileHashType": key.removeprefix("file:hashes.").strip("'"), "FileHashValue": value}
    column = _COLUMNS.get(key)
    if column is None:
        return {}
    if observable.network:
        return {_NETWORKS[column]: value}
    if column in _NUMBERS:
        return {column: int(value)} if value.lstrip("+-").isdigit() else {}
    if column == "EmailSenderAddress" and "@" in value:
        return {column: value, "EmailSourceDomain": value.rpartition("@")[2]}
    return {column: value}


def _legacy(kept: Kept, columns: Mapping[str, Any], now: datetime, active: bool) -> dict[str, Any]:
    content = kept.content
    types = texts(content, "indicator_types")
    severity = content.get("severity")
    phases = content.get("kill_chain_phases")
    row: dict[str, Any] = {
        "TimeGenerated": now,
        "SourceSystem": kept.source,
        "Action": "alert",
        "ActivityGroupNames": ", ".join(_marked(texts(content, "labels"), "ActivityGroup:")),
        "MalwareNames": ", ".join(_marked(texts(content, "labels"), "MalwareFamily:")),
        "ConfidenceScore": None if kept.confidence is None else float(kept.confidence),
        "Description": str(content.get("description") or content.get("name") or ""),
        "ExternalIndicatorId": kept.id,
        "ExpirationDateTime": kept.valid_until,
        # rules take the newest row of each IndicatorId, so each of a pattern's alternatives needs its own
        "IndicatorId": derived_id(kept.row_id, json.dumps(columns, sort_keys=True)).upper(),
        "IndicatorProvider": kept.source,
        "ThreatType": types[0] if len(types) == 1 else json.dumps(types, ensure_ascii=False) if types else "",
        "Active": active,
        "PassiveOnly": False,
        "Tags": _tags(kept),
        "ThreatSeverity": severity if isinstance(severity, int) and not isinstance(severity, bool) else None,
        "TrafficLightProtocolLevel": tlp(content),
        **columns,
    }
    for phase in phases if isinstance(phases, list) else ():
        column = _KILL_CHAIN.get(str(phase.get("phase_name"))) if isinstance(phase, Mapping) else None
        if column is not None:
            row[column] = True
    return row


def _marked(labels: Iterable[str], mark: str) -> list[str]:
    return [label.removeprefix(mark) for label in labels if label.startswith(mark)]
