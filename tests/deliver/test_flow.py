"""From a detection to the workspace of Microsoft Sentinel, and the answer to "why is there no incident?"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from azure.identity import ClientSecretCredential
from azure.mgmt.securityinsight import SecurityInsights

from tests.deliver.conftest import ADMIN, RUN, VALUES, House
from tests.plugins.fake_tenant import CLIENT, GROUP, SECRET, SUBSCRIPTION, TENANT, WORKSPACE
from vedette.core.workspaces import Workspaces
from vedette.deliver.detection import DetectionRun, from_rule_run
from vedette.deliver.explain import Explanation, explain
from vedette.detect.alerts.alert import Outcome, RuleRun, RunType
from vedette.detect.rule import AnalyticsRule, Severity, Threshold
from vedette.detect.running.runner import RuleRunner
from vedette.range.faults import Fault
from vedette.range.state import SentinelWorkspace
from vedette.store.logstore import LogStore

HOUR = timedelta(hours=1)
RULE = AnalyticsRule(
    "0b8f1a52-4a66-4b1a-9b0a-5d5b7f7f0c11",
    "Test Detection",
    query="SigninLogs | where ResultType == '50126' | summarize Failures = count() by UserPrincipalName",
    description="Somebody mistypes a password.",
    severity=Severity.LOW,
    query_frequency=HOUR,
    query_period=HOUR,
    trigger=Threshold(value=0),
)


@pytest.fixture
def logs(house: House, tmp_path: Path) -> Iterator[LogStore]:
    """A log store in which one account has failed to sign in, half an hour ago."""
    with LogStore(tmp_path / "logs.duckdb", house.clock) as store:
        moment = (house.clock.now() - HOUR / 2).isoformat()
        row = {"TimeGenerated": moment, "UserPrincipalName": "alex@contoso.example", "ResultType": "50126"}
        store.append("SigninLogs", [row] * 3)
        yield store


def run_now(house: House, logs: LogStore, rule: AnalyticsRule = RULE) -> tuple[RuleRun, DetectionRun]:
    """What "Run Now" does: the rule by hand, and its outcome into the outbox."""
    run = RuleRunner(logs, house.clock).run(rule, house.clock.now(), run_type=RunType.MANUAL)
    told = from_rule_run(run, f"https://vedette.example/w/default/runs/{run.id}")
    house.enqueue(told)
    return run, told


def listed(house: House, workspace: str = WORKSPACE) -> list[tuple[str, str]]:
    """(name, title) of the incidents, asked for as the setup guide's check does it."""
    ca = str(house.server.ca_path)
    credential = ClientSecretCredential(
        TENANT, CLIENT, SECRET, authority=house.server.url, disable_instance_discovery=True, connection_verify=ca
    )
    client = SecurityInsights(credential, SUBSCRIPTION, base_url=house.server.url, connection_verify=ca)
    incidents = client.incidents.list(resource_group_name=GROUP, workspace_name=workspace)
    return [(incident.name, incident.title) for incident in incidents]


@pytest.mark.req("D-001", "D-059", "D-060")
def test_a_test_detection_run_by_hand_arrives_in_the_workspace(house: House, logs: LogStore) -> None:
    house.add()
    run, told = run_now(house, logs)
    assert (run.outcome, run.type) == (Outcome.MATCHED, RunType.MANUAL)
    assert house.deliverer.deliver_due().delivered == 1
    assert listed(house) == [(told.incident_id, "Test Detection")]
    (incident,) = house.remote().values()
    description = incident.properties["description"]
    for line in (
        "Detection: Test Detection",
        "Severity: LOW",
        "Outcome: MATCHED",
        "Match count: 1",
        "Run type: MANUAL",
        "Threshold: operator gt, value 0, eagerness EXHAUSTIVE",
        "Exhaustiveness: COMPLETE",
        f"Search ID: {run.search_id}",
        f"Trace ID: {run.trace_id}",
        f"Detection ID: {RULE.id}",
        f"Run ID: {run.id}",
        f"Replay: https://vedette.example/w/default/runs/{run.id}",
    ):
        assert line in description.splitlines()
    assert incident.properties["severity"] == "Low"


@pytest.mark.req("D-056", "D-057")
def test_the_same_run_again_and_a_run_that_does_not_match(house: House, logs: LogStore) -> None:
    house.add()
    run_now(house, logs)
    run_now(house, logs)
    assert house.drain() == 1
    silent = replace(RULE, trigger=Threshold(value=5))
    run, _ = run_now(house, logs, silent)
    assert run.outcome is Outcome.NOT_MATCHED
    broken, _ = run_now(house, logs, replace(RULE, id="broken", query="SigninLogs | where Nothing == 1"))
    assert broken.outcome is Outcome.ERROR
    assert house.drain() == 0
    assert len(house.remote()) == 1
    house.clock.advance(timedelta(minutes=5))
    run_now(house, logs)
    assert house.drain() == 1
    assert len(house.remote()) == 2, "another run is another incident"


