"""Diagnostic settings' records against the rows that the shared material expects."""

from __future__ import annotations

import gzip
import json
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from vedette.collect.files.moments import FileMoments
from vedette.collect.formats import azure_diagnostics
from vedette.collect.formats.columns import Record, Unreadable
from vedette.collect.formats.timestamps import Moments

NOW = datetime(2026, 3, 6, 18, tzinfo=UTC)
REVIEWED = tomllib.loads((Path(__file__).with_name("reviewed.toml")).read_text("utf-8"))["azure"]


def same(found: object, expected: object) -> bool:
    if found == expected or (
        isinstance(found, dict | list) and isinstance(expected, str) and found == json.loads(expected)
    ):
        return True
    if isinstance(found, str) and isinstance(expected, str):
        moments = Moments(NOW)
        times = [moments.read(one) for one in (found, expected)]
        return (
            times[0] is not None and times[1] is not None and times[0][:23].rstrip("Z0") == times[1][:23].rstrip("Z0")
        )
    if (isinstance(found, str) and isinstance(expected, int | float)) or isinstance(expected, str):
        return str(found).casefold() == str(expected).casefold()
    return False


@pytest.mark.req("P-036", "P-037", "P-038", "P-039", "P-046")
def test_records_become_the_expected_rows(shared: Path) -> None:
    compared, wrong = 0, []
    files = [
        *sorted((shared / "data" / "parsers").glob("ecs_azure__*")),
        shared / "data/parsers/ecs_m365_defender__event.jsonl.gz",
    ]
    for file in files:
        content = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
        for line in content.splitlines():
            case: dict[str, Any] = json.loads(line)
            for raw in azure_diagnostics.records(json.loads(case["raw"])):
                assert azure_diagnostics.is_diagnostic(raw)
                read = azure_diagnostics.read(raw, Moments(NOW))
                assert isinstance(read, Record), read
                assert read.table == case["table"], case["raw"][:200]
                for name, value in case["row"].items():
                    compared += 1
                    if any(name in one["fields"] and read.table in one["tables"] for one in REVIEWED):
                        continue
                    if not same(read.row.get(name), value):
                        wrong.append((file.name, read.table, name, read.row.get(name), value))
    assert not wrong, f"{len(wrong)} of {compared}: " + "\n".join(map(str, wrong[:60]))
    assert compared > 3000


STORAGE = {
    "time": "2026-03-06T12:00:00.1234567Z", "category": "StorageRead", "operationName": "GetBlob", "statusCode": 200,
    "statusText": "Success", "durationMs": 5, "callerIpAddress": "203.0.113.4:5050", "schemaVersion": "1.0",
    "resourceId": "/subscriptions/s/resourceGroups/G/providers/Microsoft.Storage/storageAccounts/acc/blobServices/default",
    "uri": "https://acc.blob.core.windows.net/c/x.txt", "protocol": "HTTPS", "location": "westeurope",
    "identity": {"type": "OAuth", "tokenHash": "h", "requester": {"objectId": "o", "upn": "a@b.example", "appId": "p"}},
    "properties": {"accountName": "acc", "userAgentHeader": "azcopy", "objectKey": "/acc/c/x.txt", "responseBodySize": 12,
                   "tlsVersion": "TLS 1.2", "serviceType": "blob"},
}  # fmt: skip


def test_storage() -> None:
    read = azure_diagnostics.read(STORAGE, Moments(NOW))
    assert isinstance(read, Record)
    expected = {
        "TimeGenerated": "2026-03-06T12:00:00.1234567Z", "OperationName": "GetBlob", "StatusCode": "200", "AccountName": "acc",
        "RequesterObjectId": "o", "RequesterUpn": "a@b.example", "AuthenticationType": "OAuth", "AuthenticationHash": "h",
        "UserAgentHeader": "azcopy", "ResponseBodySize": 12, "Uri": STORAGE["uri"], "CallerIpAddress": "203.0.113.4:5050",
        "Category": "StorageRead", "TlsVersion": "TLS 1.2", "ObjectKey": "/acc/c/x.txt",
    }  # fmt: skip
    assert read.table == "StorageBlobLogs"
    assert {name: read.row.get(name) for name in expected} == expected
    files = azure_diagnostics.read(STORAGE | {"resourceId": "/x/fileServices/default"}, Moments(NOW))
    assert isinstance(files, Record)
    assert files.table == "StorageFileLogs"


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (["x"], "the record is not a JSON object"),
        ({"time": "2026-03-06T12:00:00Z"}, "the record has no category"),
        ({"category": "AdvancedHunting-Nothing"}, "Defender XDR has no table 'Nothing' that is known"),
        ({"category": "StorageRead", "resourceId": "/x"}, "the record's resourceId does not name a storage service"),
        ({"Category": "StorageRead", "ResourceId": "/x"}, "the record's resourceId does not name a storage service"),
    ],
)
def test_what_cannot_be_read_is_kept_whole_with_the_reason(record: object, reason: str) -> None:
    read = azure_diagnostics.read(record, Moments(NOW))
    assert isinstance(read, Unreadable)
    assert read.reason == reason
    assert json.loads(read.raw) == record


