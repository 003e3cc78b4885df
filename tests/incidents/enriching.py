"""A process that makes three incidents and enriches one of them; in the middle of the second it waits to be killed: ``enriching.py STATE``."""

from __future__ import annotations

import sys
import threading
from datetime import timedelta
from pathlib import Path

from tests.incidents.runs import rule, run
from tests.incidents.test_enrichment import Double
from tests.plugins.state import NOON
from vedette.core.clock import VirtualClock
from vedette.core.database import State
from vedette.core.workspaces import Workspaces
from vedette.incidents.enrichment.contract import Fact, Found, Workbench
from vedette.incidents.enrichment.service import Enricher
from vedette.incidents.service import IncidentService
from vedette.store.logstore import LogStore


def _wait(bench: Workbench) -> None:
    print("looking", flush=True)
    threading.Event().wait()


def main(path: str) -> None:
    """Enrich one, and begin with another."""
    state = State.in_file(Path(path))
    state.upgrade()
    clock = VirtualClock(NOON)
    workspace = Workspaces(state, clock).default().id
    service = IncidentService(state, workspace, clock)
    for number in range(1, 4):
        service.ingest(run(rule(number), [{"User": f"u{number}@x.com"}], NOON + timedelta(minutes=number)))
    with LogStore(None, clock) as logs:
        double = Double(found=Found([Fact(None, "Known")]))
        enricher = Enricher(state, workspace, clock, logs, [double])
        enricher.work(1)
        double.meanwhile = _wait
        enricher.work()


if __name__ == "__main__":
    main(sys.argv[1])