# ---------------------------------------------------------------- several workspaces


def add_remote_workspace(house: House, *names: str) -> None:
    subscription = house.server.tenant.subscriptions[0]
    subscription.resource_groups[0].workspaces.extend(SentinelWorkspace(name) for name in names)
    subscription.role_assignments[0].scope = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}"


@pytest.mark.req("D-069", "D-070", "D-071")
def test_production_detections_and_test_detections_go_to_workspaces_of_their_own(house: House, logs: LogStore) -> None:
    add_remote_workspace(house, "law-sec-dev")
    production = replace(RULE, id="production", name="Production Detection")
    house.add("Production", detections=["production"])
    house.add("Development", values={"workspace_name": "law-sec-dev"}, detections=[RULE.id])
    _, told = run_now(house, logs, production)
    _, tried = run_now(house, logs)
    house.drain()
    assert listed(house) == [(told.incident_id, "Production Detection")]
    assert listed(house, "law-sec-dev") == [(tried.incident_id, "Test Detection")]


@pytest.mark.req("D-069", "D-072")
def test_regions_have_workspaces_of_their_own(house: House) -> None:
    add_remote_workspace(house, "law-eu", "law-us")
    regions = {}
    for region in ("eu", "us"):
        regions[region] = Workspaces(house.state, house.clock).create(region).id
        house.destinations.create(
            ADMIN, regions[region], "sentinel", "Regional", {**VALUES, "workspace_name": f"law-{region}"}
        )
    for region, workspace in regions.items():
        house.enqueue(replace(RUN, run_id=region, name=f"Seen in {region}"), workspace)
    house.drain()
    for region in regions:
        assert [title for _, title in listed(house, f"law-{region}")] == [f"Seen in {region}"]


def test_one_run_may_go_to_several_workspaces(house: House) -> None:
    add_remote_workspace(house, "law-archive")
    house.add("Production")
    house.add("Archive", values={"workspace_name": "law-archive"})
    house.enqueue()
    assert house.drain() == 2
    assert set(house.remote()) == set(house.remote("law-archive")) == {RUN.incident_id}


# ---------------------------------------------------------------- why is there no incident?


def why(house: House, run: DetectionRun = RUN) -> Explanation:
    (found,) = explain(house.state, house.workspace, run.detection_id, run.run_id, run.outcome)
    return found


@pytest.mark.req("D-065")
def test_it_is_explained_by_the_outcome(house: House) -> None:
    house.add()
    silent = replace(RUN, outcome=Outcome.NOT_MATCHED)
    house.enqueue(silent)
    found = why(house, silent)
    assert not found.arrived
    assert str(found).startswith("Incident not created: The outcome of the run is NOT_MATCHED")
    assert "MATCHED" in found.cause
    assert "threshold" in (found.solution or "")
    assert "error" in (why(house, replace(RUN, outcome=Outcome.ERROR)).solution or "")


@pytest.mark.req("D-065")
def test_it_is_explained_by_a_disabled_destination(house: House) -> None:
    view = house.add(enabled=False)
    house.enqueue()
    found = why(house)
    assert str(found) == "Incident not created in 'Production': The destination is disabled."
    assert (found.solution or "").startswith("Enable it")
    house.destinations.set_enabled(ADMIN, house.workspace, view.id, True)
    assert "Run the detection again" in (why(house).solution or "")
    house.enqueue()
    house.destinations.set_enabled(ADMIN, house.workspace, view.id, False)
    assert "waits, since the destination is disabled" in why(house).cause


def test_the_other_reasons(house: House) -> None:
    assert "no destination" in why(house).cause
    view = house.add(detections=["other"])
    assert "does not take this detection" in why(house).cause
    house.destinations.update(ADMIN, house.workspace, view.id, every_detection=True)
    house.enqueue()
    assert why(house).cause == "The delivery is under way."
    house.server.tenant.faults.add(Fault(503, method="PUT"))
    house.deliverer.deliver_due()
    assert why(house).cause.startswith("The delivery is under way after 1 attempt. Azure cannot be reached")
    house.server.tenant.faults.add(Fault(400, method="PUT"))
    house.drain()
    assert why(house).cause.startswith("Request refused")
    (failed,) = house.destinations.log.page(house.workspace).value
    house.destinations.retry(ADMIN, house.workspace, failed.id)
    house.drain()
    assert why(house).arrived
    assert re.fullmatch(r"Incident created in 'Production': It has the id [0-9a-f-]{36}\.", str(why(house)))
    assert why(house).solution is None


def test_what_waits_when_a_destination_is_deleted(house: House) -> None:
    view = house.add("Gone")
    house.add("Kept")
    house.enqueue()
    house.destinations.delete(ADMIN, house.workspace, view.id)
    assert why(house).destination == "Kept"
