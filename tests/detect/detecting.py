"""A process that takes events in and runs rules over them, and may be killed at any moment: ``detecting.py FOLDER ROUND SECONDS``.

Each acknowledged event is a line on standard output. With SECONDS above 0 no events come: what is due is done, as if that time
had passed, and the process ends by itself.
"""

from __future__ import annotations

import itertools
import os
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from vedette.core.clock import Clock, SystemClock, VirtualClock
from vedette.core.database import State
from vedette.core.workspaces import Workspaces
from vedette.detect.export.layout import to_layout
from vedette.detect.library import RuleLibrary
from vedette.detect.reading.files import ReadRule, RuleSource
from vedette.detect.rule import AnalyticsRule, EventGrouping, RuleKind
from vedette.detect.running.late import LateEvents
from vedette.detect.running.ledger import Ledger
from vedette.detect.running.runner import RuleRunner
from vedette.detect.running.scheduler import ScheduleOptions, Scheduler
from vedette.detect.running.sharing import Sharing
from vedette.detect.running.stream import Stream, on_the_stream
from vedette.incidents.service import IncidentService
from vedette.store.intake import Intake, IntakeLimits
from vedette.store.logstore import LogStore
from vedette.store.shared_scans import SharedScans

SECOND = timedelta(seconds=1)
RARE, RARE_END = "rare", "-7"
"""The rule that finds one event of each round."""
FASTER = 30
"""How much faster time passes here: a minute is two seconds."""


class FastClock(SystemClock):
    """Time that passes faster since a moment that all processes of a folder share."""

    def __init__(self, folder: Path) -> None:
        file = folder / "origin"
        if not file.exists():
            file.write_text(datetime.now(UTC).isoformat())
        self._origin = datetime.fromisoformat(file.read_text())

    def now(self) -> datetime:
        """The time."""
        return self._origin + (datetime.now(UTC) - self._origin) * FASTER


def rules() -> list[AnalyticsRule]:
    """A near-real-time rule, two that run every few seconds, and one that seldom finds anything."""
    each = EventGrouping.ALERT_PER_RESULT
    query = "Crash_CL | where Event != '' | project TimeGenerated, Event"
    return [
        AnalyticsRule("nrt", "NRT", RuleKind.NRT, query, event_grouping=each, custom_details={"Event": "Event"}),
        *(
            AnalyticsRule(
                f"every-{n}", f"Every {n} min", RuleKind.SCHEDULED, query, query_frequency=60 * n * SECOND,
                query_period=60 * n * SECOND, event_grouping=each, custom_details={"Event": "Event"},
            )
            for n in (1, 3)
        ),
        AnalyticsRule(
            RARE, "Rare", RuleKind.SCHEDULED, query.replace("!= ''", f"endswith '{RARE_END}'"), query_frequency=60 * SECOND,
            query_period=60 * SECOND, event_grouping=each, custom_details={"Event": "Event"},
        ),
    ]  # fmt: skip


def main(folder: Path, round_: int, seconds: float) -> None:
    """Work until killed, or until all is done."""
    fast = FastClock(folder)
    clock: Clock = fast if not seconds else VirtualClock(fast.now() + timedelta(seconds=seconds))
    state = State.in_file(folder / "state.db")
    state.upgrade()
    workspace = Workspaces(state).default().id
    logs = LogStore(folder / "logs.duckdb", clock)
    library, ledger = RuleLibrary(state, workspace, clock), Ledger(state, workspace, clock)
    library.import_([ReadRule(one, RuleSource("rules", n, "yaml", to_layout(one))) for n, one in enumerate(rules(), 1)])
    assert ledger.verify() == []
    runner = RuleRunner(logs, clock, shapes=logs)
    incidents = IncidentService(state, workspace, clock, name_of=lambda _: None, url_of=str)
    stream = Stream(state, runner, ledger, logs, clock, incidents.ingest)
    scheduler = Scheduler(
        state, library, runner, ledger, clock, incidents.ingest,
        ScheduleOptions(ingestion_delay=15 * SECOND, tick_seconds=600 if seconds else 2, idle_seconds=0.1),
        LateEvents(state, workspace, logs, clock), lambda one: on_the_stream(one, logs.shape(one.query)),
        sharing=Sharing(SharedScans(logs, clock), ledger, clock),
    )  # fmt: skip
    intake = Intake(logs, folder / "spool", clock, IntakeLimits(linger=0.01))
    if seconds:
        intake.flush()
        while scheduler.tick().behind:
            pass
        intake.close()
        logs.close()
        return
    intake.on_stored = lambda table, moments: stream.arrived(
        table,
        {datetime.fromtimestamp(int(one) / 1e7 - 62135596800, UTC).replace(second=0, microsecond=0) for one in moments},
    )
    stop = threading.Event()
    for work in (scheduler.run_forever, stream.run_forever):
        threading.Thread(target=work, args=(stop,), daemon=True).start()
    for number in itertools.count():
        event = f"{round_}-{number}"
        at = clock.now() - timedelta(
            seconds=150 * (number % 7 == 6 and round_ > 1)
        )  # some come late, but not before the rules
        intake.accept("Crash_CL", [{"TimeGenerated": at.isoformat(), "Event": event}], source="crash")
        os.write(1, f"{event}\n".encode())
        time.sleep(0.15)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
