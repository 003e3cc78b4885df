"""Alerts and incidents as rows of SecurityAlert and SecurityIncident, in Log Analytics' columns and Sentinel's words.

Sources: the two tables' reference pages (learn.microsoft.com/azure/azure-monitor/reference/tables) and Sentinel's
security alert schema. Entities, ExtendedProperties and the like are texts that hold JSON, as they are there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from vedette.detect.alerts.moments import from_wire, wire_datetime
from vedette.detect.attack import apart
from vedette.detect.entities.entity import Entity, resolved
from vedette.detect.entities.types import entity_type
from vedette.detect.reading.durations import format_timespan
from vedette.detect.rule import EventGrouping, RuleKind
from vedette.incidents.models import AlertRow, CommentRow, IncidentRow
from vedette.incidents.records import PRODUCT
from vedette.incidents.work.models import BookmarkRow, TaskRow

ALERTS: Final = "SecurityAlert"
INCIDENTS: Final = "SecurityIncident"
BOOKMARKS: Final = "HuntingBookmark"
HEALTH: Final = "SentinelHealth"

_PROVIDERS: Final = {
    RuleKind.SCHEDULED.value: ("ASI Scheduled Alerts", "Scheduled Alerts"),
    RuleKind.NRT.value: ("ASI NRT Alerts", "NRT Alerts"),
    RuleKind.HUNTING.value: ("ASI Scheduled Alerts", "Hunting"),
    RuleKind.FUSION.value: ("ASI Fusion", "Fusion"),
    RuleKind.MICROSOFT_SECURITY_INCIDENT_CREATION.value: ("ASI Microsoft Security", "Microsoft Security"),
}
_PRODUCT: Final = "Azure Sentinel"
"""Content asks for alerts of analytics rules by this name."""
PROVIDER: Final = _PRODUCT
"""Whose incidents they are, by the name that Sentinel has for itself."""

_QUERY_NOW: Final = (
    "// The query_now parameter represents the time (in UTC) at which the scheduled analytics rule ran to produce"
    " this alert."
)
"""Before the query of an alert: content takes the query from behind it."""
_OPERATORS: Final = {
    "GreaterThan": "Greater Than",
    "GreaterThanOrEqual": "Greater Than Or Equal",
    "LessThan": "Less Than",
    "LessThanOrEqual": "Less Than Or Equal",
    "Equal": "Equal",
    "NotEqual": "Not Equal",
}


def security_alert(row: AlertRow, workspace_id: str) -> dict[str, Any]:
    """A row of SecurityAlert."""
    body, properties = row.body, row.body["properties"]
    provider, component = _PROVIDERS.get(body["kind"], ("ASI Scheduled Alerts", "Scheduled Alerts"))
    generated = wire_datetime(row.generated_at)
    confidence = properties.get("ConfidenceScore")
    return {
        "TenantId": workspace_id,
        "TimeGenerated": generated,
        "DisplayName": body["title"],
        "AlertName": body["title"],
        "AlertSeverity": row.severity,
        "Description": body["description"],
        "ProviderName": properties.get("ProviderName", provider),
        "VendorName": "Microsoft",
        "VendorOriginalId": row.id,
        "SystemAlertId": row.id,
        "ResourceId": "",
        "SourceComputerId": "",
        "AlertType": f"{workspace_id}_{row.rule_id}",
        "ConfidenceLevel": properties.get("ConfidenceLevel", ""),
        "ConfidenceScore": _real(confidence),
        "IsIncident": False,
        "StartTime": row.start,
        "EndTime": row.end,
        "ProcessingEndTime": generated,
        "RemediationSteps": properties.get("RemediationSteps", ""),
        "ExtendedProperties": _json(_extended(row)),
        "Entities": _json(security_entities([Entity.from_dict(entity) for entity in body["entities"]])),
        "SourceSystem": "Detection",
        "WorkspaceSubscriptionId": "",
        "WorkspaceResourceGroup": "",
        "ExtendedLinks": properties.get("ExtendedLinks", ""),
        "ProductName": properties.get("ProductName", _PRODUCT),
        "ProductComponentName": properties.get("ProductComponentName", component),
        "AlertLink": properties.get("AlertLink", ""),
        "Status": "New",
        "CompromisedEntity": "",
        "Tactics": ",".join(body["tactics"]),
        "Techniques": _json(body["techniques"]) if body["techniques"] else "",
        "SubTechniques": _json(body["subTechniques"]) if body["subTechniques"] else "",
        "Type": ALERTS,
    }


def _extended(row: AlertRow) -> dict[str, str]:
    body, window = row.body, row.body["window"]
    period: timedelta = from_wire(window["to"]) - from_wire(window["from"])
    extended = {
        "Query Period": format_timespan(period),
        "Trigger Operator": _OPERATORS[body["trigger"]["operator"]],
        "Trigger Threshold": str(body["trigger"]["value"]),
        "Correlation Id": row.run_id,
        "Search Query Results Overall Count": str(body["rows"]),
        "Query": f"{_QUERY_NOW}\nset query_now = datetime({window['to']});\n{body['query']}",
        "Query Start Time UTC": _plain(window["from"]),
        "Query End Time UTC": _plain(window["to"]),
        "Analytic Rule Ids": _json([row.rule_id]),
        "Event Grouping": body.get("eventGrouping", EventGrouping.SINGLE_ALERT.value),
        "Analytic Rule Name": body["rule"],
        "ProcessedBySentinel": "True",
        "Alert generation status": "Full alert created" if not body["notes"] else "; ".join(body["notes"]),
    }
    if body.get("campaign") is not None:
        extended["Fusion Alert Ids"] = _json(body["campaign"]["signalIds"])
    if body["customDetails"]:
        extended["Custom Details"] = _json(body["customDetails"])
    return extended


def _plain(moment: str) -> str:
    return f"{moment[:10]} {moment[11:19]}Z"


def _real(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def security_entities(entities: Sequence[Entity]) -> list[dict[str, Any]]:
    """Entities in the form of SecurityAlert: numbered, with their wire type, and full names taken apart."""
    found = []
    for number, entity in enumerate(entities, 2):
        known = entity_type(entity.type)
        identifiers: dict[str, Any] = resolved(entity)
        if {"Name", "HostName"} & set(identifiers):
            identifiers.pop("FullName", None)
        found.append({"$id": str(number), **identifiers, "Type": known.wire if known else entity.type.lower()})
    return found


def security_incident(
    row: IncidentRow,
    alert_ids: Sequence[str],
    comments: Sequence[CommentRow],
    workspace_id: str,
    url: str = "",
    *,
    tasks: Sequence[TaskRow] = (),
    bookmark_ids: Sequence[str] = (),
) -> dict[str, Any]:
    """A row of SecurityIncident: the incident as it is after a change."""
    owner: Mapping[str, Any] = {
        "objectId": row.owner_id,
        "email": row.owner_name if row.owner_name and "@" in row.owner_name else None,
        "assignedTo": row.owner_name,
        "userPrincipalName": row.owner_name if row.owner_name and "@" in row.owner_name else None,
    }
    modified = wire_datetime(row.modified_at)
    return {
        "TenantId": workspace_id,
        "TimeGenerated": modified,
        "IncidentName": row.id,
        "Title": row.title,
        "Description": row.description,
        "Severity": row.severity,
        "Status": row.status,
        "Classification": row.classification or "",
        "ClassificationComment": row.classification_comment or "",
        "ClassificationReason": row.classification_reason or "",
        "Owner": owner,
        "ProviderName": PROVIDER,
        "ProviderIncidentId": str(row.number),
        "FirstActivityTime": row.first_activity,
        "LastActivityTime": row.last_activity,
        "FirstModifiedTime": wire_datetime(row.created_at),
        "LastModifiedTime": modified,
        "CreatedTime": wire_datetime(row.created_at),
        "ClosedTime": wire_datetime(row.closed_at) if row.closed_at else None,
        "IncidentNumber": row.number,
        "RelatedAnalyticRuleIds": list(row.rule_ids),
        "AlertIds": list(alert_ids),
        "BookmarkIds": list(bookmark_ids),
        "Comments": [
            {
                "message": comment.message,
                "createdTimeUtc": wire_datetime(comment.created_at),
                "author": {"name": comment.author_name},
            }
            for comment in comments
        ],
        "Tasks": [_task(task) for task in tasks],
        "Labels": [{"labelName": label, "labelType": "User"} for label in row.labels],
        "IncidentUrl": url,
        "AdditionalData": {
            "alertsCount": len(alert_ids),
            "bookmarksCount": len(bookmark_ids),
            "commentsCount": row.comment_count,
            "alertProductNames": [product_name(name) for name in row.product_names],
            "tactics": list(row.tactics),
            "techniques": list(apart(row.techniques)[0]),
        },
        "ModifiedBy": row.modified_by,
        "SourceSystem": "Azure",
        "Type": INCIDENTS,
    }


def product_name(name: str) -> str:
    """A product as Sentinel names it: its own rules' alerts are of itself."""
    return _PRODUCT if name == PRODUCT else name


