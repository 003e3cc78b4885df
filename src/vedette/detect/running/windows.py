"""What the coverage ledger says: windows of a rule's time, what became of them, and what they took."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from vedette.core.ids import derived_id
from vedette.detect.alerts.alert import RunType
from vedette.detect.alerts.moments import wire_datetime
from vedette.detect.models import RunRow
from vedette.detect.rule import AnalyticsRule


class WindowOutcome(StrEnum):
    """What became of a window."""

    MATCHED = "MATCHED"
    NOT_MATCHED = "NOT_MATCHED"
    ERROR = "ERROR"
    """An attempt failed; the window is not settled by it."""
    GAP = "GAP"
    """The window was given up, for the reason that is kept with it."""
    SUPPRESSED = "SUPPRESSED"
    """The rule does not run for a while after an alert, as it says."""
    DISABLED = "DISABLED"
    """The rule was switched off."""
    SET_BACK = "SET_BACK"
    """No window: the clock was set back, and what was not read of the time that is still to come is searched as it comes."""


LONGEST_WAIT: Final = timedelta(hours=1)
"""Between two attempts at a window."""
SPARED: Final = "A look that several rules share found no row that this rule needs, so its query was not run."
"""What the ledger says of a window that such a look has answered: it was read, and nothing is in it."""
READ = (WindowOutcome.MATCHED, WindowOutcome.NOT_MATCHED)
"""Outcomes of windows whose data was read."""


def suppressed_reason(until: datetime) -> str:
    """What the ledger says of a window that a rule does not run for after an alert."""
    return f"The rule does not run until {until:%Y-%m-%d %H:%M:%S} UTC, because it raised an alert."


def given_up_reason(before: datetime) -> str:
    """What the ledger says of windows that are too old to be searched."""
    return f"The rule was not run in time: windows that ended before {before:%Y-%m-%d %H:%M} were given up."


def run_id_of(rule_id: str, start: datetime, end: datetime, run_type: RunType) -> str:
    """The id of a rule's run over [start, end): the same whenever and however often it is run."""
    return derived_id("run", rule_id, wire_datetime(start), wire_datetime(end), run_type.value)


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of a rule's time, from `start` up to but not including `end`."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class DueWindow:
    """A window that a rule is to run for now."""

    rule_id: str
    window: Window
    attempt: int
    fills: int | None = None
    """The window that it fills (a gap) or reads again, by its row; None for the next window of the rule."""
    suppressed_until: datetime | None = None
    reopened: str | None = None
    """Why the window is read again, after it was read."""
    query_from: datetime | None = None
    """From where a window that is read again was read: the same alerts have the same ids."""

    @property
    def order(self) -> tuple[datetime, str]:
        """Windows are run in the order in which they ended, over all rules."""
        return self.window.end, self.rule_id


@dataclass(frozen=True, slots=True)
class NextWindow:
    """Where a rule that is on goes on: its next window starts at `start`, and was tried `attempts` times."""

    rule: AnalyticsRule
    start: datetime
    attempts: int
    retry_at: datetime | None
    suppressed_until: datetime | None

    def ready(self, early: timedelta) -> datetime:
        """When the window can be run, `early` before it has ended or, after a failure, later."""
        end = self.start + self.rule.frequency - early
        return end if self.retry_at is None else max(end, self.retry_at)

    @property
    def due(self) -> DueWindow:
        """The window, to be run."""
        window = Window(self.start, self.start + self.rule.frequency)
        return DueWindow(self.rule.id, window, self.attempts + 1, None, self.suppressed_until)


Early = Callable[[AnalyticsRule], timedelta]
"""How much later than others a rule's windows may end."""


def never_early(rule: AnalyticsRule) -> timedelta:
    """No later than others."""
    return timedelta(0)


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """A row of the ledger as it was written."""

    id: int
    rule_id: str
    run_id: str | None
    run_type: RunType
    window: Window
    query_from: datetime | None
    outcome: WindowOutcome
    settled: bool
    fills: int | None
    attempt: int
    rows: int
    alerts: int
    exhaustiveness: str | None
    reason: str | None
    error: dict[str, Any] | None
    duration: float
    query_hash: str | None
    revision: int | None
    search_id: str | None
    trace_id: str | None
    recorded_at: datetime
    bins_kept: int | None = None
    bins_made: int | None = None

    @property
    def spared(self) -> bool:
        """Whether a look that several rules share told that nothing is in the window."""
        return self.reason == SPARED

    @classmethod
    def of(cls, row: RunRow) -> LedgerEntry:
        """A row of the table as a value."""
        return cls(
            id=row.id,
            rule_id=row.rule_id,
            run_id=row.run_id,
            run_type=RunType(row.run_type),
            window=Window(row.window_from, row.window_to),
            query_from=row.query_from,
            outcome=WindowOutcome(row.outcome),
            settled=row.settled,
            fills=row.fills,
            attempt=row.attempt,
            rows=row.rows,
            alerts=row.alerts,
            exhaustiveness=row.exhaustiveness,
            reason=row.reason,
            error=row.error,
            duration=row.duration,
            query_hash=row.query_hash,
            revision=row.revision,
            search_id=row.search_id,
            trace_id=row.trace_id,
            recorded_at=row.recorded_at,
            bins_kept=row.bins_kept,
            bins_made=row.bins_made,
        )


@dataclass(slots=True)
class RuleCost:
    """What the runs of a rule took: seconds of its queries, their result rows, and the longest time from the end of a window
    to the start of its run in seconds."""

    rule_id: str
    runs: int = 0
    seconds: float = 0.0
    longest: float = 0.0
    rows: int = 0
    alerts: int = 0
    failed: int = 0
    latest: float = 0.0


@dataclass(frozen=True, slots=True)
class Fault:
    """A place where a rule's windows do not tile its time."""

    rule_id: str
    message: str
