"""Windows events, from EVTX files or as the same JSON, as rows of SecurityEvent (channel Security), Event or WindowsEvent.

The library `evtx` reads the file format; what it makes of an event is `Event` with `System` and `EventData` or `UserData`, where
attributes are under `#attributes` and text under `#text`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Final
from xml.sax.saxutils import escape, quoteattr

from vedette.collect.formats.columns import Record, Unreadable, columns
from vedette.collect.formats.timestamps import Moments
from vedette.collect.formats.windows_activities import ACTIVITIES, LEVELS, LOGON_TYPES
from vedette.core.errors import InvalidInput

_NAMESPACE: Final = "http://schemas.microsoft.com/win/2004/08/events/event"


def read_evtx(
    source: Path | BinaryIO, moments: Moments, *, windows_event: bool = False, shown: Path | None = None
) -> Iterator[Record | Unreadable]:
    """The rows of an EVTX file; a record that cannot be read is told with its reason, and the next ones are read all the same.

    `shown` is what an error calls the file, where it lies under another name. With `windows_event` every row is of WindowsEvent, as the
    agent of Azure Monitor writes forwarded events. `InvalidInput` if it is no EVTX file.
    """
    from evtx import PyEvtxParser  # a native library that only this needs

    try:
        parser = PyEvtxParser(str(source) if isinstance(source, Path) else source)
    except (OSError, RuntimeError, ValueError) as error:
        name = str(shown) if shown else source.name if isinstance(source, Path) else "The file"
        raise InvalidInput(
            f"{name} is not an EVTX file that can be read: {error}.", code="VDT0645", target=name
        ) from None
    found: Iterator[Any] = parser.records_json()
    while True:
        try:
            one = next(found)
        except StopIteration:
            return
        except (RuntimeError, ValueError, OSError) as error:
            yield Unreadable("", f"a record cannot be read: {error}")
            continue
        try:
            event = json.loads(one["data"])
        except (ValueError, KeyError):
            yield Unreadable(str(one.get("data", "")), "the record is not an event")
            continue
        yield read(event, moments, windows_event=windows_event)


def read(document: object, moments: Moments, *, windows_event: bool = False) -> Record | Unreadable:
    """The row of an event, or the event with the reason why it is none."""
    event = document.get("Event") if isinstance(document, Mapping) else None
    system = event.get("System") if isinstance(event, Mapping) else None
    if not isinstance(event, Mapping) or not isinstance(system, Mapping):
        return Unreadable(json.dumps(document, default=str), "the record has no Event with System")
    number = _number(_text(system.get("EventID")))
    if number is None:
        return Unreadable(json.dumps(document, default=str), "the event has no EventID that is a number")
    data = _data(event)
    created = moments.read(str(_attribute(system, "TimeCreated", "SystemTime") or "")) or moments.now_text
    level = _number(system.get("Level")) or 0
    base: dict[str, Any] = {"TimeGenerated": created, "Computer": system.get("Computer"), "EventID": number}
    if windows_event:
        record = _windows_event(system, base, level, data)
    elif system.get("Channel") == "Security":
        record = _security(system, base, level, data, created)
    else:
        rendering = event.get("RenderingInfo")
        rendered = _text(rendering.get("Message")) if isinstance(rendering, Mapping) else None
        record = _event(system, base, level, data, created, rendered)
    return Record(record.table, {name: value for name, value in record.row.items() if value is not None})


def _security(
    system: Mapping[str, Any], base: dict[str, Any], level: int, data: Mapping[str, Any], created: str
) -> Record:
    number = base["EventID"]
    row = base | _common(system, level) | {
        "SourceSystem": "OpsManager",
        "EventSourceName": _attribute(system, "Provider", "Name"),
        "Channel": system.get("Channel"),
        "Task": _number(system.get("Task")),
        "Level": str(level),
        "Activity": ACTIVITIES.get(number, f"{number}"),
        "EventData": _xml(data, created),
    }  # fmt: skip
    known = columns("SecurityEvent")
    for name, value in data.items():
        if value is None or (value == "-" and name in ("IpAddress", "IpPort")):
            continue
        row[known.named(name) or name] = value
    for side in ("Subject", "Target"):
        domain, user = data.get(f"{side}DomainName"), data.get(f"{side}UserName")
        if user not in (None, "", "-"):
            row[f"{side}Account"] = f"{domain}\\{user}" if domain not in (None, "", "-") else str(user)
    account = row.get("TargetAccount") if number != 4688 else row.get("SubjectAccount")
    account = account or row.get("SubjectAccount")
    if account is not None:
        row["Account"] = account
        row["AccountType"] = "Machine" if account.endswith("$") else "User"
    path = data.get("NewProcessName") if number == 4688 else data.get("ProcessName")
    if isinstance(path, str) and path not in ("", "-"):
        row["Process"] = path.rpartition("\\")[2]
    logon = _number(data.get("LogonType"))
    if logon is not None:
        row["LogonType"] = logon
        row["LogonTypeName"] = f"{logon} - {LOGON_TYPES.get(logon, 'Unknown')}"
    return Record("SecurityEvent", row)


def _event(
    system: Mapping[str, Any], base: dict[str, Any], level: int, data: Mapping[str, Any], created: str, rendered: object
) -> Record:
    row = base | {
        "SourceSystem": "OpsManager",
        "Source": _attribute(system, "Provider", "Name"),
        "EventLog": system.get("Channel"),
        "EventLevel": level,
        "EventLevelName": LEVELS.get(level, str(level)),
        "EventCategory": _number(system.get("Task")),
        "UserName": _attribute(system, "Security", "UserID"),
        "RenderedDescription": rendered,
        "ParameterXml": "".join(f"<Param>{escape(_words(value))}</Param>" for value in data.values()),
        "EventData": _xml(data, created),
    }
    return Record("Event", row)


def _windows_event(system: Mapping[str, Any], base: dict[str, Any], level: int, data: Mapping[str, Any]) -> Record:
    row = base | _common(system, level) | {
        "Provider": _attribute(system, "Provider", "Name"),
        "Channel": system.get("Channel"),
        "Task": _number(system.get("Task")),
        "EventLevel": level,
        "EventData": dict(data),
    }  # fmt: skip
    return Record("WindowsEvent", row)


def _common(system: Mapping[str, Any], level: int) -> dict[str, Any]:
    opcode, keywords = system.get("Opcode"), system.get("Keywords")
    return {
        "EventLevelName": LEVELS.get(level, str(level)),
        "SystemUserId": _attribute(system, "Security", "UserID"),
        "Version": _number(system.get("Version")),
        "Opcode": None if opcode is None else str(opcode),
        "Keywords": None if keywords is None else str(keywords),
        "Correlation": _attribute(system, "Correlation", "ActivityID"),
        "SystemProcessId": _number(_attribute(system, "Execution", "ProcessID")),
        "SystemThreadId": _number(_attribute(system, "Execution", "ThreadID")),
        "EventRecordId": None if system.get("EventRecordID") is None else str(system["EventRecordID"]),
    }


def _data(event: Mapping[str, Any]) -> dict[str, Any]:
    """The named values of an event; values without a name are Param1, Param2, …"""
    found = event.get("EventData")
    if not isinstance(found, Mapping):
        inner = event.get("UserData")
        while isinstance(inner, Mapping):
            named = {name: value for name, value in inner.items() if not name.startswith(("#", "@"))}
            if len(named) != 1 or not isinstance(next(iter(named.values())), Mapping):
                return named
            inner = next(iter(named.values()))
        return {}
    made: dict[str, Any] = {}
    for name, value in found.items():
        if name.startswith(("#", "@")):
            continue
        if name == "Data" and (named := _named(value)):
            made |= named
            continue
        text = value.get("#text") if isinstance(value, Mapping) and "#text" in value else value
        if name == "Data" and text is not None:
            for number, one in enumerate(text if isinstance(text, list) else [text], 1):
                made[f"Param{number}"] = one
        else:
            made[name] = text
    return made


def _named(value: object) -> dict[str, Any]:
    """The values of `Data` elements that have their names beside them, as XML becomes JSON in most languages; empty if they have none."""
    made: dict[str, Any] = {}
    for one in value if isinstance(value, list) else [value]:
        name = _of(one, "Name")
        if not isinstance(one, Mapping) or not isinstance(name, str):
            return {}
        made[name] = next((one[text] for text in ("#text", "_text", "text", "Text", "Value") if text in one), None)
    return made


def _of(element: object, attribute: str) -> Any:
    """An attribute of an element: in an object of its own, with a sign before its name, or by its name."""
    if not isinstance(element, Mapping):
        return None
    for around in ("#attributes", "_attributes", "$"):
        if isinstance(attributes := element.get(around), Mapping):
            return attributes.get(attribute)
    return element.get(f"@{attribute}", element.get(attribute))


def _xml(data: Mapping[str, Any], created: str) -> str:
    """The values as Log Analytics keeps them in the text column EventData."""
    items = "".join(f"<Data Name={quoteattr(name)}>{escape(_words(value))}</Data>" for name, value in data.items())
    return (
        f'<DataItem type="System.XmlData" time="{created}" sourceHealthServiceId="">'
        f'<EventData xmlns="{_NAMESPACE}">{items}</EventData></DataItem>'
    )


def _words(value: object) -> str:
    return "" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _text(value: object) -> object:
    return value.get("#text", value.get("_text")) if isinstance(value, Mapping) else value


def _attribute(system: Mapping[str, Any], name: str, attribute: str) -> Any:
    return _of(system.get(name), attribute)


def _number(value: object) -> int | None:
    if isinstance(value, int):
        return value
    if isinstance(value, str):
        try:
            return int(value, 0) if value.lower().startswith("0x") else int(value)
        except ValueError:
            return None
    return None
