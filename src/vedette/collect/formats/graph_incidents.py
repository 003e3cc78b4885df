"""Incidents of Microsoft Graph (`/security/incidents`) as rows of SecurityIncident."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from vedette.collect.formats.columns import Record, Unreadable, text
from vedette.collect.formats.timestamps import Moments

_STATUS: Final = {
    "active": "New",
    "inprogress": "Active",
    "awaitingaction": "Active",
    "resolved": "Closed",
    "redirected": "Closed",
}
_CLASSIFICATION: Final = {
    "truepositive": "TruePositive",
    "falsepositive": "FalsePositive",
    "informationalexpectedactivity": "BenignPositive",
}


def read(record: object, moments: Moments) -> list[Record] | Unreadable:
    """The row of an incident, or the record with the reason why it is none."""
    if not isinstance(record, Mapping):
        return Unreadable(text(record), "the record is not a JSON object")
    if "id" not in record or "lastUpdateDateTime" not in record:
        return Unreadable(text(record), "the record has not the form of an incident of Microsoft Graph")
    alerts = [one for one in record.get("alerts") or () if isinstance(one, Mapping)]
    status = str(record.get("status") or "")
    changed = _moment(record.get("lastUpdateDateTime"), moments)
    closed = _STATUS.get(status.lower()) == "Closed"
    row: dict[str, Any] = {
        "TimeGenerated": changed or moments.now_text,
        "IncidentName": str(record["id"]),
        "IncidentNumber": _number(record["id"]),
        "Title": record.get("displayName"),
        "Description": record.get("description") or record.get("summary"),
        "Severity": _title(record.get("severity")),
        "Status": _STATUS.get(status.lower(), _title(status)),
        "Classification": _CLASSIFICATION.get(
            str(record.get("classification") or "").lower(), "Undetermined" if closed else None
        ),
        "ClassificationReason": _title(record.get("determination"))
        if record.get("determination") != "unknown"
        else None,
        "ClassificationComment": record.get("resolvingComment"),
        "Owner": {"assignedTo": record["assignedTo"], "userPrincipalName": record["assignedTo"]}
        if record.get("assignedTo")
        else None,
        "ProviderName": "Microsoft 365 Defender",
        "ProviderIncidentId": str(record["id"]),
        "CreatedTime": _moment(record.get("createdDateTime"), moments),
        "LastModifiedTime": changed,
        "ClosedTime": changed if closed else None,
        "FirstActivityTime": min(_moments(alerts, "firstActivityDateTime", moments), default=None),
        "LastActivityTime": max(_moments(alerts, "lastActivityDateTime", moments), default=None),
        "IncidentUrl": record.get("incidentWebUrl"),
        "ModifiedBy": record.get("lastModifiedBy"),
        "AlertIds": [str(one["id"]) for one in alerts if one.get("id")],
        "Labels": [
            {"labelName": name, "labelType": kind}
            for kind, names in (("User", record.get("customTags")), ("AutoAssigned", record.get("systemTags")))
            for name in names or ()
        ],
        "Comments": [
            {
                "message": one.get("comment"),
                "createdTimeUtc": one.get("createdDateTime"),
                "author": {"name": one.get("createdByDisplayName")},
            }
            for one in record.get("comments") or ()
            if isinstance(one, Mapping)
        ],
        "AdditionalData": _additional(record, alerts),
        "SourceSystem": "Azure",
    }
    return [
        Record("SecurityIncident", {name: value for name, value in row.items() if value is not None and value != ""})
    ]


_SAID: Final = frozenset(
    "@odata.type id displayName description severity status classification determination resolvingComment assignedTo createdDateTime "
    "lastUpdateDateTime incidentWebUrl lastModifiedBy customTags systemTags comments alerts".split()
)
"""Properties with a column of their own; the others go into AdditionalData, whatever they are."""


def _additional(record: Mapping[str, Any], alerts: list[Mapping[str, Any]]) -> dict[str, Any]:
    products = [str(one["productName"]) for one in alerts if one.get("productName")]
    techniques = [name for one in alerts for name in one.get("mitreTechniques") or ()]
    found: dict[str, Any] = {
        "alertsCount": len(alerts),
        "commentsCount": len(record.get("comments") or ()),
        "alertProductNames": list(dict.fromkeys(products)),
        "tactics": list(dict.fromkeys(str(one["category"]) for one in alerts if one.get("category"))),
        "techniques": list(dict.fromkeys(techniques)),
    }
    return found | {name: value for name, value in record.items() if name not in _SAID and value is not None}


def _number(identity: object) -> int | None:
    digits = str(identity)
    return int(digits) if digits.isascii() and digits.isdigit() and int(digits) < 2**31 else None


def _title(value: object) -> str | None:
    word = str(value or "")
    return word[:1].upper() + word[1:] or None


def _moment(value: object, moments: Moments) -> str | None:
    return moments.read(value) if isinstance(value, str) else None


def _moments(alerts: list[Mapping[str, Any]], name: str, moments: Moments) -> list[str]:
    return [moment for one in alerts if (moment := _moment(one.get(name), moments)) is not None]
