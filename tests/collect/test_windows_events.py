from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.collect.evtx_file import evtx
from vedette.collect.formats import windows_events
from vedette.collect.formats.columns import Record, Unreadable
from vedette.collect.formats.timestamps import Moments
from vedette.core.errors import InvalidInput
from vedette.store.catalog import schema

MOMENTS = Moments(datetime(2026, 3, 6, 18, tzinfo=UTC))


def event(number: int, channel: str, provider: str, data: str) -> str:
    return (
        f'<Event><System><Provider Name="{provider}"/><EventID>{number}</EventID><Version>2</Version><Level>0</Level>'
        '<Task>12544</Task><Opcode>0</Opcode><Keywords>0x8020000000000000</Keywords><TimeCreated SystemTime="2026-03-06T12:00:00.1234567Z"/>'
        f'<EventRecordID>7</EventRecordID><Execution ProcessID="600" ThreadID="800"/><Channel>{channel}</Channel>'
        f'<Computer>dc1.contoso.example</Computer><Security UserID="S-1-5-18"/></System>{data}</Event>'
    )


LOGON = event(
    4624, "Security", "Microsoft-Windows-Security-Auditing",
    '<EventData><Data Name="SubjectUserName">DC1$</Data><Data Name="SubjectDomainName">CONTOSO</Data>'
    '<Data Name="TargetUserName">dana</Data><Data Name="TargetDomainName">CONTOSO</Data><Data Name="LogonType">3</Data>'
    '<Data Name="IpAddress">203.0.113.9</Data><Data Name="IpPort">-</Data><Data Name="ProcessName">C:\\Windows\\x.exe</Data></EventData>',
)  # fmt: skip
SERVICE = event(
    7045, "System", "Service Control Manager", '<EventData><Data Name="ServiceName">a &amp; b</Data></EventData>'
)
CLEARED = event(
    104, "System", "Microsoft-Windows-Eventlog",
    "<UserData><LogFileCleared><SubjectUserName>dana</SubjectUserName><Channel>System</Channel></LogFileCleared></UserData>",
)  # fmt: skip


@pytest.mark.req("P-038", "P-043")
def test_evtx(tmp_path: Path) -> None:
    file = tmp_path / "x.evtx"
    file.write_bytes(evtx([LOGON, SERVICE, CLEARED]))
    read = [one for one in windows_events.read_evtx(file, MOMENTS) if isinstance(one, Record)]
    assert [one.table for one in read] == ["SecurityEvent", "Event", "Event"]
    for one in read:
        assert one.row.keys() <= {field.name for field in schema(one.table) or ()}, one
    expected = {
        "TimeGenerated": "2026-03-06T12:00:00.1234567Z", "EventID": 4624, "Computer": "dc1.contoso.example", "Account": "CONTOSO\\dana",
        "AccountType": "User", "SubjectAccount": "CONTOSO\\DC1$", "LogonType": 3, "LogonTypeName": "3 - Network", "IpAddress": "203.0.113.9",
        "Activity": "4624 - An account was successfully logged on.", "Process": "x.exe", "EventSourceName": "Microsoft-Windows-Security-Auditing",
        "SystemProcessId": 600, "SystemUserId": "S-1-5-18", "EventRecordId": "7",
    }  # fmt: skip
    assert {name: read[0].row.get(name) for name in expected} == expected
    assert "IpPort" not in read[0].row
    assert (read[1].row["Source"], read[1].row["EventLog"], read[1].row["EventID"]) == (
        "Service Control Manager",
        "System",
        7045,
    )
    assert '<Data Name="ServiceName">a &amp; b</Data>' in read[1].row["EventData"]
    assert read[1].row["ParameterXml"] == "<Param>a &amp; b</Param>"
    assert '<Data Name="SubjectUserName">dana</Data>' in read[2].row["EventData"]


def test_windows_event() -> None:
    (one,) = windows_events.read_evtx(io.BytesIO(evtx([LOGON])), MOMENTS, windows_event=True)
    assert isinstance(one, Record)
    assert one.table == "WindowsEvent"
    assert one.row["EventData"]["TargetUserName"] == "dana"
    assert one.row.keys() <= {field.name for field in schema("WindowsEvent") or ()}


def test_what_is_no_evtx_file(tmp_path: Path) -> None:
    file = tmp_path / "x.evtx"
    file.write_bytes(b"not an event log" * 500)
    with pytest.raises(InvalidInput, match=r"x\.evtx is not an EVTX file"):
        list(windows_events.read_evtx(file, MOMENTS))


def test_what_is_no_event() -> None:
    read = windows_events.read({"Event": {"System": {"EventID": "x"}}}, MOMENTS)
    assert isinstance(read, Unreadable)
    assert read.reason == "the event has no EventID that is a number"
