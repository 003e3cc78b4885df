"""An incident with everything that belongs to it, as programs and the console see it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vedette.detect.alerts.moments import wire_datetime
from vedette.detect.rule import JsonValue
from vedette.incidents.fields import FIELDS, etag_of, iso
from vedette.incidents.listing import summary
from vedette.incidents.merging import MergedEntity
from vedette.incidents.models import ActivityRow, AlertRow, CommentRow, IncidentRow
from vedette.incidents.records import alert_view
from vedette.incidents.story import story, together
from vedette.incidents.vocabulary import ActivityKind
from vedette.incidents.work.bookmarks import bookmark_view
from vedette.incidents.work.models import BookmarkRow, MoveRow, TaskRow
from vedette.incidents.work.regrouping import move_view
from vedette.incidents.work.tasks import task_view


def incident_view(
    incident: IncidentRow,
    alerts: Sequence[AlertRow],
    entities: Sequence[MergedEntity],
    comments: Sequence[CommentRow],
    activities: Sequence[ActivityRow],
    *,
    tasks: Sequence[TaskRow] = (),
    bookmarks: Sequence[BookmarkRow] = (),
    moves: Sequence[MoveRow] = (),
    campaign: JsonValue = None,
    campaigns: Sequence[int] = (),
) -> dict[str, Any]:
    """The whole incident. The timeline is in the order of time; an alert stands at its first event."""
    ordered = sorted(entities, key=lambda entity: (-len(entity.alert_ids), entity.type, entity.entity.title, entity.id))
    by_alert: dict[str, list[str]] = {}
    for entity in ordered:
        for alert_id in entity.alert_ids:
            by_alert.setdefault(alert_id, []).append(entity.id)
    return {
        **summary(incident),
        "description": incident.description,
        "techniques": incident.techniques,
        "ruleIds": incident.rule_ids,
        "closedTimeUtc": None if incident.closed_at is None else iso(incident.closed_at),
        "modifiedBy": incident.modified_by,
        "entities": [_entity_view(entity) for entity in ordered],
        "alerts": [alert_view(alert, by_alert) for alert in alerts],
        "comments": [_comment_view(comment) for comment in comments],
        "tasks": [task_view(task) for task in tasks],
        "bookmarks": [bookmark_view(bookmark) for bookmark in bookmarks],
        "moves": [move_view(move) for move in moves],
        "priorityParts": incident.priority_parts,
        "mergedInto": incident.merged_into,
        "etag": etag_of(incident),
        "timeline": _timeline(alerts, activities, bookmarks),
        "history": [_history(entry) for entry in activities if entry.field is not None or entry.kind in _MOVES],
        "story": story(incident, ordered, alerts),
        "campaign": campaign,
        "campaignIncidents": list(campaigns),
        "together": together(incident, ordered, alerts),
    }


def _entity_view(entity: MergedEntity) -> dict[str, Any]:
    return {
        "id": entity.id,
        "type": entity.type,
        "name": entity.entity.title,
        "properties": dict(entity.entity.identifiers),
        "alertIds": entity.alert_ids,
    }


def _comment_view(comment: CommentRow) -> dict[str, Any]:
    return {
        "id": comment.id,
        "message": comment.message,
        "author": {"id": comment.author_id, "name": comment.author_name},
        "createdTimeUtc": iso(comment.created_at),
    }


def _actor(entry: ActivityRow) -> dict[str, str]:
    return {"id": entry.actor_id, "name": entry.actor_name}


_MOVES = tuple(
    kind.value
    for kind in (
        ActivityKind.TASK,
        ActivityKind.MERGE,
        ActivityKind.SPLIT,
        ActivityKind.UNDO,
        ActivityKind.ACTION,
        ActivityKind.ESCALATION,
    )
)
"""Activities without a field that are changes, too."""


def _timeline(
    alerts: Sequence[AlertRow], activities: Sequence[ActivityRow], bookmarks: Sequence[BookmarkRow]
) -> list[dict[str, Any]]:
    items = [
        {
            "id": f"alert-{alert.id}",
            "time": alert.start,
            "kind": "alert",
            "title": alert.body["title"],
            "detail": f"{alert.body['rows']:,} result row{'' if alert.body['rows'] == 1 else 's'} of the rule '{alert.body['rule']}'",
            "actor": None,
            "alertId": alert.id,
        }
        for alert in alerts
    ]
    for bookmark in bookmarks:
        items.append(
            {
                "id": f"bookmark-{bookmark.id}",
                "time": bookmark.event_time,
                "kind": "event",
                "title": bookmark.name,
                "detail": bookmark.notes or None,
                "actor": None,
                "alertId": None,
            }
        )
    for entry in activities:
        if entry.kind == ActivityKind.ALERT.value:
            continue  # the alert itself stands on the timeline
        items.append(
            {
                "id": f"activity-{entry.id}",
                "time": wire_datetime(entry.at),
                "kind": entry.kind,
                "title": described(entry),
                "detail": entry.detail,
                "actor": _actor(entry),
                "alertId": None,
            }
        )
    return sorted(items, key=lambda item: item["time"])


def described(entry: ActivityRow) -> str:
    """What happened, in a few words."""
    if entry.field is None:
        return entry.title or entry.kind
    title = FIELDS[entry.field].title if entry.field in FIELDS else str(entry.field)
    return f"{title.capitalize()}: {_shown(entry.old)} → {_shown(entry.new)}"


_LONGEST = 100


def _shown(value: JsonValue) -> str:
    if value in (None, "", []):
        return "none"
    if isinstance(value, dict):
        value = value.get("name")
    text = ", ".join(value) if isinstance(value, list) else str(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _history(entry: ActivityRow) -> dict[str, Any]:
    return {
        "time": wire_datetime(entry.at),
        "actor": _actor(entry),
        "field": entry.field or entry.kind,
        **({} if entry.field else {"title": entry.title}),
        "revision": entry.revision,
        "old": entry.old,
        "new": entry.new,
    }
