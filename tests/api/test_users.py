"""Users, roles, tokens, sessions and workspaces over the REST API, as an administrator, a user and a program meet them."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

from tests.api.conftest import serving
from vedette.api.application import Application
from vedette.api.server import create_app
from vedette.core.clock import VirtualClock
from vedette.core.roles import SYSTEM, Role
from vedette.core.settings import load_settings

API = "/api/v1"
ROOT, SOC = "root@example.com", "soc"
PASSWORD = "correct horse battery"


class Site:
    """An installation with an administrator and a second workspace."""

    def __init__(self, folder: Path, clock: VirtualClock) -> None:
        self.clock = clock
        self.application = Application(load_settings(data_dir=folder), clock)
        self.app = create_app(self.application)
        identity = self.application.identity
        identity.create_account("user", ROOT, by=SYSTEM)
        identity.grant(ROOT, Role.ADMINISTRATOR, by=SYSTEM)
        self.root = self.bearer(identity.create_token(ROOT, "tests", by=SYSTEM, days=None).text.reveal())
        assert self.root.post("/workspaces", json={"name": SOC}).status_code == 201

    def bearer(self, token: str) -> TestClient:
        return self._client({"Authorization": f"Bearer {token}"})

    def _client(self, headers: dict[str, str]) -> TestClient:
        return TestClient(self.app, base_url=f"http://localhost{API}", headers=headers)

    def signed_in(self, **body: str) -> TestClient:
        """A browser with a session."""
        client = self._client({"X-Vedette-Request": "test"})
        answer = client.post("/session", json=body)
        assert answer.status_code == 200, answer.text
        client.headers["Cookie"] = answer.headers["set-cookie"].split(";")[0]
        client.cookies.clear()  # a jar has no place for the cookies of `localhost`
        return client

    def user(self, name: str, *roles: dict[str, str]) -> dict[str, Any]:
        answer = self.root.post("/users", json={"name": name, "roles": list(roles)})
        assert answer.status_code == 201, answer.text
        body: dict[str, Any] = answer.json()
        return body

    def actions(self) -> list[str]:
        return [entry.action for entry in self.application.audit.entries(limit=10)]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("users") / "data", VirtualClock(datetime(2026, 3, 1, 12, tzinfo=UTC)))
    with made.application:
        yield made


def refused(answer: httpx.Response, status: int, code: str | None = None) -> None:
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert code is None or error["code"] == code
    assert error["message"].endswith((".", "?"))


def test_roles_are_of_workspaces(site: Site) -> None:
    made = site.user("ann", {"role": "Reader", "workspace": SOC})
    assert made["roles"] == [{"role": "Reader", "workspace": SOC}]
    token = site.root.post("/users/ann/tokens", json={"name": "x"}).json()["token"]
    ann = site.bearer(token)
    assert [one["name"] for one in ann.get("/workspaces").json()["value"]] == [SOC]
    assert ann.get(f"/workspaces/{SOC}/incidents").status_code == 200
    refused(ann.get("/workspaces/default/incidents"), 404)
    refused(ann.get("/workspaces/there-is-none/incidents"), 404)
    refused(ann.post("/users/ann/roles", json={"role": "Contributor", "workspace": SOC}), 403)
    refused(ann.get("/users"), 403)
    refused(ann.get(f"/users/{ROOT}"), 403)
    assert ann.get("/users/me").json()["name"] == "ann"
    done = site.root.post("/users/ann/roles", json={"role": "Contributor", "workspace": "default"}).json()
    assert {(one["role"], one["workspace"]) for one in done["roles"]} == {("Reader", SOC), ("Contributor", "default")}
    assert ann.get("/workspaces/default/incidents").status_code == 200
    assert site.root.delete("/users/ann/roles/Contributor?workspace=default").status_code == 200
    refused(site.root.delete("/users/ann/roles/Contributor?workspace=default"), 404)
    refused(ann.get("/workspaces/default/incidents"), 404)
    assert site.actions()[0] == "roles/revoke"


def test_an_administrator_of_a_workspace_gives_roles_there_alone(site: Site) -> None:
    site.user("head", {"role": "Administrator", "workspace": SOC})
    site.user("newcomer")
    head = site.bearer(site.root.post("/users/head/tokens", json={"name": "x"}).json()["token"])
    assert head.post("/users/newcomer/roles", json={"role": "Reader", "workspace": SOC}).status_code == 200
    for place in ({}, {"workspace": "default"}, {"workspace": "there-is-none"}):
        refused(head.post("/users/newcomer/roles", json={"role": "Reader", **place}), 403)
    refused(head.post("/workspaces", json={"name": "more"}), 403)
    refused(head.delete("/users/newcomer"), 403)


def test_an_account_is_made_whole_or_not_at_all(site: Site) -> None:
    refused(site.root.post("/users", json={"name": "half", "roles": [{"role": "Reader", "workspace": "nowhere"}]}), 404)
    refused(site.root.get("/users/half"), 404)
    refused(site.root.post("/users", json={"name": "half", "roles": [{"role": "Owner"}]}), 400)
    refused(site.root.post("/users", json={"name": "with space"}), 400)
    site.user("taken")
    refused(site.root.post("/users", json={"name": "TAKEN"}), 409)


def test_the_last_administrator_stays(site: Site) -> None:
    for answer in (
        site.root.delete(f"/users/{ROOT}/roles/Administrator"),
        site.root.patch(f"/users/{ROOT}", json={"enabled": False}),
        site.root.delete(f"/users/{ROOT}"),
    ):
        refused(answer, 409)
    assert site.root.get(f"/users/{ROOT}").json()["enabled"] is True


def test_a_link_a_password_and_the_sessions_of_both(site: Site) -> None:
    site.user("cleo", {"role": "Responder"})
    link = site.root.post("/users/cleo/sign-in", json={"minutes": 60}).json()
    assert link["expiresTimeUtc"].startswith("2026-03-01T13:")
    cleo = site.signed_in(token=link["link"].split("token=")[1])
    refused(cleo.post("/session", json={"token": link["link"].split("token=")[1]}), 401)
    # a user may set their own password in a session, which ends it
    assert cleo.post("/users/me/password", json={"password": PASSWORD}).json() == {"password": None}
    refused(cleo.get("/session"), 401)
    refused(site.root.post("/users/cleo/password", json={"password": "short"}), 400)
    cleo = site.signed_in(name="cleo", password=PASSWORD)
    other = site.signed_in(name="Cleo", password=PASSWORD)
    listed = cleo.get("/users/me/sessions").json()["value"]
    assert sorted(one["current"] for one in listed) == [False, True]
    away = next(one["id"] for one in listed if not one["current"])
    assert cleo.delete(f"/users/me/sessions/{away}").status_code == 204
    refused(other.get("/session"), 401)
    refused(cleo.delete(f"/users/me/sessions/{away}"), 404)
    assert cleo.get("/session").status_code == 200
    made = site.root.post("/users/cleo/password", json={}).json()["password"]
    assert len(made) == 20
    refused(cleo.get("/session"), 401)
    refused(site.bearer("x").post("/session", json={"name": "cleo", "password": PASSWORD}), 401)
    cleo = site.signed_in(name="cleo", password=made)
    assert site.root.delete("/users/cleo/sessions").status_code == 204
    refused(cleo.get("/session"), 401)
    assert site.root.delete("/users/cleo/password").status_code == 204
    refused(site.bearer("x").post("/session", json={"name": "cleo", "password": made}), 401)
    for body in ({}, {"name": "cleo"}, {"token": "x", "name": "cleo", "password": made}):
        refused(site.bearer("x").post("/session", json=body), 400)


def test_disabling_ends_everything_at_once(site: Site) -> None:
    site.user("dora", {"role": "Reader"})
    site.root.post("/users/dora/password", json={"password": PASSWORD})
    dora = site.signed_in(name="dora", password=PASSWORD)
    program = site.bearer(site.root.post("/users/dora/tokens", json={"name": "x"}).json()["token"])
    assert program.get("/session").status_code == 200
    assert site.root.patch("/users/dora", json={"enabled": False}).json()["enabled"] is False
    refused(dora.get("/session"), 401)
    refused(program.get("/session"), 401, "VDT0435")
    refused(site.root.post("/users/dora/sign-in", json={}), 409)
    site.root.patch("/users/dora", json={"enabled": True, "displayName": "Dora D."})
    assert program.get("/users/me").json()["displayName"] == "Dora D."
    assert site.root.delete("/users/dora").status_code == 204
    refused(program.get("/session"), 401)


def test_a_token_has_scope_and_end_and_makes_no_other(site: Site) -> None:
    made = site.root.post("/users", json={"name": "shipper", "kind": "client", "roles": [{"role": "Contributor"}]})
    assert made.json()["kind"] == "client"
    refused(site.root.post("/users/shipper/sign-in", json={}), 409)
    body = {"name": "logs", "permissions": ["rules/read", "data/ingest"], "workspaces": [SOC], "days": 1}
    answer = site.root.post("/users/shipper/tokens", json=body)
    assert answer.headers["cache-control"] == "no-store"
    token = answer.json()
    program = site.bearer(token["token"])
    assert program.get(f"/workspaces/{SOC}/rules").status_code == 200
    refused(program.get(f"/workspaces/{SOC}/incidents"), 403)
    refused(program.get("/workspaces/default/rules"), 404)
    refused(program.post("/users/me/tokens", json={"name": "wider"}), 403)
    (listed,) = site.root.get("/users/shipper/tokens").json()["value"]
    assert "token" not in listed
    assert (listed["workspaces"], sorted(listed["permissions"])) == ([SOC], ["data/ingest", "rules/read"])
    site.clock.advance(timedelta(days=1).total_seconds())
    refused(program.get(f"/workspaces/{SOC}/rules"), 401, "VDT0434")
    assert site.root.get("/users/shipper/tokens").json()["value"][0]["expired"] is True
    lasting = site.root.post("/users/shipper/tokens", json={"name": "lasting", "days": None}).json()
    assert lasting["expiresTimeUtc"] is None
    refused(site.root.delete(f"/users/ann/tokens/{lasting['id']}"), 404)
    assert site.root.delete(f"/users/shipper/tokens/{lasting['id']}").json()["revokedTimeUtc"] is not None
    refused(site.bearer(lasting["token"]).get("/session"), 401, "VDT0433")
    for wrong in ({"days": 0}, {"days": 731}, {"permissions": []}, {"permissions": ["x"]}, {"workspaces": ["nowhere"]}):
        refused(site.root.post("/users/shipper/tokens", json={"name": "no", **wrong}), 400)


def test_a_workspace_is_archived_restored_and_deleted_for_good(site: Site) -> None:
    made = site.root.post("/workspaces", json={"name": "Short-Lived", "displayName": "For a while"}).json()
    assert site.root.get("/workspaces/short-lived").json()["displayName"] == "For a while"
    folder = site.application.directory.workspace(made["id"])
    assert site.root.put("/workspaces/short-lived/tables/T_CL", json={"columns": []}).status_code == 201
    assert folder.exists()
    site.user("eve", {"role": "Reader", "workspace": "short-lived"})
    refused(site.root.delete("/workspaces/short-lived"), 409)
    assert site.root.post("/workspaces/short-lived/archive").json()["archivedTimeUtc"] is not None
    refused(site.root.get("/workspaces/short-lived/incidents"), 409, "VDT0441")
    assert "Short-Lived" not in [one["name"] for one in site.root.get("/workspaces").json()["value"]]
    assert "Short-Lived" in [one["name"] for one in site.root.get("/workspaces?archived=true").json()["value"]]
    site.root.post("/workspaces/short-lived/restore")
    assert site.root.get("/workspaces/short-lived/tables/T_CL").status_code == 200
    site.root.post("/workspaces/short-lived/archive")
    assert site.root.delete("/workspaces/short-lived").status_code == 204
    assert not folder.exists()
    refused(site.root.get("/workspaces/short-lived"), 404)
    assert site.root.get("/users/eve").json()["roles"] == []
    refused(site.root.post("/workspaces/default/archive"), 409)
    refused(site.root.post("/workspaces", json={"name": "no spaces"}), 400)


def test_a_running_server_works_in_a_workspace_from_the_moment_it_is_made(tmp_path: Path) -> None:
    def at_work() -> set[str]:
        return {one.name for one in threading.enumerate() if one.name.endswith(" of fresh")}

    with serving(tmp_path / "data") as running, running.client() as client:
        assert client.get("/workspaces/default/rules").status_code == 200
        made = client.post("/workspaces", json={"name": "fresh"})
        assert made.status_code == 201, made.text
        rows = client.post("/workspaces/fresh/query", json={"query": "print 1"})
        assert rows.json()["rows"] == [[1]]
        deadline = time.monotonic() + 60
        while "scheduler of fresh" not in at_work():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert client.post("/workspaces/fresh/archive").status_code == 200
        assert client.delete("/workspaces/fresh").status_code == 204
        assert at_work() == set()
