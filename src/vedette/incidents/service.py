"""The incidents of a workspace: made of alerts, changed by people, and everything that happened to them."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from vedette.core.clock import Clock
from vedette.core.database import State, storable
from vedette.core.errors import Conflict, InvalidInput, NotFound
from vedette.core.ids import IdSource, new_id
from vedette.core.roles import SYSTEM, Permission, Principal
from vedette.detect.alerts.alert import RuleRun
from vedette.detect.rule import JsonValue
from vedette.incidents.campaigns import campaign_view, campaigns_of_incident
from vedette.incidents.detail import incident_view
from vedette.incidents.entities import entity_from_row
from vedette.incidents.fields import (
    FIELDS,
    MAX_COMMENT,
    Contradiction,
    FieldConflict,
    check_etag,
    complete,
    iso,
    read_changes,
)
from vedette.incidents.ingestion import Ingestion, IngestReport
from vedette.incidents.journal import IncidentEvent, IncidentState, Journal, Listener
from vedette.incidents.listing import IncidentFilter, IncidentPage, list_incidents, summary
from vedette.incidents.models import ActivityRow, AlertRow, CommentRow, IncidentEntityRow, IncidentRow
from vedette.incidents.records import alert_view
from vedette.incidents.vocabulary import ActivityKind, Classification, ClassificationReason, Status
from vedette.incidents.work.bookmarks import Bookmarks
from vedette.incidents.work.regrouping import Regrouping
from vedette.incidents.work.tasks import Tasks


class IncidentService:
    """The incidents of one workspace.

    Every change is one transaction: the incident, its history, the row for SecurityIncident, and what listeners add.
    """

    def __init__(
        self,
        state: State,
        workspace_id: str,
        clock: Clock,
        *,
        new_id: IdSource = new_id,
        name_of: Callable[[str], str | None] | None = None,
        url_of: Callable[[int], str] | None = None,
    ) -> None:
        self._state = state
        self.workspace_id = workspace_id
        self._clock = clock
        self._journal = Journal(state, workspace_id, clock, url_of or (lambda number: ""))
        self._new_id = new_id
        self._name_of = name_of or (lambda person_id: None)
        self.tasks = Tasks(state, self._journal, new_id)
        self.bookmarks = Bookmarks(state, self._journal, new_id)
        self.regrouping = Regrouping(state, self._journal, new_id)
        self._ingestion = Ingestion(
            state,
            self._journal,
            self._merge,
        )
        self.outbox = self._journal.outbox
        """Rows for SecurityAlert, SecurityIncident and other tables that the log store does not have yet."""

    def _merge(self, into: IncidentRow, other: IncidentRow) -> None:
        self.regrouping.merge(into.number, [other.number], SYSTEM)

    def subscribe(self, listener: Listener) -> None:
        """Call `listener` for everything that happens to an incident, inside its transaction."""
        self._journal.listeners.append(listener)

    def ingest(self, run: RuleRun) -> IngestReport:
        """Keep a run's alerts and group them into incidents, as its rule says. Alerts that are there are left alone."""
        return self._ingestion.ingest(run)

    # -- changes

    def update(
        self,
        reference: int | str,
        changes: Mapping[str, JsonValue],
        principal: Principal,
        base: Mapping[str, int] | None = None,
        etag: str | None = None,
    ) -> dict[str, Any]:
        """Change fields of an incident, all or none; returns the incident.

        `base` has, for each field, the revision that the person saw. A field that somebody has changed since, to another
        value, is a `FieldConflict`, which shows both values and who; other people's changes of other fields are none.
        A field without a base overwrites. Setting what is there changes nothing. With an `etag`, any change since then
        is `PreconditionFailed`.
        """
        principal.require(self.workspace_id, Permission.INCIDENTS_WRITE)
        wanted = self._named(read_changes(changes))
        with self._state.session() as session:
            incident = self._journal.row(session, reference)
            check_etag(incident, etag)
            self._check_base(session, incident, wanted, base or {})
            before = IncidentState.of(incident)
            changed = self._journal.apply(session, incident, complete(incident, wanted), principal)
            if changed:
                self._journal.finish(session, incident, principal)
                self._journal.prioritiser.concern(session, incident, changed)
                self._journal.tell(
                    IncidentEvent(
                        ActivityKind.CHANGE, incident.number, incident.id, fields=tuple(changed), principal=principal,
                        before=before,
                    )
                )  # fmt: skip
            return self._view(session, incident)

    def escalate(
        self,
        reference: int | str,
        to: JsonValue,
        principal: Principal,
        *,
        findings: str = "",
        severity: JsonValue = None,
        etag: str | None = None,
    ) -> dict[str, Any]:
        """Hand an incident over as a true positive, for further investigation; returns the incident.

        `to` is a team, or a person: it owns the incident then, which is active, and classified. `findings` become a comment, a
        `severity` that of the incident. All of it is one transaction, with an entry in the history. `Conflict` where it has been
        handed over to the same owner already.
        """
        principal.require(self.workspace_id, Permission.INCIDENTS_WRITE)
        owner = FIELDS["owner"].read(to)
        if not isinstance(owner, Mapping):
            raise InvalidInput(
                "An incident is escalated to somebody.",
                target="to",
                hint="Name the team, or the person, that takes it over.",
            )
        changes: dict[str, JsonValue] = {
            "owner": dict(owner), "status": Status.ACTIVE.value, "classification": Classification.TRUE_POSITIVE.value,
            "classificationReason": ClassificationReason.SUSPICIOUS_ACTIVITY.value,
        }  # fmt: skip
        wanted = self._named(read_changes(changes))
        with self._state.session() as session:
            incident = self._journal.row(session, reference)
            check_etag(incident, etag)
            to_name = str(wanted["owner"]["name"])
            if incident.merged_into is not None:
                raise Conflict(
                    f"Incident {incident.number} was merged.", target=str(incident.number),
                    hint=f"Escalate incident {incident.merged_into}, which has its alerts.",
                )  # fmt: skip
            if all(FIELDS[name].get(incident) == value for name, value in wanted.items()):
                raise Conflict(
                    f"Incident {incident.number} is with {to_name} already, as a true positive.",
                    target=str(incident.number),
                )
            if findings.strip():
                self.comment(incident.number, findings, principal)
            title = f"Escalated to {to_name} as a true positive"
            detail = findings.strip() or None
            self._journal.note(session, incident, ActivityKind.ESCALATION, principal, title=title, detail=detail)
            return self.update(
                incident.number, changes if severity is None else changes | {"severity": severity}, principal
            )

    def prioritise(self, most: int = 200) -> int:
        """Weigh again, a bounded number of, the incidents whose priority rests on something that has changed elsewhere
        (a verdict, a watchlist, another incident); returns how many."""
        prioritiser = self._journal.prioritiser
        with self._state.session(read_only=True) as session:
            if not prioritiser.due(session):
                return 0
        with self._state.session() as session:
            return prioritiser.refresh(session, most)

    def _named(self, changes: dict[str, JsonValue]) -> dict[str, JsonValue]:
        owner = changes.get("owner")
        if owner is not None:
            changes["owner"] = {"id": owner["id"], "name": self._name_of(owner["id"]) or owner["name"]}
        return changes

    def _check_base(
        self, session: Session, incident: IncidentRow, wanted: Mapping[str, JsonValue], base: Mapping[str, int]
    ) -> None:
        unknown = [name for name in base if name not in FIELDS]
        if unknown:
            raise InvalidInput(f"An incident has no field '{unknown[0]}' that can be changed.", target=unknown[0])
        contradictions = []
        for name, value in wanted.items():
            current, revision = FIELDS[name].get(incident), incident.revisions[name]
            if name in base and base[name] < revision and current != value:
                last = self._last_change(session, incident, name)
                who = None if last is None else {"id": last.actor_id, "name": last.actor_name}
                at = None if last is None else last.at
                contradictions.append(Contradiction(name, current, value, revision, who, at))
        if contradictions:
            raise FieldConflict(_contradicted(contradictions), contradictions)

    def _last_change(self, session: Session, incident: IncidentRow, name: str) -> ActivityRow | None:
        query = select(ActivityRow).where(
            ActivityRow.workspace_id == self.workspace_id,
            ActivityRow.number == incident.number,
            ActivityRow.field == name,
        )
        return session.scalars(query.order_by(ActivityRow.id.desc()).limit(1)).first()

    def comment(self, reference: int | str, message: str, principal: Principal) -> dict[str, Any]:
        """Add a comment; returns it."""
        principal.require(self.workspace_id, Permission.INCIDENTS_WRITE)
        text = storable(message.strip())
        if not text:
            raise InvalidInput("A comment is not empty.", target="message")
        if len(text) > MAX_COMMENT:
            raise InvalidInput(f"A comment has at most {MAX_COMMENT:,} characters.", target="message")
        now = self._clock.now()
        with self._state.session() as session:
            incident = self._journal.row(session, reference)
            row = CommentRow(
                id=self._new_id(),
                workspace_id=self.workspace_id,
                number=incident.number,
                message=text,
                author_id=principal.id,
                author_name=principal.display_name,
                created_at=now,
                modified_at=now,
            )
            session.add(row)
            before = IncidentState.of(incident)
            incident.comment_count += 1
            self._journal.note(
                session, incident, ActivityKind.COMMENT, principal, title="Comment", detail=text, reference=row.id
            )
            self._journal.finish(session, incident, principal)
            self._journal.tell(
                IncidentEvent(ActivityKind.COMMENT, incident.number, incident.id, principal=principal, before=before)
            )
            return {
                "id": row.id,
                "message": text,
                "author": {"id": row.author_id, "name": row.author_name},
                "createdTimeUtc": iso(now),
            }

    def note(
        self,
        reference: int | str,
        kind: ActivityKind,
        title: str,
        *,
        detail: str | None = None,
        about: str | None = None,
        principal: Principal = SYSTEM,
    ) -> None:
        """Put an entry on an incident's timeline (a delivery, an action); the incident itself stays as it is."""
        with self._state.session() as session:
            incident = self._journal.row(session, reference)
            self._journal.note(session, incident, kind, principal, title=title, detail=detail, reference=about)

    # -- reading

    def list(self, wanted: IncidentFilter | None = None) -> IncidentPage:
        """A page of the queue."""
        with self._state.session(read_only=True) as session:
            return list_incidents(session, self.workspace_id, wanted or IncidentFilter())

    def get(self, reference: int | str) -> dict[str, Any]:
        """An incident with everything that belongs to it, by number or id. `NotFound` if there is none."""
        with self._state.session(read_only=True) as session:
            return self._view(session, self._journal.row(session, reference))

    def summary(self, reference: int | str) -> dict[str, Any]:
        """An incident as a line of the queue."""
        with self._state.session(read_only=True) as session:
            return summary(self._journal.row(session, reference))

    def alert(self, alert_id: str) -> dict[str, Any]:
        """An alert by its id."""
        with self._state.session(read_only=True) as session:
            row = session.get(AlertRow, (self.workspace_id, alert_id.lower()))
            if row is None:
                raise NotFound(f"There is no alert '{alert_id}'.", target=alert_id)
            return alert_view(row)

    def incidents_of_runs(self, run_ids: Iterable[str]) -> dict[str, builtins.list[int]]:
        """Numbers of the incidents that each run's alerts came into."""
        query = (
            select(AlertRow.run_id, AlertRow.incident_number)
            .where(
                AlertRow.workspace_id == self.workspace_id,
                AlertRow.run_id.in_(list(run_ids)),
            )
            .distinct()
        )
        found: dict[str, builtins.list[int]] = {}
        with self._state.session(read_only=True) as session:
            for run_id, number in session.execute(query):
                if number is not None:
                    found.setdefault(run_id, []).append(number)
        return {run_id: sorted(numbers) for run_id, numbers in found.items()}

    def _view(self, session: Session, incident: IncidentRow) -> dict[str, Any]:
        entities = select(IncidentEntityRow).filter_by(workspace_id=self.workspace_id, number=incident.number)
        activities = select(ActivityRow).filter_by(workspace_id=self.workspace_id, number=incident.number)
        alerts = self._journal.alerts(session, incident.number)
        return incident_view(
            incident,
            alerts,
            [entity_from_row(row) for row in session.scalars(entities.order_by(IncidentEntityRow.position))],
            self._journal.comments(session, incident.number),
            session.scalars(activities.order_by(ActivityRow.id)).all(),
            tasks=self._journal.tasks(session, incident.number),
            bookmarks=self._journal.bookmarks(session, incident.number),
            moves=self._journal.moves(session, incident.number),
            campaign=campaign_view(session, self.workspace_id, alerts),
            campaigns=campaigns_of_incident(session, incident),
        )


def _contradicted(contradictions: builtins.list[Contradiction]) -> str:
    first = contradictions[0]
    who = first.changed_by["name"] if first.changed_by else "Somebody"
    when = f" at {iso(first.changed_at)[:19]}Z" if first.changed_at else ""
    title = FIELDS[first.field].title
    sentence = f"{who} set the {title} to {_shown(first.current)}{when}; you set it to {_shown(first.wanted)}."
    more = [FIELDS[one.field].title for one in contradictions[1:]]
    return f"{sentence} The same goes for {', '.join(more)}." if more else sentence


def _shown(value: JsonValue) -> str:
    if value in (None, "", []):
        return "nothing"
    if isinstance(value, Mapping):
        return str(value.get("name"))
    return ", ".join(value) if isinstance(value, list) else str(value)
