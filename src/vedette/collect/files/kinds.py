"""The kinds of records that files have, in the order in which they are tried; a line each.

`fits` looks at the names of a record's properties alone, so that it is asked once for each set of names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from vedette.collect.formats import (
    azure_activity,
    azure_diagnostics,
    cloud_posture,
    defender_alerts,
    defender_incidents,
    defender_xdr_incidents,
    device_vulnerabilities,
    entra_graph,
    entra_portal,
    exchange_audit,
    journal,
    log_rows,
    message_traces,
    office365,
    sentinel_incidents,
    windows_events,
    windows_exports,
)
from vedette.collect.formats.columns import Record, Unreadable, text
from vedette.collect.formats.shapes import header, inner
from vedette.collect.formats.timestamps import Moments

Made = Sequence[Record] | Unreadable
Read = Callable[[Mapping[str, Any], Moments, str], Made]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of record. `read` is given the record, the times, and the name of the file."""

    label: str
    fits: Callable[[Mapping[str, Any]], bool]
    read: Read


def _one(read: Callable[[Mapping[str, Any], Moments], Record | Unreadable]) -> Read:
    def made(record: Mapping[str, Any], moments: Moments, _file: str) -> Made:
        found = read(record, moments)
        return found if isinstance(found, Unreadable) else [found]

    return made


def _several(read: Callable[[Mapping[str, Any], Moments], Made]) -> Read:
    return lambda record, moments, _file: read(record, moments)


def _headings(test: Callable[[set[str]], bool]) -> Callable[[Mapping[str, Any]], bool]:
    return lambda record: test({header(name) for name in record})


def _portal_sign_in(record: Mapping[str, Any], moments: Moments, file: str) -> Made:
    found = entra_portal.read_sign_in(record, moments, file)
    return found if isinstance(found, Unreadable) else [found]


def _log_row(record: Mapping[str, Any], moments: Moments, file: str) -> Made:
    table = log_rows.named_table(record)
    if table is None:
        found = log_rows.candidates(record)
        if len(found) != 1:
            return Unreadable(text(record), "its columns do not tell which table it is of")
        table = found[0]
    return [log_rows.read(record, table, moments)]


def _has(*names: str) -> Callable[[Mapping[str, Any]], bool]:
    wanted = frozenset(names)
    return lambda record: wanted <= record.keys()


def _is_alert(record: Mapping[str, Any]) -> bool:
    return defender_alerts.is_alert(record)


def _resource(record: Mapping[str, Any]) -> Kind | None:
    """The kind of a resource of Azure, which its type or what it holds says."""
    held, kind = record.get("properties"), str(record.get("type") or "").casefold()
    if not isinstance(held, Mapping):
        if "id" not in record or held is not None:
            return None
        held = record  # as the Azure CLI writes resources
    if kind == sentinel_incidents.TYPE:
        return _SENTINEL
    if cloud_posture.is_type(kind):
        return _POSTURE
    return _ALERTS if defender_alerts.is_alert(held) else None


