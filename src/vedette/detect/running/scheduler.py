"""The scheduler: runs each rule for each of its windows, in order, once; and catches up on what was missed.

Time comes from the clock alone, so a replay with a virtual clock does what the live scheduler did. A run and what
follows from it (ledger, alerts, incidents) are one transaction: killed at any moment, a window is done or still to do.
"""

from __future__ import annotations

import heapq
import logging
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum

from sqlalchemy.exc import OperationalError

from vedette.core.clock import Clock
from vedette.core.database import State
from vedette.core.errors import Closing, NotFound
from vedette.detect.alerts.alert import Outcome, RuleRun, RunType
from vedette.detect.library import RuleLibrary, StoredRule
from vedette.detect.rule import AnalyticsRule, RuleKind
from vedette.detect.running.gaps import Gaps
from vedette.detect.running.late import LateEvents
from vedette.detect.running.ledger import Ledger
from vedette.detect.running.runner import RuleRunner, run_error
from vedette.detect.running.sharing import Candidate, Sharing
from vedette.detect.running.windows import LONGEST_WAIT, DueWindow, NextWindow
from vedette.detect.tuning.exceptions import RuleExceptions

log = logging.getLogger(__name__)

OnAlerts = Callable[[RuleRun], object]
"""Takes a run that has matched. Called inside the transaction that records the run, so its own sessions join it."""

_Due = list[tuple[tuple[datetime, str], DueWindow]]
"""A heap of the windows that can be run, by their order."""


class Lane(Enum):
    """Rules that take long run beside the others, one at a time as those do: a rule of every minute does not wait for them."""

    QUICK = "quick"
    SLOW = "slow"


@dataclass(frozen=True, slots=True)
class ScheduleOptions:
    """How the scheduler works; lengths of time are timedeltas, seconds are floats."""

    ingestion_delay: timedelta = timedelta(minutes=5)
    """Windows end this long before now, so that events have arrived when they are searched (as in Sentinel)."""
    nrt_delay: timedelta = timedelta(seconds=2)
    """The same for near-real-time rules that are not found in the stream: late events have them searched again."""
    tick_seconds: float = 5.0
    """After so much time a round begins no further run: the scheduler rests, and looks around again."""
    share: float = 0.75
    """The part of the time that rounds may take, however far behind rules are; the rest is the people's and the arriving rows'."""
    slow_seconds: float = 5.0
    """A rule whose runs take that long goes to the slow lane, and back when they have become shorter."""
    tick_runs: int = 500
    """The most runs of one round."""
    tick_reopened: int = 100
    """The most windows of one round that are searched again because of late events."""
    max_attempts: int = 3
    """How often a window is tried before it is a gap."""
    retry_after: timedelta = timedelta(seconds=30)
    """Wait after the first failure; doubled after each further one."""
    horizon: timedelta = timedelta(days=30)
    """Windows that are older are not caught up on; they become a gap with that reason."""
    mended_every: timedelta = timedelta(seconds=30)
    """How often it is asked whether queries fit that did not, because a table, column, function or watchlist was missing."""
    idle_seconds: float = 5.0
    """The longest wait before rules are looked at again (rules are imported and changed meanwhile)."""


@dataclass(slots=True)
class TickReport:
    """What one round did."""

    lane: Lane | None = None
    runs: int = 0
    spared: int = 0
    """Of the runs those whose query a shared look has answered."""
    matched: int = 0
    failed: int = 0
    suppressed: int = 0
    filled: int = 0
    reopened: int = 0
    """Windows that were searched again because of late events."""
    behind: bool = False
    """Whether windows are left that are due."""
    alerts: list[str] = field(default_factory=list)
    """Ids of the alerts raised."""
    next_due: datetime | None = None
    """When the next window of those rules that it looked at can be run, by the time that can be searched (`Ledger.next_due`)."""


