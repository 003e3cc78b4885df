"""The outbox: written with what makes a delivery necessary, once for each destination that takes the detection."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.deliver.conftest import ADMIN, RUN, VALUES, House, run_number
from vedette.core.errors import NotFound
from vedette.core.workspaces import Workspaces
from vedette.deliver.outbox import DeliveryState, enqueue
from vedette.detect.alerts.alert import Outcome


def test_a_delivery_waits_for_each_destination(either_house: House) -> None:
    house = either_house
    destinations = [house.add("One"), house.add("Two")]
    assert len(house.enqueue()) == 2
    page = house.destinations.log.page(house.workspace)
    assert page.count == 2
    assert {entry.destination_id for entry in page.value} == {view.id for view in destinations}
    entry = page.value[0]
    assert (entry.state, entry.attempts, entry.under_way) == (DeliveryState.PENDING, 0, False)
    assert (entry.detection_id, entry.run_id, entry.title) == (RUN.detection_id, RUN.run_id, RUN.name)
    assert (entry.remote_key, entry.incident_number) == (RUN.incident_id, 17)
    assert entry.next_attempt_at == entry.created_at == house.clock.now()


@pytest.mark.req("D-057")
@pytest.mark.parametrize("outcome", [Outcome.NOT_MATCHED, Outcome.ERROR])
def test_only_the_outcome_matched_makes_a_delivery(house: House, outcome: Outcome) -> None:
    house.add()
    assert house.enqueue(replace(RUN, outcome=outcome)) == []
    assert house.drain() == 0
    assert house.remote() == {}


@pytest.mark.req("D-056")
def test_a_run_that_is_processed_again_makes_no_second_delivery(either_house: House) -> None:
    house = either_house
    house.add()
    first = house.enqueue()
    assert house.enqueue() == []
    assert house.drain() == 1
    assert house.enqueue() == []
    assert [entry.id for entry in house.destinations.log.page(house.workspace).value] == first


def test_a_destination_that_is_disabled_gets_nothing(house: House) -> None:
    view = house.add(enabled=False)
    assert house.enqueue() == []
    house.destinations.set_enabled(ADMIN, house.workspace, view.id, True)
    assert len(house.enqueue()) == 1


def test_it_is_written_with_the_transaction_or_not_at_all(house: House) -> None:
    house.add()
    with pytest.raises(RuntimeError, match="the incident failed"), house.state.session() as session:
        assert len(enqueue(session, house.workspace, RUN, house.clock)) == 1
        raise RuntimeError("the incident failed")
    assert house.destinations.log.page(house.workspace).count == 0


@pytest.mark.req("D-069")
def test_a_destination_may_take_some_detections_only(house: House) -> None:
    chosen = house.add("Chosen", detections=[RUN.detection_id, "other"])
    house.add("None", detections=[])
    every = house.add("Every")
    taken = house.enqueue(RUN)
    rest = house.enqueue(replace(RUN, detection_id="third", run_id="x"))
    assert {house.destinations.log.get(house.workspace, entry).destination_id for entry in taken} == {
        chosen.id,
        every.id,
    }
    assert [house.destinations.log.get(house.workspace, entry).destination_id for entry in rest] == [every.id]
    changed = house.destinations.update(ADMIN, house.workspace, chosen.id, detections=["third"])
    assert changed.detections == ("third",)
    assert house.view(every).detections is None
    changed = house.destinations.update(ADMIN, house.workspace, chosen.id, every_detection=True)
    assert changed.detections is None


def test_a_workspace_delivers_to_its_own_destinations(house: House) -> None:
    house.add()
    other = Workspaces(house.state, house.clock).create("other")
    theirs = house.destinations.create(ADMIN, other.id, "sentinel", "Theirs", VALUES)
    (delivery,) = house.enqueue(workspace=other.id)
    assert house.destinations.log.get(other.id, delivery).destination_id == theirs.id
    with pytest.raises(NotFound):
        house.destinations.log.get(house.workspace, delivery)


def test_the_log_is_paged_and_counted(house: House) -> None:
    view = house.add()
    for number in range(5):
        house.enqueue(run_number(number, incident_number=number))
        house.clock.advance(1)
    house.deliverer.deliver_due(limit=2)
    log = house.destinations.log
    page = log.page(house.workspace, top=2, skip=1)
    assert [entry.title for entry in page.value] == ["Detection 3", "Detection 2"]
    assert page.count == 5
    assert page.states == {
        DeliveryState.PENDING: 3,
        DeliveryState.DELIVERED: 2,
        DeliveryState.FAILED: 0,
        DeliveryState.CANCELLED: 0,
    }
    delivered = log.page(house.workspace, state=DeliveryState.DELIVERED)
    assert [entry.title for entry in delivered.value] == ["Detection 1", "Detection 0"]
    assert delivered.count == 2
    assert [entry.title for entry in log.page(house.workspace, incident_number=3).value] == ["Detection 3"]
    assert log.page(house.workspace, destination_id=view.id).count == 5
    assert log.page(house.workspace, destination_id="x").count == 0
    assert [entry.run_id for entry in log.page(house.workspace, run_id="run-2").value] == ["run-2"]
