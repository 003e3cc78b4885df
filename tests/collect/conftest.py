"""A server with its front doors, a token for them, and the same server over TLS."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.conftest import Running, serving
from tests.collect.connecting import Tenant, tenant_over
from vedette.core.accounts import local_operator
from vedette.core.database import State
from vedette.range.server import RangeServer


@dataclass
class Doors:
    """A running server, as a sender sees it and as an analyst does."""

    running: Running
    token: str
    workspace_id: str

    @property
    def url(self) -> str:
        return self.running.server.url

    def post(self, path: str, content: Any = b"", **headers: str) -> httpx.Response:
        """Send a body with the token as bearer."""
        return httpx.post(
            self.url + path, content=content, timeout=60,
            headers={"Authorization": f"Bearer {self.token}"} | {k.replace("_", "-"): v for k, v in headers.items()},
        )  # fmt: skip

    def rows(self, query: str) -> list[list[Any]]:
        """The rows of a query once all that was accepted is in its table."""
        services = self.running.application.services(self.running.application.workspace("default"))
        assert services.intake.flush()
        return services.logs.query(query).rows


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    with serving(tmp_path_factory.mktemp("doors") / "data") as running:
        application = running.application
        workspace = application.workspace("default")
        made = application.services(workspace).new_ingest_token("tests", 1, local_operator(running.data))
        yield Doors(running, made["token"], workspace.id)


@pytest.fixture(scope="module")
def over_tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Doors, str, Path]]:
    """A server that speaks TLS by itself: its doors, its address, and the authority's certificate."""
    with serving(tmp_path_factory.mktemp("tls") / "data", tls=True) as running:
        application = running.application
        workspace = application.workspace("default")
        made = application.services(workspace).new_ingest_token("tests", 1, local_operator(running.data))
        doors = Doors(running, made["token"], workspace.id)
        yield doors, f"https://localhost:{running.server.port}", running.data / "tls" / "ca.pem"


@pytest.fixture
def tenant(range_server: RangeServer, tmp_path: Path) -> Iterator[Tenant]:
    """Connectors over SQLite."""
    state = State.in_file(tmp_path / "state.db")
    made = tenant_over(range_server, state, tmp_path)
    yield made
    made.runner.close()
    state.dispose()


@pytest.fixture
def either_tenant(range_server: RangeServer, tmp_path: Path, state_url: str) -> Iterator[Tenant]:
    """Connectors over SQLite, and again over PostgreSQL."""
    state = State(state_url)
    made = tenant_over(range_server, state, tmp_path)
    yield made
    made.runner.close()
    state.dispose()
