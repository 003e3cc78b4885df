"""Polls Microsoft Graph for alerts (v1 and v2) and incidents.

Graph lists the newest first, so a poll goes through all pages of what changed since the last one, and only then moves the mark. It
begins some minutes before the mark, since an object may become visible after a newer one; what comes twice has the same record
id: the object's id and the time of its last change.
"""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from vedette.clients.azure_cloud import CLOUDS, AzureCloud
from vedette.clients.azure_errors import AzureFailure, FailureKind
from vedette.clients.azure_http import ClientSecretCredentials
from vedette.clients.graph import GraphClient, GraphPage
from vedette.collect.connectors.azure_security.manifest import ALERTS_V1, ALERTS_V2, INCIDENTS, manifest
from vedette.collect.connectors.contract import ConnectorManifest, Event, Page, PollFailure, Trouble
from vedette.collect.formats import defender_alerts, graph_incidents, legacy_alerts
from vedette.collect.formats.columns import Record, Unreadable, text
from vedette.collect.formats.defender_facts import EVIDENCE
from vedette.collect.formats.timestamps import Moments, iso
from vedette.core.checks import CheckReport, CheckStep, Step, passed, run_steps
from vedette.core.clock import Clock
from vedette.core.redaction import Secret
from vedette.store.catalog import DEAD_LETTER

OVERLAP: Final = timedelta(minutes=10)
_EVIDENCE: Final = "#microsoft.graph.security."

_TROUBLE: Final = {
    FailureKind.AUTHENTICATION: Trouble.UNAUTHORIZED,
    FailureKind.TENANT_NOT_FOUND: Trouble.UNAUTHORIZED,
    FailureKind.FORBIDDEN: Trouble.FORBIDDEN,
    FailureKind.NOT_FOUND: Trouble.GONE,
    FailureKind.THROTTLED: Trouble.THROTTLED,
    FailureKind.UNAVAILABLE: Trouble.UNAVAILABLE,
}


class _Source(NamedTuple):
    path: str
    query: Mapping[str, str]
    changed: str
    """The property with the time of the last change."""
    read: Callable[[object, Moments], list[Record] | Unreadable]
    table: str


SOURCES: Final = {
    ALERTS_V1: _Source(
        "/security/alerts", {"$top": "100"}, "lastModifiedDateTime", legacy_alerts.read, "SecurityAlert"
    ),
    ALERTS_V2: _Source(
        "/security/alerts_v2", {"$top": "100"}, "lastUpdateDateTime", defender_alerts.read, "SecurityAlert"
    ),
    INCIDENTS: _Source(
        "/security/incidents", {"$top": "50", "$expand": "alerts"}, "lastUpdateDateTime", graph_incidents.read,
        "SecurityIncident",
    ),
}  # fmt: skip


class AzureSecurity:
    """The connector `azure-security`."""

    def __init__(self, clock: Clock, clouds: Mapping[str, AzureCloud] = CLOUDS) -> None:
        self._clock = clock
        self._clouds = dict(clouds)
        self._manifest = manifest(clouds)

    @property
    def manifest(self) -> ConnectorManifest:
        """What the connector is and which fields it needs."""
        return self._manifest

    def open(self, values: Mapping[str, str], secrets: Mapping[str, Secret]) -> AzureSecurityConnection:
        """A connection with checked values; does no network call."""
        cloud = self._clouds[values["cloud"]]
        credentials = ClientSecretCredentials(values["tenant_id"], values["client_id"], secrets["client_secret"])
        return AzureSecurityConnection(
            GraphClient(credentials, self._clock, cloud), cloud, self._clock, self._manifest,
            timedelta(days=int(values["first_look_back"])),
        )  # fmt: skip


