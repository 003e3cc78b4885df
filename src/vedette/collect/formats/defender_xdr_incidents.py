"""Incidents of Microsoft 365 Defender's own API (`api/incidents`, which came before Graph's) as rows of SecurityIncident, SecurityAlert,
AlertInfo and AlertEvidence.

They become what Graph calls the same, and are read as that; what an alert is about has a form of its own here, whose names are those of
AlertEvidence or data below. Source: the incident and alert of that API's reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from vedette.collect.formats import defender_incidents
from vedette.collect.formats.columns import Record, Unreadable, columns, text
from vedette.collect.formats.timestamps import Moments

_NAMES: Final = frozenset({"incidentId", "incidentName", "lastUpdateTime"})
_INCIDENT: Final = {
    "incidentId": "id", "incidentName": "displayName", "createdTime": "createdDateTime", "lastUpdateTime": "lastUpdateDateTime",
    "incidentUri": "incidentWebUrl",
}  # fmt: skip
_ALERT: Final = {
    "alertId": "id", "creationTime": "createdDateTime", "lastUpdatedTime": "lastUpdateDateTime", "resolvedTime": "resolvedDateTime",
    "firstActivity": "firstActivityDateTime", "lastActivity": "lastActivityDateTime",
}  # fmt: skip
_SERVICES: Final = {
    "microsoftdefenderatp": "microsoftDefenderForEndpoint", "microsoftdefenderforendpoint": "microsoftDefenderForEndpoint",
    "microsoftcloudappsecurity": "microsoftDefenderForCloudApps", "microsoftdefenderforcloudapps": "microsoftDefenderForCloudApps",
    "azureatp": "microsoftDefenderForIdentity", "microsoftdefenderforidentity": "microsoftDefenderForIdentity",
    "officeatp": "microsoftDefenderForOffice365", "microsoftdefenderforoffice365": "microsoftDefenderForOffice365",
    "aadidentityprotection": "azureAdIdentityProtection", "microsoft365defender": "microsoft365Defender",
    "microsoftthreatprotection": "microsoft365Defender",
}  # fmt: skip
_EVIDENCE: Final = {
    "fileName": "FileName", "filePath": "FolderPath", "sha1": "SHA1", "sha256": "SHA256", "processCommandLine": "ProcessCommandLine",
    "ipAddress": "RemoteIP", "url": "RemoteUrl", "accountName": "AccountName", "domainName": "AccountDomain", "userSid": "AccountSid",
    "aadUserId": "AccountObjectId", "userPrincipalName": "AccountUpn", "deviceId": "DeviceId", "subject": "EmailSubject",
    "registryKey": "RegistryKey", "registryValueName": "RegistryValueName", "registryValue": "RegistryValueData",
    "networkMessageId": "NetworkMessageId", "applicationName": "Application",
}  # fmt: skip
_WITHIN: Final = frozenset({"devices", "entities"})


def is_incident(record: Mapping[str, Any]) -> bool:
    """Whether the names of a record are those of an incident of this API."""
    return record.keys() >= _NAMES


def read(record: Mapping[str, Any], moments: Moments) -> list[Record] | Unreadable:
    """The rows of an incident with its alerts, or the incident with the reason why it is none."""
    alerts = _listed(record.get("alerts"))
    renamed = [_alert(one) for one in alerts]
    made = defender_incidents.read({**_renamed(record, _INCIDENT), "alerts": renamed}, moments)
    if isinstance(made, Unreadable):
        return Unreadable(text(record), made.reason)
    for one in alerts:
        made += _about(one, made, moments)
    return made


def _listed(value: object) -> list[Mapping[str, Any]]:
    """The objects of a list; what splits incidents by their alerts leaves one object."""
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, Mapping)]


def _renamed(record: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {names.get(name, name): value for name, value in record.items()}


def _alert(one: Mapping[str, Any]) -> dict[str, Any]:
    """An alert as Graph has it, without what it is about."""
    made = {name: value for name, value in _renamed(one, _ALERT).items() if name not in _WITHIN}
    source = str(made.get("serviceSource") or "")
    made["serviceSource"] = _SERVICES.get(source.replace(" ", "").casefold(), source)
    return made


def _about(one: Mapping[str, Any], made: list[Record], moments: Moments) -> list[Record]:
    """Puts what an alert is about into its row of SecurityAlert, and makes its rows of AlertEvidence."""
    devices, entities = _listed(one.get("devices")), _listed(one.get("entities"))
    found = [
        record
        for record in made
        if record.table == "SecurityAlert" and record.row.get("SystemAlertId") == one.get("alertId")
    ]
    info = [
        record for record in made if record.table == "AlertInfo" and record.row.get("AlertId") == one.get("alertId")
    ]
    if not found or not info:
        return []
    if devices or entities:
        found[-1].row["Entities"] = text([*devices, *entities])
    if devices and devices[0].get("deviceDnsName"):
        found[-1].row["CompromisedEntity"] = devices[0]["deviceDnsName"]
    shared = {name: value for name, value in info[-1].row.items() if name != "Category"}
    if one.get("category"):
        shared["Categories"] = text([one["category"]])
    rows = [
        {
            "EntityType": "Machine", "EvidenceRole": "Impacted", "AdditionalFields": dict(device),
            "DeviceId": device.get("mdatpDeviceId"), "DeviceName": device.get("deviceDnsName"),
        }
        for device in devices
    ]  # fmt: skip
    known = columns("AlertEvidence")
    names = {device.get("mdatpDeviceId"): device.get("deviceDnsName") for device in devices}
    for entity in entities:
        row: dict[str, Any] = {
            "EntityType": entity.get("entityType"), "EvidenceRole": "Related", "AdditionalFields": dict(entity),
            "DeviceName": names.get(entity["deviceId"]) if entity.get("deviceId") else None,
        }  # fmt: skip
        row |= {column: known.typed(column, entity[name]) for name, column in _EVIDENCE.items() if entity.get(name)}
        rows.append(row)
    return [
        Record("AlertEvidence", shared | {name: value for name, value in row.items() if value not in (None, "")})
        for row in rows
    ]
