"""The worker: each delivery arrives once, whatever happens on the way, or is given up for a reason that can be seen."""

from __future__ import annotations

import logging
import random
import subprocess
import sys
import threading
import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.deliver.conftest import ADMIN, RUN, House, build, run_number
from tests.plugins.fake_tenant import GROUP, SUBSCRIPTION, WORKSPACE, insights
from vedette.core.audit import Audit
from vedette.core.clock import SystemClock, VirtualClock
from vedette.core.database import State
from vedette.core.errors import Conflict, NotFound
from vedette.deliver.backoff import RetryPolicy
from vedette.deliver.contract import Receipt, Remedy
from vedette.deliver.description import describe
from vedette.deliver.opening import Openings
from vedette.deliver.outbox import Delivery, DeliveryState
from vedette.deliver.service import Health
from vedette.deliver.worker import LEASE, Deliverer, Finished, Pass
from vedette.range.faults import Fault
from vedette.range.server import RangeServer


def only(house: House) -> Delivery:
    (delivery,) = house.destinations.log.page(house.workspace).value
    return delivery


def puts(house: House) -> int:
    return sum(entry.method == "PUT" for entry in house.server.tenant.requests)


@pytest.mark.req("D-001", "D-017", "D-018", "D-020", "D-030", "D-033", "D-034", "D-035")
def test_a_run_arrives_as_an_incident(either_house: House) -> None:
    house = either_house
    house.add()
    house.enqueue()
    assert house.deliverer.deliver_due() == Pass(delivered=1)
    ((key, incident),) = house.remote().items()
    assert key == RUN.incident_id
    assert incident.properties["title"] == RUN.name
    assert incident.properties["severity"] == "High"
    assert incident.properties["status"] == "New"
    assert incident.properties["description"] == describe(RUN)
    assert incident.properties["firstActivityTimeUtc"] == "2026-03-04T09:00:00Z"
    assert incident.properties["lastActivityTimeUtc"] == "2026-03-04T10:00:00.25Z"
    assert incident.provider_name == "Vedette Federated Detections"
    sent = house.server.tenant.requests[-1]
    assert (sent.method, sent.path) == ("PUT", f"{insights()}/incidents/{RUN.incident_id}")
    assert sent.query == "api-version=2022-07-01-preview"
    delivery = only(house)
    assert (delivery.state, delivery.attempts, delivery.error) == (DeliveryState.DELIVERED, 1, None)
    assert delivery.remote_id == f"{insights()}/Incidents/{RUN.incident_id}"
    assert (delivery.remote_url or "").startswith("https://portal.azure.com/")
    assert delivery.finished_at == house.clock.now()
    (attempt,) = house.destinations.log.attempts(house.workspace, delivery.id)
    assert (attempt.number, attempt.outcome, attempt.error) == (1, "delivered", None)


def test_names_are_sent_as_they_are_typed(house: House) -> None:
    house.add(values={"resource_group_name": GROUP.upper(), "workspace_name": WORKSPACE.upper()})
    house.enqueue()
    house.drain()
    assert f"/resourceGroups/{GROUP.upper()}/" in house.server.tenant.requests[-1].path
    assert f"/workspaces/{WORKSPACE.upper()}/" in house.server.tenant.requests[-1].path
    assert len(house.remote()) == 1


def test_another_api_version_gets_the_source_as_a_label(house: House) -> None:
    house.add(values={"api_version": "2024-09-01"})
    house.enqueue()
    house.drain()
    (incident,) = house.remote().values()
    assert incident.properties["labels"] == [{"labelName": "Vedette Federated Detections", "labelType": "User"}]
    assert house.server.tenant.requests[-1].query == "api-version=2024-09-01"


def test_one_token_does_for_many_deliveries(house: House) -> None:
    house.add()
    for number in range(5):
        house.enqueue(run_number(number))
    house.drain()
    assert sum(entry.path.endswith("/token") for entry in house.server.tenant.requests) == 1


# ---------------------------------------------------------------- once, and only once


