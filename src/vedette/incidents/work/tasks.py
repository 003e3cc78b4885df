"""Tasks of incidents: what is to be done, and what was done by whom."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy.orm import Session

from vedette.core.database import State, storable
from vedette.core.errors import Conflict, InvalidInput, NotFound, nearest
from vedette.core.ids import IdSource
from vedette.core.roles import Permission, Principal
from vedette.detect.rule import JsonValue
from vedette.incidents.fields import iso, text_reader
from vedette.incidents.journal import IncidentEvent, Journal
from vedette.incidents.models import IncidentRow
from vedette.incidents.vocabulary import ActivityKind, TaskStatus
from vedette.incidents.work.models import TaskRow

MAX_TASKS: Final = 100
MAX_TITLE: Final = 150
MAX_DESCRIPTION: Final = 3000
"""Sentinel's limits of a task's texts."""

_READERS: Final = {
    "title": text_reader("title", MAX_TITLE, empty=False),
    "description": text_reader("description", MAX_DESCRIPTION, empty=True),
}


def task_view(row: TaskRow) -> dict[str, Any]:
    """A task for programs and the console."""
    return {
        "id": row.id,
        "title": row.title,
        "description": row.description,
        "status": row.status,
        "createdTimeUtc": iso(row.created_at),
        "createdBy": {"id": row.created_by_id, "name": row.created_by_name},
        "lastModifiedTimeUtc": iso(row.modified_at),
        "completedTimeUtc": None if row.completed_at is None else iso(row.completed_at),
        "completedBy": row.completed_by_name,
    }


class Tasks:
    """The tasks of one workspace's incidents. A change is one transaction, with its entry in the incident's history."""

    def __init__(self, state: State, journal: Journal, new_id: IdSource) -> None:
        self._state = state
        self._journal = journal
        self._new_id = new_id

    def list(self, reference: int | str) -> list[dict[str, Any]]:
        """An incident's tasks, in their order."""
        with self._state.session(read_only=True) as session:
            incident = self._journal.row(session, reference)
            return [task_view(row) for row in self._journal.tasks(session, incident.number)]

    def add(self, reference: int | str, title: str, description: str, principal: Principal) -> dict[str, Any]:
        """Add a task at the end. `InvalidInput` for texts beyond the limits, `Conflict` for one task too many."""
        principal.require(self._journal.workspace_id, Permission.INCIDENTS_WRITE)
        values = {"title": _READERS["title"](title), "description": _READERS["description"](description)}
        now = self._journal.clock.now()
        with self._state.session() as session:
            incident = self._journal.row(session, reference)
            there = self._journal.tasks(session, incident.number)
            if len(there) >= MAX_TASKS:
                raise Conflict(f"Incident {incident.number} has {MAX_TASKS} tasks, which is the most.", target="tasks")
            row = TaskRow(
                id=self._new_id(),
                workspace_id=incident.workspace_id,
                number=incident.number,
                position=there[-1].position + 1 if there else 1,
                title=storable(values["title"]),
                description=storable(values["description"]),
                status=TaskStatus.NEW.value,
                created_at=now,
                created_by_id=principal.id,
                created_by_name=principal.display_name,
                modified_at=now,
                completed_at=None,
                completed_by_name=None,
            )
            session.add(row)
            self._done(session, incident, principal, row, f"Task added: {row.title}")
            return task_view(row)

    def change(
        self, reference: int | str, task_id: str, changes: dict[str, JsonValue], principal: Principal
    ) -> dict[str, Any]:
        """Change a task's title, description or status (`New`, `Completed`)."""
        principal.require(self._journal.workspace_id, Permission.INCIDENTS_WRITE)
        with self._state.session() as session:
            incident = self._journal.row(session, reference)
            row = self._row(session, incident, task_id)
            for name, value in changes.items():
                self._set(session, incident, row, name, value, principal)
            return task_view(row)

    def remove(self, reference: int | str, task_id: str, principal: Principal) -> None:
        """Remove a task; its history stays."""
        principal.require(self._journal.workspace_id, Permission.INCIDENTS_WRITE)
        with self._state.session() as session:
            incident = self._journal.row(session, reference)
            row = self._row(session, incident, task_id)
            session.delete(row)
            self._done(session, incident, principal, row, f"Task removed: {row.title}", old=row.title)

    def _set(
        self, session: Session, incident: IncidentRow, row: TaskRow, name: str, value: JsonValue, principal: Principal
    ) -> None:
        known = ("title", "description", "status")
        if name not in known:
            near = nearest(name, known)
            hint = f"Did you mean '{near}'?" if near else f"It has {', '.join(known)}."
            raise InvalidInput(f"A task has no field '{name}' that can be changed.", target=name, hint=hint)
        new = _status(value) if name == "status" else storable(_READERS[name](value))
        old = getattr(row, name)
        if old == new:
            return
        setattr(row, name, new)
        now = self._journal.clock.now()
        row.modified_at = now
        title = f"Task changed: {row.title}"
        if name == "status":
            done = new == TaskStatus.COMPLETED.value
            row.completed_at, row.completed_by_name = (now, principal.display_name) if done else (None, None)
            title = f"Task {'completed' if done else 'opened again'}: {row.title}"
        self._done(session, incident, principal, row, title, old={name: old}, new={name: new})

    def _row(self, session: Session, incident: IncidentRow, task_id: str) -> TaskRow:
        row = session.get(TaskRow, task_id.strip().lower())
        if row is None or (row.workspace_id, row.number) != (incident.workspace_id, incident.number):
            raise NotFound(f"Incident {incident.number} has no task '{task_id}'.", target=task_id)
        return row

    def _done(
        self,
        session: Session,
        incident: IncidentRow,
        principal: Principal,
        row: TaskRow,
        title: str,
        *,
        old: JsonValue = None,
        new: JsonValue = None,
    ) -> None:
        kind = ActivityKind.TASK
        self._journal.note(session, incident, kind, principal, title=title, reference=row.id, old=old, new=new)
        self._journal.finish(session, incident, principal)
        self._journal.tell(IncidentEvent(kind, incident.number, incident.id, principal=principal))


def _status(value: JsonValue) -> str:
    found = next(
        (one.value for one in TaskStatus if isinstance(value, str) and one.value.lower() == value.lower()), None
    )
    if found is None:
        raise InvalidInput(f"'{value}' is not a task's status.", target="status", hint="It is New or Completed.")
    return found
