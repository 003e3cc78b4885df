"""A new one-time sign-in of a running server."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.cli.conftest import Command
from vedette.core.datadir import DataDirectory


@pytest.mark.parametrize("data", ["served"], indirect=True)
def test_a_new_sign_in_works_once(vedette: Command, data: Path) -> None:
    first, second = (vedette("sign-in", "--data", data) for _ in range(2))
    assert first.code == second.code == 0
    assert first.out != second.out
    record = DataDirectory(data).server()
    assert record is not None
    for link in (first.out.strip(), second.out.strip()):
        parts = urlsplit(link)
        assert f"{parts.scheme}://{parts.netloc}" == record.url
        assert parts.path == "/signin"
        token = {"token": parts.query.partition("token=")[2]}
        assert httpx.post(f"{record.url}/api/v1/session", json=token, timeout=60).status_code == 200
        again = httpx.post(f"{record.url}/api/v1/session", json=token, timeout=60)
        assert again.status_code == 401
        assert "vedette sign-in" in again.json()["error"]["hint"]


@pytest.mark.parametrize("data", ["served"], indirect=True)
def test_a_token_of_a_sender_makes_no_sign_in(vedette: Command, data: Path) -> None:
    token = vedette("ingest", "token", "shipper", "--data", data).out.strip()
    record = DataDirectory(data).server()
    assert record is not None
    address = f"{record.url}/api/v1/workspaces/default/local/sign-in"
    assert httpx.post(address, headers={"Authorization": f"Bearer {token}"}, timeout=60).status_code == 403
    assert httpx.post(address, timeout=60).status_code == 401


@pytest.mark.parametrize("data", ["alone"], indirect=True)
def test_no_server_no_sign_in(vedette: Command, data: Path) -> None:
    assert "This command needs a data directory." in vedette("sign-in").err
    missing = vedette("sign-in", "--data", data)
    assert missing.code == 1
    assert "No server holds the data directory" in missing.err
    assert not data.exists()
