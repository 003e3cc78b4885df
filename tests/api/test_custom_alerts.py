"""Alerts that people set up: rules of their own, rules that ship, and what products of other vendors detect."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.conftest import Running, serving
from tests.cli.conftest import Command, vedette
from vedette.content.templates import template
from vedette.core.accounts import local_operator
from vedette.core.roles import Role
from vedette.detect.as_code.rule_tests import test_cases as cases_of

__all__ = ["vedette"]
WS = "/workspaces/default"
CUSTOM = """
id: 5f0c5e0d-9d41-4b6b-9a77-1f5f3c2b1a01
name: Payment to an account that is new
kind: Scheduled
severity: High
description: A payment of more than ten thousand to an account without earlier payments. Call who approved it.
queryFrequency: 5m
queryPeriod: 1h
triggerOperator: gt
triggerThreshold: 0
tactics: [Impact]
relevantTechniques: [T1657]
query: |
  Payments_CL
  | where Amount > 10000 and FirstPayment
entityMappings:
  - entityType: Account
    fieldMappings:
      - identifier: FullName
        columnName: ApprovedBy
customDetails:
  Amount: Amount
alertDetailsOverride:
  alertDisplayNameFormat: "{{ApprovedBy}} pays {{Amount}} to a new account"
  alertDynamicProperties:
    - alertProperty: RemediationSteps
      value: WhatToDo
