"""What the server writes about itself into the tables of a workspace, in the schemas of Log Analytics and Microsoft Sentinel.

Every minute: Heartbeat; Operation for what went wrong with the intake; SentinelHealth for the runs of rules and the fetches of
connectors, and SentinelAudit for changes of rules. Every five minutes: how rows flowed (`VedetteIngestion_CL`). Every hour: Usage of
each table. All of them go through the intake, with ids where a restart could write them again.

Sources: the reference of those tables in Azure Monitor, and "Auditing and health monitoring in Microsoft Sentinel".
"""

from __future__ import annotations

import logging
import platform
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from vedette import __version__
from vedette.api.connector_health import ConnectorHealth
from vedette.core.clock import Clock
from vedette.core.errors import VedetteError
from vedette.detect.library import RuleLibrary, StoredRule
from vedette.detect.reading.durations import format_timespan
from vedette.detect.rule import RuleKind
from vedette.detect.running.ledger import Ledger
from vedette.detect.running.windows import LedgerEntry, WindowOutcome
from vedette.store.catalog import INGESTION
from vedette.store.flow import SourceFlow
from vedette.store.intake import Intake, IntakeStats
from vedette.store.logstore import LogStore

log = logging.getLogger(__name__)
SOURCE: Final = "vedette"
"""Where these rows come from, as the intake counts them."""
_MINUTE: Final = 60.0
_FLOW_MINUTES: Final = 5
_RUNS: Final = 1_000
_BACK: Final = timedelta(hours=24)
"""How far back hours of Usage and runs of rules are made up for after the server was off."""
_FREE: Final = frozenset({"Heartbeat", "Usage", "Operation", "SentinelHealth", "SentinelAudit", INGESTION})
_SUCCESS: Final = (WindowOutcome.MATCHED, WindowOutcome.NOT_MATCHED)

Row = Mapping[str, object]


