"""Polls Azure Resource Manager for what Defender for Cloud says: alerts, assessments (recommendations), regulatory compliance.

None of the lists can be asked for what changed, so each poll lists all of it, and what is new or has changed since the last list counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from vedette.clients.azure_cloud import CLOUDS, AzureCloud
from vedette.collect.connectors import app_registration
from vedette.collect.connectors.contract import ConnectorManifest, Endpoint
from vedette.collect.connectors.polling import Beside, Source
from vedette.collect.connectors.resource_manager import ResourceManagerKind
from vedette.collect.formats import cloud_posture, defender_alerts
from vedette.core.clock import Clock
from vedette.core.forms import Permission

ALERTS_VERSION: Final = "2022-01-01"
ASSESSMENTS_VERSION: Final = "2020-01-01"
COMPLIANCE_VERSION: Final = "2019-01-01-preview"
_ALERTS: Final = "Microsoft.Security/alerts/read"
_ASSESSMENTS: Final = "Microsoft.Security/assessments/read"
_COMPLIANCE: Final = "Microsoft.Security/regulatoryComplianceStandards/read"


def _without_facts(assessment: Mapping[str, Any]) -> str | None:
    properties = assessment.get("properties")
    known = isinstance(properties, Mapping) and properties.get("metadata")
    return None if known else str(assessment.get("name")).lower()


def _with_facts(assessment: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, Any]:
    return {**assessment, "properties": {**assessment["properties"], "metadata": facts.get("properties")}}


def sources(subscription: str) -> Mapping[str, Source]:
    """What is read of a subscription."""
    return {
        "alerts": Source(
            path=f"{subscription}/providers/Microsoft.Security/alerts", query={"api-version": ALERTS_VERSION},
            read=defender_alerts.read, table="SecurityAlert", service="Azure", test_query={},
            forbidden=app_registration.role_missing,
        ),
        "assessments": Source(
            path=f"{subscription}/providers/Microsoft.Security/assessments", query={"api-version": ASSESSMENTS_VERSION},
            read=cloud_posture.read, table="SecurityRecommendation", service="Azure", test_query={},
            forbidden=app_registration.role_missing,
            # An assessment in a list says neither how severe it is nor what to do about it.
            beside=Beside(
                path=f"{subscription}/providers/Microsoft.Security/assessmentMetadata", query={"api-version": ASSESSMENTS_VERSION},
                title="What assessments are about", wanted=_without_facts, merge=_with_facts,
            ),
        ),
        "compliance": Source(
            path=f"{subscription}/providers/Microsoft.Security/regulatoryComplianceStandards",
            query={"api-version": COMPLIANCE_VERSION}, below=("regulatoryComplianceControls", "regulatoryComplianceAssessments"),
            read=cloud_posture.read, table="SecurityRegulatoryCompliance", service="Azure", test_query={},
            forbidden=app_registration.role_missing,
        ),
    }  # fmt: skip


def manifest(clouds: Mapping[str, AzureCloud] = CLOUDS) -> ConnectorManifest:
    """What the connector is and asks for."""
    return ConnectorManifest(
        id="defender-for-cloud", title="Microsoft Defender for Cloud", category="Cloud Security",
        about="Collects the alerts, recommendations and regulatory compliance of Microsoft Defender for Cloud in a subscription through "
        "Azure Resource Manager.",
        fields=app_registration.fields(clouds, app_registration.SUBSCRIPTION),
        permissions=(Permission("Security Reader", "role on the subscription: reads alerts, assessments and compliance"),),
        endpoints=(
            Endpoint("alerts", "Alerts", timedelta(minutes=5), ("SecurityAlert",), _ALERTS, "Alerts, again when their state changes."),
            Endpoint(
                "assessments", "Recommendations", timedelta(hours=1), ("SecurityRecommendation",), _ASSESSMENTS,
                "Assessments of resources, with their severity and remediation, again when they change.",
            ),
            # A request for each control of each standard: Azure allows 12,000 in an hour, and assesses a few times a day.
            Endpoint(
                "compliance", "Regulatory compliance", timedelta(hours=12), ("SecurityRegulatoryCompliance",), _COMPLIANCE,
                "Assessments of the controls of each standard that the subscription is held to, again when their state or counts change.",
            ),
        ),
        prerequisites=(*app_registration.REGISTRATION, app_registration.ROLE, "Defender for Cloud is enabled on the subscription."),
        hosts=("management.azure.com", "login.microsoftonline.com"),
        source_fields=("tenant_id", "subscription_id", "cloud"),
        vendor_docs="https://learn.microsoft.com/rest/api/defenderforcloud/",
        troubleshooting=app_registration.troubleshooting("Assign the role Security Reader on the subscription."),
        guide="connectors/index.md#defender-for-cloud",
    )  # fmt: skip


class DefenderForCloud(ResourceManagerKind):
    """The connector `defender-for-cloud`."""

    def __init__(self, clock: Clock, clouds: Mapping[str, AzureCloud] = CLOUDS) -> None:
        super().__init__(clock, clouds, manifest, sources)
