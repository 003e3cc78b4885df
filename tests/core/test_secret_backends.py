"""Backends of secrets: each keeps, gives and deletes a value, refuses what it cannot do, and names what is wrong."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest

from vedette.core.clock import VirtualClock
from vedette.core.database import State
from vedette.core.errors import InvalidInput, NotFound, Unavailable
from vedette.core.redaction import Secret
from vedette.core.secret_backends.aws_secrets_manager import AwsSecretsManager
from vedette.core.secret_backends.azure_key_vault import AzureKeyVault
from vedette.core.secret_backends.contract import NotWritable, SecretBackend
from vedette.core.secret_backends.environment import Environment
from vedette.core.secret_backends.hashicorp_vault import HashiCorpVault
from vedette.core.secret_backends.registry import SecretBackends, backends_of
from vedette.core.secrets import Secrets
from vedette.core.settings import load_settings
from vedette.core.tls import LocalAuthority

VALUE = "S3cr3t~abcdefghijklmnop"
TOKEN = "hvs.0123456789abcdefghij"


class Double:
    """A small server over HTTP or TLS that a function answers for: (method, path, headers, body) -> (status, headers, body)."""

    def __init__(
        self, answer: Callable[[str, str, Any, bytes], tuple[int, dict[str, str], Any]], folder: Path | None = None
    ) -> None:
        class Handler(BaseHTTPRequestHandler):
            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status, headers, content = answer(self.command, self.path, self.headers, body)
                data = b"" if content is None else json.dumps(content).encode()
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_PUT = do_POST = do_DELETE = handle_any

            def log_message(self, *_: Any) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.ca_file: Path | None = None
        scheme = "http"
        if folder is not None:
            authority = LocalAuthority.open(folder)
            self._server.socket = authority.server_context().wrap_socket(self._server.socket, server_side=True)
            self.ca_file = folder / "authority.pem"
            self.ca_file.write_bytes(authority.pem)
            scheme = "https"
        self.url = f"{scheme}://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def __enter__(self) -> Double:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Vault:
    """The KV engine, version 2, of HashiCorp Vault: what its HTTP API answers."""

    def __init__(self) -> None:
        self.kept: dict[str, dict[str, Any]] = {}
        self.sealed = False

    def __call__(self, method: str, path: str, headers: Any, body: bytes) -> tuple[int, dict[str, str], Any]:
        if self.sealed:
            return 503, {}, {"errors": ["Vault is sealed"]}
        if headers["X-Vault-Token"] != TOKEN:
            return 403, {}, {"errors": ["permission denied"]}
        _, _, mount, what, name = path.split("/", 4)
        if mount != "kv":
            return 404, {}, {"errors": [f"no handler for route {mount}"]}
        if method == "POST" and what == "data":
            self.kept[name] = json.loads(body)["data"]
            return 200, {}, {"data": {"version": 1}}
        if method == "GET" and what == "data" and name in self.kept:
            return 200, {}, {"data": {"data": self.kept[name], "metadata": {"version": 1}}}
        if method == "DELETE" and what == "metadata":
            self.kept.pop(name, None)
            return 204, {}, None
        return 404, {}, {"errors": []}


class KeyVault:
    """Azure Key Vault's secrets as its REST API has them, with the challenge that tells clients where to sign in."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}
        self.expires: dict[str, int] = {}
        self.url = ""
        self.refuses = False

    def __call__(self, method: str, path: str, headers: Any, body: bytes) -> tuple[int, dict[str, str], Any]:
        if headers["Authorization"] != "Bearer token-of-the-double":
            challenge = 'Bearer authorization="https://login.example/11111111-2222-3333-4444-555555555555", '
            return (
                401,
                {"WWW-Authenticate": challenge + 'resource="https://vault.azure.net"'},
                {"error": {"code": "Unauthorized"}},
            )
        if self.refuses:
            return 403, {}, {"error": {"code": "Forbidden", "message": "no"}}
        name = path.split("?")[0].split("/")[2]
        described = {
            "id": f"{self.url}/secrets/{name}/0123456789abcdef0123456789abcdef",
            "attributes": {"enabled": True},
        }
        if method == "PUT":
            given = json.loads(body)
            self.kept[name] = given["value"]
            self.expires[name] = given.get("attributes", {}).get("exp", 0)
            return 200, {}, {**described, "value": given["value"]}
        if name not in self.kept:
            return 404, {}, {"error": {"code": "SecretNotFound", "message": "not there"}}
        if method == "DELETE":
            del self.kept[name]
            return 200, {}, described
        return 200, {}, {**described, "value": self.kept[name]}


