"""The rules of a workspace: imported, listed, switched on and off; every revision kept."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from vedette.core.clock import Clock
from vedette.core.database import State
from vedette.core.errors import InvalidInput, NotFound, not_found
from vedette.core.ids import derived_id
from vedette.detect.export.layout import content_hash, to_layout
from vedette.detect.models import RULE_ID_LENGTH, RuleRevisionRow, RuleRow
from vedette.detect.reading.files import ReadRule
from vedette.detect.reading.layout import with_id
from vedette.detect.reading.problems import ProblemSeverity, RuleProblem
from vedette.detect.rule import AnalyticsRule, JsonValue
from vedette.detect.running.ledger import Ledger
from vedette.detect.storage import rule_from_layout, rule_of

SYSTEM = "Vedette"
"""Who did what nobody did."""


@dataclass(frozen=True, slots=True)
class StoredRule:
    """A rule as the library has it. `rule.id` is the id it is kept under, `rule.enabled` whether it is on."""

    rule: AnalyticsRule
    revision: int
    content_hash: str
    given_id: str | None
    source: dict[str, Any]
    created_at: datetime
    updated_at: datetime
    updated_by: str

    @property
    def scheduled(self) -> bool:
        """Whether the scheduler runs it now."""
        return self.rule.enabled and self.rule.scheduled


@dataclass(frozen=True, slots=True)
class DerivedRule:
    """A rule whose id another rule with other content has: what it was given, and what it is kept under."""

    given_id: str
    id: str
    name: str
    file: str
    line: int | None


@dataclass(frozen=True, slots=True)
class RuleRevision:
    """What a rule was from some time on, and by whom."""

    revision: int
    at: datetime
    by: str
    rule: AnalyticsRule


@dataclass(slots=True)
class ImportReport:
    """What an import did; each list has rule ids."""

    added: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    derived: list[DerivedRule] = field(default_factory=list)
    problems: list[RuleProblem] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        """Whether something that was to be imported was not."""
        return any(problem.severity is ProblemSeverity.ERROR for problem in self.problems)

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON."""
        return {
            "added": self.added,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "derived": [
                {"given_id": rule.given_id, "id": rule.id, "name": rule.name, "file": rule.file, "line": rule.line}
                for rule in self.derived
            ],
            "problems": [problem.to_dict() for problem in self.problems],
        }


