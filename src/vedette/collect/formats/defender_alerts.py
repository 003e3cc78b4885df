"""Alerts of Microsoft Graph (`alerts_v2`), Defender for Endpoint's API and Defender for Cloud as rows of SecurityAlert, and those of
Graph also of AlertInfo and AlertEvidence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from vedette.collect.formats.columns import Record, Unreadable, columns, text
from vedette.collect.formats.defender_facts import CLOUD, ENDPOINT, EVIDENCE, GRAPH, SERVICES, STATUS
from vedette.collect.formats.shapes import camel, lowered, moment, parsed
from vedette.collect.formats.timestamps import Moments

_TYPE: Final = "#microsoft.graph.security."
_SAID: Final = frozenset(GRAPH) | {"@odata.type", "evidence", "mitreTechniques", "status", "severity", "serviceSource"}
"""Properties of an alert of Graph's with a column of their own; the others go into ExtendedProperties, whatever they are."""


_RESOURCE: Final = frozenset({"id", "name", "type", "kind", "etag", "systemData", "location", "properties"})
"""What an alert of Azure Resource Manager has around its properties."""
_CLOUD_SAID: Final = frozenset({"status", "severity", "resourceIdentifiers", "additionalData", "tactics"})


def is_alert(record: Mapping[str, Any]) -> bool:
    """Whether the names of a record are those of an alert that `read` knows."""
    if "alert_display_name" in record:
        record = camel(record)
    names = {name[:1].lower() + name[1:] for name in record}
    return (
        {"serviceSource", "createdDateTime", "alertWebUrl"} <= names
        or {"serviceSource", "createdDateTime", "severity", "title"} <= names
        or {"alertCreationTime", "severity", "title"} <= names
        or ("alertDisplayName" in names and ("systemAlertId" in names or "alertType" in names))
        or is_v1(names)
    )


def is_v1(names: set[str]) -> bool:
    """Whether these names are those of an alert of Graph's first form."""
    return {"title", "category", "severity", "status", "createdDateTime"} <= names and bool(
        names & {"vendorInformation", "vendor", "provider", "azureTenantId"}
    )


def read(record: object, moments: Moments) -> list[Record] | Unreadable:
    """The rows of an alert, or the record with the reason why it is none."""
    if not isinstance(record, Mapping):
        return Unreadable(text(record), "the record is not a JSON object")
    if "alert_display_name" in record:  # Azure's SDK for Python
        record = camel(record)
    if "serviceSource" in record and "createdDateTime" in record:
        return _graph(record, moments)
    if "alertCreationTime" in record:
        return [_endpoint(record, moments)]
    if is_v1({name[:1].lower() + name[1:] for name in record}):
        return [_v1(lowered(parsed(record)), moments)]
    inner = record.get("properties") if isinstance(record.get("properties"), Mapping) else record
    assert isinstance(inner, Mapping)
    fields = {name[:1].lower() + name[1:]: value for name, value in inner.items()}
    if "alertDisplayName" in fields and ("systemAlertId" in fields or "alertType" in fields):
        around = {name: value for name, value in record.items() if name not in _RESOURCE} if inner is not record else {}
        return [_cloud({**around, **fields}, moments)]
    return Unreadable(text(record), "the record has not the form of an alert that is known")


def _put(row: dict[str, Any], record: Mapping[str, Any], facts: Mapping[str, str], moments: Moments) -> None:
    known = columns("SecurityAlert")
    for name, column in facts.items():
        value = record.get(name)
        if value is not None and value != "":
            is_time = column.endswith("Time") or column == "TimeGenerated"
            row[column] = (moments.read(value) if is_time and isinstance(value, str) else None) or known.typed(
                column, value
            )


def _finish(row: dict[str, Any], status: object, severity: object, moments: Moments) -> Record:
    row.setdefault("TimeGenerated", row.get("ProcessingEndTime") or moments.now_text)
    row.setdefault("AlertName", row.get("DisplayName"))
    row.setdefault("VendorName", "Microsoft")
    row["SourceSystem"] = "Detection"
    row["Status"] = STATUS.get(str(status or "").lower(), "Unknown")
    if severity:
        word = str(severity)
        row["AlertSeverity"] = word[:1].upper() + word[1:]
    return Record("SecurityAlert", row)


def _graph(record: Mapping[str, Any], moments: Moments) -> list[Record]:
    service = str(record["serviceSource"])
    provider, product, shown = SERVICES.get(
        service, (service, record.get("productName") or service, record.get("productName") or service)
    )
    row: dict[str, Any] = {"ProviderName": provider, "ProductName": product}
    _put(row, record, GRAPH, moments)
    techniques = [one for one in record.get("mitreTechniques") or [] if isinstance(one, str)]
    if techniques:
        row["Techniques"] = text(list(dict.fromkeys(one.partition(".")[0] for one in techniques)))
        if below := [one for one in techniques if "." in one]:
            row["SubTechniques"] = text(below)
    evidence = [one for one in record.get("evidence") or [] if isinstance(one, Mapping)]
    if evidence:
        row["Entities"] = text(evidence)
    device = next((one.get("deviceDnsName") for one in evidence if one.get("deviceDnsName")), None)
    if device:
        row["CompromisedEntity"] = device
    extra = {
        name: value
        for name, value in record.items()
        if name not in _SAID and value is not None and value not in ("", [])
    }
    if extra:
        row["ExtendedProperties"] = text(extra)
    made = [_finish(row, record.get("status"), record.get("severity"), moments)]
    about: dict[str, Any] = {
        "TimeGenerated": row["TimeGenerated"], "Timestamp": row["TimeGenerated"], "AlertId": record.get("id"),
        "Title": record.get("title"), "Severity": row.get("AlertSeverity"), "ServiceSource": shown,
        "DetectionSource": record.get("detectionSource"), "AttackTechniques": text(techniques) if techniques else None,
    }  # fmt: skip
    about = {name: value for name, value in about.items() if value is not None}
    category = record.get("category")
    made.append(Record("AlertInfo", about | ({"Category": category} if category else {})))
    categories = {"Categories": text([category])} if category else {}
    made += [Record("AlertEvidence", about | categories | _evidence(one)) for one in evidence]
    return made


