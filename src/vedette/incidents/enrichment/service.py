"""Attaches to incidents what the workspace knows of their entities: by itself, behind everything else, and again when they change.

That an incident is to be looked up is written in the transaction that makes it or changes its entities (`models.entities_are`), and what
was found in one transaction of its own; an end in between looks it up once more. Nothing that fails here fails the incident: it is told
with what was asked, and tried again a few times.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import or_, select

from vedette.core.clock import Clock
from vedette.core.database import State, storable
from vedette.core.errors import Closing, NotFound, VedetteError
from vedette.core.priority import WAITED_FOR_LATER, step_back
from vedette.core.roles import Permission, Principal
from vedette.detect.entities.entity import Entity
from vedette.engine.query import QueryFailed
from vedette.incidents.enrichment.contract import Enrichment, Found, Subject, Workbench
from vedette.incidents.enrichment.models import EnrichmentRow, want
from vedette.incidents.entities import entity_from_row
from vedette.incidents.fields import iso
from vedette.incidents.journal import Journal
from vedette.incidents.logs import Logs
from vedette.incidents.models import IncidentEntityRow
from vedette.kql.diagnostics import KqlError

MOST_ENTITIES: Final = 60
"""Entities of an incident that are asked about: the first that were seen."""
SECONDS: Final = 30.0
"""For all look-ups of one incident together."""
TEXT: Final = 1000
"""Characters of a value of a fact."""
ATTEMPTS: Final = 3
AGAIN: Final = timedelta(minutes=1)
"""After a failure; doubles."""
IDLE: Final = 1.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Task:
    subject: Subject
    revision: int
    left_out: int


class Enricher:
    """The enrichment of one workspace's incidents."""

    def __init__(self, state: State, workspace_id: str, clock: Clock, logs: Logs, units: Sequence[Enrichment]) -> None:
        self._state, self._workspace_id, self._clock, self._logs = state, workspace_id, clock, logs
        self._units = tuple(units)
        self._journal = Journal(state, workspace_id, clock, lambda number: "")
        self._turn = threading.Lock()

    # -- what is done

    def run(self, stop: threading.Event) -> None:
        """Looks up what is to be until told to stop; rests as long as it worked."""
        step_back(WAITED_FOR_LATER)
        while not stop.is_set():
            begun = self._clock.monotonic()
            try:
                done = self.work(1)
            except Closing:
                return
            except VedetteError as error:
                _log.error("incidents cannot be enriched: %s", error)
                done = 0
            except Exception:
                _log.exception("incidents cannot be enriched")
                done = 0
            rest = min(self._clock.monotonic() - begun, IDLE) if done else IDLE
            self._clock.wait(stop, rest)

    def work(self, most: int = 1000) -> int:
        """Looks up what is to be now, the newest incident first; returns how many incidents that were."""
        done = 0
        while done < most and (number := self._next()) is not None:
            with self._turn:
                self._enrich(number)
            done += 1
        return done

    def catch_up(self, number: int) -> None:
        """Looks up one incident, if it is to be now: where nobody does so in the background."""
        if self._next(number) is not None:
            with self._turn:
                self._enrich(number)

    def _next(self, number: int | None = None) -> int | None:
        query = select(EnrichmentRow.number).where(
            EnrichmentRow.workspace_id == self._workspace_id, EnrichmentRow.waiting.is_(True),
            or_(EnrichmentRow.due_at.is_(None), EnrichmentRow.due_at <= self._clock.now()),
        )  # fmt: skip
        if number is not None:
            query = query.where(EnrichmentRow.number == number)
        with self._state.session(read_only=True) as session:
            return session.scalar(query.order_by(EnrichmentRow.number.desc()).limit(1))

    def _enrich(self, number: int) -> None:
        """Looks up one incident. One that cannot be is put off, so that it keeps no other one waiting."""
        task = None
        try:
            task = self._task(number)
            found, failed = self._look_up(task)
            self._keep(number, task.revision, found, failed)
        except Exception:
            _log.exception("what is known of the entities of incident %s cannot be kept", number)
            self._keep(number, None if task is None else task.revision, None, True)

    def _keep(self, number: int, revision: int | None, found: list[dict[str, Any]] | None, failed: bool) -> None:
        now = self._clock.now()
        with self._state.session() as session:
            row = session.get(EnrichmentRow, (self._workspace_id, number))
            if row is None:
                return
            if found is not None:
                row.found, row.enriched_at = found, now
            if revision is not None and row.revision != revision:
                return  # its entities are others by now: what was found is shown until it was looked up for them
            row.attempts += 1
            row.waiting = failed and row.attempts < ATTEMPTS
            row.due_at = now + AGAIN * (1 << row.attempts - 1) if row.waiting else None

    def _task(self, number: int) -> _Task:
        entities = select(IncidentEntityRow).filter_by(workspace_id=self._workspace_id, number=number)
        with self._state.session(read_only=True) as session:
            row = session.get(EnrichmentRow, (self._workspace_id, number))
            if row is None:
                raise NotFound(f"There is no incident '{number}'.", target=str(number))
            merged = [entity_from_row(one) for one in session.scalars(entities.order_by(IncidentEntityRow.position))]
            alerts = self._journal.alerts(session, number)
            session.expunge_all()
        asked = {one.id: Entity.of(one.type, one.identifiers) for one in merged[:MOST_ENTITIES]}
        subject = Subject(self._workspace_id, number, asked, alerts)
        return _Task(subject, row.revision, len(merged) - len(asked))

    def _look_up(self, task: _Task) -> tuple[list[dict[str, Any]], bool]:
        """What every enrichment brought, and whether one of them failed in a way that may pass."""
        tables = frozenset(one.name for one in self._logs.tables())
        ends = self._clock.monotonic() + SECONDS
        told, failed = [], False
        for unit in self._units:
            entities = {key: one for key, one in task.subject.entities.items() if one.type in unit.kinds}
            if not entities:
                continue
            subject = Subject(self._workspace_id, task.subject.number, entities, task.subject.alerts)
            left = ends - self._clock.monotonic()
            if left <= 0:
                found, failed = Found(reason="The time for this incident was over."), True
            else:
                bench = Workbench(self._state, self._clock, self._logs, tables, left)
                found, passes = self._asked(unit, subject, bench)
                failed = failed or passes
            told.append(_kept(unit, found, task.left_out))
        return told, failed

    def _asked(self, unit: Enrichment, subject: Subject, bench: Workbench) -> tuple[Found, bool]:
        try:
            return unit.look_up(subject, bench), False
        except KqlError as error:
            return Found(
                reason=str(error)
            ), False  # a function without its database, a saved function in a table's place
        except Closing:
            raise  # it has not looked
        except (QueryFailed, VedetteError) as error:
            return Found(reason=str(error)), True
        except Exception:
            _log.exception("the enrichment %s failed in a way that it must not", unit.id)
            return Found(reason="The enrichment failed; the log has the details."), True

    # -- what is asked for

    def of(self, reference: int | str, caller: Principal) -> dict[str, Any]:
        """What was found of an incident's entities. Facts that the caller may not see elsewhere are left out here, too."""
        caller.require(self._workspace_id, Permission.INCIDENTS_READ)
        rights = {unit.id: unit.right for unit in self._units}
        with self._state.session(read_only=True) as session:
            incident = self._journal.row(session, reference)
            row = session.get(EnrichmentRow, (self._workspace_id, incident.number))
            if row is None:
                return {"state": "None", "enrichedTimeUtc": None, "value": []}
            value = [
                one if caller.allows(self._workspace_id, rights[one["id"]])
                else {**one, "facts": [], "more": False, "reason": f"It needs the permission {rights[one['id']]}."}
                for one in row.found if one["id"] in rights
            ]  # fmt: skip
            return {
                "state": "Waiting" if row.waiting else "Current",
                "enrichedTimeUtc": None if row.enriched_at is None else iso(row.enriched_at),
                "value": value,
            }

    def refresh(self, reference: int | str, caller: Principal) -> dict[str, Any]:
        """Looks an incident up now, since what is known may have changed; returns what was found."""
        caller.require(self._workspace_id, Permission.INCIDENTS_WRITE)
        with self._state.session() as session:
            number = self._journal.row(session, reference).number
            row = session.get(EnrichmentRow, (self._workspace_id, number))
            want(session, self._workspace_id, number, "" if row is None else row.entities)
        with self._turn:
            self._enrich(number)
        return self.of(number, caller)


def _kept(unit: Enrichment, found: Found, left_out: int) -> dict[str, Any]:
    """What is stored of an enrichment, within its limits."""
    facts: list[dict[str, Any]] = []
    size, more = 0, found.more
    for fact in found.facts:
        one = {
            "entityId": fact.entity_id, "title": _cut(fact.title),
            "properties": {_cut(str(name)): _cut(value) for name, value in fact.properties.items()},
        }  # fmt: skip
        size += len(json.dumps(one))
        if len(facts) == unit.rows or size > unit.bytes:
            more = True
            break
        facts.append(one)
    reason = found.reason
    if left_out and not reason:
        reason = f"{left_out} further entities were not asked about."
    return {"id": unit.id, "title": unit.title, "facts": facts, "more": more, "reason": reason}


def _cut(value: Any) -> Any:
    """A value as it is kept: text that every database takes, and no longer than `TEXT`."""
    if not isinstance(value, str):
        try:
            whole = json.dumps(value, allow_nan=False)
        except (TypeError, ValueError):
            whole = str(value)
        else:
            if len(whole) <= TEXT:
                return value
        value = whole
    value = storable(value)
    return value if len(value) <= TEXT else f"{value[:TEXT]}…"
