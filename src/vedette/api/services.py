"""The services of one workspace, wired together."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import numpy as np

from vedette.api.rule_changes import RuleChanges
from vedette.api.secret_care import SecretCare
from vedette.collect.connectors.service import Connectors
from vedette.collect.files.folders import WatchedFolders
from vedette.core.errors import VedetteError
from vedette.core.roles import Permission, Principal
from vedette.core.workspaces import Workspace
from vedette.deliver.detection import from_rule_run
from vedette.deliver.outbox import enqueue
from vedette.deliver.service import Destinations
from vedette.detect.alerts.alert import RuleRun
from vedette.detect.alerts.limits import AlertLimits
from vedette.detect.fitting import fits
from vedette.detect.library import RuleLibrary, StoredRule
from vedette.detect.reading.files import ReadRule
from vedette.detect.running.late import LateEvents
from vedette.detect.running.ledger import Ledger
from vedette.detect.running.runner import RuleRunner
from vedette.detect.running.scheduler import Lane, ScheduleOptions, Scheduler
from vedette.detect.running.sharing import Sharing
from vedette.detect.running.stream import Stream, on_the_stream
from vedette.detect.tuning.exceptions import RuleExceptions
from vedette.incidents.listing import IncidentFilter, IncidentPage
from vedette.incidents.service import IncidentService
from vedette.incidents.tuning import Tuning
from vedette.kql import ticks
from vedette.store.functions import SavedFunctions
from vedette.store.intake import Intake
from vedette.store.logstore import LogStore
from vedette.store.retention.periods import Retention, RetentionKeeper
from vedette.store.retention.purge import purge
from vedette.store.shared_scans import SharedScans
from vedette.store.transformations.saved import Transformations
from vedette.store.watchlists.lists import Watchlists

# What starts a server does without, and somebody needs later, is imported where it is made.
if TYPE_CHECKING:
    import numpy.typing as npt

    from vedette.api.application import Application
    from vedette.collect.files.loader import FileLoader
    from vedette.collect.files.watching import FolderWatcher
    from vedette.detect.running.replay import Advance
    from vedette.incidents.enrichment.service import Enricher
    from vedette.incidents.investigation.service import Investigation
    from vedette.intel.indicators import Indicators
    from vedette.respond.at_source.service import SourceAccount, SourceAlerts
    from vedette.respond.at_source.suppression import Suppression
    from vedette.respond.automation.library import AutomationRules


log = logging.getLogger(__name__)
_MINUTE: Final = 60 * ticks.SECOND
_LAST_MINUTE: Final = ticks.from_datetime(datetime(9999, 12, 31, tzinfo=UTC)) // _MINUTE


class WorkspaceServices:
    """What can be done in a workspace; parts are made when they are first asked for."""

    def __init__(self, application: Application, workspace: Workspace) -> None:
        self.application = application
        self.workspace = workspace

    @cached_property
    def logs(self) -> LogStore:
        """The log tables."""
        return self.application.stores.open(self.workspace.id)

    @cached_property
    def files(self) -> FileLoader:
        """What loads files, within the limits of the settings."""
        from vedette.collect.files.intelligence import IntelligenceLoader
        from vedette.collect.files.unpacking import ArchiveLimits

        settings = self.application.settings
        limits = ArchiveLimits(
            settings.archive_bytes, settings.archive_files, settings.archive_depth, settings.archive_ratio
        )
        return IntelligenceLoader(
            self.logs, self.application.clock, limits, lambda: self.indicators,
            lambda table, records, source: self.intake.accept_unreadable(table, records, source=source),
        )  # fmt: skip

    @cached_property
    def watched_folders(self) -> WatchedFolders:
        """The folders that are watched."""
        held = self.application
        given = held.settings.watched_folders() if self.workspace.id == held.workspaces.default().id else []
        return WatchedFolders(
            held.state, self.workspace.id, held.clock, held.audit, data=held.directory.path, given=given
        )

    @cached_property
    def folder_watcher(self) -> FolderWatcher:
        """Loads what comes into them while a server runs."""
        from vedette.collect.files.watching import FolderWatcher

        return FolderWatcher(self.watched_folders.list, self.files, self.application.clock)

    @property
    def intake(self) -> Intake:
        """The write path of everything that arrives; the same object however often it is asked for."""
        return self.application.stores.intake(self.workspace.id)

    def new_ingest_token(self, name: str, days: float, by: Principal) -> dict[str, Any]:
        """Makes a token of the caller's that may send logs into this workspace and nothing else."""
        by.require(self.workspace.id, Permission.DATA_INGEST)
        made = self.application.identity.create_token(
            by.name, name, by=by, permissions=[Permission.DATA_INGEST], workspaces=[self.workspace.id], days=days
        )
        return {"token": made.text.reveal(), "id": made.info.id, "expires": made.info.expires_at}

    def new_shared_key(self, by: Principal) -> dict[str, Any]:
        """Makes the workspace's shared key of the HTTP Data Collector API."""
        key = self.application.gate.new_shared_key(self.workspace, by)
        return {"workspaceId": self.workspace.id, "sharedKey": key.reveal()}

    @cached_property
    def watchlists(self) -> Watchlists:
        """The watchlists."""
        return Watchlists(self.application.state, self.workspace.id, self.application.clock)

    @cached_property
    def indicators(self) -> Indicators:
        """The threat intelligence."""
        from vedette.intel.indicators import Indicators

        return Indicators(self.application.state, self.workspace.id, self.application.clock, lambda: self.intake)

    @cached_property
    def functions(self) -> SavedFunctions:
        """The saved functions."""
        return SavedFunctions(self.application.state, self.workspace.id, self.application.clock)

    @cached_property
    def transformations(self) -> Transformations:
        """The transformations of streams."""
        return Transformations(self.application.state, self.workspace.id, self.application.clock)

    @cached_property
    def retention(self) -> Retention:
        """How long the tables keep their rows."""
        return Retention(self.application.state, self.workspace.id, self.application.clock)

    @cached_property
    def keeper(self) -> RetentionKeeper:
        """Sees to it that they do."""
        return RetentionKeeper(self.retention, self.logs, self.application.clock)

    @cached_property
    def rules(self) -> RuleLibrary:
        """The analytics rules."""
        return RuleLibrary(self.application.state, self.workspace.id, self.application.clock)

    @cached_property
    def ledger(self) -> Ledger:
        """What the rules have searched."""
        return Ledger(self.application.state, self.workspace.id, self.application.clock)

    @cached_property
    def runner(self) -> RuleRunner:
        """Runs rules."""
        return RuleRunner(
            self.logs, self.application.clock, AlertLimits(**self.application.settings.alert_limits()), self.logs,
            self.exceptions.of,
        )  # fmt: skip

    @cached_property
    def exceptions(self) -> RuleExceptions:
        """The exceptions from rules."""
        held = self.application
        return RuleExceptions(held.state, self.workspace.id, held.clock, held.audit)

    @cached_property
    def tuning(self) -> Tuning:
        """What exceptions would hide, and which ones verdicts propose."""
        held = self.application
        return Tuning(held.state, self.workspace.id, held.clock)

    def rules_listed(self) -> list[dict[str, Any]]:
        """Every rule as commands see it."""
        return [
            {
                "id": stored.rule.id, "name": stored.rule.name, "kind": stored.rule.kind.value,
                "severity": stored.rule.severity.value, "enabled": stored.rule.enabled,
                "runnable": stored.rule.enabled and stored.rule.not_runnable is None,
            }
            for stored in self.rules.list()
        ]  # fmt: skip

    def run_rule(self, rule: str, at: datetime, period: timedelta | None) -> dict[str, Any]:
        """Runs a rule by hand; its alerts become incidents."""
        run = self.scheduler.run_now(rule, at, period)
        self.settle()
        self.wake()
        return {
            "rule_id": run.rule.id, "rule": run.rule.name, "outcome": run.outcome.value, "rows": run.rows,
            "alerts": [alert.to_line() for alert in run.alerts],
            "error": None if run.error is None else {
                "code": run.error.code, "message": run.error.message, "line": run.error.line, "column": run.error.column,
            },
        }  # fmt: skip

    def purge(self, table: str, where: str, token: str, by: Principal) -> int:
        """Removes the rows of a table that meet a condition, as it was confirmed; how many there were."""
        by.require(self.workspace.id, Permission.DATA_PURGE)
        self.intake.flush()
        rows = purge(self.logs, table, where, token)
        self.application.audit.record(by, "tables/purge", table, self.workspace.id, {"where": where, "rows": rows})
        return rows

    @cached_property
    def rule_changes(self) -> RuleChanges:
        """Changes of the rules, with their entries in the audit trail."""
        return RuleChanges(self.rules, self.logs, self.application.state, self.application.audit, self._tell_deleted)

    def _tell_deleted(self, stored: StoredRule, by: Principal) -> None:
        from vedette.api.own_logs import tell_deleted

        tell_deleted(self.intake, self.workspace.id, stored, self.application.clock.now(), by.name)

    def replay(self, rule: str, start: datetime, end: datetime) -> dict[str, Any]:
        """What a rule finds over a past time, by the same scheduler; nothing of it is kept.

        Windows are those of the ledger where it has them, so that a replay searches what the scheduler did.
        """
        from vedette.detect.running.replay import Replayer

        stored = self.rules.get(rule)
        with Replayer(self.logs, self.application.clock, self.logs, self.exceptions.of) as replayer:
            found = replayer.replay(stored.rule, self._aligned(stored.rule.id, start), end)
        return {"alerts": found.lines, "runs": found.runs, "errors": found.errors}

    def _aligned(self, rule_id: str, start: datetime) -> datetime:
        windows = (entry.window for entry in self.ledger.coverage(rule_id, since=start))
        return next((window.start for window in windows if window.start <= start < window.end), start)

    def backtest(
        self, rules: Sequence[ReadRule], rule: str | None, start: datetime, end: datetime, advance: Advance = lambda done, all_: None
    ) -> dict[str, Any]:  # fmt: skip
        """What rules, or one of the library, would have found; each beside the version in force. Nothing is kept."""
        from vedette.detect.running.replay import Replayer, difference, summary

        tried = [read.rule for read in rules] if rule is None else [self.rules.get(rule).rule]
        results = []
        with Replayer(
            self.logs, self.application.clock, self.logs, lambda rule, _: self.exceptions.list(rule)
        ) as replayer:
            for one in tried:
                if not one.scheduled:
                    continue
                held = None
                if rule is None:
                    held = next((s.rule for s in self.rules.list() if s.rule.id.lower() == one.id.lower()), None)
                sides = [one, held] if held is not None and held.scheduled else [one]
                windows = [(end - start) // side.frequency for side in sides]
                new, *others = [
                    replayer.replay(side, start, end, partial(_advance, advance, sum(windows[:place]), sum(windows)))
                    for place, side in enumerate(sides)
                ]
                result = summary(new)
                if rule is None:
                    result["in_force"] = result["difference"] = None
                for old in others:
                    result |= {"in_force": summary(old), "difference": difference(new, old)}
                results.append(result)
        skipped = [one.name for one in tried if not one.scheduled]
        return {"rules": results, "without_schedule": skipped}

    @cached_property
    def incidents(self) -> IncidentService:
        """The incidents, with the automation rules listening to what happens to them."""
        from vedette.respond.automation.automation import Automation

        incidents = IncidentService(
            self.application.state,
            self.workspace.id,
            self.application.clock,
            name_of=self.application.person_name,
            url_of=lambda number: f"{self.application.public_url}/incidents/{number}",
        )
        held = self.application
        Automation(
            held.state, incidents, self.automation_rules, held.clock, held.person,
            lambda number, action, who: self.source_alerts.ask(number, action, who),
        )  # fmt: skip
        return incidents

    @cached_property
    def source_alerts(self) -> SourceAlerts:
        """What is done with alerts where they come from."""
        from vedette.respond.at_source.service import SourceAlerts

        held = self.application
        return SourceAlerts(
            held.state, self.workspace.id, held.clock, self.incidents, self._source_accounts, held.audit
        )

    def change(
        self, incident: int | str, changes: Mapping[str, Any], by: Principal, base: Mapping[str, int], etag: str | None = None, *,
        source_alerts: str | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """Changes fields of an incident and, in the same transaction, has its alerts changed where they come from."""
        with self.application.state.session():
            found = self.incidents.update(incident, changes, by, base, etag)
            if source_alerts is not None:
                self.source_alerts.ask(incident, source_alerts, by)
        return found

    @cached_property
    def suppression(self) -> Suppression:
        """The suppression rules at their sources."""
        from vedette.respond.at_source.suppression import Suppression

        held = self.application
        return Suppression(
            self.workspace.id, held.clock, self.incidents, self.source_alerts, self._source_accounts, held.audit
        )

    def _source_accounts(self) -> list[SourceAccount]:
        from vedette.api.source_accounts import source_accounts

        held = self.application
        return source_accounts(self.connectors, self.workspace.id, held.clock, held.clouds)

    @cached_property
    def automation_rules(self) -> AutomationRules:
        """The rules that are applied to incidents when they are made or changed."""
        from vedette.respond.automation.library import AutomationRules

        held = self.application
        return AutomationRules(held.state, self.workspace.id, held.clock, held.audit)

    @cached_property
    def investigation(self) -> Investigation:
        """What helps to find out what happened."""
        from vedette.incidents.investigation.service import Investigation

        return Investigation(self.application.state, self.workspace.id, self.application.clock, self.logs)

    @cached_property
    def enrichment(self) -> Enricher:
        """What is known of the entities of incidents."""
        from vedette.incidents.enrichment.registry import enrichments
        from vedette.incidents.enrichment.service import Enricher

        held = self.application
        units = enrichments(held.settings.enrichments_off.split(","))
        return Enricher(held.state, self.workspace.id, held.clock, self.logs, units)

    @cached_property
    def destinations(self) -> Destinations:
        """Where incidents are delivered to."""
        return self.application.destinations

    @property
    def connectors(self) -> Connectors:
        """Where events are collected from."""
        return self.application.connectors

    @cached_property
    def secret_care(self) -> SecretCare:
        """The secrets: their ages, and their rotation."""
        return SecretCare(self)

    @cached_property
    def scheduler(self) -> Scheduler:
        """Runs rules on their schedule; what they find becomes incidents and deliveries, in the run's transaction."""
        held = self.application
        late = LateEvents(held.state, self.workspace.id, self.logs, held.clock)
        return Scheduler(
            held.state, self.rules, self.runner, self.ledger, held.clock, self._matched,
            ScheduleOptions(share=held.settings.detection_share / 100), late,
            streamed=lambda rule: on_the_stream(rule, self.logs.shape(rule.query)),
            exceptions=self.exceptions,
            binds=lambda rule: fits(rule, self.logs),
            sharing=Sharing(SharedScans(self.logs, held.clock), self.ledger, held.clock),
        )  # fmt: skip

    @cached_property
    def stream(self) -> Stream:
        """Runs near-real-time rules on what arrives."""
        held = self.application
        return Stream(held.state, self.runner, self.ledger, self.logs, held.clock, self._matched)

    def _stored(self, table: str, moments: npt.NDArray[np.int64]) -> None:
        minutes = [int(one) for one in np.unique(moments // _MINUTE) if 0 <= one < _LAST_MINUTE]
        self.stream.arrived(table, [ticks.to_datetime(minute * _MINUTE) for minute in minutes])

    def _matched(self, run: RuleRun) -> None:
        from vedette.detect.rule import RuleKind

        report = self.incidents.ingest(run)
        if run.rule.kind is RuleKind.ANOMALY:
            return  # no alerts: rows for those who ask for them
        if run.rule.kind is RuleKind.FUSION and not report.alerts:
            return  # a campaign that has grown is in its incident, of which destinations have heard
        numbers = report.incidents
        link = self._replay_link(run)
        with self.application.state.session() as session:
            detection = from_rule_run(run, link, numbers[0] if numbers else None)
            enqueue(session, self.workspace.id, detection, self.application.clock)

    def _replay_link(self, run: RuleRun) -> str:
        """The console's page of the run: its query, its time range, what it found, and what is found now."""
        return f"{self.application.public_url}/w/{quote(self.workspace.name, safe='')}/runs/{run.id}"

    def wake(self) -> None:
        """Tells the background work that there is something to do."""
        self.application.deliverer.wake()
        self.source_alerts.wake()

    def incident_page(self, filters: Mapping[str, str], caller: Principal | None) -> IncidentPage:
        """A page of the queue by the filters of the REST API."""
        owners = [
            (caller.id if caller else "me") if owner == "me" else owner
            for owner in filters.get("owner", "").split(",")
            if owner
        ]
        return self.incidents.list(
            IncidentFilter(
                statuses=_several(filters.get("status")),
                severities=_several(filters.get("severity")),
                owners=owners,
                words=filters.get("q", ""),
                changed_since=filters.get("changedSince"),
                sort=filters.get("sort", "-createdTimeUtc"),
                top=int(filters.get("top", "100")),
                skip=int(filters.get("skip", "0")),
            )
        )

    def incident(self, number_or_id: str) -> dict[str, Any]:
        """One incident whole."""
        numbered = number_or_id.isdigit() and len(number_or_id) < 10
        return self.incidents.get(int(number_or_id) if numbered else number_or_id)

    def incidents_of_run(self, run_id: str | None) -> list[int]:
        """The numbers of the incidents that a run's alerts came into."""
        return [] if run_id is None else self.incidents.incidents_of_runs([run_id]).get(run_id, [])

    def settle(self) -> None:
        """Appends to the log tables what alerts and incidents have to say there; what is new is delivered."""
        if self.incidents.outbox.drain(self.logs):
            self.wake()
        self.incidents.prioritise()

    def background(self) -> dict[str, Callable[[threading.Event], None]]:
        """The work of this workspace while a server runs; before it starts, the coverage of the rules is checked."""
        for fault in self.ledger.verify():
            log.error("the coverage of rule %s is not whole: %s", fault.rule_id, fault.message)
        self.intake.on_stored = self._stored
        self.logs.terms.note()  # rows that came while no server ran have no terms in the index yet
        return {
            "scheduler": partial(self.scheduler.run_forever, lane=Lane.QUICK),
            "slow rules": partial(self.scheduler.run_forever, lane=Lane.SLOW), "stream": self.stream.run_forever,
            "log rows": self._keep_settling, "watched folders": self.folder_watcher.run,
            "own logs": self._own_logs, "retention": self.keeper.run_forever, "secrets": self.secret_care.run,
            "alerts at their source": self.source_alerts.run, "threat intelligence": self.indicators.keep,
            "enrichment": self.enrichment.run,
        }  # fmt: skip

    def _own_logs(self, stop: threading.Event) -> None:
        clock = self.application.clock
        if clock.wait(stop, 10.0):
            return  # a server that is gone already has nothing to tell
        from vedette.api.connector_health import ConnectorHealth
        from vedette.api.own_logs import OwnLogs

        fetches = ConnectorHealth(self.application.state, self.workspace.id, clock)
        OwnLogs(self.workspace.id, self.logs, self.intake, self.rules, self.ledger, clock, fetches).run(stop)

    def _keep_settling(self, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                self.settle()
            except VedetteError as error:
                log.error("alerts and incidents cannot be written to the log tables: %s", error)
            self.application.clock.wait(stop, 1.0)


def _several(text: str | None) -> tuple[str, ...]:
    return tuple(part for part in (text or "").split(",") if part)


def _advance(advance: Advance, before: int, all_: int, done: int, _own: int) -> None:
    """Tell how far one of several replays is, as a part of all."""
    advance(before + done, all_)
