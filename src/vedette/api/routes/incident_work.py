"""What people do with incidents: tasks, bookmarks, merging, splitting, undoing."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from vedette.api.routes.incidents import IfMatch, reference
from vedette.api.security import Caller, Services, requires
from vedette.api.wire import Wire
from vedette.core.roles import Permission

router = APIRouter(tags=["incidents"], prefix="/workspaces/{ws}")
Reader = Depends(requires(Permission.INCIDENTS_READ))
Writer = Annotated[Caller, Depends(requires(Permission.INCIDENTS_WRITE))]


class NewTask(Wire):
    """A task."""

    title: str
    description: str = ""


class Values(Wire):
    """New values of fields."""

    set: dict[str, Any]


class Merge(Wire):
    """The incidents, by number or id, whose alerts and bookmarks are to move here."""

    sources: list[int | str] = Field(max_length=100)


class Split(Wire):
    """The alerts that are to move into an incident of their own."""

    alert_ids: list[str] = Field(max_length=1000)
    title: str | None = None


@router.get("/incidents/{incident}/tasks", dependencies=[Reader])
def tasks(services: Services, incident: str) -> dict[str, Any]:
    """An incident's tasks."""
    found = services.incidents.tasks.list(reference(incident))
    return {"value": found, "count": len(found)}


@router.post("/incidents/{incident}/tasks", status_code=201)
def add_task(services: Services, caller: Writer, incident: str, body: NewTask) -> dict[str, Any]:
    """Adds a task."""
    return services.incidents.tasks.add(reference(incident), body.title, body.description, caller)


@router.patch("/incidents/{incident}/tasks/{task}")
def change_task(services: Services, caller: Writer, incident: str, task: str, body: Values) -> dict[str, Any]:
    """Changes a task's title, description or status (New, Completed)."""
    return services.incidents.tasks.change(reference(incident), task, body.set, caller)


@router.delete("/incidents/{incident}/tasks/{task}", status_code=204)
def remove_task(services: Services, caller: Writer, incident: str, task: str) -> None:
    """Removes a task; the incident's history keeps it."""
    services.incidents.tasks.remove(reference(incident), task, caller)


@router.get("/incidents/{incident}/moves", dependencies=[Reader])
def moves(services: Services, incident: str) -> dict[str, Any]:
    """The merges and splits that an incident was part of."""
    found = services.incidents.regrouping.list(reference(incident))
    return {"value": found, "count": len(found)}


@router.post("/incidents/{incident}/merge")
def merge(services: Services, caller: Writer, incident: str, body: Merge, if_match: IfMatch = None) -> dict[str, Any]:
    """Moves the alerts and bookmarks of other incidents into this one; those are closed and refer to it."""
    found = services.incidents.regrouping.merge(reference(incident), body.sources, caller, if_match)
    services.wake()
    return {"value": found, "count": len(found)}


@router.post("/incidents/{incident}/split", status_code=201)
def split(services: Services, caller: Writer, incident: str, body: Split, if_match: IfMatch = None) -> dict[str, Any]:
    """Moves some of an incident's alerts into a new one."""
    found = services.incidents.regrouping.split(reference(incident), body.alert_ids, caller, body.title, if_match)
    services.wake()
    return found


@router.post("/incident-moves/{move}/undo")
def undo(services: Services, caller: Writer, move: str) -> dict[str, Any]:
    """Undoes a merge or a split, for as long as what it moved is still there."""
    found = services.incidents.regrouping.undo(move, caller)
    services.wake()
    return found


@router.get("/bookmarks", dependencies=[Reader])
def bookmarks(
    services: Services,
    incident: Annotated[int | None, Query(ge=1, description="Only those of this incident.")] = None,
    top: Annotated[int, Query(ge=0, le=1000)] = 100,
    skip: Annotated[int, Query(ge=0)] = 0,
) -> dict[str, Any]:
    """Bookmarks, the latest event first."""
    found = services.incidents.bookmarks.list(incident, top, skip)
    return {"value": found, "count": len(found)}


@router.post("/bookmarks", status_code=201)
def add_bookmark(services: Services, caller: Writer, body: Values) -> dict[str, Any]:
    """Keeps a row of a result; with `incidentNumber` as a part of that incident."""
    return services.incidents.bookmarks.add(body.set, caller)


@router.get("/bookmarks/{bookmark}", dependencies=[Reader])
def bookmark(services: Services, bookmark: str) -> dict[str, Any]:
    """A bookmark."""
    return services.incidents.bookmarks.get(bookmark)


@router.patch("/bookmarks/{bookmark}")
def change_bookmark(
    services: Services, caller: Writer, bookmark: str, body: Values, if_match: IfMatch = None
) -> dict[str, Any]:
    """Changes a bookmark; `incidentNumber` moves it into an incident, or, as null, out of its own."""
    return services.incidents.bookmarks.change(bookmark, body.set, caller, if_match)


@router.delete("/bookmarks/{bookmark}", status_code=204)
def remove_bookmark(services: Services, caller: Writer, bookmark: str) -> None:
    """Removes a bookmark."""
    services.incidents.bookmarks.remove(bookmark, caller)
