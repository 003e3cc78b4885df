"""Polls the Office 365 Management Activity API: a subscription for each type of content, lists of content, content, records.

Content is listed by when it became available; a list may get more some time later, so each begins an hour before the last one ended, and
the cursor knows the content of that hour.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

from vedette.clients.azure_cloud import CLOUDS, AzureCloud
from vedette.clients.azure_errors import AzureFailure
from vedette.clients.office365 import Office365Client
from vedette.collect.connectors import app_registration
from vedette.collect.connectors.contract import ConnectorManifest, Endpoint, Event, Page, PollFailure, Trouble
from vedette.collect.connectors.polling import TROUBLE, events_of, reaching, signing_in
from vedette.collect.formats import office365
from vedette.collect.formats.timestamps import Moments
from vedette.core.checks import CheckReport, CheckStep, passed, run_steps
from vedette.core.clock import Clock
from vedette.core.forms import Permission
from vedette.core.redaction import Secret

T = TypeVar("T")
OVERLAP: Final = timedelta(hours=1)
LONGEST_LIST: Final = timedelta(hours=24)
KEPT: Final = timedelta(days=7) - timedelta(minutes=10)
"""How far back content is given, less a little for the way."""
_FEED: Final = "ActivityFeed.Read"
_DLP: Final = "ActivityFeed.ReadDlp"
TYPES: Final = {
    "azure_ad": ("Audit.AzureActiveDirectory", "Microsoft Entra ID", _FEED),
    "exchange": ("Audit.Exchange", "Exchange", _FEED),
    "sharepoint": ("Audit.SharePoint", "SharePoint and OneDrive", _FEED),
    "general": ("Audit.General", "Teams and all others", _FEED),
    "dlp": ("DLP.All", "Data loss prevention", _DLP),
}


def manifest(clouds: Mapping[str, AzureCloud] = CLOUDS) -> ConnectorManifest:
    """What the connector is and asks for."""
    return ConnectorManifest(
        id="office-365", title="Office 365", category="Productivity",
        about="Collects the unified audit log of Microsoft 365 (Exchange, SharePoint, Teams, Entra ID and others) through the Office 365 "
        "Management Activity API.",
        fields=app_registration.fields(clouds, look_back=1),
        permissions=(
            Permission(_FEED, "Office 365 Management APIs: reads the audit log; application permission, admin consent"),
            Permission(_DLP, "Office 365 Management APIs, for data loss prevention only; application permission, admin consent"),
        ),
        endpoints=tuple(
            Endpoint(name, title, timedelta(minutes=5), ("OfficeActivity",), right, f"Content of the type {kind}.")
            for name, (kind, title, right) in TYPES.items()
        ),
        prerequisites=(*app_registration.REGISTRATION, "Auditing is turned on in Microsoft Purview."),
        hosts=("manage.office.com", "login.microsoftonline.com"), source_fields=("tenant_id", "cloud"),
        vendor_docs="https://learn.microsoft.com/office/office-365-management-api/office-365-management-activity-api-reference",
        troubleshooting=app_registration.troubleshooting(f"Add {_FEED} (and {_DLP}) of the Office 365 Management APIs and grant consent."),
        guide="connectors/index.md#office-365",
    )  # fmt: skip


class Office365(app_registration.AppRegistrationKind):
    """The connector `office-365`."""

    def __init__(self, clock: Clock, clouds: Mapping[str, AzureCloud] = CLOUDS) -> None:
        super().__init__(clock, clouds, manifest)

    def open(self, values: Mapping[str, str], secrets: Mapping[str, Secret]) -> Office365Connection:
        """A connection with checked values; does no network call."""
        cloud = self._clouds[values["cloud"]]
        client = Office365Client(app_registration.credentials(values, secrets), self._clock, cloud)
        look_back = min(timedelta(days=int(values["first_look_back"])), KEPT)
        return Office365Connection(client, look_back, cloud, self._manifest, self._clock)


class Office365Connection:
    """One tenant."""

    def __init__(
        self,
        client: Office365Client,
        look_back: timedelta,
        cloud: AzureCloud,
        described: ConnectorManifest,
        clock: Clock,
    ) -> None:
        self._client, self._look_back, self._cloud, self._manifest, self._clock = (
            client,
            look_back,
            cloud,
            described,
            clock,
        )

    def close(self) -> None:
        """Close connections."""
        self._client.close()

    def poll(self, endpoint: str, cursor: Mapping[str, Any]) -> Page:
        """A piece of content, or a list of them. The cursor: `mark`, up to where lists were read, `seen` (content → when listed), and
        within a pass `until`, `end` (of the list), `next`, `waiting` (content to fetch) and whether the subscription is `started`."""
        return self._asked(endpoint, lambda: self._step(TYPES[endpoint][0], cursor))

    def check(self) -> CheckReport:
        """Reach the hosts, sign in, and start each subscription."""
        plan = [*reaching((self._cloud.office365, self._cloud.authority)), signing_in(self._client.authenticate)]
        report = run_steps(self._clock, plan)
        if not report.ok:
            return report
        asked = [
            run_steps(self._clock, [(one.title, lambda one=one: self._check_type(one.id))])  # type: ignore[misc]
            for one in self._manifest.endpoints
        ]
        return CheckReport((*report.steps, *(found for one in asked for found in one.steps)))

    def _check_type(self, endpoint: str) -> CheckStep:
        self._asked(endpoint, lambda: self._client.start(TYPES[endpoint][0]))
        return passed("The subscription is enabled.")

    def _step(self, kind: str, cursor: Mapping[str, Any]) -> Page:
        now = self._clock.now()
        state: dict[str, Any] = dict(cursor)
        if state.get("waiting"):
            identity, link = state["waiting"][0]
            state["waiting"] = state["waiting"][1:]
            try:
                records = self._client.records(link)
            except AzureFailure as failure:
                if failure.remote_status not in (404, 410):
                    raise
                return Page([], state, True, 0, {}, f"content {identity} has expired")
            return self._page(records, state, now)
        if not state.get("started"):
            self._client.start(kind)
        if "until" not in state:
            state["until"] = _text(now)
        until, mark = _moment(state["until"]), state.get("mark")
        link = state.pop("next", None)
        if link is None:
            start = now - self._look_back if mark is None else max(_moment(mark) - OVERLAP, now - KEPT)
            end = min(until, start + LONGEST_LIST)
            listed, following = self._client.content(kind, _text(start), _text(end))
            state["end"] = _text(end)
        else:
            listed, following = self._client.page(link)
        seen: dict[str, str] = dict(state.get("seen") or {})
        waiting = []
        for one in listed:
            key = hashlib.blake2b(str(one.get("contentId")).encode(), digest_size=8).hexdigest()
            if key not in seen:
                seen[key] = str(one.get("contentCreated") or "")[:19]
                waiting.append([str(one.get("contentId"))[:80], str(one.get("contentUri"))])
        state |= {"started": True, "seen": seen, "waiting": waiting}
        if following is not None:
            state["next"] = following
            return Page([], state, True)
        state["mark"] = state.pop("end")
        oldest = _text(_moment(state["mark"]) - 2 * OVERLAP)
        state["seen"] = {key: created for key, created in seen.items() if created >= oldest}
        more = _moment(state["mark"]) < until
        if not more:
            del state["until"]
        return Page([], state, more or bool(waiting))

    def _page(self, records: list[dict[str, Any]], state: dict[str, Any], now: datetime) -> Page:
        moments = Moments(now)
        unknown: Counter[str] = Counter()
        events: list[Event] = []
        for one in records:
            events += events_of(
                office365.read(one, moments), one, office365.TABLE, f"office-365:{one.get('Id')}", unknown
            )
        more = bool(state["waiting"] or state.get("next") or state.get("until"))
        return Page(events, state, more, len(records), unknown)

    def _asked(self, endpoint: str, ask: Callable[[], T]) -> T:
        try:
            return ask()
        except AzureFailure as failure:
            described = self._manifest.endpoint(endpoint)
            trouble = TROUBLE.get(failure.kind, Trouble.UNAVAILABLE)
            message, hint = f"{described.title}: {failure.message}", failure.hint
            if trouble is Trouble.FORBIDDEN:
                message = f"{described.title}: the app registration lacks the permission {described.permission}, or admin consent."
                hint = f"Add {described.permission} of the Office 365 Management APIs and grant admin consent."
            raise PollFailure(
                message, trouble, code=failure.code, hint=hint, retry_after=failure.retry_after
            ) from failure


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
