"""Connectors: what can be collected from, and the instances that do."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from vedette.api.configured import ConfiguredWrite, SecretState, TestReport, kinds_body, test_report
from vedette.api.security import Caller, Services, requires
from vedette.api.wire import Page, Utc, Wire
from vedette.collect.connectors.service import ConnectorView, PollView
from vedette.core.roles import Permission

router = APIRouter(tags=["connectors"], prefix="/workspaces/{ws}")
MayRead = Depends(requires(Permission.CONNECTORS_READ))
MayWrite = Depends(requires(Permission.CONNECTORS_WRITE))


class EndpointBody(Wire):
    """Where an instance stands with one endpoint."""

    endpoint: str
    interval_seconds: int
    due_time_utc: Utc
    trouble: str | None
    message: str | None
    last_poll_time_utc: Utc | None
    last_success_time_utc: Utc | None
    fetched: int


class ConnectorBody(Wire):
    """An instance as it may be shown."""

    id: str
    kind: str
    name: str
    enabled: bool
    status: str
    settings: dict[str, Any]
    secrets: dict[str, SecretState]
    endpoints: list[EndpointBody]


class ConnectorWrite(ConfiguredWrite):
    """What is given of an instance. Intervals are seconds by endpoint."""

    intervals: dict[str, int] | None = None


class DefinitionWrite(Wire):
    """A document with codeless definitions, as text."""

    definition: str


class PollBody(Wire):
    """One poll."""

    endpoint: str
    started_time_utc: Utc
    ended_time_utc: Utc
    outcome: str
    fetched: int
    pages: int
    unknown: dict[str, int]
    message: str | None


def connector_body(view: ConnectorView) -> ConnectorBody:
    """An instance as the API shows it."""
    return ConnectorBody(
        id=view.id, kind=view.kind, name=view.name, enabled=view.enabled, status=view.status.value,
        settings=dict(view.settings), secrets={name: SecretState.of(status) for name, status in view.secrets.items()},
        endpoints=[
            EndpointBody(
                endpoint=one.endpoint, interval_seconds=one.interval_seconds, due_time_utc=one.due_at, trouble=one.trouble,
                message=one.message, last_poll_time_utc=one.last_poll_at, last_success_time_utc=one.last_success_at,
                fetched=one.fetched,
            )
            for one in view.endpoints
        ],
    )  # fmt: skip


def poll_body(one: PollView) -> PollBody:
    """A poll as the API shows it."""
    return PollBody(
        endpoint=one.endpoint, started_time_utc=one.started_at, ended_time_utc=one.ended_at, outcome=one.outcome,
        fetched=one.fetched, pages=one.pages, unknown=dict(one.unknown), message=one.message,
    )  # fmt: skip


@router.get("/connector-kinds", dependencies=[MayRead])
def kinds(services: Services) -> dict[str, Any]:
    """What can be collected from, with the fields of each form."""
    return kinds_body(services.connectors.kinds())


@router.post("/connector-kinds/import", status_code=201, dependencies=[MayWrite])
def import_definition(services: Services, caller: Caller, body: DefinitionWrite) -> dict[str, Any]:
    """Makes connectors of Sentinel's codeless definitions; what is not supported is refused by name."""
    return {"imported": services.application.connector_definitions.import_(caller, body.definition)}


@router.get("/connectors", dependencies=[MayRead])
def list_(services: Services, caller: Caller) -> Page[ConnectorBody]:
    """The instances, by name."""
    found = [connector_body(view) for view in services.connectors.list(caller, services.workspace.id)]
    return Page(value=found, count=len(found))


@router.post("/connectors", status_code=201, dependencies=[MayWrite])
def create(services: Services, caller: Caller, body: ConnectorWrite) -> ConnectorBody:
    """Saves a new instance, which is polled at once."""
    kind, name = body.named("connector")
    view = services.connectors.create(
        caller, services.workspace.id, kind, name, body.values(), enabled=body.enabled is not False,
        intervals=body.intervals,
    )  # fmt: skip
    return connector_body(view)


@router.get("/connectors/{connector}", dependencies=[MayRead])
def get(services: Services, caller: Caller, connector: str) -> ConnectorBody:
    """One instance."""
    return connector_body(services.connectors.get(caller, services.workspace.id, connector))


@router.patch("/connectors/{connector}", dependencies=[MayWrite])
def change(services: Services, caller: Caller, connector: str, body: ConnectorWrite) -> ConnectorBody:
    """Changes what is given and keeps the rest."""
    view = services.connectors.update(
        caller, services.workspace.id, connector, name=body.name, values=body.values() or None, enabled=body.enabled,
        intervals=body.intervals,
    )  # fmt: skip
    return connector_body(view)


@router.delete("/connectors/{connector}", status_code=204, dependencies=[MayWrite])
def delete(services: Services, caller: Caller, connector: str) -> None:
    """Deletes an instance with its secrets; what it collected stays."""
    services.connectors.delete(caller, services.workspace.id, connector)


@router.post("/connectors/{connector}/test", dependencies=[MayWrite])
def test(services: Services, caller: Caller, connector: str) -> TestReport:
    """Finds out whether polls can succeed, and which permission is missing."""
    return test_report(services.connectors.test(caller, services.workspace.id, connector))


@router.post("/connectors-test", dependencies=[MayWrite])
def test_values(services: Services, caller: Caller, body: ConnectorWrite) -> TestReport:
    """The same with values that are not saved."""
    return test_report(services.connectors.test_values(caller, services.workspace.id, body.kind, body.values()))


@router.get("/connectors/{connector}/polls", dependencies=[MayRead])
def polls(
    services: Services, caller: Caller, connector: str, top: Annotated[int, Query(ge=1, le=1000)] = 100
) -> Page[PollBody]:
    """The newest polls."""
    found = [poll_body(one) for one in services.connectors.history(caller, services.workspace.id, connector, top)]
    return Page(value=found, count=len(found))