@pytest.mark.req("D-056")
def test_an_incident_that_is_there_already_counts_as_delivered(house: House) -> None:
    """The answer was lost: the next attempt meets the incident and looks at whose it is."""
    house.add()
    house.enqueue()
    house.server.tenant.faults.add(Fault(504, method="PUT", after=True))
    assert house.deliverer.deliver_due() == Pass(postponed=1)
    assert len(house.remote()) == 1
    assert house.drain() == 1
    delivery = only(house)
    assert delivery.state is DeliveryState.DELIVERED
    attempts = house.destinations.log.attempts(house.workspace, delivery.id)
    assert [attempt.outcome for attempt in attempts] == ["failed", "repeated"]
    (incident,) = house.remote().values()
    assert incident.modified == incident.created, "nothing was written over it"
    assert [entry.method for entry in house.server.tenant.requests][-2:] == ["PUT", "GET"]


@pytest.mark.req("D-056")
def test_work_on_the_incident_survives_a_repeated_delivery(house: House) -> None:
    house.add()
    house.enqueue()
    house.server.tenant.faults.add(Fault(broken=True, method="PUT", after=True))
    house.deliverer.deliver_due()
    (incident,) = house.remote().values()
    incident.properties |= {
        "status": "Active",
        "description": incident.properties["description"] + "\n\nWe look at it.",
    }
    incident.etag = house.server.tenant.next_etag()
    house.drain()
    assert only(house).state is DeliveryState.DELIVERED
    assert incident.properties["status"] == "Active"


def test_an_incident_of_somebody_else_is_left_alone(house: House) -> None:
    house.add()
    house.enqueue()
    house.clock.advance(1)
    house.enqueue(run_number(1))
    house.server.tenant.faults.add(Fault(504, method="PUT", after=True))
    house.deliverer.deliver_due(limit=1)
    incident = house.remote()[RUN.incident_id]
    incident.properties["description"] = "mine"
    house.drain()
    failed = house.destinations.log.page(house.workspace, state=DeliveryState.FAILED).value
    assert [entry.run_id for entry in failed] == [RUN.run_id]
    assert "was not made by this detection run" in (failed[0].error or {})["message"]
    assert incident.properties["description"] == "mine"


def test_a_conflict_is_never_answered_with_the_same_put(house: House) -> None:
    house.add()
    house.enqueue()
    house.server.tenant.faults.add(Fault(409, method="PUT"))
    assert house.deliverer.deliver_due() == Pass(postponed=1)  # a conflict over something that is not there (yet)
    assert puts(house) == 1
    assert house.drain() == 1
    assert len(house.remote()) == 1


@pytest.mark.req("D-056")
def test_after_a_kill_the_delivery_goes_on_and_nothing_is_doubled(
    range_server: RangeServer, tmp_path: Path, python_environment: dict[str, str]
) -> None:
    range_server.reset()
    state = State.in_file(tmp_path / "state.db")
    state.upgrade()
    clock = VirtualClock(SystemClock().now())
    house = build(state, range_server, tmp_path, clock)
    house.add()
    for number in range(4):
        house.enqueue(run_number(number))
        clock.advance(timedelta(microseconds=1))
    # The third PUT does its work and is then silent: the process is killed while it waits for the answer.
    third = run_number(2).incident_id
    range_server.tenant.faults.add(Fault(500, method="PUT", path=f"*/{third}", after=True, delay=20))
    program = f"""
import random
from pathlib import Path
from vedette.clients.azure_cloud import local_cloud
from vedette.core.clock import SystemClock
from vedette.core.database import State
from vedette.core.secrets import Secrets
from vedette.deliver.opening import Openings
from vedette.deliver.registry import default_registry
from vedette.deliver.worker import Deliverer

clock = SystemClock()
state = State.in_file(Path({str(tmp_path / "state.db")!r}))
registry = default_registry(clock, {{"Local": local_cloud({range_server.url!r}, Path({str(range_server.ca_path)!r}))}})
secrets = Secrets(state, Path({str(tmp_path / "keys" / "secrets.key")!r}), clock)
Deliverer(state, Openings(state, secrets, registry), clock, random.Random(1)).deliver_due()
"""
    process = subprocess.Popen([sys.executable, "-c", program], env=python_environment)
    deadline = time.monotonic() + 60
    while third not in house.remote() and time.monotonic() < deadline:
        assert process.poll() is None, "the worker ended by itself"
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert set(house.remote()) == {run_number(number).incident_id for number in range(3)}
    states = house.destinations.log.page(house.workspace).states
    assert (states[DeliveryState.DELIVERED], states[DeliveryState.PENDING]) == (2, 2)
    cut_off = house.destinations.log.page(house.workspace, run_id="run-2").value[0]
    assert cut_off.under_way

    # Another process takes over when the claim has run out ...
    clock.advance_to(SystemClock().now())
    assert house.deliverer.deliver_due() == Pass(delivered=1), "only the fourth; the third is still claimed"
    clock.advance(LEASE)
    assert house.deliverer.deliver_due() == Pass(delivered=1)
    attempts = house.destinations.log.attempts(house.workspace, cut_off.id)
    assert [(attempt.number, attempt.outcome) for attempt in attempts] == [(1, None), (2, "repeated")]
    assert len(house.remote()) == 4
    assert house.destinations.log.page(house.workspace).states[DeliveryState.DELIVERED] == 4
    house.openings.close()
    state.dispose()


