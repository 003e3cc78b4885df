"""The coverage ledger: which windows of a rule's time were read, by which query, with what outcome.

For each rule the settled windows are half-open, follow one another without a hole and do not overlap, whatever happened
between: crashes, clock steps, slow runs, rules switched off and on, edits. What was not read has a row that says why.
Each window has the length of the rule's frequency at its time; its run reads the rule's period up to the window's end.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session, aliased

from vedette.core.clock import Clock
from vedette.core.database import State
from vedette.detect.alerts.alert import Outcome, RuleRun, RunType
from vedette.detect.models import ReopeningRow, RuleRow, RunRow, ScheduleRow
from vedette.detect.rule import AnalyticsRule, RuleKind
from vedette.detect.running.unread import note_off, still_to_search, unread, was_on
from vedette.detect.running.windows import (
    READ,
    SPARED,
    DueWindow,
    Early,
    Fault,
    LedgerEntry,
    NextWindow,
    RuleCost,
    Window,
    WindowOutcome,
    given_up_reason,
    never_early,
    suppressed_reason,
)
from vedette.detect.storage import KnownRules

_FAR_AHEAD: Final = timedelta(days=1)
"""A clock that goes back by less has rules wait for it."""
_NOT_READ: Final = (WindowOutcome.GAP.value, WindowOutcome.DISABLED.value)


class Ledger:
    """The coverage of one workspace's rules."""

    def __init__(self, state: State, workspace_id: str, clock: Clock) -> None:
        self._state = state
        self._workspace_id = workspace_id
        self._clock = clock
        self._known = KnownRules(workspace_id)

    # Where a rule's coverage starts and goes on. All of these are a part of the caller's transaction.

    def open(self, session: Session, rule: AnalyticsRule, reason: str) -> None:
        """Let a rule's coverage start, or go on after it was off, with the window that ends now.

        What lies between the last window and that one is settled as not read, with `reason`; of that, what came before the rule was
        switched off is searched all the same (`unread.py`).
        """
        first = self._clock.now().replace(microsecond=0) - rule.frequency
        schedule = session.get(ScheduleRow, (self._workspace_id, rule.id))
        if schedule is None:
            last = session.scalar(
                select(func.max(RunRow.window_to)).where(*self._tiles(rule.id))
            )  # a rule that was deleted and is back has a past
            session.add(
                ScheduleRow(
                    workspace_id=self._workspace_id,
                    rule_id=rule.id,
                    covered_to=first if last is None else last,
                    attempts=0,
                    retry_at=None,
                    suppressed_until=None,
                )
            )
            session.flush()
            schedule = session.get_one(ScheduleRow, (self._workspace_id, rule.id))
        schedule.attempts, schedule.retry_at = 0, None
        if schedule.covered_to < first:
            for row in still_to_search(session, schedule, rule, first, self._clock.now()):
                session.add(row)
            session.flush()
        if schedule.covered_to < first and not was_on(session, schedule):
            self._settle(session, schedule, first, WindowOutcome.DISABLED, reason)

    def close(self, session: Session, rule_id: str, reason: str) -> None:
        """Know that a rule is switched off now: when it is on again, what came before is searched."""
        schedule = session.get(ScheduleRow, (self._workspace_id, rule_id))
        if schedule is not None:
            note_off(session, schedule, self._clock.now().replace(microsecond=0), reason)

    def forget_failures(self, session: Session, rule_id: str) -> None:
        """Try a rule's next window afresh and at once: the rule has changed."""
        schedule = session.get(ScheduleRow, (self._workspace_id, rule_id))
        if schedule is not None:
            schedule.attempts, schedule.retry_at = 0, None

    def upcoming(self, now: datetime, horizon: timedelta, rule_id: str | None = None) -> list[NextWindow]:
        """The next window of each rule (or of one) that is on, whether it has ended by `now` or not.

        A rule that is further behind than `horizon` first gives up what is older, as a gap with that reason. One whose next window
        lies far in the future, because the clock was set back, first takes back what it has not read of the time to come.
        """
        today = self._clock.now()
        places = [
            self._set_back(one, today) if one.start - today > _FAR_AHEAD else one
            for one in self.next_windows(rule_id=rule_id)
        ]
        return [
            self._give_up(one, now - horizon) if now - one.start > horizon + one.rule.frequency else one
            for one in places
        ]

    def next_due(self, rule_id: str | None = None, early: Early = never_early) -> datetime | None:
        """When the next window of a rule, or of any, can be run: in the past if it is overdue, None if no rule is on."""
        return min((one.ready(early(one.rule)) for one in self.next_windows(rule_id=rule_id)), default=None)

    def next_windows(self, kind: RuleKind | None = None, rule_id: str | None = None) -> list[NextWindow]:
        """Where the rules that are on go on: those of a kind, one, or all."""
        # asked for at every round: of a rule that is known, nothing but where it is
        query = (
            select(
                ScheduleRow.rule_id, RuleRow.revision, RuleRow.content_hash, ScheduleRow.covered_to, ScheduleRow.attempts,
                ScheduleRow.retry_at, ScheduleRow.suppressed_until,
            )
            .join(RuleRow, and_(RuleRow.workspace_id == ScheduleRow.workspace_id, RuleRow.id == ScheduleRow.rule_id))
            .where(ScheduleRow.workspace_id == self._workspace_id, RuleRow.enabled.is_(True))
        )  # fmt: skip
        if rule_id is not None:
            query = query.where(ScheduleRow.rule_id == rule_id)
        if kind is not None:
            query = query.where(RuleRow.kind == kind.value)
        with self._state.session(read_only=True) as session:
            found = [
                NextWindow(self._known.rule(session, one, revision, digest), covered_to, attempts, retry_at, suppressed)
                for one, revision, digest, covered_to, attempts, retry_at, suppressed in session.execute(query).all()
            ]
        return [one for one in found if one.rule.scheduled]

    def read_between(self, rule_id: str, start: datetime, end: datetime, limit: int) -> list[tuple[Window, datetime]]:
        """The newest windows of a rule that were read and touch [start, end), each with the time from which it was read."""
        query = (
            select(RunRow)
            .where(*self._tiles(rule_id), RunRow.window_from < end, RunRow.window_to > start)
            .where(RunRow.outcome.in_([outcome.value for outcome in READ]))
            .order_by(RunRow.window_to.desc())
            .limit(limit)
        )
        with self._state.session(read_only=True) as session:
            return [
                (Window(row.window_from, row.window_to), row.query_from or row.window_from)
                for row in session.scalars(query)
            ]

    def _give_up(self, place: NextWindow, oldest: datetime) -> NextWindow:
        rule = place.rule
        with self._state.session() as session:
            schedule = session.get_one(ScheduleRow, (self._workspace_id, rule.id))
            behind = (oldest - schedule.covered_to) // rule.frequency
            if behind > 0:
                end = schedule.covered_to + behind * rule.frequency
                self._settle(session, schedule, end, WindowOutcome.GAP, given_up_reason(oldest))
            session.flush()
            return NextWindow(
                rule, schedule.covered_to, schedule.attempts, schedule.retry_at, schedule.suppressed_until
            )

    def _set_back(self, place: NextWindow, now: datetime) -> NextWindow:
        """Let a rule go on at the time to come that was given up, or before which it was added, while the clock was far ahead.

        What is undone of that time is no tile any more; a row says so. Windows of it are searched as they come, with their ids.
        """
        rule, every = place.rule, place.rule.frequency
        ahead = [*self._tiles(rule.id), RunRow.window_to > now]
        with self._state.session() as session:
            schedule = session.get_one(ScheduleRow, (self._workspace_id, rule.id))
            tiles = list(session.scalars(select(RunRow).where(*ahead).order_by(RunRow.window_from)))
            unread = next((one for one in tiles if one.run_id is None and one.outcome in _NOT_READ), None)
            begin = schedule.covered_to
            if unread is not None:
                begin = unread.window_from
            elif session.scalar(select(RunRow.id).where(*self._tiles(rule.id), RunRow.window_from <= now).limit(1)):
                return place  # all of it was read: what comes of it opens its windows again
            elif tiles:
                begin = tiles[0].window_from
            start = begin + (now - begin) // every * every if begin > now or unread is not None else begin
            start = max(start, unread.window_from) if unread is not None else start
            if schedule.covered_to != place.start or start >= place.start:
                return place
            if tiles:
                self._undo(session, schedule, [one for one in tiles if one.window_to > start], start)
            schedule.covered_to, schedule.attempts, schedule.retry_at = start, 0, None
            if schedule.suppressed_until is not None and schedule.suppressed_until > now + rule.suppression.duration:
                schedule.suppressed_until = None
            session.flush()
            return NextWindow(rule, start, 0, None, schedule.suppressed_until)

    def _undo(self, session: Session, schedule: ScheduleRow, tiles: list[RunRow], start: datetime) -> None:
        """Make these tiles none from a time on; what one of them has before it stays settled."""
        reason = f"The clock was set back: the time from {start:%Y-%m-%d %H:%M:%S} UTC on is searched as it comes."
        end = schedule.covered_to
        for tile in tiles:
            tile.settled = False
        session.flush()
        first = tiles[0]
        if first.window_from < start:
            schedule.covered_to = first.window_from
            self._settle(session, schedule, start, WindowOutcome(first.outcome), first.reason or "")
        schedule.covered_to = start
        self._settle(session, schedule, end, WindowOutcome.SET_BACK, reason)

    # Writing.

    def record(
        self, session: Session, due: DueWindow, run: RuleRun, revision: int, max_attempts: int, retry_at: datetime
    ) -> bool:
        """Write a run for a due window into the ledger; False, and nothing written, if somebody was faster.

        A run that failed leaves its window open until `retry_at`, or settles it as a gap after `max_attempts`.
        """
        schedule = session.get(ScheduleRow, (self._workspace_id, run.rule.id))
        if schedule is None:
            return False
        if due.fills is not None:
            return self._fill(session, due, run, revision, retry_at)
        if schedule.covered_to != due.window.start or schedule.attempts != due.attempt - 1:
            return False
        outcome = WindowOutcome(run.outcome.value)
        reason = None
        if run.outcome is Outcome.ERROR:
            assert run.error is not None
            if due.attempt < max_attempts:
                schedule.attempts, schedule.retry_at = due.attempt, retry_at
                self._add(session, due, run, revision, outcome, settled=False)
                return True
            outcome = WindowOutcome.GAP
            reason = f"The rule failed {due.attempt} times; the last time: {run.error.message}"
        self._add(session, due, run, revision, outcome, settled=True, reason=reason)
        schedule.covered_to, schedule.attempts, schedule.retry_at = due.window.end, 0, None
        if run.outcome is Outcome.MATCHED and run.rule.suppression.enabled:
            schedule.suppressed_until = due.window.end + run.rule.suppression.duration
        return True

    def record_suppressed(self, session: Session, due: DueWindow) -> bool:
        """Settle a due window as suppressed; False if somebody was faster."""
        schedule = session.get(ScheduleRow, (self._workspace_id, due.rule_id))
        if schedule is None or schedule.covered_to != due.window.start:
            return False
        assert due.suppressed_until is not None
        reason = suppressed_reason(due.suppressed_until)
        self._settle(session, schedule, due.window.end, WindowOutcome.SUPPRESSED, reason)
        schedule.attempts, schedule.retry_at = 0, None
        return True

    def record_manual(self, session: Session, run: RuleRun, revision: int | None) -> None:
        """Write a run by hand into the ledger: it is known, and covers nothing."""
        due = DueWindow(run.rule.id, Window(run.start, run.end), 1)
        self._add(session, due, run, revision, WindowOutcome(run.outcome.value), settled=False)

    def _fill(self, session: Session, due: DueWindow, run: RuleRun, revision: int, retry_at: datetime) -> bool:
        failed = run.outcome is Outcome.ERROR
        if due.reopened is not None:
            reopening = session.get(ReopeningRow, due.fills)
            if reopening is None or reopening.attempts != due.attempt - 1:
                return False
            if failed:
                reopening.attempts, reopening.retry_at = due.attempt, retry_at
            elif run.read_to is not None and run.read_to >= reopening.position:
                session.delete(reopening)
            else:  # more has arrived while the window was read
                reopening.attempts, reopening.retry_at = 0, None
        else:
            filled = select(RunRow.id).where(RunRow.fills == due.fills, RunRow.settled.is_(True))
            if session.scalar(filled) is not None:
                return False
        self._add(
            session, due, run, revision, WindowOutcome(run.outcome.value), settled=not failed, reason=due.reopened
        )
        return True

    def _add(
        self,
        session: Session,
        due: DueWindow,
        run: RuleRun,
        revision: int | None,
        outcome: WindowOutcome,
        *,
        settled: bool,
        reason: str | None = None,
    ) -> None:
        error = {name: value for name, value in asdict(run.error).items() if value is not None} if run.error else None
        session.add(
            RunRow(
                workspace_id=self._workspace_id,
                rule_id=run.rule.id,
                run_id=run.id,
                run_type=run.type.value,
                window_from=due.window.start,
                window_to=due.window.end,
                query_from=run.start,
                outcome=outcome.value,
                settled=settled,
                fills=due.fills,
                attempt=due.attempt,
                rows=run.rows,
                alerts=len(run.alerts),
                exhaustiveness=run.exhaustiveness.value,
                reason=SPARED if run.spared and reason is None else reason,
                error=error,
                duration=run.duration,
                query_hash=run.query_hash,
                revision=revision,
                search_id=run.search_id,
                trace_id=run.trace_id,
                recorded_at=self._clock.now(),
                read_to=run.read_to,
                bins_kept=None if run.bins is None else run.bins[0],
                bins_made=None if run.bins is None else run.bins[1],
            )
        )
        session.flush()

    def _settle(
        self, session: Session, schedule: ScheduleRow, end: datetime, outcome: WindowOutcome, reason: str
    ) -> None:
        """Settle the time up to `end` without a run; a set-back settles nothing, and is kept to be known."""
        settled = outcome is not WindowOutcome.SET_BACK
        session.add(unread(schedule, end, outcome, reason, self._clock.now(), settled=settled))
        schedule.covered_to = end
        session.flush()

    # Reading.

    def _tiles(self, rule_id: str | None = None) -> list[ColumnElement[bool]]:
        conditions = [RunRow.workspace_id == self._workspace_id, RunRow.settled.is_(True), RunRow.fills.is_(None)]
        return conditions if rule_id is None else [*conditions, RunRow.rule_id == rule_id]

    def runs(
        self, rule_id: str | None = None, *, run_id: str | None = None, limit: int = 100, settled_only: bool = False
    ) -> list[LedgerEntry]:  # fmt: skip
        """The newest entries, of one rule, of one run or of all, newest first."""
        query = select(RunRow).where(RunRow.workspace_id == self._workspace_id)
        if rule_id is not None:
            query = query.where(RunRow.rule_id == rule_id)
        if run_id is not None:
            query = query.where(RunRow.run_id == run_id)
        if settled_only:
            query = query.where(RunRow.settled.is_(True))
        with self._state.session(read_only=True) as session:
            return [LedgerEntry.of(row) for row in session.scalars(query.order_by(RunRow.id.desc()).limit(limit))]

    def costs(self, since: datetime) -> list[RuleCost]:
        """What the runs of each rule took since a time, the dearest first."""
        columns = (RunRow.rule_id, RunRow.duration, RunRow.rows, RunRow.alerts, RunRow.outcome, RunRow.window_to,
                   RunRow.recorded_at, RunRow.fills, RunRow.run_type)  # fmt: skip
        query = select(*columns).where(
            RunRow.workspace_id == self._workspace_id, RunRow.run_id.is_not(None), RunRow.recorded_at >= since
        )
        found: dict[str, RuleCost] = {}
        with self._state.session(read_only=True) as session:
            for rule_id, seconds, rows, alerts, outcome, end, at, fills, kind in session.execute(query):
                cost = found.setdefault(rule_id, RuleCost(rule_id))
                cost.runs += 1
                cost.seconds += seconds
                cost.longest = max(cost.longest, seconds)
                cost.rows, cost.alerts = cost.rows + rows, cost.alerts + alerts
                cost.failed += outcome == WindowOutcome.ERROR.value or outcome == WindowOutcome.GAP.value
                if fills is None and kind == RunType.SCHEDULED.value:
                    cost.latest = max(cost.latest, (at - end).total_seconds() - seconds)
        return sorted(found.values(), key=lambda cost: (-cost.seconds, cost.rule_id))

    def longest(self, latest: int = 100_000) -> dict[str, float]:
        """Of each rule the seconds that the longest of its runs took, among the latest entries of all rules."""
        last = select(func.max(RunRow.id)).scalar_subquery()
        query = select(RunRow.workspace_id, RunRow.rule_id, func.max(RunRow.duration)).where(RunRow.id > last - latest)
        with self._state.session(read_only=True) as session:
            found = session.execute(query.group_by(RunRow.workspace_id, RunRow.rule_id)).all()
        return {rule_id: seconds for workspace_id, rule_id, seconds in found if workspace_id == self._workspace_id}

    def means(self, latest: int = 20_000) -> dict[tuple[str, str], float]:
        """The mean seconds of the runs by which a rule read its windows, by rule and hash of its query, among the latest entries."""
        last = select(func.max(RunRow.id)).scalar_subquery()
        query = select(RunRow.rule_id, RunRow.query_hash, func.avg(RunRow.duration)).where(
            RunRow.id > last - latest,
            RunRow.workspace_id == self._workspace_id,
            RunRow.run_id.is_not(None),
            RunRow.query_hash.is_not(None),
            RunRow.outcome.in_([outcome.value for outcome in READ]),
            RunRow.reason.is_distinct_from(SPARED),
        )
        with self._state.session(read_only=True) as session:
            found = session.execute(query.group_by(RunRow.rule_id, RunRow.query_hash)).all()
        return {(rule_id, digest): float(seconds) for rule_id, digest, seconds in found if digest is not None}

    def was_read_by_hand(self, rule_id: str, end: datetime) -> bool:
        """Whether a run of the rule by hand, as of `end`, has read its window (whatever it found)."""
        query = select(RunRow.id).where(
            RunRow.workspace_id == self._workspace_id,
            RunRow.rule_id == rule_id,
            RunRow.run_type == RunType.MANUAL.value,
            RunRow.window_to == end,
            RunRow.outcome.in_([outcome.value for outcome in READ]),
        )
        with self._state.session(read_only=True) as session:
            return session.scalar(query.limit(1)) is not None

    def coverage(self, rule_id: str, since: datetime | None = None) -> list[LedgerEntry]:
        """The windows of a rule in order of time, each with what became of it: the run that filled a gap, the last that
        read the window again."""
        query = select(RunRow).where(
            RunRow.workspace_id == self._workspace_id, RunRow.rule_id == rule_id, RunRow.settled.is_(True)
        )
        if since is not None:
            query = query.where(RunRow.window_to > since)
        with self._state.session(read_only=True) as session:
            rows = [LedgerEntry.of(row) for row in session.scalars(query.order_by(RunRow.window_from, RunRow.id))]
        filled = {entry.fills: entry for entry in rows if entry.fills is not None}
        return [
            replace(filled[entry.id], window=entry.window) if entry.id in filled else entry
            for entry in rows
            if entry.fills is None
        ]

    def gaps(self, rule_id: str | None = None) -> list[LedgerEntry]:
        """Windows that were given up and have not been filled since, oldest first."""
        filling = aliased(RunRow)
        query = (
            select(RunRow)
            .where(*self._tiles(rule_id), RunRow.outcome == WindowOutcome.GAP.value)
            .where(~select(filling.id).where(filling.fills == RunRow.id, filling.settled.is_(True)).exists())
            .order_by(RunRow.window_from, RunRow.rule_id)
        )
        with self._state.session(read_only=True) as session:
            return [LedgerEntry.of(row) for row in session.scalars(query)]

    def covered_to(self, rule_id: str) -> datetime | None:
        """Up to when the rule's time is settled; None for a rule without a schedule."""
        with self._state.session(read_only=True) as session:
            schedule = session.get(ScheduleRow, (self._workspace_id, rule_id))
            return None if schedule is None else schedule.covered_to

    def attempts_to_fill(self, gap_id: int) -> int:
        """How often a gap's filling was tried."""
        with self._state.session(read_only=True) as session:
            return session.scalar(select(func.count()).select_from(RunRow).where(RunRow.fills == gap_id)) or 0

    def verify(self) -> list[Fault]:
        """Every place where settled windows do not tile a rule's time up to its schedule; empty when all is well."""
        faults = []
        with self._state.session(read_only=True) as session:
            columns = (RunRow.rule_id, RunRow.window_from, RunRow.window_to)
            rows = session.execute(
                select(*columns).where(*self._tiles()).order_by(RunRow.rule_id, RunRow.window_from, RunRow.id)
            )
            last: dict[str, datetime] = {}
            for rule_id, start, end in rows:
                before = last.get(rule_id)
                if before is not None and start != before:
                    what = "a hole" if start > before else "an overlap"
                    faults.append(
                        Fault(rule_id, f"There is {what} between {before.isoformat()} and {start.isoformat()}.")
                    )
                if end <= start:
                    faults.append(Fault(rule_id, f"The window at {start.isoformat()} has no length."))
                last[rule_id] = end
            schedules = select(ScheduleRow).where(ScheduleRow.workspace_id == self._workspace_id)
            for schedule in session.scalars(schedules):
                end = last.get(schedule.rule_id, schedule.covered_to)
                if end != schedule.covered_to:
                    message = (
                        f"The windows end at {end.isoformat()}, the schedule at {schedule.covered_to.isoformat()}."
                    )
                    faults.append(Fault(schedule.rule_id, message))
        return faults
