"""A server over a data directory with a small campaign in it, for the tests of the API and of commands through a server."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from vedette.api.application import Application
from vedette.api.server import Server
from vedette.clients.azure_cloud import CLOUDS, AzureCloud
from vedette.core.settings import load_settings
from vedette.core.tls import pinned_context

ENTITIES = """\
entityMappings:
  - entityType: Account
    fieldMappings:
      - identifier: FullName
        columnName: UserPrincipalName
  - entityType: IP
    fieldMappings:
      - identifier: Address
        columnName: IPAddress
"""
"""Whose sign-in it was, and from where: lines of a rule over SigninLogs."""
RULE = (
    """
id: 6d2f2f0a-4c1c-4e0c-9a56-0b8f7d1f3a10
name: Sign-in from a country that nobody works in
kind: Scheduled
severity: High
description: A test rule.
queryFrequency: 1h
queryPeriod: 1d
triggerOperator: gt
triggerThreshold: 0
tactics: [InitialAccess]
relevantTechniques: [T1078]
query: |
  SigninLogs
  | where ResultType == 0 and Location == "KP"
version: 1.0.0
"""
    + ENTITIES
)
RULE_ID = "6d2f2f0a-4c1c-4e0c-9a56-0b8f7d1f3a10"
AT = "2026-03-01T12:00:00Z"


def rows() -> list[dict[str, object]]:
    """Sign-ins, one of them from a country that nobody works in."""
    ordinary = [
        {
            "TimeGenerated": f"2026-03-01T0{hour}:15:00.1234567Z",
            "UserPrincipalName": f"user{hour}@contoso.example",
            "IPAddress": f"192.0.2.{hour}",
            "Location": "PT",
            "ResultType": "0",
            "DeviceDetail": {"operatingSystem": "Windows", "isCompliant": True},
        }
        for hour in range(9)
    ]
    strange = {
        "TimeGenerated": "2026-03-01T11:00:00Z",
        "UserPrincipalName": "alex@contoso.example",
        "IPAddress": "203.0.113.7",
        "Location": "KP",
        "ResultType": "0",
        "Sneaky": "kept",
    }
    return [*ordinary, strange]


def campaign(folder: Path) -> tuple[Path, Path]:
    """The files of the campaign: logs and rules."""
    logs = folder / "SigninLogs" / "signins.jsonl"
    logs.parent.mkdir(parents=True, exist_ok=True)
    logs.write_text("".join(json.dumps(row) + "\n" for row in rows()), encoding="utf-8")
    rules = folder / "rules" / "country.yaml"
    rules.parent.mkdir(exist_ok=True)
    rules.write_text(RULE, encoding="utf-8")
    return logs, rules


@dataclass
class Running:
    """A server in this process."""

    application: Application
    server: Server
    data: Path

    def client(self) -> httpx.Client:
        """A client with the local operator's token."""
        record = self.application.directory.server()
        assert record is not None
        return httpx.Client(
            base_url=f"{record.url}/api/v1", headers={"Authorization": f"Bearer {record.token}"}, timeout=30,
            verify=True if record.certificate is None else pinned_context(record.certificate),
        )  # fmt: skip


@contextmanager
def serving(data: Path, clouds: Mapping[str, AzureCloud] = CLOUDS, **settings: object) -> Iterator[Running]:
    """A server over a data directory, stopped at the end."""
    application = Application(load_settings(data_dir=data, port=0, **settings), clouds=clouds)
    try:
        server = Server(application, "127.0.0.1", 0)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        deadline = time.monotonic() + 60
        while application.directory.server() is None:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield Running(application, server, data)
        server.stop()
        thread.join(timeout=60)
        assert not thread.is_alive()
    finally:
        application.close()


@contextmanager
def hung_up_on(running: Running, path: str, body: Mapping[str, object]) -> Iterator[None]:
    """A request of the local operator's who hangs up at the end of the block, without having read any of the answer."""
    record = running.application.directory.server()
    assert record is not None
    connection = http.client.HTTPConnection("127.0.0.1", running.server.port, timeout=60)
    headers = {"Authorization": f"Bearer {record.token}", "Content-Type": "application/json"}
    connection.request("POST", f"/api/v1{path}", json.dumps(body), headers)
    try:
        yield
    finally:
        connection.close()


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    """A server over an empty data directory."""
    with serving(tmp_path / "data") as held:
        yield held


def prepare(running: Running, folder: Path, *, run: bool = True) -> None:
    """Loads the logs, imports the rule and (with `run`) runs it."""
    logs, rules = campaign(folder)
    with running.client() as client:
        steps: list[tuple[str, dict[str, object]]] = [
            ("load", {"paths": [str(logs)]}),
            ("rules", {"paths": [str(rules)]}),
        ]
        if run:
            steps.append(("rules/run", {"rule": RULE_ID, "at": AT}))
        for path, body in steps:
            done = client.post(f"/workspaces/default/local/{path}", json=body)
            assert done.status_code == 200, done.text
        if run:
            assert len(done.json()["alerts"]) == 1


@pytest.fixture
def loaded(running: Running, tmp_path: Path) -> Running:
    """A server with logs, the rule, and one incident."""
    prepare(running, tmp_path / "files")
    return running
