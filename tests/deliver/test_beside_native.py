"""Delivered incidents in the fake Sentinel workspace: beside its own, told apart by their source, worked on with its tools."""

from __future__ import annotations

import uuid

import pytest

from tests.deliver.conftest import ADMIN, RUN, House, build, run_number
from tests.plugins.fake_tenant import Door
from vedette.core.clock import VirtualClock
from vedette.core.database import State
from vedette.deliver.worker import Pass

SOURCE = "Vedette Federated Detections"


@pytest.fixture
def house(door: Door, tmp_path_factory: pytest.TempPathFactory) -> House:
    """A house at the door's tenant."""
    folder = tmp_path_factory.mktemp("beside")
    state = State.in_file(folder / "state.db")
    state.upgrade()
    return build(state, door.server, folder, VirtualClock(door.clock.now()))


@pytest.mark.req("D-079", "D-080", "D-081")
def test_delivered_incidents_stand_beside_native_ones(house: House, door: Door) -> None:
    native = str(uuid.UUID(int=7))
    properties = {"title": "A rule of Sentinel's own", "severity": "Low", "status": "New"}
    assert door.arm("PUT", f"incidents/{native}", {"properties": properties}).status_code == 201
    house.add()
    for number in range(2):
        house.enqueue(run_number(number))
    assert house.deliverer.deliver_due() == Pass(delivered=2)
    ours = {run_number(number).incident_id for number in range(2)}

    listed = door.arm("GET", "incidents").json()["value"]
    assert {one["name"] for one in listed} == {native, *ours}
    assert sorted(one["properties"]["incidentNumber"] for one in listed) == [1, 2, 3], "in one row of numbers"
    chosen = door.arm("GET", "incidents", filter=f"properties/providerName eq '{SOURCE}'").json()["value"]
    assert {one["name"] for one in chosen} == ours
    others = door.arm("GET", "incidents", filter=f"properties/providerName ne '{SOURCE}'").json()["value"]
    assert [one["name"] for one in others] == [native]

    # The tools that a native incident has, as a responder: comments, status and owner; what was delivered stays whole.
    found = chosen[0]
    name = found["name"]
    note = {"properties": {"message": "Looked at the replay link."}}
    assert door.arm("PUT", f"incidents/{name}/comments/{uuid.UUID(int=8)}", note).status_code == 201
    current = door.arm("GET", f"incidents/{name}").json()
    change = {**current["properties"], "status": "Active", "owner": {"assignedTo": "Ann"}}
    done = door.arm("PUT", f"incidents/{name}", {"etag": current["etag"], "properties": change})
    assert done.status_code == 200, done.text
    after = door.arm("GET", f"incidents/{name}").json()["properties"]
    assert (after["status"], after["owner"]["assignedTo"]) == ("Active", "Ann")
    assert after["additionalData"]["commentsCount"] == 1
    assert after["description"] == found["properties"]["description"]
    assert "replay" in after["description"].lower()


@pytest.mark.req("D-029")
def test_a_destination_is_switched_on_and_off(house: House) -> None:
    view = house.add()
    house.destinations.set_enabled(ADMIN, house.workspace, view.id, False)
    assert house.enqueue(RUN) == []
    assert house.deliverer.deliver_due() == Pass()
    assert house.remote() == {}
    house.destinations.set_enabled(ADMIN, house.workspace, view.id, True)
    assert house.enqueue(RUN)
    assert house.deliverer.deliver_due() == Pass(delivered=1)
    assert list(house.remote()) == [RUN.incident_id]
