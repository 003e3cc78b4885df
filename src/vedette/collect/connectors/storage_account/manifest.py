"""What the connector Storage Account is and asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Final

from vedette.clients.azure_cloud import CLOUDS, AzureCloud
from vedette.collect.connectors import app_registration
from vedette.collect.connectors.contract import ConnectorManifest, Endpoint
from vedette.core.forms import FieldType, FormField, Permission

ENDPOINT: Final = "blobs"
PREFIX: Final = "insights-logs-"
"""How the containers of diagnostic settings' logs begin."""
ROLE: Final = "Storage Blob Data Reader"
REGISTRATION, SAS, KEY = "App registration", "SAS token", "Account key"
_SIGN_IN: Final = "sign_in"


def manifest(clouds: Mapping[str, AzureCloud] = CLOUDS) -> ConnectorManifest:
    """The form, the endpoint and the troubleshooting rows."""
    return ConnectorManifest(
        id="storage-account", title="Azure Storage Account", category="Cloud Infrastructure",
        about="Reads what diagnostic settings of Azure and Microsoft Entra export into a storage account (PT1H.json blobs in the "
        "containers insights-logs-…), into the table of each category.",
        fields=_fields(clouds),
        permissions=(
            Permission(ROLE, "role on the storage account: lists its containers and reads its blobs"),
            Permission("Read, List", "of a SAS token for Blob, on the resource types Service, Container and Object"),
        ),
        endpoints=(
            Endpoint(ENDPOINT, "Diagnostic logs", timedelta(minutes=5), (), ROLE, "What was added to the blobs of each hour."),
        ),
        prerequisites=(
            "A diagnostic setting with the destination **Archive to a storage account**.",
            "One of: an app registration in Microsoft Entra ID with the role Storage Blob Data Reader on the storage account, a SAS token "
            "with the permissions Read and List, or an account key.",
        ),
        hosts=("<account>.blob.core.windows.net", "login.microsoftonline.com"),
        source_fields=("account", "cloud"),
        vendor_docs="https://learn.microsoft.com/azure/azure-monitor/platform/resource-logs",
        troubleshooting=app_registration.troubleshooting(
            f"Assign the role {ROLE} on the storage account (a SAS token needs Read and List), and allow the address in its firewall."
        ),
        guide="connectors/index.md#storage-account",
    )  # fmt: skip


def _fields(clouds: Mapping[str, AzureCloud]) -> tuple[FormField, ...]:
    signing = {"tenant_id", "client_id", "client_secret", "client_secret_expires_on"}
    account = (
        FormField(
            "account", "Storage account", FieldType.TEXT, "The name of the storage account.", example="contosologs",
            pattern=r"[a-z0-9]{3,24}", rule="be 3 to 24 lower-case letters and digits", address=True,
        ),
        FormField(
            "containers", "Containers", FieldType.TEXT,
            "Names of containers, with commas between them. Empty: every one whose name starts with insights-logs-. A SAS token for "
            "single containers needs them named.",
            required=False, example="insights-logs-signinlogs, insights-logs-auditlogs",
            pattern=r"[a-z0-9$-]{3,63}(?:\s*,\s*[a-z0-9$-]{3,63})*", rule="be names of containers with commas between them",
            max_length=4000,
        ),
        FormField(
            _SIGN_IN, "Sign in with", FieldType.CHOICE, "How the storage account is asked.", required=False,
            default=REGISTRATION, choices=(REGISTRATION, SAS, KEY),
        ),
        FormField(
            "sas_token", "SAS token", FieldType.TEXT, "A shared access signature with the permissions Read and List.", secret=True,
            max_length=2048, pattern=r"\??(?:[^&=\s]+=[^&=\s]*&)*sig=[^&=\s]+(?:&[^&=\s]+=[^&=\s]*)*",
            rule="be a SAS token, which has sig= in it", expiry_field="sas_token_expires_on", when=(_SIGN_IN, SAS),
        ),
        FormField(
            "sas_token_expires_on", "SAS token expires on", FieldType.DATE, "The date in the token's se=; you are reminded before it.",
            required=False, example="2028-11-30", when=(_SIGN_IN, SAS),
        ),
        FormField(
            "account_key", "Account key", FieldType.TEXT, "One of the account's two access keys. It permits everything.",
            secret=True, sent=False, max_length=256, pattern=r"[A-Za-z0-9+/]{4,}={0,2}", rule="be a key in Base64", when=(_SIGN_IN, KEY),
        ),
    )  # fmt: skip
    registered = app_registration.fields(clouds, look_back=1)
    return (
        *account[:3],
        *(replace(one, when=(_SIGN_IN, REGISTRATION), sent=False) for one in registered if one.name in signing),
        *account[3:],
        *(one for one in registered if one.name not in signing),
    )
