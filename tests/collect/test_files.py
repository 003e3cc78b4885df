"""Files of every kind through `FileLoader`: recognised by content, each record once, into the right table."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.collect.evtx_file import evtx
from vedette.collect.files.loader import FileLoader
from vedette.collect.files.unpacking import ArchiveLimits
from vedette.collect.formats import windows_xml
from vedette.core.clock import VirtualClock
from vedette.core.errors import VedetteError
from vedette.store.logstore import LogStore
from vedette.store.report import LoadOptions, LoadReport, Outcome
from vedette.store.retention.moves import move_day, old_days

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


class Bench:
    """A store, and what loads files into it."""

    def __init__(self, store: LogStore, folder: Path) -> None:
        self.store = store
        self.folder = folder
        self.clock = VirtualClock(NOW)

    def write(self, name: str, content: bytes | str | object) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not isinstance(content, bytes | str):
            content = json.dumps(content)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def load(self, *paths: Path, limits: ArchiveLimits | None = None, **options: Any) -> LoadReport:
        return FileLoader(self.store, self.clock, limits).load(paths, LoadOptions(**options))

    def ask(self, query: str) -> list[list[Any]]:
        return self.store.query(query).rows

    def count(self, table: str) -> int:
        return int(self.ask(f"{table} | count")[0][0])


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with LogStore(None, VirtualClock(NOW)) as store:
        yield Bench(store, tmp_path / "files")


def sign_in(number: int, day: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "id": f"r{number}", "createdDateTime": f"2026-03-{day:02}T10:00:{number:02}Z", "userPrincipalName": "pat@contoso.example",
        "userDisplayName": "Pat", "userId": "u-1", "appId": "a-1", "appDisplayName": "Portal", "ipAddress": "203.0.113.5",
        "clientAppUsed": "Browser", "correlationId": "c-1", "conditionalAccessStatus": "success", "isInteractive": True,
        "status": {"errorCode": 50126, "failureReason": "Invalid password"},
        "location": {"city": "Porto", "countryOrRegion": "PT"}, "deviceDetail": {"browser": "Edge"},
        "signInEventTypes": ["interactiveUser"],
    } | more  # fmt: skip


AUDIT = {
    "id": "d-1", "activityDateTime": "2026-03-02T08:00:00Z", "activityDisplayName": "Add user", "category": "UserManagement",
    "correlationId": "c", "result": "success", "loggedByService": "Core Directory",
    "initiatedBy": {"user": {"displayName": "Sam", "userPrincipalName": "sam@contoso.example"}},
    "targetResources": [{"displayName": "New", "type": "User"}], "additionalDetails": [],
}  # fmt: skip
OFFICE = {
    "CreationTime": "2026-03-03T12:00:00", "Id": "o-1", "Operation": "New-InboxRule", "OrganizationId": "t", "RecordType": 1,
    "UserType": 2, "Workload": "Exchange", "UserId": "pat@contoso.example", "ClientIP": "203.0.113.9",
}  # fmt: skip
ACTIVITY = {
    "eventTimestamp": "2026-03-04T09:00:00.1234567Z", "eventDataId": "e-1", "correlationId": "c",
    "operationName": {"value": "Microsoft.Compute/virtualMachines/write", "localizedValue": "Create or Update Virtual Machine"},
    "status": {"value": "Succeeded", "localizedValue": "Succeeded"}, "subscriptionId": "s-1", "caller": "pat@contoso.example",
    "category": {"value": "Administrative", "localizedValue": "Administrative"}, "level": "Informational",
    "resourceId": "/subscriptions/s-1/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/vm1",
    "httpRequest": {"clientIpAddress": "203.0.113.7", "method": "PUT"}, "resourceGroupName": "rg",
}  # fmt: skip
DIAGNOSTIC = {
    "time": "2026-03-05T00:00:00Z", "resourceId": "/tenants/t/providers/Microsoft.aadiam", "category": "AuditLogs",
    "operationName": "Delete user", "properties": {"id": "d-2", "result": "success"},
}  # fmt: skip


def pascal(value: Any) -> Any:
    if isinstance(value, dict):
        return {name[:1].upper() + name[1:]: pascal(one) for name, one in value.items()}
    return [pascal(one) for one in value] if isinstance(value, list) else value


def table_of(rows: list[dict[str, Any]], delimiter: str = ",") -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


UAL_CSV = table_of([{"RecordType": "1", "CreationDate": "3/3/2026 12:00:00 PM", "UserIds": "pat", "Operations": "New-InboxRule",
                     "AuditData": json.dumps(OFFICE), "ResultIndex": "1"}])  # fmt: skip


@pytest.mark.req("P-030", "P-038", "P-046")
@pytest.mark.parametrize(
    ("name", "content", "table", "expected"),
    [
        ("SignIns.json", [sign_in(1)], "SigninLogs", {"Id": "r1", "ResultType": "50126", "Location": "PT", "IPAddress": "203.0.113.5"}),
        ("page.txt", {"@odata.context": "x", "value": [sign_in(1)]}, "SigninLogs", {"Id": "r1", "Identity": "Pat"}),
        ("pretty", json.dumps([sign_in(1)], indent=2), "SigninLogs", {"UserPrincipalName": "pat@contoso.example"}),
        ("lines.log", json.dumps(sign_in(1)) + "\n" + json.dumps(sign_in(2)) + "\n", "SigninLogs", {"CorrelationId": "c-1"}),
        ("twice.json", json.dumps([sign_in(1)], indent=1) + "\n" + json.dumps([sign_in(2)], indent=1), "SigninLogs", {"AppId": "a-1"}),
        ("powershell.json", [pascal(sign_in(1, createdDateTime="/Date(1772359201000)/", signInEventTypes=None))], "SigninLogs",
         {"TimeGenerated": "2026-03-01T10:00:01.0000000Z", "LocationDetails": {"city": "Porto", "countryOrRegion": "PT"}}),
        ("one.json", sign_in(1, signInEventTypes=["nonInteractiveUser"], isInteractive=False), "AADNonInteractiveUserSignInLogs",
         {"Id": "r1"}),
        ("sp.json", [sign_in(1, signInEventTypes=["servicePrincipal"], servicePrincipalId="sp")], "AADServicePrincipalSignInLogs",
         {"ServicePrincipalId": "sp"}),
        ("msi.json", [sign_in(1, signInEventTypes=["managedIdentity"])], "AADManagedIdentitySignInLogs", {"Id": "r1"}),
        ("audit.json", [AUDIT], "AuditLogs", {"Id": "d-1", "OperationName": "Add user", "Result": "success", "Category": "UserManagement"}),
        ("ual.csv", UAL_CSV, "OfficeActivity", {"OfficeId": "o-1", "RecordType": "ExchangeAdmin", "UserType": "Admin"}),
        ("management.json", [OFFICE], "OfficeActivity", {"Operation": "New-InboxRule", "OfficeWorkload": "Exchange"}),
        ("flat.csv", table_of([{name: str(value) for name, value in OFFICE.items()}]), "OfficeActivity", {"RecordType": "ExchangeAdmin"}),
        ("activity.json", {"value": [ACTIVITY]}, "AzureActivity",
         {"ActivityStatusValue": "Success", "OperationNameValue": "Microsoft.Compute/virtualMachines/write",
          "CallerIpAddress": "203.0.113.7", "EventDataId": "e-1", "Resource": "vm1"}),
        ("PT1H.json", json.dumps(DIAGNOSTIC) + "\n" + json.dumps(DIAGNOSTIC | {"operationName": "x", "properties": {"id": "d-3"}}),
         "AuditLogs", {"OperationName": "Delete user"}),
        ("hub.json", {"records": [DIAGNOSTIC]}, "AuditLogs", {"Id": "d-2"}),
        ("vault.json", [{"time": "2026-03-05T00:00:00Z", "category": "AuditEvent", "operationName": "SecretGet", "resourceId":
                        "/SUBSCRIPTIONS/S/RESOURCEGROUPS/R/PROVIDERS/MICROSOFT.KEYVAULT/VAULTS/V", "properties": {"id": "u"}}],
         "AzureDiagnostics", {"Category": "AuditEvent", "ResourceProvider": "MICROSOFT.KEYVAULT"}),
        ("alerts.json", {"value": [{"id": "al-1", "serviceSource": "microsoftDefenderForEndpoint", "createdDateTime": "2026-03-05T01:00:00Z",
                                    "severity": "high", "title": "Mimikatz", "status": "new", "alertWebUrl": "https://x", "evidence": []}]},
         "SecurityAlert", {"SystemAlertId": "al-1", "AlertSeverity": "High"}),
        ("SecurityAlerts.csv", table_of([{"Id": "al-2", "Title": "Anonymous IP address", "Category": "AnonymousLogin", "Severity": "medium",
         "Status": "newAlert", "CreatedDateTime": "4/16/2026 8:53:27 AM", "Vendor": "Microsoft", "Provider": "IPC"}]),
         "SecurityAlert", {"DisplayName": "Anonymous IP address", "TimeGenerated": "2026-04-16T08:53:27.0000000Z", "Status": "New"}),
        ("RiskyDetections.csv", table_of([{"Activity": "signin", "ActivityDateTime": "1/26/2026 8:20:44 PM", "CorrelationId": "c",
         "DetectedDateTime": "1/27/2026 1:33:44 AM", "IPAddress": "203.0.113.1", "Id": "k", "City": "Porto", "CountryOrRegion": "PT",
         "RiskEventType": "unlikelyTravel", "RiskLevel": "low", "RiskState": "atRisk", "UserId": "u", "UserPrincipalName": "p@c"}]),
         "AADUserRiskEvents", {"RiskEventType": "unlikelyTravel", "Location": {"city": "Porto", "countryOrRegion": "PT"}}),
        ("hunting.json", {"Schema": [], "Results": [{"Timestamp": "2026-03-05T02:00:00Z", "DeviceId": "dev", "DeviceName": "pc",
         "ActionType": "ProcessCreated", "FileName": "cmd.exe", "ReportId": 5, "ProcessId": 7}]}, "DeviceProcessEvents",
         {"FileName": "cmd.exe", "TimeGenerated": "2026-03-05T02:00:00.0000000Z"}),
        ("query_data.csv", "TimeGenerated [UTC],Computer,EventID,Account,Type\n2026-03-05T03:00:00Z,pc,4624,A,SecurityEvent\n",
         "SecurityEvent", {"EventID": 4624, "Computer": "pc"}),
        ("api.json", {"tables": [{"name": "PrimaryResult", "columns": [{"name": "TimeGenerated"}, {"name": "Type"}, {"name": "Computer"}],
                                  "rows": [["2026-03-05T03:00:00Z", "Heartbeat", "pc"]]}]}, "Heartbeat", {"Computer": "pc"}),
        ("SigninLogs_march.json", [{"TimeGenerated": "2026-03-05T03:00:00Z", "UserPrincipalName": "z"}], "SigninLogs",
         {"UserPrincipalName": "z"}),
        ("auth.log", "Mar  5 10:00:00 web sshd[77]: Failed password\nMar  6 10:00:00 web sshd[78]: Failed password\n", "Syslog",
         {"ProcessName": "sshd", "TimeGenerated": "2026-03-05T10:00:00.0000000Z", "HostName": "web"}),
        ("journal.json", json.dumps({"__CURSOR": "s=1;i=1", "__REALTIME_TIMESTAMP": "1772704800123456", "_HOSTNAME": "web", "_PID": "77",
         "SYSLOG_IDENTIFIER": "sshd", "SYSLOG_FACILITY": "10", "PRIORITY": "6", "MESSAGE": "Failed password"}) + "\n", "Syslog",
         {"TimeGenerated": "2026-03-05T10:00:00.1234560Z", "HostName": "web", "Computer": "web", "ProcessName": "sshd", "ProcessID": 77,
          "Facility": "authpriv", "SeverityLevel": "info", "SyslogMessage": "Failed password"}),
        ("bytes.json", [{"__REALTIME_TIMESTAMP": "1772704800000000", "_COMM": "kthread", "PRIORITY": "9", "MESSAGE": [99, 97, 102, 195, 169],
         "_PID": ["7", "8"]}], "Syslog",
         {"TimeGenerated": "2026-03-05T10:00:00.0000000Z", "SyslogMessage": "café", "ProcessName": "kthread", "SeverityLevel": "", "ProcessID": None}),
        ("fw.txt", "<134>2024-01-02T03:04:05Z fw CEF:0|V|P|1|7|Deny|5|src=203.0.113.3 act=deny\n", "CommonSecurityLog",
         {"DeviceVendor": "V", "SourceIP": "203.0.113.3", "TimeGenerated": "2024-01-02T03:04:05.0000000Z"}),
        ("fw2.txt", "CEF:0|V|P|1|7|Deny|5|src=203.0.113.3 rt=1704164645000 end=1704164999000\n", "CommonSecurityLog",
         {"SourceIP": "203.0.113.3", "ReceiptTime": "1704164645000", "TimeGenerated": "2024-01-02T03:04:05.0000000Z"}),
        ("fw3.txt", "CEF:0|V|P|1|7|Deny|5|end=Jan 02 2024 03:04:05 UTC\n", "CommonSecurityLog",
         {"TimeGenerated": "2024-01-02T03:04:05.0000000Z"}),
        ("syslog", "Mar  5 10:00:00 web app: a\n" + "\0" * 9 + "Mar  5 10:00:01 web app: b\n\0\0", "Syslog", {"SyslogMessage": "a"}),
        ("ata.log", "1 2026-03-05T10:00:00.5+00:00 ATA CENTER 7 Odd \ufeffx\n1 2026-03-05T10:00:01Z ATA CENTER 7 - - y\n", "Syslog",
         {"HostName": "ATA", "ProcessName": "CENTER", "TimeGenerated": "2026-03-05T10:00:00.5000000Z", "SyslogMessage": "x"}),
        ("asa.log", "Mar 5 2026 10:00:00 fw1 : %ASA-6-1: a\nMar 5 2026 10:00:01 fw1 : %ASA-6-1: b\n", "Syslog",
         {"HostName": "fw1", "ProcessName": "%ASA-6-1", "TimeGenerated": "2026-03-05T10:00:00.0000000Z"}),
        ("azure_activity_log.json", json.dumps({
            "event_timestamp": "2026-03-04T09:00:00.5Z", "event_data_id": "e-2", "correlation_id": "c", "subscription_id": "s-1",
            "operation_name": {"value": "Microsoft.Compute/virtualMachines/delete", "localized_value": "Delete Virtual Machine"},
            "status": {"value": "Succeeded", "localized_value": "Succeeded"}, "caller": "pat@contoso.example",
            "claims": {"xms_tcdt": "1", "ipaddr": "203.0.113.9"}, "http_request": {"client_ip_address": "203.0.113.7", "method": "DELETE"},
            "resource_id": "/subscriptions/s-1/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/vm1",
            "resource_group_name": "rg", "sub_status": {"value": "OK", "localized_value": "OK (200)"}}) + "\n", "AzureActivity",
         {"EventDataId": "e-2", "OperationName": "Delete Virtual Machine", "CallerIpAddress": "203.0.113.7", "ResourceGroup": "rg",
          "ActivitySubstatus": "OK (200)", "HTTPRequest": '{"clientIpAddress":"203.0.113.7","method":"DELETE"}',
          "Claims": '{"xms_tcdt":"1","ipaddr":"203.0.113.9"}', "TimeGenerated": "2026-03-04T09:00:00.5000000Z"}),
        ("Alerts.json", json.dumps({
            "alert_display_name": "Odd process", "system_alert_id": "s-9", "severity": "High", "status": "Active", "intent": "Execution",
            "vendor_name": "Microsoft", "time_generated_utc": "2026-03-04T09:02:00Z", "alert_type": "VM_Odd", "compromised_entity": "vm1"})
            + "\n", "SecurityAlert",
         {"DisplayName": "Odd process", "SystemAlertId": "s-9", "AlertSeverity": "High", "CompromisedEntity": "vm1", "Tactics": "Execution",
          "TimeGenerated": "2026-03-04T09:02:00.0000000Z"}),
        ("UALGraph.json", [{
            "AuditData": {"AdditionalProperties": {"RecordType": 261, "Workload": "Copilot", "UserType": 0, "UserId": "p@c"}},
            "AuditLogRecordType": "copilotInteraction", "CreatedDateTime": "/Date(1772539200000)/", "Id": "g-2", "Operation": "Ask"}],
         "OfficeActivity", {"OfficeId": "g-2", "Operation": "Ask", "RecordType": "CopilotInteraction", "UserType": "Regular", "UserId": "p@c",
                            "TimeGenerated": "2026-03-03T12:00:00.0000000Z"}),
        ("pages.json", "\ufeff" + "\r\n".join(json.dumps(page, indent=4) for page in ([OFFICE], [OFFICE | {"Id": "o-2"}], OFFICE | {"Id": "o-3"})),
         "OfficeActivity", {"OfficeWorkload": "Exchange"}),
        ("joined.json", json.dumps(DIAGNOSTIC) + json.dumps(DIAGNOSTIC | {"properties": {"id": "d-9"}}), "AuditLogs", {"OperationName": "Delete user"}),
        ("mailbox.csv", table_of([{"Operation": "MailItemsAccessed", "LogonType": "Owner", "LastAccessed": "2026-03-05T04:00:00Z",
         "MailboxOwnerUPN": "p@c", "ClientIPAddress": "203.0.113.4", "Identity": "m1"}]), "OfficeActivity",
         {"Client_IPAddress": "203.0.113.4", "OfficeId": "m1"}),
        ("auditlogquery.json", {"value": [{"id": "g-1", "createdDateTime": "2026-03-05T05:00:00Z", "auditLogRecordType": "exchangeItem",
         "operation": "Send", "userType": "regular", "service": "Exchange", "userPrincipalName": "p@c", "clientIp": "203.0.113.5", "auditData": {}}]},
         "OfficeActivity", {"OfficeId": "g-1", "Operation": "Send", "UserId": "p@c", "ClientIP": "203.0.113.5", "RecordType": "ExchangeItem", "UserType": "Regular",
                            "TimeGenerated": "2026-03-05T05:00:00.0000000Z"}),
        ("xmltodict.json", [{"Event": {"@xmlns": "x", "System": {"Provider": {"@Name": "Microsoft-Windows-Security-Auditing"}, "Channel": "Security",
         "EventID": {"@Qualifiers": "0", "#text": "4624"}, "TimeCreated": {"@SystemTime": "2026-03-05T06:00:00.1234567Z"}, "Computer": "pc"},
         "EventData": {"Data": [{"@Name": "TargetUserName", "#text": "eve"}, {"@Name": "IpAddress", "#text": "203.0.113.6"}]}}}],
         "SecurityEvent", {"EventID": 4624, "TargetUserName": "eve", "IpAddress": "203.0.113.6", "TimeGenerated": "2026-03-05T06:00:00.1234567Z"}),
        ("plain.json", [{"Event": {"System": {"Provider": {"Name": "Sysmon"}, "EventID": 1, "TimeCreated": {"SystemTime": "2026-03-05T06:00:00Z"},
         "Channel": "Microsoft-Windows-Sysmon/Operational", "Computer": "pc", "EventRecordID": 9},
         "EventData": {"Data": [{"Name": "Image", "#text": "a.exe"}]}}}],
         "Event", {"EventID": 1, "Source": "Sysmon", "TimeGenerated": "2026-03-05T06:00:00.0000000Z",
                   "ParameterXml": "<Param>a.exe</Param>"}),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 40 and "\n" not in value else "",
)  # fmt: skip
def test_recognised(bench: Bench, name: str, content: object, table: str, expected: dict[str, Any]) -> None:
    report = bench.load(bench.write(f"x/{name}", content))
    assert (report.failed, report.unknown, report.bad) == ([], [], 0), report.to_dict()
    assert table in {file.table for file in report.files}
    result = bench.store.query(f"{table} | sort by TimeGenerated asc | take 1")
    row = dict(zip([column.name for column in result.columns], result.rows[0]))
    assert {name: row[name] for name in expected} == expected


PORTAL = (
    "Date (UTC),Request ID,User agent,Correlation ID,User ID,User,Username,User type,Incoming token type,Application,Application ID ,"
    "Resource,Resource ID ,IP address,Location,Status,Sign-in error code,Failure reason,Client app,Browser,Compliant,"
    "Autonomous system  number,Incoming token type,Conditional Access,Authentication requirement,Authentication Protocol\n"
    '2026-03-02T10:00:01Z,q-1,Mozilla,c,u,Pat,pat@c,Member,none,Portal,a-1,Graph,g-1,203.0.113.5,"Porto, Porto, PT",Failure,50126,'
    "Bad password,Browser,Edge,No,64500,none,Not Applied,Single-factor authentication,Device Code\n"
)


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("InteractiveSignIns_2026.csv", "SigninLogs"),
        ("NonInteractiveSignIns_2026.csv", "AADNonInteractiveUserSignInLogs"),
    ],
)
def test_the_portals_sign_ins(bench: Bench, name: str, table: str) -> None:
    bench.load(bench.write(name, "\ufeff" + PORTAL))
    asked = f"{table} | project Id, UserPrincipalName, AppId, ResultType, ResultDescription, Location, IPAddress, ConditionalAccessStatus, "
    asked += "AuthenticationRequirement, AuthenticationProtocol"
    shown = ["singleFactorAuthentication", "deviceCode"]
    assert bench.ask(asked) == [
        ["q-1", "pat@c", "a-1", "50126", "Bad password", "PT", "203.0.113.5", "notApplied", *shown]
    ]


def test_records_of_graph_whose_parts_are_columns(bench: Bench) -> None:
    sign_in = {
        "id": "q-2", "createdDateTime": "2026-03-02T10:00:01Z", "userPrincipalName": "pat@c", "appDisplayName": "Portal",
        "ipAddress": "203.0.113.5", "status.errorCode": "50126", "status.failureReason": "Bad password", "status.additionalDetails": "",
        "location.countryOrRegion": "PT", "location.geoCoordinates.latitude": "41.1", "deviceDetail.isManaged": "False",
    }  # fmt: skip
    audit = {
        "id": "u-2", "activityDateTime": "2026-03-02T10:00:01Z", "activityDisplayName": "Add member to role", "result": "success",
        "initiatedBy.user.userPrincipalName": "sam@c", "initiatedBy.app.displayName": "", "targetResources.0.id": "t-1",
        "targetResources[0].modifiedProperties[0].newValue": '"Admin"', "targetResources.1.id": "t-2",
    }  # fmt: skip
    bench.load(bench.write("signins.csv", table_of([sign_in])), bench.write("audits.csv", table_of([audit])))
    asked = "SigninLogs | project ResultType, ResultDescription, Location, Status.errorCode, DeviceDetail.isManaged"
    assert bench.ask(asked) == [["50126", "Bad password", "PT", 50126, False]]
    asked = (
        "AuditLogs | project Identity, tostring(InitiatedBy.user.userPrincipalName), tostring(TargetResources[1].id), "
        "tostring(TargetResources[0].modifiedProperties[0].newValue)"
    )
    assert bench.ask(asked) == [["sam@c", "sam@c", "t-2", '"Admin"']]


def test_the_portals_audit_records(bench: Bench) -> None:
    row = {
        "Date (UTC)": "2026-03-02T10:00:01Z", "CorrelationId": "c", "Service": "Core Directory", "Category": "RoleManagement",
        "Activity": "Add member to role", "Result": "success", "ResultReason": "", "ActorType": "User", "ActorDisplayName": "Sam",
        "ActorUserPrincipalName": "sam@c", "IPAddress": "203.0.113.8", "Target1Type": "User", "Target1DisplayName": "Pat",
        "Target1ObjectId": "t-1", "Target1ModifiedProperty1Name": "Role", "Target1ModifiedProperty1NewValue": '"Admin"',
        "AdditionalDetail1Key": "k", "AdditionalDetail1Value": "v",
    }  # fmt: skip
    bench.load(bench.write("AuditLogs_2026.csv", table_of([row])))
    asked = (
        "AuditLogs | project OperationName, Category, Result, tostring(InitiatedBy.user.userPrincipalName), "
        "tostring(TargetResources[0].modifiedProperties[0].newValue), tostring(AdditionalDetails[0].key)"
    )
    assert bench.ask(asked) == [["Add member to role", "RoleManagement", "success", "sam@c", '"Admin"', "k"]]


@pytest.mark.parametrize(
    ("dates", "expected"),
    [
        (["05/01/2026 10:11:12", "15/01/2026 10:11:12"], ["2026-01-05", "2026-01-15"]),
        (["05/01/2026 10:11:12", "05/02/2026 10:11:12"], ["2026-05-01", "2026-05-02"]),
        (["05.01.2026 10:11:12"], ["2026-01-05"]),
        (["05/01/2026 10:11:12"] * 300 + ["15/01/2026 10:11:12"], ["2026-01-05"] * 300 + ["2026-01-15"]),
        (["05/01/2026 10:11:12"] * 300 + ["05/15/2026 10:11:12"], ["2026-05-01"] * 300 + ["2026-05-15"]),
        (["1-3-2026 8:00:00", "13-03-2026 08:00"], ["2026-03-01", "2026-03-13"]),
        (
            ["2026/3/13 8:00:00", "2026. 03. 14. 8:00:00", "13. 3. 2026 8:00:00"],
            ["2026-03-13", "2026-03-14", "2026-03-13"],
        ),
        (["13/03/2026 8:00:00 a. m.", "Mar 14, 2026 8:00 AM"], ["2026-03-13", "2026-03-14"]),
        (["Friday, March 13, 2026 8:00:00 PM", "14 Mar 2026 08:00:00"], ["2026-03-13", "2026-03-14"]),
    ],
)
def test_the_order_of_day_and_month(bench: Bench, dates: list[str], expected: list[str]) -> None:
    rows = [
        {"Date (UTC)": date, "Request ID": f"q{n:03}", "Application": "x", "Username": "y"}
        for n, date in enumerate(dates)
    ]
    report = bench.load(bench.write("s.csv", table_of(rows)))
    assert [row[0][:10] for row in bench.ask("SigninLogs | sort by Id asc | project TimeGenerated")] == expected
    unsure = dates == ["05/01/2026 10:11:12", "05/02/2026 10:11:12"]
    assert [("'05/01/2026 10:11:12' as 2026-05-01" in note, "s.csv" in note) for note in report.notes] == [
        (True, True)
    ] * unsure


def test_many_files_whose_order_nothing_tells_are_told_together(bench: Bench) -> None:
    row = {"Date (UTC)": "05/01/2026 10:11", "Application": "x", "Username": "y"}
    files = [bench.write(f"s{n}.csv", table_of([row | {"Request ID": f"q{n}"}])) for n in range(7)]
    (note,) = bench.load(*files).notes
    assert [path for path in files if str(path) in note] == files[:5]
    assert "and 2 more, dates are read month first ('05/01/2026 10:11' as 2026-05-01)" in note


@pytest.mark.parametrize(
    ("name", "text"),
    {
        "both orders are one day": ("s.csv", table_of([{"Date (UTC)": "05/05/2026 10:11", "Request ID": "q", "Application": "x", "Username": "y"}])),
        "the record itself tells": ("u.csv", table_of([{
            "CreationDate": "05/01/2026 10:11", "UserIds": "pat", "Operations": "New-InboxRule", "AuditData": json.dumps({
                "Id": "o", "CreationTime": "2026-01-05T10:11:00", "Operation": "New-InboxRule", "RecordType": 1, "Workload": "Exchange"})}])),
        "an earlier column is no time": ("m.csv", table_of([{
            "Received": "2026-03-05T20:53:27Z", "StartDate": "3/1/2026 12:00:00 AM", "SenderAddress": "a@x.example", "RecipientAddress": "b@x.example",
            "MessageTraceId": "t", "MessageId": "<m>", "Subject": "s", "Status": "Delivered"}])),
    }.values(),
)  # fmt: skip
def test_an_order_that_no_time_depends_on_is_not_told(bench: Bench, name: str, text: str) -> None:
    report = bench.load(bench.write(name, text))
    assert (report.rows, report.notes) == (1, [])


@pytest.mark.parametrize(
    "encoded",
    [
        lambda text: text.encode("utf-16"),
        lambda text: text.encode("utf-16-le"),
        lambda text: text.encode("utf-16-be"),
        lambda text: text.encode("utf-32"),
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: gzip.compress(text.encode()),
        lambda text: text.replace("\n", "\r\n").encode(),
    ],
    ids=[
        "utf-16",
        "utf-16 without a mark",
        "utf-16 the other way",
        "utf-32",
        "mark",
        "gzip",
        "crlf",
    ],
)
@pytest.mark.parametrize(
    "text", [UAL_CSV, json.dumps([OFFICE], indent=2), UAL_CSV.replace(",", "\x00").replace("\x00", ",")]
)
def test_encodings(bench: Bench, encoded: Any, text: str) -> None:
    bench.load(bench.write("file.dat", encoded(text)))
    assert bench.ask("OfficeActivity | project OfficeId") == [["o-1"]]


def test_semicolons_and_the_line_that_excel_takes(bench: Bench) -> None:
    content = "sep=;\n" + table_of(
        [{"CreationDate": "x", "UserIds": "p", "Operations": "o", "AuditData": json.dumps(OFFICE)}], ";"
    )
    bench.load(bench.write("a.csv", content.split("\n", 1)[1]), bench.write("b.csv", content.replace("o-1", "o-2")))
    assert bench.ask("OfficeActivity | sort by OfficeId asc | project OfficeId") == [["o-1"], ["o-2"]]


def test_the_line_that_powershell_writes_above_a_heading(bench: Bench) -> None:
    content = "#TYPE Selected.System.Management.Automation.PSCustomObject\r\n" + table_of(
        [{"CreationDate": "x", "UserIds": "p", "Operations": "o", "AuditData": json.dumps(OFFICE)}], ","
    )
    bench.load(bench.write("a.csv", content.encode("utf-16")), bench.write("b.csv", content.replace("o-1", "o-2")))
    assert bench.ask("OfficeActivity | sort by OfficeId asc | project OfficeId") == [["o-1"], ["o-2"]]


EVENT = (
    "<Event><System><Provider Name='Microsoft-Windows-Security-Auditing'/><EventID>{id}</EventID><Level>0</Level><Task>1</Task>"
    "<TimeCreated SystemTime='2026-03-05T05:00:0{n}.0000000Z'/><EventRecordID>{n}</EventRecordID><Channel>{channel}</Channel>"
    "<Computer>pc</Computer></System><EventData><Data Name='TargetUserName'>pat</Data></EventData></Event>"
)


@pytest.mark.req("P-043")
def test_evtx(bench: Bench) -> None:
    security = evtx([EVENT.format(id=4624, n=n, channel="Security") for n in range(3)])
    system = evtx([EVENT.format(id=7045, n=1, channel="System")])
    overlapping = evtx([EVENT.format(id=4624, n=n, channel="Security") for n in range(2, 5)])
    report = bench.load(
        bench.write("Security.evtx", security),
        bench.write("noname", system),
        bench.write("again.evtx.gz", gzip.compress(overlapping)),
    )
    assert not report.failed
    assert (bench.count("SecurityEvent"), bench.count("Event"), report.repeated) == (5, 1, 1)


def test_one_large_object_around_all_records(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vedette.collect.files.loader._LARGE", 1_000)
    monkeypatch.setattr("vedette.collect.files.recognising.HEAD", 2_000)
    document = {"@odata.context": "x", "value": [sign_in(n) for n in range(40)], "@odata.nextLink": "https://x/?a=1,{}"}
    report = bench.load(bench.write("page.json", document))
    assert (report.rows, report.bad) == (40, 0)
    two = (
        json.dumps({"records": [DIAGNOSTIC] * 20})
        + "\n"
        + json.dumps({"records": [DIAGNOSTIC | {"properties": {"id": "d-9"}}]})
    )
    assert bench.load(bench.write("hub.json", two)).bad == 0
    assert bench.count("AuditLogs") == 2


# -- each record once


def test_overlapping_exports_bring_each_record_once(bench: Bench) -> None:
    one = bench.write("a/one.json", [sign_in(n) for n in range(6)])
    two = bench.write("b/two.json", {"value": [sign_in(n) for n in range(3, 9)]})
    rows = [
        {"Date (UTC)": "2026-03-01T10:00:03Z", "Request ID": f"R{n}", "Application": "x", "Username": "y"}
        for n in (3, 20)
    ]
    portal = bench.write("c/portal.csv", table_of(rows))
    report = bench.load(portal, one, two)
    assert (report.rows, report.repeated) == (10, 4)
    assert bench.count("SigninLogs") == 10
    # of two exports the one that has more of a record counts
    assert bench.ask("SigninLogs | where Id == 'r3' | project AppId") == [["a-1"]]
    assert bench.load(portal, one, two).rows == 0
    assert bench.load(one, again=True).rows == 6
    assert bench.count("SigninLogs") == 16


def test_events_without_a_number_are_told_by_all_they_have(bench: Bench) -> None:
    # as Log Analytics exports what its former agent collected: nothing but the texts tells two events of a second
    events = [
        {"TimeGenerated": f"2026-03-01T10:00:00.{n}Z", "Computer": "pc", "Channel": "Security", "EventID": 4688,
         "Account": "pat", "Activity": "4688 - A new process has been created.", "CommandLine": f"c{n}", "Type": "SecurityEvent"}
        for n in range(6)
    ]  # fmt: skip
    devices = [
        {"TimeGenerated": f"2026-03-0{n}T10:00:00Z", "DeviceId": "d", "ReportId": 5, "ActionType": "x", "FileName": f"f{n}",
         "Type": "DeviceEvents"}
        for n in (1, 2)
    ]  # fmt: skip
    lines = "\n".join(map(json.dumps, [*events, *devices]))
    report = bench.load(bench.write("export.json", lines))
    assert (report.rows, report.repeated) == (8, 0)
    again = bench.load(bench.write("overlapping.json", "\n".join(map(json.dumps, [*events[3:], devices[1]]))))
    assert (again.rows, again.repeated) == (0, 4)


def test_records_without_an_id_are_told_by_all_they_have(bench: Bench) -> None:
    line = "Mar  5 10:00:00 web sshd[77]: Failed password"
    bench.load(bench.write("one.log", f"{line}\n{line}\n"))
    assert bench.count("Syslog") == 2  # a line may well come twice
    report = bench.load(bench.write("grown.log", f"{line}\n{line}\n{line}\nMar  5 10:00:01 web sshd[78]: Failed\n"))
    assert (report.rows, report.repeated, bench.count("Syslog")) == (2, 2, 4)


def test_a_file_for_several_tables_is_loaded_wholly_or_not_at_all(bench: Bench) -> None:
    whole = gzip.compress(
        "\n".join(json.dumps(one) for one in [DIAGNOSTIC, *[sign_in(n) for n in range(400)]]).encode()
    )
    report = bench.load(bench.write("cut.json.gz", whole[: len(whole) - 30]), bench.write("fine.json", [AUDIT]))
    assert [file.outcome for file in report.files] == [Outcome.FAILED, Outcome.LOADED]
    assert "ends early" in str(report.failed[0].error)
    assert (bench.count("SigninLogs"), bench.count("AuditLogs")) == (0, 1)


def test_tables_that_only_come_later_in_a_file(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vedette.collect.files.reading._ROWS", 5)
    records = [*[sign_in(n) for n in range(12)], AUDIT, OFFICE, *[sign_in(n) for n in range(10, 14)]]
    report = bench.load(bench.write("mixed.jsonl", "\n".join(map(json.dumps, records))))
    assert {file.table: (file.rows, file.repeated) for file in report.files} == {
        "SigninLogs": (14, 2), "AuditLogs": (1, 0), "OfficeActivity": (1, 0),
    }  # fmt: skip


def test_what_cannot_be_read_is_kept_whole(bench: Bench) -> None:
    broken = {"AuditData": "{no", "Operations": "x", "CreationDate": "y", "UserIds": "z"}
    content = "\n".join([json.dumps(OFFICE), json.dumps(broken), "{not json", json.dumps({"strange": 1})])
    report = bench.load(bench.write("ual.jsonl", content))
    assert (report.rows, report.bad) == (1, 3)
    found = bench.ask("VedetteDeadLetter_CL | sort by Line asc | project Line, Reason, Raw")
    assert [row[0] for row in found] == [2, 3, 4]
    assert json.loads(found[0][2]) == broken
    assert found[0][1] == "its AuditData is not JSON"
    assert found[1][2] == "{not json"
    assert found[2][1] == "the record has no form that is known"


# -- tables


def test_the_table_that_was_asked_for(bench: Bench) -> None:
    graph = bench.write("g/a.json", [sign_in(1)])
    assert bench.load(graph, table="SigninLogs").files[0].table == "SigninLogs"
    assert bench.ask("SigninLogs | project Id, ResultType") == [["r1", "50126"]]
    bench.load(graph, table="Raw_CL")
    assert bench.ask("Raw_CL | project id, tostring(status.errorCode)") == [["r1", "50126"]]
    bench.load(bench.write("x.log", "Mar  5 10:00:00 web sshd[77]: hi\n"), table="Lines_CL")
    assert bench.ask("Lines_CL | project SyslogMessage") == [["hi"]]


def test_a_folder_with_the_name_of_a_table(bench: Bench) -> None:
    rows = [{"TimeGenerated": "2026-03-01T00:00:00Z", "UserPrincipalName": "a"}]
    bench.load(bench.write("SigninLogs/a.json", rows), bench.write("Own_CL/b.json", [{"x": 1}]))
    assert (bench.count("SigninLogs"), bench.count("Own_CL")) == (1, 1)
    # what the records are goes before what the folder is called
    bench.load(bench.write("AuditLogs/c.json", [AUDIT]))
    assert bench.ask("AuditLogs | project OperationName") == [["Add user"]]


def test_a_file_that_is_named_gives_rows_of_no_known_table_its_name(bench: Bench) -> None:
    bench.load(bench.write("Downloads/firewall.csv", "a,b\n1,2\n"))
    assert bench.ask("firewall | project a, b") == [[1, 2]]
    bench.load(bench.write("Own_CL/part.csv", "a,b\n1,2\n"))
    bench.load(bench.write("Plain/part.jsonl", '{"a": 1}\n').parent)
    assert (bench.count("Own_CL"), bench.count("Plain")) == (1, 1)


def test_rows_that_name_a_table_and_have_its_columns_need_no_time(bench: Bench) -> None:
    rows = [{"Type": "SigninLogs", "UserPrincipalName": "a", "ResultType": "0", "Surplus": 1, "AppDisplayName": "p"}]
    other = [{"Type": "Event", "Name": "party", "Place": "garden"}]
    report = bench.load(bench.write("export/rows.json", rows), bench.write("export/other.csv", table_of(rows)))
    assert [(one.table, one.rows, one.stamped) for one in report.files] == [("SigninLogs", 1, 1)] * 2
    assert bench.load(bench.write("far/away/other.json", other).parent.parent).unknown[0].path.name == "other.json"


def test_text_that_only_looks_like_columns(bench: Bench) -> None:
    report = bench.load(bench.write("Output/LogFile.txt", "[INFO] started, all well\n[INFO] done, good\n").parent)
    assert (report.rows, report.unknown[0].path.name) == (0, "LogFile.txt")


EVENT_XML = (
    "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='{provider}'/>"
    "<EventID Qualifiers='0'>{number}</EventID><TimeCreated SystemTime='2026-03-05T06:00:0{second}.1234567Z'/>"
    "<EventRecordID>{second}</EventRecordID><Channel>{channel}</Channel><Computer>pc1</Computer></System>{rest}</Event>"
)
EVENTS_XML = [
    EVENT_XML.format(
        provider="Microsoft-Windows-Security-Auditing", number=4624, second=1, channel="Security",
        rest="<EventData>\r\n  <Data Name='TargetUserName'>a&amp;b</Data><Data Name='LogonType'>10</Data><Data Name='None'/></EventData>",
    ),
    EVENT_XML.format(
        provider="Installer", number=1033, second=2, channel="Application",
        rest="<EventData><Data>one</Data><Data>t&#x1;o</Data></EventData><RenderingInfo Culture='en-US'><Message>It is done.</Message>"
        "</RenderingInfo>",
    ),
    EVENT_XML.format(
        provider="Eventlog", number=104, second=3, channel="System",
        rest="<UserData><LogFileCleared xmlns='urn:x'><SubjectUserName>eve</SubjectUserName></LogFileCleared></UserData>",
    ),
]  # fmt: skip


@pytest.mark.req("P-038", "P-043")
@pytest.mark.parametrize(
    "content",
    [
        "<?xml version='1.0' encoding='utf-8'?>\r\n<Events>" + "".join(EVENTS_XML) + "</Events>",
        "\n".join(EVENTS_XML) + "\n",
        "".join(f"Record {number}\n<?xml version='1.0'?>\n{event}\n" for number, event in enumerate(EVENTS_XML, 1)),
        ("\ufeff<Events>" + "\r\n".join(EVENTS_XML) + "</Events>").encode("utf-16-le"),
    ],
    ids=["event viewer", "one a line", "evtx_dump", "utf-16"],
)
def test_windows_events_as_xml(bench: Bench, content: str | bytes) -> None:
    report = bench.load(bench.write("Output/Security.xml", content).parent)
    assert (report.unknown, report.bad, report.rows) == ([], 0, 3)
    assert bench.ask("SecurityEvent | project TimeGenerated, EventID, TargetUserName, LogonType, EventRecordId") == [
        ["2026-03-05T06:00:01.1234567Z", 4624, "a&b", 10, "1"]
    ]
    assert bench.ask(
        "Event | sort by EventID asc | project EventID, EventLog, Source, ParameterXml, RenderedDescription"
    ) == [
        [104, "System", "Eventlog", "<Param>eve</Param>", ""],
        [1033, "Application", "Installer", "<Param>one</Param><Param>t\ufffdo</Param>", "It is done."],
    ]


def test_an_event_of_xml_that_cannot_be_read_is_put_aside(bench: Bench) -> None:
    broken = (
        "<Events>" + EVENTS_XML[0] + "\n<Event><System>&who;</System></Event>\n" + EVENTS_XML[2] + "\n<Event><System>"
    )
    report = bench.load(bench.write("x.xml", "<!DOCTYPE x [<!ENTITY who 'me'>]>\n" + broken.replace("<Events>", "", 1)))
    assert (report.rows, report.bad) == (2, 2)
    reasons = [row[0] for row in bench.ask("VedetteDeadLetter_CL | sort by Line asc | project Reason")]
    assert [reason.partition(":")[0] for reason in reasons] == [
        "the event is not XML that can be read",
        "the file ends within the event",
    ]


@pytest.mark.parametrize("size", [1, 2, 7, 64, 500])
def test_where_blocks_of_xml_end_makes_no_difference(size: int) -> None:
    data = "\n".join(["text", *EVENTS_XML, "<Event>", EVENTS_XML[0]]).encode()
    parts = [data[at : at + size] for at in range(0, len(data), size)]
    found = list(windows_xml.events_in(parts))
    assert found == list(windows_xml.events_in([data]))
    assert [(one.line, isinstance(one.event, dict)) for one in found] == [(2, True), (4, True), (5, True), (6, False)]


def test_columns_of_several_tables(bench: Bench) -> None:
    row = {
        "Timestamp": "2026-03-05T02:00:00Z",
        "AccountName": "a",
        "AccountSid": "b",
        "AccountUpn": "c",
        "AccountDomain": "d",
    }
    report = bench.load(bench.write("deep/down/q.json", [row]).parent.parent.parent)
    assert report.rows == 0
    assert "alike" in report.unknown[0].reason or "kind that is known" in report.unknown[0].reason


# -- folders, archives, what is missing


def evidence(bench: Bench) -> Path:
    path = bench.folder / "evidence.zip"
    path.parent.mkdir(parents=True, exist_ok=True)
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("insights/PT1H.json", json.dumps(DIAGNOSTIC))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "Output/EntraID/20260301-SignInLogs.json", json.dumps([sign_in(1, 1), sign_in(2, 2), sign_in(3, 5)])
        )
        archive.writestr("Output/UnifiedAuditLog/UAL-1.csv", UAL_CSV.encode("utf-16"))
        archive.writestr("Output/MFA/AuthenticationMethods.csv", "User,Method\na,b\n")
        archive.writestr("Output/LogFile.txt", "[INFO] done\nall of it\n")
        archive.writestr("Output/nested.zip", inner.getvalue())
    return path


@pytest.mark.req("P-033")
def test_the_evidence_of_a_collector(bench: Bench) -> None:
    report = bench.load(evidence(bench))
    assert not report.failed
    assert {file.table: file.rows for file in report.files} == {"SigninLogs": 3, "OfficeActivity": 1, "AuditLogs": 1}
    assert {one.path.name for one in report.unknown} == {"AuthenticationMethods.csv", "LogFile.txt"}
    assert all(one.reason for one in report.unknown)
    cover = {one.table: one for one in report.coverage}
    assert cover["SigninLogs"].days == {"2026-03-01": 1, "2026-03-02": 1, "2026-03-05": 1}
    assert cover["SigninLogs"].missing == [("2026-03-03", "2026-03-04")]
    assert cover["OfficeActivity"].missing == [("2026-03-01", "2026-03-02"), ("2026-03-04", "2026-03-05")]
    assert LoadReport.from_dict(report.to_dict()).to_dict() == report.to_dict()
    assert bench.load(bench.folder).rows == 0


def zipped(bench: Bench, name: str, members: dict[str, bytes]) -> Path:
    path = bench.write(name, b"")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in members.items():
            archive.writestr(member, content)
    return path


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (ArchiveLimits(bytes=1_000_000, ratio=10**6), "more than 1,000,000 bytes"),
        (ArchiveLimits(members=2, ratio=10**6), "more than 2 files"),
        (ArchiveLimits(ratio=50), "zip bombs"),
    ],
)
def test_limits_of_archives(bench: Bench, limits: ArchiveLimits, said: str) -> None:
    good = json.dumps([AUDIT]).encode()
    path = zipped(bench, "bomb.zip", {"a.json": good, "zeros": b" " * 40_000_000, "b.json": good})
    report = bench.load(path, limits=limits)
    assert [file.outcome for file in report.files] == [Outcome.FAILED]
    assert said in str(report.files[0].error)
    assert str(report.files[0].error).count(".") >= 1
    assert bench.count("AuditLogs") == 0


def test_archives_within_archives(bench: Bench) -> None:
    content = json.dumps([AUDIT]).encode()
    for _ in range(4):
        held = io.BytesIO()
        with zipfile.ZipFile(held, "w") as archive:
            archive.writestr("in.zip" if content[:2] == b"PK" else "a.json", content)
        content = held.getvalue()
    path = bench.write("deep.zip", content)
    assert "within" in str(bench.load(path, limits=ArchiveLimits(depth=3)).files[0].error)
    assert bench.load(path).rows == 1


def test_members_that_are_refused(bench: Bench) -> None:
    good = json.dumps([AUDIT]).encode()
    path = zipped(
        bench,
        "mixed.zip",
        {"../up.json": good, "/root.json": good, "C:\\x.json": good, "ok.json": good, "rotten.json": good * 50},
    )
    content = bytearray(path.read_bytes())
    place = content.rindex(b"rotten.json", 0, content.index(b"PK\x01\x02"))
    content[place + 20 : place + 40] = b"\xff" * 20
    path.write_bytes(bytes(content))
    report = bench.load(path)
    assert report.rows == 1
    reasons = {Path(file.path).name: str(file.error) for file in report.failed}
    assert set(reasons) == {"up.json", "root.json", "x.json", "rotten.json"}
    assert all("leads out" in reasons[name] for name in ("up.json", "root.json", "x.json"))
    assert "damaged" in reasons["rotten.json"]
    assert not (bench.folder.parent / "up.json").exists()


def test_encrypted_members(bench: Bench) -> None:
    path = zipped(bench, "locked.zip", {"a.json": json.dumps([AUDIT]).encode()})
    content = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + offset] |= 1
    path.write_bytes(bytes(content))
    report = bench.load(path)
    assert "is encrypted" in str(report.failed[0].error)


@pytest.mark.parametrize("members", [{}, {"a.json": json.dumps([AUDIT]).encode()}], ids=["empty", "with a file"])
def test_a_zip_that_is_cut_behind_an_archive_in_it_is_refused(bench: Bench, members: dict[str, bytes]) -> None:
    """The list of the inner archive is the last one that is left, and not that of the whole."""
    inner = zipped(bench, "inner.zip", members).read_bytes()
    path = bench.write("case.zip", b"")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("first.json", json.dumps([sign_in(1)]))
        archive.writestr("inner.zip", inner)
        archive.writestr("last.json", json.dumps([sign_in(2)]))
    assert bench.load(path).rows == 2 + len(members)
    whole = path.read_bytes()
    for behind in (0, 9):
        path.write_bytes(whole[: whole.index(inner) + len(inner) + behind])
        report = bench.load(path)
        assert (report.rows, len(report.files)) == (0, 1)
        assert "its list of files leaves out the first" in str(report.failed[0].error)


def test_a_zip_that_is_cut(bench: Bench) -> None:
    path = evidence(bench)
    path.write_bytes(path.read_bytes()[:-40])
    assert "not a zip file that can be read" in str(bench.load(path).failed[0].error)


def test_a_packed_file_that_is_cut_is_told_by_its_name_in_the_archive(bench: Bench) -> None:
    whole = gzip.compress(json.dumps([sign_in(number) for number in range(50)]).encode())
    path = bench.write("cut.zip", b"")
    with zipfile.ZipFile(path, "w") as archive:
        for name, cut in (("head", 12), ("half", len(whole) // 2), ("tail", len(whole) - 3)):
            archive.writestr(f"logs/{name}.json.gz", whole[:cut])
    report = bench.load(path)
    assert (report.rows, len(report.failed)) == (0, 3)
    for one in report.failed:
        assert one.error is not None
        assert f"{path}/logs/{one.path.name} is not valid gzip" in one.error.message
        assert (one.error.file, "unpacked-" in str(one.error)) == (str(one.path), False)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\x89PNG\r\n", "a picture"), (b"just a text\nof two lines", "neither JSON"), (b"7z\xbc\xaf\x27\x1c00", "7-Zip"),
        (b"\0\1\2\3" * 100, "neither text"), (b"", "nothing in it"),
    ],
)  # fmt: skip
def test_a_file_that_is_named_and_cannot_be_loaded(bench: Bench, content: bytes, said: str) -> None:
    path = bench.write("folder/thing", content)
    with pytest.raises(VedetteError, match=said):
        bench.load(path)
    assert said in bench.load(path.parent.parent).unknown[0].reason


def test_nothing_is_left_on_the_disk(tmp_path: Path) -> None:
    with LogStore(tmp_path / "logs.duckdb", VirtualClock(NOW)) as store:
        bench = Bench(store, tmp_path / "files")
        left = tmp_path / "unpacked-1-x"
        left.mkdir()
        assert bench.load(evidence(bench)).rows == 5
        assert not list(tmp_path.glob("unpacked-*"))


def test_shifting_records(bench: Bench) -> None:
    report = bench.load(bench.write("a.json", [sign_in(1), sign_in(2, 3)]), shift_to=NOW)
    assert report.shifted is not None
    assert bench.ask("SigninLogs | summarize max(TimeGenerated)") == [["2026-06-01T12:00:00.0000000Z"]]
    assert list(report.coverage[0].days) == ["2026-05-30", "2026-06-01"]


def test_rows_without_a_time_are_stamped(bench: Bench) -> None:
    report = bench.load(
        bench.write("a.log", "CEF:0|V|P|1|7|Deny|5|src=203.0.113.3\n" * 2), stamp=datetime(2026, 1, 1, tzinfo=UTC)
    )
    assert (report.rows, report.files[0].stamped) == (2, 2)
    assert bench.ask("CommonSecurityLog | distinct TimeGenerated") == [["2026-01-01T00:00:00.0000000Z"]]


# -- the parser cases of the shared material, through loading


def cases_of(shared: Path, name: str) -> list[dict[str, Any]]:
    file = shared / "data" / "parsers" / name
    content = gzip.decompress(file.read_bytes()) if name.endswith(".gz") else file.read_bytes()
    return [json.loads(line) for line in content.splitlines()]


@pytest.mark.req("P-036", "P-037", "P-038", "P-039", "P-046")
def test_the_records_of_the_parser_cases(bench: Bench, shared: Path) -> None:
    names = [file.name for file in (shared / "data" / "parsers").glob("ecs_*")]
    assert len(names) >= 10
    for number, name in enumerate(sorted(names)):
        cases = cases_of(shared, name)
        report = bench.load(
            bench.write(
                f"in{number}/{name.split('.')[0]}.log", "\n".join(case["raw"].replace("\n", " ") for case in cases)
            )
        )
        wanted = {case["table"] for case in cases if case.get("table")}
        assert (report.bad, report.failed) == (0, []), (name, report.to_dict())
        assert wanted <= {file.table for file in report.files}, name
        told = sum(file.rows + file.repeated for file in report.files if not wanted or file.table in wanted)
        assert told >= len(cases), name


@pytest.mark.req("P-030", "P-049", "P-057")
def test_incidents_and_posture(bench: Bench, shared: Path) -> None:
    bench.load(
        bench.write(
            "a/incidents.json",
            {"value": [json.loads(case["raw"]) for case in cases_of(shared, "ecs_m365_defender__incident.jsonl")]},
        )
    )
    asked = "SecurityIncident | where ProviderIncidentId == '2872395' | project Status, Severity, ProviderName, AlertIds[0], TimeGenerated"
    assert bench.ask(asked) == [
        ["New", "Medium", "Microsoft XDR", "da637551227677560813_-961444813", "2021-09-29T09:35:45.1133333Z"]
    ]
    assert bench.ask("SecurityAlert | where SystemAlertId == 'da637551227677560813_-961444813' | count") == [[1]]
    cloud = cases_of(shared, "ecs_microsoft_defender_cloud__event.jsonl")
    bench.load(bench.write("b/cloud.json", [json.loads(case["raw"]) for case in cloud]))
    assert bench.ask("SecurityRegulatoryCompliance | project State, SkippedResources, ComplianceControl") == [
        ["Skipped", 1, "LT.5"]
    ]
    assert bench.ask("SecureScoreControls | project UnhealthyResources, ControlName") == [[3, "Apply system updates"]]
    assert bench.ask("SecurityRecommendation | project RecommendationSeverity") == [["Low"]]


def test_a_file_that_an_earlier_version_loaded_is_known(bench: Bench) -> None:
    file = bench.write("signins.json", [sign_in(n) for n in range(3)])
    assert bench.load(file).rows == 3
    digest = "b2:" + hashlib.blake2b(file.read_bytes(), digest_size=32).hexdigest()
    for table in ("files", "loads"):
        bench.store._cursor().execute(f"UPDATE store_catalog.{table} SET sha256 = ?", [digest]).fetchall()
    again = bench.load(file).files
    assert [(one.outcome, one.table) for one in again] == [(Outcome.PRESENT, "SigninLogs")]


def test_days_of_files_that_were_loaded_before_are_not_missing(tmp_path: Path) -> None:
    """Of records and of rows with a table's columns, in the table and in the lake, whether all or some files are there already."""
    with LogStore(tmp_path / "logs.duckdb", VirtualClock(NOW)) as store:
        bench = Bench(store, tmp_path / "files")
        bench.write("case/a.json", [sign_in(1, 1), sign_in(2, 1), sign_in(3, 3)])
        rows = [{"TimeGenerated": f"2026-03-0{day}T00:00:00Z", "Level": "x"} for day in (1, 4, 4)]
        folder = bench.write(
            "case/App_CL/b.jsonl", "".join(json.dumps(row) + "\n" for row in rows).encode()
        ).parent.parent
        days = {"SigninLogs": {"2026-03-01": 2, "2026-03-03": 1}, "App_CL": {"2026-03-01": 1, "2026-03-04": 2}}
        first = bench.load(folder)
        assert {one.table: one.days for one in first.coverage} == days
        again = bench.load(folder)
        assert {file.outcome for file in again.files} == {Outcome.PRESENT}
        assert [one.to_dict() for one in again.coverage] == [one.to_dict() for one in first.coverage]

        for table in days:
            for day in old_days(bench.store, table, 10**9)[:1]:
                assert move_day(bench.store, table, day, 5.0)
        bench.write("case/a-copy.json", [sign_in(1, 1), sign_in(2, 1), sign_in(3, 3)])
        bench.write("case/c.json", [sign_in(4, 2)])
        more = {one.table: one for one in bench.load(folder).coverage}
        assert more["SigninLogs"].days == {"2026-03-01": 2, "2026-03-02": 1, "2026-03-03": 1}
        assert more["SigninLogs"].missing == [("2026-03-04", "2026-03-04")]
        assert more["App_CL"].days == days["App_CL"]
        fresh = bench.write("other/d.json", [sign_in(5, 6)])
        bench.write("other/d-copy.json", [sign_in(5, 6)])
        assert [one.days for one in bench.load(fresh.parent).coverage] == [{"2026-03-06": 1}]
