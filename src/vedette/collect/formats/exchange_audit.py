"""Exchange's own audit logs (`Search-MailboxAuditLog`, `Search-AdminAuditLog`) as rows of OfficeActivity."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from vedette.collect.formats.columns import Record, Unreadable, columns, text
from vedette.collect.formats.shapes import inner, moment
from vedette.collect.formats.timestamps import Moments

TABLE: Final = "OfficeActivity"
_RENAMED: Final = {
    "ClientIPAddress": "Client_IPAddress",
    "LogonType": "Logon_Type",
    "ClientInfoString": "ClientInfoString",
}


def is_mailbox_record(record: Mapping[str, Any]) -> bool:
    """Whether a record is one of a mailbox audit log."""
    return {"Operation", "LogonType", "LastAccessed"} <= record.keys() and "CreationTime" not in record


def is_admin_record(record: Mapping[str, Any]) -> bool:
    """Whether a record is one of an admin audit log."""
    return {"CmdletName", "Caller", "RunDate"} <= record.keys()


def read_mailbox(record: Mapping[str, Any], moments: Moments) -> Record | Unreadable:
    """The row of an access to a mailbox."""
    at = moment(record.get("LastAccessed"), moments)
    if at is None:
        return Unreadable(text(record), "the record has no LastAccessed that can be read")
    row: dict[str, Any] = {
        "TimeGenerated": at, "SourceSystem": "OfficeActivityManager", "OfficeWorkload": "Exchange", "RecordType": "ExchangeItem",
        "UserId": record.get("LogonUserDisplayName") or record.get("MailboxOwnerUPN"),
        "OfficeId": record.get("Identity"),
    }  # fmt: skip
    columns(TABLE).put(row, {name: inner(value) for name, value in record.items() if name != "Identity"}, _RENAMED)
    return Record(TABLE, {name: value for name, value in row.items() if value not in (None, "")})


def read_admin(record: Mapping[str, Any], moments: Moments) -> Record | Unreadable:
    """The row of a command of an administrator."""
    at = moment(record.get("RunDate"), moments)
    if at is None:
        return Unreadable(text(record), "the record has no RunDate that can be read")
    parameters = inner(record.get("CmdletParameters"))
    row: dict[str, Any] = {
        "TimeGenerated": at, "SourceSystem": "OfficeActivityManager", "OfficeWorkload": "Exchange", "RecordType": "ExchangeAdmin",
        "Operation": record.get("CmdletName"), "UserId": record.get("Caller"), "OfficeObjectId": record.get("ObjectModified"),
        "ResultStatus": None if record.get("Succeeded") is None else str(record["Succeeded"]), "OfficeId": record.get("Identity"),
        "OriginatingServer": record.get("OriginatingServer"), "ClientIP": record.get("ClientIP"),
        "Parameters": parameters if isinstance(parameters, str) else None if parameters is None else text(parameters),
    }  # fmt: skip
    return Record(TABLE, {name: value for name, value in row.items() if value not in (None, "")})
