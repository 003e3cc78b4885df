"""A simulated day of all core rules: the product's own scheduler on a clock that moves by what its work takes, and skips idle time.

The clock of `LoadClock` advances by the processor time of this process, and by the whole of what somebody waits. So a rule that
starts late starts as late as it would, whatever else the machine is doing, and a night without work takes no time.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import update

from tests.detect.corpus_workspace import rules
from tests.detect.logs import Result, table
from vedette.core.database import State
from vedette.core.workspaces import Workspaces
from vedette.detect.alerts.alert import Outcome, RuleRun, RunType
from vedette.detect.library import RuleLibrary
from vedette.detect.models import ScheduleRow
from vedette.detect.reading.files import ReadRule, read_rule_text
from vedette.detect.rule import AnalyticsRule
from vedette.detect.running.late import Arrivals, LateEvents
from vedette.detect.running.ledger import Ledger
from vedette.detect.running.runner import QueryRunner, RuleRunner, Shapes
from vedette.detect.running.scheduler import Lane, ScheduleOptions, Scheduler
from vedette.detect.running.sharing import Sharing
from vedette.detect.tuning.exceptions import RuleExceptions
from vedette.incidents.service import IncidentService
from vedette.store.arrivals import Arrival
from vedette.store.logstore import LogStore
from vedette.store.shared_scans import Answer, SharedScans

DAY = timedelta(days=1)


class LoadClock:
    """Processor time, and what is waited for, as the time that passes."""

    def __init__(self, start: datetime) -> None:
        self._start = start
        self._began = time.process_time()
        self.skipped = 0.0

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        return time.process_time() - self._began + self.skipped

    def sleep(self, seconds: float) -> None:
        self.skipped += max(0.0, seconds)

    def wait(self, event: threading.Event, seconds: float) -> bool:
        self.sleep(seconds)
        return event.is_set()


def core_rules(shared: Path) -> list[ReadRule]:
    """All shown core rules as their files have them, with their queries back in their places."""
    found: list[ReadRule] = []
    for entry in rules(shared):
        raw: dict[str, Any] = json.loads(json.dumps(entry["raw"]))
        form = "json"
        if "properties" in raw:
            raw["properties"]["query"] = entry["query"]
        elif "detectionAction" in raw:
            raw["queryCondition"]["queryText"] = entry["query"]
        else:
            raw["query"], form = entry["query"], "yaml"
        read, problems = read_rule_text(json.dumps(raw), f"{entry['id']}.{form}")
        assert read, (entry["id"], problems)
        found += read
    return found


@dataclass(slots=True)
class Cost:
    """What the runs of a rule took: seconds of processor, and how late they started, in parts of the rule's frequency."""

    rule: AnalyticsRule
    seconds: list[float] = field(default_factory=list)
    lateness: float = 0.0
    rows: int = 0
    failed: str | None = None

    @property
    def a_day(self) -> float:
        """Seconds of processor in a day, were all of its runs like those that were measured."""
        return sum(self.seconds) / len(self.seconds) * (DAY / self.rule.frequency) if self.seconds else 0.0


class MeasuredRunner(RuleRunner):
    """The runner, with a record of what each run took."""

    costs: dict[str, Cost]

    def run(
        self,
        rule: AnalyticsRule,
        at: datetime,
        period: timedelta | None = None,
        run_type: RunType = RunType.MANUAL,
        attempt: int = 1,
        since: datetime | None = None,
    ) -> RuleRun:
        cost = self.costs.setdefault(rule.id, Cost(rule))
        began = time.process_time()
        found = super().run(rule, at, period, run_type, attempt, since)
        cost.seconds.append(time.process_time() - began)
        cost.rows += found.rows
        if found.outcome is Outcome.ERROR:
            cost.failed = str(found.error)
        return found


class Searched(QueryRunner, Shapes, Arrivals, Protocol):
    """What a workspace's log store is to its rules."""


@dataclass(frozen=True, slots=True)
class Delays:
    """How much later than their windows ended runs began, in parts of their rules' frequencies; and the rule of the worst."""

    runs: int
    mean: float
    worst: float
    rule: str


class SilentLogs:
    """A log store without rows, whose queries take the time that they are said to take."""

    def __init__(self, seconds: Mapping[str, float]) -> None:
        """`seconds` by the text of the query."""
        self.clock: LoadClock | None = None
        self._seconds = seconds

    def query(self, text: str, *, now: datetime, timespan: tuple[datetime, datetime]) -> Result:
        assert self.clock is not None
        self.clock.sleep(self._seconds[text])
        return table([], {"TimeGenerated": "datetime"})

    def shape(self, text: str) -> None:
        return None

    def position(self) -> int:
        return 0

    def arrived(self, first: int, last: int, before: datetime) -> list[Arrival]:
        return []

    def tables_read(self, text: str) -> frozenset[str]:
        return frozenset()


