"""Rows of the ledger for time that no run has read, and what a rule had still to search when it was switched off."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from vedette.detect.alerts.alert import RunType
from vedette.detect.models import RunRow, ScheduleRow
from vedette.detect.rule import AnalyticsRule
from vedette.detect.running.windows import WindowOutcome, given_up_reason, run_id_of, suppressed_reason

MOST_WINDOWS: Final = 500
"""Windows before a rule was switched off that are searched when it is on again; older ones are given up, as a gap with that reason."""


def unread(
    schedule: ScheduleRow,
    end: datetime,
    outcome: WindowOutcome,
    reason: str,
    at: datetime,
    *,
    settled: bool = True,
    run_id: str | None = None,
) -> RunRow:
    """A row for the time from where the schedule is up to `end`, recorded at a time."""
    return RunRow(
        workspace_id=schedule.workspace_id, rule_id=schedule.rule_id, run_id=run_id, run_type=RunType.SCHEDULED.value,
        window_from=schedule.covered_to, window_to=end, query_from=None, outcome=outcome.value, settled=settled, fills=None,
        attempt=0, rows=0, alerts=0, exhaustiveness=None, reason=reason, error=None, duration=0.0, query_hash=None,
        revision=None, search_id=None, trace_id=None, recorded_at=at, read_to=None,
    )  # fmt: skip


def note_off(session: Session, schedule: ScheduleRow, now: datetime, reason: str) -> None:
    """Let the ledger know that a rule is switched off now: what lies before, and was not searched, is still to be searched."""
    if schedule.covered_to < now:
        session.add(unread(schedule, now, WindowOutcome.DISABLED, reason, now, settled=False))


def was_on(session: Session, schedule: ScheduleRow) -> bool:
    """Whether the rule was still on where its schedule is: the window that begins there is searched in its turn."""
    off = _switched_off(session, schedule)
    return off is not None and schedule.covered_to < off


def still_to_search(
    session: Session, schedule: ScheduleRow, rule: AnalyticsRule, until: datetime, now: datetime
) -> Iterator[RunRow]:
    """Settled rows for the windows that began before a rule was switched off: gaps that are filled as soon as it runs again.

    The schedule goes on with each, `until` at most; windows are whole, so that none looks back on another. What was suppressed
    stays so.
    """
    off = _switched_off(session, schedule)
    if off is None:
        return
    waited = (min(off, until) - schedule.covered_to) // rule.frequency - MOST_WINDOWS
    if waited > 0:
        oldest = schedule.covered_to + waited * rule.frequency
        yield unread(schedule, oldest, WindowOutcome.GAP, given_up_reason(oldest), now)
        schedule.covered_to = oldest
    while schedule.covered_to < off and schedule.covered_to + rule.frequency <= until:
        window_end = schedule.covered_to + rule.frequency
        if schedule.suppressed_until is not None and window_end <= schedule.suppressed_until:
            reason = suppressed_reason(schedule.suppressed_until)
            yield unread(schedule, window_end, WindowOutcome.SUPPRESSED, reason, now)
        else:
            reason = "The rule was switched off before this window was searched; it is searched as soon as the rule runs again."
            start = window_end - max(rule.period, rule.frequency)
            run_id = run_id_of(rule.id, start, window_end, RunType.SCHEDULED)
            yield unread(schedule, window_end, WindowOutcome.GAP, reason, now, run_id=run_id)
        schedule.covered_to = window_end


def _switched_off(session: Session, schedule: ScheduleRow) -> datetime | None:
    """When the rule was last switched off before its schedule's time was searched; None if it was not."""
    return session.scalar(
        select(RunRow.window_to)
        .where(
            RunRow.workspace_id == schedule.workspace_id, RunRow.rule_id == schedule.rule_id, RunRow.settled.is_(False),
            RunRow.outcome == WindowOutcome.DISABLED.value,
        )
        .order_by(RunRow.id.desc())
        .limit(1)
    )  # fmt: skip
