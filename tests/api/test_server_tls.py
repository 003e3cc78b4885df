"""The server's own port over TLS."""

from __future__ import annotations

import ssl
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from tests.api.conftest import serving
from vedette.api.application import Application
from vedette.api.server import Server
from vedette.cli.remote import RemoteOperations
from vedette.core.errors import InvalidInput, Unavailable
from vedette.core.settings import load_settings
from vedette.core.tls import LocalAuthority, client_context


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
def test_with_the_authority_of_the_data_directory(tmp_path: Path) -> None:
    with serving(tmp_path / "data", tls=True) as running:
        url = running.server.url
        assert url.startswith("https://127.0.0.1:")
        assert running.application.sign_in_link(url).startswith("https://")
        trusted = client_context(running.data / "tls" / "ca.pem")
        for host in ("127.0.0.1", "localhost"):
            answer = httpx.get(f"https://{host}:{running.server.port}/api/v1/health", verify=trusted, timeout=60)
            assert answer.json()["status"] == "ok"
        with pytest.raises(httpx.ConnectError):  # a stranger does not trust it
            httpx.get(f"{url}/api/v1/health", timeout=60)
        with pytest.raises(httpx.RemoteProtocolError):  # and nothing is answered in the clear
            httpx.get(url.replace("https", "http") + "/api/v1/health", timeout=60)
        with pytest.raises(ssl.SSLError):
            old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
            old.maximum_version = ssl.TLSVersion.TLSv1_2
            old.set_ciphers("ALL:@SECLEVEL=0")
            old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
            import socket

            with socket.create_connection(("127.0.0.1", running.server.port)) as connection:
                old.wrap_socket(connection)
        record = running.application.directory.server()
        assert record is not None
        commands = RemoteOperations(record, "default")
        assert commands.query("print 1").rows == [[1]]
        other = LocalAuthority.create().issue(tmp_path / "other").chain_file.read_text("ascii")
        with pytest.raises(Unavailable, match="does not answer"):
            RemoteOperations(replace(record, certificate=other), "default").query("print 1")


def test_with_a_certificate_of_ones_own(tmp_path: Path) -> None:
    authority = LocalAuthority.create()
    issued = authority.issue(tmp_path / "own", ["siem.example.com"])
    settings = {"tls_certificate": issued.chain_file, "tls_key": issued.key_file}
    with serving(tmp_path / "data", **settings) as running:
        context = client_context(issued.authority_file)
        context.check_hostname = False
        assert httpx.get(f"{running.server.url}/api/v1/health", verify=context, timeout=60).is_success
        record = running.application.directory.server()
        assert record is not None
        # commands on this machine know the certificate, whatever name it has
        assert RemoteOperations(record, "default").query("print 1").rows == [[1]]
        with running.application.directory.server_file.open() as file:
            assert "PRIVATE KEY" not in file.read()


@pytest.mark.parametrize("missing", ["tls_certificate", "tls_key"])
def test_a_certificate_needs_its_key(tmp_path: Path, missing: str) -> None:
    issued = LocalAuthority.create().issue(tmp_path / "own")
    given = {"tls_certificate": issued.chain_file, "tls_key": issued.key_file}
    del given[missing]
    halves = load_settings(data_dir=tmp_path / "data", port=0, **given)
    with Application(halves) as application, pytest.raises(InvalidInput, match="needs both a certificate and its key"):
        Server(application, "127.0.0.1", 0)
    nowhere = {"tls_certificate": issued.chain_file, "tls_key": tmp_path / "no.pem"}
    with (
        Application(load_settings(data_dir=tmp_path / "data", port=0, **nowhere)) as application,
        pytest.raises(InvalidInput, match=r"no\.pem cannot be read: no such file"),
    ):
        Server(application, "127.0.0.1", 0)
    other = LocalAuthority.create().issue(tmp_path / "other")
    settings = load_settings(
        data_dir=tmp_path / "data", port=0, tls_certificate=issued.chain_file, tls_key=other.key_file
    )
    with Application(settings) as application, pytest.raises(InvalidInput, match="cannot be used"):
        Server(application, "127.0.0.1", 0)
