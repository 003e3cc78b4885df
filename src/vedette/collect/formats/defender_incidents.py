"""Incidents of Microsoft Graph (`security/incidents`) as rows of SecurityIncident, with the alerts that come with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from vedette.collect.formats import defender_alerts
from vedette.collect.formats.columns import Record, Unreadable, text
from vedette.collect.formats.shapes import moment
from vedette.collect.formats.timestamps import Moments

TABLE: Final = "SecurityIncident"
_STATUS: Final = {
    "active": "New",
    "inprogress": "Active",
    "awaitingaction": "Active",
    "resolved": "Closed",
    "redirected": "Closed",
}
_CLASSIFICATION: Final = {
    "truepositive": "TruePositive", "falsepositive": "FalsePositive",
    "informationalexpectedactivity": "BenignPositive", "benignpositive": "BenignPositive",
}  # fmt: skip


def is_incident(record: Mapping[str, Any]) -> bool:
    """Whether the names of a record are those of an incident."""
    return {"incidentWebUrl", "displayName", "lastUpdateDateTime"} <= record.keys()


def read(record: Mapping[str, Any], moments: Moments) -> list[Record] | Unreadable:
    """The rows of an incident, or the incident with the reason why it is none."""
    updated = moment(record.get("lastUpdateDateTime"), moments)
    identifier = record.get("id")
    if updated is None or not identifier:
        return Unreadable(text(record), "the incident has no id, or no lastUpdateDateTime that can be read")
    found = record.get("alerts")
    alerts = [found] if isinstance(found, Mapping) else found if isinstance(found, list) else []
    status = str(record.get("status") or "").casefold()
    classified = str(record.get("classification") or "").casefold()
    owner = record.get("assignedTo")
    row: dict[str, Any] = {
        "TimeGenerated": updated, "IncidentName": str(identifier), "ProviderIncidentId": str(identifier),
        "ProviderName": "Microsoft XDR", "Title": record.get("displayName"), "Description": record.get("description"),
        "Severity": str(record.get("severity") or "").capitalize() or None, "Status": _STATUS.get(status, "New"),
        "Classification": _CLASSIFICATION.get(classified, "Undetermined" if status in ("resolved",) else None),
        "ClassificationReason": record.get("determination"), "Owner": {"userPrincipalName": owner} if owner else None,
        "CreatedTime": moment(record.get("createdDateTime"), moments), "LastModifiedTime": updated,
        "ClosedTime": updated if _STATUS.get(status) == "Closed" else None, "IncidentUrl": record.get("incidentWebUrl"),
        "AlertIds": [str(one["id"]) for one in alerts if isinstance(one, Mapping) and one.get("id")],
        "Labels": [{"labelName": str(one)} for name in ("tags", "customTags") for one in record.get(name) or []],
        "Comments": record.get("comments"), "SourceSystem": "Azure",
    }  # fmt: skip
    if str(identifier).isdigit() and len(str(identifier)) < 10:
        row["IncidentNumber"] = int(identifier)
    made = [Record(TABLE, {name: value for name, value in row.items() if value not in (None, "", [])})]
    for one in alerts:
        rows = defender_alerts.read(one, moments)
        if not isinstance(rows, Unreadable):
            made += rows
    return made
