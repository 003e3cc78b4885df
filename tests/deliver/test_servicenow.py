"""ServiceNow against the fake tenant's tables, and what was written read back with ServiceNow's own client."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.deliver.conftest import RUN
from vedette.core.clock import VirtualClock
from vedette.core.outbound import Outbound
from vedette.core.redaction import Secret
from vedette.deliver.contract import DeliveryFailure
from vedette.deliver.detection import DetectionSeverity
from vedette.deliver.kinds.servicenow import MAX_SHORT_DESCRIPTION, ServiceNow, ServiceNowDestination, correlation_id
from vedette.range.faults import Fault
from vedette.range.seed import plant
from vedette.range.server import RangeServer

USER = ("vedette", "range-password-1")
GROUP, CALLER = "287ebd7da9fe198100f92cc8d1d2154e", "62826bf03710200044e0bfc8bcbe5df1"
SEED = {
    "servicenow": {
        "tables": {
            "sys_user_group": [{"sys_id": GROUP, "name": "Security Operations"}],
            "sys_user": [{"sys_id": CALLER, "user_name": "abel.tuter", "name": "Abel Tuter"}],
        }
    }
}


@pytest.fixture
def instance(fake_tenant: RangeServer) -> RangeServer:
    plant(fake_tenant.tenant, SEED)
    return fake_tenant


@pytest.fixture
def client(instance: RangeServer, monkeypatch: pytest.MonkeyPatch) -> Any:
    """ServiceNow's own client for Python."""
    pysnc = pytest.importorskip("pysnc", reason="ServiceNow's client is not installed")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(instance.ca_path))
    return pysnc.ServiceNowClient(instance.url, USER)


@pytest.fixture
def destination(instance: RangeServer) -> Iterator[ServiceNowDestination]:
    values = {
        "instance_url": instance.url, "username": USER[0], "ca_file": str(instance.ca_path), "category": "security",
        "assignment_group": GROUP, "caller": CALLER,
    }  # fmt: skip
    made = ServiceNow(VirtualClock(RUN.ran_at)).open(values, {"password": Secret(USER[1])}, Outbound(inside=True))
    yield made
    made.close()


def read(client: Any, **conditions: str) -> list[Any]:
    record = client.GlideRecord("incident")
    for name, value in conditions.items():
        record.add_query(name, value)
    record.query()
    return list(record)


def test_the_fields_are_there_for_the_vendors_client(destination: ServiceNowDestination, client: Any) -> None:
    receipt = destination.deliver(replace(RUN, name="Name  with\na break" + "x" * 300))
    (found,) = read(client, correlation_id=correlation_id(RUN))
    assert receipt.remote_id == found.get_value("number")
    assert f"sys_id={found.sys_id}" in str(receipt.remote_url)
    assert found.get_value("short_description").startswith("Name with a break")
    assert len(found.get_value("short_description")) == MAX_SHORT_DESCRIPTION
    assert RUN.replay_link in found.get_value("description")
    assert (found.get_value("state"), found.get_value("category")) == ("1", "security")
    assert found.get_value("correlation_display") == "Vedette"
    assert (found.get_value("assignment_group"), found.get_value("caller_id")) == (GROUP, CALLER)
    assert found.get_display_value("assignment_group") == "Security Operations"


@pytest.mark.parametrize(("severity", "priority"), list(zip(DetectionSeverity, "12345", strict=True)))
def test_severities_become_the_five_priorities(
    destination: ServiceNowDestination, client: Any, severity: DetectionSeverity, priority: str
) -> None:
    destination.deliver(replace(RUN, severity=severity))
    (found,) = read(client)
    assert found.get_value("priority") == priority


def test_what_is_repeated_is_one_incident_and_leaves_the_work_on_it_alone(
    destination: ServiceNowDestination, client: Any, instance: RangeServer
) -> None:
    first = destination.deliver(RUN)
    # the answer is lost after the work was done
    instance.tenant.faults.add(Fault(broken=True, after=True, method="POST", service="servicenow"))
    other = replace(RUN, run_id="7f0c1f7e-5f2f-4c66-9b8e-2c8b6c1a0b11")
    with pytest.raises(DeliveryFailure):
        destination.deliver(other)
    assert destination.deliver(other).repeated
    assert len(read(client)) == 2
    (found,) = read(client, correlation_id=correlation_id(RUN))
    # the desk works on it, closes it, and opens it again: a repeated delivery changes none of that
    for state, more in (
        ("2", {"work_notes": "looking"}),
        ("7", {"close_code": "Solution provided", "close_notes": "benign"}),
        ("2", {}),
    ):
        found.state = state
        for name, value in more.items():
            setattr(found, name, value)
        found.update()
        again = destination.deliver(RUN)
        assert (again.repeated, again.remote_id) == (True, first.remote_id)
        (found,) = read(client, correlation_id=correlation_id(RUN))
        assert found.get_value("state") == state
    assert len(read(client)) == 2


def test_a_test_leaves_a_cancelled_incident(destination: ServiceNowDestination, client: Any) -> None:
    assert destination.check(write=True).ok
    (found,) = read(client)
    assert found.get_display_value("state") == "Canceled"
    assert found.get_value("active") in ("0", "false")


@pytest.mark.parametrize(
    ("fault", "word"),
    [
        (Fault(403, service="servicenow", times=None), "403"),
        (Fault(429, service="servicenow", times=None, retry_after=7), "429"),
        (Fault(503, service="servicenow", times=None), "503"),
        (Fault(garbage="html", service="servicenow", times=None), "Table API"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_failures_are_told(destination: ServiceNowDestination, instance: RangeServer, fault: Fault, word: str) -> None:
    instance.tenant.faults.add(fault)
    with pytest.raises(DeliveryFailure) as caught:
        destination.deliver(RUN)
    assert word in str(caught.value)
    assert caught.value.retry_after == (7 if fault.status == 429 else None)
    assert not destination.check().ok
