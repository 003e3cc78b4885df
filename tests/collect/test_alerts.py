from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from vedette.collect.files.kinds import kind_of
from vedette.collect.formats import defender_alerts, office365
from vedette.collect.formats.columns import Record, Unreadable
from vedette.collect.formats.timestamps import Moments
from vedette.store.catalog import schema

MOMENTS = Moments(datetime(2026, 3, 6, 18, tzinfo=UTC))


def lines(shared: Path, name: str) -> list[Any]:
    return [
        json.loads(json.loads(line)["raw"]) for line in (shared / "data/parsers" / name).read_text("utf-8").splitlines()
    ]


def known(record: Record) -> None:
    assert record.row.keys() <= {field.name for field in schema(record.table) or ()}, record


def rows(record: object) -> list[Record]:
    read = defender_alerts.read(record, MOMENTS)
    assert not isinstance(read, Unreadable), read.reason
    for one in read:
        known(one)
    return read


@pytest.mark.req("P-030", "P-049", "P-050")
def test_graph_alerts(shared: Path) -> None:
    (alert,) = lines(shared, "ecs_m365_defender__alert.jsonl")
    security, info, *evidence = rows(alert)
    expected = {
        "DisplayName": "Suspicious PowerShell command line", "AlertSeverity": "Medium", "Status": "New", "ProviderName": "MDATP",
        "Tactics": "Execution", "SystemAlertId": alert["id"], "StartTime": "2023-10-20T09:51:39.5154802Z",
        "Techniques": '["T1059"]', "SubTechniques": '["T1059.001"]', "CompromisedEntity": "clw555test",
    }  # fmt: skip
    assert security.table == "SecurityAlert"
    assert {name: security.row.get(name) for name in expected} == expected
    assert (info.table, info.row["Title"], info.row["ServiceSource"]) == (
        "AlertInfo", alert["title"], "Microsoft Defender for Endpoint",
    )  # fmt: skip
    assert len(evidence) == len(alert["evidence"])
    assert evidence[0].row["EntityType"] == "Machine"
    assert evidence[0].row["DeviceName"] == "clw555test"
    assert {one.row["AlertId"] for one in evidence} == {alert["id"]}


@pytest.mark.req("P-030", "P-055", "P-057")
def test_alerts_of_every_kind(shared: Path) -> None:
    for alert in lines(shared, "ecs_microsoft_defender_endpoint__log.jsonl"):
        (security,) = rows(alert)
        assert security.row["DisplayName"] == alert["title"]
        assert security.row["AlertSeverity"] == alert["severity"]
        assert security.row["CompromisedEntity"] == alert["computerDnsName"]
    cloud = [defender_alerts.read(one, MOMENTS) for one in lines(shared, "ecs_microsoft_defender_cloud__event.jsonl")]
    read = [one for one in cloud if not isinstance(one, Unreadable)]
    assert len(read) == 1  # the others are assessments and scores, no alerts
    assert read[0][0].row["DisplayName"] == "[SAMPLE ALERT] Login from a suspicious IP"
    assert read[0][0].row["AlertSeverity"] == "Medium"
    assert json.loads(read[0][0].row["Entities"])
    for one in json.loads((shared / "contracts/graph_alerts_v2_list.json").read_text("utf-8"))["value"]:
        kinds = [record.row["EntityType"] for record in rows(one) if record.table == "AlertEvidence"]
        assert len(kinds) == len(one["evidence"])