def _task(task: TaskRow) -> dict[str, Any]:
    return {
        "taskId": task.id,
        "title": task.title,
        "description": task.description,
        "status": task.status,
        "createdTimeUtc": wire_datetime(task.created_at),
        "createdBy": {"name": task.created_by_name},
        "completedTimeUtc": None if task.completed_at is None else wire_datetime(task.completed_at),
        "completedBy": None if task.completed_by_name is None else {"name": task.completed_by_name},
    }


def hunting_bookmark(row: BookmarkRow, workspace_id: str) -> dict[str, Any]:
    """A row of HuntingBookmark: the bookmark as it is after a change."""
    return {
        "TenantId": workspace_id,
        "TimeGenerated": wire_datetime(row.modified_at),
        "BookmarkId": row.id,
        "BookmarkName": row.name,
        "BookmarkType": "",
        "CreatedBy": _json({"ObjectId": row.created_by_id, "Name": row.created_by_name}),
        "UpdatedBy": _json({"Name": row.modified_by_name}),
        "CreatedTime": wire_datetime(row.created_at),
        "LastUpdatedTime": wire_datetime(row.modified_at),
        "EventTime": row.event_time,
        "QueryText": row.query,
        "QueryResultRow": _json(row.row),
        "QueryStartTime": row.query_start,
        "QueryEndTime": row.query_end,
        "Notes": row.notes,
        "Entities": _json(security_entities([Entity.from_dict(entity) for entity in row.entities])),
        "SoftDeleted": row.deleted,
        "Tags": ",".join(row.labels),
        "SourceSystem": "Azure",
        "Type": BOOKMARKS,
    }
