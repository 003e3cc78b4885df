"""Microsoft 365's unified audit log (Management Activity API, `Search-UnifiedAuditLog`, the portal's export) as rows of OfficeActivity."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from vedette.collect.formats.columns import Record, Unreadable, columns, text
from vedette.collect.formats.office365_values import (
    GRAPH_NAMES,
    LOGON_TYPES,
    RECORD_TYPE_NAMES,
    RECORD_TYPES,
    RENAMED,
    USER_TYPES,
)
from vedette.collect.formats.shapes import lowered, moment, number
from vedette.collect.formats.timestamps import Moments

TABLE: Final = "OfficeActivity"
_DATA: Final = ("AuditData", "auditData")  # what the exports keep a record in

_SEARCH: Final = {
    "CreationDate": "CreationTime", "Operations": "Operation", "Operation": "Operation", "UserIds": "UserId", "UserId": "UserId",
    "RecordType": "RecordType", "Identity": "Id", "RecordId": "Id",
}  # fmt: skip


def is_audit_record(record: object) -> bool:
    """Whether a record has the form of the unified audit log's, or of an export around it."""
    return isinstance(record, Mapping) and (
        any(name in record for name in _DATA)
        or {"CreationTime", "Operation", "RecordType"} <= record.keys()
        or {"CreationTime", "Operation", "Workload", "UserId"} <= record.keys()
    )


def read(record: object, moments: Moments) -> Record | Unreadable:
    """The row of a record, or the record with the reason why it is none."""
    if not isinstance(record, Mapping):
        return Unreadable(text(record), "the record is not a JSON object")
    inner: Any = next((record[name] for name in _DATA if name in record), record)
    if isinstance(inner, str):
        try:
            inner = json.loads(inner)
        except ValueError:
            return Unreadable(text(record), "its AuditData is not JSON")
    if isinstance(inner, Mapping) and isinstance(inner.get("AdditionalProperties"), Mapping):
        inner = inner["AdditionalProperties"]  # where PowerShell's module for Graph has what it has no class for
    if isinstance(inner, Mapping) and "Operation" not in inner:
        inner = _of_graph(lowered(record)) | dict(inner)
    if isinstance(inner, Mapping) and inner is not record:
        inner = _of_search(record) | {name: value for name, value in inner.items() if value is not None}
    if not isinstance(inner, Mapping) or not isinstance(inner.get("Operation"), str):
        return Unreadable(text(record), "the record has no Operation")
    created = moment(inner.get("CreationTime"), moments)
    if created is None:
        return Unreadable(text(record), "the record has no CreationTime that can be read")
    row: dict[str, Any] = {"TimeGenerated": created, "SourceSystem": "OfficeActivityManager"}
    fields = {name: value for name, value in inner.items() if name != "CreationTime"}
    for name, words in (("UserType", USER_TYPES), ("LogonType", LOGON_TYPES)):
        value = fields[name] = number(fields.get(name))
        if isinstance(value, int) and 0 <= value < len(words):
            fields[name] = words[value]
        elif isinstance(value, str):
            fields[name] = value[:1].upper() + value[1:]  # Graph writes `regular`
    kind = number(fields.get("RecordType"))
    if isinstance(kind, int):
        fields["RecordType"] = RECORD_TYPES.get(kind, str(kind))
    elif isinstance(kind, str):
        fields["RecordType"] = RECORD_TYPE_NAMES.get(kind.casefold(), kind)
    columns(TABLE).put(row, fields, RENAMED)
    user = row.get("UserId")
    if isinstance(user, str) and "@" in user:
        row.setdefault("UserDomain", user.rpartition("@")[2])
    return Record(TABLE, row)


def _of_search(record: Mapping[str, Any]) -> dict[str, Any]:
    """What the search's result says around its AuditData: tools cut that down to what they ask for."""
    return {_SEARCH[name]: value for name, value in record.items() if name in _SEARCH and value not in (None, "")}


def _of_graph(record: Mapping[str, Any]) -> dict[str, Any]:
    """What Graph's auditLogRecord says around its auditData, by the names that it has there."""
    found = {
        GRAPH_NAMES[name]: value for name, value in record.items() if name in GRAPH_NAMES and value not in (None, "")
    }
    user = record.get("userPrincipalName") or record.get("userId")
    return found | ({"UserId": user} if user else {})