class Scheduler:
    """Runs the rules of one workspace on their schedule."""

    def __init__(
        self,
        state: State,
        library: RuleLibrary,
        runner: RuleRunner,
        ledger: Ledger,
        clock: Clock,
        on_alerts: OnAlerts | None = None,
        options: ScheduleOptions | None = None,
        late: LateEvents | None = None,
        streamed: Callable[[AnalyticsRule], bool] | None = None,
        exceptions: RuleExceptions | None = None,
        binds: Callable[[AnalyticsRule], bool] | None = None,
        sharing: Sharing | None = None,
    ) -> None:
        """`streamed` tells of a near-real-time rule whether its alerts come from the stream (`stream.py`), so that its
        windows can wait for late events as those of other rules do. `binds` tells whether a rule's query fits the tables,
        functions and watchlists that there are now: one that did not is tried again as soon as it does. With `sharing`,
        rules that are due together share a look at their tables before they are run."""
        self._state = state
        self._library = library
        self._runner = runner
        self._ledger = ledger
        self._clock = clock
        self._on_alerts = on_alerts
        self._options = options or ScheduleOptions()
        self._late = late
        self._streamed = streamed
        self._exceptions = exceptions
        self._gaps = Gaps(state, library.workspace_id)
        self._binds = binds
        self._sharing = sharing
        self._asked_at: datetime | None = None
        self._mended: set[str] = set()
        """Rules whose query did not fit and does now: their gaps are filled before their next window is due."""
        self._retried: set[tuple[str, int]] = set()
        """The same, by revision, since they did not fit: one that fails all the same (what a row's bag holds is known only then)
        is left to its turn."""
        self._took: dict[str, float] | None = None

    def _lane(self, rule_id: str) -> Lane:
        if self._took is None:
            self._took = self._ledger.longest()
        return Lane.SLOW if self._took.get(rule_id, 0.0) >= self._options.slow_seconds else Lane.QUICK

    def _early(self, rule: AnalyticsRule) -> timedelta:
        options = self._options
        if rule.kind is not RuleKind.NRT or self._streamed is None or self._streamed(rule):
            return timedelta(0)
        return max(options.ingestion_delay - options.nrt_delay, timedelta(0))

    def tick(self, lane: Lane | None = None) -> TickReport:
        """One round: every window that is due, the longest overdue first, within the budget; then gaps, and windows
        that late events have re-opened. With a lane those of its rules, else all."""
        report = TickReport(lane)
        began = self._clock.monotonic()
        if lane is not Lane.SLOW:
            if self._late is not None:
                self._late.note()
            self._look_for_mended()
        due: _Due = []
        self._spare(due, self._look(due, report), report, began)
        while due:
            if self._exhausted(report, began):
                report.behind = True
                return report
            _, entry = heapq.heappop(due)
            if self._settle(entry, report):
                self._spare(due, self._look(due, report, entry.rule_id), report, began)
            else:  # somebody else has moved it on
                report.next_due = self._searchable()
        self._fill_gaps(report, began)
        self._search_again(report, began)
        return report

    def run_forever(self, stop: threading.Event, lane: Lane | None = None) -> None:
        """Rounds until `stop` is set, of a lane or of all rules; lanes are run by a thread each. A round that fails is logged and
        does not end the scheduler."""
        while not stop.is_set():
            try:
                wait = self.round(lane)
            except Closing:
                return
            except Exception:
                log.exception("a round of the rule scheduler failed")
                wait = self._options.idle_seconds
            self._clock.wait(stop, wait)

    def round(self, lane: Lane | None = None) -> float:
        """One round (`tick`); the seconds to wait before the next: until something is due, and as long as it takes to leave
        others their share of the time."""
        began = self._clock.monotonic()
        report = self.tick() if lane is None else self.tick(lane)
        rest = (self._clock.monotonic() - began) * (1 / self._options.share - 1)
        return rest if report.behind else max(rest, self._pause(report))

    def run_now(self, rule_id: str, at: datetime | None = None, period: timedelta | None = None) -> RuleRun:
        """Run one rule by hand, as of `at` (now by default), and keep the run and what it found."""
        stored = self._library.get(rule_id)
        run = self._runner.run(stored.rule, at or self._clock.now(), period, RunType.MANUAL)
        with self._state.session() as session:
            self._ledger.record_manual(session, run, stored.revision)
            self._hand_over(run)
        return run

    def refill(self, rule_id: str | None = None) -> TickReport:
        """Try every window again that a rule failed for and that was given up, whatever was tried since.

        Gaps that were given up for their age are left: they are as long as many windows.
        """
        report = TickReport()
        for gap in self._ledger.gaps(rule_id):
            if gap.run_id is None:
                continue
            tried = self._ledger.attempts_to_fill(gap.id)
            self._settle(DueWindow(gap.rule_id, gap.window, tried + 1, gap.id), report)
        return report

    def _look_for_mended(self) -> None:
        """Ask now and then whether queries that did not fit the workspace do so by now, and let those rules be tried at once."""
        now, every = self._clock.now(), self._options.mended_every
        if self._binds is None or (self._asked_at is not None and self._asked_at <= now < self._asked_at + every):
            return
        self._asked_at = now
        misread = self._gaps.misread()
        self._mended &= set(misread)
        for rule_id in misread:
            try:
                stored = self._library.get(rule_id)
            except NotFound:
                continue
            this = rule_id, stored.revision
            if not stored.scheduled or not self._binds(stored.rule):
                self._retried.discard(this)
            elif this not in self._retried:
                self._retried.add(this)
                with self._state.session() as session:
                    self._ledger.forget_failures(session, rule_id)
                self._mended.add(rule_id)

    def _look(self, due: _Due, report: TickReport, rule_id: str | None = None) -> list[NextWindow]:
        """Add the windows that can be run now, of each rule or of one, and give them; note when the first of the others can."""
        now = self._searchable()
        found: list[NextWindow] = []
        for place in self._ledger.upcoming(now, self._options.horizon, rule_id):
            if not self._is_of(report.lane, place.rule.id):
                continue
            ready = place.ready(self._early(place.rule))
            if ready <= now:
                entry = place.due
                heapq.heappush(due, (entry.order, entry))
                found.append(place)
            elif report.next_due is None or ready < report.next_due:
                report.next_due = ready
        return found

    def _spare(self, due: _Due, places: list[NextWindow], report: TickReport, began: float) -> None:
        """Settle those of the windows at once that looks which their rules share show to be empty, and those that follow on them;
        the others stay due."""
        while places and self._sharing is not None and not self._exhausted(report, began):
            ready = [
                (place.rule, place.due)
                for place in sorted(places, key=lambda place: place.due.order)
                if place.attempts == 0
                and (place.suppressed_until is None or place.due.window.end > place.suppressed_until)
            ]
            if not ready:
                return
            done: set[DueWindow] = set()
            with self._reading() as read_to:  # before the look, as before a query
                told = self._sharing.spared(
                    [
                        Candidate(rule, entry.window.end - _period(rule, entry), entry.window.end)
                        for rule, entry in ready
                    ]
                )
                for (rule, entry), seconds in zip(ready, told, strict=True):
                    if seconds is None:
                        continue
                    if self._exhausted(report, began):
                        break
                    stored = self._stored(entry)
                    if stored is not None and stored.rule == rule:  # which may be another one by now
                        run = self._runner.silent(rule, entry.window.end, _period(rule, entry), seconds)
                        report.runs, report.spared = report.runs + 1, report.spared + 1
                        if self._record(entry, stored, replace(run, read_to=read_to), report):
                            done.add(entry)
            due[:] = [(order, entry) for order, entry in due if entry not in done]
            heapq.heapify(due)
            places = [place for entry in done for place in self._look(due, report, entry.rule_id)]

    def _stored(self, due: DueWindow) -> StoredRule | None:
        try:
            return self._library.get(due.rule_id)
        except NotFound:
            return None

    def _is_of(self, lane: Lane | None, rule_id: str) -> bool:
        return lane is None or self._lane(rule_id) is lane

    def _searchable(self) -> datetime:
        return self._clock.now() - self._options.ingestion_delay

    def _exhausted(self, report: TickReport, began: float) -> bool:
        spent = self._clock.monotonic() - began
        # one run at least, however long it took to look around
        return report.runs >= self._options.tick_runs or (report.runs > 0 and spent >= self._options.tick_seconds)

    def _pause(self, report: TickReport) -> float:
        if report.next_due is None:
            return self._options.idle_seconds
        return min(max((report.next_due - self._searchable()).total_seconds(), 0.05), self._options.idle_seconds)

    def _settle(self, due: DueWindow, report: TickReport) -> bool:
        """Run a rule for a window and record it; False if it was somebody else's or the rule is gone."""
        stored = self._stored(due)
        if stored is None:
            return False
        if due.fills is None and due.suppressed_until is not None and due.window.end <= due.suppressed_until:
            with self._state.session() as session:
                recorded = self._ledger.record_suppressed(session, due)
            report.suppressed += recorded
            return recorded
        with self._reading() as read_to:  # before the query: what it sees for certain
            return self._run_and_record(due, stored, read_to, report)

    def _reading(self) -> AbstractContextManager[int | None]:
        return nullcontext() if self._late is None else self._late.reading()

    def _run_and_record(self, due: DueWindow, stored: StoredRule, read_to: int | None, report: TickReport) -> bool:
        run = self._runner.run(
            stored.rule, due.window.end, run_type=RunType.SCHEDULED, attempt=due.attempt, period=_period(stored.rule, due),
            since=due.window.start,
        )  # fmt: skip
        run = replace(run, read_to=read_to)
        report.runs += 1
        if self._sharing is not None and due.fills is None:
            self._sharing.note(run)
        if self._took is not None:  # a rule that was slow stays so for some quick runs
            self._took[due.rule_id] = max(run.duration, self._took.get(due.rule_id, 0.0) / 2)
        try:
            return self._record(due, stored, run, report)
        except _NotTaken as failure:  # the rule's window has failed, and nobody else's
            return self._record(due, stored, failure.run, report)

    def _record(self, due: DueWindow, stored: StoredRule, run: RuleRun, report: TickReport) -> bool:
        options = self._options
        retry_at = self._searchable() + min(options.retry_after * 2 ** min(due.attempt - 1, 20), LONGEST_WAIT)
        with self._state.session() as session:
            if not self._ledger.record(session, due, run, stored.revision, options.max_attempts, retry_at):
                return False
            if self._exceptions is not None and run.hidden:
                self._exceptions.count(session, run)
            self._hand_over(run)
        if run.outcome is Outcome.ERROR:
            assert run.error is not None
            log.warning("rule %s failed for its window to %s: %s", stored.rule.id, run.end, run.error.message)
            report.failed += 1
        report.matched += run.outcome is Outcome.MATCHED
        if due.fills is not None and run.outcome is not Outcome.ERROR:
            report.filled += due.reopened is None
            report.reopened += due.reopened is not None
        report.alerts += [alert.id for alert in run.alerts]
        return True

    def _hand_over(self, run: RuleRun) -> None:
        if run.alerts and self._on_alerts is not None:
            try:
                self._on_alerts(run)
            except (OperationalError, Closing):
                raise  # the database, which is nobody's fault here: the whole round waits
            except Exception as error:
                log.exception("the alerts of rule %s for its window to %s cannot be taken", run.rule.id, run.end)
                raise _NotTaken(run, error) from error

    def _fill_gaps(self, report: TickReport, began: float) -> None:
        """Gaps of rules that run again: each is tried a few times, once for every success since."""
        for gap in self._gaps.to_fill(self._options.max_attempts, self._mended):
            if self._exhausted(report, began):
                return
            mended = gap.rule_id in self._mended
            stored = self._stored(gap)
            if stored is None or not stored.scheduled:  # as soon as it is on again
                continue
            if self._is_of(report.lane, gap.rule_id) and (mended or self._gaps.works(gap.rule_id)):
                self._settle(gap, report)
                self._mended.discard(gap.rule_id)

    def _search_again(self, report: TickReport, began: float) -> None:
        """Windows that late events have re-opened, oldest first; one that fails is tried again later, for as long as it takes."""
        if self._late is None:
            return
        due = [entry for entry in self._late.due(self._searchable()) if self._is_of(report.lane, entry.rule_id)]
        for done, entry in enumerate(due):
            if done >= self._options.tick_reopened or self._exhausted(report, began):
                report.behind = True
                return
            self._settle(entry, report)


class _NotTaken(Exception):
    """What a run found could not be kept: the run as one that has failed."""

    def __init__(self, run: RuleRun, error: Exception) -> None:
        super().__init__(str(error))
        said = run_error(error)
        kept = replace(said, message=f"What the rule found could not be kept: {said.message}")
        self.run = replace(run, outcome=Outcome.ERROR, alerts=(), error=kept)


def _period(rule: AnalyticsRule, due: DueWindow) -> timedelta:
    """How far the run looks back: the rule's period, or the whole window where an earlier frequency was longer; a window
    that is searched again, as far as before, whatever the rule says now."""
    if due.query_from is not None:
        return due.window.end - due.query_from
    return max(rule.period, due.window.end - due.window.start)
