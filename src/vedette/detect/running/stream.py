"""Near-real-time rules on the stream: found when their rows arrive, not when their minute is over.

What arrives is told by the log store, once it is there. A rule whose query is row-local (`store.shapes`) is run at once over the
windows that the rows lie in; one whose findings only grow, every few seconds while rows come. The run has the window of the
ledger, so its alerts have the ids that the scheduled pass gives them: that pass confirms them, and finds what a process that
was killed in between did not. Nothing here is written into the ledger, and nothing here can make a hole in it.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from vedette.core.clock import Clock
from vedette.core.database import State
from vedette.core.errors import Closing
from vedette.detect.alerts.alert import Outcome, RuleRun, RunType
from vedette.detect.rule import AnalyticsRule, RuleKind
from vedette.detect.running.ledger import Ledger
from vedette.detect.running.runner import RuleRunner, Shape, Shapes
from vedette.detect.running.windows import NextWindow, Window

log = logging.getLogger(__name__)

_REMEMBERED: Final = 50_000
_MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class StreamOptions:
    """`growing_every`: the least time between two runs of a rule whose findings grow. `windows`: the most windows of one
    rule that are run for what has arrived at once, the newest; older ones are the scheduler's."""

    growing_every: timedelta = timedelta(seconds=2)
    windows: int = 5
    ahead: timedelta = timedelta(minutes=5)
    """Events of a later time than now wait until their time has come."""


@dataclass(slots=True)
class StreamReport:
    """What one round did."""

    runs: int = 0
    failed: int = 0
    alerts: list[str] = field(default_factory=list)
    """Ids of the alerts that were handed over."""


def on_the_stream(rule: AnalyticsRule, shape: Shape | None) -> bool:
    """Whether a rule's alerts can be told while its window is open: a further row takes none of them back.

    A rule that is suppressed after an alert is left to the scheduler, which knows which window was the first.
    """
    return rule.kind is RuleKind.NRT and not rule.suppression.enabled and shape is not None and shape.growing


class Stream:
    """The near-real-time rules of one workspace, on what arrives."""

    def __init__(
        self,
        state: State,
        runner: RuleRunner,
        ledger: Ledger,
        shapes: Shapes,
        clock: Clock,
        on_alerts: Callable[[RuleRun], object],
        options: StreamOptions | None = None,
    ) -> None:
        self._state = state
        self._runner = runner
        self._ledger = ledger
        self._shapes = shapes
        self._clock = clock
        self._on_alerts = on_alerts
        self._options = options or StreamOptions()
        self._guard = threading.Lock()
        self._wake = threading.Event()
        self._pending: dict[str, set[datetime]] = {}
        self._waiting: dict[str, set[datetime]] = {}
        self._ran: dict[str, datetime] = {}
        self._told: OrderedDict[tuple[str, str], None] = OrderedDict()

    def arrived(self, table: str, minutes: Iterable[datetime]) -> None:
        """Rows of a table are in the store, with a TimeGenerated in these minutes. Returns at once."""
        with self._guard:
            self._pending.setdefault(table, set()).update(minutes)
        self._wake.set()

    def run_forever(self, stop: threading.Event) -> None:
        """Rounds whenever rows arrive, until `stop` is set. A round that fails is logged; the scheduler finds what it did not."""
        while not stop.is_set():
            waiting = any(self._waiting.values())
            if not self._wake.wait(0.5 if waiting else 1.0) and not waiting:
                continue
            self._wake.clear()
            try:
                self.tick()
            except Closing:
                return
            except Exception:
                log.exception("a round of the near-real-time rules failed")
                self._clock.wait(stop, 1.0)

    def tick(self) -> StreamReport:
        """One round over what has arrived since the last."""
        with self._guard:
            pending, self._pending = self._pending, {}
        report = StreamReport()
        now = self._clock.now()
        on = set()
        for following in self._ledger.next_windows(kind=RuleKind.NRT):
            rule = following.rule
            shape = self._shapes.shape(rule.query)
            if shape is None or not on_the_stream(rule, shape):
                continue
            on.add(rule.id)
            minutes = self._waiting.setdefault(rule.id, set())
            for table in shape.tables & pending.keys():
                minutes |= {minute for minute in pending[table] if minute < now + self._options.ahead}
            if not minutes or (following.retry_at is not None and following.retry_at > now):
                continue
            if not shape.row_local and now - self._ran.get(rule.id, now - _MINUTE) < self._options.growing_every:
                continue
            self._ran[rule.id] = now
            self._waiting[rule.id] = set()
            for window, start in self._windows(following, sorted(minutes)):
                self._run(rule, window, start, report)
        for gone in self._waiting.keys() - on:
            del self._waiting[gone]
        return report

    def _windows(self, following: NextWindow, minutes: list[datetime]) -> list[tuple[Window, datetime]]:
        """The windows of the rule that rows of these minutes lie in, and from when each is read; oldest first."""
        rule, found = following.rule, {}
        for minute in minutes[-self._options.windows * 2 :]:
            if minute < following.start:
                end = min(minute + _MINUTE, following.start)
                for window, start in self._ledger.read_between(rule.id, minute, end, self._options.windows):
                    found[window.start] = (window, start)
            if minute + _MINUTE > following.start:
                first = max(0, (minute - following.start) // rule.frequency)
                last = (minute + _MINUTE - following.start - timedelta(microseconds=1)) // rule.frequency
                for number in range(first, last + 1):
                    start = following.start + number * rule.frequency
                    window = Window(start, start + rule.frequency)
                    found[start] = (window, window.end - max(rule.period, rule.frequency))
        return [found[start] for start in sorted(found)][-self._options.windows :]

    def _run(self, rule: AnalyticsRule, window: Window, start: datetime, report: StreamReport) -> None:
        run = self._runner.run(rule, window.end, run_type=RunType.SCHEDULED, period=window.end - start)
        report.runs += 1
        if run.outcome is Outcome.ERROR:
            report.failed += 1  # the ledger's pass fails as well, and says so
            return
        new = tuple(alert for alert in run.alerts if (alert.id, alert.rows_hash) not in self._told)
        if not new:
            return
        with self._state.session():
            self._on_alerts(replace(run, alerts=new))
        for alert in new:
            self._told[alert.id, alert.rows_hash] = None
            report.alerts.append(alert.id)
        while len(self._told) > _REMEMBERED:
            self._told.popitem(last=False)