class Credential:
    def get_token(self, *_: str, **__: Any) -> Any:
        from azure.core.credentials import AccessToken

        return AccessToken("token-of-the-double", int(datetime.now(UTC).timestamp()) + 3600)


@pytest.fixture
def vault() -> Iterator[tuple[Vault, HashiCorpVault]]:
    held = Vault()
    with Double(held) as server:
        yield held, HashiCorpVault(server.url, Secret(TOKEN), prefix="vedette", mount="kv")


@pytest.fixture
def key_vault(tmp_path: Path) -> Iterator[tuple[KeyVault, AzureKeyVault]]:
    held = KeyVault()
    with Double(held, tmp_path / "tls") as server:
        held.url = server.url
        yield held, AzureKeyVault(server.url, credential=Credential(), ca_file=str(server.ca_file), known_host=False)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[AwsSecretsManager]:
    moto = pytest.importorskip("moto")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with moto.mock_aws():
        yield AwsSecretsManager("vedette", region="eu-west-1")


@pytest.fixture(params=["vault", "key_vault", "aws"])
def writable(request: pytest.FixtureRequest) -> SecretBackend:
    made = request.getfixturevalue(request.param)
    backend: SecretBackend = made[1] if isinstance(made, tuple) else made
    return backend


def test_what_was_written_is_read_and_deleted(writable: SecretBackend) -> None:
    with pytest.raises(NotFound):
        writable.read("vedette-1")
    writable.write("vedette-1", VALUE, datetime(2027, 1, 1, tzinfo=UTC))
    writable.write("vedette-2", "another", None)
    assert writable.read("vedette-1") == VALUE
    writable.delete("vedette-1")
    writable.delete("vedette-1")
    with pytest.raises(NotFound):
        writable.read("vedette-1")
    assert writable.read("vedette-2") == "another"


@pytest.mark.parametrize("locator", ["", "a/b", "../x", "a b", "ä", "x" * 121, "a?b", "a#b", "-a", "a\nb"])
def test_a_locator_leads_nowhere_else(writable: SecretBackend, locator: str) -> None:
    for ask in (writable.read, writable.delete):
        with pytest.raises(InvalidInput) as refused:
            ask(locator)
        assert locator == "" or locator not in str(refused.value).replace("a name", "")


def test_key_vault_is_told_when_a_secret_expires(key_vault: tuple[KeyVault, AzureKeyVault]) -> None:
    held, backend = key_vault
    backend.write("vedette-1", VALUE, datetime(2027, 1, 1, tzinfo=UTC))
    assert held.expires["vedette-1"] == 1798761600
    held.refuses = True
    with pytest.raises(Unavailable, match="refuses the access") as refused:
        backend.read("vedette-1")
    assert "Key Vault Secrets Officer" in (refused.value.hint or "")


def test_vault_says_what_is_wrong(vault: tuple[Vault, HashiCorpVault]) -> None:
    held, backend = vault
    held.sealed = True
    with pytest.raises(Unavailable, match="503"):
        backend.read("vedette-1")
    held.sealed = False
    with Double(held) as server:
        refused = HashiCorpVault(server.url, Secret("hvs.another-token-9876"), prefix="vedette", mount="kv")
        with pytest.raises(Unavailable, match="refuses the access") as error:
            refused.read("vedette-1")
        assert "another-token" not in str(error.value) + (error.value.hint or "")
    with pytest.raises(Unavailable, match="does not answer"):
        HashiCorpVault(server.url, Secret(TOKEN), prefix="vedette").read("vedette-1")


