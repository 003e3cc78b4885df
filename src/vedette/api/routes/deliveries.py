"""Destinations and what was delivered to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from vedette.api.configured import ConfiguredWrite, SecretState, TestReport, kinds_body, test_report
from vedette.api.security import Caller, Services, requires
from vedette.api.services import WorkspaceServices
from vedette.api.wire import ErrorBody, Page, Utc, Wire
from vedette.core.errors import InvalidInput, nearest
from vedette.core.roles import Permission
from vedette.deliver.outbox import Delivery, DeliveryLog, DeliveryState
from vedette.deliver.service import DestinationView

router = APIRouter(tags=["destinations"], prefix="/workspaces/{ws}")
MayWrite = Depends(requires(Permission.DESTINATIONS_WRITE))
"""Asked first: what is wrong with a request is told to those alone who may make it."""


class HealthBody(Wire):
    """How a destination does, by its newest delivery."""

    state: str
    message: str | None
    last_success_time_utc: Utc | None
    last_attempt_time_utc: Utc | None
    pending: int
    failed: int


class DestinationBody(Wire):
    """A destination as it may be shown."""

    id: str
    kind: str
    name: str
    enabled: bool
    settings: dict[str, Any]
    secrets: dict[str, SecretState]
    health: HealthBody


class DeliveryBody(Wire):
    """One delivery."""

    id: str
    destination_id: str
    destination_name: str
    incident_number: int | None
    title: str
    state: str
    attempts: int
    created_time_utc: Utc
    last_attempt_time_utc: Utc | None
    next_attempt_time_utc: Utc | None
    remote_id: str | None
    error: ErrorBody | None


def _error(stored: Mapping[str, Any] | None) -> ErrorBody | None:
    if stored is None:
        return None
    hint = stored.get("hint")
    return ErrorBody(
        code=str(stored.get("code", "VDT0000")),
        message=str(stored.get("message", "")),
        hint=str(hint) if hint else None,
    )


def destination_body(view: DestinationView) -> DestinationBody:
    """A destination as the API shows it."""
    error = _error(view.last_error)
    return DestinationBody(
        id=view.id, kind=view.kind, name=view.name, enabled=view.enabled, settings=dict(view.settings),
        secrets={name: SecretState.of(status) for name, status in view.secrets.items()},
        health=HealthBody(
            state=view.health.value, message=error.message if error else None, last_success_time_utc=view.last_success_at,
            last_attempt_time_utc=view.last_attempt_at, pending=view.pending, failed=view.failed,
        ),
    )  # fmt: skip


def delivery_body(one: Delivery) -> DeliveryBody:
    """A delivery as the API shows it."""
    state = one.state.value
    if one.state is DeliveryState.PENDING:
        state = "sending" if one.under_way else "retrying" if one.attempts else "pending"
    elif one.state is DeliveryState.CANCELLED:
        state = "failed"
    return DeliveryBody(
        id=one.id, destination_id=one.destination_id, destination_name=one.destination_name,
        incident_number=one.incident_number, title=one.title, state=state, attempts=one.attempts,
        created_time_utc=one.created_at, last_attempt_time_utc=one.last_attempt_at,
        next_attempt_time_utc=one.next_attempt_at, remote_id=one.remote_id, error=_error(one.error),
    )  # fmt: skip


@router.get("/destination-kinds", dependencies=[Depends(requires(Permission.DESTINATIONS_READ))])
def kinds(services: Services) -> dict[str, Any]:
    """What incidents can be delivered to, with the fields of each form."""
    return kinds_body(services.destinations.kinds())


@router.get("/destinations", dependencies=[Depends(requires(Permission.DESTINATIONS_READ))])
def list_(services: Services, caller: Caller) -> Page[DestinationBody]:
    """The destinations, by name."""
    found = [destination_body(view) for view in services.destinations.list(caller, services.workspace.id)]
    return Page(value=found, count=len(found))


@router.post("/destinations", status_code=201, dependencies=[MayWrite])
def create(services: Services, caller: Caller, body: ConfiguredWrite) -> DestinationBody:
    """Saves a new destination."""
    kind, name = body.named("destination")
    view = services.destinations.create(
        caller, services.workspace.id, kind, name, body.values(), enabled=body.enabled is not False
    )
    return destination_body(view)


@router.patch("/destinations/{destination}", dependencies=[MayWrite])
def change(services: Services, caller: Caller, destination: str, body: ConfiguredWrite) -> DestinationBody:
    """Changes what is given and keeps the rest."""
    values = body.values()
    view = services.destinations.update(
        caller, services.workspace.id, destination, name=body.name, values=values or None, enabled=body.enabled
    )
    services.wake()
    return destination_body(view)


@router.delete("/destinations/{destination}", status_code=204, dependencies=[MayWrite])
def delete(services: Services, caller: Caller, destination: str) -> None:
    """Deletes a destination and its secrets."""
    services.destinations.delete(caller, services.workspace.id, destination)


@router.post("/destinations/{destination}/test", dependencies=[MayWrite])
def test(services: Services, caller: Caller, destination: str) -> TestReport:
    """Finds out whether deliveries can succeed."""
    return test_report(services.destinations.test(caller, services.workspace.id, destination))


@router.post("/destinations/{destination}/retry", dependencies=[MayWrite])
def retry_failed(services: Services, caller: Caller, destination: str) -> dict[str, int]:
    """Puts every delivery to a destination that failed back into the queue; how many there were."""
    count = services.destinations.retry_failed(caller, services.workspace.id, destination)
    services.wake()
    return {"retried": count}


@router.get("/deliveries", dependencies=[Depends(requires(Permission.DESTINATIONS_READ))])
def deliveries(
    services: Services,
    destination: str | None = None,
    state: str | None = None,
    incident: int | None = None,
    top: Annotated[int, Query(ge=0, le=1000)] = 100,
    skip: Annotated[int, Query(ge=0)] = 0,
) -> dict[str, Any]:
    """Deliveries, newest first."""
    wanted = None
    if state:
        known = {"sending": "pending", "retrying": "pending"}
        try:
            wanted = DeliveryState(known.get(state, state))
        except ValueError:
            near = nearest(state, [one.value for one in DeliveryState])
            raise InvalidInput(
                f"'{state}' is not a state of a delivery.",
                hint=f"Did you mean {near}?" if near else None,
                target="state",
            ) from None
    page = _log(services).page(
        services.workspace.id, destination_id=destination, state=wanted, incident_number=incident, top=top, skip=skip
    )
    value = [delivery_body(one).model_dump(by_alias=True) for one in page.value]
    states = {"pending": 0, "sending": 0, "retrying": 0, "delivered": 0, "failed": 0}
    for name, count in page.states.items():
        key = "failed" if name is DeliveryState.CANCELLED else name.value
        states[key] += count
    return {"value": value, "count": page.count, "facets": {"state": states}}


@router.post("/deliveries/{delivery}/retry", dependencies=[MayWrite])
def retry(services: Services, caller: Caller, delivery: str) -> DeliveryBody:
    """Puts a delivery that failed back into the queue."""
    done = services.destinations.retry(caller, services.workspace.id, delivery)
    services.wake()
    return delivery_body(done)


def _log(services: WorkspaceServices) -> DeliveryLog:
    return services.destinations.log
