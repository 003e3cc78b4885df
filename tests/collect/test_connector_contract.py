"""What every connector keeps, whatever it polls: pages, waiting, permissions, outages, clocks, restarts. The cases are data."""

from __future__ import annotations

import json
import logging
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.collect.connecting import Tenant, tenant_over
from tests.collect.connector_cases import CASES, EXTRA, NAMED, Case, extra, name
from tests.deliver.conftest import ADMIN
from vedette.cli.log_engine import StoreLogEngine
from vedette.clients import azure_http, blob_storage, servicenow
from vedette.collect.connectors.contract import Trouble
from vedette.collect.connectors.entra_id import connector as entra
from vedette.collect.connectors.log_analytics import connector as log_analytics
from vedette.collect.connectors.registry import default_connectors
from vedette.collect.connectors.runner import ConnectorRunner
from vedette.collect.connectors.service import ConnectorView
from vedette.collect.connectors.storage_account import connector as storage_account
from vedette.core.clock import SystemClock, VirtualClock
from vedette.core.database import State
from vedette.range import office365
from vedette.range.faults import Fault
from vedette.range.server import RangeServer

EVERY = pytest.mark.parametrize("case", CASES, ids=str)
EACH_KIND = pytest.mark.parametrize("case", {case.kind: case for case in CASES}.values(), ids=str)


@pytest.fixture(scope="module")
def server() -> Iterator[RangeServer]:
    with RangeServer(log_engine=StoreLogEngine()) as running:
        yield running


@pytest.fixture
def tenant(server: RangeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tenant]:
    """Connectors whose clock is that of the log engine's rows (the machine's), and small pages of what has large ones."""
    for endpoint, source in entra.SOURCES.items():
        monkeypatch.setitem(entra.SOURCES, endpoint, replace(source, query={"$top": "50"}))
    monkeypatch.setattr(log_analytics, "ROWS", 15)
    monkeypatch.setattr(storage_account, "LISTED", 30)
    monkeypatch.setattr(office365, "PAGE", 10)
    state = State.in_file(tmp_path / "state.db")
    made = tenant_over(server, state, tmp_path, VirtualClock(datetime.now(UTC) + timedelta(minutes=5), blocking=False))
    yield made
    made.runner.close()
    state.dispose()


def found(tenant: Tenant, case: Case) -> Counter[str]:
    """How often each planted object came out."""
    rows = (NAMED.search(json.dumps(row)) for row in tenant.sink.tables.get(case.table, []))
    return Counter(one[0] for one in rows if one is not None)


def once(first: int, last: int) -> dict[str, int]:
    return {name(number): 1 for number in range(first, last)}


def fault(tenant: Tenant, case: Case, *, middle: bool = False, **more: Any) -> Fault:
    where = {"path": case.path, "query": case.query, "service": case.service, **(case.more if middle else {}), **more}
    return tenant.server.tenant.faults.add(Fault(**where))


def go_on(tenant: Tenant, case: Case, one: ConnectorView) -> None:
    """Poll whenever it is due until the endpoint delivers."""
    for _ in range(8):
        at = tenant.endpoint(one, case.endpoint)
        if at.trouble is None and at.last_poll_at is not None:
            return
        tenant.clock.advance_to(max(at.due_at, tenant.clock.now()))
        tenant.runner.poll_due()
    raise AssertionError(tenant.endpoint(one, case.endpoint))


def restart(tenant: Tenant) -> None:
    """As another process: nothing is open, nothing is being polled."""
    secrets = tenant.runner._secrets
    tenant.runner.close()
    tenant.runner = ConnectorRunner(
        tenant.state, secrets, tenant.registry, tenant.clock, lambda _: tenant.sink, random.Random(2)
    )


@pytest.mark.req("C-002", "C-003", "C-008")
def test_every_connector_has_a_case() -> None:
    manifests = [kind.manifest for kind in default_connectors(SystemClock())]
    # what `taxii` collects is no rows but objects, and no service of the fake tenant: tests/intel/test_taxii.py
    assert {one.id for one in manifests} == {*(case.kind for case in CASES), "taxii"}
    names = [one.name for one in manifests]
    assert len(set(names)) == len(names)
    assert all(one.count(".") == 1 and one == one.lower() for one in names)
    azure = next(one for one in manifests if one.id == "azure-security")
    assert azure.category == "Cloud Security"
    assert azure.vendor_docs == "https://learn.microsoft.com/graph/api/resources/security-api-overview"
    assert all(one.vendor_docs.startswith("https://") for one in manifests)
    for one in manifests:
        if one.id == "taxii":
            continue
        known = {at.id for at in one.endpoints}
        tested = {case.endpoint for case in CASES if case.kind == one.id}
        assert (
            tested == known if one.id != "office-365" else tested <= known
        )  # its endpoints are one code with a parameter


