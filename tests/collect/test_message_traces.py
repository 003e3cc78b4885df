"""Message traces and exports of vulnerabilities, as collectors and portals write them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.collect.test_files import NOW, table_of
from vedette.collect.files.loader import FileLoader
from vedette.core.clock import VirtualClock
from vedette.store.logstore import LogStore

TRACE = "ExchangeMessageTrace_CL"
EVENTS = "ExchangeMessageTraceEvents_CL"
CMDLET = {
    "PSComputerName": "outlook.office365.com", "Organization": "contoso.example", "MessageId": "<m1@contoso.example>",
    "Received": "3/5/2026 8:53:27 PM", "SenderAddress": "eve@fabrikam.example", "RecipientAddress": "pat@contoso.example",
    "Subject": "Invoice; due", "Status": "Delivered", "ToIP": "", "FromIP": "203.0.113.9", "Size": "48211",
    "MessageTraceId": "0f9f2c11-1111-4000-8000-08de00000001", "StartDate": "3/1/2026 12:00:00 AM", "EndDate": "3/9/2026 12:00:00 AM", "Index": "0",
}  # fmt: skip
GRAPH = {
    "id": "0f9f2c11-1111-4000-8000-08de00000001", "messageId": "<m1@contoso.example>", "receivedDateTime": "2026-03-05T20:53:27.4Z",
    "senderAddress": "eve@fabrikam.example", "recipientAddress": "Pat@contoso.example", "subject": "Invoice; due", "status": "delivered",
    "fromIP": "203.0.113.9", "toIP": None, "size": 48211,
}  # fmt: skip
SUMMARY = {
    "origin_timestamp_utc": "2026-03-05T20:53:27.4001234Z", "sender_address": "eve@fabrikam.example",
    "recipient_status": "pat@contoso.example##Receive, Deliver;sam@contoso.example##Receive, Fail", "message_subject": "Invoice; due",
    "total_bytes": "48211", "message_id": "<m1@contoso.example>", "network_message_id": "0f9f2c11-1111-4000-8000-08de00000001",
    "original_client_ip": "203.0.113.9", "directionality": "Incoming", "connector_id": "", "delivery_priority": "Normal",
}  # fmt: skip
EXTENDED = {
    "date_time_utc": "2026-03-05T20:53:28.1Z", "client_ip": "203.0.113.9", "server_ip": "192.0.2.4", "source": "SMTP", "event_id": "RECEIVE",
    "message_id": "<m1@contoso.example>", "recipient_address": "pat@contoso.example", "recipient_status": "To", "total_bytes": "48211",
    "recipient_count": "1", "message_subject": "Invoice; due", "sender_address": "eve@fabrikam.example", "tenant_id": "t",
    "custom_data": "S:x=1", "original_client_ip": "203.0.113.9",
}  # fmt: skip
ALIKE = {
    "TimeGenerated": "2026-03-05T20:53:27.0000000Z", "MessageTraceId": "0f9f2c11-1111-4000-8000-08de00000001",
    "MessageId": "<m1@contoso.example>", "SenderAddress": "eve@fabrikam.example", "Subject": "Invoice; due", "FromIP": "203.0.113.9",
    "Size": 48211,
}  # fmt: skip
OF_API = {
    "id": "dev1_vendor_product_1.0_CVE-2026-1", "deviceId": "dev1", "rbacGroupName": "hq", "deviceName": "pc.contoso.example",
    "osPlatform": "Windows11", "osVersion": "10.0", "osArchitecture": "x64", "softwareVendor": "vendor", "softwareName": "product",
    "softwareVersion": "1.0", "cveId": "CVE-2026-1", "vulnerabilitySeverityLevel": "High", "recommendedSecurityUpdateId": "5000001",
    "diskPaths": ["c:\\x"], "lastSeenTimestamp": "2026-03-01 10:00:00", "exploitabilityLevel": "NoExploit",
}  # fmt: skip
OF_HUNTING = {
    "DeviceId": "dev1", "DeviceName": "pc.contoso.example", "OSPlatform": "Windows11", "OSVersion": "10.0", "OSArchitecture": "x64",
    "SoftwareVendor": "vendor", "SoftwareName": "product", "SoftwareVersion": "1.0", "CveId": "CVE-2026-1",
    "VulnerabilitySeverityLevel": "High", "RecommendedSecurityUpdate": "March", "RecommendedSecurityUpdateId": "5000001",
    "CveTags": "[\"NoSecurityUpdate\"]",
}  # fmt: skip
VULNERABLE = {
    "DeviceId": "dev1", "OSPlatform": "Windows11", "OSVersion": "10.0", "SoftwareName": "product", "CveId": "CVE-2026-1",
    "VulnerabilitySeverityLevel": "High", "RecommendedSecurityUpdateId": "5000001",
}  # fmt: skip
STAMPED = "2026-06-01T12:00:00.0000000Z"


def loaded(folder: Path, store: LogStore, *files: tuple[str, str | bytes]) -> Any:
    paths = []
    for name, content in files:
        path = folder / "x" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        paths.append(path)
    return FileLoader(store, VirtualClock(NOW)).load(paths)


@pytest.mark.parametrize(
    ("content", "table", "expected"),
    [
        (table_of([CMDLET]), TRACE, ALIKE | {"RecipientAddress": "pat@contoso.example", "Status": "Delivered", "Organization": "contoso.example"}),
        (table_of([CMDLET], ";").encode("utf-16"), TRACE, ALIKE),
        ("#TYPE Deserialized.Microsoft.Exchange.Management.FfoReporting.MessageTrace\r\n" + table_of([CMDLET]), TRACE, ALIKE),
        (json.dumps([CMDLET | {"Received": "/Date(1772744007000)/", "Size": 48211}]), TRACE, ALIKE),
        (json.dumps(CMDLET | {"Received": "2026-03-05T20:53:27Z"}), TRACE, ALIKE),
        (json.dumps({"value": [GRAPH]}), TRACE,
         ALIKE | {"TimeGenerated": "2026-03-05T20:53:27.4000000Z", "RecipientAddress": "Pat@contoso.example", "Status": "delivered"}),
        (table_of([SUMMARY]).encode("utf-16"), TRACE,
         {"TimeGenerated": "2026-03-05T20:53:27.4001234Z", "NetworkMessageId": SUMMARY["network_message_id"], "MessageTraceId": "",
          "RecipientAddress": "", "RecipientStatus": SUMMARY["recipient_status"], "Subject": "Invoice; due", "Size": 48211,
          "OriginalClientIP": "203.0.113.9", "FromIP": "", "Directionality": "Incoming", "DeliveryPriority": "Normal"}),
        (table_of([EXTENDED]), EVENTS,
         {"TimeGenerated": "2026-03-05T20:53:28.1000000Z", "EventId": "RECEIVE", "Source": "SMTP", "RecipientCount": 1, "Size": 48211,
          "ClientIP": "203.0.113.9", "ServerIP": "192.0.2.4", "CustomData": "S:x=1", "OriginalClientIP": "203.0.113.9"}),
        (json.dumps({"@odata.context": "x", "value": [OF_API]}), "DeviceTvmSoftwareVulnerabilities", VULNERABLE | {"TimeGenerated": STAMPED}),
        (json.dumps({name[:1].upper() + name[1:]: value for name, value in OF_API.items()}) + "\n", "DeviceTvmSoftwareVulnerabilities",
         VULNERABLE),
        (json.dumps([OF_API | {"eventTimestamp": "2026-03-04T09:00:00Z", "status": "Fixed"}]), "DeviceTvmSoftwareVulnerabilities",
         VULNERABLE | {"TimeGenerated": "2026-03-04T09:00:00.0000000Z"}),
        (table_of([OF_HUNTING]), "DeviceTvmSoftwareVulnerabilities",
         VULNERABLE | {"TimeGenerated": STAMPED, "RecommendedSecurityUpdate": "March", "CveTags": ["NoSecurityUpdate"]}),
        (table_of([OF_HUNTING | {"TimeGenerated": "2026-03-04T09:00:00Z"}]), "DeviceTvmSoftwareVulnerabilities",
         VULNERABLE | {"TimeGenerated": "2026-03-04T09:00:00.0000000Z"}),
        (json.dumps([{"deviceId": "dev1", "deviceName": "pc", "softwareVendor": "v", "softwareName": "p", "softwareVersion": "1",
                      "endOfSupportStatus": "EOS Version", "osPlatform": "Linux"}]), "DeviceTvmSoftwareInventory",
         {"EndOfSupportStatus": "EOS Version", "SoftwareName": "p", "OSPlatform": "Linux"}),
        (json.dumps({"id": "x", "cveId": "CVE-2026-1", "machineId": "dev1", "fixingKbId": "5000001", "productName": "product",
                     "productVendor": "vendor", "productVersion": "1.0", "severity": "High"}), "DeviceTvmSoftwareVulnerabilities",
         {"DeviceId": "dev1", "SoftwareName": "product", "SoftwareVendor": "vendor", "SoftwareVersion": "1.0", "CveId": "CVE-2026-1",
          "VulnerabilitySeverityLevel": "High", "RecommendedSecurityUpdateId": ""}),
    ],
    ids=["csv", "semicolons", "type line", "powershell json", "json", "graph", "enhanced summary", "extended", "api", "api files", "changes",
         "hunting", "log analytics", "inventory", "of a machine"],
)  # fmt: skip
def test_the_row_of_a_record(tmp_path: Path, content: str | bytes, table: str, expected: dict[str, Any]) -> None:
    with LogStore(None, VirtualClock(NOW)) as store:
        report = loaded(tmp_path, store, ("export.dat", content))
        assert (report.failed, report.unknown, report.bad, report.rows) == ([], [], 0, 1), report.to_dict()
        result = store.query(f"{table} | take 1")
        row = dict(zip([column.name for column in result.columns], result.rows[0]))
    assert {name: row[name] for name in expected} == expected


def test_what_has_no_column_stays_with_the_row(tmp_path: Path) -> None:
    with LogStore(None, VirtualClock(NOW)) as store:
        loaded(
            tmp_path,
            store,
            ("a.json", json.dumps([OF_API])),
            ("b.csv", table_of([EXTENDED])),
            ("c.csv", table_of([CMDLET])),
        )
        asked = "column_ifexists('DiskPaths', dynamic(null))[0], column_ifexists('ExploitabilityLevel', '')"
        assert store.query(f"DeviceTvmSoftwareVulnerabilities | project {asked}").rows == [["c:\\x", "NoExploit"]]
        assert store.query(f"{EVENTS} | project column_ifexists('tenant_id', '')").rows == [["t"]]
        assert store.query(f"{TRACE} | project column_ifexists('StartDate', '')").rows == [["3/1/2026 12:00:00 AM"]]


def test_traces_of_several_mailboxes_and_forms_bring_each_message_once(tmp_path: Path) -> None:
    """The sender's file and the recipient's have the same message; another recipient and a later status are records of their own."""
    other = CMDLET | {"RecipientAddress": "sam@contoso.example"}
    pending = CMDLET | {"Status": "Pending"}
    with LogStore(None, VirtualClock(NOW)) as store:
        report = loaded(
            tmp_path, store, ("eve-MTL.csv", table_of([CMDLET, other, pending])), ("pat-MTL.csv", table_of([CMDLET | {"Index": "7"}])),
            ("graph.json", json.dumps([GRAPH])),
        )  # fmt: skip
        assert (report.rows, report.repeated) == (3, 2)
        again = loaded(tmp_path, store, ("later.csv", table_of([other, pending, CMDLET])))
        assert (again.rows, again.repeated) == (0, 3)


def test_a_trace_without_a_time_is_put_aside_whole(tmp_path: Path) -> None:
    with LogStore(None, VirtualClock(NOW)) as store:
        report = loaded(tmp_path, store, ("a.csv", table_of([CMDLET, CMDLET | {"Received": "soon", "Subject": "odd"}])))
        assert (report.rows, report.bad) == (1, 1)
        (found,) = store.query("VedetteDeadLetter_CL | project Reason, Raw").rows
        assert found[0] == "the message trace has no time that can be read"
        assert json.loads(found[1])["Subject"] == "odd"
