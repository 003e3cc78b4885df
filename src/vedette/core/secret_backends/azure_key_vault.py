"""Secrets in Azure Key Vault, through Microsoft's client (azure-keyvault-secrets).

It signs in as `DefaultAzureCredential` does: a managed identity, or AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET.
Source: learn.microsoft.com/azure/key-vault/secrets/about-secrets (names: letters, digits and hyphens, at most 127).
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from vedette.core.azure_sdk import sdk
from vedette.core.errors import InvalidInput
from vedette.core.secret_backends.contract import TIMEOUT, absent, checked_locator, not_installed, out_of_reach

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential


class AzureKeyVault:
    """One vault. The role *Key Vault Secrets Officer* on it is enough; to read alone, *Key Vault Secrets User*."""

    id = "azure-key-vault"
    title = "Azure Key Vault"

    def __init__(
        self, vault_url: str, *, credential: TokenCredential | None = None, ca_file: str | None = None,
        known_host: bool = True,
    ) -> None:  # fmt: skip
        """`known_host` False is for a vault whose name does not end in one of Azure's domains: a double, or Azure Stack."""
        try:
            sdk("azure.keyvault.secrets")
            from azure.keyvault.secrets import SecretClient
        except ImportError:
            raise not_installed(self.title, "azure") from None
        if credential is None:
            from azure.identity import DefaultAzureCredential

            credential = DefaultAzureCredential()
        options: dict[str, Any] = {"connection_timeout": TIMEOUT, "read_timeout": TIMEOUT, "retry_total": 1}
        if ca_file:
            options["connection_verify"] = ca_file
        self._client = SecretClient(vault_url, credential, verify_challenge_resource=known_host, **options)

    def read(self, locator: str) -> str:
        """The newest version of the secret."""
        from azure.core.exceptions import AzureError, ResourceNotFoundError

        name = self._name(locator)
        try:
            value = self._client.get_secret(name).value
        except ResourceNotFoundError:
            raise absent(self.title, name) from None
        except AzureError as error:
            raise self._failed(error) from None
        if not value:
            raise absent(self.title, name)
        return value

    def write(self, locator: str, value: str, expires_at: datetime | None) -> None:
        """Set the secret; Key Vault is told when it expires, and serves it on."""
        from azure.core.exceptions import AzureError

        try:
            self._client.set_secret(self._name(locator), value, expires_on=expires_at, content_type="text/plain")
        except AzureError as error:
            raise self._failed(error) from None

    def delete(self, locator: str) -> None:
        """Delete the secret; a vault with soft deletion keeps it for its days of retention."""
        from azure.core.exceptions import AzureError, ResourceNotFoundError

        try:
            self._client.begin_delete_secret(self._name(locator))
        except ResourceNotFoundError:
            return
        except AzureError as error:
            raise self._failed(error) from None

    def _name(self, locator: str) -> str:
        name = checked_locator(locator, self.title)
        if "_" in name:
            raise InvalidInput(
                f"That is not the name of a secret in {self.title}.",
                code="VDT0541",
                hint="A name has letters, digits and hyphens.",
            )
        return name

    def _failed(self, error: Exception) -> Exception:
        status = getattr(error, "status_code", None)
        if status in (401, 403):
            return out_of_reach(
                self.title,
                f"it refuses the access ({status})",
                "Give the identity the role Key Vault Secrets Officer on the vault.",
            )
        if type(error).__name__ in ("ClientAuthenticationError", "CredentialUnavailableError"):
            return out_of_reach(
                self.title,
                "no sign-in succeeded",
                "Use a managed identity, or set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET.",
            )
        return out_of_reach(self.title, f"{type(error).__name__}{f' ({status})' if status else ''}")
