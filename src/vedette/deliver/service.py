"""Destinations: configured, tested, switched on and off, and asked why something did not arrive.

Every method that changes something wants `destinations/write` in the workspace and is written to the audit trail. Secrets go
into the secret store and never come back: not in a view, an error, a log or the audit trail.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from urllib.parse import urlsplit

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from vedette.core.audit import Audit
from vedette.core.checks import CheckReport
from vedette.core.clock import Clock
from vedette.core.configured import Configured, SecretStatus, plain_name, refuse_taken_name, settings_of, taken_away
from vedette.core.database import State
from vedette.core.errors import Conflict, InvalidInput, NotFound
from vedette.core.forms import InvalidFields
from vedette.core.ids import IdSource, new_id
from vedette.core.outbound import Outbound
from vedette.core.roles import EVERYWHERE, Permission, Principal
from vedette.core.secrets import Secrets
from vedette.deliver.manifest import Manifest
from vedette.deliver.models import DeliveryRow, DestinationDetectionRow, DestinationRow
from vedette.deliver.outbox import Delivery, DeliveryLog, DeliveryState, no_delivery
from vedette.deliver.registry import Registry

MAX_DETECTIONS: Final = 5000


class Health(StrEnum):
    """How a destination does, by its newest delivery."""

    UNKNOWN = "unknown"
    HEALTHY = "healthy"
    FAILING = "failing"


@dataclass(frozen=True, slots=True)
class DestinationView:
    """A destination as it may be shown. `detections` None: it takes every detection of its workspace."""

    id: str
    workspace_id: str
    kind: str
    name: str
    enabled: bool
    detections: tuple[str, ...] | None
    settings: Mapping[str, str]
    secrets: Mapping[str, SecretStatus]
    health: Health
    last_error: Mapping[str, Any] | None
    last_success_at: datetime | None
    last_attempt_at: datetime | None
    held_until: datetime | None
    pending: int
    failed: int
    created_at: datetime
    updated_at: datetime


class Destinations:
    """The destinations of one state."""

    def __init__(
        self,
        state: State,
        secrets: Secrets,
        registry: Registry,
        clock: Clock,
        *,
        new_id: IdSource = new_id,
        outbound: Outbound | None = None,
    ) -> None:
        self._outbound = outbound or Outbound()
        self._state = state
        self._secrets = secrets
        self._registry = registry
        self._clock = clock
        self._new_id = new_id
        self._kept = Configured(secrets, clock, "destination")
        self._audit = Audit(state, clock)
        self.log = DeliveryLog(state, clock)

    def kinds(self) -> list[Manifest]:
        """The manifests of every kind."""
        return [kind.manifest for kind in self._registry]

    def list(self, principal: Principal, workspace_id: str) -> list[DestinationView]:
        """The destinations of a workspace, by name."""
        principal.require(workspace_id, Permission.DESTINATIONS_READ)
        query = (
            select(DestinationRow)
            .where(DestinationRow.workspace_id == workspace_id, DestinationRow.deleted_at.is_(None))
            .order_by(DestinationRow.folded_name)
        )
        with self._state.session(read_only=True) as session:
            return [self._view(session, row) for row in session.scalars(query)]

    def get(self, principal: Principal, workspace_id: str, destination_id: str) -> DestinationView:
        """The destination of that id; `NotFound` if the workspace has none."""
        principal.require(workspace_id, Permission.DESTINATIONS_READ)
        with self._state.session(read_only=True) as session:
            return self._view(session, _row(session, workspace_id, destination_id))

    def create(
        self,
        principal: Principal,
        workspace_id: str,
        kind: str,
        name: str,
        values: Mapping[str, object],
        *,
        enabled: bool = True,
        detections: Iterable[str] | None = None,
    ) -> DestinationView:
        """Save a new destination. `InvalidFields` names what is not right; `Conflict` if the name is taken."""
        principal.require(workspace_id, Permission.DESTINATIONS_WRITE)
        manifest = self._registry.get(kind).manifest
        values, links = self._kept.resolved(manifest, values, principal)
        checked = manifest.check(values)
        inside = _administers(principal)
        self._look_at(manifest, checked, inside)
        chosen = _detections(detections)
        now = self._clock.now()
        row = DestinationRow(
            id=self._new_id(),
            workspace_id=workspace_id,
            kind=kind,
            name=plain_name(name),
            folded_name=plain_name(name).casefold(),
            enabled=enabled,
            every_detection=chosen is None,
            settings=settings_of(manifest, checked),
            secrets={},
            inside=inside,
            revision=1,
            failures=0,
            created_at=now,
            updated_at=now,
        )
        with self._state.session() as session:
            refuse_taken_name(session, row, "destination")
            session.add(row)
            session.flush()
            row.secrets = self._kept.keep(manifest, row.id, row.workspace_id, row.secrets, checked, links)
            _choose(session, row.id, chosen)
            session.flush()
            self._record(principal, "create", row, {"enabled": enabled, "detections": chosen})
            return self._view(session, row)

    def update(
        self,
        principal: Principal,
        workspace_id: str,
        destination_id: str,
        *,
        name: str | None = None,
        values: Mapping[str, object] | None = None,
        enabled: bool | None = None,
        detections: Iterable[str] | None = None,
        every_detection: bool = False,
    ) -> DestinationView:
        """Change what is given and keep the rest: secrets too, which need not be entered again.

        `detections` limits the destination to some, `every_detection` takes the limit away. An empty text takes an
        optional value away. Deliveries that wait are tried again at once.
        """
        principal.require(workspace_id, Permission.DESTINATIONS_WRITE)
        chosen = _detections(detections)
        with self._state.session() as session:
            row = _row(session, workspace_id, destination_id)
            changed: dict[str, object] = {}
            if name is not None and plain_name(name) != row.name:
                changed["name"] = [row.name, plain_name(name)]
                row.name, row.folded_name = plain_name(name), plain_name(name).casefold()
                refuse_taken_name(session, row, "destination")
            if values:
                changed["fields"] = sorted(values)
                self._change_values(row, values, principal)
            if enabled is not None and enabled != row.enabled:
                changed["enabled"] = [row.enabled, enabled]
                row.enabled = enabled
            if chosen is not None or every_detection:
                row.every_detection = chosen is None
                changed["detections"] = chosen
                _choose(session, row.id, chosen)
            if changed:
                row.updated_at = self._clock.now()
                _try_again(session, row, row.updated_at)
                session.flush()
                self._record(principal, "update", row, changed)
            return self._view(session, row)

    def set_enabled(
        self, principal: Principal, workspace_id: str, destination_id: str, enabled: bool
    ) -> DestinationView:
        """Switch on or off. While it is off nothing is sent, and runs that match are not queued for it."""
        return self.update(principal, workspace_id, destination_id, enabled=enabled)

    def delete(self, principal: Principal, workspace_id: str, destination_id: str) -> None:
        """Delete a destination and its secrets. What waits for it is cancelled; what was delivered stays in the log."""
        principal.require(workspace_id, Permission.DESTINATIONS_WRITE)
        now = self._clock.now()
        with self._state.session() as session:
            row = _row(session, workspace_id, destination_id)
            for reference in row.secrets.values():
                self._secrets.delete(reference)
            row.secrets, row.settings = {}, {}
            row.enabled, row.folded_name, row.deleted_at, row.updated_at = False, None, now, now
            _choose(session, row.id, [])
            session.execute(
                update(DeliveryRow)
                .where(DeliveryRow.destination_id == row.id, DeliveryRow.state == DeliveryState.PENDING.value)
                .values(state=DeliveryState.CANCELLED.value, finished_at=now, claim=None, claimed_until=None)
            )
            session.flush()
            self._record(principal, "delete", row, {})

    def test(self, principal: Principal, workspace_id: str, destination_id: str, *, write: bool = False) -> CheckReport:
        """Find out whether deliveries can succeed: which step fails, why, and what to do. Needs no enabled destination.

        With `write` a test object is made at the other side. After a success, deliveries that wait are tried again at
        once.
        """
        return self.test_values(principal, workspace_id, None, {}, destination_id=destination_id, write=write)

    def test_values(
        self,
        principal: Principal,
        workspace_id: str,
        kind: str | None,
        values: Mapping[str, object],
        *,
        destination_id: str | None = None,
        write: bool = False,
    ) -> CheckReport:
        """The same with values that are not saved (yet); those of a saved destination stand in for what is left out."""
        principal.require(workspace_id, Permission.DESTINATIONS_WRITE)
        known: dict[str, object] = {}
        inside = _administers(principal)
        target = "(not saved)"
        if destination_id is not None:
            with self._state.session(read_only=True) as session:
                row = _row(session, workspace_id, destination_id)
                kind, target = row.kind, row.name
                known, references = dict(row.settings), dict(row.secrets)
                inside = inside or (row.inside and not _moves(self._registry.get(kind).manifest, row, values))
            known |= self._kept.revealed(workspace_id, references)
        if kind is None:
            raise InvalidInput("The kind of the destination is missing.", target="kind")
        found = self._registry.get(kind)
        outbound = self._outbound.also_inside(inside)
        report = self._kept.tried(
            found.manifest, lambda plain, secret: found.open(plain, secret, outbound), known, values, principal,
            lambda opened: opened.check(write=write),
        )  # fmt: skip
        detail = {"ok": report.ok, "failing": report.failing, "write": write, "fields": sorted(values)}
        with self._state.session() as session:
            self._audit.record(principal, "destinations/test", target, workspace_id, detail)
            if destination_id is not None and report.ok and not values:
                _try_again(session, _row(session, workspace_id, destination_id), self._clock.now())
        return report

    def reopen(self, workspace_id: str, destination_id: str) -> None:
        """Have the destination opened anew with the secrets that are in use now, and try what waits for it at once."""
        with self._state.session() as session:
            row = _row(session, workspace_id, destination_id)
            row.revision += 1
            _try_again(session, row, self._clock.now())

    def retry(self, principal: Principal, workspace_id: str, delivery_id: str) -> Delivery:
        """Put a delivery that failed back into the queue, with a fresh count of attempts. `Conflict` for another one."""
        principal.require(workspace_id, Permission.DESTINATIONS_WRITE)
        with self._state.session() as session:
            row = session.get(DeliveryRow, delivery_id)
            if row is None or row.workspace_id != workspace_id:
                raise no_delivery(delivery_id)
            if row.state != DeliveryState.FAILED.value:
                raise Conflict(f"Only a delivery that failed can be retried; this one is {row.state}.", target=row.id)
            self._requeue([row])
            self._audit.record(principal, "deliveries/retry", row.id, workspace_id, {"title": row.title})
        return self.log.get(workspace_id, delivery_id)

    def retry_failed(self, principal: Principal, workspace_id: str, destination_id: str) -> int:
        """The same for every failed delivery of a destination; returns how many there were."""
        principal.require(workspace_id, Permission.DESTINATIONS_WRITE)
        with self._state.session() as session:
            destination = _row(session, workspace_id, destination_id)
            failed = select(DeliveryRow).where(
                DeliveryRow.destination_id == destination.id, DeliveryRow.state == DeliveryState.FAILED.value
            )
            rows = list(session.scalars(failed))
            self._requeue(rows)
            _try_again(session, destination, self._clock.now())
            self._audit.record(principal, "deliveries/retry", destination.name, workspace_id, {"count": len(rows)})
            return len(rows)

    def _requeue(self, rows: Iterable[DeliveryRow]) -> None:
        for row in rows:
            row.state, row.attempts, row.finished_at = DeliveryState.PENDING.value, 0, None
            row.next_attempt_at = self._clock.now()

    def _change_values(self, row: DestinationRow, values: Mapping[str, object], by: Principal) -> None:
        manifest = self._registry.get(row.kind).manifest
        values, links = self._kept.resolved(manifest, values, by)
        checked = self._kept.checked(manifest, row.settings, row.secrets, values)
        row.inside = _administers(by) or (row.inside and not _moves(manifest, row, values))
        self._look_at(manifest, checked, row.inside)
        row.settings = settings_of(manifest, checked)
        row.secrets = self._kept.keep(
            manifest, row.id, row.workspace_id, row.secrets, checked, links, without=taken_away(values)
        )
        row.revision += 1

    def _look_at(self, manifest: Manifest, checked: Mapping[str, str], inside: bool) -> None:
        """Refuses at once what could not be reached later; names are looked up when they are connected to."""
        for field in manifest.fields:
            value = checked.get(field.name)
            if field.address and value:
                self._outbound.also_inside(inside).check_name(
                    (urlsplit(value).hostname or "") if "://" in value else value
                )

    def _record(self, principal: Principal, action: str, row: DestinationRow, detail: Mapping[str, object]) -> None:
        self._audit.record(
            principal,
            f"destinations/{action}",
            row.name,
            row.workspace_id,
            {"destination": row.id, "kind": row.kind, **detail},
        )

    def _view(self, session: Session, row: DestinationRow) -> DestinationView:
        counts: dict[str, int] = {}
        counting = (
            select(DeliveryRow.state, func.count())
            .where(DeliveryRow.destination_id == row.id)
            .group_by(DeliveryRow.state)
        )
        for state, count in session.execute(counting):
            counts[state] = count
        chosen = select(DestinationDetectionRow.detection_id).where(DestinationDetectionRow.destination_id == row.id)
        health = Health.UNKNOWN
        if row.last_attempt_at is not None:
            health = Health.HEALTHY if row.last_error is None else Health.FAILING
        return DestinationView(
            id=row.id,
            workspace_id=row.workspace_id,
            kind=row.kind,
            name=row.name,
            enabled=row.enabled,
            detections=None if row.every_detection else tuple(sorted(session.scalars(chosen))),
            settings=dict(row.settings),
            secrets=self._kept.statuses(
                self._registry.get(row.kind).manifest, row.workspace_id, row.settings, row.secrets
            ),
            health=health,
            last_error=row.last_error,
            last_success_at=row.last_success_at,
            last_attempt_at=row.last_attempt_at,
            held_until=row.held_until,
            pending=counts.get(DeliveryState.PENDING.value, 0),
            failed=counts.get(DeliveryState.FAILED.value, 0),
            created_at=row.created_at,
            updated_at=row.updated_at,
        )


def _row(session: Session, workspace_id: str, destination_id: str) -> DestinationRow:
    row = session.get(DestinationRow, destination_id)
    if row is None or row.workspace_id != workspace_id or row.deleted_at is not None:
        raise NotFound(f"There is no destination '{destination_id}'.", target=destination_id)
    return row


def _administers(principal: Principal) -> bool:
    """Whether somebody has the whole installation in their hands, the networks that its server is in included."""
    return principal.allows(EVERYWHERE, Permission.SETTINGS_WRITE)


def _moves(manifest: Manifest, row: DestinationRow, values: Mapping[str, object]) -> bool:
    """Whether an address is among the values that is not the one that is kept; a secret one is not compared."""
    return any(
        field.address and values.get(field.name) not in (None, row.settings.get(field.name))
        for field in manifest.fields
    )


def _detections(detections: Iterable[str] | None) -> list[str] | None:
    if detections is None:
        return None
    chosen = sorted({detection.strip() for detection in detections if detection.strip()})
    if len(chosen) > MAX_DETECTIONS or any(len(detection) > 256 for detection in chosen):
        raise InvalidFields(
            {"detections": f"must be at most {MAX_DETECTIONS} ids of detections, of at most 256 characters each"}
        )
    return chosen


def _choose(session: Session, destination_id: str, chosen: list[str] | None) -> None:
    session.execute(delete(DestinationDetectionRow).where(DestinationDetectionRow.destination_id == destination_id))
    session.add_all(DestinationDetectionRow(destination_id=destination_id, detection_id=item) for item in chosen or ())


def _try_again(session: Session, row: DestinationRow, now: datetime) -> None:
    """Nothing that waits has to wait any longer."""
    row.held_until, row.failures = None, 0
    session.execute(
        update(DeliveryRow)
        .where(
            DeliveryRow.destination_id == row.id,
            DeliveryRow.state == DeliveryState.PENDING.value,
            DeliveryRow.next_attempt_at > now,
        )
        .values(next_attempt_at=now)
    )
