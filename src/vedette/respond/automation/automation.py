"""Applies automation rules: in the transaction of the event that triggers them, in their order, each at most once.

An event is the making of an incident, or a change that somebody or something else than a rule made of it. What the rules for new
incidents have changed of one, together, is an event for the rules for updates, as in Sentinel; what those change is none, so there is
no loop. What one rule has changed is what the conditions of the next are asked about.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from vedette.core.clock import Clock
from vedette.core.database import State
from vedette.core.errors import VedetteError
from vedette.core.ids import IdSource, new_id
from vedette.core.roles import Principal, Role
from vedette.incidents.journal import IncidentEvent, IncidentState
from vedette.incidents.logrows import HEALTH
from vedette.incidents.models import AlertRow, IncidentEntityRow, IncidentRow
from vedette.incidents.service import IncidentService
from vedette.incidents.vocabulary import ActivityKind
from vedette.respond.automation.actions.contract import ActionContext, AtSource, PersonOf
from vedette.respond.automation.conditions.contract import When
from vedette.respond.automation.facts import Facts, Scope, Source
from vedette.respond.automation.health import AutomationRun, Issue, health_row
from vedette.respond.automation.library import AutomationRules
from vedette.respond.automation.rule import AutomationRule

KIND: Final = "automation"
"""The kind of principal that a rule acts as."""
NOT_RUN: Final = "NotSupported"
"""The code of an action that is not done here, in SentinelHealth."""
_SOURCES: Final = {"client": Source.APPLICATION, "system": Source.ALERT_GROUPING}


class Automation:
    """The automation of one workspace: it listens to what happens to incidents."""

    def __init__(
        self,
        state: State,
        incidents: IncidentService,
        rules: AutomationRules,
        clock: Clock,
        person_of: PersonOf,
        at_source: AtSource,
        ids: IdSource = new_id,
    ) -> None:
        self._state = state
        self._incidents = incidents
        self._rules = rules
        self._clock = clock
        self._person_of = person_of
        self._at_source = at_source
        self._new_id = ids
        incidents.subscribe(self.happened)

    def happened(self, event: IncidentEvent) -> None:
        """Apply the rules that an event triggers. Called in the event's transaction, of which all of this is a part."""
        if event.principal.kind == KIND:
            return
        if not event.created and event.before is None:
            return  # a task, a bookmark: nothing that a rule is triggered by
        with self._state.session() as session:
            row = session.get_one(IncidentRow, (self._incidents.workspace_id, event.number))
            if row.merged_into is not None:
                return
            if not event.created and not _counts(event.before, IncidentState.of(row)):
                return
            if not event.created:
                source = _SOURCES.get(event.principal.kind, Source.USER)
                self._trigger(session, row, When.UPDATED, event.before, source)
                return
            made = IncidentState.of(row)
            self._trigger(session, row, When.CREATED, None, None)
            if _counts(made, IncidentState.of(row)):
                self._trigger(session, row, When.UPDATED, made, Source.AUTOMATION_RULE)

    def _trigger(
        self, session: Session, row: IncidentRow, when: When, before: IncidentState | None, source: Source | None
    ) -> None:
        """Apply the rules of a trigger whose conditions hold."""
        rules = self._rules.triggered(session, when, self._clock.now())
        if not rules:
            return
        facts = self._facts(session, row, before, source)
        for rule in rules:
            if all(condition.holds(Scope(facts)) for condition in rule.conditions):
                self._apply(session, rule, when, row)

    def _facts(self, session: Session, row: IncidentRow, before: IncidentState | None, source: Source | None) -> Facts:
        mine = {"workspace_id": row.workspace_id}
        alerts = select(AlertRow).filter_by(**mine, incident_number=row.number).order_by(AlertRow.start, AlertRow.id)
        entities = select(IncidentEntityRow).filter_by(**mine, number=row.number).order_by(IncidentEntityRow.position)
        return Facts(
            row, before, source, lambda: session.scalars(alerts).all(), lambda: session.scalars(entities).all()
        )

    def _apply(self, session: Session, rule: AutomationRule, when: When, row: IncidentRow) -> None:
        """Do what a rule says, one action after another. One that cannot be done is told, and does not keep the others."""
        who = _principal(rule, self._incidents.workspace_id)
        context = ActionContext(self._incidents, row.number, who, self._person_of, self._at_source)
        done: list[str] = []
        failed: list[Issue] = []
        for action in rule.actions:
            if action.not_runnable is not None:
                failed.append(Issue(NOT_RUN, action.not_runnable))
                continue
            try:
                with self._state.session():  # what an action did before it failed is undone
                    action.run(context)
            except VedetteError as error:
                failed.append(Issue(error.code, f"Not done: {action.said}. {error}"))
            else:
                done.append(action.said)
        said = [one.message for one in failed]
        detail = "\n".join([*(["; ".join(done)] if done else []), *said])
        title = f"Automation rule applied: {rule.name}"
        self._incidents.note(row.number, ActivityKind.ACTION, title, detail=detail, about=rule.id, principal=who)
        self._rules.count(session, rule.id, "\n".join(said) or None)
        run = AutomationRun(self._new_id(), rule, when, row.id, row.number, len(done), failed)
        self._incidents.outbox.add(session, HEALTH, health_row(run, self._incidents.workspace_id, self._clock.now()))


def _counts(before: IncidentState | None, now: IncidentState) -> bool:
    """Whether a change is one that triggers rules: of status, owner or severity, or alerts, comments, labels or tactics more."""
    if before is None:
        return False
    if (before.severity, before.status, before.owner) != (now.severity, now.status, now.owner):
        return True
    return bool(now.added_since(before))


def _principal(rule: AutomationRule, workspace_id: str) -> Principal:
    return Principal(
        id=rule.id, kind=KIND, name=rule.name, display_name=rule.name,
        roles_by_workspace={workspace_id: frozenset({Role.RESPONDER})}, credential=f"automation-rule:{rule.id}",
    )  # fmt: skip
