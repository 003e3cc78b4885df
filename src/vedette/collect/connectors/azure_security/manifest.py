"""What the connector Azure Security is, asks for and needs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from vedette.clients.azure_cloud import CLOUDS, AzureCloud
from vedette.collect.connectors.contract import ConnectorManifest, Endpoint
from vedette.core.forms import FieldType, FormField, Permission, TroubleshootingRow

ALERTS_V1: Final = "alerts"
ALERTS_V2: Final = "alerts_v2"
INCIDENTS: Final = "incidents"

EVENTS_PERMISSION: Final = "SecurityEvents.Read.All"
ALERT_PERMISSION: Final = "SecurityAlert.Read.All"
INCIDENT_PERMISSION: Final = "SecurityIncident.Read.All"


def manifest(clouds: Mapping[str, AzureCloud] = CLOUDS) -> ConnectorManifest:
    """The manifest, with the clouds that may be chosen; the first one is the default."""
    return ConnectorManifest(
        id="azure-security",
        title="Azure Security",
        category="Cloud Security",
        about="Collects security alerts and incidents of Microsoft Defender for Cloud, Microsoft Sentinel, Microsoft Entra ID and "
        "the Defender products through the Microsoft Graph security API.",
        fields=(
            FormField(
                "tenant_id", "Tenant ID", FieldType.UUID,
                "Directory (tenant) ID of the Microsoft Entra (Azure AD) tenant, on the app registration's overview.",
                example="aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
            ),
            FormField(
                "client_id", "Client ID", FieldType.UUID,
                "Application (client) ID of the app registration, on its overview.",
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
            FormField(
                "first_look_back", "First look-back (days)", FieldType.TEXT,
                "How many days back the first poll goes.", required=False, default="7", pattern=r"[0-9]|[12][0-9]|30",
                rule="be a number of days from 0 to 30",
            ),
            FormField(
                "cloud", "Azure cloud", FieldType.CHOICE, "The Azure cloud that the tenant is in.", required=False,
                default=next(iter(clouds)), choices=tuple(clouds),
            ),
        ),
        permissions=(
            Permission(EVENTS_PERMISSION, "reads security events (alerts, v1 API); application permission, admin consent"),
            Permission(ALERT_PERMISSION, "reads security alerts (v2 API); application permission, admin consent"),
            Permission(
                INCIDENT_PERMISSION, "optional: reads incidents, where the tenant asks for it; application permission"
            ),
        ),
        endpoints=(
            Endpoint(
                ALERTS_V1, "Security alerts (v1)", timedelta(minutes=5), ("SecurityAlert",), EVENTS_PERMISSION,
                "Alerts of Microsoft Defender for Cloud in the older schema.",
            ),
            Endpoint(
                ALERTS_V2, "Security alerts v2", timedelta(minutes=5), ("SecurityAlert", "AlertInfo", "AlertEvidence"),
                ALERT_PERMISSION, "Alerts with typed evidence: mailboxes, messages, URLs, mail clusters and all others.",
            ),
            Endpoint(
                INCIDENTS, "Incidents", timedelta(minutes=15), ("SecurityIncident",), INCIDENT_PERMISSION,
                "Correlated incidents.",
            ),
        ),
        prerequisites=(
            "An active Azure subscription with security services enabled: Microsoft Defender for Cloud or Microsoft 365 Defender.",
            "The role Global Administrator or Application Administrator in Microsoft Entra ID (Azure AD), to register the app.",
            "This machine can reach graph.microsoft.com and login.microsoftonline.com on port 443.",
        ),
        hosts=("graph.microsoft.com", "login.microsoftonline.com"),
        source_fields=("tenant_id", "cloud"),
        vendor_docs="https://learn.microsoft.com/graph/api/resources/security-api-overview",
        troubleshooting=(
            TroubleshootingRow(
                "Authentication failed (401)",
                "Tenant ID, client ID or client secret are wrong, the secret has expired, or the app registration is in another "
                "tenant.",
                "Verify the three values; create a new secret if it has expired.",
            ),
            TroubleshootingRow(
                "Forbidden (403)",
                f"The app registration lacks {EVENTS_PERMISSION} or {ALERT_PERMISSION}, or admin consent was not granted.",
                "Add the permission and grant admin consent. What needs no missing permission is collected meanwhile.",
            ),
            TroubleshootingRow(
                "Rate limited (429)",
                "Microsoft Graph limits the requests of an app and of a tenant.",
                "Raise the polling interval to 10 minutes if it happens often. The endpoint cools down by itself, and longer each "
                "time.",
            ),
            TroubleshootingRow(
                "No data",
                "The instance is disabled, Graph cannot be reached, or there are no alerts in the polling window.",
                "Check that it is enabled, its health and the log, `curl -I https://graph.microsoft.com`, and that Defender for "
                "Cloud or another service raises alerts.",
            ),
        ),
        guide="connectors/azure-security.md",
    )  # fmt: skip
