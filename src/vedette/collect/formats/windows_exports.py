"""Windows events as shippers and forensic tools write them, as rows of SecurityEvent and Event.

Winlogbeat (and Elastic's integrations) have an object `winlog`, or columns `winlog.…`; NXLog, and collections made with it, have the
event's values beside `EventID`, `SourceName` and `Channel`; EvtxECmd has columns of its own and the event's values as JSON in `Payload`;
Velociraptor has `System` and `EventData`; PowerShell's `Get-WinEvent` has the properties of .NET's EventLogRecord, where the values have no
names. Each is brought into the form that `windows_events` reads.

Sources: Winlogbeat's exported fields, NXLog's fields of im_msvistalog, EvtxECmd's columns, Velociraptor's parse_evtx(),
.NET's EventLogRecord.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from vedette.collect.formats import windows_events
from vedette.collect.formats.columns import Record, Unreadable, text
from vedette.collect.formats.shapes import inner, nested
from vedette.collect.formats.timestamps import Moments

_LEVELS: Final = {"logalways": 0, "critical": 1, "error": 2, "warning": 3, "information": 4, "info": 4, "verbose": 5}
_SEVERITIES: Final = {"1": "verbose", "2": "information", "3": "warning", "4": "error", "5": "critical"}
"""NXLog's numbers."""
_AUDITS: Final = {"audit success": "0x8020000000000000", "audit failure": "0x8010000000000000"}
_UNNAMED: Final = re.compile(r"param(\d{1,3})")
_NXLOG: Final = frozenset(
    "@timestamp @version AccountName AccountType ActivityID Category Channel Domain EventID EventReceivedTime EventTime EventType "
    "ExecutionProcessID ExecutionThreadID HostName Hostname Keywords Level Message Opcode OpcodeValue ProcessID ProviderGuid RecordNumber "
    "RelatedActivityID Severity SeverityValue SourceModuleName SourceModuleType SourceName Task TaskValue ThreadID TimeCreated UserID "
    "Version host port tags type".split()
)
"""What NXLog, and Logstash after it, have beside the values of an event."""


def is_event(record: Mapping[str, Any]) -> bool:
    """Whether the names of a record are those of an event that one of these tools has written."""
    return _part(record) is not None


def read(record: Mapping[str, Any], moments: Moments) -> Record | Unreadable:
    """The row of an event, or the event with the reason why it is none."""
    part = _part(record)
    event = None if part is None else part(record)
    if event is None:
        return Unreadable(text(record), "the record has not the form of a Windows event that is known")
    made = windows_events.read({"Event": event}, moments)
    return made._replace(raw=text(record)) if isinstance(made, Unreadable) else made


_Part = Callable[[Mapping[str, Any]], "dict[str, Any] | None"]


def _part(record: Mapping[str, Any]) -> _Part | None:
    names = record.keys()
    if "winlog" in names or "winlog.event_id" in names:
        return _winlogbeat
    if "TimeGenerated" in names:
        return None
    if names >= {"EventID", "SourceName", "Channel"} and ("Hostname" in names or "HostName" in names):
        return _nxlog
    if names >= {"EventId", "Provider", "Channel", "Computer", "TimeCreated"} and "Payload" in names:
        return _evtxecmd
    if names >= {"Id", "LogName", "ProviderName", "MachineName", "TimeCreated"}:
        return _powershell
    return _velociraptor if names >= {"System", "EventData"} else None


def _winlogbeat(record: Mapping[str, Any]) -> dict[str, Any] | None:
    whole = nested(record)
    winlog = whole.get("winlog")
    if not isinstance(winlog, Mapping):
        return None
    log, host, process = _object(whole.get("log")), _object(whole.get("host")), _object(winlog.get("process"))
    channel = winlog.get("channel")
    values = _object(winlog.get("event_data")) or _object(winlog.get("user_data"))
    return {
        "System": {
            "EventID": winlog.get("event_id"), "Channel": channel, "Version": winlog.get("version"), "Task": winlog.get("task"),
            "Opcode": winlog.get("opcode"), "Computer": winlog.get("computer_name") or host.get("name"),
            "Level": _level(winlog.get("level") or log.get("level"), channel), "Keywords": _keywords(winlog.get("keywords")),
            "EventRecordID": winlog.get("record_id"), "Provider": {"@Name": winlog.get("provider_name")},
            "TimeCreated": {"@SystemTime": winlog.get("time_created") or whole.get("@timestamp")},
            "Execution": {"@ProcessID": process.get("pid"), "@ThreadID": _object(process.get("thread")).get("id")},
            "Security": {"@UserID": _object(winlog.get("user")).get("identifier")},
            "Correlation": {"@ActivityID": winlog.get("activity_id")},
        },
        "EventData": {_UNNAMED.sub(r"Param\1", name): one for name, one in values.items() if name != "xml_name"},
        "RenderingInfo": {"Message": whole.get("message")},
    }  # fmt: skip


