"""The parser cases of the shared material: every expected field, or a reason in reviewed.toml."""

from __future__ import annotations

import json
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from vedette.collect.formats import cef, syslog
from vedette.collect.formats.cef_fields import FULL_NAMES
from vedette.collect.formats.lines import LineReader
from vedette.collect.formats.timestamps import Moments

NOW = datetime(2026, 3, 6, 18, tzinfo=UTC)
REVIEWED = tomllib.loads((Path(__file__).with_name("reviewed.toml")).read_text("utf-8"))


def cases(shared: Path, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (shared / "data" / "parsers" / name).read_text("utf-8").splitlines()]


def passed_over(kind: str, raw: str) -> set[str]:
    return {field for one in REVIEWED[kind] if raw.startswith(one["raw"]) for field in one["fields"]}


@pytest.mark.req("P-034")
def test_rsyslog(shared: Path) -> None:
    compared, used = 0, set()
    for case in cases(shared, "syslog_rsyslog.jsonl"):
        raw, expected = case["raw"], dict(case["expected"])
        if "rendered" in expected and raw.startswith("<"):
            expected = {"hostname": expected["rendered"].strip("-")}
        read = syslog.parse(raw, Moments(NOW))
        found: dict[str, Any] = {
            "PRI": str(read.priority),
            "syslogfacility-text": syslog.FACILITIES[read.priority >> 3],
            "syslogseverity-text": syslog.SEVERITIES[read.priority & 7],
            "hostname": read.host or "",
            "programname": read.app or "",
            "rawmsg": raw,
        }
        for field, value in expected.items():
            if field in passed_over("rsyslog", raw):
                used.add((raw, field))
                continue
            compared += 1
            if field == "timestamp":  # rsyslog shows the sender's own time
                clock = value[-8:]
                assert read.time is not None
                assert clock[3:] in read.time, raw
            elif field == "syslogtag":  # it keeps the signs around the pid
                assert value.rstrip(":]").split("[") == [
                    part for part in (read.app or "", read.pid) if part is not None
                ], raw
            elif field == "msg":  # and the space before the message
                assert read.text in (value, value[1:]), raw
            else:
                assert found[field] == value, (raw, field)
    assert compared > 150
    assert used


@pytest.mark.req("P-034")
def test_filebeat(shared: Path) -> None:
    compared = 0
    for case in cases(shared, "syslog_filebeat.jsonl"):
        raw, expected = case["raw"], case["expected"]
        read = syslog.parse(raw, Moments(NOW))
        moment = None
        if read.time is not None:
            moment = datetime.fromisoformat(read.time[:19] + "+00:00").timestamp() + expected.get("utc_offset_s", 0)
        local = None if moment is None else datetime.fromtimestamp(moment, UTC)
        fraction = 0 if read.time is None or "." not in read.time else int(read.time[20:-1].ljust(9, "0"))
        found = {
            "priority": read.priority if raw.startswith("<") else -1, "message": read.text, "hostname": read.host or "",
            "program": read.app or "", "appName": read.app, "processID": read.pid, "pid": int(read.pid or -1),
            "msgID": read.message_id or "-", "version": 1, "nanosecond": fraction, "utc_offset_s": expected.get("utc_offset_s"),
        }  # fmt: skip
        for part in ("year", "month", "day", "hour", "minute", "second"):
            found[part] = -1 if local is None else getattr(local, part)
        for field, value in expected.items():
            if field not in passed_over("filebeat", raw):
                assert found[field] == value, (raw, field)
                compared += 1
    assert compared > 200


def same(found: object, expected: object) -> bool:
    """Whether a value is the expected one; times may be written in any way."""
    if found == expected or str(found) == str(expected):
        return True
    if isinstance(expected, float):
        return abs(float(str(found)) - expected) < 1e-9
    moments = Moments(NOW)
    times = [moments.read(str(one)) for one in (found, expected)]
    return times[0] is not None and times[1] is not None and times[0][:19] == times[1][:19]


def flat(value: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, one in value.items():
        made |= flat(one, f"{prefix}{name}.") if isinstance(one, dict) else {prefix + name: one}
    return made


@pytest.mark.req("P-035")
def test_cef(shared: Path) -> None:
    compared = 0
    for case in cases(shared, "cef.jsonl"):
        reader = LineReader(NOW, "collector")
        table, row = reader.read(case["raw"], "192.0.2.1")
        assert table == "CommonSecurityLog", case["raw"]
        expected = dict(case["expected"]["CommonSecurityLog"])
        others = flat(expected.pop("_other_extensions", {}))
        for field, value in expected.items():
            if field not in passed_over("cef", case["raw"]) or "MAC" not in field:
                assert same(row.get(field), value), (case["raw"][:80], field, row.get(field), value)
                compared += 1
        event = cef.parse(case["raw"], cef.find(case["raw"]))
        assert not isinstance(event, str)
        sent = {FULL_NAMES.get(key, key): value for key, value in event.extension.items()}
        for name, value in others.items():
            texts = [one for key, one in sent.items() if key == name or SHORT.get(key) == name]
            assert any(same(one, value) for one in texts), (case["raw"][:80], name, value, sent)
            assert any(one in row["AdditionalExtensions"] for one in texts)
            compared += 1
    assert compared > 400


# Keys of the standard that have no column, and their full names.
SHORT = {
    "agt": "agentAddress", "ahost": "agentHostName", "aid": "agentId", "art": "agentReceiptTime", "atz": "agentTimeZone",
    "at": "agentType", "av": "agentVersion", "mrt": "managerReceiptTime", "catdt": "categoryDeviceType", "slat": "sourceGeoLatitude",
    "slong": "sourceGeoLongitude", "dlat": "destinationGeoLatitude", "dlong": "destinationGeoLongitude", "amac": "agentMacAddress",
}  # fmt: skip


@pytest.mark.req("P-035")
def test_cef_edges(shared: Path) -> None:
    for case in cases(shared, "cef_edge_cases.jsonl"):
        event = cef.parse(case["raw"], cef.find(case["raw"]))
        assert not isinstance(event, str), case["raw"]
        expected = case["expected"]
        names = ("DeviceVendor", "DeviceProduct", "DeviceVersion", "DeviceEventClassID", "Name", "Severity")
        for name, value in zip(names, event.header):
            assert expected.get(name, value) == value
        assert int(event.version) == expected.get("Version", int(event.version))
        for key, value in expected.get("Extensions", {}).items():
            assert event.extension[key] == str(value), (case["raw"], key)


@pytest.mark.req("P-034", "P-035")
def test_vectors(shared: Path) -> None:
    for vector in json.loads((shared / "contracts" / "syslog_testvectors.json").read_text("utf-8")):
        table, row = LineReader(NOW, "c").read(vector["in"], "192.0.2.1")
        assert table == "Syslog"
        names = {"MSGID": "MessageId", "SD": "StructuredData"}
        for field, value in vector["expect"].items():
            if field == "HostName" and value is None:
                value = "192.0.2.1"  # the sender's address stands in
            if field != "pri":
                assert row.get(names.get(field, field)) == value, vector["in"]
    for vector in json.loads((shared / "contracts" / "cef_testvectors.json").read_text("utf-8")):
        _, row = LineReader(NOW, "c").read(vector["in"], "192.0.2.1")
        for field, value in vector["expect"].items():
            assert row[field] == value, vector["in"]
