"""The connector Azure Security against the fake tenant: pages, cool-downs, permissions, restarts, health."""

from __future__ import annotations

import json
import logging
import random
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.collect.connecting import VALUES, Tenant
from tests.deliver.conftest import ADMIN, READER
from tests.plugins.fake_tenant import START
from tests.plugins.secrecy import marked
from tests.range.conftest import COLLECTOR
from vedette.collect.connectors.contract import PollFailure, Trouble
from vedette.collect.connectors.registry import default_connectors
from vedette.collect.connectors.runner import ConnectorRunner
from vedette.collect.connectors.service import Status
from vedette.collect.formats import defender_alerts, graph_incidents, legacy_alerts
from vedette.collect.formats.columns import Unreadable
from vedette.collect.formats.timestamps import Moments
from vedette.core.clock import VirtualClock
from vedette.core.errors import Conflict, Forbidden
from vedette.core.forms import InvalidFields
from vedette.range.faults import Fault


@pytest.mark.req("C-001", "C-005", "C-006", "C-033", "C-035", "C-036", "C-037", "C-038", "C-039")
def test_the_first_poll_comes_at_once_and_fills_the_tables(tenant: Tenant, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        one = tenant.add()
        assert tenant.view(one).status is Status.WAITING
        assert tenant.runner.poll_due() == 3
    lines = [f"[{record.levelname}] {record.name}: {record.getMessage()}" for record in caplog.records]
    assert sum(line.startswith("[INFO] azure-security: fetched ") for line in lines) == 3
    assert set(tenant.sink.tables) >= {"SecurityAlert", "AlertInfo", "AlertEvidence", "SecurityIncident"}
    assert tenant.view(one).status is Status.HEALTHY
    assert tenant.advance(minutes=4) == 0
    assert tenant.advance(minutes=1) == 2  # alerts every 5 minutes
    assert tenant.advance(minutes=5) == 2
    assert tenant.advance(minutes=5) == 3  # incidents every 15


@pytest.mark.req("C-045")
def test_every_page_is_followed_and_changes_come_once(tenant: Tenant) -> None:
    tenant.plant(450)
    one = tenant.add()
    tenant.runner.poll_due()
    planted = {name: count for name, count in tenant.ids().items() if str(name).startswith("m")}
    assert len(planted) == 450
    assert set(planted.values()) == {1}
    before = len(tenant.sink.tables["SecurityAlert"])
    tenant.advance(minutes=5)
    assert len(tenant.sink.tables["SecurityAlert"]) == before  # nothing changed
    tenant.plant(1, at=tenant.clock.now(), status="resolved")
    tenant.advance(minutes=5)
    assert tenant.ids()["m00000"] == 2
    polls = tenant.connectors.history(ADMIN, tenant.workspace, one.id)
    assert max(poll.pages for poll in polls) >= 5
    assert {poll.outcome for poll in polls} == {"ok"}


def test_what_becomes_visible_late_is_not_lost(tenant: Tenant) -> None:
    tenant.add()
    tenant.plant(1, at=START)
    tenant.runner.poll_due()
    tenant.plant(1, at=START - timedelta(minutes=4), stem="late")
    tenant.advance(minutes=5)
    assert tenant.ids()["late00000"] == 1


@pytest.mark.req("C-046", "C-047", "C-048")
def test_a_429_cools_one_endpoint_down_and_longer_each_time(tenant: Tenant) -> None:
    one = tenant.add()
    tenant.server.tenant.faults.add(Fault(429, path="*alerts_v2", times=None, service="graph", retry_after=30))
    tenant.runner.poll_due()
    waits = []
    for _ in range(5):
        at = tenant.endpoint(one, "alerts_v2")
        assert at.trouble == Trouble.THROTTLED
        waits.append((at.due_at - tenant.clock.now()).total_seconds() / 60)
        tenant.clock.advance_to(at.due_at)
        tenant.runner.poll_due()
    assert waits == [10, 20, 40, 60, 60]
    assert tenant.endpoint(one, "alerts").trouble is None
    assert tenant.view(one).status is Status.DEGRADED
    tenant.server.tenant.faults.clear()
    tenant.clock.advance_to(tenant.endpoint(one, "alerts_v2").due_at)
    tenant.runner.poll_due()
    at = tenant.endpoint(one, "alerts_v2")
    assert at.trouble is None
    assert (at.due_at - tenant.clock.now()) <= timedelta(minutes=5)


@pytest.mark.req("C-046")
def test_a_longer_wait_that_graph_asks_for_is_obeyed(tenant: Tenant) -> None:
    one = tenant.add()
    tenant.server.tenant.faults.add(Fault(429, path="*alerts_v2", service="graph", retry_after=3600))
    tenant.runner.poll_due()
    assert tenant.endpoint(one, "alerts_v2").due_at - tenant.clock.now() == timedelta(hours=1)
    # a change of the instance does not shorten what Graph asked for
    tenant.connectors.update(ADMIN, tenant.workspace, one.id, name="Renamed")
    assert tenant.endpoint(one, "alerts_v2").due_at - tenant.clock.now() == timedelta(hours=1)


@pytest.mark.req("C-049")
def test_a_missing_permission_is_told_once_and_stops_nothing_else(
    tenant: Tenant, caplog: pytest.LogCaptureFixture
) -> None:
    tenant.server.tenant.faults.add(Fault(403, path="*security/incidents", times=None, service="graph"))
    one = tenant.add()
    with caplog.at_level(logging.INFO):
        tenant.runner.poll_due()
        for _ in range(6):
            tenant.advance(minutes=15)
    warnings = [
        record for record in caplog.records if record.levelno >= logging.WARNING and record.name == "azure-security"
    ]
    assert [record.levelname for record in warnings] == ["WARNING"]
    assert "SecurityIncident.Read.All" in warnings[0].getMessage()
    assert tenant.endpoint(one, "incidents").trouble == Trouble.FORBIDDEN
    assert tenant.endpoint(one, "alerts_v2").trouble is None
    assert tenant.sink.tables["SecurityAlert"]


def test_wrong_credentials_are_named_and_never_shown(tenant: Tenant, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        one = tenant.connectors.create(
            ADMIN, tenant.workspace, "azure-security", "Wrong", {**VALUES, "client_secret": marked("wrong")}
        )
        tenant.runner.poll_due()
    view = tenant.view(one)
    assert view.status is Status.FAILING
    assert {at.trouble for at in view.endpoints} == {"unauthorized"}
    shown = caplog.text + repr(view) + repr(tenant.connectors.history(ADMIN, tenant.workspace, one.id))
    assert marked("wrong") not in shown
    tenant.connectors.update(ADMIN, tenant.workspace, one.id, values={"client_secret": COLLECTOR[1]})
    tenant.runner.poll_due()
    assert tenant.view(one).status is Status.HEALTHY


def test_an_endpoint_that_is_gone_is_a_clear_message(tenant: Tenant) -> None:
    tenant.server.tenant.faults.add(Fault(410, path="*security/alerts", times=None, service="graph"))
    one = tenant.add()
    tenant.runner.poll_due()
    at = tenant.endpoint(one, "alerts")
    assert at.trouble in {"gone", "unavailable"}
    assert tenant.endpoint(one, "alerts_v2").trouble is None


@pytest.mark.parametrize("status", [500, 503])
def test_a_failure_of_the_service_is_tried_again_soon_and_less_and_less_often(tenant: Tenant, status: int) -> None:
    tenant.server.tenant.faults.add(Fault(status, path="*alerts_v2", times=None, service="graph"))
    one = tenant.add()
    tenant.runner.poll_due()
    waits = []
    for _ in range(5):
        due = tenant.endpoint(one, "alerts_v2").due_at
        waits.append((due - tenant.clock.now()).total_seconds())
        tenant.clock.advance_to(due)
        tenant.runner.poll_due()
    assert waits == [30, 60, 120, 240, 300]


def test_an_end_in_the_middle_loses_and_doubles_nothing(tenant: Tenant) -> None:
    tenant.plant(1000)
    tenant.add()
    endings = 0
    for number in range(1, 40):
        tenant.sink.fails_after = tenant.sink.accepted + 150 + number
        try:
            tenant.runner.poll_due()
        except KeyboardInterrupt:
            endings += 1
            # another process: nothing is open, nothing is being polled
            tenant.runner = ConnectorRunner(
                tenant.state,
                tenant.runner._secrets,
                tenant.registry,
                tenant.clock,
                lambda _: tenant.sink,
                random.Random(2),
            )
    tenant.sink.fails_after = None
    tenant.runner.poll_due()
    assert endings >= 3
    planted = {name: count for name, count in tenant.ids().items() if str(name).startswith("m")}
    assert len(planted) == 1000
    assert set(planted.values()) == {1}


def test_a_link_that_has_expired_begins_the_pass_again(tenant: Tenant) -> None:
    tenant.plant(350)
    tenant.server.tenant.faults.add(Fault(410, query="*skiptoken*", service="graph", skip=1))
    tenant.add()
    tenant.runner.poll_due()
    planted = {name: count for name, count in tenant.ids().items() if str(name).startswith("m")}
    assert len(planted) == 350
    assert set(planted.values()) == {1}


def test_a_full_intake_is_waited_for(tenant: Tenant) -> None:
    tenant.sink.full = 3
    tenant.add()
    done = threading.Thread(target=tenant.runner.poll_due)
    done.start()
    while done.is_alive():
        tenant.clock.advance(0.5)
        done.join(0.05)
    assert tenant.sink.tables["SecurityAlert"]


def test_a_disabled_instance_is_not_polled(tenant: Tenant) -> None:
    one = tenant.add(enabled=False)
    assert tenant.runner.poll_due() == 0
    assert tenant.view(one).status is Status.DISABLED
    tenant.connectors.update(ADMIN, tenant.workspace, one.id, enabled=True)
    assert tenant.runner.poll_due() == 3


@pytest.mark.req("C-007", "C-025")
def test_several_instances_have_names_of_their_own(tenant: Tenant) -> None:
    tenant.add("Azure Production Tenant")
    with pytest.raises(Conflict, match="already"):
        tenant.add("azure  production tenant")
    tenant.add("Azure Test Tenant")
    assert tenant.runner.poll_due() == 6
    assert [one.name for one in tenant.connectors.list(READER, tenant.workspace)] == [
        "Azure Production Tenant",
        "Azure Test Tenant",
    ]


@pytest.mark.req("C-029", "C-030", "C-055")
def test_intervals_can_be_chosen(tenant: Tenant) -> None:
    one = tenant.add(intervals={"alerts": 600, "alerts_v2": 600})
    tenant.runner.poll_due()
    assert tenant.advance(minutes=5) == 0
    assert tenant.advance(minutes=5) == 2
    for wrong in ({"alert": 600}, {"alerts": 5}, {"alerts": True}, {"alerts": "600"}):
        with pytest.raises(InvalidFields):
            tenant.connectors.update(ADMIN, tenant.workspace, one.id, intervals=wrong)


@pytest.mark.req("C-004", "C-026", "C-027", "C-028")
def test_the_form_says_what_is_wrong() -> None:
    manifest = default_connectors(VirtualClock(START)).get("azure-security").manifest
    assert manifest.name == "vedette.azure-security"
    assert [one.name for one in manifest.fields if one.required] == ["tenant_id", "client_id", "client_secret"]
    with pytest.raises(InvalidFields) as caught:
        manifest.check({"tenant_id": "x", "client": "y"})
    assert set(caught.value.fields) == {"tenant_id", "client", "client_id", "client_secret"}


def test_rights_are_asked_for(tenant: Tenant) -> None:
    with pytest.raises(Forbidden):
        tenant.connectors.create(READER, tenant.workspace, "azure-security", "No", VALUES)


@pytest.mark.req("C-014")
def test_the_check_names_what_is_missing(tenant: Tenant) -> None:
    one = tenant.add()
    report = tenant.connectors.test(ADMIN, tenant.workspace, one.id)
    assert report.ok
    assert report.steps[0].name.startswith("Reach localhost, port")
    tenant.server.tenant.faults.add(Fault(403, path="*alerts_v2", service="graph"))
    report = tenant.connectors.test(ADMIN, tenant.workspace, one.id)
    assert not report.ok
    failing = [step for step in report.steps if step.ok is False]
    assert [step.name for step in failing] == ["Security alerts v2"]
    assert "SecurityAlert.Read.All" in failing[0].message
    wrong = tenant.connectors.test_values(
        ADMIN, tenant.workspace, "azure-security", {**VALUES, "client_secret": marked("wrong")}
    )
    assert [step.name for step in wrong.steps if step.ok is False] == ["Sign in to Microsoft Entra ID"]


def test_deleting_takes_the_secrets_along(tenant: Tenant) -> None:
    one = tenant.add()
    tenant.runner.poll_due()
    assert len(tenant.runner._secrets.list(tenant.workspace)) == 1
    tenant.connectors.delete(ADMIN, tenant.workspace, one.id)
    assert tenant.runner._secrets.list(tenant.workspace) == []
    assert tenant.connectors.list(ADMIN, tenant.workspace) == []
    assert tenant.advance(minutes=30) == 0


@pytest.mark.req("C-040", "C-041", "C-042", "C-043", "C-044")
def test_unknown_evidence_is_kept_whole_and_counted(tenant: Tenant, caplog: pytest.LogCaptureFixture) -> None:
    strange = {"@odata.type": "#microsoft.graph.security.quantumEvidence", "spin": "up", "roles": ["created"]}
    tenant.plant(
        2, evidence=[strange, {"@odata.type": "#microsoft.graph.security.urlEvidence", "url": "https://x.example"}]
    )
    one = tenant.add()
    with caplog.at_level(logging.WARNING):
        tenant.runner.poll_due()
    (poll,) = (poll for poll in tenant.connectors.history(ADMIN, tenant.workspace, one.id) if poll.unknown)
    assert poll.unknown == {"#microsoft.graph.security.quantumEvidence": 2}
    rows = [row for row in tenant.sink.tables["AlertEvidence"] if row["EntityType"] == "Quantum"]
    assert [row["AdditionalFields"] for row in rows] == [strange] * 2
    assert "quantumEvidence (2)" in caplog.text


@pytest.mark.req("C-037", "C-039")
def test_recorded_payloads_lose_no_field(shared: Path) -> None:
    moments = Moments(datetime(2026, 3, 4, 12, tzinfo=UTC))
    for name, read in (
        ("graph_alerts_legacy_v1", legacy_alerts.read),
        ("graph_incidents_list_expand_alerts", graph_incidents.read),
        ("graph_alerts_v2_list", defender_alerts.read),
    ):
        for one in json.loads((shared / "contracts" / f"{name}.json").read_text())["value"]:
            records = read(one, moments)
            assert not isinstance(records, Unreadable)
            kept = (
                json.dumps([dict(record.row) for record in records], ensure_ascii=False)
                .replace('\\"', '"')
                .replace("\\\\", "\\")
            )
            missing = [name for name, value in _leaves(one) if value not in kept]
            assert missing == [], name


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Texts of a payload that are not times, types or names of states, with their paths."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name not in {
                "@odata.type",
                "severity",
                "status",
                "classification",
                "determination",
            } and not name.endswith("Time"):
                if name == "alerts":
                    continue  # these are alerts of their own
                yield from _leaves(inner, f"{path}.{name}")
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner, path)
    elif isinstance(value, str) and value not in ("", "unknown", "none"):
        yield path, value.replace("\\\\", "\\")


def test_a_failure_says_what_to_do() -> None:
    failure = PollFailure("No.", Trouble.FORBIDDEN, hint="Add it.")
    assert failure.to_dict()["hint"] == "Add it."