class OwnLogs:
    """Writes the server's own rows into one workspace."""

    def __init__(
        self, workspace_id: str, logs: LogStore, intake: Intake, rules: RuleLibrary, ledger: Ledger, clock: Clock,
        connectors: ConnectorHealth | None = None,
    ) -> None:  # fmt: skip
        self._workspace_id = workspace_id
        self._logs = logs
        self._intake = intake
        self._rules = rules
        self._ledger = ledger
        self._clock = clock
        self._connectors = connectors
        self._computer = socket.gethostname()
        self._address = _own_address()
        self._minutes = 0
        self._told = intake.stats()
        self._hour: datetime | None = None
        self._run: int | None = None

    def run(self, stop: threading.Event) -> None:
        """Writes until the event is set."""
        while not stop.is_set():
            self.tick()
            self._clock.wait(stop, _MINUTE)

    def tick(self) -> None:
        """What is due every minute; nothing of it may end the server."""
        works: list[Callable[[], None]] = [
            self.heartbeat, self.operations, self.rule_health, self.rule_audit, self.connector_health,
        ]  # fmt: skip
        if self._minutes % _FLOW_MINUTES == 0:
            works.append(self.flow)
        works.append(self.usage)
        self._minutes += 1
        for work in works:
            try:
                work()
            except VedetteError as error:
                log.warning("what the server logs about itself cannot be written: %s", error)
                return
            except Exception:
                log.exception("what the server logs about itself cannot be made")

    def _write(self, table: str, rows: Sequence[Row], record_ids: Sequence[str] | None = None) -> None:
        self._intake.accept(table, rows, source=SOURCE, record_ids=record_ids)

    # -- the server

    def heartbeat(self) -> None:
        """A row of Heartbeat for this machine."""
        version = platform.release().split(".") + ["", ""]
        row = {
            "TimeGenerated": self._clock.now(), "SourceSystem": "OpsManager" if platform.system() == "Windows" else "Linux",
            "Computer": self._computer, "Category": "Direct Agent", "OSType": platform.system(), "OSName": platform.platform(),
            "OSMajorVersion": version[0], "OSMinorVersion": version[1], "Version": __version__, "SCAgentChannel": "Direct",
            "IsGatewayInstalled": False, "ComputerEnvironment": "Non-Azure", "Solutions": "security",
            "SubscriptionId": "", "ResourceProvider": "Vedette", "Resource": self._computer,
            "ComputerIP": self._address, "ComputerPrivateIPs": [self._address],
        }  # fmt: skip
        self._write("Heartbeat", [row])

    def operations(self) -> None:
        """Rows of Operation for what went wrong with the intake since the last minute, and for its end."""
        before, now = self._told, self._intake.stats()
        self._told = now
        rows = [self._operation(*one) for one in _troubles(before, now)]
        if rows:
            self._write("Operation", rows)

    def _operation(self, status: str, key: str, detail: str) -> Row:
        return {
            "TimeGenerated": self._clock.now(), "SourceSystem": "Vedette", "Computer": self._computer, "Solution": "LogManagement",
            "OperationCategory": "Ingestion", "OperationStatus": status, "OperationKey": key, "Detail": detail,
        }  # fmt: skip

    # -- how rows flow

    def flow(self) -> None:
        """Rows of the ingestion table for each source of which something came, and one for all together."""
        stats = self._intake.stats()
        found = [one for one in self._intake.flow.interval() if one.source != SOURCE]
        now = self._clock.now()
        queue = {
            "QueueRows": stats.waiting_rows, "QueueBytes": stats.waiting_bytes, "QueueSeconds": stats.oldest_seconds,
            "State": stats.state, "Detail": stats.trouble or "",
        }  # fmt: skip
        rows = [{"TimeGenerated": now, **_flow_row(one), **queue} for one in found]
        rows.append({"TimeGenerated": now, "Source": "*", **_sums(found), **queue})
        self._write(INGESTION, rows)

    def usage(self) -> None:
        """Rows of Usage for each table and each hour that has ended since the last one that was written."""
        now = self._clock.now().astimezone(UTC)
        hour = now.replace(minute=0, second=0, microsecond=0)
        if self._hour == hour:
            return
        start = max(self._hour or hour - _BACK, hour - _BACK)
        while start < hour:
            self._usage_of(start, start + timedelta(hours=1))
            start += timedelta(hours=1)
        self._hour = hour

    def _usage_of(self, start: datetime, end: datetime) -> None:
        rows, ids = [], []
        for one in self._logs.ingested(start, end):
            rows.append(
                {
                    "TimeGenerated": end, "StartTime": start, "EndTime": end, "DataType": one.table, "Solution": "LogManagement",
                    "Quantity": one.bytes / 1e6, "QuantityUnit": "MBytes", "IsBillable": one.table not in _FREE,
                    "AvgLatencyInSeconds": one.latency, "TotalBatches": one.loads, "BatchesWithinSla": one.loads,
                    "BatchesOutsideSla": 0, "BatchesCapped": 0, "SourceSystem": "OMS", "Computer": self._computer,
                    "Plan": "Analytics", "ResourceUri": f"/workspaces/{self._workspace_id}",
                }
            )  # fmt: skip
            ids.append(f"usage/{one.table}/{start:%Y-%m-%dT%H}")
        if rows:
            self._write("Usage", rows, ids)

    # -- rules

    def rule_health(self) -> None:
        """Rows of SentinelHealth for runs of rules; an id for each, so that a run is there once."""
        entries = [
            one for one in self._ledger.runs(limit=_RUNS)
            if (self._run is None or one.id > self._run) and one.recorded_at > self._clock.now() - _BACK and one.run_id
        ]  # fmt: skip
        if entries:
            rules = {stored.rule.id: stored for stored in self._rules.list()}
            known = [(one, rules[one.rule_id]) for one in entries if one.rule_id in rules]
            if known:
                self._write(
                    "SentinelHealth", [self._health_row(one, stored) for one, stored in known],
                    [f"run/{one.run_id}/{one.id}" for one, _ in known],
                )  # fmt: skip
            self._run = max(one.id for one in entries)

    def _health_row(self, one: LedgerEntry, stored: StoredRule) -> Row:
        rule = stored.rule
        good = one.outcome in _SUCCESS
        error = one.error or {}
        details: dict[str, Any] = {
            "AlertsGeneratedAmount": one.alerts, "QueryResultAmount": one.rows, "CorrelationId": one.run_id,
            "QueryStartTimeUTC": one.query_from or one.window.start, "QueryEndTimeUTC": one.window.end,
            "QueryFrequency": format_timespan(rule.frequency), "QueryPeriod": format_timespan(rule.period), "RuleId": rule.id,
            "TriggerOperator": rule.trigger.operator.value, "TriggerThreshold": rule.trigger.value,
            "TriggerType": "NrtRun" if rule.kind is RuleKind.NRT else rule.kind.value,
            "AggregationKind": rule.event_grouping.value, "SuppressionEnabled": str(rule.suppression.enabled),
            "SuppressionDuration": format_timespan(rule.suppression.duration), "ExecutionSeconds": one.duration,
            "RuleRevision": one.revision, "Outcome": one.outcome.value, "RunType": one.run_type.value, "Attempt": one.attempt,
            "AnsweredBySharedLook": one.spared,
        }  # fmt: skip
        if one.bins_kept is not None:
            details |= {"KeptBins": one.bins_kept, "MadeBins": one.bins_made}
        if not good:
            details["Issues"] = [
                {"Code": error.get("code", one.outcome.value), "Description": error.get("message") or one.reason}
            ]
        return {
            "TimeGenerated": one.recorded_at, "OperationName": f"{_kind_of(stored)} analytics rule run",
            "Status": "Success" if good else "Failure", "WorkspaceId": self._workspace_id, "SourceSystem": "Vedette",
            "Description": "Rule executed successfully" if good else "Rule execution failed",
            "Reason": "" if good else str(error.get("message") or one.reason or ""), "RecordId": one.run_id,
            "SentinelResourceId": self._resource(rule.id), "SentinelResourceName": rule.name,
            "SentinelResourceType": "Analytics Rule", "SentinelResourceKind": _kind_of(stored), "ExtendedProperties": details,
        }  # fmt: skip

    def connector_health(self) -> None:
        """Rows of SentinelHealth for how connectors fetch."""
        made = [] if self._connectors is None else self._connectors.rows()
        if made:
            self._write("SentinelHealth", [row for row, _ in made], [ident for _, ident in made])

    def rule_audit(self) -> None:
        """Rows of SentinelAudit for rules that were written; one for each revision."""
        since = self._clock.now() - (_BACK if self._minutes <= 1 else timedelta(minutes=5))
        changed = [stored for stored in self._rules.list() if stored.updated_at > since]
        rows = [_audited(self._workspace_id, one, "Write", one.updated_at, one.updated_by) for one in changed]
        if rows:
            self._write(
                "SentinelAudit", rows, [f"rule/{one.rule.id}/{one.revision}/{one.rule.enabled}" for one in changed]
            )

    def _resource(self, rule_id: str) -> str:
        return _rule_resource(self._workspace_id, rule_id)


