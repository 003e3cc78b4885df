"""Exceptions: what a rule finds and nobody needs to hear of, for a time, with an owner and a reason.

They stand beside a rule, not in it: an update of the rule, or of its template, leaves them in force. A result row that meets all
conditions of an exception is hidden before the threshold is looked at; whether one is in force for a run is told by the end of
the run's window, so that a replay hides what the live run hid.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Integer, cast, func, select
from sqlalchemy.orm import Session

from vedette.core.audit import Audit
from vedette.core.clock import Clock
from vedette.core.database import State, storable
from vedette.core.errors import InvalidInput, not_found
from vedette.core.ids import IdSource, new_id
from vedette.core.roles import Principal
from vedette.detect.alerts.alert import Outcome, RuleRun
from vedette.detect.models import ExceptionHitRow, ExceptionRow
from vedette.detect.rule import JsonValue
from vedette.detect.tuning.conditions import Condition, read_conditions

MAX_DAYS: Final = 366
MAX_OF_A_RULE: Final = 200
_MAX_TEXT: Final = 2000


@dataclass(frozen=True, slots=True)
class RuleException:
    """An exception from a rule, for windows that end after `starts_at` and not after `expires_at` (or `removed_at`)."""

    id: str
    rule_id: str
    conditions: tuple[Condition, ...]
    owner: str
    reason: str
    starts_at: datetime
    expires_at: datetime
    created_at: datetime
    created_by: str
    removed_at: datetime | None = None
    removed_by: str | None = None

    def in_force(self, end: datetime) -> bool:
        """Whether it counts for a window that ends then."""
        last = self.expires_at if self.removed_at is None else min(self.expires_at, self.removed_at)
        return self.starts_at < end <= last

    def hides(self, row: Mapping[str, JsonValue]) -> bool:
        """Whether it hides a result row."""
        return all(condition.holds(row) for condition in self.conditions)

    def state(self, now: datetime) -> str:
        """`active`, `expired` or `removed`."""
        if self.removed_at is not None and self.removed_at <= now:
            return "removed"
        return "active" if now <= self.expires_at else "expired"


@dataclass(frozen=True, slots=True)
class Hidden:
    """What an exception has hidden: result rows, in so many windows, of which so many raised nothing because of it."""

    rows: int = 0
    windows: int = 0
    silenced: int = 0
    last: datetime | None = None


class RuleExceptions:
    """The exceptions of one workspace's rules."""

    def __init__(
        self, state: State, workspace_id: str, clock: Clock, audit: Audit | None = None, ids: IdSource = new_id
    ) -> None:
        self._state = state
        self._workspace_id = workspace_id
        self._clock = clock
        self._audit = audit or Audit(state, clock)
        self._new_id = ids

    def list(self, rule_id: str | None = None, *, all_: bool = False) -> list[RuleException]:
        """Those that are in force now, of one rule or of all, oldest first; with `all_` those that have ended, too."""
        query = select(ExceptionRow).where(ExceptionRow.workspace_id == self._workspace_id)
        if rule_id is not None:
            query = query.where(ExceptionRow.rule_id == rule_id)
        with self._state.session(read_only=True) as session:
            found = [
                _exception(row) for row in session.scalars(query.order_by(ExceptionRow.created_at, ExceptionRow.id))
            ]
        now = self._clock.now()
        return [one for one in found if all_ or one.state(now) == "active"]

    def get(self, exception_id: str) -> RuleException:
        """One; `NotFound` if there is none of that id."""
        with self._state.session(read_only=True) as session:
            return _exception(self._row(session, exception_id))

    def of(self, rule_id: str, end: datetime) -> Sequence[RuleException]:
        """Those of a rule that count for a window that ends then."""
        return [one for one in self.list(rule_id, all_=True) if one.in_force(end)]

    def add(
        self,
        rule_id: str,
        conditions: Sequence[Mapping[str, Any]],
        *,
        owner: str,
        reason: str,
        by: Principal,
        days: float | None = None,
        expires_at: datetime | None = None,
    ) -> RuleException:
        """Make an exception that ends in `days`, or at a time; every one ends within a year. Raises `InvalidInput`."""
        now = self._clock.now()
        owner, reason = owner.strip(), reason.strip()
        if not owner or not reason:
            raise InvalidInput(
                "An exception needs an owner and a reason.", target="reason" if owner else "owner",
                hint="Say who answers for it, and why these findings are no threat.",
            )  # fmt: skip
        if len(owner) > _MAX_TEXT or len(reason) > _MAX_TEXT:
            raise InvalidInput(f"Owner and reason have at most {_MAX_TEXT:,} characters.", target="reason")
        if (days is None) == (expires_at is None):
            raise InvalidInput("An exception ends: give the days that it lasts, or its end.", target="expires")
        end = expires_at if expires_at is not None else now + timedelta(days=min(days or 0, 10**5))
        if not now < end <= now + timedelta(days=MAX_DAYS):
            raise InvalidInput(f"An exception ends in the future, and within {MAX_DAYS} days.", target="expires")
        made = RuleException(
            self._new_id(),
            rule_id,
            read_conditions(conditions),
            storable(owner),
            storable(reason),
            now,
            end,
            now,
            by.name,
        )
        with self._state.session() as session:
            if len(self.list(rule_id)) >= MAX_OF_A_RULE:
                raise InvalidInput(f"A rule has at most {MAX_OF_A_RULE} exceptions.", hint="Change the rule.")
            session.add(
                ExceptionRow(
                    id=made.id, workspace_id=self._workspace_id, rule_id=rule_id,
                    conditions=[one.to_dict() for one in made.conditions], owner=made.owner, reason=made.reason,
                    starts_at=now, expires_at=end, created_at=now, created_by=by.name, removed_at=None, removed_by=None,
                )
            )  # fmt: skip
            detail = {"exception": made.id, "conditions": [str(one) for one in made.conditions], "owner": made.owner}
            detail |= {"reason": made.reason, "expires": end.isoformat()}
            self._audit.record(by, "rules/exceptions/add", rule_id, self._workspace_id, detail)
        return made

    def remove(self, exception_id: str, by: Principal) -> RuleException:
        """End an exception now; it stays in the history."""
        with self._state.session() as session:
            row = self._row(session, exception_id)
            if row.removed_at is None:
                row.removed_at, row.removed_by = self._clock.now(), by.name
                self._audit.record(
                    by, "rules/exceptions/remove", row.rule_id, self._workspace_id, {"exception": row.id}
                )
            session.flush()
            return _exception(row)

    def hidden(self, rule_id: str | None = None) -> dict[str, Hidden]:
        """What each exception has hidden so far, by id."""
        query = (
            select(
                ExceptionHitRow.exception_id, func.sum(ExceptionHitRow.rows), func.count(), func.max(ExceptionHitRow.window_to),
                func.sum(cast(ExceptionHitRow.silenced, Integer)),
            )
            .join(ExceptionRow, ExceptionRow.id == ExceptionHitRow.exception_id)
            .where(ExceptionRow.workspace_id == self._workspace_id)
            .group_by(ExceptionHitRow.exception_id)
        )  # fmt: skip
        if rule_id is not None:
            query = query.where(ExceptionRow.rule_id == rule_id)
        with self._state.session(read_only=True) as session:
            return {
                one: Hidden(int(rows), windows, int(silenced), last)
                for one, rows, windows, last, silenced in session.execute(query)
            }

    def count(self, session: Session, run: RuleRun) -> None:
        """Note what a run's exceptions hid, as a part of the transaction that records the run."""
        for exception_id, rows in run.hidden.items():
            silenced = run.outcome is Outcome.NOT_MATCHED and run.rule.trigger.met(run.rows + sum(run.hidden.values()))
            hit = session.get(ExceptionHitRow, (exception_id, run.end))
            if hit is None:
                session.add(ExceptionHitRow(exception_id=exception_id, window_to=run.end, rows=rows, silenced=silenced))
            else:  # searched again: it saw what it had seen, and more
                hit.rows, hit.silenced = rows, silenced
        session.flush()

    def _row(self, session: Session, exception_id: str) -> ExceptionRow:
        row = session.get(ExceptionRow, exception_id)
        if row is None or row.workspace_id != self._workspace_id:
            known = session.scalars(select(ExceptionRow.id).where(ExceptionRow.workspace_id == self._workspace_id))
            raise not_found("exception", exception_id, list(known))
        return row


def _exception(row: ExceptionRow) -> RuleException:
    return RuleException(
        row.id, row.rule_id, read_conditions(row.conditions), row.owner, row.reason, row.starts_at, row.expires_at,
        row.created_at, row.created_by, row.removed_at, row.removed_by,
    )  # fmt: skip