def test_the_environment_is_read_and_not_written(state: State, tmp_path: Path, clock: VirtualClock) -> None:
    environment = Environment({"VEDETTE_SECRET_API": VALUE, "PATH": "/bin", "VEDETTE_SECRETS_KEY": "x"})
    secrets = Secrets(
        state, tmp_path / "k", clock, backends=SecretBackends({"environment": lambda: environment}, "environment")
    )
    with pytest.raises(NotWritable, match="The environment can be read but not written") as refused:
        secrets.put("a", VALUE)
    assert "VEDETTE_SECRET_NAME" in (refused.value.hint or "")
    reference = secrets.put("a", "secretref:environment:API")
    assert reference.startswith("secretref:environment:")
    assert secrets.get(reference).reveal() == VALUE
    for other in ("PATH", "S_KEY", "ABSENT"):
        with pytest.raises(NotFound):
            secrets.put("b", f"secretref:environment:{other}")
    secrets.delete(reference)
    assert environment.read("API") == VALUE


def test_values_lie_with_the_backend_and_not_in_the_state(
    state: State, tmp_path: Path, clock: VirtualClock, vault: tuple[Vault, HashiCorpVault]
) -> None:
    held, backend = vault
    secrets = Secrets(
        state, tmp_path / "k", clock, backends=SecretBackends({"hashicorp-vault": lambda: backend}, "hashicorp-vault")
    )
    reference = secrets.put("a", VALUE)
    assert [info.backend for info in secrets.list()] == ["hashicorp-vault"]
    assert list(held.kept.values()) == [{"value": VALUE}]
    assert not (tmp_path / "k").exists()
    secrets.stage(reference, "the new one", expires_at=clock.now() + timedelta(days=90))
    assert len(held.kept) == 2  # both at once
    assert secrets.get(reference).reveal() == VALUE
    assert secrets.get(reference, staged=True).reveal() == "the new one"
    secrets.tested(reference, None)
    assert secrets.get(reference).reveal() == "the new one"
    secrets.finish(reference)
    assert list(held.kept.values()) == [{"value": "the new one"}]
    secrets.replace(reference, "a third")
    assert list(held.kept.values()) == [{"value": "a third"}]
    # what an earlier default keeps is read where it is
    later = Secrets(state, tmp_path / "k", clock, backends=SecretBackends({"hashicorp-vault": lambda: backend}))
    assert later.get(reference).reveal() == "a third"
    assert later.put("b", VALUE).startswith("secretref:state:")
    later.delete(reference)
    assert held.kept == {}


def test_a_reference_of_the_first_form_is_read(state: State, tmp_path: Path, clock: VirtualClock) -> None:
    secrets = Secrets(state, tmp_path / "k", clock)
    reference = secrets.put("a", VALUE)
    assert secrets.get(reference.replace("state:", "")).reveal() == VALUE


def test_the_settings_choose_and_name_what_is_missing(tmp_path: Path) -> None:
    assert backends_of(load_settings(data_dir=tmp_path)).default == "state"
    for backend, setting in (
        ("azure-key-vault", "VEDETTE_SECRETS_AZURE_VAULT_URL"),
        ("hashicorp-vault", "VEDETTE_SECRETS_VAULT_URL"),
    ):
        chosen = backends_of(load_settings(data_dir=tmp_path, secrets_backend=backend))
        with pytest.raises(InvalidInput, match=setting):
            chosen.get(backend)
    with pytest.raises(InvalidInput, match="VEDETTE_SECRETS_BACKEND"):
        load_settings(data_dir=tmp_path, secrets_backend="vault")
    with pytest.raises(NotFound, match="azure-keyvault"):
        backends_of(load_settings(data_dir=tmp_path)).get("azure-keyvault")