def _evidence(one: Mapping[str, Any]) -> dict[str, Any]:
    kind = str(one.get("@odata.type") or "").removeprefix(_TYPE).removesuffix("Evidence")
    name, facts = EVIDENCE.get(kind, (kind[:1].upper() + kind[1:], {}))
    known = columns("AlertEvidence")
    row: dict[str, Any] = {"EntityType": name, "AdditionalFields": dict(one)}
    for path, column in facts.items():
        value: Any = one
        for step in path.split("."):
            value = value.get(step) if isinstance(value, Mapping) else None
        if value is not None and value != "":
            row[column] = known.typed(column, value)
    roles = one.get("roles")
    row["EvidenceRole"] = (
        "Impacted" if kind in ("device", "mailbox") or (roles and "compromised" in roles) else "Related"
    )
    return row


def _endpoint(record: Mapping[str, Any], moments: Moments) -> Record:
    row: dict[str, Any] = {"ProviderName": "MDATP", "ProductName": "Microsoft Defender Advanced Threat Protection"}
    _put(row, record, ENDPOINT, moments)
    evidence = record.get("evidence")
    entities = [evidence] if isinstance(evidence, Mapping) else evidence
    if entities:
        row["Entities"] = text(entities)
    techniques = record.get("mitreTechniques")
    if techniques:
        row["Techniques"] = text(techniques)
    extra = {
        name: record[name]
        for name in (
            "machineId",
            "incidentId",
            "investigationId",
            "investigationState",
            "detectionSource",
            "threatFamilyName",
            "relatedUser",
        )
        if record.get(name) is not None
    }
    if extra:
        row["ExtendedProperties"] = text(extra)
    return _finish(row, record.get("status"), record.get("severity"), moments)


def _v1(record: Mapping[str, Any], moments: Moments) -> Record:
    """An alert of Graph's first form, as its API and the CSV of collectors have it."""
    vendor = record.get("vendorInformation")
    vendor = vendor if isinstance(vendor, Mapping) else {}
    provider = vendor.get("provider") or record.get("provider")
    row: dict[str, Any] = {
        "SystemAlertId": record.get("id"), "VendorOriginalId": record.get("id"), "DisplayName": record.get("title"),
        "AlertType": record.get("category"), "Description": record.get("description"), "ProviderName": provider,
        "ProductName": provider, "VendorName": vendor.get("vendor") or record.get("vendor"),
        "TimeGenerated": moment(record.get("createdDateTime"), moments),
        "StartTime": moment(record.get("eventDateTime"), moments) or moment(record.get("createdDateTime"), moments),
        "EndTime": moment(record.get("lastModifiedDateTime"), moments),
        "ProcessingEndTime": moment(record.get("lastModifiedDateTime"), moments),
    }  # fmt: skip
    states = {
        name: record[name]
        for name in (
            "userStates",
            "hostStates",
            "networkConnections",
            "fileStates",
            "comments",
            "assignedTo",
            "detectionSource",
        )
        if record.get(name)
    }
    if states:
        row["ExtendedProperties"] = text(states)
    row = {name: value for name, value in row.items() if value not in (None, "")}
    return _finish(row, record.get("status"), record.get("severity"), moments)


def _cloud(fields: Mapping[str, Any], moments: Moments) -> Record:
    row: dict[str, Any] = {"ProviderName": "Azure Security Center", "ProductName": "Azure Security Center"}
    if fields.get("productName") in ("Azure Sentinel", "Microsoft Sentinel"):
        row["ProviderName"] = "ASI Scheduled Alerts"
    _put(row, fields, CLOUD, moments)
    if tactics := fields.get("tactics"):  # as Sentinel has an alert among an incident's entities
        row["Tactics"] = ", ".join(str(one) for one in tactics) if isinstance(tactics, list) else str(tactics)
    if extra := fields.get("additionalData"):
        row.setdefault("ExtendedProperties", extra if isinstance(extra, str) else text(extra))
    for one in fields.get("resourceIdentifiers") or []:
        if isinstance(one, Mapping) and (identifier := one.get("azureResourceId") or one.get("AzureResourceId")):
            row.setdefault("ResourceId", identifier)
    if isinstance(identifier := row.get("ResourceId"), str):
        row["_ResourceId"] = identifier.lower()
    further: dict[str, Any] = {}
    said = {
        name: value for name, value in fields.items() if name not in CLOUD and name not in _CLOUD_SAID and value != []
    }
    columns("SecurityAlert").put(further, said)
    return _finish({**further, **row}, fields.get("status"), fields.get("severity"), moments)
