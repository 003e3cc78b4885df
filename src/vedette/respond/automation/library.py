"""The automation rules of a workspace: made, imported, listed in order, switched on and off, and counted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from vedette.core.audit import Audit
from vedette.core.clock import Clock
from vedette.core.database import State
from vedette.core.errors import Conflict, InvalidInput, not_found
from vedette.core.ids import IdSource, new_id
from vedette.core.roles import Permission, Principal
from vedette.detect.reading.problems import ProblemSeverity, RuleProblem
from vedette.detect.rule import canonical_json
from vedette.respond.automation.actions.run_playbook import RunPlaybook
from vedette.respond.automation.conditions.contract import When
from vedette.respond.automation.models import RULE_ID_LENGTH, AutomationRuleRow
from vedette.respond.automation.reading import ReadRule
from vedette.respond.automation.rule import MAX_ORDER, AutomationRule, On, rule_of

MAX_RULES: Final = 512
"""Automation rules of a workspace (Sentinel's limit)."""


@dataclass(frozen=True, slots=True)
class StoredRule:
    """A rule as the library has it, and what has come of it."""

    rule: AutomationRule
    created_at: datetime
    created_by: str
    updated_at: datetime
    updated_by: str
    applied: int
    applied_at: datetime | None
    errors: int
    error_at: datetime | None
    error: str | None

    def state(self, now: datetime) -> str:
        """`enabled`, `disabled` or `expired`."""
        if not self.rule.enabled:
            return "disabled"
        return "expired" if self.rule.expires_at is not None and self.rule.expires_at <= now else "enabled"


@dataclass(slots=True)
class ImportReport:
    """What an import did: ids of rules, what could not be read, and what of the rules is not done here."""

    added: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    not_runnable: list[dict[str, str]] = field(default_factory=list)
    problems: list[RuleProblem] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON."""
        return {
            "added": self.added, "updated": self.updated, "unchanged": self.unchanged,
            "notRunnable": self.not_runnable, "problems": [problem.to_dict() for problem in self.problems],
        }  # fmt: skip


class AutomationRules:
    """The automation rules of one workspace. Every change is one transaction, with its entry in the audit trail."""

    def __init__(
        self, state: State, workspace_id: str, clock: Clock, audit: Audit | None = None, ids: IdSource = new_id
    ) -> None:
        self._state = state
        self.workspace_id = workspace_id
        self._clock = clock
        self._audit = audit or Audit(state, clock)
        self._new_id = ids
        self._read: dict[str, tuple[tuple[int, datetime], AutomationRule]] = {}

    # -- reading

    def list(self) -> list[StoredRule]:
        """Every rule: those of new incidents, then those of updates, then those of alerts, in their order."""
        query = select(AutomationRuleRow).where(AutomationRuleRow.workspace_id == self.workspace_id).order_by(*_ORDER)
        with self._state.session(read_only=True) as session:
            found = [_stored(row) for row in session.scalars(query)]
        places = {On.INCIDENTS: 0, On.ALERTS: 1}
        whens = {When.CREATED: 0, When.UPDATED: 1}
        return sorted(found, key=lambda one: (places[one.rule.on], whens[one.rule.when]))

    def get(self, id_or_name: str) -> StoredRule:
        """The rule of that id (in any case), or of that name if only one has it; `NotFound` names the nearest."""
        with self._state.session(read_only=True) as session:
            return _stored(self._row(session, id_or_name))

    def triggered(self, session: Session, when: When, now: datetime) -> Sequence[AutomationRule]:
        """The rules that an event of incidents triggers at this time, in the order in which they are applied."""
        query = (
            select(AutomationRuleRow.id, AutomationRuleRow.revision, AutomationRuleRow.created_at)
            .where(
                AutomationRuleRow.workspace_id == self.workspace_id,
                AutomationRuleRow.triggers_when == when.value,
                AutomationRuleRow.enabled.is_(True),
            )
            .order_by(*_ORDER)
        )
        rules = [self._rule(session, one, (revision, made)) for one, revision, made in session.execute(query)]
        return [rule for rule in rules if rule.in_force(now)]

    def _rule(self, session: Session, rule_id: str, version: tuple[int, datetime]) -> AutomationRule:
        kept = self._read.get(rule_id)
        if kept is None or kept[0] != version:
            row = session.get_one(AutomationRuleRow, (self.workspace_id, rule_id))
            kept = self._read[rule_id] = (version, _kept(row))
        return kept[1]

    # -- changes

    def create(self, properties: Mapping[str, Any], by: Principal, rule_id: str | None = None) -> StoredRule:
        """Make a rule. Without an order it comes after all others of its trigger. `InvalidInput` says what is wrong with it."""
        by.require(self.workspace_id, Permission.RULES_WRITE)
        made = _checked_id(rule_id) if rule_id is not None else self._new_id()
        with self._state.session() as session:
            given = dict(properties)
            if given.get("order") is None:
                given["order"] = self._next_order(session, given)
            rule = rule_of(given, made)
            _refuse(rule, allowed=())
            if session.get(AutomationRuleRow, (self.workspace_id, made)) is not None:
                raise Conflict(f"There is an automation rule '{made}' already.", target=made)
            row = self._add(session, rule, by)
            self._record(by, "add", rule)
            return _stored(row)

    def put(self, id_or_name: str, properties: Mapping[str, Any], by: Principal) -> StoredRule:
        """Replace a rule's name, order, trigger and actions. What it did so far stays counted."""
        by.require(self.workspace_id, Permission.RULES_WRITE)
        with self._state.session() as session:
            row = self._row(session, id_or_name)
            before = _kept(row)
            rule = rule_of(properties, row.id)
            _refuse(rule, allowed=before.not_runnable)
            if canonical_json(rule.properties) != canonical_json(row.properties):
                self._replace(row, rule, by)
                self._record(by, "change", rule)
            session.flush()
            return _stored(row)

    def set_enabled(self, id_or_name: str, enabled: bool, by: Principal) -> StoredRule:
        """Switch a rule on or off."""
        by.require(self.workspace_id, Permission.RULES_WRITE)
        with self._state.session() as session:
            row = self._row(session, id_or_name)
            if row.enabled != enabled:
                logic = row.properties["triggeringLogic"]
                name = next(key for key in logic if key.casefold() == "isenabled")
                changed = {**row.properties, "triggeringLogic": {**logic, name: enabled}}
                rule = rule_of(changed, row.id)
                self._replace(row, rule, by)
                self._record(by, "enable" if enabled else "disable", rule)
            session.flush()
            return _stored(row)

    def delete(self, id_or_name: str, by: Principal) -> StoredRule:
        """Remove a rule. What it did stays in the history of its incidents."""
        by.require(self.workspace_id, Permission.RULES_WRITE)
        with self._state.session() as session:
            row = self._row(session, id_or_name)
            stored = _stored(row)
            session.delete(row)
            self._read.pop(row.id, None)
            self._record(by, "delete", stored.rule)
            return stored

    def import_(self, rules: Iterable[ReadRule], problems: Iterable[RuleProblem], by: Principal) -> ImportReport:
        """Take rules in, all in one transaction: a rule that is there becomes what the file says, on or off as well."""
        by.require(self.workspace_id, Permission.RULES_WRITE)
        report = ImportReport(problems=list(problems))
        seen: dict[str, str] = {}
        with self._state.session() as session:
            for read in rules:
                rule = read.rule
                if len(rule.id) > RULE_ID_LENGTH:
                    report.problems.append(_problem(read, f"its id has more than {RULE_ID_LENGTH} characters."))
                    continue
                if rule.id.casefold() in seen:
                    there = seen[rule.id.casefold()]
                    report.problems.append(_problem(read, f"the id {rule.id} is that of '{there}' in this import."))
                    continue
                row = self._find(session, rule.id)
                if row is None and self._count(session) >= MAX_RULES:
                    report.problems.append(_problem(read, f"a workspace has at most {MAX_RULES} automation rules."))
                    continue
                seen[rule.id.casefold()] = rule.name
                if row is None:
                    row = self._add(session, rule, by)
                    report.added.append(row.id)
                    self._record(by, "import", rule)
                elif canonical_json(row.properties) != canonical_json(rule.properties):
                    self._replace(row, replace(rule, id=row.id), by)
                    report.updated.append(row.id)
                    self._record(by, "import", rule)
                else:
                    report.unchanged.append(row.id)
                report.not_runnable += [
                    {"id": row.id, "name": rule.name, "message": message} for message in rule.not_runnable
                ]
                session.flush()
        return report

    def count(self, session: Session, rule_id: str, error: str | None) -> None:
        """Note that a rule was applied, as a part of the transaction in which it was; `error` says what could not be done."""
        now = self._clock.now()
        values: dict[str, Any] = {"applied": AutomationRuleRow.applied + 1, "applied_at": now}
        if error is not None:
            values |= {"errors": AutomationRuleRow.errors + 1, "error_at": now, "error": error}
        mine = (AutomationRuleRow.workspace_id == self.workspace_id, AutomationRuleRow.id == rule_id)
        session.execute(update(AutomationRuleRow).where(*mine).values(**values))

    # -- parts

    def _add(self, session: Session, rule: AutomationRule, by: Principal) -> AutomationRuleRow:
        if self._count(session) >= MAX_RULES:
            raise Conflict(
                f"A workspace has at most {MAX_RULES} automation rules.", hint="Delete one, or put two into one."
            )
        now = self._clock.now()
        row = AutomationRuleRow(
            workspace_id=self.workspace_id, id=rule.id, revision=1, created_at=now, created_by=by.name, updated_at=now,
            updated_by=by.name, applied=0, applied_at=None, errors=0, error_at=None, error=None, **_columns(rule),
        )  # fmt: skip
        session.add(row)
        session.flush()
        self._read.pop(row.id, None)
        return row

    def _replace(self, row: AutomationRuleRow, rule: AutomationRule, by: Principal) -> None:
        for column, value in _columns(rule).items():
            setattr(row, column, value)
        row.revision += 1
        row.updated_at, row.updated_by = self._clock.now(), by.name

    def _record(self, by: Principal, what: str, rule: AutomationRule) -> None:
        detail = {"name": rule.name, "order": rule.order, "enabled": rule.enabled}
        self._audit.record(by, f"automation-rules/{what}", rule.id, self.workspace_id, detail)

    def _next_order(self, session: Session, given: Mapping[str, Any]) -> int:
        logic = given.get("triggeringLogic")
        when = logic.get("triggersWhen") if isinstance(logic, Mapping) else None
        query = select(func.max(AutomationRuleRow.place)).where(
            AutomationRuleRow.workspace_id == self.workspace_id,
            func.lower(AutomationRuleRow.triggers_when) == str(when).casefold(),
        )
        return min((session.scalar(query) or 0) + 1, MAX_ORDER)

    def _count(self, session: Session) -> int:
        mine = AutomationRuleRow.workspace_id == self.workspace_id
        return session.scalar(select(func.count()).select_from(AutomationRuleRow).where(mine)) or 0

    def _find(self, session: Session, rule_id: str) -> AutomationRuleRow | None:
        query = select(AutomationRuleRow).where(
            AutomationRuleRow.workspace_id == self.workspace_id, func.lower(AutomationRuleRow.id) == rule_id.lower()
        )
        return session.scalars(query).first()

    def _row(self, session: Session, id_or_name: str) -> AutomationRuleRow:
        row = self._find(session, id_or_name)
        if row is not None:
            return row
        mine = select(AutomationRuleRow).where(AutomationRuleRow.workspace_id == self.workspace_id)
        named = session.scalars(mine.where(AutomationRuleRow.name == id_or_name).limit(2)).all()
        if len(named) == 1:
            return named[0]
        if named:
            raise InvalidInput(
                f"Several automation rules are named '{id_or_name}'.", target=id_or_name, hint="Give the id of one."
            )
        known = [text for one in session.scalars(mine) for text in (one.id, one.name)]
        raise not_found("automation rule", id_or_name, known)


_ORDER: Final = (AutomationRuleRow.place, AutomationRuleRow.created_at, AutomationRuleRow.id)


def _columns(rule: AutomationRule) -> dict[str, Any]:
    return {
        "name": rule.name, "place": rule.order, "enabled": rule.enabled, "triggers_on": rule.on.value,
        "triggers_when": rule.when.value, "expires_at": rule.expires_at, "properties": dict(rule.properties),
    }  # fmt: skip


def _kept(row: AutomationRuleRow) -> AutomationRule:
    """The rule of a row. One that cannot be read says so, and stops neither another rule nor an incident."""
    try:
        return rule_of(row.properties, row.id)
    except InvalidInput as error:
        on, when = On(row.triggers_on), When(row.triggers_when)
        return AutomationRule(
            row.id, row.name, row.place, row.enabled, row.expires_at, on, when, (), (), row.properties, str(error)
        )


def _stored(row: AutomationRuleRow) -> StoredRule:
    return StoredRule(
        _kept(row), row.created_at, row.created_by, row.updated_at, row.updated_by, row.applied,
        row.applied_at, row.errors, row.error_at, row.error,
    )  # fmt: skip


def _refuse(rule: AutomationRule, allowed: Iterable[str]) -> None:
    """What would never be done is refused where a rule is made; a rule that was imported with it may keep it."""
    kept = set(allowed)
    new = next((message for message in rule.not_runnable if message not in kept), None)
    if new is None:
        return
    playbook = any(isinstance(action, RunPlaybook) and action.not_runnable == new for action in rule.actions)
    hint = "Leave the action out; such a rule can be imported, and exported again." if playbook else None
    raise InvalidInput(new, target="actions" if playbook else "triggersOn", hint=hint)


def _checked_id(text: str) -> str:
    found = text.strip()
    if not found or len(found) > RULE_ID_LENGTH or not all(one.isalnum() or one in "-_.()" for one in found):
        raise InvalidInput(
            f"'{text[:60]}' is no id of an automation rule.", target="name",
            hint=f"It has at most {RULE_ID_LENGTH} letters, digits, hyphens, underscores, dots and brackets.",
        )  # fmt: skip
    return found


def _problem(read: ReadRule, message: str) -> RuleProblem:
    return RuleProblem(read.file, read.line, message, rule=read.rule.name, severity=ProblemSeverity.ERROR)
