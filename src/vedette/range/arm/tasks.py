"""Microsoft.SecurityInsights/incidents/tasks. At most 100 tasks to an incident."""

from __future__ import annotations

from typing import Final

from vedette.range.arm import etags, insights
from vedette.range.arm.errors import ArmError, bad_request
from vedette.range.arm.incidents import incident_of
from vedette.range.arm.operations import ArmRequest, ArmResponse, operation
from vedette.range.arm.paging import asked
from vedette.range.arm.versions import INCIDENT_TASKS
from vedette.range.documents import Collection, Document
from vedette.range.state import timestamp

TYPE: Final = "Microsoft.SecurityInsights/incidents/tasks"
MAX_TASKS: Final = 100
MAX_TITLE: Final = 150
_STATES: Final = ("New", "Completed")


@operation("GET", TYPE, collection=True, action="read", versions=INCIDENT_TASKS)
def list_tasks(request: ArmRequest) -> ArmResponse:
    """A page of tasks, oldest first."""
    return asked(request, list(_tasks(request)))


@operation("GET", TYPE, collection=False, action="read", versions=INCIDENT_TASKS)
def get_task(request: ArmRequest) -> ArmResponse:
    """The task, or 404."""
    found = _tasks(request).get(request.names[1])
    if found is None:
        raise ArmError(404, "NotFound", f"Task '{request.names[1]}' does not exist")
    return ArmResponse(200, found)


@operation("PUT", TYPE, collection=False, action="write", versions=INCIDENT_TASKS)
def put_task(request: ArmRequest) -> ArmResponse:
    """Create (201) or replace (200)."""
    tasks, name, given = _tasks(request), request.names[1], request.properties()
    existing = tasks.get(name)
    insights.required(given, "task", "title", "status")
    if given["status"] not in _STATES:
        raise bad_request(f"Invalid task payload: '{given['status']}' is not a value of 'status'.")
    if not isinstance(given["title"], str) or len(given["title"]) > MAX_TITLE:
        raise bad_request(f"Invalid task payload: 'title' is a string of at most {MAX_TITLE} characters.")
    etags.check(request, name, existing)
    if existing is None and len(tasks) >= MAX_TASKS:
        raise bad_request(f"The incident has {MAX_TASKS} tasks, which is the most that it can have.")
    now = timestamp(request.tenant.clock.now())
    before = (existing or {}).get("properties", {})
    task: Document = {
        "id": f"{request.base}/Incidents/{incident_of(request, request.names[0]).name}/Tasks/{existing['name'] if existing else name}",
        "name": existing["name"] if existing else name,
        "type": "Microsoft.SecurityInsights/Incidents/Tasks",
        "etag": request.tenant.next_etag(),
        "properties": {
            "title": given["title"], "description": given.get("description"), "status": given["status"],
            "createdTimeUtc": before.get("createdTimeUtc", now), "lastModifiedTimeUtc": now,
            "createdBy": before.get("createdBy", request.person), "lastModifiedBy": request.person,
        },
    }  # fmt: skip
    tasks.put(task["name"], task)
    return ArmResponse(200 if existing else 201, task)


@operation("DELETE", TYPE, collection=False, action="delete", versions=INCIDENT_TASKS)
def delete_task(request: ArmRequest) -> ArmResponse:
    """Delete (200); nothing to delete is 204."""
    return ArmResponse(200 if _tasks(request).delete(request.names[1]) else 204)


def _tasks(request: ArmRequest) -> Collection:
    return request.insights(f"tasks/{incident_of(request, request.names[0]).name.lower()}")
