"""Faults on demand, and the control page that puts them in force from another process."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.plugins.fake_tenant import TENANT, Door
from vedette.core.clock import SystemClock
from vedette.core.errors import InvalidInput
from vedette.core.tls import client_context
from vedette.range.faults import Fault, Faults, fault_from
from vedette.range.server import RangeServer

BODY = {"properties": {"title": "Test Incident", "severity": "Low", "status": "New"}}


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (401, "ExpiredAuthenticationToken"),
        (403, "AuthorizationFailed"),
        (404, "NotFound"),
        (409, "Conflict"),
        (429, "TooManyRequests"),
        (500, "InternalServerError"),
        (502, "BadGateway"),
        (503, "ServiceUnavailable"),
        (504, "GatewayTimeout"),
    ],
)
def test_a_status_of_azure_resource_manager(door: Door, status: int, code: str) -> None:
    token = door.token()
    fault = door.server.tenant.faults.add(Fault(status, retry_after=17))
    answer = door.arm("PUT", "incidents/a", BODY, token=token)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert answer.headers["retry-after"] == "17"
    assert fault.hits == 1
    assert door.server.tenant.workspace("law-sec-prod").incidents == {}
    assert door.arm("PUT", "incidents/a", BODY, token=token).status_code == 201


def test_a_status_of_the_token_service(door: Door) -> None:
    door.server.tenant.faults.add(Fault(503, path="*/oauth2/*"))
    answer = door.http.post(f"/{TENANT}/oauth2/v2.0/token", data={})
    assert answer.status_code == 503
    assert answer.json()["error_codes"] == [90033]


def test_only_what_fits_is_hit(door: Door) -> None:
    token = door.token()
    door.server.tenant.faults.add(Fault(500, method="PUT", path="*/INCIDENTS/b", times=None))
    assert door.arm("PUT", "incidents/a", BODY, token=token).status_code == 201
    assert door.arm("GET", "incidents/b", token=token).status_code == 404
    assert [door.arm("PUT", "incidents/b", BODY, token=token).status_code for _ in range(3)] == [500] * 3
    door.server.tenant.faults.clear()
    assert door.arm("PUT", "incidents/b", BODY, token=token).status_code == 201


def test_work_that_is_done_before_it_fails(door: Door) -> None:
    token = door.token()
    door.server.tenant.faults.add(Fault(504, after=True))
    assert door.arm("PUT", "incidents/a", BODY, token=token).status_code == 504
    assert door.arm("GET", "incidents/a", token=token).status_code == 200


def test_a_connection_that_breaks(door: Door) -> None:
    token = door.token()
    door.server.tenant.faults.add(Fault(broken=True))
    with pytest.raises(httpx.TransportError):
        door.arm("GET", "incidents", token=token)
    assert door.arm("GET", "incidents", token=token).status_code == 200


def test_a_slow_answer(door: Door) -> None:
    token = door.token()
    door.server.tenant.faults.add(Fault(delay=0.3))
    start = time.monotonic()
    assert door.arm("GET", "incidents", token=token).status_code == 200
    assert time.monotonic() - start >= 0.3


def test_a_probability_hits_the_same_requests_for_the_same_seed() -> None:
    def hits(seed: int) -> list[bool]:
        faults = Faults(random.Random(seed))
        faults.add(Fault(500, times=None, probability=0.5))
        return [faults.pick("GET", "/x") is not None for _ in range(200)]

    assert hits(1) == hits(1) != hits(2)
    assert 60 < sum(hits(1)) < 140


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({"stattus": 500}, "stattus"),
        ({"status": "500"}, "status"),
        ({"status": True}, "status"),
        ({"status": 200}, "status"),
        ({"method": None}, "method"),
        ({"probability": 2}, "probability"),
        ({"delay": -1}, "delay"),
        ({"after": 1}, "after"),
        ({"after": True}, "after"),
    ],
)
def test_a_fault_that_is_not_right_is_named(document: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        fault_from(document)
    assert caught.value.target == field


def test_a_fault_survives_its_json() -> None:
    fault = Fault(429, method="PUT", retry_after=3, times=None, after=True)
    document = fault.to_dict()
    for counted in ("hits", "id", "skipped"):
        del document[counted]
    assert fault_from(document) == Fault(429, method="PUT", retry_after=3, times=None, after=True)


@pytest.fixture(scope="module")
def controlled() -> Iterator[httpx.Client]:
    with (
        RangeServer(control_token="let-me-in", clock=SystemClock()) as server,
        httpx.Client(base_url=server.url, verify=client_context(server.ca_path), timeout=60) as http,
    ):
        yield http


def test_the_control_page(controlled: httpx.Client) -> None:
    headers = {"Authorization": "Bearer let-me-in"}
    made = controlled.post("/_range/faults", json={"status": 500, "path": "*/some/nothing"}, headers=headers)
    assert (made.status_code, made.json()["status"]) == (201, 500)
    assert controlled.get("/nothing").status_code == 404  # not hit: the path does not fit
    assert controlled.get("/some/nothing").status_code == 500
    assert controlled.get("/_range/faults", headers=headers).json()["value"][0]["hits"] == 1
    seen = controlled.get("/_range/requests", headers=headers).json()["value"]
    assert [(entry["path"], entry["status"]) for entry in seen] == [("/nothing", 404), ("/some/nothing", 500)]
    assert controlled.delete("/_range/faults", headers=headers).status_code == 204
    assert controlled.get("/some/nothing").status_code == 404
    wrong = controlled.post("/_range/faults", json={"stattus": 500}, headers=headers)
    assert (wrong.status_code, wrong.json()["error"]["hint"]) == (400, "Did you mean 'status'?")


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer other"}, {"Authorization": "Basic let-me-in"}])
def test_the_control_page_is_closed_to_others(controlled: httpx.Client, headers: dict[str, str]) -> None:
    assert controlled.get("/_range/faults", headers=headers).status_code == 401
    assert controlled.post("/_range/faults", json={}, headers=headers).status_code == 401
    assert controlled.get("/_range/requests", headers=headers).status_code == 401


def test_without_a_control_token_there_is_no_control_page(door: Door) -> None:
    assert door.http.get("/_range/faults", headers={"Authorization": "Bearer x"}).status_code == 404