def test_resources_of_sentinel() -> None:
    around = {
        "id": "/subscriptions/s/x",
        "name": "n-1",
        "etag": "e",
        "type": "Microsoft.SecurityInsights/Entities",
        "kind": "SecurityAlert",
    }
    alert = around | {
        "properties": {
            "systemAlertId": "n-1", "alertDisplayName": "Odd", "severity": "Low", "status": "New", "productName": "Azure Sentinel",
            "tactics": ["Persistence", "Impact"], "timeGenerated": "2026-03-05T18:00:00Z", "additionalData": {"Query": "T"},
        }
    }  # fmt: skip
    found = kind_of(alert)
    assert found is not None
    assert found.label == "Defender alerts"
    row = rows(alert)[0].row
    assert (row["Tactics"], row["ProviderName"]) == ("Persistence, Impact", "ASI Scheduled Alerts")
    assert json.loads(row["ExtendedProperties"]) == {"Query": "T"}
    incident = around | {
        "type": "Microsoft.SecurityInsights/Incidents",
        "properties": {
            "title": "Odd", "incidentNumber": 12, "severity": "High", "status": "Closed", "createdTimeUtc": "2026-03-05T17:00:00Z",
            "lastModifiedTimeUtc": "2026-03-05T18:00:00Z", "owner": {"assignedTo": "Sam"}, "labels": [],
            "relatedAnalyticRuleIds": ["/subscriptions/s/alertRules/r-1"],
        },
    }  # fmt: skip
    found = kind_of(incident)
    assert found is not None
    made = found.read(incident, MOMENTS, "incidents.json")
    assert not isinstance(made, Unreadable)
    known(made[0])
    expected = {
        "IncidentName": "n-1", "IncidentNumber": 12, "Status": "Closed", "ClosedTime": "2026-03-05T18:00:00Z",
        "CreatedTime": "2026-03-05T17:00:00Z", "Owner": {"assignedTo": "Sam"}, "RelatedAnalyticRuleIds": ["r-1"],
    }  # fmt: skip
    assert {name: made[0].row[name] for name in expected} == expected
    assert isinstance(found.read(around | {"type": incident["type"], "properties": {}}, MOMENTS, ""), Unreadable)


def test_what_a_cut_down_audit_record_lacks_is_around_it() -> None:
    around = {
        "CreationDate": "2026-03-05T10:00:00",
        "UserIds": "pat@c",
        "Operations": "FileDownloaded",
        "RecordType": "6",
        "Identity": "i-1",
    }
    read = office365.read(around | {"AuditData": '{"ObjectId": "https://c/x", "UserId": "sam@c"}'}, MOMENTS)
    assert isinstance(read, Record)
    expected = {
        "TimeGenerated": "2026-03-05T10:00:00Z", "Operation": "FileDownloaded", "UserId": "sam@c", "OfficeObjectId": "https://c/x",
        "RecordType": "SharePointFileOperation", "OfficeId": "i-1",
    }  # fmt: skip
    assert {name: read.row.get(name) for name in expected} == expected


@pytest.mark.parametrize(
    "record",
    [
        {"type": "Microsoft.Security/assessments", "properties": {"displayName": "Ports", "status": {"code": "Unhealthy"}}},
        {"AssessmentEventDataEnrichment": {"Action": "Write"}, "Type": "Microsoft.Security/assessments",
         "Properties": {"DisplayName": "Ports", "Status": {"Code": "Unhealthy"}}},
    ],
)  # fmt: skip
def test_assessments_of_the_api_and_of_the_export(record: dict[str, Any]) -> None:
    whole = {"Id" if "Type" in record else "id": "/subscriptions/s/providers/Microsoft.Security/assessments/a"} | record
    found = kind_of(whole)
    assert found is not None
    made = found.read(whole, MOMENTS, "")
    assert not isinstance(made, Unreadable)
    known(made[0])
    assert (made[0].table, made[0].row["RecommendationDisplayName"]) == ("SecurityRecommendation", "Ports")
    assert made[0].row["RecommendationState"] == "Unhealthy"


def test_an_object_that_is_no_alert() -> None:
    read = defender_alerts.read({"a": 1}, MOMENTS)
    assert read == Unreadable('{"a":1}', "the record has not the form of an alert that is known")