_ALERTS: Final = Kind("Defender alerts", _is_alert, _several(defender_alerts.read))
_SENTINEL: Final = Kind("Sentinel incidents", lambda record: False, _one(sentinel_incidents.read))
_POSTURE: Final = Kind("Defender for Cloud", cloud_posture.is_export, _one(cloud_posture.read))
KINDS: Final[tuple[Kind, ...]] = (
    Kind("Windows events", _has("Event"), _one(windows_events.read)),
    Kind("Windows events", windows_exports.is_event, _one(windows_exports.read)),
    Kind("Azure activity log", azure_activity.is_event, _one(azure_activity.read)),
    Kind("Azure diagnostic settings", azure_diagnostics.is_diagnostic, _one(azure_diagnostics.read)),
    Kind("Unified audit log", office365.is_audit_record, _one(office365.read)),
    _ALERTS,
    Kind("Defender incidents", defender_incidents.is_incident, _several(defender_incidents.read)),
    Kind("Defender incidents", defender_xdr_incidents.is_incident, _several(defender_xdr_incidents.read)),
    _POSTURE,
    Kind("Microsoft Graph", entra_graph.is_graph, _one(entra_graph.read)),
    Kind("Entra portal, sign-ins", _headings(entra_portal.is_sign_in), _portal_sign_in),
    Kind("Entra portal, audit", _headings(entra_portal.is_audit), _one(entra_portal.read_audit)),
    Kind("Azure portal, activity log", _headings(azure_activity.is_portal), _one(azure_activity.read_portal)),
    Kind("Mailbox audit log", exchange_audit.is_mailbox_record, _one(exchange_audit.read_mailbox)),
    Kind("systemd journal", journal.is_entry, _one(journal.read)),
    Kind("Admin audit log", exchange_audit.is_admin_record, _one(exchange_audit.read_admin)),
    Kind("Exchange message trace", message_traces.is_trace, _one(message_traces.read)),
    Kind("Defender vulnerabilities", device_vulnerabilities.is_export, _one(device_vulnerabilities.read)),
    Kind(
        "Defender assessments",
        device_vulnerabilities.is_assessment,
        _one(device_vulnerabilities.read_assessment),
    ),
    Kind(
        "Defender vulnerabilities",
        device_vulnerabilities.is_vulnerability,
        _one(device_vulnerabilities.read_vulnerability),
    ),
)
LOG_ROWS: Final = Kind("Log table rows", lambda record: True, _log_row)
"""Rows that have a table's columns: tried by their values, after all others."""

_known: dict[tuple[str, ...], Kind | None] = {}
_MOST: Final = 4096


def kind_of(record: Mapping[str, Any]) -> Kind | None:
    """The kind of a record, or None if it is of none."""
    names = tuple(record)
    try:
        found = _known[names]
    except KeyError:
        if len(_known) >= _MOST:
            _known.clear()
        found = _known[names] = next((kind for kind in KINDS if kind.fits(record)), None)
    if found is None:
        found = _resource(record)
    if found is None and (log_rows.named_table(record) is not None or len(log_rows.candidates(record)) == 1):
        return LOG_ROWS
    return found


LISTS: Final = ("records", "value", "Results", "results", "Records", "items", "data")
"""What documents around lists of records call the list."""


def forwarded(document: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The record of a known kind that Elasticsearch, Beats or Logstash have put a document around: its `_source`, or text in `message` or
    `event.original`."""
    source = document.get("_source")
    if isinstance(source, Mapping):
        return forwarded(source) or source
    if "@timestamp" not in document or kind_of(document) is not None:
        return None
    event = document.get("event")
    original = event.get("original") if isinstance(event, Mapping) else document.get("event.original")
    for text_ in (original, document.get("message")):
        held = inner(text_)
        if isinstance(held, Mapping) and kind_of(held) is not None:
            return held
    return None


def records_in(document: object) -> Iterator[object]:
    """The records of a document: those of a list, of an envelope around one, of the query API's tables, or itself."""
    if isinstance(document, list):
        for one in document:
            yield from records_in(one)
        return
    if not isinstance(document, Mapping):
        yield document
        return
    for name in LISTS:
        held = document.get(name)
        if isinstance(held, list) and (name in ("records", "Records") or all(isinstance(one, Mapping) for one in held)):
            if kind_of(document) is None:
                yield from records_in(held)
                return
    if (held_within := forwarded(document)) is not None:
        yield held_within
        return
    tables = document.get("tables")
    if isinstance(tables, list) and tables and all(isinstance(one, Mapping) and "rows" in one for one in tables):
        for table in tables:
            yield from _rows_of(table)
        return
    yield document


def _rows_of(table: Mapping[str, Any]) -> Iterator[object]:
    """The rows of a table as the query API of Log Analytics gives it."""
    names = [str(one.get("name")) for one in table.get("columns") or () if isinstance(one, Mapping)]
    for row in table["rows"]:
        yield dict(zip(names, row)) if isinstance(row, list) else row
