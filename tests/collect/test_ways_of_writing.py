"""The same records as other tools write them: the Azure CLI, Elasticsearch and Beats, Application Insights, Defender's exports."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.collect.test_files import Bench
from tests.collect.test_files import bench as bench

INCIDENT = {
    "title": "Odd sign-ins", "severity": "High", "status": "Closed", "incidentNumber": 41, "labels": [{"labelName": "vip"}],
    "createdTimeUtc": "2026-03-01T08:00:00Z", "lastModifiedTimeUtc": "2026-03-02T09:30:00Z", "owner": {"assignedTo": "Pat"},
    "relatedAnalyticRuleIds": ["/subscriptions/s/x/alertRules/rule-1"],
}  # fmt: skip
ASSESSMENT = {
    "displayName": "Ports should be closed", "resourceDetails": {"source": "Azure", "id": "/subscriptions/s/x/vm1"},
    "status": {"code": "Unhealthy", "cause": "Open", "statusChangeDate": "2026-03-03T10:00:00Z"}, "additionalData": {"ports": "22"},
}  # fmt: skip
AUDIT = {
    "time": "2026-03-01T10:00:00Z", "category": "AuditEvent", "operationName": "SecretGet",
    "resourceId": "/SUBSCRIPTIONS/S/RESOURCEGROUPS/G/PROVIDERS/MICROSOFT.KEYVAULT/VAULTS/V", "properties": {"clientInfo": "az"},
}  # fmt: skip


def as_resource(kind: str, properties: dict[str, Any], *, flat: bool) -> dict[str, Any]:
    around = {"id": f"/subscriptions/s/providers/{kind}/n-1", "name": "n-1", "type": kind}
    return {**around, **properties, "resourceGroup": "g"} if flat else {**around, "etag": "e", "properties": properties}


@pytest.mark.parametrize("flat", [True, False])
def test_resources_as_the_azure_cli_and_the_rest_api_write_them(bench: Bench, flat: bool) -> None:
    incident = as_resource("Microsoft.SecurityInsights/Incidents", INCIDENT, flat=flat)
    assessment = as_resource("Microsoft.Security/assessments", ASSESSMENT, flat=flat)
    assert bench.load(bench.write("a.json", [incident, assessment])).bad == 0
    asked = (
        "SecurityIncident | project IncidentName, Title, Status, IncidentNumber, RelatedAnalyticRuleIds[0], ClosedTime"
    )
    assert bench.ask(asked) == [["n-1", "Odd sign-ins", "Closed", 41, "rule-1", "2026-03-02T09:30:00.0000000Z"]]
    asked = "SecurityRecommendation | project TimeGenerated, RecommendationName, RecommendationState, AssessedResourceId, Properties"
    [[at, name, state, resource, properties]] = bench.ask(asked)
    assert (at, name, state, resource) == ("2026-03-03T10:00:00.0000000Z", "n-1", "Unhealthy", "/subscriptions/s/x/vm1")
    assert properties == ASSESSMENT


@pytest.mark.parametrize(
    "around",
    [
        {"message": json.dumps(AUDIT), "agent": {"type": "filebeat"}},
        {"event": {"original": json.dumps(AUDIT), "dataset": "azure.platformlogs"}, "message": "SecretGet"},
        {"event.original": json.dumps(AUDIT), "host": {"name": "h"}},
    ],
)
def test_records_in_documents_of_elasticsearch(bench: Bench, around: dict[str, Any]) -> None:
    documents = [
        {"@timestamp": "2026-03-04T00:00:00Z", **around},
        {"@timestamp": "2026-03-04T00:00:00Z", "message": "{no"},
    ]
    report = bench.load(bench.write("export.ndjson", "".join(json.dumps(one) + "\n" for one in documents).encode()))
    assert (report.rows, report.bad) == (1, 1)
    assert bench.ask("AzureDiagnostics | project TimeGenerated, OperationName, Resource, clientInfo_s") == [
        ["2026-03-01T10:00:00.0000000Z", "SecretGet", "V", "az"]
    ]


def test_rows_of_application_insights_from_diagnostic_settings(bench: Bench) -> None:
    resource = "/SUBSCRIPTIONS/S/RESOURCEGROUPS/G/PROVIDERS/MICROSOFT.INSIGHTS/COMPONENTS/C"
    rows = [
        {"time": "2026-03-01T10:00:00.1234567Z", "resourceId": resource, "ResourceGUID": "g", "Type": "AppTraces", "Message": "started",
         "AppRoleName": "shop", "SeverityLevel": 1, "Properties": {"HostInstanceId": "h"}, "ItemCount": 1, "SDKVersion": "s"},
        {"time": "2026-03-01T10:00:01Z", "resourceId": resource, "Type": "AppRequests", "Name": "GET /", "Success": True,
         "ResultCode": "200", "DurationMs": 5.5, "Url": "https://shop.example/", "AppRoleName": "shop"},
    ]  # fmt: skip
    assert bench.load(bench.write("PT1H.json", "\n".join(map(json.dumps, rows)).encode())).bad == 0
    assert bench.ask("AppTraces | project TimeGenerated, Message, Properties.HostInstanceId, _ResourceId") == [
        ["2026-03-01T10:00:00.1234567Z", "started", "h", resource.lower()]
    ]
    assert bench.ask("AppRequests | project TimeGenerated, Name, DurationMs") == [
        ["2026-03-01T10:00:01.0000000Z", "GET /", 5.5]
    ]


def test_assessments_of_devices(bench: Bench) -> None:
    configuration = {
        "deviceId": "d1", "deviceName": "srv.contoso.example", "osPlatform": "Windows11", "timestamp": "2026-03-01T10:00:00.5Z",
        "configurationId": "scid-7", "configurationCategory": "Network", "configurationSubcategory": "", "configurationImpact": 5,
        "isCompliant": False, "isApplicable": True, "isExpectedUserImpact": False, "rbacGroupName": "servers",
    }  # fmt: skip
    gathered = {
        "DeviceId": "d2", "DeviceName": "pc", "OsPlatform": "Linux", "Timestamp": "2026-03-01 11:00:00",
        "LastSeenTime": "2026-03-01 10:30:00", "DeviceGatheredInfo": '{"AvMode": "0"}', "RbacGroupId": 0,
    }  # fmt: skip
    report = bench.load(bench.write("a.json", [configuration, {**configuration, "timestamp": "soon"}, gathered]))
    assert (report.rows, report.bad) == (2, 1)
    asked = "DeviceTvmSecureConfigurationAssessment | project TimeGenerated, DeviceId, OSPlatform, ConfigurationImpact, IsCompliant"
    assert bench.ask(asked) == [["2026-03-01T10:00:00.5000000Z", "d1", "Windows11", 5, False]]
    asked = "DeviceTvmInfoGathering | project TimeGenerated, DeviceId, AdditionalFields.AvMode, LastSeenTime"
    assert bench.ask(asked) == [["2026-03-01T11:00:00.0000000Z", "d2", "0", "2026-03-01T10:30:00.0000000Z"]]


def test_sign_ins_with_columns_and_no_time_of_the_table(bench: Bench) -> None:
    row = {
        "Category": "ServicePrincipalSignInLogs", "CorrelationId": "c", "CreatedDateTime": "2026-03-01T10:00:00Z", "DurationMs": 3,
        "OperationName": "Sign-in activity", "TenantId": "t-1", "AppId": "a", "Location": "DE",
    }  # fmt: skip
    assert bench.load(bench.write("a.json", [row])).bad == 0
    asked = "AADServicePrincipalSignInLogs | project TimeGenerated, CreatedDateTime, AppId, Location, CorrelationId, DurationMs"
    assert bench.ask(asked) == [
        ["2026-03-01T10:00:00.0000000Z", "2026-03-01T10:00:00.0000000Z", "a", "DE", "c", 3]
    ]  # fmt: skip


FUNCTION = (
    '{"time": "2026-03-01T13:35:20Z", "resourceId": "/SUBSCRIPTIONS/S/RESOURCEGROUPS/G/PROVIDERS/MICROSOFT.WEB/SITES/A", '
    '"category": "FunctionAppLogs", "properties": %s, "location": "West Europe"}'
)


@pytest.mark.parametrize("beside", [True, False])
def test_functions_with_apostrophes_for_quotation_marks(bench: Bench, beside: bool) -> None:
    lines = [FUNCTION % """{'appName':'a','message':'It\\'s "done"','levelId':2,'exceptionType':null}"""]
    if beside:
        lines.append(FUNCTION % '{"appName": "b", "message": "it\'s well"}')
    lines.append(FUNCTION % "{'appName':'c")
    report = bench.load(bench.write("a.json", "\n".join(lines).encode()))
    assert (report.rows, report.bad) == (1 + beside, 1)
    asked = "FunctionAppLogs | project TimeGenerated, AppName, Message, LevelId | order by AppName asc"
    expected = [
        ["2026-03-01T13:35:20.0000000Z", "a", 'It\'s "done"', 2],
        ["2026-03-01T13:35:20.0000000Z", "b", "it's well", None],
    ]
    assert bench.ask(asked) == expected[: 1 + beside]