def tell_deleted(intake: Intake, workspace_id: str, stored: StoredRule, at: datetime, by: str) -> None:
    """A row of SentinelAudit for a rule that is deleted: a minute later nobody knows of it."""
    row = _audited(workspace_id, stored, "Delete", at, by)
    intake.accept("SentinelAudit", [row], source=SOURCE, record_ids=[f"rule/{stored.rule.id}/deleted/{at.isoformat()}"])


def _rule_resource(workspace_id: str, rule_id: str) -> str:
    return f"/workspaces/{workspace_id}/providers/Microsoft.SecurityInsights/alertRules/{rule_id}"


# the words of Microsoft Sentinel, which queries compare with; in SentinelHealth the kind of resource is "Analytics Rule"
_ACTS: Final = {"Write": "Create or update analytics rule.", "Delete": "Analytics rule deleted"}


def _audited(workspace_id: str, stored: StoredRule, act: str, at: datetime, by: str) -> Row:
    """A row of SentinelAudit about a rule."""
    return {
        "TimeGenerated": at, "OperationName": f"Microsoft.SecurityInsights/alertRules/{act}", "Status": "Success",
        "Description": _ACTS[act], "WorkspaceId": workspace_id, "SourceSystem": "Vedette",
        "SentinelResourceId": _rule_resource(workspace_id, stored.rule.id), "SentinelResourceName": stored.rule.name,
        "SentinelResourceType": "Analytic Rule", "SentinelResourceKind": _kind_of(stored),
        "CorrelationId": f"{stored.rule.id}/{stored.revision}",
        "ExtendedProperties": {
            "CallerName": by, "Revision": stored.revision, "Enabled": stored.rule.enabled,
            "ResourceDisplayName": stored.rule.name, "Severity": stored.rule.severity.value,
        },
    }  # fmt: skip


def _own_address() -> str:
    """The address that this machine would send from; nothing is sent to find out."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        try:
            asked.connect(("192.0.2.1", 9))  # of a network for documentation
        except OSError:
            return "127.0.0.1"
        return str(asked.getsockname()[0])


def _kind_of(stored: StoredRule) -> str:
    return stored.rule.kind.value


def _troubles(before: IntakeStats, now: IntakeStats) -> list[tuple[str, str, str]]:
    """Status, key and detail of what changed."""
    found: list[tuple[str, str, str]] = []
    if now.trouble and now.trouble != before.trouble:
        found.append(("Failed", "store-unavailable", now.trouble))
    elif before.trouble and not now.trouble:
        found.append(("Succeeded", "store-unavailable", "Rows are stored again."))
    for name, key, words in (
        ("dropped", "rows-dropped", "rows were lost: their sender cannot wait, and there was no room for them"),
        ("refused", "rows-refused", "rows were refused, and their senders told to come again"),
        ("unreadable", "rows-unreadable", "rows could not be read, and are kept whole with the reason"),
    ):
        count = getattr(now, name) - getattr(before, name)
        if count:
            found.append(("Warning", key, f"{count} {words}."))
    return found


def _flow_row(one: SourceFlow) -> dict[str, object]:
    return {"Source": one.source, **_counts(one), "LagP50": one.lag_p50, "LagP95": one.lag_p95}


def _counts(one: SourceFlow) -> dict[str, int]:
    counts = one.counts
    return {
        "Received": counts.received, "Stored": counts.stored, "Repeated": counts.repeated, "Unreadable": counts.unreadable,
        "Dropped": counts.dropped, "Refused": counts.refused, "Bytes": counts.bytes,
    }  # fmt: skip


def _sums(found: Sequence[SourceFlow]) -> dict[str, object]:
    sums: dict[str, int] = dict.fromkeys(
        ("Received", "Stored", "Repeated", "Unreadable", "Dropped", "Refused", "Bytes"), 0
    )
    for one in found:
        for name, value in _counts(one).items():
            sums[name] += value
    return {**sums, "LagP50": _worst(found, "lag_p50"), "LagP95": _worst(found, "lag_p95")}


def _worst(found: Sequence[SourceFlow], name: str) -> float | None:
    """The greatest of the sources' lags: whoever is late is seen."""
    return max((lag for one in found if (lag := getattr(one, name)) is not None), default=None)
