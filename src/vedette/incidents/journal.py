"""What every change of an incident goes through: its history, its revision, the log row, and who is told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import orjson
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from vedette.core.clock import Clock
from vedette.core.database import State, storable
from vedette.core.errors import NotFound
from vedette.core.ids import is_uuid
from vedette.core.roles import SYSTEM, Principal
from vedette.detect.alerts.alert import RuleRun
from vedette.detect.rule import JsonValue
from vedette.incidents.fields import FIELDS
from vedette.incidents.listing import summary
from vedette.incidents.logrows import INCIDENTS, security_incident
from vedette.incidents.models import (
    ActivityRow,
    AlertRow,
    CommentRow,
    IncidentCounterRow,
    IncidentEntityRow,
    IncidentRow,
)
from vedette.incidents.outbox import LogOutbox
from vedette.incidents.prioritising import Prioritiser
from vedette.incidents.vocabulary import ActivityKind, Status
from vedette.incidents.work.models import BookmarkRow, MoveRow, TaskRow

_SEARCH_CHARACTERS: Final = 20_000
_MODIFIERS: Final = {"automation": "Automation rule"}
"""Kinds of principals that Sentinel calls otherwise in ModifiedBy."""


@dataclass(frozen=True, slots=True)
class IncidentState:
    """What an incident was at a moment, as far as automation rules look at what has changed."""

    severity: str
    status: str
    owner: tuple[str, ...]
    """Id and name; empty where nobody owns it."""
    labels: frozenset[str]
    tactics: frozenset[str]
    alerts: int
    comments: int

    @classmethod
    def of(cls, row: IncidentRow) -> IncidentState:
        """The incident as it is."""
        owner = () if row.owner_id is None else (row.owner_id, row.owner_name or row.owner_id)
        return cls(
            row.severity, row.status, owner, frozenset(row.labels), frozenset(row.tactics), row.alert_count,
            row.comment_count,
        )  # fmt: skip

    def added_since(self, before: IncidentState) -> frozenset[str]:
        """The lists that have more in them than before: `Alerts`, `Comments`, `Labels`, `Tactics`."""
        grown = {
            "Alerts": self.alerts > before.alerts, "Comments": self.comments > before.comments,
            "Labels": bool(self.labels - before.labels), "Tactics": bool(self.tactics - before.tactics),
        }  # fmt: skip
        return frozenset(name for name, more in grown.items() if more)


@dataclass(frozen=True, slots=True)
class IncidentEvent:
    """Something happened to an incident. Told inside the transaction in which it did.

    `created` is true of the first event of an incident; `before` is what it was before an event that may have changed its state.
    """

    kind: ActivityKind
    number: int
    id: str
    run: RuleRun | None = None
    alert_ids: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    principal: Principal = SYSTEM
    created: bool = False
    before: IncidentState | None = None


Listener = Callable[[IncidentEvent], None]


class Journal:
    """The rows of one workspace's incidents, and the steps that a change is made of. All work in the caller's session."""

    def __init__(self, state: State, workspace_id: str, clock: Clock, url_of: Callable[[int], str]) -> None:
        self.workspace_id = workspace_id
        self.clock = clock
        self._url_of = url_of
        self.prioritiser = Prioritiser(state, workspace_id, clock)
        self.outbox = LogOutbox(state, workspace_id, clock)
        self.listeners: list[Listener] = []

    def row(self, session: Session, reference: int | str) -> IncidentRow:
        text = str(reference).strip()
        found: IncidentRow | None = None
        if is_uuid(text):
            query = select(IncidentRow).filter_by(workspace_id=self.workspace_id, id=text.lower())
            found = session.scalars(query).one_or_none()
        elif text.isdigit() and len(text) < 10:
            found = session.get(IncidentRow, (self.workspace_id, int(text)))
        if found is None:
            hint = "An incident is named by its number or its id."
            raise NotFound(f"There is no incident '{text}'.", target=text, hint=hint)
        return found

    def counter(self, session: Session) -> IncidentCounterRow:
        counter = session.get(IncidentCounterRow, self.workspace_id)
        if counter is None:
            counter = IncidentCounterRow(workspace_id=self.workspace_id, last_number=0, last_change=0)
            session.add(counter)
            session.flush()
        return counter

    def apply(
        self, session: Session, incident: IncidentRow, changes: Mapping[str, JsonValue], principal: Principal
    ) -> list[str]:
        """Set fields and write their history; returns the names of those that changed."""
        changed = []
        for name, value in changes.items():
            known = FIELDS[name]
            old = known.get(incident)
            if old == value:
                continue
            known.put(incident, value)
            revision = incident.revisions[name] + 1
            incident.revisions = {**incident.revisions, name: revision}
            self.note(
                session, incident, ActivityKind.CHANGE, principal, field=name, revision=revision, old=old, new=value
            )
            changed.append(name)
        if "status" in changed:
            closed = incident.status == Status.CLOSED.value
            incident.closed_at = self.clock.now() if closed else None
        return changed

    def note(
        self,
        session: Session,
        incident: IncidentRow,
        kind: ActivityKind,
        principal: Principal,
        *,
        title: str | None = None,
        detail: str | None = None,
        reference: str | None = None,
        field: str | None = None,
        revision: int | None = None,
        old: JsonValue = None,
        new: JsonValue = None,
    ) -> None:
        session.add(
            ActivityRow(
                workspace_id=self.workspace_id,
                number=incident.number,
                at=self.clock.now(),
                kind=kind.value,
                actor_id=principal.id,
                actor_name=principal.display_name,
                field=field,
                revision=revision,
                old=old,
                new=new,
                title=None if title is None else storable(title),
                detail=None if detail is None else storable(detail),
                reference=reference,
            )
        )

    def finish(self, session: Session, incident: IncidentRow, principal: Principal) -> None:
        """What every change ends with: who and when, the queue's search text, and the row for SecurityIncident."""
        counter = self.counter(session)
        counter.last_change += 1
        incident.change = counter.last_change
        incident.modified_at = self.clock.now()
        incident.modified_by = (
            f"{_MODIFIERS.get(principal.kind, principal.kind.capitalize())} - {principal.display_name}"
        )
        session.flush()
        self.prioritiser.weigh(session, incident)
        incident.search_text = _search_text(incident, self._entity_names(session, incident))
        incident.summary = orjson.dumps(summary(incident)).decode()
        row = security_incident(
            incident,
            self._alert_ids(session, incident),
            self.comments(session, incident.number),
            self.workspace_id,
            self._url_of(incident.number),
            tasks=self.tasks(session, incident.number),
            bookmark_ids=[bookmark.id for bookmark in self.bookmarks(session, incident.number)],
        )
        self.outbox.add(session, INCIDENTS, row)
        session.flush()

    def tell(self, event: IncidentEvent) -> None:
        for listener in self.listeners:
            listener(event)

    def alerts(self, session: Session, number: int) -> list[AlertRow]:
        query = select(AlertRow).filter_by(workspace_id=self.workspace_id, incident_number=number)
        return list(session.scalars(query.order_by(AlertRow.start, AlertRow.id)))

    def comments(self, session: Session, number: int) -> list[CommentRow]:
        query = select(CommentRow).filter_by(workspace_id=self.workspace_id, number=number)
        return list(session.scalars(query.order_by(CommentRow.created_at, CommentRow.id)))

    def tasks(self, session: Session, number: int) -> list[TaskRow]:
        query = select(TaskRow).filter_by(workspace_id=self.workspace_id, number=number)
        return list(session.scalars(query.order_by(TaskRow.position, TaskRow.id)))

    def bookmarks(self, session: Session, number: int) -> list[BookmarkRow]:
        query = select(BookmarkRow).filter_by(workspace_id=self.workspace_id, number=number, deleted=False)
        return list(session.scalars(query.order_by(BookmarkRow.event_time, BookmarkRow.id)))

    def moves(self, session: Session, number: int) -> list[MoveRow]:
        concerned = or_(MoveRow.number == number, MoveRow.other == number)
        query = select(MoveRow).where(MoveRow.workspace_id == self.workspace_id, concerned)
        return list(session.scalars(query.order_by(MoveRow.at, MoveRow.id)))

    def _alert_ids(self, session: Session, incident: IncidentRow) -> list[str]:
        query = select(AlertRow.id).filter_by(workspace_id=self.workspace_id, incident_number=incident.number)
        own = session.scalars(query.order_by(AlertRow.start, AlertRow.id))
        # a campaign's alerts may be in incidents of their own: they are its alerts all the same
        return list(dict.fromkeys([*own, *(incident.grouping or {}).get("alertIds", [])]))

    def _entity_names(self, session: Session, incident: IncidentRow) -> list[str]:
        query = select(IncidentEntityRow.name).filter_by(workspace_id=self.workspace_id, number=incident.number)
        return list(session.scalars(query.order_by(IncidentEntityRow.position)))


def _search_text(incident: IncidentRow, entities: Iterable[str]) -> str:
    labels = "".join(f"\n#{label}\n" for label in incident.labels)
    parts = [
        f"#{incident.number}",
        incident.title,
        incident.owner_name or "",
        *incident.tactics,
        *incident.techniques,
        *incident.product_names,
        *incident.rule_names,
        *dict.fromkeys(entities),
    ]
    return storable(f"{labels}{chr(10).join(parts)}"[:_SEARCH_CHARACTERS].casefold())
