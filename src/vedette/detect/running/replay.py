"""Replay: what a rule finds over a past time, by the scheduler itself with a virtual clock; and backtests made of it.

A replay has a state of its own that is thrown away, so nothing of it is stored. Its result is a function of the rule,
the time and the data: two replays give the same lines, byte for byte.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from vedette.core.clock import Clock, VirtualClock
from vedette.core.database import State
from vedette.core.errors import InvalidInput
from vedette.core.workspaces import Workspaces
from vedette.detect.alerts.alert import Alert, RuleRun
from vedette.detect.alerts.moments import wire_datetime
from vedette.detect.export.layout import to_layout
from vedette.detect.library import RuleLibrary
from vedette.detect.reading.files import ReadRule, RuleSource
from vedette.detect.rule import AnalyticsRule
from vedette.detect.running.ledger import Ledger
from vedette.detect.running.runner import ExceptionsOf, QueryRunner, RuleRunner, Shapes
from vedette.detect.running.scheduler import ScheduleOptions, Scheduler
from vedette.detect.running.windows import WindowOutcome

_STEP: Final = timedelta(days=1)
_EXAMPLES: Final = 3
MAX_WINDOWS: Final = 200_000
"""Of one replay: a rule that runs every minute, over some four months."""

Advance = Callable[[int, int], None]
"""Told how many windows are done, and how many there are."""


@dataclass(slots=True)
class Replayed:
    """What a replay found. `lines` are the alerts as programs see them, in the order in which they were raised."""

    rule: AnalyticsRule
    start: datetime
    end: datetime
    lines: list[dict[str, Any]] = field(default_factory=list)
    hashes: dict[str, str] = field(default_factory=dict)
    """Of each alert: its id, and the hash of all its rows."""
    days: Counter[str] = field(default_factory=Counter)
    runs: int = 0
    rows: int = 0
    seconds: float = 0.0
    suppressed: int = 0
    errors: list[dict[str, Any]] = field(default_factory=list)
    """Windows that could not be searched, with the reason."""


def alert_line(alert: Alert, run: RuleRun) -> dict[str, Any]:
    """An alert as a line of a replay: its id, the time that was searched, and the line of ``vedette rules run``."""
    return {"id": alert.id, "from": wire_datetime(run.start), "to": wire_datetime(run.end), **alert.to_line()}


class Replayer:
    """Replays rules over one log store. A context manager: its state lies in a temporary folder until the end."""

    def __init__(
        self, logs: QueryRunner, clock: Clock, shapes: Shapes | None = None, exceptions: ExceptionsOf | None = None
    ) -> None:
        """`clock` measures what the queries cost; the time that the rules see is the replay's own. `exceptions` tells what counts
        for a window that ends at a time of the replay."""
        self._logs = logs
        self._shapes = shapes
        self._exceptions = exceptions
        self._clock = clock
        self._folder = tempfile.TemporaryDirectory(prefix="vedette-replay-")
        self._state = State.in_file(Path(self._folder.name) / "state.db")
        self._state.upgrade()
        self._count = 0

    def __enter__(self) -> Replayer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._state.dispose()
        self._folder.cleanup()

    def replay(
        self, rule: AnalyticsRule, start: datetime, end: datetime, advance: Advance = lambda done, all_: None
    ) -> Replayed:
        """Every window of the rule that starts at `start` or later and ends by `end`, as the scheduler would run it live.

        Raises `InvalidInput` for a rule that has no schedule, and for a time that is too long or empty.
        """
        windows = _windows(rule, start, end)
        self._count += 1
        workspace = Workspaces(self._state).create(f"replay-{self._count}").id
        clock = VirtualClock(start + rule.frequency)
        library, ledger = RuleLibrary(self._state, workspace, clock), Ledger(self._state, workspace, clock)
        found = Replayed(rule, start, end)
        places: dict[str, int] = {}

        def keep(run: RuleRun) -> None:
            for alert in run.alerts:
                if alert.id not in found.hashes:
                    places[alert.id] = len(found.lines)
                    found.lines.append(alert_line(alert, run))
                    # a window that ends at midnight is the last of its day, and none of the next
                    found.days[f"{run.end - timedelta(microseconds=1):%Y-%m-%d}"] += 1
                else:  # a campaign that has grown: live, too, its alert is completed and no second one is made
                    found.lines[places[alert.id]] = alert_line(alert, run)
                found.hashes[alert.id] = alert.rows_hash

        options = ScheduleOptions(
            ingestion_delay=timedelta(0), tick_seconds=float("inf"), tick_runs=MAX_WINDOWS * 2, max_attempts=1,
            horizon=end - start + _STEP,
        )  # fmt: skip
        runner = RuleRunner(self._logs, self._clock, shapes=self._shapes, exceptions=self._exceptions)
        scheduler = Scheduler(self._state, library, runner, ledger, clock, keep, options)
        on = replace(rule, enabled=True)
        library.import_([ReadRule(on, RuleSource("replay", None, "yaml", to_layout(on)))])
        while clock.now() <= end:
            scheduler.tick()
            covered = ledger.covered_to(rule.id) or start
            advance((covered - start) // rule.frequency, windows)
            if clock.now() == end:
                break
            clock.advance_to(min(end, clock.now() + max(_STEP, rule.frequency)))
        for entry in ledger.runs(rule.id, limit=MAX_WINDOWS * 2):
            found.runs += entry.run_id is not None
            found.rows += entry.rows
            found.seconds += entry.duration
            found.suppressed += entry.outcome is WindowOutcome.SUPPRESSED
        for gap in ledger.gaps(rule.id):
            found.errors.append({**(gap.error or {"message": gap.reason}), "to": wire_datetime(gap.window.end)})
        return found


def _windows(rule: AnalyticsRule, start: datetime, end: datetime) -> int:
    if not rule.scheduled:
        raise InvalidInput(
            f"'{rule.name}' has no schedule ({rule.kind}), so there is nothing to replay.",
            hint="`vedette rules run --at TIME` runs any rule that has a query.",
            target=rule.id,
        )
    if end <= start:
        raise InvalidInput("The time to replay ends before it starts.", hint="Give --from a time before --to.")
    windows = (end - start) // rule.frequency
    if windows < 1:
        raise InvalidInput(
            f"The time to replay is shorter than the rule's frequency ({rule.frequency}).", hint="Replay a longer time."
        )
    if windows > MAX_WINDOWS:
        raise InvalidInput(
            f"The rule would run {windows:,} times in that time; a replay has at most {MAX_WINDOWS:,} windows.",
            hint="Replay a shorter time.",
        )
    return windows


def summary(found: Replayed) -> dict[str, Any]:
    """A replay in figures: alerts a day, the first examples, and the cost."""
    days = max((found.end - found.start) / timedelta(days=1), 1e-9)
    return {
        "id": found.rule.id,
        "name": found.rule.name,
        "from": wire_datetime(found.start),
        "to": wire_datetime(found.end),
        "alerts": len(found.lines),
        "alerts_per_day": round(len(found.lines) / days, 2),
        "days": dict(sorted(found.days.items())),
        "examples": found.lines[:_EXAMPLES],
        "runs": found.runs,
        "suppressed": found.suppressed,
        "rows": found.rows,
        "seconds": round(found.seconds, 3),
        "errors": found.errors[:_EXAMPLES],
        "failed": len(found.errors),
    }


def difference(new: Replayed, old: Replayed) -> dict[str, Any]:
    """What a new version of a rule finds that the one in force does not, and the other way round.

    Alerts are the same when their ids are: the same rule, window and group. The time that a version searches is a part
    of its windows, so versions with another frequency or period have no alert in common.
    """
    both = new.hashes.keys() & old.hashes.keys()
    more = [line for line in new.lines if line["id"] not in old.hashes]
    less = [line for line in old.lines if line["id"] not in new.hashes]
    return {
        "more": len(more),
        "less": len(less),
        "same": sum(new.hashes[one] == old.hashes[one] for one in both),
        "other_rows": sum(new.hashes[one] != old.hashes[one] for one in both),
        "comparable": (new.rule.frequency, new.rule.period) == (old.rule.frequency, old.rule.period),
        "examples": {"more": more[:_EXAMPLES], "less": less[:_EXAMPLES]},
    }
