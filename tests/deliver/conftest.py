"""What the deliver room's tests share: a state with a workspace, destinations for the fake tenant, runs to deliver."""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.plugins.fake_tenant import CLIENT, GROUP, SECRET, START, SUBSCRIPTION, TENANT, WORKSPACE
from vedette.clients.azure_cloud import local_cloud
from vedette.core.clock import VirtualClock
from vedette.core.database import State
from vedette.core.roles import EVERYWHERE, SYSTEM, Principal, Role
from vedette.core.secrets import Secrets
from vedette.core.workspaces import Workspaces
from vedette.deliver.detection import DetectionRun, DetectionSeverity
from vedette.deliver.opening import Openings
from vedette.deliver.outbox import enqueue
from vedette.deliver.registry import Registry, default_registry
from vedette.deliver.service import Destinations, DestinationView
from vedette.deliver.worker import Deliverer
from vedette.detect.alerts.alert import Exhaustiveness, Outcome, RunType
from vedette.detect.rule import Eagerness, Operator, Threshold
from vedette.range.server import RangeServer
from vedette.range.state import Incident

ADMIN = Principal("a" * 36, "user", "ada", "Ada", {EVERYWHERE: frozenset({Role.ADMINISTRATOR})})
READER = Principal("b" * 36, "user", "rea", "Rea", {EVERYWHERE: frozenset({Role.READER})})

VALUES: dict[str, object] = {
    "tenant_id": TENANT,
    "client_id": CLIENT,
    "client_secret": SECRET,
    "subscription_id": SUBSCRIPTION,
    "resource_group_name": GROUP,
    "workspace_name": WORKSPACE,
}

RUN = DetectionRun(
    detection_id="2391ce61-8c8d-41ac-9723-d945b2e90720",
    run_id="9b1c5a80-6a4c-5a4b-8d0e-0f3b7f3a9a01",
    name="Rare sign-in from a new country",
    severity=DetectionSeverity.HIGH,
    outcome=Outcome.MATCHED,
    match_count=12,
    run_type=RunType.SCHEDULED,
    threshold=Threshold(Operator.GT, 3, Eagerness.EXHAUSTIVE),
    exhaustiveness=Exhaustiveness.COMPLETE,
    range_start=datetime(2026, 3, 4, 9, 0, tzinfo=UTC),
    ran_at=datetime(2026, 3, 4, 10, 0, 0, 250_000, tzinfo=UTC),
    replay_link="https://vedette.example/w/default/runs/9b1c5a80-6a4c-5a4b-8d0e-0f3b7f3a9a01",
    description="Finds accounts that sign in from a country for the first time.",
    search_id="5a0f3c9e-2a4e-5b29-8a1e-7f3d0b6f5c11",
    trace_id="4bf92f3577b34da6a3ce929d0e0e4736",
    errors=(),
    incident_number=17,
)


def run_number(number: int, **changes: Any) -> DetectionRun:
    """The run, as another run of the same detection."""
    return replace(RUN, run_id=f"run-{number}", name=f"Detection {number}", **changes)


@dataclass
class House:
    """Everything that a delivery needs, over one state database and one fake tenant."""

    server: RangeServer
    state: State
    clock: VirtualClock
    secrets: Secrets
    registry: Registry
    openings: Openings
    destinations: Destinations
    deliverer: Deliverer
    workspace: str

    def add(self, name: str = "Production", values: dict[str, object] | None = None, **options: Any) -> DestinationView:
        return self.destinations.create(
            ADMIN, self.workspace, "sentinel", name, {**VALUES, **(values or {})}, **options
        )

    def view(self, destination: DestinationView) -> DestinationView:
        return self.destinations.get(ADMIN, self.workspace, destination.id)

    def enqueue(self, run: DetectionRun = RUN, workspace: str | None = None) -> list[str]:
        with self.state.session() as session:
            return enqueue(session, workspace or self.workspace, run, self.clock)

    def remote(self, workspace: str = WORKSPACE) -> dict[str, Incident]:
        """The incidents in a workspace of the fake tenant."""
        return self.server.tenant.workspace(workspace).incidents

    def drain(self, passes: int = 400) -> int:
        """Deliver until nothing waits, moving the clock to whatever is due next; returns the number of attempts."""
        attempts = 0
        for _ in range(passes):
            attempts += self.deliverer.deliver_due().attempts
            due = self.deliverer.next_due()
            if due is None:
                return attempts
            if due > self.clock.now():
                self.clock.advance_to(due)
        raise AssertionError("the outbox does not empty")


def build(state: State, server: RangeServer, folder: Path, clock: VirtualClock, seed: int = 1) -> House:
    secrets = Secrets(state, folder / "keys" / "secrets.key", clock)
    registry = default_registry(clock, {"Local": local_cloud(server.url, server.ca_path)})
    openings = Openings(state, secrets, registry)
    return House(
        server=server,
        state=state,
        clock=clock,
        secrets=secrets,
        registry=registry,
        openings=openings,
        destinations=Destinations(state, secrets, registry, clock),
        deliverer=Deliverer(state, openings, clock, random.Random(seed)),
        workspace=Workspaces(state, clock).default().id,
    )


@pytest.fixture
def house(range_server: RangeServer, tmp_path: Path) -> Iterator[House]:
    """A house over SQLite."""
    clock = VirtualClock(START)
    range_server.reset(clock=clock, rng=random.Random(7))
    state = State.in_file(tmp_path / "state.db")
    state.upgrade()
    with_house = build(state, range_server, tmp_path, clock)
    yield with_house
    with_house.openings.close()
    state.dispose()


@pytest.fixture
def python_environment() -> dict[str, str]:
    """The environment of a child process that shall find the same packages as this one."""
    return os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


@pytest.fixture
def either_house(range_server: RangeServer, tmp_path: Path, state_url: str) -> Iterator[House]:
    """A house over SQLite, and again one over PostgreSQL."""
    clock = VirtualClock(START)
    range_server.reset(clock=clock)
    state = State(state_url)
    state.upgrade()
    with_house = build(state, range_server, tmp_path, clock)
    yield with_house
    with_house.openings.close()
    state.dispose()


__all__ = ["ADMIN", "READER", "RUN", "SYSTEM", "VALUES", "House", "build", "run_number"]
