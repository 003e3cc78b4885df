"""`vedette connectors`, with and without a server, against the fake tenant."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.collect.connecting import V2
from tests.collect.test_codeless import DEFINITION
from tests.plugins.fake_tenant import TENANT
from tests.range.conftest import COLLECTOR
from vedette.range.faults import Fault
from vedette.range.server import RangeServer

CLIENT, SECRET = COLLECTOR
NAME = "Azure Production Tenant"


@pytest.fixture
def local(fake_tenant: RangeServer, monkeypatch: pytest.MonkeyPatch) -> RangeServer:
    """The fake tenant as a cloud of the settings, and the secret in the environment."""
    place = {"authority": fake_tenant.url, "resource_manager": fake_tenant.url, "ca_file": str(fake_tenant.ca_path)}
    monkeypatch.setenv("VEDETTE_AZURE_CLOUDS", json.dumps({"Local": place}))
    monkeypatch.setenv("THE_SECRET", SECRET)
    moment = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    fake_tenant.tenant.documents.of("graph", TENANT, V2).put(
        "new",
        {
            "id": "new", "title": "New", "createdDateTime": moment, "lastUpdateDateTime": moment, "severity": "low",
            "status": "new", "evidence": [], "serviceSource": "microsoftDefenderForEndpoint",
        },
    )  # fmt: skip
    return fake_tenant


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_an_instance_from_its_making_to_its_end(local: RangeServer, data: Path, vedette: Command) -> None:
    at = ("--data", data)
    kinds = vedette("connectors", "kinds", "--json", *at).json()
    assert "azure-security" in {one["id"] for one in kinds}
    fields = ("--set", f"tenant_id={TENANT}", "--set", f"client_id={CLIENT}", "--set", "cloud=Local")
    made = vedette(
        "connectors", "add", "azure-security", NAME, *fields, "--secret-env", "client_secret=THE_SECRET",
        "--interval", "alerts=600", *at,
    )  # fmt: skip
    assert made.code == 0, made.err
    assert NAME in made.out
    (one,) = vedette("connectors", "list", "--json", *at).json()
    assert {name["endpoint"]: name["intervalSeconds"] for name in one["endpoints"]} == {
        "alerts": 600, "alerts_v2": 300, "incidents": 900,
    }  # fmt: skip
    tested = vedette("connectors", "test", NAME.lower(), *at)
    assert tested.code == 0, tested.out + tested.err
    if (data / "server.json").exists():
        _until(lambda: vedette("connectors", "list", "--json", *at).json()[0]["status"] == "healthy")
        polls = vedette("connectors", "polls", NAME, "--json", *at).json()
        assert {poll["endpoint"] for poll in polls} == {"alerts", "alerts_v2", "incidents"}
        count = vedette("query", "SecurityAlert | count", "--format", "csv", *at)
        _until(lambda: vedette("query", "SecurityAlert | count", "--format", "csv", *at).out.split()[-1] != "0")
        assert count.code == 0
    local.tenant.faults.add(Fault(403, path="*alerts_v2", service="graph", times=None))
    failing = vedette("connectors", "test", NAME, "--json", *at)
    assert failing.code == 1
    assert "SecurityAlert.Read.All" in failing.out
    local.tenant.faults.clear()
    changed = vedette(
        "connectors", "set", NAME, "--disabled", "--name", "Other", "--interval", "incidents=1200",
        "--secret-stdin", "client_secret", *at, stdin="another-secret-value\n",
    )  # fmt: skip
    assert changed.code == 0, changed.err
    (one,) = vedette("connectors", "list", "--json", *at).json()
    assert (one["name"], one["enabled"], one["status"]) == ("Other", False, "disabled")
    assert {name["endpoint"]: name["intervalSeconds"] for name in one["endpoints"]}["alerts"] == 600
    assert vedette("connectors", "test", "Other", *at).code == 1
    shown = vedette("connectors", "list", "--json", *at).out + vedette("connectors", "polls", "Other", *at).out
    assert SECRET not in shown
    assert "another-secret-value" not in shown
    assert vedette("connectors", "delete", "Other", *at).code == 0
    assert vedette("connectors", "list", "--json", *at).json() == []


def test_mistakes_are_named_and_no_secret_is_repeated(local: RangeServer, data: Path, vedette: Command) -> None:
    at = ("--data", data)
    told = []
    for arguments, expected in (
        (("azure-securty", NAME), "azure-security"),
        (("azure-security", NAME, "--set", "client_secret=hush-hush-1"), "--secret-env client_secret=VARIABLE"),
        (("azure-security", NAME, "--set", "hush-hush-2"), "a name, = and a value"),
        (("azure-security", NAME, "--secret-env", "client_secret=NOT_SET_ANYWHERE"), "NOT_SET_ANYWHERE is not set"),
        (("azure-security", NAME, "--secret-env", "tenant_id=THE_SECRET"), "tenant_id is no secret"),
        (("azure-security", NAME, "--set", f"tenant_id={TENANT}"), "is required"),
        (("azure-security", NAME, "--interval", "alerts=often"), "no number of seconds"),
    ):
        done = vedette("connectors", "add", *arguments, *at)
        assert done.code != 0
        assert expected in " ".join(done.err.split()), done.err
        told.append(done.out + done.err)
    assert "hush-hush" not in "".join(told)
    assert SECRET not in "".join(told)
    vedette("connectors", "kinds", *at)
    assert "nobody" in vedette("connectors", "polls", "nobody", *at).err


def test_a_codeless_definition_becomes_a_kind(local: RangeServer, data: Path, vedette: Command, tmp_path: Path) -> None:
    at = ("--data", data)
    file = tmp_path / "definition.json"
    file.write_text(json.dumps(DEFINITION), encoding="utf-8")
    assert vedette("connectors", "import", file, "--json", *at).json() == {"imported": ["contoso-audit"]}
    assert "contoso-audit" in {one["id"] for one in vedette("connectors", "kinds", "--json", *at).json()}
    made = vedette(
        "connectors", "add", "contoso-audit", "Contoso", "--set", "tenant=acme", "--secret-env", "api_key=THE_SECRET",
        "--disabled", *at,
    )  # fmt: skip
    assert made.code == 0, made.err
    moved = vedette("connectors", "set", "Contoso", "--set", "tenant=evil", *at)
    assert moved.code != 0
    assert "api_key has to be entered again" in moved.err
    elsewhere = copy.deepcopy(DEFINITION)
    elsewhere["properties"]["request"]["apiEndpoint"] = "https://{{tenant}}.evil.example/v1/events"
    file.write_text(json.dumps(elsewhere), encoding="utf-8")
    replaced = vedette("connectors", "import", file, *at)
    assert replaced.code != 0
    assert "would ask another host, with credentials that were entered for this one" in " ".join(replaced.err.split())
    file.write_text(json.dumps({**DEFINITION, "kind": "Push"}), encoding="utf-8")
    refused = vedette("connectors", "import", file, *at)
    assert refused.code != 0
    assert "'Push' is not supported" in refused.err
    assert vedette("connectors", "import", tmp_path / "none.json", *at).code != 0