class AzureSecurityConnection:
    """One tenant."""

    def __init__(
        self, graph: GraphClient, cloud: AzureCloud, clock: Clock, described: ConnectorManifest, look_back: timedelta
    ) -> None:
        self._graph, self._cloud, self._clock, self._manifest = graph, cloud, clock, described
        self._look_back = look_back

    def close(self) -> None:
        """Close connections."""
        self._graph.close()

    def poll(self, endpoint: str, cursor: Mapping[str, Any]) -> Page:
        """One page of what changed. The cursor: `mark` (all before it is here), and within a pass `since`, `high`, `next`."""
        source = SOURCES[endpoint]
        now = self._clock.now()
        since = cursor.get("since") or self._since(cursor.get("mark"), now)
        try:
            page, again = self._page(source, since, cursor.get("next"))
        except AzureFailure as failure:
            raise self._told(endpoint, failure) from failure
        high = max(
            [*([] if again else [cursor.get("high") or ""]), *(_changed(source, one) for one in page.value)], default=""
        )
        events, unknown = self._events(source, page.value, now)
        if page.next_link is not None:
            state = {"mark": cursor.get("mark"), "since": since, "high": high, "next": page.next_link}
            return Page(events, state, True, len(page.value), unknown, page.warning)
        # nothing new: the mark stays, so that a clock of ours that is ahead loses nothing
        mark = max(high, cursor.get("mark") or "") or since
        return Page(events, {"mark": mark}, False, len(page.value), unknown, page.warning)

    def check(self) -> CheckReport:
        """Reach both hosts, sign in, and ask each endpoint for one object: which permission is missing is named."""
        plan: list[tuple[str, Step]] = [
            (f"Reach {host}, port {port}", lambda host=host, port=port: _reach(host, port))  # type: ignore[misc]
            for host, port in self._hosts()
        ]
        plan.append(("Sign in to Microsoft Entra ID", self._check_sign_in))
        report = run_steps(self._clock, plan)
        if not report.ok:
            return report
        # each permission is told of, also when an earlier one is missing
        asked = [
            run_steps(self._clock, [(one.title, lambda one=one: self._check_endpoint(one.id))])  # type: ignore[misc]
            for one in self._manifest.endpoints
        ]
        return CheckReport((*report.steps, *(step for one in asked for step in one.steps)))

    def _check_sign_in(self) -> CheckStep:
        self._graph.authenticate()
        return passed("The tenant accepts the client id and secret.")

    def _check_endpoint(self, endpoint: str) -> CheckStep:
        source = SOURCES[endpoint]
        try:
            self._graph.first_page(source.path, {"$top": "1"})
        except AzureFailure as failure:
            told = self._told(endpoint, failure)
            if endpoint == INCIDENTS and told.trouble is Trouble.FORBIDDEN:
                return CheckStep("", None, told.message, told.hint, told.code)  # the permission is optional
            raise told from failure
        return passed(f"{self._manifest.endpoint(endpoint).title} can be read.")

    def _hosts(self) -> list[tuple[str, int]]:
        found = [urlsplit(address) for address in (self._cloud.graph, self._cloud.authority)]
        return list(dict.fromkeys((one.hostname or "", one.port or 443) for one in found))

    def _since(self, mark: str | None, now: datetime) -> str:
        if mark is None:
            return _seconds(now - self._look_back)
        return _seconds(datetime.fromisoformat(mark).astimezone(UTC) - OVERLAP)

    def _page(self, source: _Source, since: str, link: str | None) -> tuple[GraphPage, bool]:
        """The page, and whether it is the first one of a pass that begins again."""
        if link is not None:
            try:
                return self._graph.next_page(link), False
            except AzureFailure as failure:
                if failure.remote_status not in (400, 404, 410):
                    raise
                # a link does not live for ever: from the beginning, then; what is here already is known by its id
        return self._graph.first_page(source.path, {**source.query, "$filter": f"{source.changed} ge {since}"}), True

    def _events(
        self, source: _Source, objects: list[dict[str, Any]], now: datetime
    ) -> tuple[list[Event], Mapping[str, int]]:
        moments = Moments(now)
        events: list[Event] = []
        unknown: Counter[str] = Counter()
        for one in objects:
            identity = f"{one.get('id')}@{_changed(source, one)}"
            found = source.read(one, moments)
            if isinstance(found, Unreadable):
                unknown["object"] += 1
                row = {"TableName": source.table, "Source": source.path, "Reason": found.reason, "Raw": text(one)}
                events.append(Event(DEAD_LETTER, row, f"{source.path}:{identity}"))
                continue
            numbers: Counter[str] = Counter()
            for record in found:
                numbers[record.table] += 1
                events.append(Event(record.table, record.row, f"{source.path}:{identity}:{numbers[record.table]}"))
            unknown.update(_unknown_evidence(one))
        return events, unknown

    def _told(self, endpoint: str, failure: AzureFailure) -> PollFailure:
        trouble = _TROUBLE.get(failure.kind, Trouble.UNAVAILABLE)
        described = self._manifest.endpoint(endpoint)
        message, hint = failure.message, failure.hint
        if trouble is Trouble.FORBIDDEN:
            message = f"{described.title}: the app registration lacks the permission {described.permission}, or admin consent."
            hint = f"Add {described.permission} (application permission) and grant admin consent."
        elif trouble is Trouble.GONE:
            message = f"{described.title}: Microsoft Graph does not have this endpoint for the tenant any more."
            hint = "The other endpoints go on; alerts come through Security alerts v2."
        elif trouble is Trouble.THROTTLED:
            message = f"{described.title}: Microsoft Graph asks to wait (429)."
            hint = "Raise the polling interval if it happens often."
        return PollFailure(
            message, trouble, code=failure.code, hint=hint, target=failure.target, retry_after=failure.retry_after
        )


def _changed(source: _Source, one: Mapping[str, Any]) -> str:
    """When an object changed, as text that sorts; '' if it does not say."""
    value = one.get(source.changed) or one.get("createdDateTime")
    try:
        return iso(datetime.fromisoformat(str(value)))
    except ValueError:
        return ""


def _unknown_evidence(one: Mapping[str, Any]) -> Counter[str]:
    kinds = (str(part.get("@odata.type") or "") for part in one.get("evidence") or () if isinstance(part, Mapping))
    return Counter(kind for kind in kinds if kind.removeprefix(_EVIDENCE).removesuffix("Evidence") not in EVIDENCE)


def _seconds(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _reach(host: str, port: int) -> CheckStep:
    try:
        socket.create_connection((host, port), timeout=10).close()
    except OSError as error:
        reason = error.strerror or str(error)
        raise PollFailure(
            f"{host} cannot be reached on port {port}: {reason}.", Trouble.UNAVAILABLE,
            hint="Allow the connection in the firewall or proxy.",
        ) from error  # fmt: skip
    return passed(f"{host} takes connections.")
