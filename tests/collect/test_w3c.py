"""Logs of IIS and Windows Firewall in W3C's form, through loading and line by line."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.collect.test_files import Bench
from tests.collect.test_files import bench as bench
from vedette.collect.formats import w3c
from vedette.collect.formats.columns import Record, Unreadable, columns
from vedette.collect.formats.timestamps import Moments

NOW = datetime(2026, 3, 6, 18, tzinfo=UTC)
IIS = b"""#Software: Microsoft Internet Information Services 10.0\r
#Version: 1.0\r
#Date: 2026-03-01 10:00:00\r
#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) sc-status time-taken\r
2026-03-01 10:00:01 10.0.0.4 POST /owa/auth.aspx a=1&b=%20 443 - 203.0.113.9 Mozilla/5.0+(X11;+Linux) 401 12\r
2026-03-01 10:00:02 10.0.0.4 GET / - 443 CONTOSO\\pat 203.0.113.9 curl/8.0 200 -\r
cut off 443\r
#Fields: date time s-sitename s-computername cs-method cs-uri-stem c-ip cs(Cookie) sc-bytes X-Forwarded-For\r
\r
2026-03-02 10:00:03 W3SVC1 WEB01 GET /x fe80::1%4 id=7;+k=v 9000000000 198.51.100.7\r
"""
FIREWALL = b"""#Version: 1.5
#Software: Microsoft Windows Firewall
#Time Format: Local
#Fields: date time action protocol src-ip dst-ip src-port dst-port size tcpflags info path

2026-03-01 08:20:36 DROP TCP 198.51.100.7 10.0.0.4 50001 3389 52 S - RECEIVE
2026-03-01 08:20:37 ALLOW 2 10.0.0.4 198.51.100.8 - - 0 - - SEND
"""


def test_iis(bench: Bench) -> None:
    report = bench.load(bench.write("inetpub/u_ex260301.log", IIS))
    assert [(file.table, file.rows) for file in report.files] == [("W3CIISLog", 3)]
    assert report.bad == 1
    asked = "W3CIISLog | project TimeGenerated, csMethod, csUserName, csUriQuery, sPort, cIP, csUserAgent, scStatus, TimeTaken"
    assert bench.ask(f"{asked} | where TimeGenerated < datetime(2026-03-02) | order by TimeGenerated asc") == [
        ["2026-03-01T10:00:01.0000000Z", "POST", "-", "a=1&b=%20", 443, "203.0.113.9", "Mozilla/5.0+(X11;+Linux)", "401", 12],
        ["2026-03-01T10:00:02.0000000Z", "GET", "CONTOSO\\pat", "-", 443, "203.0.113.9", "curl/8.0", "200", None],
    ]  # fmt: skip
    assert bench.ask("W3CIISLog | where Computer == 'WEB01' | project sSiteName, csCookie, scBytes, cIP") == [
        ["W3SVC1", "id=7;+k=v", 9000000000, "fe80::1%4"]
    ]  # fmt: skip
    again = bench.load(
        bench.write("copy/u_ex260301.log", IIS + b"2026-03-02 10:00:04 W3SVC1 WEB01 GET /y ::1 - 1 -\r\n")
    )
    assert again.rows == 1


def test_windows_firewall(bench: Bench) -> None:
    assert bench.load(bench.write("a/pfirewall.log", FIREWALL)).bad == 0
    asked = (
        "WindowsFirewall | order by TimeGenerated asc "
        "| project FirewallAction, Protocol, SourceIP, DestinationPort, RequestSizeInBytes, CommunicationDirection, RemoteIP"
    )
    assert bench.ask(asked) == [
        ["DROP", "TCP", "198.51.100.7", 3389, 52, "RECEIVE", "198.51.100.7"],
        ["ALLOW", "2", "10.0.0.4", None, 0, "SEND", "198.51.100.8"],
    ]


@pytest.mark.parametrize(
    ("fields", "known"),
    [
        ("#Fields: date time cs-method cs-uri-stem c-ip", True),
        ("#Fields: date time action protocol src-ip dst-ip", True),
        ("#Fields: date-time,client-ip,client-hostname", False),
        ("#Fields: date time c-ip cs-method cs-method cs-uri-stem", False),
        ("#Fields: cs-method cs-uri-stem c-ip", False),
        ("date time cs-method cs-uri-stem c-ip", False),
    ],
)
def test_headings(fields: str, known: bool) -> None:
    assert w3c.is_heading(fields) is known


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["2026-03-01 10:00:01 GET / ::1"], "no #Fields before the line"),
        (["#Fields: date time cs-method cs-uri-stem c-ip", "2026-03-01 10:00:01 GET / a ::1"], "6 fields, and #Fields names 5"),
        (["#Fields: date time cs-method cs-uri-stem c-ip", "2026-03-41 10:00:01 GET / ::1"], "no date and time"),
        (["#Fields: date time cs-method cs-uri-stem c-ip", "#Fields: x", "2026-03-01 10:00:01 GET / ::1"], "no #Fields"),
    ],
)  # fmt: skip
def test_what_is_no_row_says_why(lines: list[str], reason: str) -> None:
    reader = w3c.W3cReader(Moments(NOW))
    read = [reader.read(line) for line in lines]
    assert read[:-1] == [None] * (len(lines) - 1)
    assert isinstance(read[-1], Unreadable)
    assert read[-1].raw == lines[-1]
    assert reason in read[-1].reason


def test_fields_without_a_column_stay_with_the_row() -> None:
    reader = w3c.W3cReader(Moments(NOW))
    reader.read("#Fields: date time cs-method cs-uri-stem c-ip X-Forwarded-For cs(X-Trace-Id)")
    made = reader.read("2026-03-01 10:00:01 GET / ::1 198.51.100.7 t-1")
    assert isinstance(made, Record)
    assert (made.row["XForwardedFor"], made.row["CsXTraceId"]) == ("198.51.100.7", "t-1")


def test_every_field_of_iis_has_its_column() -> None:
    names = (
        "date time s-sitename s-computername s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs-version cs(User-Agent) "
        "cs(Cookie) cs(Referer) cs-host sc-status sc-substatus sc-win32-status sc-bytes cs-bytes time-taken"
    )
    reader = w3c.W3cReader(Moments(NOW))
    assert reader.read(f"#Fields: {names}") is None
    made = reader.read("2026-03-01 10:00:01 " + " ".join(str(number) for number in range(20)))
    assert isinstance(made, Record)
    assert made.row.keys() <= columns("W3CIISLog").types.keys()
    assert len(made.row) == 21
