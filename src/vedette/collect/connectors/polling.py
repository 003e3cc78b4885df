"""Connections to services that list collections in pages: Microsoft Graph and Azure Resource Manager.

A connector of this kind is its manifest and its sources; everything else is here.
"""

from __future__ import annotations

import hashlib
import json
import socket
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from vedette.clients.azure_errors import AzureFailure, FailureKind
from vedette.clients.graph import GraphPage
from vedette.collect.connectors.changes import OVERLAP, Answer, snapshot, step
from vedette.collect.connectors.contract import ConnectorManifest, Endpoint, Event, Page, PollFailure, Trouble
from vedette.collect.connectors.nested import Nested
from vedette.collect.formats.columns import Record, Unreadable, text
from vedette.collect.formats.timestamps import Moments
from vedette.core.checks import CheckReport, CheckStep, Step, passed, run_steps
from vedette.core.clock import Clock
from vedette.store.catalog import DEAD_LETTER

TROUBLE: Final = {
    FailureKind.AUTHENTICATION: Trouble.UNAUTHORIZED,
    FailureKind.TENANT_NOT_FOUND: Trouble.UNAUTHORIZED,
    FailureKind.FORBIDDEN: Trouble.FORBIDDEN,
    FailureKind.NOT_FOUND: Trouble.GONE,
    FailureKind.THROTTLED: Trouble.THROTTLED,
    FailureKind.UNAVAILABLE: Trouble.UNAVAILABLE,
}
Reader = Callable[[Any, Moments], list[Record] | Record | Unreadable]


class Collections(Protocol):
    """A client that reads collections. Every method raises `AzureFailure`."""

    def authenticate(self) -> None:
        """Gets a token, and nothing else."""
        ...

    def first_page(self, path: str, query: Mapping[str, str]) -> GraphPage:
        """The first page of a collection."""
        ...

    def next_page(self, link: str) -> GraphPage:
        """The page at a link."""
        ...

    def close(self) -> None:
        """Closes the connections."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """A further collection that says more of a source's objects. It is listed where an object needs it, at most once a day."""

    path: str
    query: Mapping[str, str]
    title: str
    """What it is, in a sentence."""
    wanted: Callable[[Mapping[str, Any]], str | None]
    """The name (in small letters) of what says more of an object; None where it says all itself."""
    merge: Callable[[Mapping[str, Any], Mapping[str, Any]], dict[str, Any]]
    """An object with what is said of it there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What an endpoint reads."""

    path: str
    read: Reader
    table: str
    """The table for which an object that cannot be read was meant."""
    query: Mapping[str, str] = field(default_factory=dict)
    since: Callable[[str], Mapping[str, str]] | None = None
    """The parameters that ask for what changed since a moment. None: the service lists everything each time."""
    changed: Callable[[Mapping[str, Any]], str] = lambda one: ""
    identify: Callable[[Mapping[str, Any]], str] | None = None
    """What makes a state of an object one; None: its `id` and when it changed, or for a list of everything its contents."""
    unknown: Callable[[Mapping[str, Any]], Counter[str]] = lambda one: Counter()
    overlap: timedelta = OVERLAP
    """How long before the last change a pass begins."""
    optional: bool = False
    """Whether a test passes without the permission."""
    test_query: Mapping[str, str] = field(default_factory=lambda: {"$top": "1"})
    service: str = "Microsoft Graph"
    forbidden: Callable[[Endpoint, AzureFailure], tuple[str, str] | None] = lambda endpoint, failure: None
    """What a 403 means, where it is not a missing permission: message and hint."""
    beside: Beside | None = None
    below: tuple[str, ...] = ()
    """Collections inside of each object, from the outside in, where what is read are the objects of the innermost."""


