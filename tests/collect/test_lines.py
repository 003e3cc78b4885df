"""Forms of real senders, and what holds for every line."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.collect.formats import cef
from vedette.collect.formats.batches import BatchReader
from vedette.collect.formats.cef_fields import FIELDS
from vedette.collect.formats.lines import LineReader, decode
from vedette.collect.formats.timestamps import Moments
from vedette.store.catalog import schema

NOW = datetime(2026, 3, 6, 18, tzinfo=UTC)

# line, then host, tag, pid, time, message
SENDERS = [
    ("<189>2204: edge1: *Mar  1 18:46:11.123 UTC: %SYS-5-CONFIG_I: Configured from console",
     "edge1", "%SYS-5-CONFIG_I", None, "2026-03-01T18:46:11.123Z", "Configured from console"),
    ("<189>45: Mar  1 18:46:11: %LINK-3-UPDOWN: Interface Gi0/1, changed state",
     "192.0.2.1", "%LINK-3-UPDOWN", None, "2026-03-01T18:46:11Z", "Interface Gi0/1, changed state"),
    ("<166>Mar 05 2026 17:32:18 asa1 : %ASA-6-302013: Built inbound TCP connection",
     "asa1", "%ASA-6-302013", None, "2026-03-05T17:32:18Z", "Built inbound TCP connection"),
    ("<166>Mar 05 2026 17:32:18: %ASA-6-302013: Built", "192.0.2.1", "%ASA-6-302013", None, "2026-03-05T17:32:18Z", "Built"),
    ("<166>Mar  5 17:32:18 asa1 : %ASA-6-302013: Built", "asa1", "%ASA-6-302013", None, "2026-03-05T17:32:18Z", "Built"),
    ("<30>Mar  6 12:00:00 dnsmasq[731]: query[A] x.example from 10.0.0.5",
     "192.0.2.1", "dnsmasq", 731, "2026-03-06T12:00:00Z", "query[A] x.example from 10.0.0.5"),
    ("<30>dnsmasq[731]: started", "192.0.2.1", "dnsmasq", 731, None, "started"),
    ("<13>Mar  6 12:00:00 gw http://x.example/ was asked for", "gw", None, None, "2026-03-06T12:00:00Z", "http://x.example/ was asked for"),
    ("<46>2026-03-06T12:00:00.123456+01:00 web01 rsyslogd: start", "web01", "rsyslogd", None, "2026-03-06T11:00:00.123456Z", "start"),
    ("<13>Dec 31 23:59:59 old cron[1]: x", "old", "cron", 1, "2025-12-31T23:59:59Z", "x"),
    ("<13>Feb 29 12:00:00 leap cron[1]: x", "leap", "cron", 1, "2024-02-29T12:00:00Z", "x"),
    ("<13>Mar  6 12:00:60 leap cron[1]: x", "leap", "cron", 1, "2026-03-06T12:01:00Z", "x"),
    ("<13>Mar  6 12:00:00 2001:db8::7 cron[1]: x", "2001:db8::7", "cron", 1, "2026-03-06T12:00:00Z", "x"),
    ("<13>Mar  6 12:00:00 [2001:db8::7] cron[1]: x", "2001:db8::7", "cron", 1, "2026-03-06T12:00:00Z", "x"),
    ("<13>Mar  6 12:00:00 [kernel] cron[1]: x", "192.0.2.1", None, None, "2026-03-06T12:00:00Z", "[kernel] cron[1]: x"),
    ("<14>11:00:00 gw app: no date", "192.0.2.1", None, None, None, "11:00:00 gw app: no date"),
    ("<14>Mar  6 12:00:00 gw 10:20:30 up", "gw", None, None, "2026-03-06T12:00:00Z", "10:20:30 up"),
    ("<14>Mar  6 12:00:00 gw 4321: up", "gw", "4321", None, "2026-03-06T12:00:00Z", "up"),
    ("<166>:Mar 05 17:32:18 UTC: %ASA-session-6-302013: Built", "192.0.2.1", "%ASA-session-6-302013", None, "2026-03-05T17:32:18Z", "Built"),
    ("<189>: 2026 Mar  5 17:32:18 UTC: %ETHPORT-5-IF_DOWN_NONE: down", "192.0.2.1", "%ETHPORT-5-IF_DOWN_NONE", None, "2026-03-05T17:32:18Z", "down"),
    ("<189>2026 Mar  5 17:32:18.25 nx1 %VSHD-5-VSHD_SYSLOG_CONFIG_I: x", "nx1", "%VSHD-5-VSHD_SYSLOG_CONFIG_I", None, "2026-03-05T17:32:18.25Z", "x"),
    ("<134>1 1772731938.774247467 MX84 security_event ids_alerted signature=1:41944:2", "MX84", None, None,
     "2026-03-05T17:32:18.7742474Z", "1772731938.774247467 MX84 security_event ids_alerted signature=1:41944:2"),
    ("<13>1 2026-03-06T12:00:00Z web app 7 - - [error] it began with a bracket", "web", "app", 7, "2026-03-06T12:00:00Z", "[error] it began with a bracket"),
    ("<13>1 2026-03-06T12:00:00Z web app 7 - -  [error] and with a space", "web", "app", 7, "2026-03-06T12:00:00Z", "[error] and with a space"),
    ("<13>1 2026-03-06T12:00:00+0100 web app 7 - - x", "web", "app", 7, "2026-03-06T11:00:00Z", "x"),
    ("<13>1 2026-03-06T12:00:00.5 web app 7 - - x", "web", "app", 7, "2026-03-06T12:00:00.5Z", "x"),
    (f"<13>1 2026-03-06T12:00:00Z web {'a' * 60} 7 - - x", "web", "a" * 60, 7, "2026-03-06T12:00:00Z", "x"),
    ('<134>1 2026-03-06T12:00:00Z gw CheckPoint 7 - [action:"Accept"; src:"10.0.0.1"]', "gw", "CheckPoint", 7, "2026-03-06T12:00:00Z",
     '[action:"Accept"; src:"10.0.0.1"]'),
    ("<141>Mar  5 17:32:18 2026 Aruba-Master authmgr[1234]: <522008> x", "Aruba-Master", "authmgr", 1234, "2026-03-05T17:32:18Z", "<522008> x"),
    ("<13>Thu Mar  5 17:32:18 2026 web1 app: x", "web1", "app", None, "2026-03-05T17:32:18Z", "x"),
    ("<14>Mar  5 18:32:18 CET web1 app: x", "web1", "app", None, "2026-03-05T17:32:18Z", "x"),
    ("<14>Mar  5 17:32:18 EST app: x", "EST", "app", None, "2026-03-05T17:32:18Z", "x"),
    ("<14>Mar  5 2026 18:32:18 +0100 web1 app: x", "web1", "app", None, "2026-03-05T17:32:18Z", "x"),
    ("<30>2026:03:05-17:32:18 utm httpproxy[12]: x", "utm", "httpproxy", 12, "2026-03-05T17:32:18Z", "x"),
    ("<13>2026/03/05 17:32:18 web1 app: x", "web1", "app", None, "2026-03-05T17:32:18Z", "x"),
    ("<13>2026-03-05 18:32:18 +01:00 web1 app: x", "web1", "app", None, "2026-03-05T17:32:18Z", "x"),
    ("<13>2026-03-05 17:32:18 UTC web1 app: x", "web1", "app", None, "2026-03-05T17:32:18Z", "x"),
    ("<13>Mar 32 12:00:00 host cron[1]: x", "192.0.2.1", None, None, None, "Mar 32 12:00:00 host cron[1]: x"),
    ("<189>31: 000031: *Mar  5 17:32:18.5: %SYS-5-RESTART: x", "192.0.2.1", "%SYS-5-RESTART", None, "2026-03-05T17:32:18.5Z", "x"),
    ("<189>31: core2: 000031: Mar  5 17:32:18 UTC: %SYS-5-RESTART: x", "core2", "%SYS-5-RESTART", None, "2026-03-05T17:32:18Z", "x"),
    ("<190>8: RP/0/RP1/CPU0:Mar  5 17:32:18.25 : bgp[1090]: %ROUTING-BGP-5-X : y", "192.0.2.1", "bgp", 1090, "2026-03-05T17:32:18.25Z",
     "%ROUTING-BGP-5-X : y"),
    ("<190>8: pe1 LC/0/3/CPU0:Mar  5 18:32:18.25 CET: ifmgr[223]: x", "pe1", "ifmgr", 223, "2026-03-05T17:32:18.25Z", "x"),
    ("<13>Mar  5 17:32:18 Message forwarded from lpar7: sshd[60]: x", "lpar7", "sshd", 60, "2026-03-05T17:32:18Z", "x"),
    ("<13>Mar  5 17:32:18 From lpar7: su: x", "lpar7", "su", None, "2026-03-05T17:32:18Z", "x"),
    ("<13>Mar  5 17:32:18 last message repeated 5 times", "192.0.2.1", None, None, "2026-03-05T17:32:18Z", "last message repeated 5 times"),
    ("<13>Mar  5 17:32:18 last cron[1]: x", "last", "cron", 1, "2026-03-05T17:32:18Z", "x"),
    ("<13>Mar  5 18:32:18 CET 2025 web1 app[3]: x", "web1", "app", 3, "2025-03-05T17:32:18Z", "x"),
    ("<13>Mar  5 17:32:18 fe80::7%eth1 cron[1]: x", "fe80::7%eth1", "cron", 1, "2026-03-05T17:32:18Z", "x"),
    ("<13>Mar  5 17:32:18 2001:db8:: cron[1]: x", "2001:db8::", "cron", 1, "2026-03-05T17:32:18Z", "x"),
    ("<134>1 Mar  5 17:32:18 gw7 app[3]: x", "gw7", "app", 3, "2026-03-05T17:32:18Z", "x"),
    ("<134>1 2026-03-05T17:32:18Z gw7 app[3]: x", "gw7", "app", 3, "2026-03-05T17:32:18Z", "x"),
    ("<134>2 2026-03-05T17:32:18Z gw7 app 3 - - x", "gw7", "app", 3, "2026-03-05T17:32:18Z", "x"),
    ("<13>Mar  5 17:32:18 büro-2 cron[1]: x", "büro-2", "cron", 1, "2026-03-05T17:32:18Z", "x"),
    ("1 2026-03-05T17:32:18Z gw7 app 3 - - x", "gw7", "app", 3, "2026-03-05T17:32:18Z", "x"),
    ("<78>Mar  5 17:32:18 CROND: job of nobody", "192.0.2.1", "CROND", None, "2026-03-05T17:32:18Z", "job of nobody"),
    ("<187>: 2026 Mar  5 17:32:18 UTC : %LOG_LOCAL7-3-SYSTEM_MSG: x", "192.0.2.1", "%LOG_LOCAL7-3-SYSTEM_MSG", None, "2026-03-05T17:32:18Z", "x"),
    ("<190>77: edge1: Mar  6 03:32:18 AEST: %SYS-6-LOGOUT: x", "edge1", "%SYS-6-LOGOUT", None, "2026-03-05T17:32:18Z", "x"),
    ("<190>77: edge1: Mar  5 17:32:18 PRAGUE: %SYS-6-LOGOUT: x", "edge1", "%SYS-6-LOGOUT", None, "2026-03-05T17:32:18Z", "x"),
    ("<190>77: 10.0.0.8 31: Mar  5 17:32:18 UTC: %SYS-6-LOGOUT: x", "10.0.0.8", "%SYS-6-LOGOUT", None, "2026-03-05T17:32:18Z", "x"),
    ("<190>77: 2001:db8::: 31: Mar  5 17:32:18 UTC: %SYS-6-LOGOUT: x", "2001:db8::", "%SYS-6-LOGOUT", None, "2026-03-05T17:32:18Z", "x"),
    ("<189>46: 00:00:46: %LINK-3-UPDOWN: x", "192.0.2.1", "%LINK-3-UPDOWN", None, None, "x"),
    ("<189>46: edge1: 000046: 2y10w: %LINK-3-UPDOWN: x", "edge1", "%LINK-3-UPDOWN", None, None, "x"),
    ("1w2d: %SYS-5-CONFIG_I: x", "192.0.2.1", "%SYS-5-CONFIG_I", None, None, "x"),
    ("<13>1w2d: no mark of Cisco", "192.0.2.1", "1w2d", None, None, "no mark of Cisco"),
    ("<14>Mar  5 17:32:18 HKT plain words", "HKT", None, None, "2026-03-05T17:32:18Z", "plain words"),
    ("<181>Mar  5 17:32:18 ise1 CISE_Passed_Authentications 0000000047 2 0 2026-03-05 x", "ise1", "CISE_Passed_Authentications", None,
     "2026-03-05T17:32:18Z", "0000000047 2 0 2026-03-05 x"),
    ("<13>Mar  5 17:32:18 gw app 4711 2 0 x", "gw", None, None, "2026-03-05T17:32:18Z", "app 4711 2 0 x"),
    ("<189>Original Address=10.0.0.9 Mar  5 17:32:18 gw su[3]: x", "gw", "su", 3, "2026-03-05T17:32:18Z", "x"),
    ("<189>Original Address=10.0.0.9 plain text", "10.0.0.9", None, None, None, "plain text"),
    ("<189>" + "Original Address=10.0.0.9 " * 2500 + "x", "192.0.2.1", None, None, None, "Original Address=10.0.0.9 " * 2500 + "x"),
    ("<134>2 of 3 were refused", "192.0.2.1", None, None, None, "2 of 3 were refused"),
]  # fmt: skip


@pytest.mark.req("P-034", "P-037", "P-043", "P-045")
@pytest.mark.parametrize("case", SENDERS, ids=[case[0][:40] for case in SENDERS])
def test_senders(case: tuple[str, str, str | None, int | None, str | None, str]) -> None:
    line, host, tag, pid, time, message = case
    table, row = LineReader(NOW, "collector").read(line, "192.0.2.1")
    assert table == "Syslog"
    assert (row["HostName"], row.get("ProcessName"), row.get("ProcessID"), row["SyslogMessage"]) == (
        host,
        tag,
        pid,
        message,
    )
    assert row["EventTime"] == (time or "2026-03-06T18:00:00.000000Z")
    assert row["HostIP"] == "192.0.2.1"
    assert row["CollectorHostName"] == "collector"


@pytest.mark.parametrize(
    "text", [" ", "a", "a:", "ab:", "1: ", "1. ", "Original Address=10.0.0.9 ", "[a b=", "CEF:0|a|", "=x ", "\\"]
)
def test_long_lines_of_one_sign_are_read(text: str) -> None:
    """An expression that looks for a sign at every place anew would take minutes for each of them."""
    line = text * (60_000 // len(text))
    for head in ("<13>", "<13>Mar  5 17:32:18 ", "<13>1 2026-03-05T17:32:18Z gw app - - ", "CEF:0|a|b|c|d|e|f|msg="):
        _, row = LineReader(NOW, "c").read(head + line, "192.0.2.1")
        assert row["HostIP" if "HostIP" in row else "Computer"]


def test_time_generated_is_the_event_time_unless_it_is_far_from_its_receipt() -> None:
    reader = LineReader(NOW, "c")
    received = "2026-03-06T18:00:00.000000Z"
    for stamp, generated in (
        ("2026-03-06T17:00:00Z", "2026-03-06T17:00:00Z"),
        ("2026-03-04T17:00:00Z", received),
        ("2026-03-07T19:00:00Z", received),
        ("2026-03-07T17:00:00Z", "2026-03-07T17:00:00Z"),
    ):
        _, row = reader.read(f"<13>1 {stamp} h a - - - x", "192.0.2.1")
        assert (row["TimeGenerated"], row["EventTime"]) == (generated, stamp)


def test_times_without_a_zone_are_of_the_configured_one() -> None:
    _, row = LineReader(NOW, "c", ZoneInfo("Europe/Prague")).read("<13>Mar  6 12:00:00 h a: x", "192.0.2.1")
    assert row["EventTime"] == "2026-03-06T11:00:00Z"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("<13>1 yesterday host app - - - x", "'yesterday' is not a time of RFC 5424"),
        ('<13>1 - host app - - [a b="c] x', "the structured data element 'a' is not closed"),
        ("<13>1 - host", "the header of RFC 5424 is not complete"),
        ("<13>Mar  6 12:00:00 fw CEF:0|a|b|c|", "the CEF header has 3 of 6 fields"),
    ],
)
@pytest.mark.req("P-034", "P-035")
def test_what_cannot_be_read_is_kept_whole_with_the_reason(line: str, reason: str) -> None:
    table, row = LineReader(NOW, "c").read(line, "192.0.2.1")
    assert (table, row["SyslogMessage"], row["ParseProblem"]) == ("Syslog", line, reason)


@pytest.mark.parametrize(
    ("line", "host", "app", "time"),
    [
        ("<13>1 yesterday gw app 7 - - x", "gw", "app", None),
        ('<13>1 later gw app 7 - [a b="c] x', "gw", "app", None),
        ('<13>1 2026-03-06T12:00:00Z gw app 7 - [a b:"c"] x', "gw", "app", "2026-03-06T12:00:00Z"),
    ],
)  # fmt: skip
@pytest.mark.req("P-034")
def test_a_header_is_read_though_the_rest_is_not_as_the_rfc_says(
    line: str, host: str, app: str, time: str | None
) -> None:
    table, row = LineReader(NOW, "c").read(line, "192.0.2.1")
    assert (table, row["SyslogMessage"]) == ("Syslog", line)
    assert (row["Computer"], row["ProcessName"], row["ProcessID"]) == (host, app, 7)
    assert row["EventTime"] == (time or "2026-03-06T18:00:00.000000Z")
    assert row["ParseProblem"]


def test_structured_data() -> None:
    _, row = LineReader(NOW, "c").read('<13>1 - - - - - [a x="1" y="\\"\\]\\\\"][b@9 z=""] \ufefftext', "192.0.2.1")
    assert row["StructuredData"] == {"a": {"x": "1", "y": '"]\\'}, "b@9": {"z": ""}}
    assert row["SyslogMessage"] == "text"


def test_structured_data_without_quotation_marks() -> None:
    _, row = LineReader(NOW, "c").read('<13>1 - - - - - [Origin@1 sub=vim.x opID=a-1 n=""][b x=1] text', "192.0.2.1")
    assert row["StructuredData"] == {"Origin@1": {"sub": "vim.x", "opID": "a-1", "n": ""}, "b": {"x": "1"}}
    assert row["SyslogMessage"] == "text"


def test_a_parameter_that_is_there_several_times_has_all_its_values() -> None:
    _, row = LineReader(NOW, "c").read(
        '<13>1 - - - - - [origin ip="192.0.2.1" ip="192.0.2.129" x="1"] text', "192.0.2.1"
    )
    assert row["StructuredData"] == {"origin": {"ip": ["192.0.2.1", "192.0.2.129"], "x": "1"}}


@pytest.mark.req("P-035")
@pytest.mark.parametrize(
    ("extension", "expected", "loose"),
    [
        (
            "src = 10.0.0.1 dst = 10.0.0.2 msg = hello world",
            {"src": "10.0.0.1", "dst": "10.0.0.2", "msg": "hello world"},
            "",
        ),
        ("src =10.0.0.1  msg = a\\=b c  ", {"src": "10.0.0.1", "msg": "a=b c"}, ""),
        ("msg=x = y src=1", {"msg": "x = y", "src": "1"}, ""),
        ("free text src=10.0.0.1", {"src": "10.0.0.1"}, "free text"),
        ("a (b=c", {}, "a (b=c"),
        ("msg=seen [zone=dmz] src=10.0.0.1", {"msg": "seen [zone=dmz]", "src": "10.0.0.1"}, ""),
        ("deviceCustomString1=run --level=5 -x=y spt=1", {"deviceCustomString1": "run --level=5 -x=y", "spt": "1"}, ""),
        ("ad.Reason_,Code=7 ad.list[0]=a b x-mark=c", {"ad.Reason_,Code": "7", "ad.list[0]": "a b", "x-mark": "c"}, ""),
        (
            "msg=two at the end   spt=22   dhost=web  foo=x  cs1=  src=10.0.0.1  ",
            {"msg": "two at the end  ", "spt": "22", "dhost": "web", "foo": "x ", "cs1": " ", "src": "10.0.0.1"},
            "",
        ),
        ("message=one  deviceAction=Deny  k=v", {"message": "one ", "deviceAction": "Deny", "k": "v"}, ""),
        ("no pairs at all", {}, "no pairs at all"),
        ("", {}, ""),
    ],
)
def test_extensions_as_senders_write_them(extension: str, expected: dict[str, str], loose: str) -> None:
    event = cef.parse(f"CEF:0|v|p|1|c|n|5|{extension}")
    assert not isinstance(event, str)
    assert (event.extension, event.loose) == (expected, loose)
    _, row = LineReader(NOW, "c").read(f"CEF:0|v|p|1|c|n|5|{extension}", "192.0.2.1")
    assert row.get("ParseProblem", "").endswith(loose)


@pytest.mark.req("P-035")
@pytest.mark.parametrize(
    ("header", "known"),
    [
        ("Acme|Manager|", {"DeviceVendor": "Acme", "DeviceProduct": "Manager"}),
        ("Acme|Man\\|ager|2.1|", {"DeviceProduct": "Man|ager", "DeviceVersion": "2.1"}),
        ("Acme|Manager|2.1|7|login|", {"DeviceVersion": "2.1", "DeviceEventClassID": "7", "Activity": "login"}),
    ],
)
def test_a_header_that_ends_early_is_read_as_far_as_it_goes(header: str, known: dict[str, str]) -> None:
    table, row = LineReader(NOW, "c").read(f"<13>Mar  6 12:00:00 fw CEF:0|{header}src=10.0.0.1 msg=a b", "192.0.2.1")
    assert (table, row["SourceIP"], row["Message"], row["Computer"]) == ("CommonSecurityLog", "10.0.0.1", "a b", "fw")
    assert {name: row[name] for name in known} == known
    fields = header.replace("\\|", "").count("|")
    assert (row["LogSeverity"], row["ParseProblem"]) == ("", f"the CEF header has {fields} of 6 fields")


def test_cef_over_rfc_5424() -> None:
    table, row = LineReader(NOW, "c").read(
        "<13>1 2026-03-06T12:00:00Z fw01 app - - - CEF:1|v|p|1|c|n|5|src=10.0.0.1 deviceDirection=0 act=Denied start=1772798400000 cfp1=1.5 fsize=x",
        "192.0.2.1",
    )
    assert table == "CommonSecurityLog"
    expected = {
        "Computer": "fw01", "TimeGenerated": "2026-03-06T12:00:00Z", "RemoteIP": "10.0.0.1", "SimplifiedDeviceAction": "Deny",
        "StartTime": "2026-03-06T12:00:00.000000Z", "DeviceCustomFloatingPoint1": 1.5, "FileSize": "x",
    }  # fmt: skip
    assert {name: row[name] for name in expected} == expected


@pytest.mark.parametrize("stamp", ["1 2026-03-06T12:00:00Z", "1 Mar  6 12:00:00", "1 Mar 06 2026 12:00:00"])
def test_cef_after_a_version_and_no_more_of_rfc_5424(stamp: str) -> None:
    _, row = LineReader(NOW, "c").read(f"<13>{stamp} fw01 CEF:0|v|p|1|c|n|5|src=10.0.0.1", "192.0.2.1")
    assert (row["Computer"], row["TimeGenerated"]) == ("fw01", "2026-03-06T12:00:00Z")


@pytest.mark.req("P-035")
def test_every_extension_has_a_column_of_its_type() -> None:
    known = {field.name: field.type.value for field in schema("CommonSecurityLog") or ()}
    letters = {"s": "string", "i": "int", "l": "long", "r": "real", "t": "datetime"}
    for key, field in FIELDS.items():
        assert known[field.column] == letters[field.type], key
        assert field.also is None or known[field.also] == "int", key


def test_columns_exist() -> None:
    for line in (
        "<34>Oct 11 22:14:15 m su[1]: hi",
        "CEF:0|a|b|c|d|e|5|src=1 foo=bar deviceDirection=1 dst=2 dpt=3 act=x",
    ):
        table, row = LineReader(NOW, "c").read(line, "192.0.2.1")
        assert row.keys() <= {field.name for field in schema(table) or ()}


@given(
    st.text(max_size=300),
    st.sampled_from(["", "<13>", "<34>1 ", "<13>Mar  6 12:00:00 ", "CEF:0|", "<13>1 - - - - - ["]),
)
def test_every_line_becomes_a_row(text: str, start: str) -> None:
    table, row = LineReader(NOW, "c").read(start + text, "192.0.2.1")
    assert table in ("Syslog", "CommonSecurityLog")
    if table == "Syslog":  # nothing of a line is lost
        assert (start + text).endswith(row["SyslogMessage"]) or row["SyslogMessage"] == start + text


KEYS = st.from_regex(r"[A-Za-z][A-Za-z0-9_.]{0,9}", fullmatch=True)
VALUES = st.text(
    st.characters(exclude_characters="\x0b\x0c\x1c\x1d\x1e\x1f\x85\u2028\u2029", exclude_categories=["Cs"])
).map(lambda text: text.strip())


@given(st.dictionaries(KEYS, VALUES, max_size=6), st.lists(VALUES, min_size=6, max_size=6))
def test_cef_as_the_standard_escapes_it(pairs: dict[str, str], header: list[str]) -> None:
    def escaped(value: str) -> str:
        return value.replace("\\", "\\\\").replace("=", "\\=").replace("\n", "\\n").replace("\r", "\\r")

    head = "|".join(field.replace("\\", "\\\\").replace("|", "\\|") for field in header)
    event = cef.parse(f"CEF:0|{head}|" + " ".join(f"{key}={escaped(value)}" for key, value in pairs.items()))
    assert not isinstance(event, str)
    assert event.extension == pairs
    assert event.header == tuple(header)


@given(st.binary(max_size=60))
def test_no_byte_is_lost(data: bytes) -> None:
    text = decode(data)
    assert data in (text.encode(), text.encode("latin-1", "replace"))


def test_moments_in_every_form() -> None:
    moments = Moments(NOW)
    for text in (
        "1772798400000", "1772798400", "2026-03-06T12:00:00Z", "2026-03-06 13:00:00+0100", "Mar 06 2026 12:00:00",
        "Mar 06 2026 12:00:00.000 UTC", "Mar 06 12:00:00", "Fri Mar 06 12:00:00 UTC 2026", "Mar 06 2026 14:00:00 GMT+02:00",
        "Mar 06 2026 07:00:00 UTC-5", "Mar 06 2026 13:00:00 +1", "Mar 06 2026 13:00:00,25 CET",
    ):  # fmt: skip
        assert (moments.read(text) or "")[:19] == "2026-03-06T12:00:00", text
    for text in ("yesterday", "Mar 06 2026 12:00:00 +1:30"):
        assert moments.read(text) is None, text
    for text, expected in (
        ("1772798400123456789", "2026-03-06T12:00:00.1234567Z"), ("1772798400.25", "2026-03-06T12:00:00.25Z"),
        ("2026-03-06 12:00:00.5 UTC", "2026-03-06T12:00:00.5Z"), ("2026-03-06 13:00:00 +0100", "2026-03-06T12:00:00Z"),
    ):  # fmt: skip
        assert moments.read(text) == expected
    assert moments.read("9" * 30) is None


@pytest.mark.parametrize(
    ("header", "process"),
    [
        ("<13>Mar  6 12:00:00 gw ", "LEEF"), ("<13>2026-03-06T12:00:00Z gw ", "LEEF"), ("<13>", "LEEF"), ("", None),
        ("<13>Mar  6 12:00:00 gw app[7]: ", "app"), ("<13>1 2026-03-06T12:00:00Z gw app - - - ", "app"),
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "leef",
    [
        "LEEF:1.0|Vendor|Product|1.0|42|src=203.0.113.3\tdst=192.0.2.9\tusrName=jörg\tmsg=a=b|c\\=d",
        "LEEF:2.0|Vendor|Product|1.0|42|^|src=203.0.113.3^dst=192.0.2.9^sev=5^msg=x y",
    ],
)
def test_nothing_of_leef_is_lost(header: str, process: str | None, leef: str) -> None:
    """Its lines are of Syslog. Behind a host alone the word before the colon is the tag, as RFC 3164 has it."""
    table, row = LineReader(NOW, "collector").read(header + leef, "192.0.2.1")
    message = row["SyslogMessage"]
    assert (table, row.get("ProcessName"), row.get("ParseProblem")) == ("Syslog", process, None)
    assert (f"LEEF:{message}" if process == "LEEF" else message) == leef
    made = BatchReader(NOW, "collector").read([("192.0.2.1", [(header + leef).encode()])])
    (same,) = made.columns["Syslog"].to_pylist() if made.columns else made.rows[("Syslog", "192.0.2.1")]
    assert same["SyslogMessage"] == message
