"""The rows of another workspace's tables, each once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.collect.connecting import VALUES, Tenant, tenant_over
from tests.deliver.conftest import ADMIN
from tests.range.test_client_logs import WORKSPACE_ID
from vedette.cli.log_engine import StoreLogEngine
from vedette.collect.connectors.log_analytics import connector
from vedette.collect.connectors.service import ConnectorView
from vedette.core.clock import VirtualClock
from vedette.core.database import State
from vedette.core.forms import InvalidFields
from vedette.range.faults import Fault
from vedette.range.server import RangeServer


@pytest.fixture(scope="module")
def server() -> Iterator[RangeServer]:
    with RangeServer(log_engine=StoreLogEngine()) as running:
        yield running


@pytest.fixture
def other(server: RangeServer, tmp_path: Path) -> Iterator[Tenant]:
    """Connectors whose clock is that of the log engine's rows: the machine's, some minutes on."""
    state = State.in_file(tmp_path / "state.db")
    tenant = tenant_over(server, state, tmp_path, VirtualClock(datetime.now(UTC) + timedelta(minutes=5)))
    yield tenant
    tenant.runner.close()
    state.dispose()


def add(tenant: Tenant, tables: str) -> ConnectorView:
    values = {**VALUES, "workspace_id": WORKSPACE_ID, "tables": tables}
    return tenant.connectors.create(ADMIN, tenant.workspace, "log-analytics", "Other", values)


def put(tenant: Tenant, table: str, first: int, last: int) -> None:
    engine = tenant.server.tenant.log_engine
    assert engine is not None
    rows = [
        {"TimeGenerated": "2026-03-01T10:00:00Z", "Computer": f"host{number}", "Facts": {"number": number}}
        for number in range(first, last)
    ]
    engine.append(WORKSPACE_ID, table, rows)


def test_every_row_once_in_windows_that_are_halved(other: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connector, "ROWS", 40)
    for part in range(5):
        put(other, "Pulled_CL", 30 * part, 30 * part + 30)
    put(other, "Twice_CL", 0, 1)
    put(other, "Twice_CL", 0, 1)
    one = add(other, "Pulled_CL, Twice_CL")
    endings = 0
    for number in range(6):
        other.sink.fails_after = other.sink.accepted + 20 + 10 * number
        try:
            other.runner.poll_due()
        except KeyboardInterrupt:
            endings += 1
            other.runner._busy.clear()
    other.sink.fails_after = None
    other.runner.poll_due()
    at = other.endpoint(one, "tables")
    assert at.trouble is None, at.message
    assert endings
    rows = other.sink.tables["Pulled_CL"]
    assert sorted(row["Facts"]["number"] for row in rows) == list(range(150))
    assert len(other.sink.tables["Twice_CL"]) == 2
    assert not [name for row in rows for name in row if name.startswith("_vedette")]
    other.sink.seen = set()
    other.advance(minutes=6)
    assert len(other.sink.tables["Pulled_CL"]) == 150


def test_failures_name_the_table(other: Tenant) -> None:
    one = add(other, "Missing_CL")
    other.runner.poll_due()
    assert "Missing_CL" in other.endpoint(one, "tables").message
    other.server.tenant.faults.add(Fault(403, service="logs", times=None))
    other.advance(minutes=6)
    assert other.endpoint(one, "tables").trouble == "forbidden"
    assert "Log Analytics Reader" in str(other.connectors.test(ADMIN, other.workspace, one.id))
    with pytest.raises(InvalidFields):
        add(other, "T | union Secret")


def test_429_cools_down(other: Tenant) -> None:
    put(other, "Slow_CL", 0, 3)
    other.server.tenant.faults.add(Fault(429, service="logs", retry_after=30))
    one = add(other, "Slow_CL")
    other.runner.poll_due()
    assert other.endpoint(one, "tables").due_at - other.clock.now() == timedelta(minutes=10)
    other.advance(minutes=10)
    assert len(other.sink.tables["Slow_CL"]) == 3
