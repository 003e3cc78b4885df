"""A server with its front doors, a token for them, and the same server over TLS."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from tests.api.conftest import Running, serving
from vedette.api.server import create_app
from vedette.core.accounts import local_operator
from vedette.core.tls import LocalAuthority


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
            self.url + path, content=content, timeout=30,
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


@pytest.fixture
def over_tls(doors: Doors, tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The doors' address with TLS, and the authority's certificate."""
    authority = LocalAuthority.create()
    issued = authority.issue(tmp_path)
    ca = tmp_path / "ca.pem"
    ca.write_bytes(authority.pem)
    config = uvicorn.Config(
        create_app(doors.running.application), host="127.0.0.1", port=0, lifespan="off", log_level="warning",
        ssl_certfile=str(issued.chain_file), ssl_keyfile=str(issued.key_file),
    )  # fmt: skip
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"https://localhost:{port}", ca
    server.should_exit = True
    thread.join(timeout=20)
