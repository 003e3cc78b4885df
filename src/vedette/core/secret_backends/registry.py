"""The backends of secrets, by name. A new one is a file and a line here."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from vedette.core.errors import not_found
from vedette.core.redaction import Secret
from vedette.core.secret_backends.aws_secrets_manager import AwsSecretsManager
from vedette.core.secret_backends.azure_key_vault import AzureKeyVault
from vedette.core.secret_backends.contract import SecretBackend, unset
from vedette.core.secret_backends.environment import Environment
from vedette.core.secret_backends.hashicorp_vault import HashiCorpVault

if TYPE_CHECKING:
    from vedette.core.settings import Settings

STATE: Final = "state"
"""The default: encrypted in the state database. `Secrets` itself does it."""


class SecretBackends:
    """The backends of an installation, made when they are first used; `default` is where new values go."""

    def __init__(self, openers: Mapping[str, Callable[[], SecretBackend]] | None = None, default: str = STATE) -> None:
        self._openers = dict(openers) if openers is not None else {Environment.id: Environment}
        self._made: dict[str, SecretBackend] = {}
        self._guard = threading.Lock()
        if default != STATE and default not in self._openers:
            raise not_found("backend of secrets", default, [STATE, *self._openers])
        self.default = default

    def get(self, name: str) -> SecretBackend:
        """The backend of that name; `NotFound` names the nearest one."""
        if name not in self._openers:
            raise not_found("backend of secrets", name, [STATE, *self._openers])
        with self._guard:
            if name not in self._made:
                self._made[name] = self._openers[name]()
            return self._made[name]


def backends_of(settings: Settings) -> SecretBackends:
    """The backends as the settings have them."""
    prefix = settings.secrets_prefix
    ca_file = str(settings.secrets_ca_file) if settings.secrets_ca_file else None

    def key_vault() -> SecretBackend:
        if not settings.secrets_azure_vault_url:
            raise unset(AzureKeyVault.title, "secrets_azure_vault_url")
        known = settings.secrets_azure_vault_url.rstrip("/").endswith(_AZURE)
        return AzureKeyVault(settings.secrets_azure_vault_url, ca_file=ca_file, known_host=known)

    def secrets_manager() -> SecretBackend:
        return AwsSecretsManager(
            prefix, region=settings.secrets_aws_region, endpoint=settings.secrets_aws_endpoint, ca_file=ca_file
        )

    def vault() -> SecretBackend:
        if not settings.secrets_vault_url:
            raise unset(HashiCorpVault.title, "secrets_vault_url")
        if not settings.secrets_vault_token:
            raise unset(HashiCorpVault.title, "secrets_vault_token")
        return HashiCorpVault(
            settings.secrets_vault_url, Secret(settings.secrets_vault_token.get_secret_value()), prefix=prefix,
            mount=settings.secrets_vault_mount, namespace=settings.secrets_vault_namespace, ca_file=ca_file,
        )  # fmt: skip

    return SecretBackends(
        {
            Environment.id: Environment,
            AzureKeyVault.id: key_vault,
            AwsSecretsManager.id: secrets_manager,
            HashiCorpVault.id: vault,
        },
        settings.secrets_backend,
    )


_AZURE: Final = (
    ".vault.azure.net", ".vault.azure.cn", ".vault.usgovcloudapi.net", ".managedhsm.azure.net",
)  # fmt: skip
