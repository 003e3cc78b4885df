"""Preparing the demo: rules and rows into a workspace, and every rule run once over the campaign.

Every step can be done again and adds nothing the second time, wherever the first time has ended: rules that are there are
left alone, files are known by their content, and a rule whose run is in the ledger is not run again. The moment at which the
campaign ends is that of the rules' import, so that what is left to do after a crash fits what was done before it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Protocol

from vedette.content.demo.golden_saml import golden_saml
from vedette.content.demo.material import Material, shipped
from vedette.core.clock import Clock
from vedette.core.errors import VedetteError
from vedette.core.settings import SHARED_VARIABLE
from vedette.core.workspaces import Workspace
from vedette.detect.library import RuleLibrary
from vedette.detect.running.ledger import Ledger
from vedette.detect.running.scheduler import Scheduler
from vedette.store.logstore import LogStore
from vedette.store.report import LoadOptions, Outcome


class Services(Protocol):
    """What can be done in a workspace; as much of it as the demo needs."""

    @property
    def logs(self) -> LogStore: ...

    @property
    def rules(self) -> RuleLibrary: ...

    @property
    def ledger(self) -> Ledger: ...

    @property
    def scheduler(self) -> Scheduler: ...

    def incidents_of_run(self, run_id: str | None) -> list[int]:
        """Numbers of the incidents that a run's alerts came into."""

    def settle(self) -> None:
        """Write alerts and incidents into the log tables."""

    def wake(self) -> None:
        """Tell the background work that there is something to do."""


class Host(Protocol):
    """The opened data directory."""

    @property
    def clock(self) -> Clock: ...

    def workspace(self, name_or_id: str) -> Workspace:
        """A workspace by its name."""

    def services(self, workspace: Workspace) -> Services:
        """The services of a workspace."""


def prepare(application: Host, tell: Callable[[str], None], environment: Mapping[str, str] | None = None) -> None:
    """Bring the demo into the workspace `default`; `tell` hears how far it is, a sentence at a time.

    With VEDETTE_SHARED in the environment it is the golden SAML campaign of that folder, in its own time; else the shipped
    campaign, which ends now. Raises `InvalidInput` if the folder is not there, before anything is changed.
    """
    folder = (os.environ if environment is None else environment).get(SHARED_VARIABLE)
    material = golden_saml(Path(folder).expanduser().absolute()) if folder else shipped()
    services = application.services(application.workspace("default"))
    moment = _import(services, material, application.clock.now(), tell)
    _load(services, material, moment, tell)
    _run(services, material, moment, tell)


def _import(services: Services, material: Material, now: datetime, tell: Callable[[str], None]) -> datetime:
    """Import the rules that are not there; returns the moment as of which they are run."""
    known = {stored.rule.id.lower(): stored for stored in services.rules.list()}
    new = [read for read in material.rules if read.rule.id.lower() not in known]
    report = services.rules.import_(new)
    if report.added:
        tell(f"Demo: {len(report.added)} analytics rules of {material.name} are imported.")
    if material.at is not None:
        return material.at
    there = [known[read.rule.id.lower()].created_at for read in material.rules if read.rule.id.lower() in known]
    if there:
        return min(there)
    first = services.rules.get(report.added[0]) if report.added else None
    return now if first is None else first.created_at


def _load(services: Services, material: Material, moment: datetime, tell: Callable[[str], None]) -> None:
    if material.at is None:
        options = LoadOptions(shift_to=moment - material.margin)
    else:
        options = LoadOptions(stamp=moment - material.margin)
    report = services.logs.load(material.files, options)
    for file in report.failed:
        if file.error is not None:
            raise file.error
    loaded = [file for file in report.files if file.outcome is Outcome.LOADED]
    if loaded:
        tables = len({file.table for file in loaded})
        tell(f"Demo: {report.rows:,} rows in {tables} tables are loaded.")


def _run(services: Services, material: Material, moment: datetime, tell: Callable[[str], None]) -> None:
    """Run every rule that has not been run as of that moment, and say what came of it."""
    alerts, incidents, ran = 0, set[int](), 0
    for read in material.rules:
        if services.ledger.was_read_by_hand(read.rule.id, moment):
            continue
        run = services.scheduler.run_now(read.rule.id, moment, material.period)
        ran += 1
        if run.error is not None:
            tell(f"Demo: the rule '{run.rule.name}' has failed: {run.error.message}")
        alerts += len(run.alerts)
        incidents.update(services.incidents_of_run(run.id))
    if not ran:
        tell("Demo: everything is there already.")
        return
    try:
        services.settle()
    except VedetteError as error:  # what is left is written while the server runs
        tell(f"Demo: alerts are not yet in the log tables: {error}")
    services.wake()
    tell(f"Demo: {ran} rules were run and raised {alerts} alerts in {len(incidents)} incidents.")
