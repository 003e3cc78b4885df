"""Starting, stopping, seeding."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.plugins.fake_tenant import ABSENT, SUBSCRIPTION, TENANT
from vedette.core.clock import SystemClock
from vedette.core.errors import InvalidInput, NotFound, Unavailable
from vedette.core.ids import seeded_ids
from vedette.core.tls import client_context
from vedette.range.seed import CONTOSO, plant
from vedette.range.server import RangeServer
from vedette.range.state import FakeTenant

CONFIGURATION = f"/{TENANT}/v2.0/.well-known/openid-configuration"


def test_it_is_reached_over_tls_by_who_trusts_its_authority(tmp_path: Path) -> None:
    with RangeServer(directory=tmp_path) as server:
        assert server.url.startswith("https://localhost:")
        assert server.ca_path == tmp_path / "range-ca.pem"
        assert (
            httpx.get(server.url + CONFIGURATION, verify=client_context(server.ca_path), timeout=60).status_code == 200
        )
        with pytest.raises(httpx.ConnectError):
            httpx.get(server.url + CONFIGURATION, verify=ssl.create_default_context(), timeout=60)
    with pytest.raises(httpx.ConnectError):
        httpx.get(server.url + CONFIGURATION, verify=client_context(server.ca_path), timeout=60)


def test_it_runs_beside_asynchronous_code() -> None:
    async def main() -> int:
        async with (
            RangeServer() as server,
            httpx.AsyncClient(verify=client_context(server.ca_path), timeout=60) as http,
        ):
            return (await http.get(server.url + CONFIGURATION)).status_code

    assert asyncio.run(main()) == 200


def test_a_port_in_use_is_one_clear_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(Unavailable, match=f"cannot listen on 127.0.0.1:{port}"):
            RangeServer(port=port).start()


def test_a_process_of_its_own(tmp_path: Path) -> None:
    program = f"""
from pathlib import Path
from vedette.range.server import RangeServer
RangeServer(directory=Path({str(tmp_path)!r})).run(lambda server: print(server.url, flush=True))
"""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=environment)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        trust = client_context(tmp_path / "range-ca.pem")
        assert httpx.get(url + CONFIGURATION, verify=trust, timeout=30).status_code == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()


def test_two_directories_two_subscriptions() -> None:
    tenant = FakeTenant(SystemClock(), ids=seeded_ids(1))
    plant(tenant, CONTOSO)
    other = {
        "directories": [{"id": ABSENT, "display_name": "Fabrikam", "domain": "fabrikam.example"}],
        "subscriptions": [{"id": ABSENT, "tenant_id": ABSENT, "resource_groups": [{"name": "rg"}]}],
    }
    plant(tenant, other)
    assert [entry.display_name for entry in tenant.directories] == ["Contoso", "Fabrikam"]
    found = tenant.subscription(SUBSCRIPTION.upper())
    assert found is not None
    assert found.role_assignments[0].principal_id == tenant.directories[0].applications[0].object_id


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"directories": [{"id": "x", "display_name": "a", "domain": "b"}]}, "directories.0.id"),
        ({"directories": [{"id": ABSENT, "display_name": "a"}]}, "directories.0.domain"),
        ({"tenants": []}, "tenants"),
        ({"subscriptions": [{"id": ABSENT, "tenant_id": ABSENT}]}, ABSENT),
    ],
)
def test_a_seed_that_is_not_right_plants_nothing(document: dict[str, Any], words: str) -> None:
    tenant = FakeTenant(SystemClock())
    with pytest.raises(InvalidInput, match=words):
        plant(tenant, document)
    assert tenant.directories == []


def test_a_role_that_does_not_exist_is_told_the_nearest() -> None:
    directory = {"id": ABSENT, "display_name": "a", "domain": "b"}
    assignment = {"principal": ABSENT, "role": "Microsoft Sentinel Respnder", "scope": "/"}
    subscription = {"id": ABSENT, "tenant_id": ABSENT, "role_assignments": [assignment]}
    with pytest.raises(NotFound) as caught:
        plant(FakeTenant(SystemClock()), {"directories": [directory], "subscriptions": [subscription]})
    assert caught.value.hint == "Did you mean 'Microsoft Sentinel Responder'?"


def test_a_reset_forgets_everything_and_keeps_the_address(range_server: RangeServer) -> None:
    url = range_server.url
    range_server.reset().directories[0].applications.clear()
    assert range_server.reset().directories[0].applications
    assert range_server.url == url
