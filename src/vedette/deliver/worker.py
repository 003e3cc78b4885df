"""Makes the deliveries of the outbox: durably, in order of time, with backoff, until each is there or is given up.

A delivery is claimed in one transaction, attempted outside of any, and its outcome written in another. Who dies in between
leaves a claim that runs out; the next attempt meets what the dead one has made and makes nothing twice (the id of what is
made is derived from the run).
"""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, func, or_, select, update

from vedette.core.clock import Clock
from vedette.core.database import State
from vedette.core.errors import VedetteError
from vedette.core.ids import IdSource, new_id
from vedette.core.redaction import redact_data
from vedette.deliver.backoff import RetryPolicy
from vedette.deliver.contract import DeliveryFailure, Receipt, Remedy
from vedette.deliver.detection import DetectionRun, run_from_json
from vedette.deliver.models import DeliveryAttemptRow, DeliveryRow, DestinationRow
from vedette.deliver.opening import Openings
from vedette.deliver.outbox import DeliveryState
from vedette.detect.alerts.alert import RunType

LEASE: Final = timedelta(minutes=5)
"""How long a claim holds: longer than the time-outs of one attempt taken together."""

_LANES: Final = 32
"""Destinations that are served at the same time."""
_FAILURES_BEFORE_HOLD: Final = 5
_IDLE: Final = 60.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pass:
    """What one pass over the outbox did."""

    delivered: int = 0
    postponed: int = 0
    """Attempts that failed and will be repeated."""
    failed: int = 0
    """Deliveries that were given up."""

    def __add__(self, other: Pass) -> Pass:
        return Pass(self.delivered + other.delivered, self.postponed + other.postponed, self.failed + other.failed)

    @property
    def attempts(self) -> int:
        """How many attempts were made."""
        return self.delivered + self.postponed + self.failed


@dataclass(frozen=True, slots=True)
class _Claimed:
    claim: str
    delivery_id: str
    destination_id: str
    destination_name: str
    number: int
    """Which attempt it is, counted over the delivery's whole life."""
    attempts: int
    """Attempts since it was queued, or was retried by hand."""
    title: str
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Finished:
    """A delivery that has arrived or was given up. `title` is a sentence; `detail` an address, or the reason."""

    workspace_id: str
    delivery_id: str
    destination_name: str
    incident_number: int | None
    delivered: bool
    title: str
    detail: str | None