version: 1.0.0
"""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Running]:
    """A server that hears syslog over TCP."""
    with serving(tmp_path / "data", syslog_tcp=0) as held:
        yield held


def someone(site: Running, name: str, role: Role) -> httpx.Client:
    """A client of somebody with a role in the workspace."""
    identity, operator = site.application.identity, local_operator()
    identity.create_account("user", name, by=operator)
    identity.grant(name, role, site.application.workspace("default").id, by=operator)
    token = identity.create_token(name, "test", by=operator, days=1).text.reveal()
    record = site.application.directory.server()
    assert record is not None
    return httpx.Client(base_url=f"{record.url}/api/v1", headers={"Authorization": f"Bearer {token}"}, timeout=60)


def until(client: httpx.Client, query: str, count: int) -> None:
    """Waits until a query finds so many rows."""
    deadline = time.monotonic() + 60
    while True:
        answer = client.post(f"{WS}/query", json={"query": query})
        if answer.status_code == 200 and len(answer.json()["rows"]) == count:
            return
        assert time.monotonic() < deadline, answer.text
        time.sleep(0.05)


@pytest.mark.req("T-007")
def test_somebody_sets_up_an_alert_of_their_own(site: Running, vedette: Command) -> None:
    files = [{"name": "payments.yaml", "content": CUSTOM}]
    with (
        someone(site, "kim", Role.CONTRIBUTOR) as kim,
        someone(site, "rae", Role.READER) as rae,
        site.client() as operator,
    ):
        assert rae.post(f"{WS}/rules/import", json={"files": files}).status_code == 403
        made = kim.post(f"{WS}/rules/import", json={"files": files}).json()
        assert [one["outcome"] for one in made["imported"]] == ["added"]
        assert [one["missing"][0]["name"] for one in made["broken"]] == ["Payments_CL"], "its table is still to come"

        rows = [
            {"Amount": 25_000, "FirstPayment": True, "ApprovedBy": "ann@firm.example", "WhatToDo": "Call the bank.\nHold the payment."},
            {"Amount": 25_000, "FirstPayment": False, "ApprovedBy": "bob@firm.example"},
            {"Amount": 90, "FirstPayment": True, "ApprovedBy": "cid@firm.example"},
        ]  # fmt: skip
        assert operator.post(f"{site.server.url}/ingest/Payments_CL", json=rows).is_success
        until(kim, "Payments_CL", 3)
        # Through the command line, as the server runs; the rule by its name.
        by = ("--rule", "Payment to an account that is new", "--at", datetime.now(UTC).isoformat())
        run = vedette("rules", "run", *by, "--data", site.data, "--format", "json")
        [alert] = [json.loads(line) for line in run.out.splitlines()]
        assert (alert["rule"], alert["rows"]) == ("Payment to an account that is new", 1)
        query = "SecurityAlert | where AlertName has 'pays' | project AlertName, AlertSeverity"
        told = vedette("query", query, "--data", site.data, "--format", "csv").out.splitlines()
        assert told == ["AlertName,AlertSeverity", "ann@firm.example pays 25000 to a new account,High"]
        [incident] = kim.get(f"{WS}/incidents", params={"q": "pays"}).json()["value"]
        assert incident["entityNames"] == ["ann@firm.example"]
        todo = kim.get(f"{WS}/incidents/{incident['number']}/take-action").json()
        assert todo["mitigate"][0]["steps"] == ["Call the bank.", "Hold the payment."]
        kept = kim.get(f"{WS}/incidents/{incident['number']}").json()["alerts"][0]
        assert kept["customDetails"] == {"Amount": ["25000"]}
        # Its schedule is its own, too: the coverage goes on from here.
        assert kim.get(f"{WS}/rules/{made['imported'][0]['id']}").json()["nextRunTimeUtc"] is not None


@pytest.mark.req("P-059", "P-099")
def test_what_a_product_of_another_vendor_detects_is_an_incident_beside_the_others(site: Running) -> None:
    line = (
        "<134>1 2026-03-01T12:00:00Z nids01 - - - - CEF:0|Arista Networks|Awake Security|4.1.1|2418947b|C2: Beacons to live servers|6|"
        "src=192.0.2.142 shost=pc-142 suser=dan@firm.example dst=203.0.113.72 dhost=bad.example cnt=14\n"
    )
    with site.client() as client:
        added = client.post(f"{WS}/rule-templates/Detection of another vendor's product")
        assert added.status_code == 201, added.text
        # An incident of a rule of one's own about the same account.
        client.post(f"{WS}/rules/import", json={"files": [{"name": "payments.yaml", "content": CUSTOM}]})
        paid = {"Amount": 11_000, "FirstPayment": True, "ApprovedBy": "dan@firm.example", "WhatToDo": ""}
        assert client.post(f"{site.server.url}/ingest/Payments_CL", json=paid).is_success
        until(client, "Payments_CL | where ApprovedBy == 'dan@firm.example'", 1)
        client.post(f"{WS}/rules/run", json={"ruleId": "5f0c5e0d-9d41-4b6b-9a77-1f5f3c2b1a01"})
        before = {one["number"] for one in client.get(f"{WS}/incidents").json()["value"]}
        [own] = [
            one["number"] for one in client.get(f"{WS}/incidents", params={"q": "dan@firm.example"}).json()["value"]
        ]
        assert site.server.listeners is not None
        with socket.create_connection(("127.0.0.1", site.server.listeners.ports["tcp"]), timeout=60) as sender:
            sender.sendall(line.encode())
        until(client, "CommonSecurityLog", 1)
        run = client.post(f"{WS}/rules/run", json={"ruleId": added.json()["id"]}).json()
        [number] = run["incidents"]
        listed = {one["number"]: one for one in client.get(f"{WS}/incidents").json()["value"]}
        assert set(listed) == before | {number}
        mine = listed[number]
        assert mine["title"] == "Arista Networks Awake Security: C2: Beacons to live servers"
        assert mine["alertProductNames"] == ["Arista Networks Awake Security"]
        assert set(mine["entityNames"]) >= {"192.0.2.142", "203.0.113.72", "bad.example"}
        # Both are in its graph by themselves, tied by what they share.
        graph = client.get(f"{WS}/incidents/{number}/graph").json()
        assert {node["number"] for node in graph["nodes"] if node["kind"] == "incident"} >= {number, own}
        assert {node["name"] for node in graph["nodes"] if node["kind"] == "alert"} >= {mine["title"]}
        assert "dan@firm.example" in {node["name"] for node in graph["nodes"] if node["kind"] == "entity"}
        [found] = client.get(f"{WS}/incidents", params={"q": "Awake"}).json()["value"]
        assert found["number"] == number
        rows = client.post(
            f"{WS}/query", json={"query": "SecurityAlert | where ProductName has 'Awake' | project ProviderName"}
        )
        assert rows.json()["rows"] == [["Arista Networks"]]


@pytest.mark.req("D-087")
def test_the_sign_ins_of_an_app_registration_are_watched(site: Running) -> None:
    shipped = template("Unusual sign-ins of an application")
    case = cases_of(shipped.read.rule)[0]
    shift = datetime.now(UTC) - case.now
    rows: list[dict[str, Any]] = []
    for row in case.tables["AADServicePrincipalSignInLogs"]:
        at = datetime.fromisoformat(str(row["TimeGenerated"]).replace("Z", "+00:00")) + shift
        rows.append({**row, "TimeGenerated": (at - timedelta(seconds=5)).isoformat()})
    with site.client() as client:
        told = client.get(f"{WS}/rule-templates/{shipped.read.rule.id}").json()
        assert told["inUse"] is False
        assert told["missingTables"] == ["AADServicePrincipalSignInLogs"]
        assert told["content"] == shipped.text
        assert client.post(f"{WS}/rule-templates/{shipped.read.rule.id}").status_code == 201
        assert client.post(f"{site.server.url}/ingest/AADServicePrincipalSignInLogs", json=rows).is_success
        until(client, "AADServicePrincipalSignInLogs", len(rows))
        run = client.post(f"{WS}/rules/run", json={"ruleId": shipped.read.rule.id}).json()
        [number] = run["incidents"]
        assert client.get(f"{WS}/incidents/{number}").json()["title"] == (
            "siem-to-sentinel signs in from BR; uses another credential"
        )
        listed = {one["name"]: one for one in client.get(f"{WS}/rule-templates").json()["value"]}
        assert listed["Unusual sign-ins of an application"]["inUse"] is True
        assert listed["Unusual sign-ins of an application"]["missingTables"] == []
        again = client.post(f"{WS}/rule-templates/{shipped.read.rule.id}").json()
        assert again["unchanged"] == [shipped.read.rule.id]
        assert client.get(f"{WS}/rule-templates/Unusual sign-in of applications").status_code == 404