class RuleLibrary:
    """The analytics rules of one workspace."""

    def __init__(self, state: State, workspace_id: str, clock: Clock) -> None:
        self._state = state
        self.workspace_id = workspace_id
        self._clock = clock
        self._ledger = Ledger(state, workspace_id, clock)

    def import_(
        self,
        rules: Iterable[ReadRule],
        problems: Iterable[RuleProblem] = (),
        *,
        replace_existing: bool = False,
        by: str = SYSTEM,
    ) -> ImportReport:
        """Take rules in, all of them in one transaction.

        A rule that is there already is left alone. One whose id belongs to other content is kept under an id derived
        from both, and reported; with `replace_existing` it becomes the next revision of that rule instead (once an
        import: two files with one id are still two rules).
        """
        report = ImportReport(problems=list(problems))
        with self._state.session() as session:
            known = {
                row.id.lower(): (row.id, row.content_hash)
                for row in session.execute(
                    select(RuleRow.id, RuleRow.content_hash).where(RuleRow.workspace_id == self.workspace_id)
                )
            }
            imported: set[str] = set()
            for read in rules:
                self._import_one(session, read, known, imported, report, replace_existing, by)
        return report

    def _import_one(
        self,
        session: Session,
        read: ReadRule,
        known: dict[str, tuple[str, str]],
        imported: set[str],
        report: ImportReport,
        replace_existing: bool,
        by: str,
    ) -> None:
        rule, given = read.rule, read.rule.id
        digest = content_hash(rule)
        there = known.get(given.lower())
        if len(given) > RULE_ID_LENGTH or (there is not None and there[1] != digest):
            if there is not None and replace_existing and given.lower() not in imported:
                self._replace(session, there[0], read, digest, by)
                known[given.lower()] = (there[0], digest)
                imported.add(given.lower())
                report.updated.append(there[0])
                return
            rule = with_id(rule, derived_id("rule", given, digest))
            there = known.get(rule.id)
            report.derived.append(DerivedRule(given, rule.id, rule.name, read.source.file, read.source.line))
        imported.add(rule.id.lower())
        if there is not None:
            report.unchanged.append(there[0])
            return
        self._add(session, rule, given if rule.id != given else None, read, digest, by)
        known[rule.id.lower()] = (rule.id, digest)
        report.added.append(rule.id)

    def _add(
        self, session: Session, rule: AnalyticsRule, given_id: str | None, read: ReadRule, digest: str, by: str
    ) -> None:
        now = self._clock.now()
        session.add(
            RuleRow(
                workspace_id=self.workspace_id,
                id=rule.id,
                given_id=given_id,
                name=rule.name,
                kind=rule.kind.value,
                severity=rule.severity.value,
                enabled=rule.enabled,
                content=to_layout(rule),
                content_hash=digest,
                revision=1,
                source=_source(read),
                original=read.source.original,
                created_at=now,
                updated_at=now,
                updated_by=by,
            )
        )
        session.flush()
        self._keep_revision(session, rule, 1, digest, now, by)
        if rule.enabled and rule.scheduled:
            self._ledger.open(session, rule, "There was no such rule.")

    def replace(self, rule_id: str, read: ReadRule, by: str = SYSTEM) -> StoredRule:
        """Make a rule what was read, as its next revision, under its own id; what says the same changes nothing."""
        with self._state.session() as session:
            row = self._row(session, rule_id)
            digest = content_hash(with_id(read.rule, row.id))
            if digest != row.content_hash:
                self._replace(session, row.id, read, digest, by)
                session.flush()
            return _stored(row)

    def _replace(self, session: Session, rule_id: str, read: ReadRule, digest: str, by: str) -> None:
        row = self._row(session, rule_id)
        before = _stored(row)
        now = self._clock.now()
        rule = replace(with_id(read.rule, row.id), enabled=row.enabled)
        row.revision += 1
        row.name, row.kind, row.severity = rule.name, rule.kind.value, rule.severity.value
        row.content, row.content_hash = to_layout(rule), digest
        row.source, row.original = _source(read), read.source.original
        row.updated_at, row.updated_by = now, by
        self._keep_revision(session, rule, row.revision, digest, now, by)
        if rule.enabled and rule.scheduled and not before.rule.scheduled:
            self._ledger.open(session, rule, "The rule had no schedule.")
        self._ledger.forget_failures(session, rule.id)

    def _keep_revision(
        self, session: Session, rule: AnalyticsRule, revision: int, digest: str, at: datetime, by: str
    ) -> None:
        session.add(
            RuleRevisionRow(
                workspace_id=self.workspace_id,
                rule_id=rule.id,
                revision=revision,
                content=to_layout(rule),
                content_hash=digest,
                at=at,
                by=by,
            )
        )

    def list(self, *, enabled: bool | None = None) -> list[StoredRule]:
        """Every rule by name; with `enabled` only those that are on, or off."""
        query = select(RuleRow).where(RuleRow.workspace_id == self.workspace_id)
        if enabled is not None:
            query = query.where(RuleRow.enabled.is_(enabled))
        with self._state.session(read_only=True) as session:
            return [_stored(row) for row in session.scalars(query.order_by(RuleRow.name, RuleRow.id))]

    def get(self, id_or_name: str) -> StoredRule:
        """The rule of that id (in any case) or of that name, if only one has it; `NotFound` names the nearest."""
        with self._state.session(read_only=True) as session:
            return _stored(self._row(session, id_or_name))

    def set_enabled(self, rule_id: str, enabled: bool, by: str = SYSTEM) -> StoredRule:
        """Switch a rule on or off. The time in which it was off is accounted for in the ledger when it is on again."""
        with self._state.session() as session:
            row = self._row(session, rule_id)
            if row.enabled != enabled:
                now = self._clock.now()
                off_since, off_by = row.updated_at, row.updated_by
                row.enabled = enabled
                rule = replace(rule_of(row), enabled=enabled)
                row.content = to_layout(rule)
                row.updated_at, row.updated_by = now, by
                if enabled and rule.scheduled:
                    when = off_since.isoformat(timespec="seconds")
                    self._ledger.open(session, rule, f"The rule was switched off at {when} by {off_by}.")
                elif rule.scheduled:
                    self._ledger.close(session, rule.id, f"The rule is switched off by {by}.")
                session.flush()
            return _stored(row)

    def delete(self, rule_id: str) -> StoredRule:
        """Remove a rule. Its ledger, alerts and incidents stay."""
        with self._state.session() as session:
            row = self._row(session, rule_id)
            stored = _stored(row)
            session.delete(row)
            return stored

    def original(self, rule_id: str) -> JsonValue:
        """The rule as it came, in its own format."""
        with self._state.session(read_only=True) as session:
            return self._row(session, rule_id).original

    def revisions(self, rule_id: str) -> tuple[RuleRevision, ...]:
        """Every revision of a rule, oldest first."""
        with self._state.session(read_only=True) as session:
            row = self._row(session, rule_id)
            query = (
                select(RuleRevisionRow)
                .where(RuleRevisionRow.workspace_id == self.workspace_id, RuleRevisionRow.rule_id == row.id)
                .order_by(RuleRevisionRow.revision)
            )
            return tuple(
                RuleRevision(entry.revision, entry.at, entry.by, rule_from_layout(entry.content, row.id))
                for entry in session.scalars(query)
            )

    def _row(self, session: Session, id_or_name: str) -> RuleRow:
        mine = select(RuleRow).where(RuleRow.workspace_id == self.workspace_id)
        row = session.get(RuleRow, (self.workspace_id, id_or_name))  # asked for at every run: by its key
        if row is None:
            row = session.scalars(mine.where(func.lower(RuleRow.id) == id_or_name.lower())).first()
        if row is not None:
            return row
        named = session.scalars(mine.where(RuleRow.name == id_or_name).limit(2)).all()
        if len(named) == 1:
            return named[0]
        if named:
            raise InvalidInput(
                f"Several rules are named '{id_or_name}'.", target=id_or_name, hint="Give the id of one."
            )
        raise self._missing(session, id_or_name)

    def _missing(self, session: Session, id_or_name: str) -> NotFound:
        names = session.execute(
            select(RuleRow.id, RuleRow.name).where(RuleRow.workspace_id == self.workspace_id).limit(5000)
        )
        return not_found("rule", id_or_name, [text for row in names for text in row])


def _source(read: ReadRule) -> dict[str, Any]:
    return {"file": read.source.file, "line": read.source.line, "format": read.source.format}


def _stored(row: RuleRow) -> StoredRule:
    return StoredRule(
        rule_of(row),
        row.revision,
        row.content_hash,
        row.given_id,
        row.source,
        row.created_at,
        row.updated_at,
        row.updated_by,
    )