def test_a_process_that_is_alone_frees_what_a_dead_one_held(house: House) -> None:
    house.add()
    house.enqueue()
    assert house.deliverer._claim() is not None  # and then the process died
    assert house.deliverer.deliver_due() == Pass()
    assert house.deliverer.next_due() == house.clock.now() + LEASE
    assert house.deliverer.recover() == 1
    assert house.deliverer.deliver_due() == Pass(delivered=1)


def test_a_delivery_that_kills_its_process_each_time_is_given_up(house: House) -> None:
    house.add()
    house.enqueue()
    for _ in range(RetryPolicy().attempts):
        assert house.deliverer._claim() is not None
        house.clock.advance(LEASE)
    assert house.deliverer.deliver_due() == Pass(failed=1)
    assert "the last one was interrupted" in (only(house).error or {})["message"]
    assert puts(house) == 0


@pytest.mark.req("D-056")
def test_several_workers_deliver_each_thing_once(either_house: House) -> None:
    house = either_house
    house.add()
    for number in range(30):
        house.enqueue(run_number(number))
    passes: list[Pass] = []

    def work(seed: int) -> None:
        worker = Deliverer(house.state, house.openings, house.clock, random.Random(seed))
        passes.append(worker.deliver_due())

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(done.delivered for done in passes) == 30
    assert len(house.remote()) == 30
    assert puts(house) == 30


@pytest.mark.parametrize("count", [30, pytest.param(1000, marks=pytest.mark.soak)])
def test_an_endpoint_that_fails_half_of_the_time(house: House, count: int) -> None:
    house.add()
    house.server.tenant.throttle.writes = 10 * count
    for number in range(count):
        house.enqueue(run_number(number))
    faults = house.server.tenant.faults
    # Before the work and after it, with an answer and without one.
    path = "*/incidents/*"
    for fault in (
        Fault(500, path=path, times=None, probability=0.16),
        Fault(504, path=path, times=None, probability=0.16, after=True),
        Fault(429, path=path, times=None, probability=0.16, retry_after=30),
        Fault(path=path, times=None, probability=0.16, broken=True, after=True),
        Fault(503, path="*/token", times=3),
    ):
        faults.add(fault)
    attempts = house.drain(passes=40 * count)
    assert attempts > count
    assert {incident.name for incident in house.remote().values()} == {
        run_number(number).incident_id for number in range(count)
    }
    assert all(incident.modified == incident.created for incident in house.remote().values())
    assert house.destinations.log.page(house.workspace).states[DeliveryState.DELIVERED] == count


# ---------------------------------------------------------------- waiting and giving up


def test_waits_grow_with_jitter_up_to_a_limit() -> None:
    policy, rng = RetryPolicy(), random.Random(5)
    waits = [policy.wait(Remedy.WAITING, failures, rng) for failures in range(1, 40)]
    for number, wait in enumerate(waits):
        full = min(3600.0, 5.0 * 2**number)
        assert full / 2 <= wait <= full
    assert len(set(waits)) == len(waits), "no two workers come back at the same moment"
    assert policy.wait(Remedy.CONFIGURATION, 1, rng) >= 30
    assert policy.wait(Remedy.WAITING, 1, rng, retry_after=900) == 900
    assert policy.wait(Remedy.WAITING, 1, rng, retry_after=0) > 0
    assert policy.wait(Remedy.WAITING, 10**6, rng) <= 3600


