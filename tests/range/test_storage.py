"""A tenant in a file, the control page's other levers, and the command."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.plugins.fake_tenant import CLIENT, SECRET, TENANT
from tests.range.conftest import COLLECTOR, RESPONDER
from vedette.cli.log_engine import StoreLogEngine
from vedette.core.clock import SystemClock
from vedette.core.errors import InvalidInput, Unavailable
from vedette.core.tls import client_context
from vedette.range.seed import CONTOSO, plant, read_seed
from vedette.range.server import RangeServer
from vedette.range.state import FakeTenant
from vedette.range.storage import SqliteStorage

HEADERS = {"Authorization": "Bearer let-me-in"}


def token(http: httpx.Client, who: tuple[str, str], resource: str) -> dict[str, str]:
    form = {
        "grant_type": "client_credentials",
        "client_id": who[0],
        "client_secret": who[1],
        "scope": f"{resource}/.default",
    }
    answer = http.post(f"/{TENANT}/oauth2/v2.0/token", data=form)
    assert answer.status_code == 200, answer.text
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


def client(server: RangeServer) -> httpx.Client:
    return httpx.Client(base_url=server.url, verify=client_context(server.ca_path), timeout=60)


def test_what_was_changed_is_there_after_a_restart(tmp_path: Path) -> None:
    graph, arm = "https://graph.microsoft.com", "https://management.azure.com"
    insights = (
        "/subscriptions/3f0d3c52-6d1a-4a7e-8f53-9d6c1c2b7e10/resourceGroups/rg-sec-prod/providers/"
        "Microsoft.OperationalInsights/workspaces/law-sec-prod/providers/Microsoft.SecurityInsights"
    )
    body = {"properties": {"title": "kept", "severity": "Low", "status": "New"}}
    monitor = "https://monitor.azure.com"
    rows = "/dataCollectionRules/dcr-5f2c1b0a9e8d7c6b5a4f3e2d1c0b9a88/streams/Custom-Findings_CL?api-version=2023-01-01"
    storage = SqliteStorage(tmp_path / "range.db")
    with RangeServer(storage=storage, log_engine=StoreLogEngine()) as server, client(server) as http:
        headers = token(http, RESPONDER, graph)
        http.patch("/v1.0/security/alerts_v2/ad0002", json={"status": "resolved"}, headers=headers)
        http.patch("/v1.0/users/megan@contoso.example", json={"accountEnabled": False}, headers=headers)
        made = http.put(
            f"{insights}/incidents/i?api-version=2024-09-01", json=body, headers=token(http, RESPONDER, arm)
        ).json()
        sent = http.post(rows, json=[{"Finding": "x"}], headers=token(http, (CLIENT, SECRET), monitor))
        assert sent.status_code == 204
        http.delete("/v1.0/security/tiIndicators/none", headers=headers)
    storage.close()
    storage = SqliteStorage(tmp_path / "range.db")
    with RangeServer(storage=storage, log_engine=StoreLogEngine(), seed={}) as server, client(server) as http:
        headers = token(http, RESPONDER, graph)
        listed = http.get("/v1.0/security/alerts_v2", headers=headers).json()["value"]
        assert [(each["id"], each["status"]) for each in listed] == [("ad0002", "resolved"), ("da0001_1", "new")]
        assert server.tenant.directories[0].users[0].properties["accountEnabled"] is False
        told = http.get(f"{insights}/incidents/i?api-version=2024-09-01", headers=token(http, RESPONDER, arm)).json()
        assert told == made
        answer = http.post(
            "/v1/workspaces/9a4d2f6e-13f7-4d0b-8c1e-6b7a5d4c3b2a/query",
            json={"query": "Findings_CL | count"},
            headers=token(http, COLLECTOR, "https://api.loganalytics.io"),
        ).json()
        assert answer["tables"][0]["rows"] == [[1]]
        changed = http.put(
            f"{insights}/incidents/i?api-version=2024-09-01",
            json={**body, "etag": made["etag"]},
            headers=token(http, RESPONDER, arm),
        ).json()
        assert changed["etag"] != made["etag"]
    storage.close()


def test_a_file_that_is_something_else(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_text("no database, but a text that is long enough to be looked at")
    with pytest.raises(InvalidInput, match="no state"):
        SqliteStorage(tmp_path / "x.db")
    with pytest.raises(Unavailable, match="cannot be kept"):
        SqliteStorage(tmp_path / "nowhere" / "x.db")


@pytest.fixture
def controlled() -> Iterator[tuple[RangeServer, httpx.Client]]:
    with RangeServer(control_token="let-me-in", clock=SystemClock()) as server, client(server) as http:
        yield server, http


def test_the_control_page_moves_the_clock(controlled: tuple[RangeServer, httpx.Client]) -> None:
    _, http = controlled
    headers = token(http, COLLECTOR, "https://graph.microsoft.com")
    assert http.get("/v1.0/security/alerts_v2", headers=headers).status_code == 200
    answer = http.post("/_range/clock", json={"skew": 4000, "service": "graph"}, headers=HEADERS)
    assert answer.json()["skews"] == {"graph": 4000}
    assert http.get("/v1.0/security/alerts_v2", headers=headers).status_code == 401
    http.post("/_range/clock", json={"skew": 0, "service": "graph"}, headers=HEADERS)
    http.post("/_range/clock", json={"advance": 91 * 86_400}, headers=HEADERS)
    form = {"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": SECRET, "scope": "x/.default"}
    assert http.post(f"/{TENANT}/oauth2/v2.0/token", data=form).json()["error_codes"] == [7000222]
    for wrong in ({"skew": "1"}, {"skew": 1e12}, {"service": "x"}, {"step": 1}):
        assert http.post("/_range/clock", json=wrong, headers=HEADERS).status_code == 400


def test_the_control_page_changes_permissions_and_settings(controlled: tuple[RangeServer, httpx.Client]) -> None:
    server, http = controlled
    change = {
        "application": COLLECTOR[0],
        "revoke": ["securityalert.read.all", "SecurityIncident.Read.All"],
        "grant": ["Mail.Read"],
    }
    told = http.post("/_range/permissions", json=change, headers=HEADERS).json()
    assert "Mail.Read" in told["app_roles"]
    headers = token(http, COLLECTOR, "https://graph.microsoft.com")
    assert http.get("/v1.0/security/alerts_v2", headers=headers).status_code == 403
    unknown = http.post("/_range/permissions", json={"application": "x"}, headers=HEADERS)
    assert unknown.status_code == 404
    settings = {"token_lifetime": 900, "operation_seconds": 2.5, "graph_limits": {"security": 150}}
    assert http.post("/_range/settings", json=settings, headers=HEADERS).json() == settings
    assert (server.tenant.token_lifetime, server.tenant.graph_limits) == (900, {"security": 150})
    assert http.post("/_range/settings", json={"graph_limits": {"security": "x"}}, headers=HEADERS).status_code == 400


def test_the_control_page_seeds_and_starts_over(controlled: tuple[RangeServer, httpx.Client]) -> None:
    server, http = controlled
    more: dict[str, Any] = {"servicenow": {"tables": {"incident": [{"number": "INC0020000"}]}}}
    assert http.post("/_range/seed", json=more, headers=HEADERS).status_code == 204
    assert len(server.tenant.documents.of("servicenow", "table", "incident")) == 1
    assert http.post("/_range/seed", json={"servicenow": {"tables": 1}}, headers=HEADERS).status_code == 400
    fault = http.post("/_range/faults", json={"status": 500}, headers=HEADERS).json()
    assert http.delete(f"/_range/faults/{fault['id']}", headers=HEADERS).status_code == 204
    assert http.delete(f"/_range/faults/{fault['id']}", headers=HEADERS).status_code == 404
    assert http.post("/_range/reset", headers=HEADERS).status_code == 204
    assert len(server.tenant.documents.of("servicenow", "table", "incident")) == 0
    assert http.get("/_range/requests", headers=HEADERS).json()["value"] == []
    assert http.delete("/_range/requests", headers=HEADERS).status_code == 204
    assert http.post("/_range/reset", headers={}).status_code == 401


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.json", "[", "cannot be read"),
        ("a.yaml", "a: [", "cannot be read"),
        ("a.yaml", "- 1", "not an object"),
        ("a.yaml", "!!python/object/apply:os.system ['true']", "cannot be read"),
    ],
)
def test_a_seed_file_that_is_none(tmp_path: Path, name: str, text: str, words: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(InvalidInput, match=words):
        read_seed(tmp_path / name)


def test_yaml_and_json_say_the_same(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(CONTOSO))
    (tmp_path / "a.yaml").write_text(yaml.safe_dump(CONTOSO))
    (tmp_path / "b.yaml").write_text("servicenow: {tables: {incident: [{opened_at: 2026-03-04 10:00:00}]}}")
    assert read_seed(tmp_path / "a.json") == read_seed(tmp_path / "a.yaml") == CONTOSO
    assert read_seed(tmp_path / "b.yaml")["servicenow"]["tables"]["incident"] == [{"opened_at": "2026-03-04 10:00:00"}]


@pytest.mark.parametrize(
    "part",
    [
        {"resources": [{"id": "/subscriptions/other/x"}]},
        {"data_collection_rules": [{"immutable_id": "dcr-" + "0" * 32, "workspace": "no", "streams": {}}]},
        {"resource_groups": [{"name": "g", "workspaces": [{"name": "w", "related": {"i": ["e"]}}]}]},
        {"resource_groups": [{"name": "g", "workspaces": [{"name": "w", "incidents": [{"name": "i"}]}]}]},
    ],
)
def test_parts_of_a_seed_that_do_not_fit(part: dict[str, Any]) -> None:
    document = {
        **CONTOSO,
        "subscriptions": [{**CONTOSO["subscriptions"][0], "resources": [], "data_collection_rules": [], **part}],
    }
    with pytest.raises(InvalidInput):
        plant(FakeTenant(SystemClock()), document)


def test_the_command(tmp_path: Path) -> None:
    seed = tmp_path / "more.yaml"
    seed.write_text(yaml.safe_dump(CONTOSO))
    command = [
        sys.executable,
        "-c",
        "from vedette.cli.main import main; main()",
        "range",
        "serve",
        "--port",
        "0",
        "--json",
    ]
    command += ["--ca-out", str(tmp_path / "ca.pem"), "--seed", str(seed), "--state", str(tmp_path / "s.db")]
    command += ["--clock-skew", "-86400"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        assert told["ca"] == str(tmp_path / "ca.pem")
        with httpx.Client(base_url=told["url"], verify=client_context(tmp_path / "ca.pem"), timeout=30) as http:
            headers = token(http, COLLECTOR, "https://graph.microsoft.com")
            assert len(http.get("/v1.0/security/alerts", headers=headers).json()["value"]) == 1
            clock = http.get("/_range/clock", headers={"Authorization": f"Bearer {told['control_token']}"}).json()
            assert clock["skews"] == {"*": -86400}
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()


def test_the_command_says_what_is_wrong(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-c",
        "from vedette.cli.main import main; main()",
        "range",
        "serve",
        "--seed",
        str(tmp_path / "no.json"),
    ]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60)
    assert done.returncode == 1 or done.returncode == 2
    assert "no.json cannot be read" in done.stderr.replace("\n", "")
    assert "Traceback" not in done.stderr
