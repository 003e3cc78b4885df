"""A fake tenant of the test's own: Entra's token service and Azure Resource Manager on one TLS port."""

from __future__ import annotations

import shutil
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from filelock import FileLock

from vedette.core.clock import VirtualClock
from vedette.core.tls import client_context
from vedette.range.seed import CONTOSO
from vedette.range.server import RangeServer

TENANT: str = CONTOSO["directories"][0]["id"]
CLIENT: str = CONTOSO["directories"][0]["applications"][0]["client_id"]
SECRET: str = CONTOSO["directories"][0]["applications"][0]["secrets"][0]["value"]
SUBSCRIPTION: str = CONTOSO["subscriptions"][0]["id"]
GROUP = "rg-sec-prod"
WORKSPACE = "law-sec-prod"
ABSENT = "8c1e6f0a-0000-4000-8000-0f6f2f0f3a11"
START = datetime(2026, 3, 4, 10, 15, 30, tzinfo=UTC)

PREVIEW_SDK = "azure-mgmt-securityinsight==2.0.0b4"


@dataclass(frozen=True)
class Door:
    """A fake tenant with a clock that the test moves, and a plain HTTP client for it."""

    server: RangeServer
    clock: VirtualClock
    http: httpx.Client

    def token(
        self, *, client: str = CLIENT, secret: str = SECRET, resource: str = "https://management.azure.com"
    ) -> str:
        """An access token, got as a client gets it."""
        answer = self.http.post(
            f"/{TENANT}/oauth2/v2.0/token",
            data={
                "grant_type": "client_credentials",
                "client_id": client,
                "client_secret": secret,
                "scope": f"{resource}/.default",
            },
        )
        assert answer.status_code == 200, answer.text
        text: str = answer.json()["access_token"]
        return text

    def arm(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        version: str | None = "2022-07-01-preview",
        token: str | None = None,
        headers: dict[str, str] | None = None,
        **query: str,
    ) -> httpx.Response:
        """A request to Azure Resource Manager. A path that does not start with a slash is below the workspace."""
        if not path.startswith("/"):
            path = f"{insights()}/{path}"
        parameters = {f"${name}": value for name, value in query.items()}
        if version is not None:
            parameters["api-version"] = version
        return self.http.request(
            method,
            path,
            params=parameters,
            json=body,
            headers={"Authorization": f"Bearer {token or self.token()}", **(headers or {})},
        )


def insights(subscription: str = SUBSCRIPTION, group: str = GROUP, workspace: str = WORKSPACE) -> str:
    """The path of a workspace's Microsoft.SecurityInsights provider."""
    return (
        f"/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.OperationalInsights"
        f"/workspaces/{workspace}/providers/Microsoft.SecurityInsights"
    )


@pytest.fixture(scope="session")
def range_server() -> Iterator[RangeServer]:
    """One server for the whole run; `fake_tenant` and `door` start it afresh for each test."""
    with RangeServer() as server:
        yield server


@pytest.fixture
def fake_tenant(range_server: RangeServer) -> RangeServer:
    """The fake tenant `CONTOSO` on the clock of this machine."""
    range_server.reset()
    return range_server


@pytest.fixture(scope="session")
def range_trust(range_server: RangeServer) -> ssl.SSLContext:
    """What a client needs to trust `range_server`; made once, since reading the system's authorities takes a while."""
    return client_context(range_server.ca_path)


@pytest.fixture
def door(range_server: RangeServer, range_trust: ssl.SSLContext) -> Iterator[Door]:
    """The fake tenant `CONTOSO` at `START`, with an HTTP client that trusts it."""
    clock = VirtualClock(START)
    range_server.reset(clock=clock)
    with httpx.Client(base_url=range_server.url, verify=range_trust, timeout=60) as http:
        yield Door(range_server, clock, http)


@pytest.fixture(scope="session")
def preview_sdk(request: pytest.FixtureRequest) -> Callable[[str], subprocess.CompletedProcess[str]]:
    """Runs a Python program with the preview of Microsoft's SDK, which cannot be installed beside the stable one.

    It is installed once, into pytest's cache; where that cannot be done the test is skipped.
    """
    folder = Path(request.config.cache.mkdir("securityinsight")) / "2.0.0b4"
    with FileLock(folder.with_suffix(".lock")):  # another worker may need it at the same moment
        if not folder.is_dir():
            made = folder.with_suffix(".new")
            shutil.rmtree(made, ignore_errors=True)  # what was cut off
            command = [
                sys.executable,
                "-m",
                "pip",
                "install",
                "--quiet",
                "--no-deps",
                "--target",
                str(made),
                PREVIEW_SDK,
            ]
            done = subprocess.run(command, capture_output=True, text=True, timeout=240)
            if done.returncode:
                pytest.skip(f"{PREVIEW_SDK} could not be installed: {done.stderr.strip().splitlines()[-1:]}")
            made.rename(folder)

    def run(program: str) -> subprocess.CompletedProcess[str]:
        code = f"import sys; sys.path.insert(0, {str(folder)!r})\n{program}"
        return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)

    return run