def test_retry_after_is_respected_for_the_whole_destination(house: House) -> None:
    house.add()
    for number in range(3):
        house.enqueue(run_number(number))
    house.server.tenant.faults.add(Fault(429, method="PUT", retry_after=900))
    start = house.clock.now()
    assert house.deliverer.deliver_due() == Pass(postponed=1)
    assert puts(house) == 1, "the others wait too"
    assert house.deliverer.next_due() == start + timedelta(seconds=900)
    house.clock.advance(899)
    assert house.deliverer.deliver_due() == Pass()
    house.clock.advance(1)
    assert house.deliverer.deliver_due() == Pass(delivered=3)


def test_a_destination_that_is_down_does_not_use_up_the_attempts_of_all(house: House) -> None:
    house.add()
    for number in range(20):
        house.enqueue(run_number(number))
    house.server.tenant.faults.add(Fault(503, path="*/incidents/*", times=None))
    done = house.deliverer.deliver_due()
    assert done.postponed == 5
    assert house.view(house.destinations.list(ADMIN, house.workspace)[0]).held_until is not None
    house.server.tenant.faults.clear()
    house.drain()
    assert len(house.remote()) == 20


def test_another_destination_goes_on_meanwhile(house: House) -> None:
    house.add("Down", values={"tenant_id": "8c1e6f0a-0000-4000-8000-0f6f2f0f3a11"})
    house.add("Up")
    for number in range(3):
        house.enqueue(run_number(number))
    done = house.deliverer.deliver_due()
    assert (done.delivered, done.postponed) == (3, 1)


@pytest.mark.req("D-061", "D-062", "D-063", "D-064", "D-068")
@pytest.mark.parametrize(
    ("values", "role", "message", "hint"),
    [
        ({"client_secret": "wrong"}, None, "Authentication failed", "client_secret"),
        ({"tenant_id": "8c1e6f0a-0000-4000-8000-0f6f2f0f3a11"}, None, "Tenant not found", "tenant_id"),
        ({}, "Microsoft Sentinel Reader", "Forbidden / 403", "Assign the Microsoft Sentinel Responder role"),
        ({"workspace_name": "law-nope"}, None, "Resource not found", "workspace_name"),
    ],
)
def test_a_wrong_configuration_is_told_and_the_delivery_goes_out_once_it_is_repaired(
    house: House, values: dict[str, object], role: str | None, message: str, hint: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "vedette")
    assignment = house.server.tenant.subscriptions[0].role_assignments[0]
    assignment.scope = f"/subscriptions/{SUBSCRIPTION}"
    assignment.role = role or assignment.role
    view = house.add(values=values)
    for number in range(3):
        house.enqueue(run_number(number))
    assert house.deliverer.deliver_due() == Pass(postponed=1), "one tries it out; the others keep their attempts"
    shown = house.view(view)
    assert shown.health is Health.FAILING
    assert (shown.last_error or {})["message"].startswith(message)
    assert hint in (shown.last_error or {})["hint"]
    assert (shown.last_error or {})["cause"]
    assert any(message in record.getMessage() for record in caplog.records)
    # The repair: at the other side, or here. Either makes what waits go out at once.
    assignment.role = "Microsoft Sentinel Responder"
    if values:
        repaired = {
            "client_secret": "range-secret-1",
            "tenant_id": assignment_tenant(house),
            "workspace_name": WORKSPACE,
        }
        house.destinations.update(ADMIN, house.workspace, view.id, values={name: repaired[name] for name in values})
    else:
        assert house.destinations.test(ADMIN, house.workspace, view.id).ok
    assert house.deliverer.deliver_due() == Pass(delivered=3)
    assert house.view(view).health is Health.HEALTHY


def assignment_tenant(house: House) -> str:
    return house.server.tenant.directories[0].id


