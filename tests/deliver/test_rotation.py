"""Rotation of a destination's secret: two values at once, the new one tried by a run by hand, the old one kept until then."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.deliver.conftest import ADMIN, READER, House, run_number
from tests.plugins.fake_tenant import CLIENT, SECRET, TENANT
from tests.plugins.secrecy import marked
from vedette.core.errors import Conflict, Forbidden, InvalidInput
from vedette.core.roles import Role
from vedette.deliver.detection import DetectionRun
from vedette.detect.alerts.alert import RunType
from vedette.range.faults import Fault
from vedette.range.state import Application, ClientSecret

NEW = marked("rotated client secret")
WRONG = "Wr0ng~0123456789abcdefghijklmnopqrstuvw"


def reference(house: House, name: str = "client_secret") -> str:
    return next(one.reference for one in house.secrets.list(house.workspace) if one.name.endswith(name))


def in_use(house: House) -> str:
    return house.secrets.get(reference(house), workspace_id=house.workspace).reveal()


def by_hand(number: int) -> DetectionRun:
    return replace(run_number(number), run_type=RunType.MANUAL)


def application(house: House) -> Application:
    directory = house.server.tenant.directory(TENANT)
    assert directory is not None
    found = directory.application(CLIENT)
    assert found is not None
    return found


def give_new_secret(house: House) -> None:
    application(house).secrets.append(ClientSecret(NEW, house.clock.now() + timedelta(days=90)))


@pytest.mark.req("D-090", "D-058")
def test_the_old_secret_serves_until_a_run_by_hand_has_used_the_new_one(house: House) -> None:
    house.add()
    give_new_secret(house)
    house.secrets.stage(reference(house), NEW)
    house.enqueue(run_number(1))
    house.drain()
    assert in_use(house) == SECRET
    with pytest.raises(Conflict, match="was not tested"):
        house.secrets.finish(reference(house))
    house.enqueue(by_hand(2))
    house.drain()
    assert in_use(house) == NEW
    house.secrets.finish(reference(house))
    application(house).secrets[:] = [one for one in application(house).secrets if one.value == NEW]
    house.server.tenant.requests.clear()
    house.openings.close()
    house.enqueue(run_number(3))
    assert house.drain() == 1
    assert len(house.remote()) == 3


@pytest.mark.req("D-090")
def test_a_new_secret_that_is_refused_interrupts_nothing(house: House) -> None:
    house.add()
    house.secrets.stage(reference(house), WRONG)
    house.enqueue(by_hand(1))
    assert house.drain() == 1  # delivered at the first attempt, with the old one
    assert len(house.remote()) == 1
    (info,) = [one for one in house.secrets.list(house.workspace) if one.reference == reference(house)]
    assert info.rotation is not None
    assert info.rotation.verified_at is None
    assert "Authentication failed" in (info.rotation.problem or "")
    assert WRONG not in (info.rotation.problem or "")
    with pytest.raises(Conflict) as refused:
        house.secrets.finish(reference(house))
    assert "Authentication failed" in (refused.value.hint or "")
    house.secrets.cancel(reference(house))
    assert in_use(house) == SECRET
    with pytest.raises(Conflict, match="No rotation"):
        house.secrets.cancel(reference(house))


def test_a_rotation_that_works_can_be_taken_back(house: House) -> None:
    house.add()
    give_new_secret(house)
    house.secrets.stage(reference(house), NEW)
    house.enqueue(by_hand(1))
    house.drain()
    with pytest.raises(Conflict, match="waits for its end"):
        house.secrets.stage(reference(house), WRONG)
    house.secrets.cancel(reference(house))
    assert in_use(house) == SECRET


def test_trouble_of_the_network_says_nothing_about_a_secret(house: House) -> None:
    house.add()
    give_new_secret(house)
    house.secrets.stage(reference(house), NEW)
    house.server.tenant.faults.add(Fault(service="arm", status=503, times=1))
    house.enqueue(by_hand(1))
    house.drain()
    assert in_use(house) == NEW
    assert len(house.remote()) == 1


def test_a_staged_value_is_encrypted_and_bound_to_its_place(house: House) -> None:
    house.add()
    house.secrets.stage(reference(house), NEW)
    with house.state.engine.connect() as connection:
        raw = connection.connection.driver_connection
        dumped = "".join(str(row) for row in raw.execute("select * from secret_rotations"))  # type: ignore[union-attr]
    assert NEW not in dumped
    assert house.secrets.rotate_key() >= 3
    assert house.secrets.get(reference(house), workspace_id=house.workspace, staged=True).reveal() == NEW


def test_a_link_needs_the_right_to_every_secret(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VEDETTE_SECRET_SENTINEL", SECRET)
    made = house.add(values={"client_secret": "secretref:environment:SENTINEL"})
    assert in_use(house) == SECRET
    assert "secretref:environment:" in reference(house)
    house.enqueue()
    assert house.drain() == 1
    contributor = replace(READER, roles_by_workspace={house.workspace: frozenset({Role.CONTRIBUTOR})})
    with pytest.raises(Forbidden):
        house.destinations.update(
            contributor, house.workspace, made.id, values={"client_secret": "secretref:environment:SENTINEL"}
        )
    for wrong in (
        "secretref:state:x",
        "secretref:environment:",
        "secretref:environment:a/b",
        "secretref:environment:vedette-1",
    ):
        with pytest.raises(InvalidInput):
            house.destinations.update(ADMIN, house.workspace, made.id, values={"client_secret": wrong})