@pytest.mark.parametrize(
    ("record", "table", "expected"),
    [
        ({"time": "3/5/2026 11:00:00 AM +01:00", "category": "AuditLogs"}, "AuditLogs", {"TimeGenerated": "2026-03-05T10:00:00Z"}),
        ({"EventTimeString": "3/5/2026 10:00:00 AM +00:00", "category": "OperationalLogs", "resourceId": "/x"}, "AzureDiagnostics",
         {"TimeGenerated": "2026-03-05T10:00:00Z"}),
        ({"category": "AzureADGraphActivityLogs", "operationName": "Activity", "properties": {
            "timeGenerated": "2026-03-05T10:00:00.5Z", "httpMethod": "GET", "httpStatusCode": 200, "issuedAt": "3/5/2026 9:00:00 AM",
            "tenantId": "t-1", "requestUri": "/v2/x", "callerIpAddress": "203.0.113.7"}}, "AADGraphActivityLogs",
         {"TimeGenerated": "2026-03-05T10:00:00.5Z", "RequestMethod": "GET", "ResponseStatusCode": 200, "AADTenantId": "t-1",
          "TokenIssuedAt": "3/5/2026 9:00:00 AM", "CallerIpAddress": "203.0.113.7"}),
        ({"time": "2026-03-05T10:00:00Z", "category": "ServiceHealth", "properties": {"title": "x"}}, "AzureActivity",
         {"CategoryValue": "ServiceHealth", "Properties": '{"title":"x"}'}),
        ({"time": "2026-03-05T10:00:00Z", "category": "Security", "operationName": "x"}, "AzureDiagnostics", {"Category": "Security"}),
    ],
)  # fmt: skip
def test_what_records_need_not_have(record: dict[str, Any], table: str, expected: dict[str, Any]) -> None:
    assert azure_diagnostics.is_diagnostic(record)
    for moments in (Moments(NOW), FileMoments(NOW)):
        read = azure_diagnostics.read(record, moments)
        assert isinstance(read, Record)
        assert (read.table, {name: read.row.get(name) for name in expected}) == (table, expected)


@pytest.mark.parametrize(
    ("record", "table", "expected"),
    [
        ({"timeStamp": "2026-03-05T10:00:00+00:00", "category": "ApplicationGatewayFirewallLog", "properties": {"clientIp": "203.0.113.9"}},
         "AzureDiagnostics", {"clientIp_s": "203.0.113.9"}),
        ({"Time": "2026-03-05T10:00:00Z", "category": "SignInLogs", "properties": {"id": "i"}}, "SigninLogs", {"Id": "i"}),
        ({"TimeGenerated": "2026-03-05T10:00:00Z", "category": "AuditEvent", "operationName": "SecretGet"},
         "AzureDiagnostics", {"OperationName": "SecretGet"}),
        ({"EventTime": "2026-03-05T10:00:00Z", "category": "OperationalLogs", "EventName": "x"}, "AzureDiagnostics", {"EventName_s": "x"}),
        ({"time": "2026-03-05T10:00:00Z", "Category": "AppServiceHTTPLogs", "CsMethod": "GET", "ScStatus": 200},
         "AppServiceHTTPLogs", {"CsMethod": "GET", "ScStatus": 200}),
        ({"time": "03/05/2026 10:00:00", "category": "FunctionAppLogs", "level": "Informational", "properties":
          "{'message':'It\\'s \"done\"\\nnow','functionName':'timer','levelId':2,'category':'Function.timer.User','exceptionType':null}"},
         "FunctionAppLogs", {"Message": 'It\'s "done"\nnow', "FunctionName": "timer", "LevelId": 2, "Category": "Function.timer.User"}),
        ({"EventTime": "2026-03-05T10:00:00Z", "category": "AppServiceHTTPLogs", "properties": '{"CIp": "203.0.113.7"}'},
         "AppServiceHTTPLogs", {"CIp": "203.0.113.7"}),
    ],
)  # fmt: skip
def test_records_as_services_spell_them(record: dict[str, Any], table: str, expected: dict[str, Any]) -> None:
    name = "ResourceId" if "Category" in record else "resourceId"
    record = record | {name: "/SUBSCRIPTIONS/S/RESOURCEGROUPS/G/PROVIDERS/MICROSOFT.X/THINGS/T"}
    assert azure_diagnostics.is_diagnostic(record)
    read = azure_diagnostics.read(record, Moments(NOW))
    assert isinstance(read, Record)
    assert read.table == table
    if table != "SigninLogs":  # the resource of Entra is the tenant
        expected = expected | {"_ResourceId": "/subscriptions/s/resourcegroups/g/providers/microsoft.x/things/t"}
    assert {name: read.row.get(name) for name in expected} == expected
    assert read.row["TimeGenerated"] == "2026-03-05T10:00:00Z"