class CountedLooks(SharedScans):
    """Looks, with a record of how many there were and of the seconds of processor that they took."""

    number, seconds = 0, 0.0

    def look(self, asked: Sequence[tuple[str, datetime, datetime, float]], seconds: float) -> list[Answer]:
        began = time.process_time()
        try:
            return super().look(asked, seconds)
        finally:
            self.number += bool(asked)
            self.seconds += time.process_time() - began


class LoadedStore:
    """A workspace with rows, all core rules on, and their starts spread over their frequencies; wired as the product wires it."""

    def __init__(
        self, store: Searched, folder: Path, shared: Path, now: datetime, sharing: bool = True, spread: bool = True
    ) -> None:
        """Without `sharing` each rule is run by itself; without `spread` all windows end at the same moments."""
        self.clock = LoadClock(now)
        self.store = store
        if isinstance(store, SilentLogs):
            store.clock = self.clock
        (folder / "state.db").unlink(missing_ok=True)
        self.state = State.in_file(folder / "state.db")
        self.state.upgrade()
        workspace = Workspaces(self.state).default().id
        self.library = RuleLibrary(self.state, workspace, self.clock)
        report = self.library.import_(core_rules(shared))
        assert not report.failed
        self.rules = [stored.rule for stored in self.library.list() if stored.rule.scheduled]
        exceptions = RuleExceptions(self.state, workspace, self.clock)
        self.runner = MeasuredRunner(store, self.clock, None, store, exceptions.of)
        self.runner.costs = {}
        self.ledger = Ledger(self.state, workspace, self.clock)
        incidents = IncidentService(self.state, workspace, self.clock)
        self.options = ScheduleOptions(ingestion_delay=timedelta(0), nrt_delay=timedelta(0))
        self.looks = CountedLooks(store, self.clock) if sharing and isinstance(store, LogStore) else None
        self.sharing = None if self.looks is None else Sharing(self.looks, self.ledger, self.clock)
        self.scheduler = Scheduler(
            self.state, self.library, self.runner, self.ledger, self.clock, incidents.ingest, self.options,
            LateEvents(self.state, workspace, store, self.clock), exceptions=exceptions, sharing=self.sharing,
        )  # fmt: skip
        with self.state.session() as session:
            for rule in self.rules:
                digest = hashlib.sha256(rule.id.encode()).digest()
                part = int.from_bytes(digest[:4], "big") / 2**32 if spread else 1.0
                session.execute(
                    update(ScheduleRow)
                    .where(ScheduleRow.workspace_id == workspace, ScheduleRow.rule_id == rule.id)
                    .values(covered_to=now - part * rule.frequency)
                )

    def close(self) -> None:
        self.state.dispose()

    def run_for(self, length: timedelta, lane: Lane | None = None) -> float:
        """Lets the scheduler run for that long by the clock, or one lane of it; the processor's time of it, all its own work included."""
        stop, began = threading.Event(), time.process_time()
        end = self.clock.now() + length
        while self.clock.now() < end:
            self.clock.wait(stop, self.scheduler.round(lane))
        return time.process_time() - began

    def delays(self) -> Delays:
        """Of the runs by the schedule."""
        by_id = {rule.id: rule for rule in self.rules}
        found = [
            (max(timedelta(0), entry.recorded_at - entry.window.end - timedelta(seconds=entry.duration)), by_id[entry.rule_id])
            for entry in self.ledger.runs(limit=10**6)
            if entry.run_id is not None and entry.fills is None
        ]  # fmt: skip
        parts = [(late / rule.frequency, rule.name) for late, rule in found]
        worst, name = max(parts, default=(0.0, ""))
        return Delays(len(parts), sum(part for part, _ in parts) / max(1, len(parts)), worst, name)

    def warm(self, at: datetime) -> None:
        """Runs each rule once as of some time, and looks for it, as days before have: what its runs take and need is known then."""
        for rule in self.rules:
            run = self.runner.run(rule, at, run_type=RunType.SCHEDULED)
            if self.sharing is not None:
                self.sharing.note(run)
        if self.looks is not None:
            self.looks.look([(rule.query, at - rule.period, at, 0.0) for rule in self.rules], 600)
            self.looks.number, self.looks.seconds = 0, 0.0
        self.runner.costs.clear()

    def run_others(self, times: int) -> None:
        """Runs each rule that the schedule has not run, as of now."""
        for rule in self.rules:
            if rule.id not in self.runner.costs:
                for _ in range(times):
                    self.runner.run(rule, self.clock.now(), run_type=RunType.SCHEDULED)
