"""Alerts of Microsoft Graph's older schema (`/security/alerts`, microsoft.graph.alert) as rows of SecurityAlert."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from vedette.collect.formats.columns import Record, Unreadable, text
from vedette.collect.formats.timestamps import Moments

PROVIDERS: Final = {
    "ASC": ("Azure Security Center", "Azure Security Center"),
    "IPC": ("IPC", "Azure Active Directory Identity Protection"),
    "MCAS": ("MCAS", "Microsoft Cloud App Security"),
    "Microsoft Defender ATP": ("MDATP", "Microsoft Defender Advanced Threat Protection"),
    "Azure Advanced Threat Protection": ("Azure Advanced Threat Protection", "Azure Advanced Threat Protection"),
    "Azure Sentinel": ("ASI Scheduled Alerts", "Azure Sentinel"),
    "Office 365 Security and Compliance": ("OATP", "Office 365 Advanced Threat Protection"),
}
"""Provider of the older schema → ProviderName and ProductName of SecurityAlert."""

_STATUS: Final = {"newalert": "New", "inprogress": "InProgress", "resolved": "Resolved", "dismissed": "Dismissed"}
_STATES: Final = (
    "hostStates", "userStates", "networkConnections", "fileStates", "processes", "malwareStates", "registryKeyStates",
    "cloudAppStates", "messageSecurityStates", "uriClickSecurityStates", "securityResources",
)  # fmt: skip
"""The arrays of an alert that say what it is about; each becomes entities, with the array's name as their type."""
_SAID: Final = frozenset(
    "id title description severity status category createdDateTime eventDateTime lastEventDateTime lastModifiedDateTime "
    "closedDateTime recommendedActions confidence".split()
)


def read(record: object, moments: Moments) -> list[Record] | Unreadable:
    """The row of an alert, or the record with the reason why it is none."""
    if not isinstance(record, Mapping):
        return Unreadable(text(record), "the record is not a JSON object")
    vendor = record.get("vendorInformation")
    if "id" not in record or not isinstance(vendor, Mapping):
        return Unreadable(text(record), "the record has not the form of an alert of Graph's older schema")
    said = str(vendor.get("provider") or "")
    provider, product = PROVIDERS.get(said, (said, vendor.get("subProvider") or said))

    def moment(name: str) -> str | None:
        value = record.get(name)
        return moments.read(value) if isinstance(value, str) else None

    began = moment("eventDateTime") or moment("createdDateTime")
    entities = [{"Type": name, **one} for name in _STATES for one in record.get(name) or () if isinstance(one, Mapping)]
    host = next((one.get("fqdn") or one.get("netBiosName") for one in record.get("hostStates") or () if one), None)
    severity = str(record.get("severity") or "")
    row: dict[str, Any] = {
        "TimeGenerated": moment("lastModifiedDateTime") or moment("createdDateTime") or moments.now_text,
        "SystemAlertId": record["id"],
        "VendorOriginalId": record["id"],
        "DisplayName": record.get("title"),
        "AlertName": record.get("title"),
        "AlertType": record.get("category"),
        "Description": record.get("description"),
        "AlertSeverity": severity[:1].upper() + severity[1:],
        "Status": _STATUS.get(str(record.get("status") or "").lower(), "Unknown"),
        "VendorName": vendor.get("vendor") or "Microsoft",
        "ProviderName": provider,
        "ProductName": product,
        "ProductComponentName": vendor.get("subProvider"),
        "StartTime": began,
        "EndTime": moment("lastEventDateTime") or began,
        "ProcessingEndTime": moment("createdDateTime"),
        "RemediationSteps": text(record["recommendedActions"]) if record.get("recommendedActions") else None,
        "ConfidenceLevel": str(record["confidence"]) if record.get("confidence") is not None else None,
        "CompromisedEntity": host,
        "Entities": text(entities) if entities else None,
        "SourceSystem": "Detection",
    }
    extra = {
        name: value for name, value in record.items()
        if name not in _SAID and name not in _STATES and value not in (None, [], "")
    }  # fmt: skip
    if extra:
        row["ExtendedProperties"] = text(extra)
    return [Record("SecurityAlert", {name: value for name, value in row.items() if value is not None and value != ""})]
