"""Timelines: what different sources tell, on one line of event time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from vedette.core.errors import InvalidInput, nearest
from vedette.detect.alerts.moments import wire_datetime
from vedette.detect.running.runner import QueryResult
from vedette.incidents.detail import described
from vedette.incidents.investigation.units import Unit
from vedette.incidents.models import ActivityRow, AlertRow
from vedette.incidents.vocabulary import ActivityKind
from vedette.incidents.work.models import BookmarkRow

ALERT, ACTIVITY, BOOKMARK, ACTION = "alert", "activity", "bookmark", "action"
KINDS: Final = (ALERT, ACTIVITY, BOOKMARK, ACTION)
MOST_ENTITIES: Final = 5
"""Entities of an incident whose activities are asked for."""


def kinds(given: Iterable[str]) -> set[str]:
    """The kinds that are wanted; all where none is named. `InvalidInput` names one that is not."""
    wanted = {one.strip().lower() for one in given if one.strip()}
    for one in sorted(wanted - set(KINDS)):
        near = nearest(one, KINDS)
        hint = f"Did you mean '{near}'?" if near else f"Kinds are {', '.join(KINDS)}."
        raise InvalidInput(f"'{one}' is not a kind of a timeline's items.", target="kinds", hint=hint)
    return wanted or set(KINDS)


def _item(kind: str, time: str, source: str, title: str, detail: str | None, **more: Any) -> dict[str, Any]:
    return {"kind": kind, "time": time, "source": source, "title": title, "detail": detail, **more}


def of_alerts(rows: Sequence[AlertRow]) -> list[dict[str, Any]]:
    """Alerts, each at its first event."""
    return [
        _item(
            ALERT, row.start, row.body["product"], row.body["title"], f"{row.body['rows']:,} result rows",
            id=f"alert-{row.id}", alertId=row.id, severity=row.severity, incidentNumber=row.incident_number, end=row.end,
        )
        for row in rows
    ]  # fmt: skip


def of_bookmarks(rows: Sequence[BookmarkRow]) -> list[dict[str, Any]]:
    """Bookmarks, each at the time of its event."""
    return [
        _item(
            BOOKMARK, row.event_time, row.created_by_name, row.name, row.notes or None, id=f"bookmark-{row.id}",
            incidentNumber=row.number,
        )
        for row in rows
    ]  # fmt: skip


def of_actions(rows: Sequence[ActivityRow]) -> list[dict[str, Any]]:
    """What people and the system did to incidents."""
    return [
        _item(
            ACTION, wire_datetime(row.at), row.actor_name, described(row), row.detail, id=f"action-{row.id}",
            incidentNumber=row.number,
        )
        for row in rows
        if row.kind != ActivityKind.ALERT.value
    ]  # fmt: skip


def of_rows(unit: Unit, result: QueryResult, most: int) -> list[dict[str, Any]]:
    """Events of log tables."""
    names = [column.name for column in result.columns]
    time, title, detail = (names.index(name) for name in ("TimeGenerated", "Title", "Detail"))
    return [
        _item(
            ACTIVITY, row[time], unit.tables[0], row[title], row[detail] or None, id=f"{unit.id}-{number}-{row[time]}"
        )
        for number, row in enumerate(result.rows[:most])
        if row[time] is not None
    ]


def merged(items: list[dict[str, Any]], wanted: set[str], top: int, sources: list[dict[str, Any]]) -> dict[str, Any]:
    """The latest items, in the order of time. `next` is where an earlier page ends, None where nothing is earlier.

    A source that had more than it gave is complete only since its earliest item; what others have before that waits for
    the next page, so that no page has a hole.
    """
    chosen = sorted((item for item in items if item["kind"] in wanted), key=lambda item: (item["time"], item["id"]))
    floors = [
        min(times)
        for source in sources
        if source["truncated"] and (times := [item["time"] for item in items if _is_of(item, source)])
    ]
    whole = chosen
    if floors:
        since = max(floors)
        # of a moment that alone is more than a source gives, what it gave is all that can be told
        whole = [item for item in chosen if item["time"] > since] or [item for item in chosen if item["time"] == since]
    page = _without_torn_end(whole, top)
    more = len(page) < len(chosen) or bool(floors)
    return {
        "value": page,
        "count": len(page),
        "next": page[0]["time"] if more and page else None,
        "sources": sources,
    }


def _is_of(item: dict[str, Any], source: dict[str, Any]) -> bool:
    return item["id"].startswith(f"{source['id']}-") and item.get("entity") == source.get("entity")


def _without_torn_end(items: list[dict[str, Any]], top: int) -> list[dict[str, Any]]:
    """The latest items. If not all of the earliest moment are among them, the next page has all of it; a moment that has more items
    than a page comes as one page."""
    page = items[-top:]
    if len(items) <= top or items[-top - 1]["time"] != page[0]["time"]:
        return page
    torn = page[0]["time"]
    return [item for item in page if item["time"] != torn] or [item for item in items if item["time"] == torn]