class CollectionConnection:
    """An open connector over collections. `hosts` are addresses that have to be reachable."""

    def __init__(
        self, client: Collections, sources: Mapping[str, Source], described: ConnectorManifest, clock: Clock,
        look_back: timedelta, hosts: Sequence[str],
    ) -> None:  # fmt: skip
        self._client, self._sources, self._manifest, self._clock = client, sources, described, clock
        self._look_back = look_back
        self._hosts = hosts
        self._beside: dict[str, tuple[datetime, dict[str, Mapping[str, Any]]]] = {}

    def close(self) -> None:
        """Close connections."""
        self._client.close()

    def poll(self, endpoint: str, cursor: Mapping[str, Any]) -> Page:
        """One page of what changed."""
        source = self._sources[endpoint]
        now = self._clock.now()
        try:
            if source.since is None:
                done = snapshot(
                    cursor, first=lambda: self._first(source, {}), following=lambda link: self._following(source, link),
                    identify=source.identify or _contents,
                )  # fmt: skip
            else:
                asked = source.since
                done = step(
                    cursor, now, self._look_back, first=lambda since: self._first(source, asked(since)),
                    following=lambda link: self._following(source, link), identify=source.identify or _version(source.changed),
                    changed=source.changed, overlap=source.overlap,
                )  # fmt: skip
        except AzureFailure as failure:
            raise self._told(endpoint, failure) from failure
        moments = Moments(now)
        events: list[Event] = []
        unknown: Counter[str] = Counter()
        objects, warning = self._with_more(endpoint, done.objects)
        for identity, one in objects:
            events += events_of(source.read(one, moments), one, source.table, f"{source.path}:{identity}", unknown)
            unknown.update(source.unknown(one))
        return Page(events, done.cursor, done.more, len(done.objects), unknown, done.warning or warning)

    def _with_more(
        self, endpoint: str, objects: list[tuple[str, dict[str, Any]]]
    ) -> tuple[list[tuple[str, dict[str, Any]]], str | None]:
        """The objects with what the collection beside the source says of them, and why it could not be read."""
        beside = self._sources[endpoint].beside
        if beside is None or all(beside.wanted(one) is None for _, one in objects):
            return objects, None
        try:
            facts = self._listed_beside(beside)
        except AzureFailure as failure:
            if TROUBLE.get(failure.kind) not in (Trouble.FORBIDDEN, Trouble.GONE):
                raise self._told(endpoint, failure) from failure
            return objects, f"{beside.title} cannot be read: {failure.message}"
        more = ((identity, one, facts.get(beside.wanted(one) or "")) for identity, one in objects)
        return [(identity, one if found is None else beside.merge(one, found)) for identity, one, found in more], None

    def _listed_beside(self, beside: Beside) -> dict[str, Mapping[str, Any]]:
        now = self._clock.now()
        read_at, facts = self._beside.get(beside.path, (None, {}))
        if read_at is not None and now - timedelta(days=1) < read_at <= now:
            return facts
        page = self._client.first_page(beside.path, beside.query)
        listed = [*page.value]
        asked: set[str] = set()
        while (link := page.next_link) is not None:
            if link in asked:
                raise AzureFailure(FailureKind.UNAVAILABLE, "the link to the next page leads to an earlier one")
            asked.add(link)
            page = self._client.next_page(link)
            listed += page.value
        facts = {str(one.get("name")).lower(): one for one in listed}
        self._beside[beside.path] = now, facts
        return facts

    def check(self) -> CheckReport:
        """Reach the hosts, sign in, and ask each endpoint for one object: which permission is missing is named."""
        plan = [*reaching(self._hosts), signing_in(self._client.authenticate)]
        report = run_steps(self._clock, plan)
        if not report.ok:
            return report
        # each permission is told of, also when an earlier one is missing
        asked = [
            run_steps(self._clock, [(one.title, lambda one=one: self._check_endpoint(one.id))])  # type: ignore[misc]
            for one in self._manifest.endpoints
        ]
        return CheckReport((*report.steps, *(found for one in asked for found in one.steps)))

    def _check_endpoint(self, endpoint: str) -> CheckStep:
        source = self._sources[endpoint]
        try:
            recent = (self._clock.now() - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
            since = {} if source.since is None else source.since(recent)
            self._client.first_page(source.path, {**source.query, **since, **source.test_query})
        except AzureFailure as failure:
            told = self._told(endpoint, failure)
            if source.optional and told.trouble is Trouble.FORBIDDEN:
                return CheckStep("", None, told.message, told.hint, told.code)
            raise told from failure
        return passed(f"{self._manifest.endpoint(endpoint).title} can be read.")

    def _first(self, source: Source, since: Mapping[str, str]) -> Answer:
        if source.below:
            page = self._nested(source).first()
        else:
            page = self._client.first_page(source.path, {**source.query, **since})
        return Answer(page.value, page.next_link, page.warning)

    def _following(self, source: Source, link: str) -> Answer:
        page = self._nested(source).following(link) if source.below else self._client.next_page(link)
        return Answer(page.value, page.next_link, page.warning)

    def _nested(self, source: Source) -> Nested:
        return Nested(self._client.first_page, self._client.next_page, source.path, source.query, source.below)

    def _told(self, endpoint: str, failure: AzureFailure) -> PollFailure:
        source = self._sources[endpoint]
        trouble = TROUBLE.get(failure.kind, Trouble.UNAVAILABLE)
        described = self._manifest.endpoint(endpoint)
        message, hint = failure.message, failure.hint
        if trouble is Trouble.FORBIDDEN:
            message, hint = source.forbidden(described, failure) or (
                f"{described.title}: the app registration lacks the permission {described.permission}, or admin consent.",
                f"Add {described.permission} (application permission) and grant admin consent.",
            )
        elif trouble is Trouble.GONE:
            message = f"{described.title}: {source.service} does not have this endpoint for the tenant (any more)."
            hint = "The other endpoints go on."
        elif trouble is Trouble.THROTTLED:
            message = f"{described.title}: {source.service} asks to wait (429)."
            hint = "Raise the polling interval if it happens often."
        return PollFailure(
            message, trouble, code=failure.code, hint=hint, target=failure.target, retry_after=failure.retry_after
        )


def events_of(
    found: list[Record] | Record | Unreadable, one: Any, table: str, identity: str, unknown: Counter[str]
) -> list[Event]:
    """The events of an object; one that cannot be read goes to the dead-letter table, whole, and is counted."""
    if isinstance(found, Unreadable):
        unknown["object"] += 1
        source = identity.partition(":")[0]
        return [
            Event(
                DEAD_LETTER, {"TableName": table, "Source": source, "Reason": found.reason, "Raw": text(one)}, identity
            )
        ]
    numbers: Counter[str] = Counter()
    events = []
    for record in [found] if isinstance(found, Record) else found:
        numbers[record.table] += 1
        events.append(Event(record.table, record.row, f"{identity}:{numbers[record.table]}"))
    return events


def reaching(addresses: Sequence[str]) -> list[tuple[str, Step]]:
    """The steps of a test that ask whether the hosts of addresses take connections, each once."""
    found = [urlsplit(address) for address in addresses]
    hosts = dict.fromkeys((one.hostname or "", one.port or 443) for one in found)
    return [
        (f"Reach {host}, port {port}", lambda host=host, port=port: _reach(host, port))  # type: ignore[misc]
        for host, port in hosts
    ]


def signing_in(authenticate: Callable[[], None]) -> tuple[str, Step]:
    """The step of a test that gets a token."""

    def check() -> CheckStep:
        authenticate()
        return passed("The tenant accepts the client id and secret.")

    return "Sign in to Microsoft Entra ID", check


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


def _version(changed: Callable[[Mapping[str, Any]], str]) -> Callable[[Mapping[str, Any]], str]:
    return lambda one: f"{one.get('id')}@{changed(one)}"


def _contents(one: Mapping[str, Any]) -> str:
    whole = json.dumps(one, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return f"{one.get('id')}@{hashlib.blake2b(whole.encode(), digest_size=12).hexdigest()}"
