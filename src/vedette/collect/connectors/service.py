"""Instances of connectors: configured, tested, switched on and off, and asked how they do.

Every method that changes something wants `connectors/write` in the workspace and is written to the audit trail. Secrets go into
the secret store and never come back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from vedette.collect.connectors.contract import ConnectorManifest, Trouble
from vedette.collect.connectors.models import ConnectorEndpointRow, ConnectorPollRow, ConnectorRow, begin
from vedette.collect.connectors.registry import ConnectorRegistry
from vedette.core.audit import Audit
from vedette.core.checks import CheckReport
from vedette.core.clock import Clock
from vedette.core.configured import (
    Configured,
    SecretStatus,
    defaults_of,
    plain_name,
    refuse_taken_name,
    settings_of,
    taken_away,
)
from vedette.core.database import State
from vedette.core.errors import InvalidInput, NotFound, nearest
from vedette.core.forms import FieldType, FormField, InvalidFields
from vedette.core.ids import IdSource, new_id
from vedette.core.redaction import Secret
from vedette.core.roles import Permission, Principal
from vedette.core.secrets import Secrets

SHORTEST: Final = 60
LONGEST: Final = 24 * 3600
"""Seconds between two polls of an endpoint."""


class Status(StrEnum):
    """How an instance does: the colour of its tile."""

    DISABLED = "disabled"
    WAITING = "waiting"
    """Nothing has been polled yet."""
    HEALTHY = "healthy"
    DEGRADED = "degraded"
    """Some endpoints do not deliver."""
    FAILING = "failing"
    """No endpoint delivers."""


@dataclass(frozen=True, slots=True)
class EndpointView:
    """Where an instance stands with one endpoint."""

    endpoint: str
    interval_seconds: int
    due_at: datetime
    trouble: str | None
    message: str | None
    last_poll_at: datetime | None
    last_success_at: datetime | None
    fetched: int


@dataclass(frozen=True, slots=True)
class PollView:
    """One poll of the history."""

    endpoint: str
    started_at: datetime
    ended_at: datetime
    outcome: str
    fetched: int
    pages: int
    unknown: Mapping[str, int]
    message: str | None


@dataclass(frozen=True, slots=True)
class ConnectorView:
    """An instance as it may be shown."""

    id: str
    workspace_id: str
    kind: str
    name: str
    enabled: bool
    status: Status
    settings: Mapping[str, str]
    secrets: Mapping[str, SecretStatus]
    endpoints: tuple[EndpointView, ...]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class InUse:
    """An instance with its values; of no use but to sign in with."""

    name: str
    settings: Mapping[str, str]
    secrets: Mapping[str, Secret]


class Connectors:
    """The connectors of one state. `changed` is called after each change, to look at once what is due."""

    def __init__(
        self, state: State, secrets: Secrets, registry: ConnectorRegistry, clock: Clock, changed: Callable[[], None],
        *, new_id: IdSource = new_id,
    ) -> None:  # fmt: skip
        self._state, self._secrets, self._registry, self._clock = state, secrets, registry, clock
        self._changed, self._new_id = changed, new_id
        self._kept = Configured(secrets, clock, "connector")
        self._audit = Audit(state, clock)

    def kinds(self) -> list[ConnectorManifest]:
        """The manifests of every connector."""
        return [kind.manifest for kind in self._registry]

    def list(self, principal: Principal, workspace_id: str) -> list[ConnectorView]:
        """The instances of a workspace, by name."""
        principal.require(workspace_id, Permission.CONNECTORS_READ)
        query = select(ConnectorRow).where(ConnectorRow.workspace_id == workspace_id).order_by(ConnectorRow.folded_name)
        with self._state.session(read_only=True) as session:
            return [self._view(session, row) for row in session.scalars(query)]

    def get(self, principal: Principal, workspace_id: str, connector_id: str) -> ConnectorView:
        """The instance of that id; `NotFound` if the workspace has none."""
        principal.require(workspace_id, Permission.CONNECTORS_READ)
        with self._state.session(read_only=True) as session:
            return self._view(session, _row(session, workspace_id, connector_id))

    def create(
        self, principal: Principal, workspace_id: str, kind: str, name: str, values: Mapping[str, object], *,
        enabled: bool = True, intervals: Mapping[str, object] | None = None,
    ) -> ConnectorView:  # fmt: skip
        """Save a new instance; its endpoints are polled at once, so that data comes within one interval.

        `intervals` are seconds by endpoint. `InvalidFields` names what is not right; `Conflict` if the name is taken.
        """
        principal.require(workspace_id, Permission.CONNECTORS_WRITE)
        manifest = self._registry.get(kind).manifest
        values, links = self._kept.resolved(manifest, values, principal)
        checked = manifest.check(values)
        now = self._clock.now()
        row = ConnectorRow(
            id=self._new_id(), workspace_id=workspace_id, kind=kind, name=plain_name(name),
            folded_name=plain_name(name).casefold(), enabled=enabled, settings=settings_of(manifest, checked), secrets={},
            intervals=_intervals(manifest, intervals or {}), revision=1, created_at=now, updated_at=now,
        )  # fmt: skip
        with self._state.session() as session:
            refuse_taken_name(session, row, "connector instance")
            session.add(row)
            session.flush()
            row.secrets = self._kept.keep(manifest, row.id, workspace_id, {}, checked, links)
            session.add_all(begin(row.id, one.id, now) for one in manifest.endpoints)
            session.flush()
            self._record(principal, "create", row, {"enabled": enabled})
            view = self._view(session, row)
        self._changed()
        return view

    def update(
        self, principal: Principal, workspace_id: str, connector_id: str, *, name: str | None = None,
        values: Mapping[str, object] | None = None, enabled: bool | None = None,
        intervals: Mapping[str, object] | None = None,
    ) -> ConnectorView:  # fmt: skip
        """Change what is given and keep the rest, secrets too. What is being polled ends, and is polled anew at once."""
        principal.require(workspace_id, Permission.CONNECTORS_WRITE)
        with self._state.session() as session:
            row = _row(session, workspace_id, connector_id)
            try:
                manifest = self._registry.get(row.kind).manifest
            except NotFound:
                if values or intervals:
                    raise
                manifest = _uninstalled(row.kind, row.secrets)
            changed: dict[str, object] = {}
            if name is not None and plain_name(name) != row.name:
                changed["name"] = [row.name, plain_name(name)]
                row.name, row.folded_name = plain_name(name), plain_name(name).casefold()
                refuse_taken_name(session, row, "connector instance")
            if values:
                changed["fields"] = sorted(values)
                values, links = self._kept.resolved(manifest, values, principal)
                checked = self._kept.checked(manifest, row.settings, row.secrets, values)
                before, row.settings = row.settings, settings_of(manifest, checked)
                if any(before.get(one) != row.settings.get(one) for one in manifest.source_fields):
                    changed["from"] = "the beginning"
                    for at in _endpoints(session, row.id):
                        at.cursor, at.throttled, at.trouble, at.message = {}, 0, None, None
                row.secrets = self._kept.keep(
                    manifest, row.id, workspace_id, row.secrets, checked, links, without=taken_away(values)
                )
            if intervals is not None:
                row.intervals = _intervals(manifest, intervals)
                changed["intervals"] = dict(row.intervals)
            if enabled is not None and enabled != row.enabled:
                changed["enabled"] = [row.enabled, enabled]
                row.enabled = enabled
            if changed:
                row.revision += 1
                row.updated_at = self._clock.now()
                for at in _endpoints(session, row.id):
                    # a cool-down is the other side's wish: new values do not shorten it
                    if at.trouble != Trouble.THROTTLED:
                        at.due_at, at.failures = row.updated_at, 0
                session.flush()
                self._record(principal, "update", row, changed)
            view = self._view(session, row)
        self._changed()
        return view

    def delete(self, principal: Principal, workspace_id: str, connector_id: str) -> None:
        """Delete an instance, its cursors, its history and its secrets; what it collected stays."""
        principal.require(workspace_id, Permission.CONNECTORS_WRITE)
        with self._state.session() as session:
            row = _row(session, workspace_id, connector_id)
            for reference in row.secrets.values():
                self._secrets.delete(reference)
            self._record(principal, "delete", row, {})
            session.execute(delete(ConnectorPollRow).where(ConnectorPollRow.connector_id == row.id))
            session.execute(delete(ConnectorEndpointRow).where(ConnectorEndpointRow.connector_id == row.id))
            session.delete(row)
        self._changed()

    def test(self, principal: Principal, workspace_id: str, connector_id: str) -> CheckReport:
        """Find out whether polls can succeed, and what is missing."""
        return self.test_values(principal, workspace_id, None, {}, connector_id=connector_id)

    def test_values(
        self, principal: Principal, workspace_id: str, kind: str | None, values: Mapping[str, object], *,
        connector_id: str | None = None,
    ) -> CheckReport:  # fmt: skip
        """The same with values that are not saved (yet); those of a saved instance stand in for what is left out."""
        principal.require(workspace_id, Permission.CONNECTORS_WRITE)
        known: dict[str, object] = {}
        target = "(not saved)"
        if connector_id is not None:
            with self._state.session(read_only=True) as session:
                row = _row(session, workspace_id, connector_id)
                kind, target, references = row.kind, row.name, dict(row.secrets)
                known = dict(row.settings)
            known |= self._kept.revealed(workspace_id, references)
        if kind is None:
            raise InvalidInput("The kind of the connector is missing.", target="kind")
        found = self._registry.get(kind)
        report = self._kept.tried(found.manifest, found.open, known, values, principal, lambda opened: opened.check())
        with self._state.session():
            self._audit.record(
                principal,
                "connectors/test",
                target,
                workspace_id,
                {"ok": report.ok, "failing": report.failing, "fields": sorted(values)},
            )
        return report

    def in_use(self, workspace_id: str, kind: str) -> Sequence[InUse]:
        """The enabled instances of a kind, by name, with what they sign in with: for what else is done where they collect."""
        manifest = self._registry.get(kind).manifest
        query = select(ConnectorRow).filter_by(workspace_id=workspace_id, kind=kind, enabled=True)
        with self._state.session(read_only=True) as session:
            rows = list(session.scalars(query.order_by(ConnectorRow.folded_name)))
            session.expunge_all()
        return [
            InUse(
                row.name, {**defaults_of(manifest), **row.settings},
                {
                    field: self._secrets.get(reference, workspace_id=workspace_id)
                    for field, reference in row.secrets.items()
                },
            )
            for row in rows
        ]  # fmt: skip

    def reopen(self, workspace_id: str, connector_id: str) -> None:
        """Have the instance opened anew with the secrets that are in use now."""
        with self._state.session() as session:
            _row(session, workspace_id, connector_id).revision += 1
        self._changed()

    def history(self, principal: Principal, workspace_id: str, connector_id: str, top: int = 100) -> Sequence[PollView]:
        """The newest polls of an instance, newest first."""
        principal.require(workspace_id, Permission.CONNECTORS_READ)
        with self._state.session(read_only=True) as session:
            row = _row(session, workspace_id, connector_id)
            query = (
                select(ConnectorPollRow)
                .where(ConnectorPollRow.connector_id == row.id)
                .order_by(ConnectorPollRow.id.desc())
                .limit(top)
            )
            return [
                PollView(
                    one.endpoint, one.started_at, one.ended_at, one.outcome, one.fetched, one.pages, dict(one.unknown),
                    one.message,
                )
                for one in session.scalars(query)
            ]  # fmt: skip

    def _record(self, principal: Principal, action: str, row: ConnectorRow, detail: Mapping[str, object]) -> None:
        self._audit.record(
            principal, f"connectors/{action}", row.name, row.workspace_id,
            {"connector": row.id, "kind": row.kind, **detail},
        )  # fmt: skip

    def _view(self, session: Session, row: ConnectorRow) -> ConnectorView:
        try:
            manifest = self._registry.get(row.kind).manifest
        except NotFound:
            manifest = _uninstalled(row.kind, row.secrets)
        endpoints = []
        for at in _endpoints(session, row.id):
            described = {one.id: one for one in manifest.endpoints}.get(at.endpoint)
            default = described.interval.total_seconds() if described else 0
            endpoints.append(
                EndpointView(
                    at.endpoint,
                    int(row.intervals.get(at.endpoint) or default),
                    at.due_at,
                    at.trouble,
                    at.message,
                    at.last_poll_at,
                    at.last_success_at,
                    at.fetched,
                )
            )
        return ConnectorView(
            id=row.id, workspace_id=row.workspace_id, kind=row.kind, name=row.name, enabled=row.enabled,
            status=_status(row.enabled, endpoints), settings=dict(row.settings),
            secrets=self._kept.statuses(manifest, row.workspace_id, row.settings, row.secrets),
            endpoints=tuple(endpoints), created_at=row.created_at, updated_at=row.updated_at,
        )  # fmt: skip


def _uninstalled(kind: str, secrets: Mapping[str, str]) -> ConnectorManifest:
    """What is known of an instance whose package is not installed (any more): the names of its secrets."""
    fields = tuple(FormField(name, name, FieldType.TEXT, "", secret=True) for name in secrets)
    return ConnectorManifest(
        id=kind, title=kind, category="", about="", fields=fields, permissions=(), troubleshooting=(), guide="",
        endpoints=(), vendor_docs="",
    )  # fmt: skip


def _status(enabled: bool, endpoints: list[EndpointView]) -> Status:
    if not enabled:
        return Status.DISABLED
    polled = [one for one in endpoints if one.last_poll_at is not None]
    if not polled:
        return Status.WAITING
    failing = [one for one in polled if one.trouble is not None]
    if not failing:
        return Status.HEALTHY
    return Status.FAILING if len(failing) == len(polled) else Status.DEGRADED


def _row(session: Session, workspace_id: str, connector_id: str) -> ConnectorRow:
    row = session.get(ConnectorRow, connector_id)
    if row is None or row.workspace_id != workspace_id:
        raise NotFound(f"There is no connector instance '{connector_id}'.", target=connector_id)
    return row


def _endpoints(session: Session, connector_id: str) -> list[ConnectorEndpointRow]:
    query = select(ConnectorEndpointRow).where(ConnectorEndpointRow.connector_id == connector_id)
    return list(session.scalars(query.order_by(ConnectorEndpointRow.endpoint)))


def _intervals(manifest: ConnectorManifest, given: Mapping[str, object]) -> dict[str, Any]:
    known = [one.id for one in manifest.endpoints]
    chosen: dict[str, Any] = {}
    for name, seconds in given.items():
        if name not in known:
            near = nearest(name, known)
            raise InvalidFields({f"intervals.{name}": "is no endpoint" + (f"; did you mean {near}?" if near else "")})
        if isinstance(seconds, bool) or not isinstance(seconds, int) or not SHORTEST <= seconds <= LONGEST:
            raise InvalidFields({f"intervals.{name}": f"must be a number of seconds from {SHORTEST} to {LONGEST}"})
        chosen[name] = seconds
    return chosen
