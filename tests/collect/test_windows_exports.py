"""Windows events as Winlogbeat, NXLog, EvtxECmd and Velociraptor write them: the rows that the event log's own files give."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.collect.test_files import Bench
from tests.collect.test_files import bench as bench
from vedette.collect.formats import windows_events, windows_exports
from vedette.collect.formats.columns import Record, Unreadable
from vedette.collect.formats.timestamps import Moments

MOMENTS = Moments(datetime(2026, 3, 6, 18, tzinfo=UTC))
VALUES = {
    "SubjectUserName": "DC1$", "SubjectDomainName": "CONTOSO", "TargetUserName": "pat", "TargetDomainName": "CONTOSO",
    "LogonType": "3", "IpAddress": "203.0.113.9", "IpPort": "50123", "ProcessName": "C:\\Windows\\System32\\svchost.exe",
}  # fmt: skip
OWN = {
    "Event": {
        "System": {
            "Provider": {"#attributes": {"Name": "Microsoft-Windows-Security-Auditing"}}, "EventID": 4624, "Level": 0,
            "Keywords": "0x8020000000000000", "TimeCreated": {"#attributes": {"SystemTime": "2026-03-01T10:00:00.123Z"}},
            "EventRecordID": 77, "Execution": {"#attributes": {"ProcessID": 700, "ThreadID": 44}}, "Channel": "Security",
            "Computer": "dc1.contoso.example",
        },
        "EventData": VALUES,
    }
}  # fmt: skip
WINLOGBEAT = {
    "@timestamp": "2026-03-01T10:00:00.123Z", "message": "An account was successfully logged on.", "log": {"level": "information"},
    "event": {"code": "4624", "provider": "Microsoft-Windows-Security-Auditing"}, "agent": {"type": "winlogbeat"},
    "winlog": {
        "channel": "Security", "event_id": "4624", "computer_name": "dc1.contoso.example", "record_id": 77,
        "provider_name": "Microsoft-Windows-Security-Auditing", "keywords": ["Audit Success"], "event_data": VALUES,
        "process": {"pid": 700, "thread": {"id": 44}},
    },
}  # fmt: skip
NXLOG = {
    "EventTime": "2026-03-01 11:00:00", "@timestamp": "2026-03-01T10:00:00.123Z", "Hostname": "dc1.contoso.example", "EventID": 4624,
    "Keywords": -9214364837600034816, "EventType": "AUDIT_SUCCESS", "SeverityValue": 2, "Severity": "INFO", "Channel": "Security",
    "SourceName": "Microsoft-Windows-Security-Auditing", "RecordNumber": 77, "ExecutionProcessID": 700, "ExecutionThreadID": 44,
    "Message": "An account was successfully logged on.", "Category": "Logon", "host": "wec", "tags": ["x"], **VALUES,
}  # fmt: skip
EVTXECMD = {
    "RecordNumber": 5, "EventRecordId": 77, "TimeCreated": "2026-03-01 10:00:00.1230000", "EventId": 4624, "Level": "LogAlways",
    "Provider": "Microsoft-Windows-Security-Auditing", "Channel": "Security", "ProcessId": 700, "ThreadId": 44,
    "Computer": "dc1.contoso.example", "UserId": "", "MapDescription": "Logon", "PayloadData1": "Target: CONTOSO\\pat",
    "Keywords": "Audit success",
    "Payload": json.dumps({"EventData": {"Data": [{"@Name": name, "#text": value} for name, value in VALUES.items()]}}),
}  # fmt: skip
VELOCIRAPTOR = {
    "System": {
        "Provider": {"Name": "Microsoft-Windows-Security-Auditing"}, "EventID": {"Value": 4624}, "Level": 0,
        "Keywords": 9232379236109516800, "TimeCreated": {"SystemTime": 1772359200.123}, "EventRecordID": 77,
        "Execution": {"ProcessID": 700, "ThreadID": 44}, "Channel": "Security", "Computer": "dc1.contoso.example",
    },
    "EventData": VALUES, "Message": "An account was successfully logged on.",
}  # fmt: skip


def flat(value: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, one in value.items():
        made |= flat(one, f"{prefix}{name}.") if isinstance(one, dict) else {prefix + name: one}
    return made


@pytest.mark.parametrize(
    "record",
    [WINLOGBEAT, flat(WINLOGBEAT), NXLOG, EVTXECMD, VELOCIRAPTOR],
    ids=["winlogbeat", "kibana", "nxlog", "evtxecmd", "velociraptor"],
)
def test_an_event_is_the_row_of_the_same_event_in_the_log(record: dict[str, Any]) -> None:
    own, made = windows_events.read(OWN, MOMENTS), windows_exports.read(record, MOMENTS)
    assert windows_exports.is_event(record)
    assert isinstance(own, Record)
    assert isinstance(made, Record), made
    same = {name: value for name, value in own.row.items() if name not in ("EventData", "TimeGenerated")}
    assert (made.table, {name: made.row.get(name) for name in same}) == ("SecurityEvent", same)
    assert made.row["TimeGenerated"].rstrip("0Z") == "2026-03-01T10:00:00.123"


@pytest.mark.parametrize("which", ["beats", "hits", "evtxecmd", "velociraptor", "nxlog"])
def test_files_of_such_events(bench: Bench, which: str) -> None:
    sysmon = {
        "@timestamp": "2026-03-01T10:00:01Z", "message": "Process Create",
        "winlog": {"channel": "Microsoft-Windows-Sysmon/Operational", "event_id": 1, "computer_name": "pc", "level": "information",
                   "provider_name": "Microsoft-Windows-Sysmon", "event_data": {"Image": "C:\\x.exe", "param1": "a"}},
    }  # fmt: skip
    table = io.StringIO()
    writer = csv.DictWriter(table, list(EVTXECMD))
    writer.writeheader()
    writer.writerow(EVTXECMD)
    contents = {
        "beats": json.dumps(WINLOGBEAT) + "\n" + json.dumps(sysmon),
        "hits": "\n".join(
            json.dumps({"_index": "w", "_id": str(n), "_source": one}) for n, one in enumerate([WINLOGBEAT, sysmon])
        ),
        "evtxecmd": "\ufeff" + table.getvalue(),
        "velociraptor": json.dumps(VELOCIRAPTOR),
        "nxlog": json.dumps([NXLOG]),
    }
    report = bench.load(bench.write(f"{which}.{'csv' if which == 'evtxecmd' else 'json'}", contents[which].encode()))
    assert (report.bad, report.unknown) == (0, [])
    assert bench.ask("SecurityEvent | project EventID, Account, LogonTypeName, IpAddress, EventRecordId, Computer") == [
        [4624, "CONTOSO\\pat", "3 - Network", "203.0.113.9", "77", "dc1.contoso.example"]
    ]
    if which in ("beats", "hits"):
        assert bench.ask("Event | project EventID, EventLevelName, RenderedDescription, ParameterXml, EventLog") == [
            [
                1,
                "Information",
                "Process Create",
                "<Param>C:\\x.exe</Param><Param>a</Param>",
                "Microsoft-Windows-Sysmon/Operational",
            ]
        ]


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({**WINLOGBEAT, "winlog": {**WINLOGBEAT["winlog"], "time_created": "2025-12-01T00:00:00Z"}},  # type: ignore[dict-item]
         {"TimeGenerated": "2025-12-01T00:00:00Z"}),
        ({"@timestamp": "2026-03-01T10:00:00Z", "winlog": {"event_id": 1102, "channel": "Security", "keywords": ["Audit Failure"],
          "user_data": {"xml_name": "LogFileCleared", "SubjectUserName": "pat"}}},
         {"EventID": 1102, "SubjectUserName": "pat", "Keywords": "0x8010000000000000"}),
        ({**NXLOG, "Channel": "System", "SeverityValue": 4, "@timestamp": None},
         {"EventLevel": 2, "EventLevelName": "Error", "TimeGenerated": "2026-03-01T11:00:00Z", "RenderedDescription": NXLOG["Message"]}),
        ({**EVTXECMD, "Channel": "System", "Level": "Warning", "Payload": '{"EventData":{"Data":"one"}}'},
         {"EventLevel": 3, "ParameterXml": "<Param>one</Param>"}),
        ({**EVTXECMD, "Channel": "System", "Payload": "no JSON"}, {"EventID": 4624, "ParameterXml": ""}),
    ],
)  # fmt: skip
def test_what_they_say_in_other_ways(record: dict[str, Any], expected: dict[str, Any]) -> None:
    made = windows_exports.read(record, MOMENTS)
    assert isinstance(made, Record), made
    assert {name: made.row.get(name) for name in expected} == expected


GET_WINEVENT = {
    "Message": "The service entered the stopped state.", "Id": 7036, "Version": 0, "Level": 4, "Task": 0, "Opcode": 0,
    "Keywords": -9187343239835811840, "RecordId": 12, "ProviderName": "Service Control Manager", "LogName": "System", "ProcessId": 5,
    "ThreadId": 6, "MachineName": "pc", "UserId": {"BinaryLength": 12, "Value": "S-1-5-18"}, "TimeCreated": "/Date(1772359200123)/",
    "LevelDisplayName": "Information", "Properties": [{"Value": "Spooler"}, {"Value": "stopped"}, {"Value": None}],
}  # fmt: skip


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"TimeCreated": {"value": "/Date(1772359200123)/", "DateTime": "Sunday"}},
        {"TimeCreated": "2026-03-01T11:00:00.123+01:00"},
    ],
)
def test_get_winevent(bench: Bench, changed: dict[str, Any]) -> None:
    assert bench.load(bench.write("a.json", [{**GET_WINEVENT, **changed}])).bad == 0
    asked = "Event | project TimeGenerated, EventID, Source, EventLog, EventLevelName, RenderedDescription, ParameterXml, UserName"
    assert bench.ask(asked) == [
        [
            "2026-03-01T10:00:00.1230000Z", 7036, "Service Control Manager", "System", "Information",
            "The service entered the stopped state.", "<Param>Spooler</Param><Param>stopped</Param>", "S-1-5-18",
        ]
    ]  # fmt: skip


def test_get_winevent_as_csv(bench: Bench) -> None:
    row = {
        **GET_WINEVENT,
        "TimeCreated": "3/1/2026 10:00:00 AM",
        "Properties": "System.Collections.Generic.List`1[System.Object]",
    }
    table = io.StringIO()
    writer = csv.DictWriter(table, list(row))
    writer.writeheader()
    writer.writerow({**row, "UserId": ""})
    assert bench.load(bench.write("a.csv", table.getvalue().encode())).bad == 0
    assert bench.ask("Event | project TimeGenerated, EventID, ParameterXml") == [
        ["2026-03-01T10:00:00.0000000Z", 7036, ""]
    ]


def test_what_is_none_of_these() -> None:
    assert not windows_exports.is_event({"EventID": 1, "SourceName": "s", "Channel": "Security", "Computer": "pc"})
    assert not windows_exports.is_event({**NXLOG, "TimeGenerated": "2026-03-01T10:00:00Z"})
    for record in ({"winlog": "text"}, {"winlog": {"event_id": "none"}}, {"System": "x", "EventData": {}}):
        found = windows_exports.read(record, MOMENTS)
        assert isinstance(found, Unreadable)
        assert json.loads(found.raw) == record