def test_what_will_never_be_accepted_is_given_up_at_once(house: House) -> None:
    house.add()
    house.enqueue()
    house.server.tenant.faults.add(Fault(400, method="PUT", message="The payload is not valid."))
    assert house.deliverer.deliver_due() == Pass(failed=1)
    delivery = only(house)
    assert delivery.state is DeliveryState.FAILED
    assert (delivery.error or {})["message"] == "Request refused: The payload is not valid."
    assert delivery.next_attempt_at is None


def test_after_so_many_attempts_it_is_given_up_for_a_reason_that_can_be_seen(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    house.add()
    (delivery_id,) = house.enqueue()
    house.server.tenant.faults.add(Fault(503, method="PUT", times=None))
    began = house.clock.now()
    assert house.drain() == 32
    delivery = house.destinations.log.get(house.workspace, delivery_id)
    assert delivery.state is DeliveryState.FAILED
    assert (delivery.error or {})["message"].startswith("Given up after 32 attempts. Azure cannot be reached")
    assert timedelta(hours=11) < house.clock.now() - began < timedelta(hours=24)
    assert any("gave up" in record.getMessage() for record in caplog.records)
    assert house.enqueue() == [], "a run that was given up is not queued again by itself"


def test_retrying_by_hand(house: House) -> None:
    view = house.add()
    house.enqueue()
    house.enqueue(run_number(1))
    house.server.tenant.faults.add(Fault(400, method="PUT", times=2))
    assert house.deliverer.deliver_due() == Pass(failed=2)
    first, second = house.destinations.log.page(house.workspace).value
    retried = house.destinations.retry(ADMIN, house.workspace, first.id)
    assert (retried.state, retried.attempts) == (DeliveryState.PENDING, 0)
    assert house.deliverer.deliver_due() == Pass(delivered=1)
    attempts = house.destinations.log.attempts(house.workspace, first.id)
    assert [(attempt.number, attempt.outcome) for attempt in attempts] == [(1, "failed"), (2, "delivered")]
    with pytest.raises(Conflict, match="delivered"):
        house.destinations.retry(ADMIN, house.workspace, first.id)
    with pytest.raises(NotFound):
        house.destinations.retry(ADMIN, house.workspace, "x")
    assert house.destinations.retry_failed(ADMIN, house.workspace, view.id) == 1
    assert house.deliverer.deliver_due() == Pass(delivered=1)
    assert house.destinations.log.get(house.workspace, second.id).state is DeliveryState.DELIVERED
    assert [entry.action for entry in Audit(house.state, house.clock).entries(action="deliveries/")] == [
        "deliveries/retry",
        "deliveries/retry",
    ]


def test_what_waits_for_a_disabled_destination_goes_on_waiting(house: House) -> None:
    view = house.add()
    house.enqueue()
    house.destinations.set_enabled(ADMIN, house.workspace, view.id, False)
    assert house.deliverer.deliver_due() == Pass()
    assert house.deliverer.next_due() is None
    house.destinations.set_enabled(ADMIN, house.workspace, view.id, True)
    assert house.deliverer.deliver_due() == Pass(delivered=1)


def test_what_waits_for_a_deleted_destination_is_cancelled(house: House) -> None:
    view = house.add()
    house.enqueue()
    house.destinations.delete(ADMIN, house.workspace, view.id)
    assert house.deliverer.deliver_due() == Pass()
    delivery = only(house)
    assert (delivery.state, delivery.destination_name) == (DeliveryState.CANCELLED, "Production")


def test_a_destination_that_is_deleted_during_an_attempt(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    view = house.add()
    house.enqueue()
    original = Openings.get

    def delete_meanwhile(self: Openings, destination_id: str) -> object:
        house.destinations.delete(ADMIN, house.workspace, view.id)
        return original(self, destination_id)

    monkeypatch.setattr(Openings, "get", delete_meanwhile)
    assert house.deliverer.deliver_due().delivered == 0
    assert only(house).state is DeliveryState.CANCELLED


def test_a_mistake_of_ours_stops_neither_the_worker_nor_other_deliveries(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    house.add()
    house.enqueue()
    house.enqueue(run_number(1))

    def stumble(run: object, *_: object) -> object:
        if run == RUN:
            raise ZeroDivisionError
        return properties(run, *_)  # type: ignore[arg-type]

    from vedette.deliver.kinds.sentinel import incident_properties as properties

    monkeypatch.setattr("vedette.deliver.kinds.sentinel.incident_properties", stumble)
    assert house.deliverer.deliver_due() == Pass(delivered=1, postponed=1)
    (failed,) = house.destinations.log.page(house.workspace, state=DeliveryState.PENDING).value
    assert "ZeroDivisionError" in (failed.error or {})["message"]


def test_the_loop_wakes_for_what_comes(house: House) -> None:
    house.add()
    clock = SystemClock()
    deliverer = Deliverer(house.state, house.openings, clock, random.Random(1))
    stop = threading.Event()
    thread = threading.Thread(target=deliverer.run, args=(stop,))
    thread.start()
    try:
        house.enqueue()  # at the virtual clock's time, which is long ago
        deliverer.wake()
        deadline = time.monotonic() + 60
        while not house.remote() and time.monotonic() < deadline:
            time.sleep(0.01)
        assert len(house.remote()) == 1
    finally:
        stop.set()
        deliverer.wake()
        thread.join(60)
    assert not thread.is_alive()


def test_an_order_of_time(house: House) -> None:
    house.add()
    for number in range(4):
        house.enqueue(run_number(number))
        house.clock.advance(1)
    house.drain()
    assert [incident.properties["title"] for incident in house.remote().values()] == [
        f"Detection {number}" for number in range(4)
    ]


def test_the_end_of_a_delivery_is_told_once(house: House) -> None:
    told: list[Finished] = []
    house.deliverer = Deliverer(house.state, house.openings, house.clock, random.Random(1), on_finished=told.append)
    house.add()
    house.enqueue()
    house.server.tenant.faults.add(Fault(503, method="PUT"))
    house.drain()
    house.server.tenant.faults.add(Fault(400, method="PUT", message="No."))
    house.enqueue(run_number(1))
    house.drain()
    assert [(entry.incident_number, entry.delivered, entry.title) for entry in told] == [
        (17, True, "Delivered to Production"),
        (17, False, "Not delivered to Production"),
    ]
    assert (told[0].detail or "").startswith("https://portal.azure.com/")
    assert told[1].detail == "Request refused: No."


def test_a_listener_that_fails_does_not_undo_the_delivery(house: House) -> None:
    def refuse(finished: Finished) -> None:
        raise NotFound("There is no incident 17.")

    house.deliverer = Deliverer(house.state, house.openings, house.clock, random.Random(1), on_finished=refuse)
    house.add()
    house.enqueue()
    assert house.drain() == 1
    assert only(house).state is DeliveryState.DELIVERED


@pytest.mark.req("D-069")
def test_a_slow_destination_holds_up_no_other(house: House) -> None:
    stuck, stop = threading.Event(), threading.Event()

    class Slow:
        def deliver(self, run: object) -> Receipt:
            stuck.wait(90)
            return Receipt("late")

        def close(self) -> None: ...

    slow, fast = house.add("A slow one"), house.add("Another")
    original = house.openings.get
    house.openings.get = lambda one: Slow() if one == slow.id else original(one)  # type: ignore[method-assign,assignment,return-value]
    for number in range(5):
        house.enqueue(run_number(number))
    deliverer = Deliverer(house.state, house.openings, SystemClockAt(house.clock), random.Random(1))
    thread = threading.Thread(target=deliverer.run, args=(stop,), daemon=True)
    thread.start()
    try:
        deadline = time.monotonic() + 60
        log = house.destinations.log
        while log.page(house.workspace, destination_id=fast.id).states[DeliveryState.DELIVERED] < 5:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert len(house.remote()) == 5
        assert house.destinations.log.page(house.workspace, destination_id=slow.id).states[DeliveryState.DELIVERED] == 0
    finally:
        stop.set()
        stuck.set()
        deliverer.wake()
        thread.join(60)
    assert not thread.is_alive()


class SystemClockAt(SystemClock):
    """This machine's clock, with the time of another one."""

    def __init__(self, other: VirtualClock) -> None:
        self._other = other

    def now(self) -> datetime:
        return self._other.now()
