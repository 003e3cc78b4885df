"""Entries of systemd's journal (`journalctl -o json`) as rows of Syslog.

A field that comes several times is a list, and one that is no text a list of its bytes. Source: systemd's "Journal JSON Format" and
systemd.journal-fields(7).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from vedette.collect.formats.columns import Record, Unreadable, text
from vedette.collect.formats.lines import decode
from vedette.collect.formats.shapes import moment
from vedette.collect.formats.syslog import FACILITIES, SEVERITIES, TABLE
from vedette.collect.formats.timestamps import Moments

_READ: Final = frozenset(
    {"__REALTIME_TIMESTAMP", "_HOSTNAME", "SYSLOG_IDENTIFIER", "SYSLOG_FACILITY", "PRIORITY", "MESSAGE"}
)
_INT: Final = 2**31


def is_entry(record: Mapping[str, Any]) -> bool:
    """Whether a record is an entry of a journal."""
    return "__REALTIME_TIMESTAMP" in record


def read(record: Mapping[str, Any], moments: Moments) -> Record | Unreadable:
    """The row of an entry; fields that Syslog has no column for stay with it under their own names."""
    at = moment(_text(record["__REALTIME_TIMESTAMP"]), moments)
    if at is None:
        return Unreadable(text(record), "the entry has no __REALTIME_TIMESTAMP that can be read")
    host = _text(record.get("_HOSTNAME"))
    pid = _text(record.get("SYSLOG_PID")) or _text(record.get("_PID"))
    row: dict[str, Any] = {
        "TimeGenerated": at, "EventTime": at, "HostName": host, "Computer": host, "SourceSystem": "Linux",
        "Facility": _word(record.get("SYSLOG_FACILITY"), FACILITIES), "SeverityLevel": _word(record.get("PRIORITY"), SEVERITIES),
        "ProcessName": _text(record.get("SYSLOG_IDENTIFIER")) or _text(record.get("_COMM")),
        "ProcessID": int(pid) if pid and pid.isdigit() and pid.isascii() and int(pid) < _INT else None,
        "SyslogMessage": _text(record.get("MESSAGE")),
    }  # fmt: skip
    row |= {name: value for name, value in record.items() if name not in _READ}
    return Record(TABLE, {name: value for name, value in row.items() if value is not None})


def _text(value: object) -> str | None:
    """A field's text; of several values all of them, a line each."""
    if isinstance(value, list):
        if value and all(isinstance(one, int) and 0 <= one < 256 for one in value):
            return decode(bytes(value))
        return "\n".join(part for one in value if (part := _text(one)) is not None)
    return None if value is None else value if isinstance(value, str) else text(value)


def _word(value: object, words: tuple[str, ...]) -> str | None:
    number = _text(value) or ""
    return words[int(number)] if number.isdigit() and number.isascii() and int(number) < len(words) else None