@pytest.mark.req("P-049", "P-057")
@pytest.mark.parametrize("apart", [False, True])
def test_incidents_of_the_api_before_graph(apart: bool) -> None:
    alert = {
        "alertId": "da7", "title": "Odd script", "category": "Execution", "severity": "Medium", "status": "New", "incidentId": 31,
        "serviceSource": "MicrosoftDefenderATP", "detectionSource": "WindowsDefenderAtp", "creationTime": "2026-03-05T10:02:00.5Z",
        "firstActivity": "2026-03-05T10:00:00Z", "lastActivity": "2026-03-05T10:01:00Z", "mitreTechniques": ["T1059.001"],
        "devices": [{"mdatpDeviceId": "dev-1", "deviceDnsName": "pc1.contoso.example"}],
        "entities": [
            {"entityType": "Process", "fileName": "ps.exe", "processCommandLine": "ps -enc", "deviceId": "dev-1"},
            {"entityType": "Ip", "ipAddress": "203.0.113.7"},
        ],
    }  # fmt: skip
    incident = {
        "incidentId": 31, "incidentName": "Odd script on one host", "createdTime": "2026-03-05T10:02:00Z", "severity": "Medium",
        "lastUpdateTime": "2026-03-05T11:00:00Z", "status": "Active", "classification": "Unknown", "assignedTo": None, "tags": ["red"],
        "alerts": alert if apart else [alert],
    }  # fmt: skip
    kind = kind_of(incident)
    assert kind is not None
    made = kind.read(incident, MOMENTS, "x.json")
    assert not isinstance(made, Unreadable)
    for one in made:
        known(one)
    first, security, info, device, process, address = [one.row for one in made]
    assert (first["ProviderIncidentId"], first["Title"], first["Status"], first["AlertIds"]) == (
        "31",
        incident["incidentName"],
        "New",
        ["da7"],
    )
    expected = {
        "SystemAlertId": "da7", "ProviderName": "MDATP", "CompromisedEntity": "pc1.contoso.example", "SubTechniques": '["T1059.001"]',
        "TimeGenerated": "2026-03-05T10:02:00.5Z", "StartTime": "2026-03-05T10:00:00Z", "AlertSeverity": "Medium",
    }  # fmt: skip
    assert {name: security.get(name) for name in expected} == expected
    assert (info["ServiceSource"], info["Category"]) == ("Microsoft Defender for Endpoint", "Execution")
    assert (device["EntityType"], device["DeviceId"], device["Categories"]) == ("Machine", "dev-1", '["Execution"]')
    assert (process["FileName"], process["ProcessCommandLine"], process["DeviceName"]) == (
        "ps.exe",
        "ps -enc",
        "pc1.contoso.example",
    )
    assert (address["RemoteIP"], address["AlertId"], "DeviceName" in address) == ("203.0.113.7", "da7", False)


def test_an_incident_without_a_time_is_kept_whole() -> None:
    kind = kind_of({"incidentId": 1, "incidentName": "x", "lastUpdateTime": "soon"})
    assert kind is not None
    made = kind.read({"incidentId": 1, "incidentName": "x", "lastUpdateTime": "soon"}, MOMENTS, "x.json")
    assert isinstance(made, Unreadable)
    assert json.loads(made.raw)["lastUpdateTime"] == "soon"


AUDIT = {
    "CreationTime": "2026-03-06T12:00:00", "Id": "g", "Operation": "New-InboxRule", "OrganizationId": "o", "RecordType": 1,
    "ResultStatus": "True", "UserKey": "k", "UserType": 2, "Version": 1, "Workload": "Exchange", "ClientIP": "203.0.113.4:5050",
    "ObjectId": "box\\rule", "UserId": "a@contoso.example", "LogonType": 1, "ExternalAccess": False,
    "Parameters": [{"Name": "ForwardTo", "Value": "x@evil.example"}], "ClientIPAddress": "203.0.113.4", "NewThing": 5,
}  # fmt: skip


@pytest.mark.req("P-036", "P-038", "P-046")
@pytest.mark.parametrize("wrapped", [False, True])
def test_unified_audit_log(wrapped: bool) -> None:
    record = {"RecordType": "ExchangeAdmin", "AuditData": json.dumps(AUDIT)} if wrapped else AUDIT
    assert office365.is_audit_record(record)
    read = office365.read(record, MOMENTS)
    assert isinstance(read, Record)
    assert read.table == "OfficeActivity"
    expected = {
        "TimeGenerated": "2026-03-06T12:00:00Z", "Operation": "New-InboxRule", "RecordType": "ExchangeAdmin", "UserType": "Admin",
        "OfficeWorkload": "Exchange", "OfficeObjectId": "box\\rule", "OfficeId": "g", "Logon_Type": "Admin", "UserDomain": "contoso.example",
        "ExternalAccess": "false", "Parameters": '[{"Name":"ForwardTo","Value":"x@evil.example"}]', "Client_IPAddress": "203.0.113.4",
        "NewThing": 5,
    }  # fmt: skip
    assert {name: read.row.get(name) for name in expected} == expected


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ([], "the record is not a JSON object"),
        ({"AuditData": "{"}, "its AuditData is not JSON"),
        ({"CreationTime": "2026-03-06T12:00:00"}, "the record has no Operation"),
        ({"Operation": "x", "CreationTime": "soon"}, "the record has no CreationTime that can be read"),
    ],
)
def test_what_is_no_audit_record(record: object, reason: str) -> None:
    read = office365.read(record, MOMENTS)
    assert isinstance(read, Unreadable)
    assert read.reason == reason