@EVERY
@pytest.mark.req("C-005", "C-006", "C-033", "C-036", "C-045")
def test_every_page_once_within_an_interval_and_nothing_of_it_is_lost(
    tenant: Tenant, case: Case, caplog: pytest.LogCaptureFixture
) -> None:
    case.plant(tenant, 0, case.count)
    with caplog.at_level(logging.INFO):
        one = case.add(tenant)
        interval = tenant.registry.get(case.kind).manifest.endpoint(case.endpoint).interval
        assert tenant.endpoint(one, case.endpoint).due_at - tenant.clock.now() <= interval
        tenant.runner.poll_due()
    assert tenant.endpoint(one, case.endpoint).trouble is None, tenant.endpoint(one, case.endpoint).message
    assert found(tenant, case) == once(0, case.count)
    kept = {match for rows in tenant.sink.tables.values() for row in rows for match in EXTRA.findall(json.dumps(row))}
    assert kept == {extra(number) for number in range(case.count)}
    (poll,) = (
        poll for poll in tenant.connectors.history(ADMIN, tenant.workspace, one.id) if poll.endpoint == case.endpoint
    )
    assert poll.pages > 1
    assert poll.fetched >= case.count
    lines = [f"[{record.levelname}] {record.name}: {record.getMessage()}" for record in caplog.records]
    assert f"[INFO] {case.kind}: fetched {poll.fetched} events" in lines
    # once more, when the intake has forgotten what it knew: only what is new comes
    tenant.sink.seen = set()
    due = tenant.endpoint(one, case.endpoint).due_at
    assert due - tenant.clock.now() <= interval
    tenant.clock.advance_to(due)
    later = 0 if case.kind == "log-analytics" else 3  # whose rows have the machine's clock: see test_log_analytics.py
    case.plant(tenant, case.count, case.count + later)
    tenant.runner.poll_due()
    assert found(tenant, case) == once(0, case.count + later)


@EVERY
@pytest.mark.req("C-046", "C-047", "C-048")
def test_429_cools_down_and_goes_on(tenant: Tenant, case: Case) -> None:
    case.plant(tenant, 0, case.count)
    fault(tenant, case, middle=True, status=429, retry_after=1500)
    one = case.add(tenant)
    tenant.runner.poll_due()
    at = tenant.endpoint(one, case.endpoint)
    assert at.trouble == Trouble.THROTTLED
    assert at.due_at - tenant.clock.now() == timedelta(seconds=1500)  # longer than ten minutes: obeyed
    tenant.server.tenant.faults.clear()
    fault(tenant, case, status=429)
    tenant.clock.advance_to(at.due_at)
    tenant.runner.poll_due()
    at = tenant.endpoint(one, case.endpoint)
    assert at.due_at - tenant.clock.now() == timedelta(minutes=20)  # the second in a row
    others = [other for other in tenant.view(one).endpoints if other.endpoint != case.endpoint]
    assert not [other for other in others if other.trouble == Trouble.THROTTLED]
    go_on(tenant, case, one)
    assert found(tenant, case) == once(0, case.count)


@EVERY
@pytest.mark.req("C-049")
def test_a_refusal_names_what_is_missing(tenant: Tenant, case: Case) -> None:
    case.plant(tenant, 0, 2)
    one = case.add(tenant)
    endpoint = tenant.registry.get(case.kind).manifest.endpoint(case.endpoint)
    fault(tenant, case, status=403, times=None)
    tenant.runner.poll_due()
    at = tenant.endpoint(one, case.endpoint)
    assert at.trouble == Trouble.FORBIDDEN
    assert endpoint.permission in at.message
    assert {other.trouble for other in tenant.view(one).endpoints if other.endpoint != case.endpoint} <= {None}
    wrong = [step for step in tenant.connectors.test(ADMIN, tenant.workspace, one.id).steps if step.ok is not True]
    assert any(endpoint.permission in step.message for step in wrong), wrong
    tenant.server.tenant.faults.clear()
    go_on(tenant, case, one)
    assert found(tenant, case) == once(0, 2)


@EACH_KIND
def test_credentials_that_are_not_accepted_are_named(tenant: Tenant, case: Case) -> None:
    one = case.add(tenant)
    fault(tenant, case, status=401, times=None)
    tenant.runner.poll_due()
    assert tenant.endpoint(one, case.endpoint).trouble == Trouble.UNAUTHORIZED
    assert not tenant.connectors.test(ADMIN, tenant.workspace, one.id).ok
    tenant.server.tenant.faults.clear()
    tenant.connectors.update(ADMIN, tenant.workspace, one.id, values={"client_secret": "another-secret-value"})
    tenant.runner.poll_due()
    at = tenant.endpoint(one, case.endpoint)
    assert at.trouble == Trouble.UNAUTHORIZED
    assert "another-secret-value" not in str(at)
    assert "Sign in" in str(tenant.connectors.test(ADMIN, tenant.workspace, one.id).failing)