class Deliverer:
    """The worker. Several may run, in one process or in several.

    `on_finished` is called for every delivery that has arrived or was given up, in the transaction that records it.
    """

    def __init__(
        self,
        state: State,
        openings: Openings,
        clock: Clock,
        rng: random.Random,
        *,
        policy: RetryPolicy | None = None,
        on_finished: Callable[[Finished], None] | None = None,
        new_id: IdSource = new_id,
    ) -> None:
        self._state = state
        self._openings = openings
        self._clock = clock
        self._rng = rng
        self._policy = policy or RetryPolicy()
        self._on_finished = on_finished
        self._new_id = new_id
        self._awake = threading.Event()
        self._guard = threading.Lock()
        self._lanes: dict[str, threading.Thread] = {}

    def deliver_due(self, limit: int | None = None) -> Pass:
        """Attempt every delivery that is due, at most `limit` of them."""
        done = Pass()
        while limit is None or done.attempts < limit:
            claimed = self._claim()
            if claimed is None:
                break
            done += self._attempt(claimed)
        return done

    def next_due(self) -> datetime | None:
        """When the next delivery is due, or None if none waits."""
        return self._next_due(())

    def _next_due(self, without: Collection[str]) -> datetime | None:
        query = (
            select(DeliveryRow.next_attempt_at, DeliveryRow.claimed_until, DestinationRow.held_until)
            .join(DestinationRow)
            .where(*_waiting(), DeliveryRow.destination_id.not_in(without))
            .order_by(DeliveryRow.next_attempt_at)
            .limit(1000)
        )
        with self._state.session(read_only=True) as session:
            due = [max(part for part in row if part is not None) for row in session.execute(query)]
        return min(due, default=None)

    def recover(self) -> int:
        """Free the claims of processes that are gone, for a process that knows that it is alone; returns how many."""
        with self._state.session() as session:
            freed = session.execute(
                update(DeliveryRow)
                .where(DeliveryRow.state == DeliveryState.PENDING.value, DeliveryRow.claim.is_not(None))
                .values(claim=None, claimed_until=None)
            )
            return int(freed.rowcount)  # type: ignore[attr-defined]

    def wake(self) -> None:
        """Look at the outbox now: something was put into it, or a destination was repaired."""
        self._awake.set()

    def run(self, stop: threading.Event) -> None:
        """Deliver until told to stop (call `wake` afterwards). What goes wrong with the state database is waited out.

        Every destination has a thread of its own while something is due for it, so that one that is slow or broken holds up
        none of the others.
        """
        while not stop.is_set():
            self._awake.clear()
            pause = _IDLE
            try:
                served = self._serve_due(stop)
                due = self._next_due(served)
                if due is not None:
                    pause = min(_IDLE, max(0.05, (due - self._clock.now()).total_seconds()))
            except VedetteError as error:
                _log.error("deliveries cannot be made: %s", error)
            if not stop.is_set():
                self._clock.wait(self._awake, pause)
        for lane in list(self._lanes.values()):
            lane.join()

    def _serve_due(self, stop: threading.Event) -> set[str]:
        """Give each destination that something is due for a thread; returns those that have one."""
        query = select(DeliveryRow.destination_id).join(DestinationRow).where(*_due(self._clock.now())).distinct()
        with self._state.session(read_only=True) as session:
            wanted = list(session.scalars(query.order_by(DeliveryRow.destination_id)))
        with self._guard:
            for destination_id in wanted:
                if destination_id not in self._lanes and len(self._lanes) < _LANES:
                    lane = threading.Thread(
                        target=self._serve,
                        args=(destination_id, stop),
                        name=f"deliveries to {destination_id}",
                        daemon=True,
                    )
                    self._lanes[destination_id] = lane
                    lane.start()
            return set(self._lanes)

    def _serve(self, destination_id: str, stop: threading.Event) -> None:
        try:
            while not stop.is_set():
                claimed = self._claim(destination_id)
                if claimed is None:
                    break
                self._attempt(claimed)
        except VedetteError as error:
            _log.error("deliveries cannot be made: %s", error)
            self._clock.wait(stop, 1.0)
        finally:
            with self._guard:
                del self._lanes[destination_id]
            self._awake.set()

    def _claim(self, destination_id: str | None = None) -> _Claimed | None:
        now = self._clock.now()
        query = (
            select(DeliveryRow, DestinationRow)
            .join(DestinationRow)
            .where(*_due(now))
            .order_by(DeliveryRow.next_attempt_at, DeliveryRow.created_at, DeliveryRow.id)
            .limit(1)
        )
        if destination_id is not None:
            query = query.where(DeliveryRow.destination_id == destination_id)
        with self._state.session(read_only=True) as session:
            if session.execute(query).first() is None:
                return None  # the usual case, found out without standing in line with the writers
        with self._state.session() as session:
            found = session.execute(query).first()
            if found is None:
                return None
            row, destination = found
            last = session.scalar(
                select(func.max(DeliveryAttemptRow.number)).where(DeliveryAttemptRow.delivery_id == row.id)
            )
            row.claim, row.claimed_until = self._new_id(), now + LEASE
            row.attempts += 1
            row.last_attempt_at = now
            attempt = DeliveryAttemptRow(delivery_id=row.id, number=(last or 0) + 1, started_at=now)
            session.add(attempt)
            return _Claimed(
                row.claim,
                row.id,
                row.destination_id,
                destination.name,
                attempt.number,
                row.attempts,
                row.title,
                row.payload,
            )

    def _attempt(self, claimed: _Claimed) -> Pass:
        try:
            if claimed.attempts > self._policy.attempts:
                # Every attempt is counted before it is made, so this one was preceded by one that never came back.
                raise DeliveryFailure(
                    f"Given up: {self._policy.attempts} attempts were made, and the last one was interrupted.",
                    Remedy.NOTHING,
                    code="VDT6109",
                )
            run = run_from_json(claimed.payload)
            receipt = self._deliver_staged(claimed, run) if run.run_type is RunType.MANUAL else None
            if receipt is None:
                receipt = self._openings.get(claimed.destination_id).deliver(run)
        except DeliveryFailure as failure:
            return self._record_failure(claimed, failure)
        except VedetteError as error:
            return self._record_failure(
                claimed, DeliveryFailure(error.message, Remedy.CONFIGURATION, code=error.code, hint=error.hint)
            )
        except Exception as error:
            # A mistake of ours in one delivery must not stop the others, nor be repeated without end.
            _log.exception("delivery %s failed unexpectedly", claimed.delivery_id)
            return self._record_failure(
                claimed,
                DeliveryFailure(
                    f"An unexpected error ({type(error).__name__}) occurred; the log has its details.",
                    Remedy.WAITING,
                    code="VDT6110",
                ),
            )
        return self._record_success(claimed, receipt)

    def _deliver_staged(self, claimed: _Claimed, run: DetectionRun) -> Receipt | None:
        """A run by hand tries out new secrets; where they are refused it is delivered with the old ones (None)."""
        destination = self._openings.get_staged(claimed.destination_id)
        if destination is None:
            return None
        try:
            receipt = destination.deliver(run)
        except DeliveryFailure as failure:
            if failure.remedy is not Remedy.CONFIGURATION:
                raise  # it says nothing about the secrets
            self._openings.tested(claimed.destination_id, str(redact_data(str(failure))))
            _log.warning("the new secret of '%s' does not work: %s", claimed.destination_name, failure)
            return None
        finally:
            destination.close()
        self._openings.tested(claimed.destination_id, None)
        _log.info("the new secret of '%s' works and is in use", claimed.destination_name)
        return receipt

    def _record_success(self, claimed: _Claimed, receipt: Receipt) -> Pass:
        now = self._clock.now()
        with self._state.session() as session:
            row = session.get(DeliveryRow, claimed.delivery_id)
            destination = session.get(DestinationRow, claimed.destination_id)
            attempt = session.get(DeliveryAttemptRow, (claimed.delivery_id, claimed.number))
            if row is None or destination is None or attempt is None:  # the workspace is gone
                return Pass(delivered=1)
            attempt.ended_at = now
            attempt.outcome = "repeated" if receipt.repeated else "delivered"
            # It is there, whoever else has claimed the delivery meanwhile.
            already = row.state == DeliveryState.DELIVERED.value
            row.state, row.finished_at, row.last_error = DeliveryState.DELIVERED.value, now, None
            row.claim = row.claimed_until = None
            row.remote_id, row.remote_url = receipt.remote_id, receipt.remote_url
            destination.last_success_at = destination.last_attempt_at = now
            destination.failures, destination.held_until, destination.last_error = 0, None, None
            if not already:
                self._tell(row, claimed, f"Delivered to {claimed.destination_name}", receipt.remote_url)
        _log.info(
            "delivered '%s' to '%s'",
            claimed.title,
            claimed.destination_name,
            extra={"delivery": claimed.delivery_id, "attempt": claimed.number, "repeated": receipt.repeated},
        )
        return Pass(delivered=1)

    def _record_failure(self, claimed: _Claimed, failure: DeliveryFailure) -> Pass:
        now = self._clock.now()
        error: Any = redact_data(failure.to_dict())
        if failure.remedy is Remedy.CONFIGURATION:
            self._openings.forget(claimed.destination_id)
        final = failure.remedy is Remedy.NOTHING
        wait = 0.0
        if not final and claimed.attempts >= self._policy.attempts:
            final = True
            error = {**error, "message": f"Given up after {claimed.attempts} attempts. {error['message']}"}
        if failure.remedy is not Remedy.NOTHING:
            wait = self._policy.wait(failure.remedy, claimed.attempts, self._rng, failure.retry_after)
        with self._state.session() as session:
            row = session.get(DeliveryRow, claimed.delivery_id)
            destination = session.get(DestinationRow, claimed.destination_id)
            attempt = session.get(DeliveryAttemptRow, (claimed.delivery_id, claimed.number))
            if row is None or destination is None or attempt is None:
                return Pass(failed=1)
            attempt.ended_at, attempt.outcome, attempt.error = now, "failed", error
            destination.last_attempt_at, destination.last_error = now, error
            if failure.remedy is not Remedy.NOTHING:
                destination.failures += 1
                held = self._hold(failure, destination.failures, wait)
                destination.held_until = now + timedelta(seconds=held) if held else destination.held_until
            if row.claim == claimed.claim:  # else another worker has it, and says what became of it
                row.claim = row.claimed_until = None
                row.last_error = error
                if final:
                    row.state, row.finished_at = DeliveryState.FAILED.value, now
                    self._tell(row, claimed, f"Not delivered to {claimed.destination_name}", error["message"])
                else:
                    row.next_attempt_at = now + timedelta(seconds=wait)
        fields = {"delivery": claimed.delivery_id, "attempt": claimed.number, "code": failure.code}
        if final:
            _log.error(
                "gave up '%s' for '%s': %s", claimed.title, claimed.destination_name, error["message"], extra=fields
            )
            return Pass(failed=1)
        _log.warning(
            "delivery of '%s' to '%s' failed, next attempt in %.0f s: %s",
            claimed.title,
            claimed.destination_name,
            wait,
            error["message"],
            extra=fields,
        )
        return Pass(postponed=1)

    def _tell(self, row: DeliveryRow, claimed: _Claimed, title: str, detail: str | None) -> None:
        if self._on_finished is None:
            return
        delivered = row.state == DeliveryState.DELIVERED.value
        finished = Finished(
            row.workspace_id, row.id, claimed.destination_name, row.incident_number, delivered, title, detail
        )
        try:
            with self._state.session():  # what the listener began is undone if it fails; the outcome is not
                self._on_finished(finished)
        except VedetteError as error:
            _log.warning("the delivery %s is not on the incident's timeline: %s", row.id, error)

    def _hold(self, failure: DeliveryFailure, failures: int, wait: float) -> float:
        """Seconds for which the destination gets nothing at all.

        One delivery tries out whether a configuration was repaired; the others must not use up their attempts on it. The
        same goes for a destination that is down, and for one that asks to wait.
        """
        if failure.remedy is Remedy.CONFIGURATION:
            return wait
        if failures >= _FAILURES_BEFORE_HOLD:
            down = self._policy.wait(Remedy.WAITING, failures - _FAILURES_BEFORE_HOLD + 1, self._rng)
            return max(down, failure.retry_after or 0.0)
        return failure.retry_after or 0.0


def _due(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        *_waiting(),
        DeliveryRow.next_attempt_at <= now,
        or_(DeliveryRow.claimed_until.is_(None), DeliveryRow.claimed_until <= now),
        or_(DestinationRow.held_until.is_(None), DestinationRow.held_until <= now),
    )


def _waiting() -> tuple[ColumnElement[bool], ...]:
    return (
        DeliveryRow.state == DeliveryState.PENDING.value,
        DestinationRow.enabled.is_(True),
        DestinationRow.deleted_at.is_(None),
    )