@pytest.mark.parametrize(
    ("record", "table", "expected", "absent"),
    [
        ({"category": "AuditLogs", "tenantId": "t-1", "identity": "pat@contoso.example", "resultType": "Success",
          "properties": {"AuditEventId": "e", "ActivityType": 0, "TargetObjectIds": ["o"]}}, "IntuneAuditLogs",
         {"AADTenantId": "t-1", "Identity": "pat@contoso.example", "ResultType": "Success",
          "Properties": '{"AuditEventId":"e","ActivityType":0,"TargetObjectIds":["o"]}'}, {"Result", "AuditEventId"}),
        ({"category": "AuditLogs", "tenantId": "t-1", "properties": {"activityDisplayName": "Update user"}}, "AuditLogs",
         {"AADTenantId": "t-1", "ActivityDisplayName": "Update user"}, set()),
        ({"category": "OperationalLogs", "tenantId": "t-1", "operationName": "Enrollment", "resultType": "Failure",
          "properties": {"OS": "iOS"}}, "IntuneOperationalLogs",
         {"OperationName": "Enrollment", "Result": "Failure", "Properties": '{"OS":"iOS"}'}, {"ResultType", "OS"}),
        ({"category": "OperationalLogs", "tenantId": "t-1", "resourceId": "/subscriptions/s/providers/Microsoft.EventHub/namespaces/n"},
         "AzureDiagnostics", {"ResourceProvider": "MICROSOFT.EVENTHUB"}, set()),
        ({"category": "Devices", "tenantId": "t-1", "resultType": "None", "properties": {
            "DeviceId": "d", "DeviceName": "PC-7", "StorageFree": 12, "GraphDeviceIsManaged": True}}, "IntuneDevices",
         {"DeviceId": "d", "DeviceName": "PC-7", "StorageFree": 12, "GraphDeviceIsManaged": True, "Result": "None"}, {"Properties"}),
        ({"category": "DeviceComplianceOrg", "tenantId": "t-1", "properties": {"ComplianceState": "Compliant", "OS": "Windows"}},
         "IntuneDeviceComplianceOrg", {"ComplianceState": "Compliant", "OS": "Windows"}, set()),
        ({"category": "RemoteNetworkHealthLogs", "tenantId": "t-1", "properties": {"status": "bgpConnected", "sentBytes": 7}},
         "RemoteNetworkHealthLogs", {"Status": "bgpConnected", "SentBytes": 7}, set()),
        ({"category": "ApplicationConsole", "resourceId": "/SUBSCRIPTIONS/S/PROVIDERS/MICROSOFT.APPPLATFORM/SPRING/P",
          "properties": {"AppName": "shop", "Log": "started", "Stream": "stdout"}}, "AppPlatformLogsforSpring",
         {"AppName": "shop", "Log": "started", "_ResourceId": "/subscriptions/s/providers/microsoft.appplatform/spring/p"}, set()),
        ({"category": "SystemLogs", "resourceId": "/SUBSCRIPTIONS/S/PROVIDERS/MICROSOFT.X/THINGS/T"}, "AzureDiagnostics", {}, set()),
        ({"category": "AccountLogon", "resourceId": "/subscriptions/s/resourceGroups/g/providers/Microsoft.AAD/domainServices/d.example",
          "properties": {"clientUserName": "pat"}}, "AADDomainServicesAccountLogon", {"ClientUserName": "pat"}, set()),
        ({"metricName": "CpuPercentage", "timeGrain": "PT1M", "count": 4, "total": 10, "average": 2.5, "minimum": 1, "maximum": 4,
          "resourceId": "/SUBSCRIPTIONS/S/RESOURCEGROUPS/G/PROVIDERS/MICROSOFT.X/THINGS/T"}, "AzureMetrics",
         {"MetricName": "CpuPercentage", "TimeGrain": "PT1M", "Count": 4, "Total": 10, "Average": 2.5, "Resource": "T",
          "ResourceProvider": "MICROSOFT.X", "_ResourceId": "/subscriptions/s/resourcegroups/g/providers/microsoft.x/things/t"},
         {"metricName", "time"}),
        ({"category": "ContainerAppConsoleLogs", "properties": {"ContainerAppName": "shop", "Log": "x"}}, "ContainerAppConsoleLogs",
         {"ContainerAppName": "shop"}, set()),
    ],
)  # fmt: skip
def test_categories_with_tables_of_their_own(
    record: dict[str, Any], table: str, expected: dict[str, Any], absent: set[str]
) -> None:
    record = {"time": "2026-03-05T10:00:00Z", **record}
    assert azure_diagnostics.is_diagnostic(record)
    read = azure_diagnostics.read(record, Moments(NOW))
    assert isinstance(read, Record)
    assert (read.table, {name: read.row.get(name) for name in expected}) == (table, expected)
    assert read.row["TimeGenerated"] == "2026-03-05T10:00:00Z"
    assert absent.isdisjoint(read.row)


def test_documents() -> None:
    one = {"category": "AuditLogs", "time": "x"}
    assert list(azure_diagnostics.records({"records": [one, one]})) == [one, one]
    assert list(azure_diagnostics.records([{"records": [one]}, one])) == [one, one]
    assert list(azure_diagnostics.records(one)) == [one]
    assert not azure_diagnostics.is_diagnostic({"category": "Malware", "id": "x"})
