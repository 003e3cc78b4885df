"""Secrets in HashiCorp Vault: the KV secrets engine, version 2, over its HTTP API.

Source: developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2 (data at MOUNT/data/PATH, all versions at MOUNT/metadata/PATH).
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from vedette.core.deferred import deferred
from vedette.core.redaction import Secret
from vedette.core.secret_backends.contract import TIMEOUT, absent, checked_locator, out_of_reach
from vedette.core.tls import client_context

if TYPE_CHECKING:
    import httpx
else:
    httpx = deferred("httpx")

_KEY: Final = "value"
_MAX_ANSWER: Final = 1 << 20


class HashiCorpVault:
    """One mount of one server: the locator `NAME` is the key `value` of `PREFIX/NAME`."""

    id = "hashicorp-vault"
    title = "HashiCorp Vault"

    def __init__(
        self, url: str, token: Secret, *, prefix: str, mount: str = "secret", namespace: str | None = None,
        ca_file: str | None = None,
    ) -> None:  # fmt: skip
        self._url = url.rstrip("/")
        self._token = token
        self._prefix, self._mount = prefix, mount
        self._namespace = {"X-Vault-Namespace": namespace} if namespace else {}
        self._client = httpx.Client(
            verify=client_context(Path(ca_file) if ca_file else None), timeout=TIMEOUT, follow_redirects=False
        )

    def read(self, locator: str) -> str:
        """The newest version of the secret."""
        answer = self._ask("GET", "data", locator)
        if answer is None:
            raise absent(self.title, self._path(locator))
        data = answer.get("data")
        values = data.get("data") if isinstance(data, dict) else None
        value = values.get(_KEY) if isinstance(values, dict) else None
        if not isinstance(value, str) or not value:
            raise absent(self.title, f"{self._path(locator)}, key {_KEY}")
        return value

    def write(self, locator: str, value: str, expires_at: datetime | None) -> None:
        """Write the secret as a new one."""
        self._ask("POST", "data", locator, {"data": {_KEY: value}})

    def delete(self, locator: str) -> None:
        """Delete every version of the secret."""
        self._ask("DELETE", "metadata", locator)

    def _path(self, locator: str) -> str:
        return f"{self._prefix}/{checked_locator(locator, self.title)}"

    def _ask(self, method: str, what: str, locator: str, body: object = None) -> dict[str, Any] | None:
        address = f"{self._url}/v1/{quote(self._mount)}/{what}/{quote(self._path(locator))}"
        headers = {"X-Vault-Token": self._token.reveal(), "X-Vault-Request": "true", **self._namespace}
        try:
            answer = self._client.request(method, address, headers=headers, json=body)
        except httpx.HTTPError as error:
            raise out_of_reach(self.title, f"{self._url} does not answer ({type(error).__name__})") from None
        if answer.status_code == 404:
            return None
        if answer.status_code in (400, 401, 403):
            raise out_of_reach(
                self.title, f"it refuses the access ({answer.status_code})",
                f"The token's policy needs create, read and delete on {self._mount}/data/{self._prefix}/* and "
                f"{self._mount}/metadata/{self._prefix}/*.",
            )  # fmt: skip
        if answer.status_code >= 300:
            raise out_of_reach(self.title, f"it answers {answer.status_code}")
        if not answer.content or len(answer.content) > _MAX_ANSWER:
            return {}
        try:
            found = answer.json()
        except ValueError:
            raise out_of_reach(self.title, "its answer is no JSON") from None
        return found if isinstance(found, dict) else {}