def _nxlog(record: Mapping[str, Any]) -> dict[str, Any]:
    channel = record["Channel"]
    told = record.get("Level") or _SEVERITIES.get(str(record.get("SeverityValue")), record.get("Severity"))
    return {
        "System": {
            "EventID": record["EventID"], "Channel": channel, "Version": record.get("Version"), "Task": record.get("Task"),
            "Opcode": record.get("OpcodeValue", record.get("Opcode")), "Computer": record.get("Hostname") or record.get("HostName"),
            "Level": _level(told, channel), "Keywords": _keywords(record.get("Keywords")), "EventRecordID": record.get("RecordNumber"),
            "Provider": {"@Name": record["SourceName"]},
            "TimeCreated": {
                "@SystemTime": record.get("TimeCreated") or record.get("@timestamp") or record.get("EventTime"),
            },
            "Execution": {
                "@ProcessID": record.get("ExecutionProcessID", record.get("ProcessID")),
                "@ThreadID": record.get("ExecutionThreadID", record.get("ThreadID")),
            },
            "Security": {"@UserID": record.get("UserID")},
            "Correlation": {"@ActivityID": record.get("ActivityID")},
        },
        "EventData": {name: one for name, one in record.items() if name not in _NXLOG},
        "RenderingInfo": {"Message": record.get("Message")},
    }  # fmt: skip


def _evtxecmd(record: Mapping[str, Any]) -> dict[str, Any]:
    channel = record["Channel"]
    payload = inner(record.get("Payload"))
    values = payload if isinstance(payload, Mapping) else {}
    return {
        "System": {
            "EventID": record["EventId"], "Channel": channel, "Computer": record["Computer"],
            "Level": _level(record.get("Level"), channel), "Keywords": _keywords(record.get("Keywords")),
            "EventRecordID": record.get("EventRecordId"), "Provider": {"@Name": record["Provider"]},
            "TimeCreated": {"@SystemTime": record["TimeCreated"]},
            "Execution": {"@ProcessID": record.get("ProcessId"), "@ThreadID": record.get("ThreadId")},
            "Security": {"@UserID": record.get("UserId") or None},
        },
        **{name: values[name] for name in ("EventData", "UserData") if name in values},
    }  # fmt: skip


def _powershell(record: Mapping[str, Any]) -> dict[str, Any]:
    channel, at, user, values = (record.get(name) for name in ("LogName", "TimeCreated", "UserId", "Properties"))
    held = [one.get("Value") if isinstance(one, Mapping) else one for one in values] if isinstance(values, list) else []
    return {
        "System": {
            "EventID": record["Id"], "Channel": channel, "Computer": record["MachineName"], "Version": record.get("Version"),
            "Task": record.get("Task"), "Opcode": record.get("Opcode"), "Keywords": _keywords(record.get("Keywords")),
            "Level": _level(record.get("Level", record.get("LevelDisplayName")), channel), "EventRecordID": record.get("RecordId"),
            "Provider": {"@Name": record["ProviderName"]},
            "TimeCreated": {"@SystemTime": at.get("value") or at.get("DateTime") if isinstance(at, Mapping) else at},
            "Execution": {"@ProcessID": record.get("ProcessId"), "@ThreadID": record.get("ThreadId")},
            "Security": {"@UserID": user.get("Value") if isinstance(user, Mapping) else user or None},
        },
        "EventData": {"Data": [one for one in held if one is not None]},
        "RenderingInfo": {"Message": record.get("Message")},
    }  # fmt: skip


def _velociraptor(record: Mapping[str, Any]) -> dict[str, Any] | None:
    system, values = inner(record["System"]), inner(record["EventData"])
    if not isinstance(system, Mapping):
        return None
    number, keywords = system.get("EventID"), system.get("Keywords")
    at = _object(system.get("TimeCreated")).get("SystemTime")
    return {
        "System": {
            **system,
            "EventID": number.get("Value") if isinstance(number, Mapping) else number,
            "TimeCreated": {"@SystemTime": f"{at:.6f}" if isinstance(at, int | float) else at},
            "Keywords": _keywords(keywords),
        },
        "EventData": _object(values),
        "RenderingInfo": {"Message": record.get("Message")},
    }


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _level(value: object, channel: object) -> object:
    """The number of a level. Events of the security log have none, which is shown as information."""
    number = _LEVELS.get(str(value).casefold(), value)
    return 0 if channel == "Security" and number == 4 else number


def _keywords(value: object) -> object:
    """Keywords as Windows writes them: words of audits as their number, and numbers, which may be negative, in hexadecimal."""
    if isinstance(value, str) and value.lstrip("-").isdecimal():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return f"0x{value & 0xFFFF_FFFF_FFFF_FFFF:x}"
    words = value if isinstance(value, list) else [value]
    known = [_AUDITS[str(one).casefold()] for one in words if str(one).casefold() in _AUDITS]
    if known:
        return known[0]
    return value if isinstance(value, str) and value.startswith("0x") else None
