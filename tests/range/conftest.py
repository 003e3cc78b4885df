"""Doors to the services of the fake tenant besides Azure Resource Manager."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.plugins.fake_tenant import Door

COLLECTOR = ("22222222-3333-4444-8555-666666666666", "range-secret-2")
RESPONDER = ("33333333-4444-4555-8666-777777777777", "range-secret-3")


@dataclass(frozen=True)
class Graph:
    """Microsoft Graph as an application sees it, without an SDK."""

    door: Door
    who: tuple[str, str] = RESPONDER

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        version: str = "v1.0",
        headers: dict[str, str] | None = None,
        **query: str,
    ) -> httpx.Response:
        client, secret = self.who
        token = self.door.token(client=client, secret=secret, resource="https://graph.microsoft.com")
        return self.door.http.request(
            method,
            path if path.startswith("http") else f"/{version}/{path}",
            params={f"${name}": value for name, value in query.items()} or None,
            json=body,
            headers={"Authorization": f"Bearer {token}", **(headers or {})},
        )

    def get(self, path: str, **query: str) -> Any:
        answer = self.ask("GET", path, **query)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
def graph(door: Door) -> Graph:
    """Graph with every permission."""
    return Graph(door)


@pytest.fixture
def collector(door: Door) -> Graph:
    """Graph with the permissions of an application that collects."""
    return Graph(door, COLLECTOR)
