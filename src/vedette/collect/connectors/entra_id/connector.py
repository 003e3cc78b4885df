"""Polls Microsoft Graph for what Microsoft Entra ID logs: sign-ins of people and of applications, audits, risky users.

Graph allows 5 requests to its reports within 10 seconds for an app in a tenant (service-specific throttling limits); that is kept to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Final

from vedette.clients.azure_cloud import CLOUDS, AzureCloud
from vedette.clients.azure_errors import AzureFailure
from vedette.clients.graph import GraphClient
from vedette.collect.connectors import app_registration
from vedette.collect.connectors.changes import change_of
from vedette.collect.connectors.contract import ConnectorManifest, Endpoint
from vedette.collect.connectors.polling import CollectionConnection, Source
from vedette.collect.connectors.rates import Paced
from vedette.collect.formats import entra_graph
from vedette.core.clock import Clock
from vedette.core.forms import Permission
from vedette.core.redaction import Secret

REQUESTS: Final = 5
WITHIN: Final = 10.0
OVERLAP: Final = timedelta(minutes=30)
"""Sign-ins and audits become visible some minutes after they happened, not in order."""
_AUDIT: Final = "AuditLog.Read.All"
_RISK: Final = "IdentityRiskyUser.Read.All"
_UNLICENSED: Final = ("nonpremium", "licen", "premium", "b2ctenant")


def _since(name: str, more: str = "") -> Callable[[str], Mapping[str, str]]:
    return lambda since: {"$filter": f"{name} ge {since}{more}"}


def _forbidden(licence: str) -> Callable[[Endpoint, AzureFailure], tuple[str, str] | None]:
    def told(endpoint: Endpoint, failure: AzureFailure) -> tuple[str, str] | None:
        said = f"{failure.remote_code} {failure.message}".casefold()
        if not any(word in said for word in _UNLICENSED):
            return None
        return (
            f"{endpoint.title}: the tenant has no licence for Microsoft Entra ID {licence}, without which Graph does not give them.",
            f"Licence Microsoft Entra ID {licence}, or leave it: what needs no licence is collected.",
        )

    return told


SOURCES: Final = {
    "sign_ins": Source(
        path="/auditLogs/signIns", query={"$top": "500"}, since=_since("createdDateTime"), overlap=OVERLAP,
        changed=change_of("createdDateTime"), read=entra_graph.read, table="SigninLogs", forbidden=_forbidden("P1 or P2"),
    ),
    "service_principal_sign_ins": Source(
        path="/beta/auditLogs/signIns", query={"$top": "500"}, overlap=OVERLAP,
        since=_since("createdDateTime", " and signInEventTypes/any(t: t eq 'servicePrincipal')"),
        changed=change_of("createdDateTime"), read=entra_graph.read, table="AADServicePrincipalSignInLogs",
        forbidden=_forbidden("P1 or P2"),
    ),
    "directory_audits": Source(
        path="/auditLogs/directoryAudits", query={"$top": "500"}, since=_since("activityDateTime"), overlap=OVERLAP,
        changed=change_of("activityDateTime"), read=entra_graph.read, table="AuditLogs", forbidden=_forbidden("P1 or P2"),
    ),
    "risky_users": Source(
        path="/identityProtection/riskyUsers", query={"$top": "500"}, since=_since("riskLastUpdatedDateTime"),
        changed=change_of("riskLastUpdatedDateTime"), read=entra_graph.read, table="AADRiskyUsers",
        forbidden=_forbidden("P2"),
    ),
}  # fmt: skip


def manifest(clouds: Mapping[str, AzureCloud] = CLOUDS) -> ConnectorManifest:
    """What the connector is and asks for."""
    five = timedelta(minutes=5)
    return ConnectorManifest(
        id="entra-id", title="Microsoft Entra ID", category="Identity",
        about="Collects sign-ins of people and applications, directory audits and risky users of Microsoft Entra ID (Azure AD) "
        "through Microsoft Graph, into the tables that Sentinel's connector fills.",
        fields=app_registration.fields(clouds),
        permissions=(
            Permission(_AUDIT, "reads sign-ins and directory audits; application permission, admin consent"),
            Permission("Directory.Read.All", "reads the directory with them, where Graph asks for it; application permission"),
            Permission(_RISK, "reads risky users; application permission, admin consent"),
        ),
        endpoints=(
            Endpoint("sign_ins", "Sign-ins", five, ("SigninLogs",), _AUDIT, "Interactive sign-ins of people. Needs Entra ID P1 or P2."),
            Endpoint(
                "service_principal_sign_ins", "Sign-ins of service principals", five, ("AADServicePrincipalSignInLogs",), _AUDIT,
                "Sign-ins of applications. Needs Entra ID P1 or P2.",
            ),
            Endpoint("directory_audits", "Directory audits", five, ("AuditLogs",), _AUDIT, "Changes in the directory."),
            Endpoint(
                "risky_users", "Risky users", timedelta(minutes=15), ("AADRiskyUsers",), _RISK,
                "Users at risk, each time that their risk changes. Needs Entra ID P2.",
            ),
        ),
        prerequisites=(
            *app_registration.REGISTRATION, "Microsoft Entra ID P1 or P2 for sign-ins, P2 for risky users.",
            "This machine can reach graph.microsoft.com and login.microsoftonline.com on port 443.",
        ),
        hosts=("graph.microsoft.com", "login.microsoftonline.com"),
        source_fields=("tenant_id", "cloud"),
        vendor_docs="https://learn.microsoft.com/graph/api/resources/azure-ad-auditlog-overview",
        troubleshooting=app_registration.troubleshooting(
            f"Add {_AUDIT} and {_RISK} and grant admin consent; sign-ins need a licence for Entra ID P1 or P2, risky users P2."
        ),
        guide="connectors/index.md#entra-id",
    )  # fmt: skip


class EntraId(app_registration.AppRegistrationKind):
    """The connector `entra-id`."""

    def __init__(self, clock: Clock, clouds: Mapping[str, AzureCloud] = CLOUDS) -> None:
        super().__init__(clock, clouds, manifest)

    def open(self, values: Mapping[str, str], secrets: Mapping[str, Secret]) -> CollectionConnection:
        """A connection with checked values; does no network call."""
        cloud = self._clouds[values["cloud"]]
        client = GraphClient(app_registration.credentials(values, secrets), self._clock, cloud)
        return CollectionConnection(
            Paced(client, self._clock, REQUESTS, WITHIN), SOURCES, self._manifest, self._clock,
            timedelta(days=int(values["first_look_back"])), (cloud.graph, cloud.authority),
        )  # fmt: skip
