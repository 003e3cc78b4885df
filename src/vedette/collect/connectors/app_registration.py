"""What connectors that sign in as an app registration have in common: the form, and the clouds to choose from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from vedette.clients.azure_cloud import CLOUDS, AzureCloud
from vedette.clients.azure_errors import AzureFailure
from vedette.clients.azure_http import ClientSecretCredentials
from vedette.collect.connectors.contract import ConnectorManifest, Endpoint
from vedette.core.clock import Clock
from vedette.core.forms import FieldType, FormField, TroubleshootingRow
from vedette.core.redaction import Secret

ROLE: Final = "A role on the subscription for the app registration: subscription, **Access control (IAM)**, **Add role assignment**."
REGISTRATION: Final = (
    "An app registration in Microsoft Entra ID with a client secret, made as the guide of Azure Security tells.",
)


class AppRegistrationKind:
    """A connector whose manifest is made of the clouds that a connection may be in."""

    def __init__(
        self, clock: Clock, clouds: Mapping[str, AzureCloud], manifest: Callable[[Mapping[str, AzureCloud]], ConnectorManifest]
    ) -> None:  # fmt: skip
        self._clock, self._clouds = clock, dict(clouds or CLOUDS)
        self._manifest = manifest(self._clouds)

    @property
    def manifest(self) -> ConnectorManifest:
        """What the connector is and which fields it needs."""
        return self._manifest


def fields(clouds: Mapping[str, AzureCloud], *further: FormField, look_back: int = 7) -> tuple[FormField, ...]:
    """Tenant, client and secret, then the connector's own fields, then how far the first poll goes back, and the cloud."""
    return (
        FormField(
            "tenant_id", "Tenant ID", FieldType.UUID,
            "Directory (tenant) ID of the Microsoft Entra tenant, on the app registration's overview.",
            example="aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
        ),
        FormField(
            "client_id", "Client ID", FieldType.UUID, "Application (client) ID of the app registration, on its overview.",
            example="11111111-2222-3333-4444-555555555555",
        ),
        FormField(
            "client_secret", "Client Secret", FieldType.TEXT,
            "Value (not the ID) of a client secret of the app registration.", secret=True, max_length=1024,
            rotate_days=730, expiry_field="client_secret_expires_on",
        ),
        FormField(
            "client_secret_expires_on", "Client secret expires on", FieldType.DATE,
            "The date on which Microsoft Entra lets the secret expire; you are reminded before it.", required=False,
            example="2028-11-30",
        ),
        *further,
        FormField(
            "first_look_back", "First look-back (days)", FieldType.TEXT, "How many days back the first poll goes.",
            required=False, default=str(look_back), pattern=r"[0-9]|[12][0-9]|30", rule="be a number of days from 0 to 30",
        ),
        FormField(
            "cloud", "Azure cloud", FieldType.CHOICE, "The Azure cloud that the tenant is in.", required=False,
            default=next(iter(clouds)), choices=tuple(clouds),
        ),
    )  # fmt: skip


SUBSCRIPTION: Final = FormField(
    "subscription_id", "Subscription ID", FieldType.UUID, "The subscription that is collected from.",
    example="00000000-1111-2222-3333-444444444444",
)  # fmt: skip


def credentials(values: Mapping[str, str], secrets: Mapping[str, Secret]) -> ClientSecretCredentials:
    """The app registration of a form."""
    return ClientSecretCredentials(values["tenant_id"], values["client_id"], secrets["client_secret"])


def troubleshooting(forbidden: str) -> tuple[TroubleshootingRow, ...]:
    """What can go wrong; `forbidden` is what to do about a 403."""
    return (
        TroubleshootingRow(
            "unauthorized (401)",
            "Tenant ID, client ID or client secret are wrong, or the secret has expired.",
            "Verify the three values; create a new secret if it has expired.",
        ),
        TroubleshootingRow("forbidden (403)", "A permission, a role or a licence is missing.", forbidden),
        TroubleshootingRow(
            "throttled (429)",
            "The service limits the requests of an app and of a tenant.",
            "Nothing: the endpoint cools down by itself. Raise the polling interval if it happens often.",
        ),
    )


def role_missing(endpoint: Endpoint, failure: AzureFailure) -> tuple[str, str]:
    """What a 403 of Azure Resource Manager or Log Analytics means."""
    return (
        f"{endpoint.title}: the app registration has no role that allows {endpoint.permission}.",
        f"Assign it a role with {endpoint.permission} (Access control, IAM); it takes some minutes to have an effect.",
    )