OUTAGES: dict[str, dict[str, Any]] = {
    "500": {"status": 500},
    "503": {"status": 503},
    "cut": {"broken": True},
    "truncated": {"garbage": "truncated"},
    "html": {"garbage": "html"},
    "empty": {"garbage": "empty"},
}


@EVERY
def test_an_outage_in_the_middle_is_waited_for(tenant: Tenant, case: Case) -> None:
    case.plant(tenant, 0, case.count)
    one = case.add(tenant)
    for how, what in OUTAGES.items():
        # the first time in the middle of the pass, then wherever it goes on
        fault(tenant, case, middle=how == "500", **what)
        at = tenant.endpoint(one, case.endpoint)
        tenant.clock.advance_to(max(at.due_at, tenant.clock.now()))
        tenant.runner.poll_due()
        at = tenant.endpoint(one, case.endpoint)
        assert at.trouble == Trouble.UNAVAILABLE, (how, at)
        assert timedelta(0) < at.due_at - tenant.clock.now() <= timedelta(minutes=60)
        tenant.server.tenant.faults.clear()
    go_on(tenant, case, one)
    assert found(tenant, case) == once(0, case.count)


@EACH_KIND
def test_an_answer_that_does_not_come_is_not_waited_for(
    tenant: Tenant, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    for client in (azure_http.AzureHttp, blob_storage.BlobStorage, servicenow.ServiceNowClient):
        make = client.__init__

        def impatient(self: Any, *arguments: Any, make: Any = make, **named: Any) -> None:
            make(self, *arguments, **named)
            self._timeout = 1.0

        monkeypatch.setattr(client, "__init__", impatient)
    case.plant(tenant, 0, 5)
    fault(tenant, case, delay=30)
    one = case.add(tenant)
    tenant.runner.poll_due()
    assert tenant.endpoint(one, case.endpoint).trouble == Trouble.UNAVAILABLE
    go_on(tenant, case, one)
    assert found(tenant, case) == once(0, 5)


@EACH_KIND
@pytest.mark.parametrize("seconds", [-200, 200])
def test_the_other_clock_may_be_wrong(tenant: Tenant, case: Case, seconds: int) -> None:
    tenant.server.tenant.clock.skews["*"] = seconds
    case.plant(tenant, 0, 5)
    one = case.add(tenant)
    tenant.runner.poll_due()
    for part in range(1, 4):
        # the rows of the log engine have the machine's clock, from which the tenant's goes away
        last = 5 if case.kind == "log-analytics" else 5 * part + 5
        case.plant(tenant, 5 * part, last)
        tenant.clock.advance_to(tenant.endpoint(one, case.endpoint).due_at)
        tenant.runner.poll_due()
    tenant.clock.advance(timedelta(minutes=20))
    tenant.sink.seen = set()
    tenant.runner.poll_due()
    assert tenant.endpoint(one, case.endpoint).trouble is None, tenant.endpoint(one, case.endpoint).message
    assert found(tenant, case) == once(0, last)


@EVERY
def test_an_end_in_the_middle_loses_and_doubles_nothing(tenant: Tenant, case: Case) -> None:
    case.plant(tenant, 0, case.count)
    one = case.add(tenant)
    endings = 0
    for number in range(4):
        tenant.sink.fails_after = tenant.sink.accepted + 12 + 9 * number
        try:
            tenant.runner.poll_due()
        except KeyboardInterrupt:
            endings += 1
            restart(tenant)
    tenant.sink.fails_after = None
    tenant.runner.poll_due()
    go_on(tenant, case, one)
    assert endings
    assert found(tenant, case) == once(0, case.count)


@pytest.mark.parametrize("case", [case for case in CASES if case.links], ids=str)
def test_a_link_that_has_expired_begins_the_pass_again(tenant: Tenant, case: Case) -> None:
    case.plant(tenant, 0, case.count)
    fault(tenant, case, middle=True, status=410)
    one = case.add(tenant)
    tenant.runner.poll_due()
    go_on(tenant, case, one)
    tenant.clock.advance_to(tenant.endpoint(one, case.endpoint).due_at)
    tenant.runner.poll_due()  # which goes on where the service lists everything each time
    assert found(tenant, case) == once(0, case.count)
