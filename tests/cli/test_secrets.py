"""`vedette secrets`, and the same over the REST API: a rotation from end to end against the fake tenant, and what is due."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.api.conftest import AT, RULE_ID, Running, prepare, serving
from tests.api.test_delivery_reports import WS, cloud, destination, eventually
from tests.cli.conftest import Command
from tests.plugins.fake_tenant import CLIENT, SECRET, TENANT, WORKSPACE
from tests.plugins.secrecy import marked
from vedette.api.application import Application
from vedette.clients.azure_cloud import clouds_with
from vedette.core.clock import VirtualClock
from vedette.core.roles import SYSTEM
from vedette.core.settings import load_settings
from vedette.range.server import RangeServer
from vedette.range.state import ClientSecret

NEW = marked("rotated client secret")
TITLE = "client_secret of the destination 'Production'"


@pytest.fixture
def delivering(fake_tenant: RangeServer, tmp_path: Path) -> Iterator[Running]:
    with serving(tmp_path / "data", clouds_with({"Range": cloud(fake_tenant)})) as running:
        prepare(running, tmp_path / "files", run=False)
        yield running


def delivered(client: httpx.Client, count: int) -> None:
    eventually(
        lambda: [one["state"] for one in client.get(f"{WS}/deliveries").json()["value"]],
        lambda states: states == ["delivered"] * count,
    )


@pytest.mark.req("D-058", "D-085", "D-090")
def test_a_rotation_from_the_command_line(
    delivering: Running, fake_tenant: RangeServer, vedette: Command, tmp_path: Path
) -> None:
    data = ("--data", delivering.data)
    with delivering.client() as client:
        destination(client)
        listed = vedette("secrets", "list", "--json", *data)
        assert listed.code == 0, listed.err
        secrets = listed.json()
        assert sorted(one["owner"]["field"] for one in secrets) == ["client_id", "client_secret", "tenant_id"]
        mine = next(one for one in secrets if one["name"] == TITLE)
        assert mine["backend"] == "state"
        assert 88 <= mine["daysLeft"] <= 90
        directory = fake_tenant.tenant.directory(TENANT)
        assert directory is not None
        application = directory.application(CLIENT)
        assert application is not None
        application.secrets.append(ClientSecret(NEW, datetime.now(UTC) + timedelta(days=90)))

        wrong = vedette("secrets", "rotate", TITLE, *data, stdin=marked("wrong") + "\n")
        assert wrong.code == 0, wrong.err
        checked = vedette("secrets", "check", TITLE, *data)
        assert checked.code == 1
        assert "does not work" in checked.out
        assert "Authentication failed" in checked.out
        refused = vedette("secrets", "rotate", TITLE, "--finish", *data)
        assert refused.code == 1
        assert "was not tested with success" in refused.err

        begun = vedette("secrets", "rotate", TITLE, "--expires", "2099-01-31", *data, stdin=NEW + "\n")
        assert begun.code == 0, begun.err
        assert vedette("secrets", "rotate", TITLE, "--finish", *data).code == 1
        answer = client.post(f"{WS}/local/rules/run", json={"rule": RULE_ID, "at": AT})
        assert answer.status_code == 200, answer.text
        delivered(client, 1)
        assert "in use" in vedette("secrets", "list", *data).out
        ended = vedette("secrets", "rotate", TITLE, "--finish", *data)
        assert ended.code == 0, ended.err
        application.secrets[:] = [one for one in application.secrets if one.value == NEW]
        assert vedette("secrets", "check", TITLE, *data).code == 0
        shown = client.get(f"{WS}/destinations").json()["value"][0]
        assert shown["settings"]["client_secret_expires_on"] == "2099-01-31"
        everything = client.get(f"{WS}/secrets").text + json.dumps(shown) + listed.out + begun.out + ended.out
        assert NEW not in everything
        assert SECRET not in everything
        absent = vedette("secrets", "check", "client_secret of the destination 'Productoin'", *data)
        assert absent.code == 1
        assert TITLE in absent.err
        pasted = vedette("secrets", "check", NEW, *data)
        assert NEW not in pasted.err + pasted.out
    assert len(fake_tenant.tenant.workspace(WORKSPACE).incidents) == 1


@pytest.mark.req("D-085", "D-088")
@pytest.mark.parametrize(("days", "step"), [(29.5, 30), (13.5, 14), (2.5, 3), (-1, None)])
def test_what_is_due_is_told_once_a_day(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, days: float, step: int | None
) -> None:
    clock = VirtualClock(datetime(2026, 3, 1, 8, tzinfo=UTC))
    with Application(load_settings(data_dir=tmp_path / "data"), clock) as held:
        workspace = held.workspaces.default()
        services = held.services(workspace)
        values: dict[str, object] = {
            "tenant_id": TENANT, "client_id": CLIENT, "client_secret": SECRET, "subscription_id": CLIENT,
            "resource_group_name": "rg", "workspace_name": "law",
        }  # fmt: skip
        held.destinations.create(SYSTEM, workspace.id, "sentinel", "Production", values)
        assert services.secret_care.warn_of_due() == 0
        clock.advance(timedelta(days=90 - days).total_seconds())
        with caplog.at_level(logging.WARNING, "vedette.secrets"):
            assert services.secret_care.warn_of_due() == 1
            assert services.secret_care.warn_of_due() == 0
            clock.advance(86_400)
            assert services.secret_care.warn_of_due() == 1
        lines = [record.message for record in caplog.records if record.name == "vedette.secrets"]
        assert len(lines) == 2
        assert TITLE in lines[0]
        assert (f"within {step} days" if step else "was due") in lines[0]
        services.intake.flush(10)
        rows = services.logs.query("SentinelHealth | project Status, Reason, SentinelResourceName, Description").rows
        assert [row[:3] for row in rows] == [
            ["Warning", "SecretExpiring", "Production"] if step else ["Failure", "SecretExpired", "Production"]
        ] * 2
        assert SECRET not in str(rows) + str(lines)


@pytest.mark.req("D-053")
def test_the_replay_link_leads_to_the_run_with_its_query_range_and_rows(
    delivering: Running, fake_tenant: RangeServer
) -> None:
    with delivering.client() as client:
        destination(client)
        assert client.post(f"{WS}/local/rules/run", json={"rule": RULE_ID, "at": AT}).status_code == 200
        delivered(client, 1)
        run = client.get(f"{WS}/rules/{RULE_ID}/runs").json()["value"][0]
        query = client.get(f"{WS}/rules/{RULE_ID}").json()["query"]
    (incident,) = fake_tenant.tenant.workspace(WORKSPACE).incidents.values()
    link = next(
        line.removeprefix("Replay: ")
        for line in incident.properties["description"].splitlines()
        if line.startswith("Replay: ")
    )
    assert urlsplit(link).path == f"/w/default/runs/{run['id']}"
    with delivering.client() as client:
        shown = client.get(f"{WS}/rule-runs/{run['id']}").json()
        again = client.post(f"{WS}/rule-runs/{run['id']}/replay").json()
        assert client.get(f"{WS}/rule-runs/none").status_code == 404
    assert shown["query"] == query
    assert shown["run"] == run
    assert (again["same"], again["gone"], again["new"], again["meetsThreshold"]) == (True, [], [], True)
    assert again["now"]["rows"] == shown["asFound"]["rows"]
    assert shown["asFound"]["count"] == run["rows"] > 0
