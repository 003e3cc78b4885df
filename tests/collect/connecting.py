"""What the tests of connectors share: instances over one state and one fake tenant, and an intake in memory."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tests.deliver.conftest import ADMIN
from tests.plugins.fake_tenant import START, TENANT
from tests.range.conftest import COLLECTOR
from vedette.clients.azure_cloud import local_cloud
from vedette.collect.connectors.registry import ConnectorRegistry, default_connectors
from vedette.collect.connectors.runner import ConnectorRunner
from vedette.collect.connectors.service import Connectors, ConnectorView
from vedette.core.clock import VirtualClock
from vedette.core.database import State
from vedette.core.errors import TooManyRequests
from vedette.core.outbound import Outbound
from vedette.core.secrets import Secrets
from vedette.core.workspaces import Workspaces
from vedette.range.server import RangeServer

VALUES = {"tenant_id": TENANT, "client_id": COLLECTOR[0], "client_secret": COLLECTOR[1]}
V2 = "security/alerts_v2"


class Sink:
    """An intake in memory that knows records by their ids, as the real one does; `fails` ends the process at a row."""

    def __init__(self) -> None:
        self.tables: dict[str, list[dict[str, Any]]] = {}
        self.seen: set[tuple[str, str]] = set()
        self.accepted = 0
        self.full = 0
        self.fails_after: int | None = None

    def accept(self, table: str, rows: Any, *, source: str, record_ids: Any = None) -> None:
        if self.full:
            self.full -= 1
            raise TooManyRequests("Too much is waiting.", retry_after=0.5)
        for row, identity in zip(rows, record_ids, strict=True):
            if (table, identity) not in self.seen:
                self.seen.add((table, identity))
                self.tables.setdefault(table, []).append(dict(row))
        self.accepted += len(rows)
        if self.fails_after is not None and self.accepted >= self.fails_after:
            self.fails_after = None
            raise KeyboardInterrupt  # as if the process ended: the rows are kept, the cursor has not moved


@dataclass
class Tenant:
    """Instances of the connector over one state and one fake tenant."""

    server: RangeServer
    state: State
    clock: VirtualClock
    registry: ConnectorRegistry
    connectors: Connectors
    runner: ConnectorRunner
    workspace: str
    sink: Sink = field(default_factory=Sink)

    def add(self, name: str = "Azure Production Tenant", **more: Any) -> ConnectorView:
        return self.connectors.create(ADMIN, self.workspace, "azure-security", name, VALUES, **more)

    def view(self, one: ConnectorView) -> ConnectorView:
        return self.connectors.get(ADMIN, self.workspace, one.id)

    def endpoint(self, one: ConnectorView, name: str) -> Any:
        return next(at for at in self.view(one).endpoints if at.endpoint == name)

    def advance(self, **time: float) -> int:
        self.clock.advance(timedelta(**time).total_seconds())
        return self.runner.poll_due()

    def plant(self, count: int, at: datetime = START, stem: str = "m", **more: Any) -> None:
        alerts = self.server.tenant.documents.of("graph", TENANT, V2)
        for number in range(count):
            moment = (at - timedelta(seconds=number)).strftime("%Y-%m-%dT%H:%M:%S.1234567Z")
            alerts.put(
                f"{stem}{number:05d}",
                {
                    "id": f"{stem}{number:05d}", "title": f"Alert {number}", "createdDateTime": moment,
                    "lastUpdateDateTime": moment, "severity": "low", "status": "new", "evidence": [],
                    "serviceSource": "microsoftDefenderForEndpoint", **more,
                },
            )  # fmt: skip

    def ids(self, table: str = "SecurityAlert") -> Counter[str]:
        return Counter(
            row.get("SystemAlertId") or row.get("VendorOriginalId") for row in self.sink.tables.get(table, [])
        )


def tenant_over(server: RangeServer, state: State, folder: Path, clock: VirtualClock | None = None) -> Tenant:
    """A tenant as it is when a test begins."""
    clock = clock or VirtualClock(START)
    server.reset(clock=clock, rng=random.Random(7))
    state.upgrade()
    secrets = Secrets(state, folder / "keys" / "secrets.key", clock)
    registry = default_connectors(clock, {"Local": local_cloud(server.url, server.ca_path)}, Outbound(inside=True))
    sink = Sink()
    runner = ConnectorRunner(state, secrets, registry, clock, lambda _: sink, random.Random(1))
    connectors = Connectors(state, secrets, registry, clock, runner.wake)
    return Tenant(server, state, clock, registry, connectors, runner, Workspaces(state, clock).default().id, sink)
