"""Copies rows of tables of another Log Analytics workspace, as they are ingested there.

The time of ingestion is cut into windows that follow on one another: every row is in one of them. A window with too many rows is
halved. The newest minutes are left for the next poll, since a row can be queried some time after its time of ingestion.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from vedette.clients.azure_cloud import CLOUDS, AzureCloud
from vedette.clients.azure_errors import AzureFailure
from vedette.clients.log_analytics import Answer, LogAnalyticsClient
from vedette.collect.connectors import app_registration
from vedette.collect.connectors.contract import ConnectorManifest, Endpoint, Event, Page, PollFailure, Trouble
from vedette.collect.connectors.polling import TROUBLE, reaching, signing_in
from vedette.core.checks import CheckReport, CheckStep, passed, run_steps
from vedette.core.clock import Clock
from vedette.core.forms import FieldType, FormField, Permission
from vedette.core.redaction import Secret

ROWS: Final = 5_000
"""Rows of a window, at most; a moment of ingestion with more comes whole."""
WINDOW: Final = timedelta(hours=6)
LATE: Final = timedelta(minutes=2)
_TICK: Final = timedelta(milliseconds=1)
_AT: Final = "_vedette_ingested"
_LEFT_OUT: Final = frozenset({_AT, "Type", "MG", "ManagementGroupName"})
_ENDPOINT: Final = "tables"
_RIGHT: Final = "Microsoft.OperationalInsights/workspaces/query/read"


def manifest(clouds: Mapping[str, AzureCloud] = CLOUDS) -> ConnectorManifest:
    """What the connector is and asks for."""
    return ConnectorManifest(
        id="log-analytics", title="Log Analytics", category="Cloud Infrastructure",
        about="Copies the rows of tables of another Log Analytics workspace into the tables of the same name, as they are ingested there.",
        fields=app_registration.fields(
            clouds,
            FormField(
                "workspace_id", "Workspace ID", FieldType.UUID, "The other workspace's id, on its overview.",
                example="22222222-1111-2222-3333-444444444444",
            ),
            FormField(
                "tables", "Tables", FieldType.TEXT, "Names of the tables, with commas between them.",
                example="SecurityEvent, Syslog", pattern=r"[A-Za-z_][A-Za-z0-9_]*(?:\s*,\s*[A-Za-z_][A-Za-z0-9_]*)*",
                rule="be names of tables with commas between them", max_length=2000,
            ),
            look_back=1,
        ),
        permissions=(Permission("Log Analytics Reader", "role on the other workspace: queries its tables"),),
        endpoints=(Endpoint(_ENDPOINT, "Tables", timedelta(minutes=5), (), _RIGHT, "The rows of the tables that are named."),),
        prerequisites=(
            *app_registration.REGISTRATION,
            "A role on the other workspace for the app registration: **Access control (IAM)**, **Add role assignment**.",
        ),
        hosts=("api.loganalytics.azure.com", "login.microsoftonline.com"),
        source_fields=("tenant_id", "workspace_id", "cloud"),
        vendor_docs="https://learn.microsoft.com/azure/azure-monitor/logs/api/overview",
        troubleshooting=app_registration.troubleshooting("Assign the role Log Analytics Reader on the other workspace."),
        guide="connectors/index.md#log-analytics",
    )  # fmt: skip


class LogAnalytics(app_registration.AppRegistrationKind):
    """The connector `log-analytics`."""

    def __init__(self, clock: Clock, clouds: Mapping[str, AzureCloud] = CLOUDS) -> None:
        super().__init__(clock, clouds, manifest)

    def open(self, values: Mapping[str, str], secrets: Mapping[str, Secret]) -> LogAnalyticsConnection:
        """A connection with checked values; does no network call."""
        cloud = self._clouds[values["cloud"]]
        client = LogAnalyticsClient(app_registration.credentials(values, secrets), self._clock, cloud)
        tables = list(dict.fromkeys(name.strip() for name in values["tables"].split(",")))
        look_back = timedelta(days=int(values["first_look_back"]))
        return LogAnalyticsConnection(client, values["workspace_id"], tables, look_back, cloud, self._clock)


class LogAnalyticsConnection:
    """One other workspace."""

    def __init__(
        self, client: LogAnalyticsClient, workspace: str, tables: list[str], look_back: timedelta, cloud: AzureCloud, clock: Clock
    ) -> None:  # fmt: skip
        self._client, self._workspace, self._tables, self._look_back = client, workspace, tables, look_back
        self._cloud, self._clock = cloud, clock

    def close(self) -> None:
        """Close connections."""
        self._client.close()

    def poll(self, endpoint: str, cursor: Mapping[str, Any]) -> Page:
        """The next window of the first table that has one. The cursor: `marks`, the end of each table's last window, and `until`."""
        marks: dict[str, str] = dict(cursor.get("marks") or {})
        until = cursor.get("until") or _text(self._clock.now() - LATE)
        end = _moment(until)
        for table in self._tables:
            start = _moment(marks[table]) if table in marks else end - self._look_back
            if start >= end:
                continue
            try:
                close, answer = self._window(table, start, min(end, start + WINDOW))
            except AzureFailure as failure:
                raise self._told(table, failure) from failure
            events = list(_events(table, answer))
            return Page(events, {"marks": {**marks, table: _text(close)}, "until": until}, True, len(events))
        # also those from which nothing was read yet: the next window of each begins here
        return Page([], {"marks": {name: max(marks.get(name, ""), until) for name in self._tables}}, False, 0)

    def check(self) -> CheckReport:
        """Reach the hosts, sign in, and ask each table for a row."""
        plan = [*reaching((self._cloud.log_analytics, self._cloud.authority)), signing_in(self._client.authenticate)]
        plan += [(f"Table {name}", lambda name=name: self._check_table(name)) for name in self._tables]  # type: ignore[misc]
        return run_steps(self._clock, plan)

    def _check_table(self, name: str) -> CheckStep:
        try:
            self._client.query(self._workspace, f"{name} | take 1")
        except AzureFailure as failure:
            raise self._told(name, failure) from failure
        return passed(f"{name} can be read.")

    def _window(self, table: str, start: datetime, end: datetime) -> tuple[datetime, Answer]:
        """The rows after `start` and up to a moment, which is `end` or as early as needed for not too many rows."""
        while True:
            smallest = end - start <= _TICK
            answer = self._client.query(
                self._workspace,
                f"{table} | extend {_AT} = ingestion_time() "
                f"| where {_AT} > datetime({_text(start)}) and {_AT} <= datetime({_text(end)})"
                + ("" if smallest else f" | take {ROWS + 1}"),
            )
            if smallest or len(answer.rows) <= ROWS:
                return end, answer
            end = start + (end - start) / 2

    def _told(self, table: str, failure: AzureFailure) -> PollFailure:
        trouble = TROUBLE.get(failure.kind, Trouble.UNAVAILABLE)
        message, hint = f"{table}: {failure.message}", failure.hint
        if trouble is Trouble.FORBIDDEN:
            message = f"{table}: the app registration has no role that allows {_RIGHT}."
            hint = "Assign it the role Log Analytics Reader on the other workspace."
        elif trouble is Trouble.THROTTLED:
            message, hint = (
                f"{table}: Log Analytics asks to wait (429).",
                "Raise the polling interval if it happens often.",
            )
        return PollFailure(message, trouble, code=failure.code, hint=hint, retry_after=failure.retry_after)


def _events(table: str, answer: Answer) -> Iterator[Event]:
    """The rows as events. Equal rows of one moment of ingestion are counted, so that each has an id of its own."""
    seen: Counter[str] = Counter()
    for values in answer.rows:
        whole = json.dumps(values, sort_keys=True, ensure_ascii=False, default=str)
        digest = hashlib.blake2b(whole.encode(), digest_size=16).hexdigest()
        seen[digest] += 1
        row = {
            name: _value(kind, value)
            for (name, kind), value in zip(answer.columns, values, strict=True)
            if name not in _LEFT_OUT and value is not None and value != ""
        }
        yield Event(table, row, f"log-analytics:{digest}:{seen[digest]}")


def _value(kind: str, value: Any) -> Any:
    if kind == "dynamic" and isinstance(value, str):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
