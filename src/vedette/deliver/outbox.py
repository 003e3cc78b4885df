"""The outbox: deliveries that are to be made, written in the transaction that makes them necessary, and the log of all.

States of a delivery: `pending` (attempts may have failed before), `delivered`, `failed` (given up, or never acceptable),
`cancelled` (its destination was deleted).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from vedette.core.clock import Clock
from vedette.core.database import State
from vedette.core.errors import NotFound
from vedette.core.ids import IdSource, new_id
from vedette.deliver.detection import DetectionRun
from vedette.deliver.models import (
    DeliveryAttemptRow,
    DeliveryRow,
    DestinationDetectionRow,
    DestinationRow,
)
from vedette.detect.alerts.alert import Outcome

MAX_PAGE: Final = 1000


class DeliveryState(StrEnum):
    """Where a delivery stands."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery as it was when it was read. `error` is why the last attempt failed."""

    id: str
    workspace_id: str
    destination_id: str
    destination_name: str
    detection_id: str
    run_id: str
    remote_key: str
    incident_number: int | None
    title: str
    state: DeliveryState
    under_way: bool
    """An attempt is being made right now."""
    attempts: int
    created_at: datetime
    last_attempt_at: datetime | None
    next_attempt_at: datetime | None
    """None where there will be none."""
    finished_at: datetime | None
    error: Mapping[str, Any] | None
    remote_id: str | None
    remote_url: str | None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt. `outcome` None: under way, or its process ended in the middle of it."""

    number: int
    started_at: datetime
    ended_at: datetime | None
    outcome: str | None
    error: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class DeliveryPage:
    """A page of deliveries, the number of all that fit, and of each state how many there are."""

    value: tuple[Delivery, ...]
    count: int
    states: Mapping[DeliveryState, int]


def enqueue(
    session: Session, workspace_id: str, run: DetectionRun, clock: Clock, new_id: IdSource = new_id
) -> list[str]:
    """Write the deliveries of a run into the transaction of `session`, and return their ids.

    One for each enabled destination of the workspace that takes the detection; none unless the outcome is MATCHED; and
    none for a destination that has one of this run already, so that a run may be processed any number of times.
    """
    if run.outcome is not Outcome.MATCHED:
        return []
    chosen = select(DestinationDetectionRow.destination_id).where(
        DestinationDetectionRow.detection_id == run.detection_id
    )
    have = select(DeliveryRow.destination_id).where(DeliveryRow.remote_key == run.incident_id)
    destinations = session.scalars(
        select(DestinationRow.id)
        .where(
            DestinationRow.workspace_id == workspace_id,
            DestinationRow.deleted_at.is_(None),
            DestinationRow.enabled,
            DestinationRow.every_detection | DestinationRow.id.in_(chosen),
            DestinationRow.id.not_in(have),
        )
        .order_by(DestinationRow.created_at, DestinationRow.id)
    ).all()
    now, made = clock.now(), []
    for destination_id in destinations:
        row = DeliveryRow(
            id=new_id(),
            workspace_id=workspace_id,
            destination_id=destination_id,
            detection_id=run.detection_id,
            run_id=run.run_id,
            remote_key=run.incident_id,
            incident_number=run.incident_number,
            title=run.name,
            payload=run.to_json(),
            state=DeliveryState.PENDING.value,
            attempts=0,
            next_attempt_at=now,
            created_at=now,
        )
        session.add(row)
        made.append(row.id)
    session.flush()
    return made


class DeliveryLog:
    """Reads deliveries."""

    def __init__(self, state: State, clock: Clock) -> None:
        self._state = state
        self._clock = clock

    def page(
        self,
        workspace_id: str,
        *,
        destination_id: str | None = None,
        state: DeliveryState | None = None,
        incident_number: int | None = None,
        run_id: str | None = None,
        top: int = 100,
        skip: int = 0,
    ) -> DeliveryPage:
        """Deliveries of a workspace, newest first. The numbers by state do not depend on `state`."""
        filters = [DeliveryRow.workspace_id == workspace_id]
        if destination_id is not None:
            filters.append(DeliveryRow.destination_id == destination_id)
        if incident_number is not None:
            filters.append(DeliveryRow.incident_number == incident_number)
        if run_id is not None:
            filters.append(DeliveryRow.run_id == run_id)
        counting = select(DeliveryRow.state, func.count()).where(*filters).group_by(DeliveryRow.state)
        query = select(DeliveryRow, DestinationRow.name).join(DestinationRow).where(*filters)
        if state is not None:
            query = query.where(DeliveryRow.state == state.value)
        query = query.order_by(DeliveryRow.created_at.desc(), DeliveryRow.id.desc())
        with self._state.session(read_only=True) as session:
            states = dict.fromkeys(DeliveryState, 0)
            states.update({DeliveryState(name): count for name, count in session.execute(counting)})
            rows = session.execute(query.limit(max(0, min(top, MAX_PAGE))).offset(max(0, skip))).all()
        now = self._clock.now()
        value = tuple(_delivery(row, name, now) for row, name in rows)
        return DeliveryPage(value, states[state] if state else sum(states.values()), states)

    def get(self, workspace_id: str, delivery_id: str) -> Delivery:
        """The delivery of that id; `NotFound` if the workspace has none."""
        with self._state.session(read_only=True) as session:
            found = session.execute(
                select(DeliveryRow, DestinationRow.name)
                .join(DestinationRow)
                .where(DeliveryRow.workspace_id == workspace_id, DeliveryRow.id == delivery_id)
            ).one_or_none()
            if found is None:
                raise no_delivery(delivery_id)
            return _delivery(found[0], found[1], self._clock.now())

    def attempts(self, workspace_id: str, delivery_id: str) -> list[Attempt]:
        """Every attempt of a delivery, oldest first."""
        self.get(workspace_id, delivery_id)
        query = (
            select(DeliveryAttemptRow)
            .where(DeliveryAttemptRow.delivery_id == delivery_id)
            .order_by(DeliveryAttemptRow.number)
        )
        with self._state.session(read_only=True) as session:
            return [
                Attempt(row.number, row.started_at, row.ended_at, row.outcome, row.error)
                for row in session.scalars(query)
            ]


def no_delivery(delivery_id: str) -> NotFound:
    """The error for a delivery that is not there."""
    return NotFound(f"There is no delivery '{delivery_id}'.", target=delivery_id)


def _delivery(row: DeliveryRow, destination_name: str, now: datetime) -> Delivery:
    pending = row.state == DeliveryState.PENDING.value
    return Delivery(
        id=row.id,
        workspace_id=row.workspace_id,
        destination_id=row.destination_id,
        destination_name=destination_name,
        detection_id=row.detection_id,
        run_id=row.run_id,
        remote_key=row.remote_key,
        incident_number=row.incident_number,
        title=row.title,
        state=DeliveryState(row.state),
        under_way=pending and row.claimed_until is not None and row.claimed_until > now,
        attempts=row.attempts,
        created_at=row.created_at,
        last_attempt_at=row.last_attempt_at,
        next_attempt_at=row.next_attempt_at if pending else None,
        finished_at=row.finished_at,
        error=row.last_error,
        remote_id=row.remote_id,
        remote_url=row.remote_url,
    )
